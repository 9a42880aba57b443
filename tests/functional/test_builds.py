"""An upgrade in the middle of things: no process mixes two builds, and none stumbles over a file that was replaced."""

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

from engine_test import BUSYBOX, ENGINE, EngineTest, wait_until

BUILD = re.compile(rb"\d+\.\d+\.\d+-[0-9a-zA-Z.+-]{3,}")


def with_other_build(program):
    """The program's bytes with another build id of the same length in them."""
    # A file that only holds the id's last character changed: everything else works as before.
    ids = set(BUILD.findall(program))
    for build in ids:
        program = program.replace(build, build[:-1] + (b"x" if build[-1:] != b"x" else b"y"))
    assert ids
    return program


class BuildsTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.bin = self.dir / "bin"
        self.bin.mkdir()
        for name in ("engine", "engine-transfer"):
            shutil.copy(Path(ENGINE).parent / name, self.bin / name)

    def command(self, *words):
        return [str(self.bin / "engine"), *super().command(*words)[1:]]

    def keep(self, name, content):
        """A file to take the place of one of the programs; the same content is kept only once."""
        path = self.bin / name
        path.write_bytes(content)
        path.chmod(0o755)
        return path

    def replace(self, name, kept):
        """As an installation does: another file takes the name at once."""
        os.link(kept, self.bin / "new")
        os.rename(self.bin / "new", self.bin / name)
        (self.bin / "new").unlink(missing_ok=True)  # rename(2) leaves it where both are one file already

    def test_another_engine_transfer_is_refused(self):
        other = with_other_build((self.bin / "engine-transfer").read_bytes())
        self.replace("engine-transfer", self.keep("other", other))
        archive = self.archive()
        self.assert_fails(self.engine("pull", "-q", archive, check=False), 125, "build")
        done = self.engine("run", "--rm", "--network", "none", archive, "true", check=False)
        self.assert_fails(done, 125, "build")
        self.assertEqual(self.engine("images", "-aq").stdout, "")
        self.assert_no_containers()
        self.assert_nothing_unfinished()

    def test_the_engine_is_replaced_all_the_time(self):
        """Its own helpers are of the build that started them, whatever lies at its path by now."""
        self.driver = "copy"  # its containers are prepared by a helper in the user namespace
        self.engine("pull", "-q", self.archive(self.guest_image()))
        bytes_of_first = (self.bin / "engine").read_bytes()
        builds = [self.keep("first", bytes_of_first), self.keep("second", with_other_build(bytes_of_first))]
        for turn in range(6):
            process = self.start_engine("run", "--rm", "-i", "--network", "none", BUSYBOX, "cat", stdin=subprocess.PIPE)
            for _ in range(200):
                self.replace("engine", builds[turn % 2 - 1])
                self.replace("engine", builds[turn % 2])
            stdout, stderr = process.communicate("hello", timeout=60)
            self.assertEqual((process.returncode, stdout, stderr), (0, "hello", ""))
        wait_until(lambda: self.engine("ps", "-aq").stdout == "", "all are removed")

    def test_the_engine_is_gone(self):
        self.engine("pull", "-q", self.archive(self.guest_image()))
        process = self.start_engine("run", "--rm", "--name", "box", "--network", "none", BUSYBOX, "/guest", "wait")
        self.assertEqual(process.stdout.readline(), "ready\n")
        pid = self.running_pid("box")
        kept = self.keep("kept", (self.bin / "engine").read_bytes())
        (self.bin / "engine").unlink()
        os.kill(pid, signal.SIGKILL)
        _, stderr = process.communicate(timeout=60)
        self.replace("engine", kept)
        self.assertEqual(process.returncode, 137, stderr)
        self.assert_no_containers()
        self.assert_nothing_unfinished()
