"""cp: docker's rules, running and stopped containers, volumes, streams, and a container that fights back."""

import gzip
import io
import os
import shutil
import struct
import tarfile
import unittest
from pathlib import Path

from engine_test import BUSYBOX, EngineTest


class CpTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()
        source = self.dir / "src"
        (source / "d").mkdir(parents=True)
        (source / "f").write_text("f\n")
        (source / "d/g").write_text("g\n")
        (source / "l").symlink_to("f")
        os.link(source / "f", source / "same")
        os.chmod(source / "d/g", 0o640)
        os.utime(source / "d/g", (1000000000, 1000000000))
        os.mkfifo(source / "pipe")

    def box(self, running, *options):
        words = ["--name", "box", "--network", "none", "-v", "data:/volume", *options, BUSYBOX]
        if running:
            self.engine("run", "-d", *words, "sleep", "1000")
        else:
            self.engine("create", *words, "sleep", "1000")

    def test_files_and_directories_replace_each_other_only_when_asked(self):
        (self.dir / "dir").write_text("a file now\n")
        (self.dir / "file").mkdir()
        (self.dir / "file/inner").write_text("inner\n")
        for running in (False, True):
            with self.subTest(running=running):
                self.box(running)
                self.engine("cp", self.dir / "src/d", "box:/dir")
                self.engine("cp", self.dir / "src/f", "box:/file")
                for name in ("dir", "file"):
                    refused = self.engine("cp", self.dir / name, "box:/", check=False)
                    self.assert_fails(refused, 125, name)
                self.assertEqual(self.see("cat /dir/g /file"), "g\nf\n")
                for name in ("dir", "file"):
                    self.engine("cp", "--overwrite", self.dir / name, "box:/")
                self.assertEqual(self.see("cat /dir /file/inner"), "a file now\ninner\n")
                self.engine("rm", "-f", "-t", "0", "box")

    def test_what_works_says_nothing(self):
        """Neither of the two processes, whichever ends first."""
        self.box(False)
        for turn in range(20):
            self.assertEqual(str(self.engine("cp", "box:/etc", self.dir / f"out{turn}").stderr), "")

    def see(self, script):
        """What the container itself sees, started where it does not run."""
        if self.status_of("box") != "running":
            self.engine("start", "box")
        return self.engine("exec", "box", "sh", "-c", script).stdout

    def check_in_and_out(self):
        cp = lambda *words: self.engine("cp", *words)
        cp("src", "box:/tmp")
        cp("src", "box:/tmp/new")
        cp("src/.", "box:/tmp/new")
        cp("src/f", "box:/tmp/")
        cp("src/l", "box:/tmp/followed")
        cp("src/f", "box:/volume/in-volume")
        cp("box:/tmp/src", "out")
        cp("box:/volume/in-volume", ".")
        cp("box:/tmp/src/.", "out2")
        self.assertEqual((self.dir / "in-volume").read_text(), "f\n")
        for out in ("out", "out2"):
            found = self.dir / out
            self.assertEqual((found / "d/g").read_text(), "g\n")
            self.assertEqual((found / "d/g").stat().st_mode & 0o7777, 0o640)
            self.assertEqual((found / "d/g").stat().st_mtime, 1000000000)
            self.assertEqual(os.readlink(found / "l"), "f")
            self.assertEqual((found / "f").stat().st_ino, (found / "same").stat().st_ino)
            self.assertTrue((found / "pipe").is_fifo())
        seen = self.see("ls -ln /tmp/src /tmp/new; cat /tmp/f /tmp/followed /volume/in-volume; ls /tmp/new")
        self.assertEqual(seen.count("f\nf\nf\n"), 1, seen)
        self.assertNotIn("src", self.see("ls /tmp/new"))

    def test_a_container_that_runs(self):
        self.box(True)
        self.check_in_and_out()

    def test_a_container_that_does_not_run(self):
        self.box(False)
        self.check_in_and_out()

    def test_what_comes_in_belongs_to_the_containers_user(self):
        self.box(True, "-u", "5:6")
        self.engine("cp", "src", "box:/tmp/theirs")
        self.assertIn(" 5        6 ", self.see("ls -ldn /tmp/theirs/d/g"))
        self.engine("cp", "--archive=false", "src", "box:/tmp/ours")
        self.assertIn(" 0        0 ", self.see("ls -ldn /tmp/ours/d/g"))

    def test_a_file_capability_goes_into_and_between_containers_but_not_to_the_host(self):
        self.box(True)
        self.engine("create", "--name", "other", "--network", "none", BUSYBOX)
        with tarfile.open(self.dir / "a.tar", "w") as archive:
            entry = tarfile.TarInfo("ping")
            entry.pax_headers = {"SCHILY.xattr.user.note": "kept"}
            archive.addfile(entry)
        self.engine("cp", "-", "box:/tmp", input=(self.dir / "a.tar").read_bytes(), text=False)
        capability = struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0)  # net_bind_service, version 2
        pid = self.running_pid("box")
        script = (f"import os; os.setxattr('/proc/{pid}/root/tmp/ping', 'security.capability', {capability!r})")
        self.tool("nsenter", "-t", str(pid), "-U", "--preserve-credentials", "python3", "-c", script)
        self.engine("cp", "box:/tmp/ping", "other:/tmp-ping")
        self.engine("cp", "box:/tmp/ping", "ping")
        self.assertEqual([name for name in os.listxattr(self.dir / "ping") if name.startswith("security.cap")], [])
        out = self.engine("cp", "other:/tmp-ping", "-", text=False).stdout
        self.assertIn(b"SCHILY.xattr.security.capability=", out)

    def test_between_containers(self):
        self.box(True)
        self.engine("create", "--name", "other", "--network", "none", BUSYBOX)
        self.engine("cp", "src", "box:/tmp")
        self.engine("cp", "box:/tmp/src", "other:/etc/from-box")
        self.engine("cp", "other:/etc/from-box/d/g", "g")
        self.assertEqual((self.dir / "g").read_text(), "g\n")

    def test_streams(self):
        self.box(True)
        tar = self.tool("sh", "-c", f"tar -C {self.dir}/src -cf {self.dir}/a.tar .") and (self.dir / "a.tar").read_bytes()
        self.engine("exec", "box", "sh", "-c", "mkdir /tmp/one /tmp/two; mkdir -p /tmp/three/real; ln -s real /tmp/three/d")
        for place, data in (("one", tar), ("two", gzip.compress(tar)), ("three", tar)):
            self.engine("cp", "-", f"box:/tmp/{place}", input=data, text=False)
        self.assertEqual(self.see("cat /tmp/one/d/g /tmp/two/d/g"), "g\ng\n")
        out = self.engine("cp", "box:/tmp/one", "-", text=False).stdout
        names = tarfile.open(fileobj=io.BytesIO(out)).getnames()
        self.assertIn("one/d/g", names)
        for data in (b"", b"no archive at all" * 100):
            result = self.engine("cp", "-", "box:/tmp", input=data, text=False, check=False)
            self.assertEqual(result.status, 125, result)
        hostile = io.BytesIO()
        with tarfile.open(fileobj=hostile, mode="w") as archive:
            archive.addfile(tarfile.TarInfo("../../escaped"))
        self.assertEqual(self.engine("cp", "-", "box:/tmp", input=hostile.getvalue(), text=False, check=False).status, 125)

    def test_refusals(self):
        self.box(True)
        self.engine("cp", "src/f", "box:/tmp/file")
        for words, text in ((("src", "box:/tmp/file"), "destination must be a directory"),
                            (("src/f", "box:/tmp/no/"), "could not be found on container box"),
                            (("src/f", "box:/tmp/no/x"), "could not be found on container box"),
                            (("absent", "box:/tmp"), "could not be found on the host"),
                            (("box:/absent", "."), "could not be found on container box"),
                            (("src/f", "nobody:/tmp"), "nobody"),
                            (("src/f", "other"), "container")):
            self.assert_fails(self.engine("cp", *words, check=False), 125, text)

    def test_links_of_the_container_stay_inside_of_it(self):
        secret = self.dir / "secret"
        secret.write_text("of the host\n")
        self.box(True)
        self.engine("exec", "box", "sh", "-c", f"mkdir -p /tmp{self.dir}; ln -s {secret} /tmp/file; ln -s {self.dir} /tmp/dir;"
                    " ln -s ../../../../../../../../../../tmp /tmp/up")
        self.assert_fails(self.engine("cp", "box:/tmp/file", "got", check=False), 125, "could not be found")
        self.engine("cp", "src/f", "box:/tmp/dir/secret", check=False)
        self.engine("cp", "src/f", "box:/tmp/up/found")
        self.assertEqual(secret.read_text(), "of the host\n")
        self.assertEqual(self.see("cat /tmp/found"), "f\n")

    def test_no_device_is_opened_and_nothing_waits(self):
        self.box(True)
        self.engine("exec", "box", "sh", "-c", "mkdir /tmp/x; mkfifo /tmp/x/p; echo 1 > /tmp/x/f")
        self.engine("cp", "box:/tmp/x", "out", timeout=20)
        self.engine("cp", "box:/dev", "out-dev", timeout=20)
        self.assertFalse([one for one in Path(self.dir / "out-dev").iterdir()
                          if not one.is_symlink() and one.is_char_device()])


class CopyDriverCpTest(CpTest):
    driver = "copy"


@unittest.skipUnless(shutil.which("fuse-overlayfs") and os.access("/dev/fuse", os.R_OK | os.W_OK), "no fuse-overlayfs")
class FuseOverlayfsCpTest(EngineTest):
    """Who does not run has no server of its files: cp starts one."""
    driver = "fuse-overlayfs"

    def test_a_container_that_does_not_run(self):
        self.pull_image()
        (self.dir / "word").write_text("word\n")
        self.engine("create", "--name", "box", "--network", "none", "-v", "data:/volume", BUSYBOX, "cat", "/etc/word",
                    "/volume/word")
        for place in ("/etc", "/volume"):
            self.engine("cp", "word", f"box:{place}/")
        self.engine("cp", "box:/etc/word", "back")
        self.engine("cp", "box:/bin/busybox", "binary")
        self.assertEqual((self.dir / "back").read_text(), "word\n")
        self.assertGreater((self.dir / "binary").stat().st_size, 100000)
        self.assertEqual(self.engine("start", "-a", "box").stdout, "word\nword\n")
        mine = [one for one in Path("/proc").iterdir() if one.name.isdigit() and str(self.dir).encode() in self.words_of(one)]
        self.assertEqual(mine, [])

    @staticmethod
    def words_of(process):
        try:
            return (process / "cmdline").read_bytes() if process.stat().st_uid == os.getuid() else b""
        except OSError:
            return b""
