"""volume export and import: everything comes back, archives of others are read, and hostile ones do no harm."""

import bz2
import gzip
import io
import lzma
import os
import pty
import subprocess
import tarfile

from engine_test import BUSYBOX, EngineTest
from make_image import directory_entry, file_entry, link_entry, tar_of

SCRIPT = r"""
set -e
cd /d
mkdir -p deep/er locked && chmod 711 deep && chmod 000 locked && chown 7:8 deep
echo content > deep/file && chmod 4755 deep/file
echo other > mine && chown 1000:2000 mine
ln deep/file deep/er/same && ln -s /etc/passwd out && mkfifo pipe
n=0123456789; n=$n$n$n$n$n$n$n$n$n$n; echo long > $n$n
echo hidden > .wh.hidden
dd if=/dev/zero of=holes bs=1 count=0 seek=20000000 2>/dev/null && echo end >> holes
touch -d '2001-02-03 04:05:06' mine
"""
LOOK = r"cd /d; ls -lnR --full-time . | grep -v ^total; md5sum deep/file mine holes .wh.hidden; stat -c '%h %n' deep/file; ls -di . >/dev/null"


class VolumeArchiveTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()

    def fill(self, volume="data", script=SCRIPT):
        self.in_container("-v", f"{volume}:/d", BUSYBOX, "sh", "-c", script)

    def look(self, volume, script=LOOK):
        return self.in_container("-v", f"{volume}:/d", BUSYBOX, "sh", "-c", script).stdout

    def write(self, name, data):
        (self.dir / name).write_bytes(data)
        return self.dir / name

    def new_volume(self, name):
        self.engine("volume", "create", name)
        return name

    def test_what_was_exported_is_imported_as_it_was(self):
        self.fill()
        exported = self.dir / "data.tar"
        self.engine("volume", "export", "-o", exported, "data")
        self.assertLess(exported.stat().st_size, 200_000)  # the holes are none of it
        self.engine("volume", "import", self.new_volume("copy"), exported)
        self.assertEqual(self.look("copy"), self.look("data"))
        self.assertIn("2 deep/file", self.look("copy"))
        with tarfile.open(exported) as tar:
            members = {member.name: member for member in tar}
        self.assertEqual((members["mine"].uid, members["mine"].gid), (1000, 2000))
        self.assertEqual((members["deep"].uid, members["deep"].mode), (7, 0o711))
        self.assertEqual(members["out"].linkname, "/etc/passwd")
        self.assertEqual({members["deep/file"].type, members["deep/er/same"].type}, {tarfile.LNKTYPE, tarfile.REGTYPE})
        streams = [self.engine("volume", "export", name, text=False).stdout for name in ("data", "copy")]
        self.assertEqual(streams[0], exported.read_bytes())
        self.assertEqual(streams[0], streams[1])

    def test_gnu_tar_reads_and_writes_what_we_do(self):
        self.fill()
        exported = self.dir / "data.tar"
        self.engine("volume", "export", "--output", exported, "data")
        place = self.dir / "place"
        place.mkdir()
        self.engine("unshare", "tar", "--numeric-owner", "-C", place, "-xpf", exported)
        again = self.dir / "again.tar"
        self.engine("unshare", "tar", "--format=pax", "--sparse", "--numeric-owner", "-C", place, "-cf", again, ".")
        self.engine("volume", "import", self.new_volume("copy"), again)
        self.engine("unshare", "rm", "-rf", place)
        self.assertEqual(self.look("copy"), self.look("data"))

    def test_an_archive_is_added_to_what_is_there(self):
        self.fill(script="cd /d; mkdir kept both; echo old > both/kept; echo old > both/changed; echo old > becomes; "
                         "ln -s kept link; chmod 700 .")
        archive = tar_of([(directory_entry("both", 0o750), b""), ("both/changed", b"new"), ("becomes/file", b"new"),
                          ("link/file", b"new"), (".wh.both", b"name"), ("x/.wh..wh..opq", b"name")])
        self.engine("volume", "import", "data", self.write("new.tar", archive))
        self.assertEqual(self.look("data", "cd /d; cat both/kept both/changed becomes/file link/file .wh.both "
                                           "x/.wh..wh..opq | tr -d '\\n'; ls kept; stat -c %a . both"),
                         "oldnewnewnewnamename700\n750\n")

    def test_compressed_archives_from_files_and_pipes(self):
        plain = tar_of([("file", b"x" * 5000)])
        zstd = subprocess.run(["zstd", "-q", "-c"], input=plain, stdout=subprocess.PIPE, check=True).stdout
        for name, data, streams in (("tar", plain, True), ("gz", gzip.compress(plain), True), ("zst", zstd, True),
                                    ("xz", lzma.compress(plain), False), ("bz2", bz2.compress(plain), False)):
            with self.subTest(name=name):
                self.engine("volume", "import", self.new_volume("file-" + name), self.write("archive", data))
                self.assertEqual(self.look("file-" + name, "wc -c < /d/file"), "5000\n")
                if streams:
                    self.engine("volume", "import", self.new_volume("pipe-" + name), "-", input=data, text=False)
                    self.assertEqual(self.look("pipe-" + name, "wc -c < /d/file"), "5000\n")

    def test_a_hostile_archive_leaves_the_volume_alone_or_is_refused(self):
        secret = self.dir / "secret"
        secret.write_text("untouched")
        self.new_volume("data")
        outside = str(secret)
        for name, entries, error in (
                ("upwards", [("../../escaped", b"x")], "leads upwards"),
                ("hard link upwards", [(link_entry("l", "../../../format", hard=True), b"")], "leads upwards"),
                ("hard link to the host", [(link_entry("l", outside, hard=True), b"")], "not in this layer"),
                ("root replaced", [(link_entry(".", "/"), b"")], "replaces the root"),
                ("through a link", [(link_entry("d", str(self.dir)), b""), ("d/secret", b"overwritten")], None),
                ("absolute", [(outside, b"inside")], None)):
            with self.subTest(name=name):
                result = self.engine("volume", "import", "data", self.write("bad.tar", tar_of(entries)), check=False)
                if error:
                    self.assert_fails(result, 125, 'importing into volume "data"', error)
                else:
                    self.assertEqual(result.status, 0, result)
                self.assertEqual(secret.read_text(), "untouched")
                self.assertFalse((self.root / "volumes/escaped").exists())
        device = file_entry("null")
        device.type, device.devmajor, device.devminor = tarfile.CHRTYPE, 1, 3
        result = self.engine("volume", "import", "data", self.write("bad.tar", tar_of([(device, b"")])))
        self.assertIn("1 devices were left out", result.stderr)
        cut = tar_of([("file", b"x" * 100_000)])[:50_000]
        self.assert_fails(self.engine("volume", "import", "data", self.write("cut.tar", cut), check=False), 125)
        self.engine("system", "check")

    def test_limits_of_engine_conf_hold(self):
        (self.dir / "engine.conf").write_text("[unpack]\nmax_entries = 3\n")
        limited = {"ENGINE_CONF": str(self.dir / "engine.conf")}
        archive = self.write("many.tar", tar_of([(str(number), b"") for number in range(4)]))
        self.assert_fails(self.engine("volume", "import", self.new_volume("data"), archive, check=False,
                                      env=limited), 125, "more than 3 entries")

    def test_words_that_make_no_sense(self):
        self.new_volume("data")
        self.assert_fails(self.engine("volume", "export", "none", check=False), 125, "no such volume")
        self.assert_fails(self.engine("volume", "import", "none", "-", check=False), 125, "no such volume")
        self.assert_fails(self.engine("volume", "import", "data", "missing.tar", check=False), 125, '"missing.tar"')
        self.assert_fails(self.engine("volume", "import", "data", self.dir, check=False), 125, "is a folder")
        self.engine("volume", "create", "--opt", "type=tmpfs", "memory")
        self.assert_fails(self.engine("volume", "export", "-o", self.dir / "new", "memory", check=False), 125,
                          "mounted from elsewhere")
        self.assertFalse((self.dir / "new").exists())
        controller, terminal = pty.openpty()
        self.addCleanup(os.close, controller)
        process = self.start_engine("volume", "export", "data", stdout=terminal)
        os.close(terminal)
        self.assertEqual(process.wait(60), 125)
        self.assertIn("not written to a terminal", process.stderr.read())

    def test_a_volume_with_content_is_not_filled_from_an_image(self):
        self.engine("volume", "import", self.new_volume("data"), self.write("a.tar", tar_of([("a", b"")])))
        self.assertEqual(self.in_container("-v", "data:/etc", BUSYBOX, "ls", "/etc").stdout.split()[0], "a")


class ManyFilesTest(EngineTest):
    def test_a_volume_of_many_files_comes_back_whole(self):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for number in range(5000):
                info = file_entry(f"{number % 50}/{number}", uid=number % 7)
                info.size = number
                tar.addfile(info, io.BytesIO(b"x" * number))
        self.engine("volume", "create", "data")
        self.engine("volume", "import", "data", "-", input=buffer.getvalue(), text=False)
        exported = self.engine("volume", "export", "data", text=False).stdout
        with tarfile.open(fileobj=io.BytesIO(exported)) as tar:
            sizes = {member.name: (member.size, member.uid) for member in tar if member.isreg()}
        self.assertEqual(sizes, {f"{n % 50}/{n}": (n, n % 7) for n in range(5000)})
