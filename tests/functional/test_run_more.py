"""Options of run and create that scripts meet now and then: --attach, --pidfile, --requires, --rmi, --hosts-file …"""

import json
import unittest

from engine_test import BUSYBOX, EngineTest, wait_until

BOTH = ("sh", "-c", "echo out; echo err >&2")


class RunMoreTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()

    def run_box(self, *options, words=("true",), check=True):
        return self.engine("run", "--rm", "--network", "none", *options, BUSYBOX, *words, check=check)

    def sleeper(self, name, *options):
        return self.engine("run", "-d", "--network", "none", "--name", name, *options, BUSYBOX, "sleep",
                           "1000").stdout.strip()

    def test_attach_chooses_streams(self):
        for streams, shown in ((("stdout",), ("out\n", "")), (("stderr",), ("", "err\n")), (("stdin",), ("", "")),
                               (("stdout", "stderr"), ("out\n", "err\n")), (("stdout,stderr",), ("out\n", "err\n"))):
            with self.subTest(streams=streams):
                words = [word for stream in streams for word in ("-a", stream)]
                done = self.run_box(*words, words=BOTH)
                self.assertEqual((done.stdout, done.stderr), shown)
        self.assertEqual(self.run_box("--attach=stderr", words=("sh", "-c", "exit 7"), check=False).status, 7)
        refused = self.run_box("-a", "stdnonsense", check=False)
        self.assert_fails(refused, 125, 'invalid stream "stdnonsense" for --attach')
        self.assert_no_containers()

    def test_what_is_not_attached_is_in_the_log(self):
        self.engine("run", "--name", "box", "--network", "none", "-a", "stderr", BUSYBOX, *BOTH)
        self.assertEqual(self.engine("logs", "box").stdout, "out\n")

    def test_pid_files_are_written_at_each_start(self):
        box = self.sleeper("box", "--pidfile", "process.pid", "--conmon-pidfile", f"{self.dir}/monitor.pid")
        state = self.inspect(box)["State"]
        self.assertEqual((self.dir / "process.pid").read_text(), str(state["Pid"]))
        self.assertEqual((self.dir / "monitor.pid").read_text(), str(state["ConmonPid"]))
        self.assertEqual(self.inspect(box)["PidFile"], f"{self.dir}/process.pid")
        self.engine("restart", "-t", "0", box)
        self.assertEqual((self.dir / "process.pid").read_text(), str(self.inspect(box)["State"]["Pid"]))
        self.assertNotEqual(self.inspect(box)["State"]["Pid"], state["Pid"])
        self.assert_fails(self.run_box("--pidfile", "/nowhere/pid", check=False), 125, "/nowhere/pid")
        self.engine("rm", "-f", "-t", "0", box)
        self.assert_no_containers()

    def test_required_containers_are_started_first(self):
        for name, options in (("base", ()), ("middle", ("--requires", "base"))):
            self.engine("create", "--network", "none", "--name", name, *options, BUSYBOX, "sleep", "1000")
        self.assert_fails(self.run_box("--requires", "absent", check=False), 125, '"absent"')
        self.assertEqual(self.run_box("--requires", "middle").status, 0)
        self.assertEqual({self.status_of(name) for name in ("base", "middle")}, {"running"})
        self.engine("stop", "-t", "0", "base", "middle")
        self.engine("start", "middle")
        self.assertEqual(self.status_of("base"), "running")
        self.assertEqual(self.inspect("middle")["Dependencies"], [self.inspect("base")["Id"]])
        self.assert_fails(self.engine("rm", "-f", "-t", "0", "base", check=False), 125, "dependent containers")
        self.engine("rm", "-f", "-t", "0", "--depend", "base")
        self.assert_no_containers()

    def test_files_of_etc(self):
        (self.dir / "hosts").write_text("192.0.2.1\tfirst.example\n")
        text = self.run_box("--hosts-file", f"{self.dir}/hosts", words=("cat", "/etc/hosts")).stdout
        self.assertIn("first.example", text)
        text = self.run_box("--hosts-file", "none", "--add-host", "one:192.0.2.2", words=("cat", "/etc/hosts")).stdout
        self.assertIn("192.0.2.2\tone", text)
        self.assertIn("localhost", text)
        self.assert_fails(self.run_box("--hosts-file", "/nowhere", check=False), 125, "/nowhere")
        self.assert_fails(self.run_box("--hosts-file", "image", check=False), 125, "--no-hosts")
        with_file = self.run_box("-h", "named", words=("cat", "/etc/hostname")).stdout
        without = self.run_box("-h", "named", "--no-hostname", words=("cat", "/etc/hostname"), check=False).stdout
        self.assertEqual(with_file, "named\n")
        self.assertNotEqual(without, "named\n")
        self.assertEqual(self.run_box("--domainname", "lan.example", words=("cat", "/proc/sys/kernel/domainname")).stdout,
                         "lan.example\n")

    def test_a_host_name_needs_a_namespace_of_its_own(self):
        self.assert_fails(self.run_box("--uts", "host", "-h", "named", check=False), 125,
                          "cannot set hostname when running in the host UTS namespace")

    def test_rmi_removes_the_image(self):
        self.engine("tag", BUSYBOX, "localhost/other:1")
        self.engine("run", "--rmi", "--network", "none", "localhost/other:1", "true")
        self.assertEqual(self.engine("image", "exists", "localhost/other:1", check=False).status, 1)
        self.engine("image", "exists", BUSYBOX)
        refused = self.engine("run", "-d", "--rmi", BUSYBOX, "true", check=False)
        self.assert_fails(refused, 125, "--rmi and --detach")
        self.engine("create", "--network", "none", BUSYBOX)
        kept = self.engine("run", "--rmi", "--network", "none", BUSYBOX, "sh", "-c", "exit 3", check=False)
        self.assertEqual(kept.status, 3)
        self.assertIn("the image stays", kept.stderr)
        self.engine("image", "exists", BUSYBOX)

    def test_volumes_of_the_image(self):
        self.pull_image("localhost/with-volume", Volumes={"/kept": {}})
        for mode, kind in (("bind", "volume"), ("anonymous", "volume"), ("tmpfs", "tmpfs"), ("ignore", None)):
            with self.subTest(mode=mode):
                box = self.engine("create", "--network", "none", "--image-volume", mode, "localhost/with-volume",
                                  "true").stdout.strip()
                mounts = [mount["Type"] for mount in self.inspect(box)["Mounts"] if mount["Destination"] == "/kept"]
                config = json.loads((self.root / "containers" / box / "config.json").read_text())
                types = [mount["type"] for mount in config["mounts"] if mount["destination"] == "/kept"]
                self.assertEqual((mounts, types), {"volume": (["volume"], ["bind"]), "tmpfs": (mounts, ["tmpfs"]),
                                                   None: ([], [])}[kind])
        self.assert_fails(self.run_box("--image-volume", "nonsense", check=False), 125, "bind")

    def test_the_log_of_health_checks(self):
        folder = self.dir / "checks"
        folder.mkdir()
        box = self.sleeper("box", "--health-cmd", "echo 0123456789", "--health-interval", "disable",
                           "--health-max-log-count", "2", "--health-max-log-size", "4", "--health-log-destination",
                           str(folder))
        for _ in range(3):
            self.engine("healthcheck", "run", box)
        log = self.inspect(box)["State"]["Health"]["Log"]
        self.assertEqual([entry["Output"] for entry in log], ["0123", "0123"])
        written = json.loads((folder / f"{box}-healthcheck.log").read_text())
        self.assertEqual(len(written["Log"]), 2)
        config = self.inspect(box)["Config"]
        self.assertEqual((config["HealthLogDestination"], config["HealthcheckMaxLogCount"],
                          config["HealthcheckMaxLogSize"]), (str(folder), 2, 4))
        self.assert_fails(self.run_box("--health-log-destination", "here", check=False), 125, "absolute path")


if __name__ == "__main__":
    unittest.main()
