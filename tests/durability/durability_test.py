"""The base of the durability tests: a small store that can be put back at any time, and what must be true of it.

Everything happens in a user namespace with one id: strace lets setuid helpers gain nothing, and so every file of the
store belongs to the test, which may copy it. The store is on a tmpfs unless TMPDIR names another place.
"""

import os
import re
import signal
import subprocess
from pathlib import Path

import make_image
from engine_test import EngineTest, wait_until
from make_image import file_entry, link_entry, tar_of

BOX, OTHER, EXTRA, NEW = (f"localhost/{name}:latest" for name in ("box", "other", "extra", "new"))
RUN = ("run", "--pull", "never", "--network", "none")
LAYER_BYTES = 40_000


def busybox():
    """Two names are enough: every further file is a system call, or several, of each pull."""
    binary = Path("/bin/busybox" if os.path.exists("/bin/busybox") else "/usr/bin/busybox")
    return tar_of([(file_entry("bin/busybox", 0o755), binary.read_bytes()),
                   *((link_entry(f"bin/{name}", "busybox"), b"") for name in ("sh", "cat", "echo"))])


def content_of(name):
    """What /word of the image `name` begins with."""
    return f"this is {name}\n"


def image(name, base=None):
    """The base layer that all share, and one of its own."""
    made = make_image.Image(name, {"Cmd": ["sh"], "Env": ["PATH=/bin"]}).add_layer(base or busybox(), "none")
    text = content_of(name).encode()
    return made.add_layer(tar_of([("word", text), ("dir/large", os.urandom(LAYER_BYTES))]), "gzip")


class DurabilityTest(EngineTest):
    def setUp(self):
        os.environ.setdefault("TMPDIR", "/dev/shm")
        super().setUp()
        self.holder = subprocess.Popen(
            ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", "echo here && read nothing"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(lambda: self.holder.communicate(""))
        self.assertEqual(self.holder.stdout.readline(), "here\n")
        self.tracer = []  # put before the engine

    def inside(self, *words):
        return ["nsenter", f"--target={self.holder.pid}", "--user", "--mount", "--preserve-credentials",
                *map(str, words)]

    def command(self, *words):
        return self.inside(*self.tracer, *super().command("--log-level", "error", *words))

    def shell(self, script):
        done = subprocess.run(self.inside("sh", "-ec", f"cd '{self.dir}'; {script}"), capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""), script)
        return done.stdout

    def traced(self, tracer, *words):
        self.tracer = list(map(str, tracer))
        try:
            return self.engine(*words, check=False)
        finally:
            self.tracer = []

    # --- the store ---

    def prepare_store(self):
        """Three images, a volume with a file, a container that wrote one, and another that may go."""
        self.archives = [self.archive(image(name), f"image{place}.tar") for place, name in enumerate((BOX, OTHER, EXTRA))]
        for archive in self.archives:
            self.engine("pull", "-q", archive)
        self.new_archive = self.archive(image(NEW), "new.tar")
        self.engine(*RUN, "--rm", "-v", "data:/data", BOX, "sh", "-c", "echo precious > /data/file")
        self.engine(*RUN, "--name", "keeper", OTHER, "sh", "-c", "echo kept > /kept")
        self.engine(*RUN, "--name", "victim", BOX, "echo")
        self.save("saved")

    def save(self, name):
        self.shell(f"rm -rf {name}; mkdir {name}; cp -a root run {name}")

    def restore(self, name="saved"):
        self.end_processes()
        self.shell(f"rm -rf root run; cp -a {name}/root {name}/run .")

    def end_processes(self):
        """So that one failure does not make whatever follows fail, too."""
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        wait_until(lambda: not self.processes(), f"no process of {self.root} is left")

    # --- what must be true ---

    def check(self, *options):
        """The findings of a check as "severity kind object"."""
        report = self.engine("system", "check", "--format", "json", *options, check=False).json()
        return [f"{finding['Severity']} {finding['Kind']} {finding['Object']} ({finding['Outcome']})"
                for finding in report["Findings"]], report["Damaged"]

    def assert_undamaged(self):
        found, damaged = self.check()
        self.assertFalse(damaged or [one for one in found if one.startswith("damage")], found)

    def assert_works(self, name):
        done = self.engine(*RUN, "--rm", name, "cat", "/word")
        self.assertEqual(done.stdout, content_of(name))

    def assert_volume_kept(self):
        self.assertEqual((self.root / "volumes/data/_data/file").read_text(), "precious\n")

    def assert_keeper_kept(self):
        self.assertIn("keeper", self.containers())
        container = self.inspect("keeper")["Id"]
        self.assertEqual((self.root / "containers" / container / "upper/kept").read_text(), "kept\n")

    def containers(self):
        return [name for one in self.engine("ps", "-a", "--format", "json").json() for name in one["Names"]]

    def images(self):
        return [name for one in self.engine("images", "--format", "json").json() for name in one.get("Names") or []]

    def assert_nothing_left(self):
        """No mount, process, lock, staging, trash or half-made thing."""
        wait_until(lambda: not self.processes(), f"no process of {self.root} is left")
        for folder in ("staging", "trash"):
            self.assertEqual(os.listdir(self.root / folder), [], folder)
        hidden = [path for folder in ("containers", "images", "refs", "names", "layers", "volumes")
                  for path in (self.root / folder).glob(".*")]
        self.assertEqual(hidden, [])
        self.assertEqual(len(os.listdir(self.root / "names")), len(os.listdir(self.root / "containers")))
        self.assert_no_mount()
        self.assertEqual(self.locks(), [])
        found, _ = self.check()
        self.assertEqual(found, [])

    def assert_no_mount(self):
        self.assertNotIn(str(self.dir), Path(f"/proc/{self.holder.pid}/mountinfo").read_text())

    def processes(self):
        """Those with this test's store in their command lines, by their numbers."""
        found = {}
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_bytes()
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
            if str(self.root).encode() in words:
                found[int(path.parent.name)] = words.replace(b"\0", b" ").decode(errors="replace")
        return found

    def locks(self):
        """Files of the store that somebody holds a lock on, by device and inode as /proc/locks tells."""
        held = {(int(major, 16) << 8 | int(minor, 16), int(inode))
                for major, minor, inode in re.findall(r" ([0-9a-f]+):([0-9a-f]+):(\d+) ",
                                                      Path("/proc/locks").read_text())}
        files = [*self.root.glob("locks/**/*"), *self.root.glob("containers/*/*"), *self.root.glob("volumes/*/*")]
        return [str(path) for path in files if self.identity(path) in held]

    def identity(self, path):
        status = path.stat(follow_symlinks=False)
        return os.major(status.st_dev) << 8 | os.minor(status.st_dev), status.st_ino
