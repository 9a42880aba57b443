"""The base of the attack tests: canaries that must not change, bundles with hostile root file systems, hostile programs.

A test of this folder attacks `engine` as a stranger's image, container or configuration would, and names with @row which
row of README.md it is for. The victim is always a canary in the test's own folder; nothing else of the machine is touched.
"""

import json
import os
import shutil
import signal
import stat
import subprocess
from pathlib import Path

import make_image
from engine_test import BUSYBOX, ENGINE, GUEST, EngineTest, Result, wait_until

ATTACKER = os.environ.get("ATTACKER", str(Path(GUEST).parent / "attacker")) if GUEST else ""
HOSTILE = "localhost/hostile:latest"
PATIENCE_SECONDS = 120


def row(*names):
    """Says which rows of README.md a test is for."""
    def mark(function):
        function.rows = names
        return function
    return mark


def escapes_when_unsafe(function):
    """The test must fail with an engine that opens paths by plain openat; check_unsafe sees to it."""
    function.escapes_when_unsafe = True
    return function


def snapshot(folder):
    """All that an attack could change in a folder: names, kinds, owners, modes, times, contents."""
    seen = {}
    for place, folders, files in os.walk(folder):
        for name in [".", *files, *folders]:
            path = Path(place) / name
            status = path.lstat()
            content = None
            if stat.S_ISLNK(status.st_mode):
                content = os.readlink(path)
            elif stat.S_ISREG(status.st_mode):
                content = path.read_bytes()
            seen[str(path)] = (status.st_ino, status.st_mode, status.st_uid, status.st_gid, status.st_mtime_ns, content)
    return seen


class HardeningTest(EngineTest):
    failure_status = 125  # of the engine itself; runtimes have 1

    def setUp(self):
        super().setUp()
        self.assertNotEqual(os.getuid(), 0, "attacks are tried as an ordinary user only")
        self.canary = self.dir / "canary"
        (self.canary / "folder").mkdir(parents=True)
        for name in ("file", "folder/file", "null", "ptmx"):
            (self.canary / name).write_text("alive\n")
        (self.canary / "passwd").write_text("root:x:0:0::/outside:/bin/sh\nnamed:x:2000:2000::/outside:/bin/sh\n")
        self.before = snapshot(self.canary)

    def assert_canary_alive(self, what=""):
        self.assertEqual(snapshot(self.canary), self.before, f"the canary was changed. {what}")

    def tearDown(self):
        self.assert_canary_alive()
        super().tearDown()

    def hostile_image(self, entries, name=HOSTILE, **config):
        """busybox, the guest and the attacker, and then `entries` in a layer of their own; pulled. `replaced` names of
        the base are left out by giving them again."""
        image = make_image.busybox_image(name, **config)
        programs = [(make_image.file_entry(program.rpartition("/")[2], 0o755), Path(program).read_bytes())
                    for program in (GUEST, ATTACKER)]
        image.add_layer(make_image.tar_of(programs), "none")
        if entries:
            image.add_layer(make_image.tar_of(entries), "none")
        path = self.dir / "hostile.tar"
        image.write_archive(path)
        self.engine("pull", "-q", f"oci-archive:{path}")
        return name

    def assert_refused_or_harmless(self, result):
        """Either one clean error, or the container ran, however it ended; what matters is checked by the canary."""
        self.assertNotIn("terminate called", result.stderr, result)
        self.assertLess(result.status, 128, result)
        if "Error: " in result.stderr:
            self.assertIn(result.status, (self.failure_status, 126, 127), result)
            self.assert_fails(result, result.status)
        self.assert_canary_alive(str(result))


class Attacker:
    """`attacker WORDS` in the background; a context that ends it and keeps what it printed."""

    def __init__(self, *words):
        self.words = [ATTACKER, *map(str, words)]
        self.output = ""

    def __enter__(self):
        self.process = subprocess.Popen(self.words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n", self.words
        return self

    def __exit__(self, *failure):
        self.process.send_signal(signal.SIGTERM)
        self.output = self.process.communicate(timeout=30)[0]

    @property
    def count(self):
        return int(self.output)


class BundleTest(HardeningTest):
    """Bundles for `engine runtime`, with a root file system that a stranger made."""

    failure_status = 1
    managers = ("--cgroup-manager", "disabled")

    def setUp(self):
        super().setUp()
        self.bundle = self.dir / "bundle"
        self.rootfs = self.bundle / "rootfs"
        for name in ("dev", "proc", "sys", "etc", "tmp", "bin"):
            (self.rootfs / name).mkdir(parents=True)
        for program in (GUEST, ATTACKER, "/bin/busybox"):
            shutil.copy(program, self.rootfs / "bin")
        for name in ("sh", "cat", "ls", "stat", "touch", "mkdir", "sleep", "readlink", "id", "grep", "true"):
            (self.rootfs / "bin" / name).symlink_to("busybox")
        self.runtime("spec", "--rootless", "--bundle", self.bundle)
        self.config = json.loads((self.bundle / "config.json").read_text())
        self.config["process"].update(args=["/bin/true"], terminal=False, env=["PATH=/bin"])
        self.config["root"]["readonly"] = False

    def runtime(self, *words, check=True):
        return self.tool(ENGINE, "runtime", "--root", self.dir / "states", *self.managers, *words, check=check)

    def write_config(self, bundle=None):
        ((bundle or self.bundle) / "config.json").write_text(json.dumps(self.config))

    def assert_refused(self, result, *parts):
        """One line that says why."""
        self.assert_fails(result, self.failure_status, *parts)

    def run_bundle(self, *args, check=True, name="c"):
        self.config["process"]["args"] = list(args)
        self.write_config()
        result = self.runtime("run", "--bundle", self.bundle, name, check=check)
        self.assert_canary_alive(str(result))
        return result

    def replace_by_link(self, name, target):
        """Puts a link to `target` where the root file system had the directory `name`."""
        path = self.rootfs / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        path.symlink_to(target)

    def bind(self, destination, source, *options):
        self.config["mounts"].append({"destination": destination, "type": "bind", "source": str(source),
                                      "options": ["rbind", *options]})

    def start_in_background(self, *args, name="c"):
        """A container that keeps running; killed and deleted when the test ends."""
        self.config["process"]["args"] = list(args)
        self.write_config()
        with open(self.dir / f"{name}.out", "wb") as output:
            done = subprocess.run(
                [ENGINE, "runtime", "--root", self.dir / "states", "--cgroup-manager", "disabled", "run", "--detach",
                 "--bundle", self.bundle, name], stdin=subprocess.DEVNULL, stdout=output, stderr=output, timeout=60,
                env=self.environment)
        self.addCleanup(self.runtime, "delete", "--force", name, check=False)
        self.assertEqual(done.returncode, 0, (self.dir / f"{name}.out").read_text())
        return name

    def output_of(self, name="c"):
        return (self.dir / f"{name}.out").read_text()


__all__ = ["ATTACKER", "BUSYBOX", "ENGINE", "GUEST", "HOSTILE", "Attacker", "BundleTest", "HardeningTest", "Result",
           "escapes_when_unsafe", "row", "snapshot", "wait_until"]
