"""Each system call of a command may fail, or be its last: a clear end, and whatever comes next works.

Calls are chosen by strace, under which setuid helpers gain nothing; so this runs in a user namespace with one id. By
default some of the calls are tried; EVERY_CALL=1 tries them all, which takes long.
"""

import collections
import os
import re
import shutil
import subprocess
import unittest

from engine_test import BUSYBOX, EngineTest, wait_until

# What cannot fail in this way, and close, which closes nothing when strace lets it fail.
LEFT_OUT = {"execve", "exit", "exit_group", "brk", "vfork", "futex", "mprotect", "close", "close_range", "fcntl"}
STEP = 1 if os.environ.get("EVERY_CALL") else 17


@unittest.skipUnless(shutil.which("strace"), "strace is not installed")
class EveryCallTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.holder = subprocess.Popen(["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", "echo here && read x"],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(lambda: self.holder.communicate(""))
        self.assertEqual(self.holder.stdout.readline(), "here\n")
        self.tracer = []
        self.image = self.archive()
        self.engine("pull", "-q", self.image)
        self.in_container(BUSYBOX, "true")  # the storage driver and the seccomp filter are found now, not later

    def command(self, *words):
        return ["nsenter", f"--target={self.holder.pid}", "--user", "--mount", "--preserve-credentials", *self.tracer,
                *super().command("--log-level", "error", *words)]

    def traced(self, options, *words):
        self.tracer = ["strace", *options]
        try:
            return self.engine(*words, check=False)
        finally:
            self.tracer = []

    def calls_of(self, *words):
        """Its calls as (name, how many of that name it is)."""
        trace = self.dir / "trace"
        self.assertEqual(self.traced(["-o", trace], *words).status, 0)
        seen, calls = collections.Counter(), []
        for name, line in re.findall(r"^(\w+)(\(.*)", trace.read_text(errors="replace"), re.MULTILINE):
            seen[name] += 1
            calls.append((name, seen[name]))
            if name == "prctl" and "PR_SET_DUMPABLE" in line:
                calls = []  # here main begins; what was before is the dynamic linker's
        calls = [call for call in calls if call[0] not in LEFT_OUT]
        self.assertGreater(len(calls), 100)
        return calls[::STEP]

    def assert_told(self, result):
        if result.status != 0:
            self.assertEqual(result.status, 125, result)
            lines = result.stderr.splitlines()
            self.assertTrue(lines and lines[0].startswith("Error: ") and len(lines) <= 2, result)

    def assert_clean(self):
        wait_until(lambda: self.engine("ps", "-aq").stdout == "", "no container is listed")
        self.assertEqual(self.in_container("--pull", "never", BUSYBOX, "echo", "works").stdout, "works\n")
        for folder in ("containers", "names", "staging", "trash"):
            self.assertEqual(list((self.root / folder).iterdir()), [], folder)

    def run_with(self, *options):
        words = ["run", "--network", "none", *options, BUSYBOX, "echo", "hi"]
        for name, number in self.calls_of(*words):
            for fault in ("signal=KILL", "error=EIO"):
                with self.subTest(call=name, number=number, fault=fault):
                    result = self.traced(["-o", "/dev/null", "-e", f"inject={name}:{fault}:when={number}"], *words)
                    if fault.startswith("error"):
                        self.assert_told(result)
                    self.assert_clean()

    def test_run(self):
        self.run_with("--rm")

    def test_run_in_the_background(self):
        self.run_with("--rm", "-d")

    def test_pull(self):
        self.engine("rmi", "-a")
        for name, number in self.calls_of("pull", "-q", self.image):
            for fault in ("signal=KILL", "error=EIO"):
                with self.subTest(call=name, number=number, fault=fault):
                    self.engine("rmi", "-fa")
                    result = self.traced(["-o", "/dev/null", "-e", f"inject={name}:{fault}:when={number}"], "pull", "-q",
                                         self.image)
                    if fault.startswith("error"):
                        self.assert_told(result)
                    self.engine("pull", "-q", self.image)
                    self.assert_clean()

    def after_each_fault(self, before, words, after):
        """`before` makes the work, which `words` do with each of their calls failing or being the last."""
        before()
        for name, number in self.calls_of(*words)[::1 if STEP == 1 else 3]:
            for fault in ("signal=KILL", "error=EIO"):
                with self.subTest(words=words, call=name, number=number, fault=fault):
                    before()
                    self.traced(["-o", "/dev/null", "-e", f"inject={name}:{fault}:when={number}"], *words)
                    after()

    def assert_sound(self):
        done = self.engine("system", "check", "--deep", "--repair")
        self.assertTrue(done.stdout.endswith("The store is sound.\n"), done)
        self.assertEqual(self.engine("system", "check", "--deep").stdout, "The store is sound.\n")

    def test_repair(self):
        manifest = next(self.root.glob("images/*")).name
        guest = next(self.root.glob("layers/*/*/diff/guest"))
        chain = guest.parents[2].name

        def after():
            self.assert_sound()
            self.assertTrue(guest.exists())
            self.assert_clean()
        for words in (["system", "check", "--deep", "--repair"], ["_repair", f"--layer=sha256:{chain}", f"sha256:{manifest}"]):
            self.after_each_fault(lambda: guest.unlink(missing_ok=True), words, after)

    def test_prune(self):
        def after():
            self.assert_sound()
            self.engine("pull", "-q", self.image)
            self.assert_clean()
        self.after_each_fault(lambda: self.engine("pull", "-q", self.image), ["system", "prune", "-af"], after)
