"""Odd callers: closed streams, ignored signals, tight limits, a strange environment, signals at any moment."""

import json
import os
import resource
import signal
import subprocess

from engine_test import BUSYBOX, EngineTest, wait_until

ALL_SIGNALS = sorted(set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP})
DELAYS_MILLISECONDS = (0, 1, 2, 4, 6, 8, 10, 13, 16, 20, 25, 30, 40, 60)


class CallerTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()

    def call(self, *words, prepare=None, redirect="", env=None):
        """engine WORDS after `prepare` in the child, or with a redirection of the shell."""
        command = self.command(*words)
        if redirect:
            command = ["sh", "-c", f'exec "$@" {redirect}', "sh", *command]
        done = subprocess.run(command, stdin=None if redirect else subprocess.DEVNULL, capture_output=True, text=True,
                              preexec_fn=prepare, timeout=120, cwd=self.dir, env={**self.environment, **(env or {})})
        done.stdout, done.stderr = done.stdout or "", done.stderr or ""
        return done

    def run_echo(self, **how):
        return self.call("run", "--rm", "--network", "none", BUSYBOX, "echo", "hi", **how)

    def assert_nothing_left(self):
        wait_until(lambda: self.engine("ps", "-aq").stdout == "", "nothing is listed")
        for folder in ("containers", "names"):
            wait_until(lambda folder=folder: not list((self.root / folder).iterdir()), f"{folder} is empty")
        self.assert_nothing_unfinished()


class ClosedStreamsTest(CallerTest):
    COMBINATIONS = ("0>&-", "1>&-", "2>&-", "0>&- 1>&-", "1>&- 2>&-", "0>&- 1>&- 2>&-")

    def test_run_in_each_way(self):
        for redirect in self.COMBINATIONS:
            for options in (["--rm"], ["--rm", "-i"], ["-d"], ["--rm", "-it"]):
                with self.subTest(redirect=redirect, options=options):
                    done = self.call("run", "--network", "none", *options, BUSYBOX, "echo", "hi", redirect=redirect)
                    self.assertEqual((done.returncode, "Error" in done.stderr), (0, False), done)
                    if "1>" not in redirect and "-d" not in options:
                        self.assertIn("hi", done.stdout)
        self.engine("rm", "-fa", "-t", "0")
        self.assert_nothing_left()

    def test_pull_and_the_rest(self):
        archive = self.archive()
        for redirect in self.COMBINATIONS:
            for words in (["pull", "-q", archive], ["ps", "-a"], ["images"], ["info"]):
                with self.subTest(redirect=redirect, words=words):
                    self.assertEqual(self.call(*words, redirect=redirect).returncode, 0)

    def test_no_file_of_the_host_takes_their_place(self):
        container = self.start_sleeper()
        for redirect in ("0>&-", "2>&-", "0>&- 2>&-", "0< /", "2< /", "0< / 2< /"):
            for words in (["run", "--rm", "-i", "--network", "none", BUSYBOX], ["run", "--rm", "--network", "none", BUSYBOX],
                          ["exec", container], ["exec", "-i", container]):
                with self.subTest(redirect=redirect, words=words):
                    done = self.call(*words, "/guest", redirect=redirect)
                    self.assertEqual(done.returncode, 0, done)
                    for number, link in json.loads(done.stdout)["fds"].items():
                        self.assertTrue(link == "/dev/null" or link.startswith("pipe:"), f"{number}: {link}")


class InheritedTest(CallerTest):
    def status_lines(self, **how):
        done = self.call("run", "--rm", "--network", "none", BUSYBOX, "grep", "Sig", "/proc/self/status", **how)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        return dict(line.split(":\t") for line in done.stdout.splitlines())

    def test_ignored_and_blocked_signals(self):
        def ignore_all():
            for number in ALL_SIGNALS:
                signal.signal(number, signal.SIG_IGN)

        def block_all():
            signal.pthread_sigmask(signal.SIG_BLOCK, ALL_SIGNALS)

        for prepare in (ignore_all, block_all, lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN)):
            lines = self.status_lines(prepare=prepare)
            self.assertEqual((int(lines["SigBlk"], 16), int(lines["SigIgn"], 16)), (0, 0))
            done = self.call("run", "-d", "--name", "box", "--network", "none", BUSYBOX, "sh", "-c", "exit 4",
                             prepare=prepare)
            self.assertEqual(done.returncode, 0, done)
            self.assertEqual(self.call("wait", "box", prepare=prepare).stdout, "4\n")
            self.assertEqual(self.call("rm", "box", prepare=prepare).stdout, "box\n")
            self.assertEqual(self.call("pull", "-q", self.archive(), prepare=prepare).returncode, 0)

    def test_umask(self):
        for mask in (0o000, 0o777):
            def prepare(mask=mask):
                os.umask(mask)
            done = self.call("run", "--rm", "--network", "none", BUSYBOX, "sh", "-c", "umask; echo x > /f; cat /f",
                             prepare=prepare)
            self.assertEqual((done.returncode, done.stdout), (0, "0022\nx\n"), done)
            self.assertEqual(self.call("pull", "-q", self.archive(), prepare=prepare).returncode, 0)
        for path in self.root.rglob("*"):
            if path.is_symlink() or "diff" in path.parts or "tree" in path.parts:
                continue
            self.assertEqual(path.stat().st_mode & 0o022, 0, path)

    def test_limits_are_told_in_one_line(self):
        for name, values in (("NOFILE", (5, 8, 12, 20, 30)), ("FSIZE", (0, 1000, 5000)), ("NPROC", (1,))):
            for value in values:
                for words in (["run", "--rm", "--network", "none", BUSYBOX, "true"],
                              ["run", "-d", "--rm", "--network", "none", BUSYBOX, "true"], ["pull", "-q", self.archive()]):
                    with self.subTest(limit=name, value=value, words=words):
                        number = getattr(resource, "RLIMIT_" + name)
                        done = self.call(*words, prepare=lambda: resource.setrlimit(number, (value, value)))
                        self.assertIn(done.returncode, (0, 125), done)
                        if done.returncode:
                            self.assertTrue(done.stderr.startswith("Error: "), done)
                            self.assertLessEqual(len(done.stderr.splitlines()), 2, done)
        self.assert_nothing_left()
        self.assertEqual(self.run_echo().stdout, "hi\n")


class EnvironmentTest(CallerTest):
    def test_places(self):
        """Store and run folder are named here; what else is looked for may be missing or not ours."""
        (self.dir / "open").mkdir()
        (self.dir / "open").chmod(0o777)
        for env in ({"HOME": ""}, {"HOME": "relative"}, {"HOME": "/nonexistent"}, {"XDG_RUNTIME_DIR": ""},
                    {"XDG_RUNTIME_DIR": "/nonexistent"}, {"XDG_RUNTIME_DIR": "/"}, {"XDG_CACHE_HOME": "/proc"},
                    {"XDG_RUNTIME_DIR": str(self.dir / "open")}, {"XDG_CONFIG_HOME": "/dev/null"},
                    {"XDG_DATA_HOME": "relative"}, {"PATH": ""}, {"TMPDIR": "/nonexistent"}, {"LC_ALL": "x" * 5000}):
            with self.subTest(env=env):
                done = self.run_echo(env=env)
                self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "hi\n", ""), done)

    def test_env_files(self):
        """As much as a program can be given is taken; more, or no file at all, is an error that names it."""
        path = self.dir / "env"
        path.write_text("".join(f"V{number}=x{number}\n" for number in range(30000)))
        done = self.call("run", "--rm", "--network", "none", "--env-file", path, BUSYBOX, "sh", "-c", "env | grep -c ^V")
        self.assertEqual(done.stdout, "30000\n", done)
        path.write_text("A=" + "x" * (10 << 20))
        container = self.start_sleeper()
        for file in (path, "/dev/zero", "/", self.dir / "absent"):
            for words in (["run", "--rm", "--network", "none", "--env-file", file, BUSYBOX],
                          ["exec", "--env-file", file, container]):
                with self.subTest(file=file, words=words[0]):
                    result = self.engine(*words, "true", check=False)
                    self.assert_fails(result, 125, f'"{file}"')

    def test_host_names(self):
        for name in ("a b", "a\nb", "x" * 65, "\t"):
            with self.subTest(name=name):
                self.assert_fails(self.engine("run", "--rm", "--network", "none", "--hostname", name, BUSYBOX, "true",
                                              check=False), 125, "--hostname")
        self.assertEqual(self.in_container("--hostname", "x" * 64, BUSYBOX, "hostname").stdout, "x" * 64 + "\n")

    def test_working_directories(self):
        for given, seen in (("/a b/../c", "/c"), ("/usr/../../bin/", "/bin"), ("//", "/"), ("/new/./one", "/new/one")):
            with self.subTest(given=given):
                self.assertEqual(self.in_container("-w", given, BUSYBOX, "pwd").stdout, seen + "\n")

    def test_many_names_are_found(self):
        """Names that nobody chose are no reason to fail, although there are only some thousands of them."""
        for _ in range(200):
            self.engine("create", "--network", "none", BUSYBOX, "true")
        names = [one["Names"][0] for one in self.engine("ps", "-a", "--format", "json").json()]
        self.assertEqual(len(set(names)), 200)


class SignalTest(CallerTest):
    def interrupt(self, words, number, delay):
        process = self.start_engine(*words)
        try:
            process.wait(delay / 1000)
        except subprocess.TimeoutExpired:
            process.send_signal(number)
        stdout, stderr = process.communicate(timeout=60)
        return process.returncode, stdout, stderr

    def test_run_at_many_moments(self):
        script = 'trap "exit 9" INT TERM HUP QUIT; read -t 0.03 nothing < /dev/zero; exit 0'
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            for options in (["--rm"], ["--rm", "-i"], ["--rm", "-d"]):
                for delay in DELAYS_MILLISECONDS:
                    with self.subTest(signal=number.name, options=options, delay=delay):
                        words = ["run", "--network", "none", *options, BUSYBOX, "sh", "-c", script]
                        status, _, stderr = self.interrupt(words, number, delay)
                        self.assertIn(status, (0, 9, -number, 128 + number), stderr)
                        self.assertEqual(stderr, "")
        self.assert_nothing_left()
        self.assertEqual(self.run_echo().stdout, "hi\n")

    def test_pull_at_many_moments(self):
        archive = self.archive()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            for delay in (*DELAYS_MILLISECONDS, 90, 130, 200):
                with self.subTest(signal=number.name, delay=delay):
                    self.engine("rmi", "-fa")
                    status, _, stderr = self.interrupt(["pull", "-q", archive], number, delay)
                    self.assertIn(status, (0, -number, 130), stderr)
                    self.assertEqual(stderr, "")
        self.engine("pull", "-q", archive)  # removes what was left, where no helper was there to do it
        self.assertEqual(self.run_echo().stdout, "hi\n")
        self.assert_nothing_left()
