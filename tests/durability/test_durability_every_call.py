"""Each system call of a command fails, or is its last: nothing is lost, whatever comes next works, nothing is left.

The calls are found by strace: those of the command itself, and then those that only its children and threads make.
Every point begins with the same store. What it leaves is looked at and used once: of a point after which all is as
another one left it, the rest is known. See README.md for the command that tries all of them.
"""

import collections
import os
import re
import shutil
import sys
import unittest
from dataclasses import dataclass, field

from durability_test import BOX, EXTRA, NEW, OTHER, RUN, DurabilityTest, content_of
from engine_test import wait_until
from store_state import StoreState, container_ids

# What cannot fail in this way, and close, which closes nothing when strace lets it fail. The kernel numbers the others
# per process, so a point of a child is one that its parent does not reach.
LEFT_OUT = {"execve", "exit", "exit_group", "brk", "vfork", "futex", "mprotect", "close", "close_range", "fcntl",
            "munmap", "rt_sigreturn", "restart_syscall", "arch_prctl", "set_tid_address", "set_robust_list", "rseq"}
MAKES_DESCRIPTOR = {"openat", "openat2", "open", "socket", "socketpair", "pipe2", "dup", "dup3", "epoll_create1",
                    "eventfd2", "signalfd4", "timerfd_create", "memfd_create", "pidfd_open", "accept4", "open_tree",
                    "fsopen", "fsmount", "inotify_init1", "recvmsg", "clone3"}
WRITES = {"write", "pwrite64", "writev", "openat", "openat2", "mkdirat", "renameat", "renameat2", "linkat", "symlinkat",
          "fsync", "fdatasync", "syncfs", "ftruncate", "fallocate", "fchmod", "fchmodat", "fsetxattr", "setxattr",
          "copy_file_range", "sendfile", "mknodat", "utimensat", "fchownat", "fchown"}
SLEEPS = {"openat", "read", "write", "pread64", "pwrite64", "recvmsg", "sendmsg", "poll", "ppoll", "epoll_wait",
          "epoll_pwait", "wait4", "waitid", "connect", "accept4", "nanosleep", "clock_nanosleep", "fsync", "syncfs"}
NEVER_FAIL = {"getuid", "geteuid", "getgid", "getegid", "getpid", "getppid", "gettid", "umask", "sched_yield"}
FAULTS = {"kill": None, "EIO": None, "ENOSPC": WRITES, "EDQUOT": WRITES, "EMFILE": MAKES_DESCRIPTOR, "EINTR": SLEEPS}
SIGSYS = 128 + 31  # strace makes an injected call's number -1, which the container's filter kills the process for
SAMPLE = int(os.environ.get("EVERY_CALL_SAMPLE", "5"))  # points of each operation and fault; 0: all
OFFSET = int(os.environ.get("EVERY_CALL_OFFSET", "0"))  # another number, other points of a sample
CHOSEN = os.environ.get("EVERY_CALL_OPERATIONS", "")
INJECT = os.environ.get("EVERY_CALL_INJECT", "kill,EIO").split(",")


@dataclass
class Operation:
    words: list
    again: list  # ends well whether `words` did or did not; None: `words`, which may fail then
    store: str = "saved"
    keeps: set = field(default_factory=lambda: {BOX, OTHER, EXTRA})  # images
    keeps_keeper: bool = True
    mends: bool = False  # the store is damaged before


def operations(archive):
    """By the names that EVERY_CALL_OPERATIONS uses."""
    pull = ["pull", "-q", archive]
    fresh = ["--name", "fresh", BOX, "echo", "hi"]
    check = ["system", "check", "--deep", "--repair"]
    return {
        "pull": Operation(pull, pull),
        "run": Operation([*RUN, *fresh], [*RUN, "--replace", *fresh]),
        "run-rm": Operation([*RUN, "--rm", *fresh], [*RUN, "--rm", "--replace", *fresh]),
        "run-d": Operation([*RUN, "-d", *fresh], [*RUN, "-d", "--replace", *fresh]),
        "commit": Operation(["commit", "-q", "victim", NEW], ["commit", "-q", "victim", NEW]),
        "rename": Operation(["rename", "victim", "fresh"], None),
        "rm": Operation(["rm", "victim"], ["rm", "-i", "victim"]),
        "rmi": Operation(["rmi", EXTRA], ["rmi", "-i", EXTRA], keeps={BOX, OTHER}),
        "prune": Operation(["system", "prune", "-af"], ["system", "prune", "-af"], keeps=set(), keeps_keeper=False),
        "tag": Operation(["tag", BOX, NEW], ["tag", BOX, NEW]),
        "repair": Operation(check, check, store="damaged", mends=True),
    }


@unittest.skipUnless(shutil.which("strace"), "strace is not installed")
class EveryCallTest(DurabilityTest):
    def setUp(self):
        name = self._testMethodName.removeprefix("test_").replace("_", "-")
        if CHOSEN and name not in CHOSEN.split(","):
            self.skipTest("not chosen")
        super().setUp()
        self.prepare_store()
        self.operations = operations(self.new_archive)
        self.states = StoreState(container_ids(self.dir / "saved"))
        self.verified = set()  # (state, whether success was reported, ...)
        self.left = None  # the state in which the last point left the store, if nothing was done since

    def tearDown(self):
        self.tracer = []

    # --- the points ---

    def calls_in(self, trace):
        """The calls of each process as (name, how many of that name it is), from main() on where main is known: the
        command's, those of the others, and what the command did before main()."""
        seen, calls = collections.defaultdict(collections.Counter), collections.defaultdict(list)
        early = collections.defaultdict(set)
        for pid, name, line in re.findall(r"^(\d+) +(\w+)(\(.*)", trace.read_text(errors="replace"), re.MULTILINE):
            seen[pid][name] += 1
            calls[pid].append((name, seen[pid][name]))
            if name == "prctl" and "PR_SET_DUMPABLE" in line:
                early[pid].update(calls[pid])
                calls[pid] = []  # what was before is the dynamic linker's
        own = next(iter(calls))
        found = {pid: [call for call in some if call[0] not in LEFT_OUT] for pid, some in calls.items()}
        return found.pop(own), found.values(), early[own]

    def points_of(self, operation):
        """(strace's option, name, number): the command's own calls, then those that it does not make itself."""
        trace = self.dir / "trace"
        self.restore(operation.store)
        done = self.traced(["strace", "-f", "-o", trace], *operation.words)
        self.assertEqual(done.status, 0, done)
        own, others, early = self.calls_in(trace)
        self.assertGreater(len(own), 100)
        known = early.union(own)
        others = [call for call in dict.fromkeys(call for calls in others for call in calls) if call not in known]
        return [("-q", *call) for call in own] + [("-f", *call) for call in others]

    def chosen(self, points, fault):
        fits = [point for point in points if fault == "kill" or point[1] not in NEVER_FAIL]
        fits = [point for point in fits if FAULTS[fault] is None or point[1] in FAULTS[fault]]
        if SAMPLE == 0 or len(fits) <= SAMPLE:
            return fits
        first = OFFSET * 7 % len(fits)  # 0 for the sample that every change is tested with
        return [fits[((2 * place + 1) * len(fits) // (2 * SAMPLE) + first) % len(fits)] for place in range(SAMPLE)]

    # --- one operation ---

    def try_all(self, name):
        operation = self.operations[name]
        points = self.points_of(operation)
        before = self.states.digest(self.dir / operation.store)
        for fault in INJECT:
            chosen = self.chosen(points, fault)
            for point in chosen:
                with self.subTest(operation=name, point=point, fault=fault):
                    if self.left != before:
                        self.restore(operation.store)
                    self.left = None
                    self.try_point(name, operation, point, fault)
            print(f"\n{name}: {fault} at {len(chosen)} points of {len(points)}; {len(self.verified)} states so far",
                  end=" ", file=sys.stderr, flush=True)

    def try_point(self, name, operation, point, fault):
        option, call, number = point
        what = "signal=KILL" if fault == "kill" else f"error={fault}"
        done = self.traced(["strace", option, "-o", "/dev/null", "-e", f"inject={call}:{what}:when={number}"],
                           *operation.words)
        if fault != "kill":
            self.assert_told(done, unwatched=option == "-f")
        # A container's monitor does not name the store, but holds a lock in it.
        wait_until(lambda: not self.processes() and not self.locks(), f"what was started for {self.root} ends")
        self.assert_no_mount()
        state = self.states.digest(self.dir)
        known = (state, done.status == 0, option, operation.store)
        if known in self.verified:
            self.left = state
            return
        self.verify(name, operation, done.status == 0, unwatched=option == "-f")
        self.verified.add(known)

    def verify(self, name, operation, reported, unwatched):
        """The store as it was left; then the command once more; then all that one would do."""
        self.assert_kept(operation)
        if not operation.mends:
            self.assert_undamaged()
        if reported:
            self.assert_done(name, unwatched)
        self.engine(*(operation.again or operation.words), check=operation.again is not None)
        self.assert_done(name)
        self.assert_after(operation)

    def assert_told(self, done, unwatched):
        """One line that says more than the kernel's word for the error, and a hint. unwatched: the container may have been
        hit, or a helper, which speaks for itself."""
        if done.status == 0 or unwatched and done.status == SIGSYS:
            return
        if "\nnot repaired: " in done.stdout or done.stdout.startswith("damage: "):
            return
        lines = [line for line in done.stderr.splitlines() if not re.match("(layer|blob) [0-9a-f]{12}", line)]  # progress
        errors = [line for line in lines if line.startswith("Error: ")]
        self.assertTrue(lines and lines[0] == (errors or [""])[0] and len(errors) <= 1 + unwatched, done)
        self.assertLessEqual(len(lines), 2 * len(errors), done)
        self.assertRegex(lines[0], r"^Error: .*(\"|/|\w+ing |container|image|layer|store|process|namespace)", done)

    def assert_kept(self, operation):
        self.assert_volume_kept()
        self.assertLessEqual(operation.keeps, set(self.images()))
        if operation.keeps_keeper:
            self.assert_keeper_kept()

    def assert_done(self, name, unwatched=False):
        """What the operation reported is so. unwatched: the fault may have hit a container's monitor, not the command."""
        containers, images = self.containers(), self.images()
        if name in ("run", "run-d"):
            self.assertIn("fresh", containers)
            ends = ("0\n", "137\n", "255\n", f"{SIGSYS}\n") if unwatched else ("0\n",)
            self.assertIn(self.engine("wait", "fresh").stdout, ends)
            self.assertIn(self.engine("logs", "fresh").stdout, ("hi\n", "") if unwatched else ("hi\n",))
        elif name == "run-rm":
            self.assertNotIn("fresh", containers)
        elif name == "rm":
            self.assertNotIn("victim", containers)
        elif name == "rename":
            self.assertEqual({"victim", "fresh"}.intersection(containers), {"fresh"})
            self.assertNotEqual(self.engine("container", "exists", "victim", check=False).status, 0)
            self.engine("container", "exists", "fresh")
        elif name == "rmi":
            self.assertNotIn(EXTRA, images)
        elif name == "prune":
            self.assertEqual((containers, images), ([], []))
        elif name == "repair":
            self.assertEqual(self.check("--deep"), ([], False))
        elif name == "pull":
            self.assert_works(NEW)
        else:
            self.assertEqual(self.engine(*RUN, "--rm", NEW, "cat", "/word").stdout, content_of(BOX))

    def assert_after(self, operation):
        for image in operation.keeps:
            self.assert_works(image)
        if not operation.keeps:
            self.engine("pull", "-q", self.new_archive)
            self.assert_works(NEW)
        self.engine("image", "prune", "-f")  # what was unnamed already when it ended
        self.assert_kept(operation)
        self.assert_nothing_left()

    # --- the operations ---

    def test_pull(self):
        self.try_all("pull")

    def test_run(self):
        self.try_all("run")

    def test_run_rm(self):
        self.try_all("run-rm")

    def test_run_d(self):
        self.try_all("run-d")

    def test_rm(self):
        self.try_all("rm")

    def test_commit(self):
        self.try_all("commit")

    def test_rename(self):
        self.try_all("rename")

    def test_rmi(self):
        self.try_all("rmi")

    def test_prune(self):
        self.try_all("prune")

    def test_tag(self):
        self.try_all("tag")

    def test_repair(self):
        word = next(path for path in self.root.glob("layers/*/*/diff/word") if path.read_text() == content_of(BOX))
        word.unlink()
        self.save("damaged")
        self.try_all("repair")
