"""`engine runtime` against time: simultaneous callers, killed callers, and hours between two commands."""

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path

from bundle_test import BundleTest
from engine_test import ENGINE, is_alive, wait_until


class RaceTest(BundleTest):
    def start_command(self, *words):
        process = subprocess.Popen([ENGINE, "runtime", "--root", self.dir / "states", *words],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True, env=self.environment, cwd=self.bundle)

        def end():
            process.kill()
            process.wait()
            process.stderr.close()
        self.addCleanup(end)
        return process

    def both(self, *words, times=2):
        """Runs a command several times at once; (how many succeeded, the errors of the others)."""
        processes = [self.start_command(*words) for _ in range(times)]
        # A created container keeps stderr open, so only a failed command's is read to its end.
        statuses = [process.wait(120) for process in processes]
        return statuses.count(0), [process.stderr.readline() for process, status in zip(processes, statuses) if status]

    def processes_of_bundle(self):
        """Processes whose root is our bundle's: nothing of a container may be left when it was deleted."""
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and "/guest" in (entry / "cmdline").read_text() and \
                        os.stat(entry / "root/guest").st_ino == os.stat(self.bundle / "rootfs/guest").st_ino:
                    found.append(int(entry.name))
            except OSError:
                pass
        return found

    def setUp(self):
        super().setUp()
        self.config["process"]["args"] = ["/guest", "wait"]
        self.write_config()


class SimultaneousTest(RaceTest):
    def test_one_create_wins(self):
        for _ in range(5):
            won, errors = self.both("create", "one", times=4)
            self.assertEqual(won, 1)
            for error in errors:
                self.assertIn("exists already", error)
            self.assertEqual(self.state()["status"], "created")
            self.runtime("delete", "--force", "one")

    def test_one_start_wins(self):
        for _ in range(5):
            self.background("create", "--bundle", self.bundle, "one")
            won, errors = self.both("start", "one", times=3)
            self.assertEqual(won, 1)
            for error in errors:
                self.assertIn("not created", error)
            self.assertEqual(self.state()["status"], "running")
            self.runtime("delete", "--force", "one")

    def test_one_delete_wins(self):
        for _ in range(5):
            pid = self.start_waiting()
            self.runtime("kill", "one", "KILL")
            wait_until(lambda: not is_alive(pid), "it ends")
            won, errors = self.both("delete", "one", times=3)
            self.assertEqual(won, 1)
            for error in errors:
                self.assertIn("does not exist", error)
            self.assertEqual(self.runtime("list", "-q").stdout, "")

    def test_all_forced_deletes_succeed(self):
        for _ in range(3):
            pid = self.start_waiting()
            won, errors = self.both("delete", "--force", "one", times=4)
            self.assertEqual((won, errors), (4, []))
            self.assertFalse(is_alive(pid))

    def test_start_against_delete(self):
        """Whoever comes first: either it runs until the delete ends it, or it was never started. Nothing is left."""
        for _ in range(8):
            self.background("create", "--bundle", self.bundle, "--pid-file", self.dir / "pid", "one")
            pid = int((self.dir / "pid").read_text())
            starting, deleting = self.start_command("start", "one"), self.start_command("delete", "--force", "one")
            self.assertEqual(deleting.wait(60), 0)
            self.assertIn(starting.wait(60), (0, 1))
            self.assertFalse(is_alive(pid))
            self.assertEqual(self.runtime("list", "-q").stdout, "")

    def test_create_against_delete(self):
        for _ in range(8):
            creating, deleting = self.start_command("create", "one"), self.start_command("delete", "--force", "one")
            self.assertEqual(deleting.wait(60), 0)
            self.assertIn(creating.wait(60), (0, 1))
            self.runtime("delete", "--force", "one")
            self.assertEqual(self.processes_of_bundle(), [])

    def test_readers_see_whole_states_only(self):
        creating = [self.start_command("create", f"c{number}") for number in range(8)]
        while any(process.poll() is None for process in creating):
            for state in self.runtime("list", "-f", "json").json():
                self.assertIn(state["status"], ("creating", "created"))
        self.assertEqual(len(self.runtime("list", "-q").stdout.split()), 8)
        self.runtime("delete", "--force", "--regex", "^c")


class PairTest(RaceTest):
    VERBS = {
        "start": ["start", "one"], "kill": ["kill", "one", "KILL"], "kill-all": ["kill", "--all", "one", "TERM"],
        "delete": ["delete", "one"], "delete-force": ["delete", "--force", "one"], "pause": ["pause", "one"],
        "resume": ["resume", "one"], "update": ["update", "--pids-limit", "50", "one"],
        "exec": ["exec", "one", "/busybox", "true"], "state": ["state", "one"], "list": ["list"], "ps": ["ps", "one"],
        "events": ["events", "--stats", "one"], "create": ["create", "one"], "run": ["run", "--detach", "one"],
    }

    def finish(self, name, process):
        status = process.wait(30)
        if name == "exec" and status in (137, 143):
            return  # it ran, and was killed with its container
        self.assertIn(status, (0, 1, 255), name)
        if status != 0:
            said = process.stderr.readline()
            while said.startswith(("engine: warning: ", "[")):
                said = process.stderr.readline()
            self.assertTrue(said.startswith("Error: "), (name, said))
            self.assertNotIn("No such file", said, name)

    def test_every_two_verbs_at_once(self):
        names = list(self.VERBS)
        for number, first in enumerate(names):
            for second in names[number:]:
                self.background("create", "--bundle", self.bundle, "one")
                if (number + names.index(second)) % 2:
                    self.runtime("start", "one")
                with self.subTest(first=first, second=second):
                    both = [(name, self.start_command(*self.VERBS[name])) for name in (first, second)]
                    for name, process in both:
                        self.finish(name, process)
                        if name == "pause" and second == "exec":
                            self.runtime("resume", "one", check=False)  # its process may have been born frozen
                self.runtime("delete", "--force", "one")
                self.assertEqual(sorted(path.name for path in (self.dir / "states").iterdir()), ["~lock"])
        wait_until(lambda: self.processes_of_bundle() == [], "nothing of them runs on", seconds=20)


class KilledTest(RaceTest):
    def test_a_create_that_is_killed_leaves_what_can_be_deleted_or_made_again(self):
        again = random.Random(7)
        began = time.monotonic()
        self.background("create", "--bundle", self.bundle, "one")
        usual = time.monotonic() - began
        self.runtime("delete", "--force", "one")
        for turn in range(24):
            creating = self.start_command("create", "one")
            try:
                creating.wait(usual * again.uniform(0, 1.2))
            except subprocess.TimeoutExpired:
                creating.kill()
            creating.wait()
            if turn % 2 == 0:
                self.runtime("delete", "--force", "one")
                self.background("create", "--bundle", self.bundle, "one")
            elif (self.dir / "states/one").exists() and self.state()["status"] == "creating":
                self.background("create", "--bundle", self.bundle, "one")
            if (self.dir / "states/one").exists():
                self.assertEqual(self.state()["status"], "created")
            self.runtime("delete", "--force", "one")
            wait_until(lambda: self.processes_of_bundle() == [], "nothing of it runs on", seconds=20)
            self.assertEqual(sorted(path.name for path in (self.dir / "states").iterdir()), ["~lock"])

    def test_a_create_that_waits_for_its_hook_is_shown_and_can_be_killed(self):
        os.mkfifo(self.dir / "gate")
        script = f"touch {self.dir}/hook; read x < {self.dir}/gate"
        self.config["hooks"] = {"createRuntime": [{"path": "/bin/sh", "args": ["sh", "-c", script]}]}
        self.write_config()
        creating = self.start_command("create", "one")
        wait_until(lambda: (self.dir / "hook").exists(), "the hook runs")
        self.assertEqual(self.state()["status"], "creating")
        self.assert_fails(self.runtime("exec", "one", "/guest", check=False), 255, "creating")
        creating.kill()
        creating.wait()
        gate = os.open(self.dir / "gate", os.O_RDWR)  # never blocks, whether or not the hook has ended with its caller
        os.write(gate, b"\n")
        self.assertEqual(self.state()["status"], "creating")
        self.runtime("delete", "one")
        os.close(gate)
        wait_until(lambda: self.processes_of_bundle() == [], "nothing of it runs on", seconds=20)

    def test_a_forced_delete_ends_a_create_whose_hook_hangs(self):
        for point in ("createRuntime", "createContainer"):
            script = f"touch {self.dir}/{point}; exec sleep 100"
            self.config["hooks"] = {point: [{"path": "/bin/sh", "args": ["sh", "-c", script]}]}
            self.write_config()
            creating = self.start_command("--cgroup-manager=disabled", "create", "one")
            wait_until((self.dir / point).exists, "the hook runs")
            began = time.monotonic()
            self.runtime("delete", "--force", "one")
            self.assertLess(time.monotonic() - began, 5)
            self.assertNotEqual(creating.wait(10), 0)
            self.assertEqual(self.runtime("list", "-q").stdout, "")
            wait_until(lambda: self.processes_of_bundle() == [], "nothing of it runs on", seconds=20)

    def test_nobody_waits_for_ever_for_a_create_whose_hook_hangs(self):
        os.mkfifo(self.dir / "gate")
        script = f"touch {self.dir}/hook; read x < {self.dir}/gate"
        self.config["hooks"] = {"createRuntime": [{"path": "/bin/sh", "args": ["sh", "-c", script]}]}
        self.write_config()
        creating = self.start_command("create", "one")
        wait_until((self.dir / "hook").exists, "the hook runs")
        others = [self.start_command(*words, "one") for words in (("delete",), ("start",), ("pause",))]
        for other in others:
            self.assertEqual(other.wait(30), 1)
            said = other.stderr.read()
            self.assertIn(f"is still being created by process {creating.pid}", said)
            self.assertIn("delete --force", said)
        self.runtime("delete", "--force", "one")
        self.assertNotEqual(creating.wait(10), 0)
        self.assertEqual(self.runtime("list", "-q").stdout, "")

    def test_a_detached_run_without_cgroup_that_is_killed_can_be_ended(self):
        again = random.Random(13)
        for _ in range(16):
            running = self.start_command("--cgroup-manager=disabled", "run", "--detach", "one")
            try:
                running.wait(again.uniform(0, 0.08))
            except subprocess.TimeoutExpired:
                running.kill()
            running.wait()
            self.runtime("delete", "--force", "one")
            wait_until(lambda: self.processes_of_bundle() == [], "nothing of it runs on", seconds=20)

    def test_a_damaged_state_is_removed_by_force_only(self):
        for damage in ("{", " " * (2 * 1024 * 1024)):
            self.background("create", "--bundle", self.bundle, "--pid-file", self.dir / "pid", "one")
            pid = int((self.dir / "pid").read_text())
            (self.dir / "states/one/state.json").write_text(damage)
            self.assert_fails(self.runtime("delete", "one", check=False), 1, "--force")
            self.assertTrue(is_alive(pid))
            self.runtime("delete", "--force", "one")
            wait_until(lambda: not is_alive(pid), "it ends")
            self.assertEqual(sorted(path.name for path in (self.dir / "states").iterdir()), ["~lock"])

    def test_a_start_that_is_killed(self):
        again = random.Random(11)
        for _ in range(12):
            self.background("create", "--bundle", self.bundle, "one")
            starting = self.start_command("start", "one")
            try:
                starting.wait(again.uniform(0, 0.02))
            except subprocess.TimeoutExpired:
                starting.kill()
            starting.wait()
            status = wait_until(lambda: self.state()["status"], "it has a status")
            self.assertIn(status, ("created", "running"))
            second = self.runtime("start", "one", check=False)
            if status == "created" and second.status != 0:  # the byte was on its way
                self.assertIn("not created", second.stderr)
            wait_until(lambda: self.state()["status"] == "running", "it runs")
            self.runtime("delete", "--force", "one")

    def test_a_delete_that_is_killed_can_be_repeated(self):
        again = random.Random(5)
        for _ in range(12):
            pid = self.start_waiting()
            deleting = self.start_command("delete", "--force", "one")
            try:
                deleting.wait(again.uniform(0, 0.03))
            except subprocess.TimeoutExpired:
                deleting.send_signal(signal.SIGKILL)
            deleting.wait()
            self.runtime("delete", "--force", "one")
            self.assertFalse(is_alive(pid))
            self.background("create", "--bundle", self.bundle, "one")
            self.runtime("delete", "--force", "one")
            self.assertEqual(sorted(path.name for path in (self.dir / "states").iterdir()), ["~lock"])

    def test_a_pid_that_was_reused_is_not_signalled(self):
        self.start_waiting()
        state = self.dir / "states/one/state.json"
        with subprocess.Popen(["/bin/sleep", "600"]) as bystander:
            self.runtime("kill", "one", "KILL")
            text = state.read_text()
            wait_until(lambda: self.state()["status"] == "stopped", "it stops")
            state.write_text(json.dumps({**json.loads(text), "pid": bystander.pid}))
            self.assertEqual(self.state()["status"], "stopped")
            self.assert_fails(self.runtime("kill", "one", "KILL", check=False), 1, "not running")
            self.runtime("delete", "--force", "one")
            self.assertIsNone(bystander.poll())
            bystander.kill()
