"""Units of `engine generate systemd` under systemd."""

from host_test import IS_ROOT, wait_until
from units_test import UNITS, UnitsTest

IDLE = ("sh", "-c", "trap 'exit 0' TERM; while true; do sleep 0.1; done")


class GeneratedUnitsTest(UnitsTest):
    def create(self, name, *options, command=IDLE):
        self.engine("create", "--name", name, "--network", "none", *options, "--rootfs", self.rootfs, *command)
        self.addCleanup(self.engine, "rm", "-f", name, check=False)

    def install(self, name, *options):
        text = self.engine("generate", "systemd", *options, name).stdout
        unit = text.split("\n", 1)[0].removeprefix("# ")
        self.write(UNITS, unit, text)
        self.systemctl("daemon-reload")
        return unit

    def verify(self, unit):
        words = ["--system"] if IS_ROOT else ["--user"]
        result = self.call("systemd-analyze", *words, "--man=no", "verify", UNITS / unit, check=False)
        complaints = [line for line in result.stderr.splitlines() if unit in line]
        self.assertEqual((complaints, result.status), ([], 0), result.stderr)

    def test_an_existing_container_starts_and_stops_with_its_unit(self):
        for name, option in (("g-by-name", "--name"), ("g-by-id", "--name=false")):
            with self.subTest(option):
                self.create(name)
                unit = self.install(name, option)
                self.verify(unit)
                self.start_units(unit)
                self.assert_active(unit)
                self.assertEqual(self.engine("ps", "--filter", f"name={name}", "--format", "{{.State}}").stdout, "running\n")
                self.assertNotEqual(self.show(unit, "MainPID"), "0")
                self.systemctl("stop", unit)
                self.assertEqual(self.show(unit, "Result"), "success")
                self.assertEqual(self.engine("ps", "-a", "--filter", f"name={name}", "--format", "{{.State}}").stdout,
                                 "exited\n")

    def test_an_existing_container_that_is_killed_is_started_again(self):
        self.create("g-killed")
        unit = self.install("g-killed", "--name", "--restart-policy", "always", "--restart-sec", 0)
        self.start_units(unit)
        self.engine("kill", "g-killed")
        wait_until(lambda: self.show(unit, "NRestarts") == "1", "one restart", 60)
        self.wait_for_state(unit, "active")

    def test_a_new_container_at_each_start(self):
        self.create("g-new", "-e", "WORDS=a b", "-e", "SIGNS=100% of $X", "--stop-timeout", 5)
        unit = self.install("g-new", "--new", "--name")
        self.verify(unit)
        self.engine("rm", "g-new")
        self.start_units(unit)
        self.assert_active(unit)
        self.assertEqual(self.show(unit, "Type"), "notify")
        self.assertNotEqual(self.show(unit, "MainPID"), "0")
        self.assertEqual(self.engine("exec", "g-new", "sh", "-c", "echo $WORDS; echo $SIGNS").stdout, "a b\n100% of $X\n")
        label = self.engine("inspect", "--format", '{{index .Config.Labels "PODMAN_SYSTEMD_UNIT"}}', "g-new").stdout
        self.assertEqual(label, f"{unit}\n")
        first = self.engine("inspect", "--format", "{{.Id}}", "g-new").stdout
        self.systemctl("restart", unit)
        self.assertNotEqual(self.engine("inspect", "--format", "{{.Id}}", "g-new").stdout, first)
        self.systemctl("stop", unit)
        self.assertEqual(self.show(unit, "Result"), "success")
        self.assert_gone("g-new")

    def test_a_new_container_that_fails_is_started_again(self):
        self.create("g-fails", command=("sh", "-c", "sleep 0.2; exit 3"))
        unit = self.install("g-fails", "--new", "--name", "--restart-policy", "on-failure", "--restart-sec", 0)
        self.engine("rm", "g-fails")
        self.started.append(unit)
        self.systemctl("start", unit, check=False)
        wait_until(lambda: self.show(unit, "NRestarts") not in ("", "0"), "a restart", 60)

    def test_instances_of_a_template(self):
        self.create("g-each")
        unit = self.install("g-each", "--template", "--name", "--container-prefix=", "--separator=")
        self.assertEqual(unit, "g-each@.service")
        self.engine("rm", "g-each")
        self.start_units("g-each@one.service", "g-each@two.service")
        names = self.engine("ps", "--format", "{{.Names}}").stdout.split()
        self.assertLessEqual({"g-each-one", "g-each-two"}, set(names))
