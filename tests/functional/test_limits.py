"""Limits of run and create: what is recorded and shown, the cgroup that they are kept in, and what is said where there can
be none. That the kernel keeps them: tests/host."""

import os
import signal
import unittest
from pathlib import Path

from engine_test import BUSYBOX, EngineTest, wait_until
from test_pause import can_divide

MIB = 1 << 20


class RecordTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()

    def host_config(self, *options):
        return self.inspect(self.engine("create", *options, BUSYBOX, "true").stdout.strip())["HostConfig"]

    def test_limits_are_recorded_and_shown(self):
        shown = self.host_config("-m", "64m", "--memory-reservation", "32m", "--cpus", "1.5", "-c", "512",
                                 "--cpuset-cpus", "0", "--pids-limit", "9", "--blkio-weight", "100", "--device-read-bps",
                                 "/dev/null:1k", "--cgroup-conf", "memory.high=5")
        expected = {"Memory": 64 * MIB, "MemorySwap": 128 * MIB, "MemoryReservation": 32 * MIB, "NanoCpus": 1_500_000_000,
                    "CpuPeriod": 100_000, "CpuQuota": 150_000, "CpuShares": 512, "CpusetCpus": "0", "PidsLimit": 9,
                    "BlkioWeight": 100, "BlkioDeviceReadBps": [{"Path": "/dev/null", "Rate": 1024}],
                    "CgroupConf": {"memory.high": "5"}}
        self.assertEqual({name: shown[name] for name in expected}, expected)

    def test_what_asks_for_no_limit_records_none(self):
        shown = self.host_config("-m", "0", "--pids-limit", "-1", "--cpus", "0", "--memory-swap", "-1")
        self.assertEqual((shown["Memory"], shown["PidsLimit"], shown["CpuQuota"], shown["MemorySwap"]), (0, 0, 0, 0))
        self.assertEqual(self.host_config("--cpu-quota", "-1")["CpuQuota"], 0)

    def test_cgroups_and_their_parent(self):
        shown = self.host_config("--cgroups", "disabled")
        self.assertEqual(shown["Cgroups"], "disabled")
        parent = "engine.slice" if Path("/run/systemd/system").exists() else "some/where"
        self.assertEqual(self.host_config("--cgroup-parent", parent)["CgroupParent"], parent)
        self.assert_fails(self.engine("create", "--cgroups", "split", "--cgroup-parent", parent, BUSYBOX, check=False), 125,
                          "cannot be set together")
        self.assert_fails(self.engine("--cgroup-manager", "systemd", "create", "--cgroup-parent", "/a/b", BUSYBOX,
                                      check=False), 125, "--cgroup-parent", "slice")
        self.assert_fails(self.engine("--cgroup-manager", "other", "ps", check=False), 125, "--cgroup-manager")

    @unittest.skipIf(os.getuid() == 0, "root may")
    def test_rules_for_devices_need_root(self):
        done = self.engine("create", "--device-cgroup-rule", "c 1:3 rwm", BUSYBOX, check=False)
        self.assert_fails(done, 125, "--device-cgroup-rule")

    def test_an_update_is_for_all_lives_to_come(self):
        id = self.engine("create", "--memory", "64m", BUSYBOX, "true").stdout.strip()
        self.assertEqual(self.engine("update", "--memory", "32m", "--pids-limit", "7", id).stdout.strip(), id)
        shown = self.inspect(id)["HostConfig"]
        self.assertEqual((shown["Memory"], shown["MemorySwap"], shown["PidsLimit"]), (32 * MIB, 64 * MIB, 7))

    def test_limits_of_all_containers(self):
        conf = self.home / ".config/containers/containers.conf"
        conf.parent.mkdir(parents=True)
        conf.write_text('[containers]\npids_limit = 77\ncgroup_conf = ["memory.high=6"]\n')
        shown = self.host_config()
        self.assertEqual((shown["PidsLimit"], shown["CgroupConf"]), (77, {"memory.high": "6"}))
        shown = self.host_config("--pids-limit", "-1", "--cgroup-conf", "memory.low=1")
        self.assertEqual((shown["PidsLimit"], shown["CgroupConf"]), (0, {"memory.low": "1"}))
        conf.write_text("[containers]\npids_limit = 77\n")
        self.assertEqual(self.engine("run", "--rm", "--network", "none", BUSYBOX, "true").stderr, "")  # nobody asked for it

    @unittest.skipIf(os.getuid() == 0, "root may have controllers")
    def test_where_none_can_be_kept_one_line_says_so_and_the_container_runs(self):
        """No controller of memory is delegated here, whatever else is."""
        for options in (["--rm"], ["--rm", "-i"], ["-d"]):
            done = self.engine("run", *options, "--network", "none", "--memory", "64m", BUSYBOX, "true")
            lines = [line for line in done.stderr.splitlines() if "not enforced" in line]
            self.assertEqual(len(lines), 1, done.stderr)
            self.assertIn("--memory is not enforced: ", lines[0])
            self.assertIn("loginctl", lines[0])

    def test_without_cgroups_nothing_is_said(self):
        done = self.engine("run", "--rm", "--network", "none", "--cgroups", "disabled", "--memory", "64m", BUSYBOX, "true")
        self.assertEqual(done.stderr, "")


@unittest.skipUnless(can_divide(), "this user has no cgroup to divide")
class CgroupTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()

    def sleeper(self, *options):
        return self.engine("run", "-d", "--network", "none", "--cgroups", "split", *options, BUSYBOX, "sleep",
                           "1000").stdout.strip()

    def folder(self, id):
        return Path("/sys/fs/cgroup" + self.inspect(id)["State"]["CgroupPath"])

    def test_the_container_is_in_a_cgroup_of_its_own_and_exec_joins_it(self):
        id = self.sleeper()
        folder = self.folder(id)
        self.assertEqual(folder.name, id)
        self.assertEqual((folder / "cgroup.procs").read_text().split(), [str(self.inspect(id)["State"]["Pid"])])
        self.engine("exec", "-d", id, "sleep", "999")
        wait_until(lambda: len((folder / "cgroup.procs").read_text().split()) == 2, "what is executed is in it, too")
        self.engine("pause", id)
        self.assertIn("frozen 1", (folder / "cgroup.events").read_text())
        self.engine("unpause", id)
        self.engine("rm", "-f", "-t", "0", id)
        self.assertFalse(folder.exists())

    def test_it_goes_when_the_container_ends(self):
        id = self.sleeper()
        folder = self.folder(id)
        self.engine("kill", id)
        wait_until(lambda: not folder.exists(), "it is gone")
        self.engine("start", id)
        self.assertEqual(self.folder(id).name, id)
        self.engine("stop", "-t", "0", id)
        wait_until(lambda: not folder.exists(), "it is gone once more")

    def test_it_goes_with_a_container_whose_monitor_was_killed(self):
        id = self.sleeper()
        folder, state = self.folder(id), self.inspect(id)["State"]
        os.kill(state["ConmonPid"], signal.SIGKILL)
        os.kill(state["Pid"], signal.SIGKILL)
        wait_until(lambda: self.status_of(id) == "exited", "the container has ended")
        wait_until(lambda: self.engine("inspect", id) and not folder.exists(), "whoever meets it removes it")

    def test_nothing_asks_for_one(self):
        id = self.start_sleeper()
        self.assertNotIn("CgroupPath", self.inspect(id)["State"])


if __name__ == "__main__":
    unittest.main()
