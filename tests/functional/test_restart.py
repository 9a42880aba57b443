"""--restart: who is started again, how often, and what the user's own word means; --timeout."""

import json
import os
import signal

from engine_test import BUSYBOX, EngineTest, is_alive, wait_until

# Counts its starts in a file of its own and ends with 3.
COUNTS = "echo start; exit 3"


class RestartPolicyTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()

    def run_detached(self, *words):
        return self.engine("run", "-d", "--network", "none", *words).stdout.strip()

    def inspected(self, container):
        return json.loads(self.engine("inspect", container).stdout)[0]

    def restarts(self, container):
        return self.inspected(container)["RestartCount"]

    def test_one_that_is_gone_again_at_once_was_restarted(self):
        for _ in range(10):
            self.engine("create", "--rm", "--name", "short", "--network", "none", BUSYBOX, "true")
            self.assertEqual(self.engine("restart", "short").stdout, "short\n")
            wait_until(lambda: self.engine("ps", "-aq").stdout == "", "its end")

    def test_on_failure_ends_after_so_many_retries(self):
        box = self.run_detached("--restart", "on-failure:2", BUSYBOX, "sh", "-c", COUNTS)
        wait_until(lambda: self.engine("logs", box).stdout == "start\n" * 3, "the last retry")
        wait_until(lambda: self.status_of(box) == "exited", "its end")
        found = self.inspected(box)
        self.assertEqual(found["RestartCount"], 2)
        self.assertEqual(found["HostConfig"]["RestartPolicy"], {"Name": "on-failure", "MaximumRetryCount": 2})
        self.assertEqual(found["State"]["ExitCode"], 3)

    def test_on_failure_leaves_a_success_alone(self):
        box = self.run_detached("--restart", "on-failure", BUSYBOX, "true")
        wait_until(lambda: self.status_of(box) == "exited", "its end")
        self.engine("wait", box)
        self.assertEqual(self.restarts(box), 0)
        self.assertFalse(self.inspected(box)["State"]["Restarting"])

    def test_always_restarts_until_it_is_stopped(self):
        box = self.run_detached("--restart", "always", BUSYBOX, "sh", "-c", "echo start; exit 0")
        wait_until(lambda: self.restarts(box) >= 2, "two restarts")
        self.engine("stop", "-t", "0", box)
        wait_until(lambda: not self.inspected(box)["State"]["Restarting"], "nobody to wait for its restart")
        count = self.restarts(box)
        self.assertEqual(self.status_of(box), "exited")
        self.assertEqual(self.engine("ps", "-aq", "--filter", "restart-policy=always", "--no-trunc").stdout.strip(), box)
        self.assertEqual(self.restarts(box), count)

    def test_stop_all_means_those_that_wait_for_their_restart(self):
        box = self.run_detached("--restart", "always", BUSYBOX, "false")
        wait_until(lambda: self.inspected(box)["State"]["Restarting"], "its restart to be due")
        self.engine("stop", "--all", "-t", "0")
        state = self.inspected(box)["State"]
        self.assertEqual((state["Status"], state["Restarting"]), ("exited", False))

    def test_a_stop_ends_what_runs_and_a_start_counts_anew(self):
        box = self.run_detached("--restart", "unless-stopped", BUSYBOX, "sh", "-c", "echo start; exec /guest wait")
        first = self.inspected(box)["State"]["Pid"]
        os.kill(first, signal.SIGKILL)  # nobody asked for that
        wait_until(lambda: self.restarts(box) == 1 and self.status_of(box) == "running", "its restart")
        self.engine("stop", "-t", "0", box)
        self.assertEqual(self.status_of(box), "exited")
        self.assertEqual(self.engine("ps", "-aq", "--filter", "should-start-on-boot=true").stdout, "")
        self.engine("start", box)
        self.assertEqual((self.restarts(box), self.status_of(box)), (0, "running"))
        self.assertNotEqual(self.engine("ps", "-q", "--filter", "should-start-on-boot=true").stdout, "")

    def test_a_kill_is_the_users_will(self):
        box = self.run_detached("--restart", "always", BUSYBOX, "/guest", "wait")
        self.engine("kill", box)
        wait_until(lambda: not self.inspected(box)["State"]["Restarting"], "nobody to wait for its restart")
        self.assertEqual((self.status_of(box), self.restarts(box)), ("exited", 0))

    def test_a_forced_removal_leaves_nothing(self):
        box = self.run_detached("--restart", "always", BUSYBOX, "false")
        wait_until(lambda: self.restarts(box) >= 1, "a restart")
        self.engine("rm", "-f", box)
        self.assertEqual(self.engine("ps", "-aq").stdout, "")
        self.assertEqual(self.engine("container", "exists", box, check=False).status, 1)

    def test_a_killed_monitor_restarts_nothing_and_breaks_nothing(self):
        box = self.run_detached("--restart", "always", BUSYBOX, "/guest", "wait")
        state = self.inspected(box)["State"]
        os.kill(state["ConmonPid"], signal.SIGKILL)
        wait_until(lambda: not is_alive(state["ConmonPid"]), "the monitor's end")
        self.engine("kill", box, check=False)
        wait_until(lambda: not is_alive(state["Pid"]), "the container's end")
        self.assertEqual(self.status_of(box), "exited")
        self.engine("start", box)
        self.assertEqual(self.status_of(box), "running")

    def tell_to_end(self, pid):
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not is_alive(pid), "the end of the monitor, and of what follows it")

    def test_a_monitor_that_is_told_to_end_ends_its_container_which_stays_so_until_it_is_started(self):
        box = self.run_detached("--restart", "always", "--stop-signal", "USR1", BUSYBOX, "sh", "-c",
                                "trap 'exit 7' USR1; trap 'exit 8' INT; while true; do sleep 0.1; done")
        self.tell_to_end(self.inspected(box)["State"]["ConmonPid"])
        found = self.inspected(box)
        self.assertEqual((found["State"]["Status"], found["State"]["ExitCode"], found["RestartCount"]), ("exited", 7, 0))
        self.assertIn("Exited (7)", self.engine("ps", "-a").stdout)
        self.engine("start", box)
        self.engine("exec", box, "kill", "-INT", "1")
        wait_until(lambda: self.restarts(box) == 1, "its policy, which holds again")
        self.engine("stop", "-t", "0", box)

    def test_what_does_not_end_when_its_monitor_is_told_to_is_killed_after_the_stop_timeout(self):
        box = self.run_detached("--restart", "unless-stopped", "--stop-timeout", "1", BUSYBOX, "/guest", "wait")
        self.tell_to_end(self.inspected(box)["State"]["ConmonPid"])
        self.assertEqual((self.status_of(box), self.inspected(box)["State"]["ExitCode"]), ("exited", 137))

    def test_what_is_about_to_be_restarted_stays_ended_when_that_is_told_to_end(self):
        box = self.run_detached("--restart", "always", BUSYBOX, "sh", "-c", COUNTS)

        def is_in_a_long_pause():
            lives = len(self.engine("logs", box).stdout.splitlines())
            found = self.inspected(box)
            return lives == found["RestartCount"] + 1 >= 5 and found["State"]["Restarting"] and not found["State"]["Running"]

        wait_until(is_in_a_long_pause, "a long pause")
        state = json.loads((self.root / "containers" / box / "state").read_text())
        self.tell_to_end(state["monitor_pid"])  # which is another program by now, in the same process
        found = self.inspected(box)
        self.assertEqual((found["State"]["Status"], found["State"]["Restarting"]), ("exited", False))
        self.engine("start", box)
        wait_until(lambda: self.restarts(box) >= 1, "its policy, which holds again")
        self.engine("stop", "-t", "0", box)

    def test_a_start_that_somebody_forestalls_has_what_it_wants(self):
        box = self.engine("create", "--network", "none", BUSYBOX, "/guest", "wait").stdout.strip()
        for _ in range(5):
            starts = [self.start_engine("start", box) for _ in range(3)]
            for one in starts:
                self.assertEqual((one.wait(), one.stderr.read()), (0, ""))
            self.assertEqual(self.status_of(box), "running")
            self.engine("stop", "-t", "0", box)

    def test_words_that_are_no_policy_are_refused(self):
        for words in (["--restart", "sometimes"], ["--restart", "always:3"], ["--restart", "on-failure:x"],
                      ["--rm", "--restart", "always"]):
            done = self.engine("create", *words, BUSYBOX, check=False)
            self.assertEqual(done.status, 125, done)
            self.assertIn("--restart", done.stderr)


class TimeoutTest(EngineTest):
    def test_a_container_is_killed_in_time(self):
        self.pull_image()
        done = self.engine("run", "--rm", "--network", "none", "--timeout", "1", BUSYBOX, "/guest", "wait", check=False)
        self.assertEqual(done.status, 255)
        self.engine("run", "--name", "box", "--network", "none", "--timeout", "300", BUSYBOX, "true")
        self.assertEqual(json.loads(self.engine("inspect", "box").stdout)[0]["Config"]["Timeout"], 300)
