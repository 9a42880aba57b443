"""The base of all functional tests: the real binary, a fresh store per test, and messages that show what happened.

A test is a user's story. Run one with  ENGINE=build/cmd/engine python3 tests/functional/run.py test_run
KEEP=1 keeps the store of each test and says where it is.
"""

import json
import os
import secrets
import shlex
import shutil
import subprocess
import time
import unittest
from pathlib import Path

import make_image

ENGINE = os.environ.get("ENGINE", "")
GUEST = os.environ.get("GUEST", "")
BUSYBOX = "localhost/busybox:latest"
PATIENCE_SECONDS = 120  # one command; generous, because a busy machine must not fail a test


class Result:
    """What one command printed and how it ended (128+N: killed by signal N)."""

    def __init__(self, command, status, stdout, stderr):
        self.command, self.status, self.stdout, self.stderr = command, status, stdout, stderr

    def __str__(self):
        return f"$ {shlex.join(self.command)}\nstatus: {self.status}\nstdout: {self.stdout}\nstderr: {self.stderr}"

    def json(self):
        return json.loads(self.stdout)


def wait_until(condition, what, seconds=60):
    """Polls until condition() is true and returns its value; the one place where a test lets time pass."""
    deadline = time.monotonic() + seconds
    while True:
        if value := condition():
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain: {what}")
        time.sleep(0.02)


def is_alive(pid):
    """False when the process is gone or a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def fresh_folder():
    """A new private folder whose path podman also takes as a repository's name: no "_", which mkdtemp likes."""
    folder = Path(os.environ.get("TMPDIR", "/var/tmp")) / f"engine-{secrets.token_hex(6)}"
    folder.mkdir(mode=0o700)
    return folder


class EngineTest(unittest.TestCase):
    driver = None  # --storage-driver of every command, when a test sets it
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        if not ENGINE:
            raise AssertionError("ENGINE must name the engine to test; see tests/functional/run.py")

    def setUp(self):
        self.dir = fresh_folder()
        self.addCleanup(self._clean_up)
        self.root, self.runroot = self.dir / "root", self.dir / "run"
        self.home = self.dir / "home"
        self.home.mkdir()
        self.environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin",
            "HOME": str(self.home),
            "XDG_RUNTIME_DIR": str(self.dir),
            "TERM": "xterm",
            "LC_ALL": "C.UTF-8",
        }
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
            if name in os.environ:
                self.environment[name] = os.environ[name]

    def _clean_up(self):
        if os.environ.get("KEEP"):
            print(f"\nkept: {self.dir} ({self.id()})")
            return
        if self.root.exists():
            self.engine("rm", "--all", "--force", "--time", "0", check=False)
            self.engine("unshare", "rm", "-rf", str(self.root), check=False)  # files of subordinate ids
        shutil.rmtree(self.dir, ignore_errors=True)

    # --- commands ---

    def command(self, *words):
        driver = ["--storage-driver", self.driver] if self.driver else []
        return [ENGINE, "--root", str(self.root), "--runroot", str(self.runroot), *driver, *map(str, words)]

    def engine(self, *words, input=None, check=True, timeout=PATIENCE_SECONDS, env=None, cwd=None, text=True):
        """Runs one command to its end. check=True: status 0 is expected. input: text for stdin, else /dev/null."""
        command = self.command(*words)
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL if input is None else subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=text,
            env={**self.environment, **(env or {})}, cwd=cwd or self.dir)
        try:
            stdout, stderr = process.communicate(input, timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            try:
                stdout, stderr = process.communicate(timeout=5)
            except subprocess.TimeoutExpired:
                stdout, stderr = "", "(another process holds its output open)"
            self.fail(f"no end after {timeout} s:\n{Result(command, 'killed', stdout, stderr)}")
        status = process.returncode if process.returncode >= 0 else 128 - process.returncode
        result = Result(command, status, stdout, stderr)
        if check and status != 0:
            self.fail(f"unexpected failure:\n{result}")
        return result

    def start_engine(self, *words, **options):
        """Starts a command and returns the Popen; it is killed, if it still runs, when the test ends."""
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True,
                   "env": self.environment, "cwd": self.dir, **options}
        process = subprocess.Popen(self.command(*words), **options)

        def end():
            if process.poll() is None:
                process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream:
                    try:
                        stream.close()
                    except OSError:
                        pass
        self.addCleanup(end)
        return process

    def tool(self, *words, input=None, check=True):
        """Runs a program that is not engine."""
        command = list(map(str, words))
        done = subprocess.run(command, input=input, stdin=subprocess.DEVNULL if input is None else None,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=PATIENCE_SECONDS,
                              env=self.environment)
        result = Result(command, done.returncode, done.stdout, done.stderr)
        if check and done.returncode != 0:
            self.fail(f"unexpected failure:\n{result}")
        return result

    # --- images and containers ---

    def archive(self, image=None, name="image.tar"):
        """An oci-archive of `image` (default: busybox and the guest); returns the words for pull."""
        path = self.dir / name
        (image or self.guest_image()).write_archive(path)
        return f"oci-archive:{path}"

    def guest_image(self, name=BUSYBOX, **config):
        """busybox with the guest program as /guest."""
        image = make_image.busybox_image(name, **config)
        image.add_layer(make_image.tar_of([(make_image.file_entry("guest", 0o755), Path(GUEST).read_bytes())]), "none")
        return image

    def pull_image(self, name=BUSYBOX, **config):
        self.engine("pull", "-q", self.archive(self.guest_image(name, **config)))
        return name

    def in_container(self, *words, **options):
        """engine run --rm --network none WORDS: what a container without network prints."""
        return self.engine("run", "--rm", "--network", "none", *words, **options)

    def report(self, *options, image=BUSYBOX, words=(), **more):
        """The guest's report from a new container."""
        return self.in_container(*options, image, "/guest", *words, **more).json()

    def start_sleeper(self, *options, image=BUSYBOX):
        """A detached container that waits until a signal ends it; its id."""
        return self.engine("run", "-d", "--network", "none", *options, image, "/guest", "wait").stdout.strip()

    def inspect(self, name):
        return self.engine("inspect", name).json()[0]

    def running_pid(self, name):
        """The process of a container whose program has printed something: that it runs is noted a moment later."""
        return wait_until(lambda: self.inspect(name)["State"]["Pid"], f"{name} is known to run")

    def status_of(self, name):
        return self.inspect(name)["State"]["Status"]

    def wait_for_log(self, container, text):
        return wait_until(lambda: text in self.engine("logs", container).stdout, f"{text!r} in the log of {container}")

    # --- assertions ---

    def assert_fails(self, result, status, *parts):
        """One line that begins with "Error:", at most one hint after it, and the right status."""
        self.assertEqual(result.status, status, result)
        lines = result.stderr.splitlines()
        self.assertTrue(lines and lines[0].startswith("Error: "), result)
        self.assertLessEqual(len(lines), 2, result)
        if len(lines) == 2:
            self.assertTrue(lines[1].startswith("hint: "), result)
        for part in parts:
            self.assertIn(part, result.stderr, result)

    def assert_no_containers(self):
        self.assertEqual(self.engine("ps", "-a", "-q").stdout, "")

    def assert_nothing_unfinished(self):
        """No half-written image, layer or container is left in the store."""
        def left():
            return self.engine("unshare", "find", self.root / "staging", self.root / "trash", "-mindepth", "1",
                               check=False).stdout
        # A container in the background is removed by its monitor, which may still be at it.
        wait_until(lambda: left() == "", f"staging and trash are empty in {self.root}", seconds=20)
