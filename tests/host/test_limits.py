"""Limits are in force, are reported, change with `update`, and go with the container; with either manager of cgroups."""

import json
import subprocess
import time

from host_test import MIB, HostTest, wait_until

IDLE = "sleep 1000"


class LimitsOfFolders(HostTest):
    manager = "cgroupfs"

    def test_memory_beyond_the_limit_kills_and_is_reported(self):
        self.need("memory")
        name = self.start("until [ -e /go ]; do sleep 0.1; done; dd if=/dev/zero of=/dev/null bs=96M count=1; "
                          f"echo $? >/status; {IDLE}",
                          resources={"memory": {"limit": 32 * MIB, "swap": 32 * MIB}})
        self.assertEqual(self.statistics(name)["memory"]["usage"]["limit"], 32 * MIB)
        events = subprocess.Popen(self.command("events", "--interval", "100ms", name), text=True,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.addCleanup(events.wait)
        self.addCleanup(events.stdout.close)
        self.addCleanup(events.kill)
        # Its first figures say that it has counted what was killed before.
        self.assertEqual(json.loads(events.stdout.readline())["type"], "stats")
        (self.rootfs / "go").touch()
        kinds = (json.loads(line)["type"] for line in events.stdout)
        self.assertTrue(any(kind == "oom" for kind in kinds), "no event of type oom")
        status = self.rootfs / "status"
        wait_until(lambda: status.exists() and status.read_text(), "the shell saw dd end")
        self.assertEqual(status.read_text(), "137\n")  # 128 + SIGKILL
        self.assertEqual(self.state(name)["status"], "running")

    def test_the_container_itself_may_be_what_is_killed(self):
        self.need("memory")
        self.start("exec dd if=/dev/zero of=/dev/null bs=96M count=1", name=(name := f"killed-{self.manager}"),
                   resources={"memory": {"limit": 32 * MIB, "swap": 32 * MIB}})
        wait_until(lambda: self.state(name)["status"] == "stopped", "the container has ended")

    def test_no_more_processes_than_the_limit(self):
        self.need("pids")
        name = self.start("until [ -e /go ]; do sleep 0.1; done; "
                          "for i in 0 1 2 3 4 5 6 7 8 9 a b c d e f; do sleep 1000 & done 2>/error; wait",
                          resources={"pids": {"limit": 9}})
        self.assertEqual(self.statistics(name)["pids"]["limit"], 9)
        (self.rootfs / "go").touch()
        # The shell ends at the first fork that fails; what it started would stay but for the pid namespace.
        error = self.rootfs / "error"
        wait_until(lambda: error.exists() and "fork" in error.read_text(), "a fork was refused")

    def test_a_quota_bounds_the_time_on_a_cpu(self):
        self.need("cpu")
        name = self.start("while :; do :; done", resources={"cpu": {"quota": 20000, "period": 100000}})
        first, begin = self.statistics(name)["cpu"]["usage"]["total"], time.monotonic()
        wait_until(lambda: time.monotonic() - begin > 3, "three seconds")
        last, end = self.statistics(name)["cpu"]["usage"]["total"], time.monotonic()
        share = (last - first) / 1e9 / (end - begin)
        self.assertLess(share, 0.35)
        self.assertGreater(share, 0.05)

    def test_update_changes_limits_of_a_running_container(self):
        self.need("memory", "pids")
        name = self.start(IDLE, resources={"memory": {"limit": 64 * MIB}, "pids": {"limit": 20}})
        folder = self.cgroup_of(name)
        self.assertEqual((folder / "memory.max").read_text(), f"{64 * MIB}\n")
        self.runtime("update", "--memory", 48 * MIB, "--pids-limit", 25, name)
        self.assertEqual((folder / "memory.max").read_text(), f"{48 * MIB}\n")
        self.assertEqual((folder / "pids.max").read_text(), "25\n")

    def test_a_paused_container_stands_still(self):
        name = self.start("while :; do echo >>/ticks; sleep 0.05; done")
        ticks = self.rootfs / "ticks"
        wait_until(ticks.exists, "the first tick")
        self.runtime("pause", name)
        self.assertEqual(self.state(name)["status"], "paused")
        before = ticks.stat().st_size
        begin = time.monotonic()
        wait_until(lambda: time.monotonic() - begin > 1, "a second")
        self.assertEqual(ticks.stat().st_size, before)
        self.runtime("resume", name)
        wait_until(lambda: ticks.stat().st_size > before, "another tick")

    def test_delete_removes_the_cgroup(self):
        name = self.start(IDLE)
        folder = self.cgroup_of(name)
        self.assertTrue(folder.is_dir())
        self.runtime("delete", "--force", name)
        self.assertFalse(folder.exists())


class LimitsOfScopes(LimitsOfFolders):
    manager = "systemd"
