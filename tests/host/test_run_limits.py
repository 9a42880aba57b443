"""Limits of `engine run` are in force, change with `update`, are set again by `start`, and their cgroup goes with the
container; with either manager of cgroups, as root and as an ordinary user."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

from host_test import CGROUP_ROOT, DELEGATED, ENGINE, IS_ROOT, MIB, PATIENCE_SECONDS, HostTest, Result, wait_until

IDLE = "sleep 1000"


class RunLimitsOfFolders(HostTest):
    manager = "cgroupfs"

    def setUp(self):
        super().setUp()
        self.addCleanup(self.engine, "rm", "--all", "--force", "--time", "0", check=False)

    def engine(self, *words, check=True):
        command = [ENGINE, "--root", self.dir / "store", "--runroot", self.dir / "run", "--cgroup-manager", self.manager,
                   *words]
        if self.manager == "cgroupfs" and not IS_ROOT:
            command = [*DELEGATED, *command]
        command = [str(word) for word in command]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=PATIENCE_SECONDS, check=False)
        result = Result(command, done)
        if check and result.status != 0:
            self.fail(f"unexpected failure:\n{result}")
        return result

    def run_script(self, script, *options):
        """A detached container that runs `script`; its id. What cannot be kept would be said."""
        result = self.engine("run", "-d", "--network", "none", *options, "--rootfs", self.rootfs, "/bin/sh", "-c", script)
        self.assertEqual(result.stderr, "")
        return result.stdout.strip()

    def inspect(self, id):
        return json.loads(self.engine("inspect", id).stdout)[0]

    def folder(self, id):
        path = self.inspect(id)["State"]["CgroupPath"]
        self.assertTrue(path.startswith("/"), path)
        return CGROUP_ROOT / path.removeprefix("/")

    def wait_for_end(self, id):
        wait_until(lambda: self.inspect(id)["State"]["Status"] == "exited", "the container has ended")

    def go(self):
        (self.rootfs / "go").touch()

    def test_memory_beyond_the_limit_kills_and_is_recorded(self):
        self.need("memory")
        id = self.run_script("exec dd if=/dev/zero of=/dev/null bs=96M count=1", "--memory", "32m", "--memory-swap", "32m")
        self.wait_for_end(id)
        state = self.inspect(id)["State"]
        self.assertEqual((state["ExitCode"], state["OOMKilled"]), (137, True))
        events = self.engine("events", "--stream=false", "--filter", f"container={id}", "--filter", "event=died").stdout
        self.assertIn("died", events)

    def test_one_that_got_its_cgroup_while_it_ran_is_recorded_as_killed(self):
        self.need("memory")
        id = self.run_script("until [ -e /go ]; do sleep 0.1; done; exec dd if=/dev/zero of=/dev/null bs=96M count=1")
        self.engine("update", "--memory", "32m", "--memory-swap", "32m", id)
        self.go()
        self.wait_for_end(id)
        state = self.inspect(id)["State"]
        self.assertEqual((state["ExitCode"], state["OOMKilled"]), (137, True))

    def test_each_of_several_kills_is_recorded(self):
        """However fast systemd removes the cgroup of a scope."""
        self.need("memory")
        for _ in range(6):
            id = self.run_script("exec dd if=/dev/zero of=/dev/null bs=96M count=1", "--memory", "32m", "--memory-swap", "32m")
            self.wait_for_end(id)
            self.assertTrue(self.inspect(id)["State"]["OOMKilled"])

    def test_a_kill_for_memory_is_no_other_container_s(self):
        self.need("memory")
        box = self.run_script(IDLE, "--memory", "64m")
        other = self.run_script("exec dd if=/dev/zero of=/dev/null bs=96M count=1", "--memory", "32m", "--memory-swap", "32m")
        self.wait_for_end(other)
        self.engine("kill", box)
        self.wait_for_end(box)
        state = self.inspect(box)["State"]
        self.assertEqual((state["ExitCode"], state["OOMKilled"]), (137, False))

    def test_a_container_that_ends_by_itself_was_not_killed_for_memory(self):
        self.need("memory")
        id = self.run_script("exit 3", "--memory", "64m")
        self.wait_for_end(id)
        state = self.inspect(id)["State"]
        self.assertEqual((state["ExitCode"], state["OOMKilled"]), (3, False))

    def test_no_more_processes_than_the_limit(self):
        self.need("pids")
        id = self.run_script("until [ -e /go ]; do sleep 0.1; done; "
                             "for i in 0 1 2 3 4 5 6 7 8 9 a b c d e f; do sleep 1000 & done 2>/error; wait",
                             "--pids-limit", "9")
        self.assertEqual((self.folder(id) / "pids.max").read_text(), "9\n")
        self.go()
        error = self.rootfs / "error"
        wait_until(lambda: error.exists() and "fork" in error.read_text(), "a fork was refused")

    def test_a_share_of_a_cpu(self):
        self.need("cpu")
        id = self.run_script("while :; do :; done", "--cpus", "0.2", "--cpu-shares", "512")
        folder = self.folder(id)
        self.assertEqual((folder / "cpu.max").read_text(), "20000 100000\n")

        def used():
            return int((folder / "cpu.stat").read_text().split()[1])
        first, begin = used(), time.monotonic()
        wait_until(lambda: time.monotonic() - begin > 3, "three seconds")
        share = (used() - first) / 1e6 / (time.monotonic() - begin)
        self.assertLess(share, 0.35)

    def test_cpus_of_a_set(self):
        self.need("cpuset")
        id = self.run_script(IDLE, "--cpuset-cpus", "0", "--cpuset-mems", "0")
        self.assertEqual((self.folder(id) / "cpuset.cpus.effective").read_text(), "0\n")

    def test_rates_of_a_device(self):
        self.need("io")
        disks = [path.name for path in Path("/sys/block").iterdir() if Path("/dev", path.name).exists()]
        if not disks:
            self.skipTest("this host has no disk")
        id = self.run_script(IDLE, "--device-read-bps", f"/dev/{disks[0]}:1m")
        self.assertIn("rbps=1048576", (self.folder(id) / "io.max").read_text())

    def test_an_update_holds_at_once_and_after_a_restart(self):
        self.need("memory", "pids")
        id = self.run_script(IDLE, "--memory", "64m", "--pids-limit", "20")
        folder = self.folder(id)
        self.assertEqual((folder / "memory.max").read_text(), f"{64 * MIB}\n")
        self.engine("update", "--memory", "48m", "--pids-limit", "25", id)
        self.assertEqual((folder / "memory.max").read_text(), f"{48 * MIB}\n")
        self.engine("restart", "--time", "0", id)
        folder = self.folder(id)
        self.assertEqual((folder / "memory.max").read_text(), f"{48 * MIB}\n")
        self.assertEqual((folder / "pids.max").read_text(), "25\n")
        host = self.inspect(id)["HostConfig"]
        self.assertEqual((host["Memory"], host["PidsLimit"], host["CgroupManager"]), (48 * MIB, 25, self.manager))

    def test_an_update_limits_what_was_started_without_limits(self):
        self.need("memory")
        id = self.run_script(IDLE)
        self.assertNotIn("CgroupPath", self.inspect(id)["State"])
        self.engine("update", "--memory", "48m", id)
        self.assertEqual((self.folder(id) / "memory.max").read_text(), f"{48 * MIB}\n")

    def test_exec_joins_and_is_counted(self):
        self.need("pids")
        id = self.run_script(IDLE, "--pids-limit", "100")
        folder = self.folder(id)
        before = int((folder / "pids.current").read_text())
        self.engine("exec", "-d", id, "/bin/sh", "-c", IDLE)
        wait_until(lambda: int((folder / "pids.current").read_text()) > before, "what is executed is in it")

    def test_the_cgroup_goes_with_the_container(self):
        self.need("pids")
        id = self.run_script("until [ -e /go ]; do sleep 0.1; done", "--pids-limit", "50")
        folder = self.folder(id)
        self.go()
        self.wait_for_end(id)
        wait_until(lambda: not folder.exists(), "its cgroup is gone")
        id = self.run_script(IDLE, "--rm", "--pids-limit", "50")
        folder = self.folder(id)
        self.engine("stop", "--time", "0", id)
        wait_until(lambda: not folder.exists(), "that of --rm as well")
        id = self.run_script(IDLE, "--pids-limit", "50")
        folder = self.folder(id)
        self.engine("rm", "--force", "--time", "0", id)
        self.assertFalse(folder.exists())

    def test_the_cgroup_goes_when_nobody_watched_the_end(self):
        self.need("pids")
        id = self.run_script(IDLE, "--pids-limit", "50")
        folder, state = self.folder(id), self.inspect(id)["State"]
        os.kill(state["ConmonPid"], signal.SIGKILL)
        os.kill(state["Pid"], signal.SIGKILL)
        wait_until(lambda: self.inspect(id)["State"]["Status"] == "exited" and not folder.exists(),
                   "whoever meets the container removes its cgroup")


class RunLimitsOfScopes(RunLimitsOfFolders):
    manager = "systemd"

    def test_the_scope_has_the_container_s_name_and_vanishes(self):
        id = self.run_script(IDLE, "--cgroup-parent", "engine-tests.slice")
        self.assertEqual(self.folder(id).name, f"engine-{id}.scope")
        self.assertEqual(self.folder(id).parent.name, "engine-tests.slice")
        self.assertEqual(self.properties(f"engine-{id}.scope", "ActiveState"), {"ActiveState": "active"})
        self.engine("rm", "--force", "--time", "0", id)
        self.assert_unit_is_gone(f"engine-{id}.scope")

    def test_limits_are_known_to_systemd(self):
        self.need("memory")
        id = self.run_script(IDLE, "--memory", "32m")
        self.assertEqual(self.properties(f"engine-{id}.scope", "MemoryMax"), {"MemoryMax": str(32 * MIB)})

    def test_without_a_limit_systemd_is_not_asked(self):
        id = self.run_script(IDLE)
        self.assertEqual(self.properties(f"engine-{id}.scope", "LoadState"), {"LoadState": "not-found"})
