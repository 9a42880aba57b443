"""What runs on behind a command, where process 1 of the host reaps nobody, as in containers of CI."""

import ctypes
import json
import os
import signal
from contextlib import contextmanager

from engine_test import BUSYBOX, EngineTest, is_alive, wait_until

PR_SET_CHILD_SUBREAPER = 36


@contextmanager
def orphans_unreaped():
    """Orphans become our children, as they become those of process 1, and nobody waits for them."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    try:
        yield
    finally:
        prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def children():
    """Who is ours, dead or alive, and what it is called."""
    found = {}
    with open("/proc/thread-self/children") as pids:
        words = pids.read().split()
    for pid in words:
        with open(f"/proc/{pid}/comm") as name:
            found[int(pid)] = name.read().strip()
    return found


class OrphansTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()
        self.container = self.start()

    def start(self, *options):
        return self.engine("run", "-d", "--network", "none", *options, BUSYBOX, "/guest", "wait").stdout.strip()

    def tearDown(self):
        for pid in children():
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG) is None:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        super().tearDown()

    def assert_ends(self, *words):
        done = self.start_engine(*words)
        self.assertEqual(done.communicate(timeout=60)[1], "")
        self.assertEqual(done.returncode, 0)

    def wait_for_event(self, status, *filters):
        found = []
        words = [word for one in (f"event={status}", *filters) for word in ("--filter", one)]

        def look():
            found[:] = self.engine("events", "--stream=false", "--format", "{{json .}}", *words).stdout.splitlines()
            return found

        wait_until(look, f"an event {status}")
        return json.loads(found[-1])

    def test_the_end_of_a_detached_process_is_told(self):
        self.engine("exec", "-d", self.container, "sh", "-c", "exit 7")
        self.assertEqual(self.wait_for_event("exec_died")["ContainerExitCode"], 7)
        self.engine("rename", self.container, "other")
        self.engine("exec", "-dt", "other", "sh", "-c", "kill -9 $$")
        self.assertEqual(self.wait_for_event("exec_died", "container=other")["ContainerExitCode"], 137)
        self.assert_fails(self.engine("exec", "-d", "other", "/missing", check=False), 127, "/missing")
        self.assertEqual(self.status_of("other"), "running")  # nothing was recorded as the container's end

    def test_inspect_lists_processes_of_exec_while_they_run(self):
        def ids():
            return self.inspect(self.container)["ExecIDs"]

        def notes():
            return list((self.root / "containers").glob("*/exec-*"))

        detached = self.engine("exec", "-d", self.container, "sh", "-c", "echo $$ >/pid; exec /guest wait").stdout.strip()
        attached = self.start_engine("exec", self.container, "/guest", "wait")
        wait_until(lambda: len(ids()) == 2, "two of them")
        self.assertIn(detached, ids())
        attached.kill()
        wait_until(lambda: ids() == [detached], "the end of the attached one")  # its command had no time to tell
        self.engine("exec", self.container, "sh", "-c", "kill -9 $(cat /pid)")
        wait_until(lambda: notes() == [], "the end of the other one")
        self.assertEqual(ids(), [])

    def test_detached_processes_do_not_hold_up_the_end(self):
        with orphans_unreaped():
            self.engine("exec", "-d", self.container, "/guest", "wait")
            self.engine("exec", "-dt", self.container, "/guest", "wait")
            self.assert_ends("rm", "-f", self.container)  # which waits for all that was in its pid namespace
            self.assertEqual(set(children().values()), {"engine-monitor"})  # those of exec, which nobody reaps here

    def test_a_health_check_that_hung_does_not_hold_up_the_end(self):
        container = self.start("--health-cmd", '["/guest", "wait"]', "--health-interval", "disable", "--health-timeout", "1s")
        with orphans_unreaped():
            self.assertEqual(self.engine("healthcheck", "run", container, check=False).status, 1)
            self.assertEqual(children(), {})
            self.assert_ends("rm", "-f", container)

    def test_a_killed_exec_that_nobody_reaps_is_told(self):
        with orphans_unreaped():
            attached = self.start_engine("exec", self.container, "sh", "-c", "echo ready; exec /guest wait")
            self.assertEqual(attached.stdout.readline(), "ready\n")
            attached.kill()
            attached.wait(60)
            done = self.start_engine("rm", "-f", self.container)
            self.assertIn(f"its parent, process {os.getpid()} (", done.communicate(timeout=100)[1])
            self.assertEqual(done.returncode, 125)
            (orphan,) = children()
            os.waitpid(orphan, 0)  # as an init does
            self.assert_ends("rm", "-f", self.container)


class HostProcessesTest(EngineTest):
    """Containers that see the host's processes, and leave some behind."""

    def setUp(self):
        super().setUp()
        self.pull_image()
        self.work = self.dir / "work"
        self.work.mkdir()
        self.addCleanup(lambda: [os.kill(pid, signal.SIGKILL) for pid in self.pids() if is_alive(pid)])

    LEAVE = "(sleep 5000 & echo $! >> /shared/pids); setsid sh -c 'sleep 5001 & echo $! >> /shared/pids' &"

    def pids(self):
        file = self.work / "pids"
        return [int(line) for line in file.read_text().split()] if file.exists() else []

    def start(self, last, *options):
        words = ("run", "--pid", "host", "--network", "none", "-v", f"{self.work}:/shared", *options, BUSYBOX, "sh", "-c")
        return self.engine(*words, self.LEAVE + " while [ $(wc -l < /shared/pids) -lt 2 ]; do sleep 0.02; done; " + last)

    def assert_all_gone(self, count=2):
        self.assertEqual(len(self.pids()), count)
        wait_until(lambda: not any(is_alive(pid) for pid in self.pids()), "all have ended")

    def test_an_end_by_itself(self):
        self.start("true", "--name", "box")
        self.assertEqual(self.status_of("box"), "exited")
        self.assert_all_gone()

    def test_the_foreground_without_a_trace(self):
        self.start("true", "--rm")
        self.assert_all_gone()

    def test_what_a_command_ends(self):
        for words in (("rm", "-f"), ("stop", "-t", "0"), ("kill",)):
            with self.subTest(words=words):
                container = self.start("exec /guest wait", "-d").stdout.strip()
                wait_until(lambda: len(self.pids()) == 2, "it left two")
                self.engine(*words, container)
                self.assert_all_gone()
                (self.work / "pids").unlink()

    def test_further_processes(self):
        container = self.start("exec /guest wait", "-d").stdout.strip()
        wait_until(lambda: len(self.pids()) == 2, "it left two")
        self.engine("exec", "-d", container, "sh", "-c", self.LEAVE + "true")  # leaves two, and ends
        wait_until(lambda: len(self.pids()) == 4, "it left two more")
        self.engine("exec", "-d", container, "sh", "-c", "echo $$ >> /shared/pids; exec sleep 5002")
        attached = self.start_engine("exec", container, "sh", "-c", "echo $$ >> /shared/pids; exec sleep 5003")
        wait_until(lambda: len(self.pids()) == 6, "all run")
        self.assertTrue(all(is_alive(pid) for pid in self.pids()))
        self.engine("rm", "-f", container)
        self.assertEqual(attached.wait(60), 137)
        self.assert_all_gone(6)


if __name__ == "__main__":
    import unittest
    unittest.main()
