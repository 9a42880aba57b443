"""Quadlet files under systemd: each kind starts, is ready, does what it says, and stops cleanly."""

import os
import shutil
import unittest

from host_test import IS_ROOT, wait_until
from units_test import GENERATOR, QUADLETS, SYSTEMCTL, UnitsTest

# The loop ends at once when it is asked to, so that stopping forty of them takes no patience.
IDLE = "sh -c 'trap \"exit 0\" TERM; while true; do sleep 0.1; done'"

# (lines of [Container], what to run inside, what that prints). {dir} is a folder of the test.
KINDS = {
    "plain": ("", "echo ok", "ok"),
    "environment": ("Environment=A=1 \"B=two words\"", "echo $A-$B", "1-two words"),
    "reset": ("Environment=A=1\nEnvironment=\nEnvironment=B=2", "echo \"<$A>$B\"", "<>2"),
    "continued": ("Environment=A=1 \\\n  # a comment\n  B=2", "echo $A$B", "12"),
    "specifier": ("Environment=UNIT=%n", "echo $UNIT", "q-specifier.service"),
    "environmentfile": ("EnvironmentFile={dir}/env", "echo $FROM_FILE", "file"),
    "hostname": ("HostName=box.example", "hostname", "box.example"),
    "user": ("User=12", "id -u", "12"),
    "usergroup": ("User=12\nGroup=34", "id -g", "34"),
    "groupadd": ("GroupAdd=77", "id -G", "0 77"),
    "workdir": ("WorkingDir=/tmp", "pwd", "/tmp"),
    "readonly": ("ReadOnly=yes", "touch /x 2>/dev/null || echo refused", "refused"),
    "readonlytmpfs": ("ReadOnly=yes\nReadOnlyTmpfs=yes", "touch /tmp/x && echo written", "written"),
    "tmpfs": ("Tmpfs=/work:size=1m", "touch /work/x && stat -f -c %T /work", "tmpfs"),
    "volume": ("Volume={dir}/shared:/shared:ro", "cat /shared/file", "shared"),
    "mount": ("Mount=type=bind,source={dir}/shared,destination=/m", "cat /m/file", "shared"),
    "namedvolume": ("Volume=q-data.volume:/data", "touch /data/x && ls /data", "x"),
    "anonymous": ("Volume=/anon", "touch /anon/x && echo written", "written"),
    "dropcap": ("DropCapability=all", "grep CapEff /proc/self/status | cut -f2", "0000000000000000"),
    "addcap": ("DropCapability=all\nAddCapability=CAP_KILL CAP_CHOWN", "grep CapEff /proc/self/status | cut -f2",
               "0000000000000021"),
    "nonewprivileges": ("NoNewPrivileges=true", "grep NoNewPrivs /proc/self/status | cut -f2", "1"),
    "seccomp": ("SeccompProfile=unconfined", "grep Seccomp: /proc/self/status | cut -f2", "0"),
    "init": ("RunInit=true", "echo ok", "ok"),
    "ulimit": ("Ulimit=nofile=100:200", "ulimit -n", "100"),
    "sysctl": ("Sysctl=net.ipv4.ip_forward=1", "cat /proc/sys/net/ipv4/ip_forward", "1"),
    "addhost": ("AddHost=peer:192.0.2.7", "grep -c 192.0.2.7 /etc/hosts", "1"),
    "dns": ("Network=host\nDNS=192.0.2.53", "cat /etc/resolv.conf", "nameserver 192.0.2.53"),
    "shm": ("ShmSize=2m", "stat -f -c %b /dev/shm", "512"),
    "label": ("Label=a=b \"c=d e\"", "echo ok", "ok"),
    "annotation": ("Annotation=a=b", "echo ok", "ok"),
    "containername": ("ContainerName=q-by-name", "echo ok", "ok"),
    "secret": ("Secret=q-secret", "cat /run/secrets/q-secret", "hidden"),
    "mask": ("Mask=/proc/version", "cat /proc/version", ""),
    "unmask": ("Unmask=ALL", "echo ok", "ok"),
    "cgroups": ("CgroupsMode=no-conmon", "echo ok", "ok"),
    "podmanargs": ("PodmanArgs=--env X=1 \"--env=Y=a b\"", "echo $X$Y", "1a b"),
    "globalargs": ("GlobalArgs=--log-level=info", "echo ok", "ok"),
    "logs": ("LogDriver=none", "echo ok", "ok"),
    "stopsignal": ("StopSignal=TERM\nStopTimeout=5", "echo ok", "ok"),
    "hostnetwork": ("Network=host", "echo ok", "ok"),
    "entrypoint": ("Entrypoint=/bin/sh", "echo ok", "ok"),
    "usernsmap": ("UserNS=host", "id -u", "0"),
}


class QuadletTest(UnitsTest):
    def setUp(self):
        super().setUp()
        (self.dir / "shared").mkdir()
        (self.dir / "shared/file").write_text("shared\n")
        (self.dir / "env").write_text("# comment\nFROM_FILE=file\n")
        self.assertTrue(os.path.exists(GENERATOR), GENERATOR)

    def quadlet(self, name, lines="", exec_line=f"Exec={IDLE}", rest=""):
        network = "" if "Network=" in lines else "Network=none\n"
        self.write(QUADLETS, f"q-{name}.container",
                   f"[Container]\nRootfs={self.rootfs}\n{network}{lines}\n{exec_line}\n{rest}")

    def name_of(self, kind):
        return "q-by-name" if kind == "containername" else f"systemd-q-{kind}"

    def test_every_kind_starts_is_ready_and_stops(self):
        secret = self.dir / "secret"
        secret.write_text("hidden")
        self.engine("secret", "create", "q-secret", secret)
        self.addCleanup(self.engine, "secret", "rm", "q-secret", check=False)
        self.write(QUADLETS, "q-data.volume", "[Volume]\n")
        self.addCleanup(self.engine, "volume", "rm", "-f", "systemd-q-data", check=False)
        for kind, (lines, _, _) in KINDS.items():
            exec_line = f"Exec={IDLE.removeprefix('sh ')}" if kind == "entrypoint" else f"Exec={IDLE}"
            self.quadlet(kind, lines.format(dir=self.dir), exec_line)
        self.systemctl("daemon-reload")
        units = [f"q-{kind}.service" for kind in KINDS]
        self.start_units(*units)
        self.addCleanup(self.systemctl, "stop", "q-data-volume.service", check=False)
        if IS_ROOT:  # an ordinary user may not read all of it
            journal = self.call("journalctl", "--no-pager", "--output=cat", "--unit=q-plain.service").stdout
            self.assertRegex(journal, "Started q-plain.service")
            self.assertNotIn("not our child", journal)
        for kind, (_, probe, expected) in KINDS.items():
            with self.subTest(kind):
                self.assert_active(f"q-{kind}.service")
                self.assertNotEqual(self.show(f"q-{kind}.service", "MainPID"), "0")
                result = self.engine("exec", self.name_of(kind), "sh", "-c", probe)
                self.assertEqual(result.stdout.strip(), expected)
        self.systemctl("stop", *units)
        for kind in KINDS:
            with self.subTest(kind, phase="stopped"):
                self.assertEqual(self.show(f"q-{kind}.service", "ActiveState"), "inactive")
                self.assertEqual(self.show(f"q-{kind}.service", "Result"), "success")
        self.assert_gone(*[self.name_of(kind) for kind in KINDS])

    def test_a_container_that_fails_is_started_again(self):
        (self.dir / "shared/once").write_text("")
        self.quadlet("restarts", f"Volume={self.dir}/shared:/shared",
                     "Exec=sh -c 'if test -e /shared/once; then rm /shared/once; exit 3; fi; exec sleep 1000'",
                     "[Service]\nRestart=on-failure\nRestartSec=0\n")
        self.systemctl("daemon-reload")
        self.started.append("q-restarts.service")
        self.systemctl("start", "q-restarts.service", check=False)
        wait_until(lambda: self.show("q-restarts.service", "NRestarts") == "1", "one restart", 60)
        self.wait_for_state("q-restarts.service", "active")

    def test_a_killed_container_is_started_again(self):
        self.quadlet("killed", "", rest="[Service]\nRestart=on-failure\nRestartSec=0\n")
        self.systemctl("daemon-reload")
        self.start_units("q-killed.service")
        self.engine("kill", "systemd-q-killed")
        wait_until(lambda: self.show("q-killed.service", "NRestarts") == "1", "one restart", 60)
        self.wait_for_state("q-killed.service", "active")

    def test_a_program_that_is_not_there_fails_the_unit(self):
        self.quadlet("absent", "", "Exec=/no/such/program")
        self.systemctl("daemon-reload")
        self.started.append("q-absent.service")
        self.assertNotEqual(self.systemctl("start", "q-absent.service", check=False).status, 0)
        self.assertEqual(self.show("q-absent.service", "ActiveState"), "failed")
        self.assert_gone("systemd-q-absent")

    def test_a_job_is_done_when_its_unit_is(self):
        self.quadlet("job", f"Volume={self.dir}/shared:/shared", "Exec=touch /shared/done",
                     "[Service]\nType=oneshot\nRemainAfterExit=yes\n")
        self.systemctl("daemon-reload")
        self.start_units("q-job.service")
        self.assertTrue((self.dir / "shared/done").exists())
        self.assert_active("q-job.service")

    def test_templates_have_instances(self):
        self.quadlet("each@", "Environment=WHICH=%i")
        self.systemctl("daemon-reload")
        self.start_units("q-each@one.service", "q-each@two.service")
        for instance in ("one", "two"):
            result = self.engine("exec", f"systemd-q-each_{instance}", "sh", "-c", "echo $WHICH")
            self.assertEqual(result.stdout, f"{instance}\n")

    def test_drop_ins_and_enabling(self):
        self.quadlet("drop", "Environment=A=1")
        folder = QUADLETS / "q-drop.container.d"
        self.write(folder, "10-more.conf", "[Container]\nEnvironment=B=2\n[Install]\nWantedBy=default.target\n")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        self.systemctl("daemon-reload")
        # Of the system's manager it is another name of one of these.
        self.assertRegex(self.show("q-drop.service", "WantedBy"), "default.target|graphical.target|multi-user.target")
        self.start_units("q-drop.service")
        self.assertEqual(self.engine("exec", "systemd-q-drop", "sh", "-c", "echo $A$B").stdout, "12\n")

    def test_reloading_sends_the_signal(self):
        self.quadlet("reload", "ReloadSignal=HUP",
                     "Exec=sh -c 'trap \"touch /tmp/reloaded\" HUP; trap \"exit 0\" TERM; while true; do sleep 0.1; done'")
        self.systemctl("daemon-reload")
        self.start_units("q-reload.service")
        self.systemctl("reload", "q-reload.service")
        wait_until(lambda: self.engine("exec", "systemd-q-reload", "test", "-e", "/tmp/reloaded", check=False).status == 0,
                   "the signal arrived", 60)

    def test_what_is_wrong_is_told_and_makes_no_unit(self):
        self.quadlet("wrong", "NoSuchKey=1")
        result = self.call(GENERATOR, "--dryrun", check=False)
        self.assertEqual(result.status, 1)
        self.assertIn(f"{QUADLETS}/q-wrong.container:4: unsupported key \"NoSuchKey\" in [Container]", result.stderr)
        self.systemctl("daemon-reload")
        self.assertEqual(self.show("q-wrong.service", "LoadState"), "not-found")

    def test_all_generated_units_verify(self):
        for kind, (lines, _, _) in KINDS.items():
            self.quadlet(kind, lines.format(dir=self.dir))
        for name, text in (("q-data.volume", "[Volume]\n"), ("q-net.network", "[Network]\n"),
                           ("q-image.image", "[Image]\nImage=quay.io/x\n"), ("q-pod.pod", "[Pod]\n"),
                           ("q-build.build", "[Build]\nImageTag=localhost/x\nSetWorkingDirectory=unit\n"),
                           ("q-kube.kube", "[Kube]\nYaml=/x.yaml\n")):
            self.write(QUADLETS, name, text)
        made = self.dir / "made"
        self.call(GENERATOR, made)
        # What the second boot is to start lies there, too.
        units = sorted(path for path in made.iterdir() if path.name.startswith("q-") and path.name.endswith(".service"))
        self.assertEqual(len(units), len(KINDS) + 6)
        words = ["--system"] if IS_ROOT else ["--user"]
        result = self.call("systemd-analyze", *words, "--man=no", "verify", *units, check=False)
        complaints = [line for line in result.stderr.splitlines() if "/made/" in line or line.startswith("q-")]
        self.assertEqual((complaints, result.status), ([], 0), result.stderr)

    def test_the_commands_of_quadlet(self):
        source = self.dir / "q-listed.container"
        source.write_text(f"[Container]\nRootfs={self.rootfs}\nNetwork=none\nExec={IDLE}\n")
        self.files.append(QUADLETS / source.name)
        self.assertEqual(self.engine("quadlet", "install", source).stdout, f"{QUADLETS}/q-listed.container\n")
        self.assertEqual(self.engine("quadlet", "install", source, check=False).status, 125)
        self.start_units("q-listed.service")
        row = self.engine("quadlet", "list", "--filter", "name=q-listed*", "--format",
                          "{{.Name}} {{.UnitName}} {{.Status}}").stdout
        self.assertEqual(row, "q-listed.container q-listed.service active/running\n")
        self.assertEqual(self.engine("quadlet", "print", "q-listed.container").stdout, source.read_text())
        self.assertEqual(self.engine("quadlet", "rm", "q-listed.container", check=False).status, 125)
        self.assertEqual(self.engine("quadlet", "rm", "--force", "q-listed.container").stdout, "q-listed.container\n")
        self.assertEqual(self.show("q-listed.service", "LoadState"), "not-found")
        self.assertNotIn("q-listed", self.engine("quadlet", "list").stdout)

    @unittest.skipIf(IS_ROOT, "restarts the user's manager")
    def test_files_survive_a_new_start_of_the_manager(self):
        self.quadlet("again", "", rest="[Install]\nWantedBy=default.target\n")
        self.systemctl("daemon-reexec")
        self.systemctl("daemon-reload")
        self.start_units("q-again.service")
        self.systemctl("daemon-reexec")
        wait_until(lambda: self.call(*SYSTEMCTL, "is-active", "q-again.service", check=False).status == 0,
                   "still active", 60)
