"""Random sequences of commands on containers, from several processes, while commands and monitors are killed at random:
each container is what a model says it may be, and at the end nothing is left.

LIFECYCLE_SEQUENCES says how many (40), LIFECYCLE_SEED which ones; the same seed gives the same commands, though not the same
moments.
"""

import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

from container_model import Container
from durability_test import RUN
from engine_test import BUSYBOX, EngineTest, wait_until

SEQUENCES = int(os.environ.get("LIFECYCLE_SEQUENCES", "0")) or 40
SEED = int(os.environ.get("LIFECYCLE_SEED", "0")) or random.randrange(1 << 32)
WORKERS = 4
LENGTH = 10  # commands of a sequence
KILLED_OF_100 = 25
MOMENT_SECONDS = 0.025  # a command is killed at most so long after its start
CODE = 7  # of programs that end by themselves
LOST = 255  # the exit code of a container that nobody saw end
HOLDS = "/guest wait"


class LifecycleTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()
        self.lock = threading.Lock()
        self.faults, self.left = [], list(range(SEQUENCES))
        self.commands = self.killed = self.monitors = 0

    def test_random_sequences(self):
        workers = [threading.Thread(target=self.work) for _ in range(WORKERS)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        if self.faults:
            self.fail("\n".join([f"LIFECYCLE_SEED={SEED}", *self.faults]))
        self.assert_nothing_left()
        print(f"\n{self.commands} commands of {SEQUENCES} sequences, {self.killed} of them killed, {self.monitors} monitors "
              f"killed; LIFECYCLE_SEED={SEED}", end=" ", file=sys.stderr)

    def work(self):
        while not self.faults:
            with self.lock:
                if not self.left:
                    return
                number = self.left.pop()
            try:
                Sequence(self, number).run()
            except BaseException as error:  # a thread's exception would be lost
                self.fault(number, f"{type(error).__name__}: {error}")

    def fault(self, number, text):
        with self.lock:
            self.faults.append(f"sequence {number}: {text}")

    def assert_nothing_left(self):
        wait_until(lambda: not self.processes(), "no process of this store is left")
        self.assert_no_containers()
        self.assertEqual(os.listdir(self.root / "containers"), [])
        self.assertNotIn(str(self.root), Path("/proc/self/mountinfo").read_text())
        # Commands that were killed leave what the next clean-up takes; that it does is what is shown here.
        self.engine("system", "check", "--repair")
        self.assertEqual(os.listdir(self.root / "names"), [])  # one whose container is gone is free meanwhile
        self.assert_nothing_unfinished()
        self.assertEqual(self.engine("system", "check", "--deep").stdout, "The store is sound.\n")
        self.assertEqual(self.in_container(BUSYBOX, "echo", "works").stdout, "works\n")

    def processes(self):
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_bytes()
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
            if str(self.root).encode() in words:
                found.append(words)
        return found


class Sequence:
    """One container's life; its name is used by nobody else."""

    def __init__(self, test, number):
        self.test, self.number = test, number
        self.chance = random.Random(SEED * 1_000_003 + number)
        self.container = Container(f"box{number}")
        self.history = []

    def run(self):
        for _ in range(LENGTH):
            self.step()
            self.look()
        self.command("rm-f", ["rm", "-f", "-t", "0", self.container.name], may_be_killed=False)
        self.look()
        self.expect("absent" in self.container.states, "it is gone")

    def step(self):
        chance, box = self.chance, self.container
        if box.states == {"absent"} and chance.random() < 0.8:
            self.make(chance.choice(["create", "run-d", "run"]))
            return
        verb = chance.choice(["create", "run-d", "run-d", "run", "start", "start", "stop", "kill", "restart", "exec", "exec",
                              "marker", "marker", "wait", "rm", "rm-f", "rename", "monitor", "monitor"])
        if verb in ("create", "run-d", "run"):
            self.make(verb)
        elif verb in ("rename", "monitor", "marker"):
            getattr(self, verb)()
        elif verb == "wait":
            if box.states <= {"ending", "exited"}:  # else it might wait for ever
                self.command(verb, ["wait", box.name])
        elif verb == "exec":
            self.command(verb, ["exec", box.name, "true"])
        else:
            words = {"start": ["start"], "stop": ["stop", "-t", "0"], "kill": ["kill"], "rm": ["rm"],
                     "restart": ["restart", "-t", "0"], "rm-f": ["rm", "-f", "-t", "0"]}[verb]
            self.command(verb, [*words, box.name])

    def make(self, verb):
        box = self.container
        if box.states == {"absent"}:
            box = Container(box.name, verb == "run" or self.chance.random() < 0.3,
                            verb != "run" and self.chance.random() < 0.3)
            self.container = box
        elif "absent" in box.states:  # one or the other: who could say which program it runs?
            self.command("rm-f", ["rm", "-f", "-t", "0", box.name])
            return
        program = HOLDS.split() if not box.ends_alone and verb != "run" else ["sh", "-c", f"exit {CODE}"]
        words = {"create": ["create", "--pull", "never", "--network", "none"], "run-d": [*RUN, "-d"], "run": RUN}[verb]
        options = ["--rm"] if box.removes_itself else []
        self.command(verb, [*words, *options, "--name", box.name, BUSYBOX, *program],
                     success=(CODE,) if verb == "run" else (0,))

    def marker(self):
        """A file of the container: once a command said it is written, it is there until the container is removed."""
        box = self.container
        if not box.marker:
            word = f"{self.number}-{len(self.history)}"
            if self.command("exec", ["exec", box.name, "sh", "-c", f"echo {word} > /marker"]):
                box.marker = word
            return
        done = self.spawn(["exec", box.name, "cat", "/marker"])
        if done.returncode == 0:
            self.expect(done.stdout == box.marker + "\n", f"the marker is {box.marker}: {done.stdout!r}")

    def rename(self):
        box, name = self.container, f"{self.container.name}x"
        done = self.spawn(["rename", box.name, name], self.moment())
        if done.returncode == 0:
            self.expect(box.closed(box.states) != {"absent"}, "one that is absent was renamed")
        if self.spawn(["container", "exists", name]).returncode == 0:
            box.name = name

    def monitor(self):
        done = self.spawn(["inspect", "--format", "{{.State.ConmonPid}}", self.container.name])
        pid = int(done.stdout) if done.returncode == 0 else 0
        if pid > 0:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                return
            self.history.append(f"killed the monitor {pid}")
            with self.test.lock:
                self.test.monitors += 1

    # --- commands ---

    def moment(self):
        """When to kill the command, in seconds; None: not at all."""
        return self.chance.random() * MOMENT_SECONDS if self.chance.randrange(100) < KILLED_OF_100 else None

    def command(self, verb, words, success=(0,), may_be_killed=True):
        """Whether it succeeded. A program's own exit code may be lost together with its monitor."""
        done = self.spawn(words, self.moment() if may_be_killed else None)
        box = self.container
        if done.returncode == -signal.SIGKILL:
            box.killed(verb)
            return False
        succeeded = done.returncode in success or (verb == "run" and done.returncode == LOST)
        if not succeeded:
            self.expect(verb == "exec" or done.stderr.startswith("Error: "), f"{words} says why it failed")
        self.expect(box.done(verb, succeeded), f"{words} ended with {done.returncode}")
        if box.states == {"absent"}:
            box.marker = ""
        return succeeded

    def spawn(self, words, moment=None):
        """Runs one command, and kills it after `moment` seconds."""
        process = subprocess.Popen(self.test.command(*words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, env=self.test.environment, cwd=self.test.dir)
        if moment is not None:
            try:
                process.wait(moment)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
        stdout, stderr = process.communicate(timeout=120)
        with self.test.lock:
            self.test.commands += 1
            self.test.killed += process.returncode == -signal.SIGKILL
        self.history.append(f"{' '.join(words)} -> {process.returncode} {stdout.strip()[:80]} {stderr.strip()}")
        return subprocess.CompletedProcess(words, process.returncode, stdout, stderr)

    def look(self):
        box = self.container
        before = sorted(box.states)
        done = self.spawn(["inspect", "--type", "container", "--format", "{{.State.Status}}", box.name])
        self.expect(done.returncode in (0, 125), "inspect can look")
        status = done.stdout.strip() if done.returncode == 0 else None
        self.expect(box.seen(status), f"it is one of {before}: {status}")

    def expect(self, condition, what):
        if not condition:
            raise AssertionError("\n".join([what, *self.history]))
