"""cp, export and diff of a container that fights back: links out, names exchanged meanwhile, FIFOs, endless files.

The host's files are out of reach whatever a container does with its own: CVE-2018-15664, CVE-2019-10152, CVE-2019-18466.
"""

import io
import os
import tarfile
import time

from hardening_test import Attacker, HardeningTest, escapes_when_unsafe, row
from engine_test import BUSYBOX

SECONDS = float(os.environ.get("RACE_SECONDS", "5"))


class CopyTest(HardeningTest):
    def setUp(self):
        super().setUp()
        self.pull_image()
        self.shared = self.dir / "shared"
        self.shared.mkdir()
        (self.dir / "in").mkdir()
        (self.dir / "in/file").write_text("from the host\n")

    def start_box(self):
        self.engine("run", "-d", "--name", "box", "--network", "none", "-v", f"{self.shared}:/shared", BUSYBOX,
                    "sleep", "1000")

    def inside(self, script):
        return self.engine("exec", "box", "sh", "-c", script).stdout

    def run_harmless(self, *words):
        self.assert_refused_or_harmless(self.engine(*words, check=False, timeout=30))

    @row("R1", "CVE-2018-15664")
    @escapes_when_unsafe
    def test_links_lead_nowhere(self):
        """Absolute links, links upwards, and links in the middle of a path."""
        self.start_box()
        up = "../" * 20 + str(self.canary).lstrip("/")
        self.inside(f"cd /tmp; ln -s {self.canary} dir; ln -s {up} up; ln -s {self.canary}/file file; ln -s / root")
        for place in ("dir", "up", "root" + str(self.canary), "dir/folder"):
            self.run_harmless("cp", "in/file", f"box:/tmp/{place}/file")
            self.run_harmless("cp", "in/.", f"box:/tmp/{place}")
        self.run_harmless("cp", "in/file", "box:/tmp/file")
        for place in ("dir", "up/file", "file"):
            self.run_harmless("cp", f"box:/tmp/{place}", "out")
        self.assertFalse((self.dir / "out").exists(), "something of the host came out of the container")

    @row("R1", "CVE-2018-15664", "CVE-2019-18466")
    @escapes_when_unsafe
    def test_names_exchanged_while_files_come_in_and_out(self):
        """A folder of a shared volume is exchanged with a link to the canary while cp works in it."""
        place, link = self.shared / "place", self.shared / "link"
        place.mkdir()
        (place / "file").write_text("inside\n")
        link.symlink_to(self.canary)
        self.start_box()
        deadline, attempts = time.monotonic() + SECONDS, 0
        with Attacker("exchange", place, link) as attacker:
            while time.monotonic() < deadline or attempts < 3:
                self.run_harmless("cp", "in/.", "box:/shared/place")
                self.run_harmless("cp", "box:/shared/place/file", "out")
                if (self.dir / "out").is_file():
                    self.assertNotEqual((self.dir / "out").read_text(), "alive\n")
                attempts += 1
        self.assertGreater(attacker.count, 100, "hardly anything was exchanged")

    @row("R13")
    def test_nothing_waits_and_no_device_is_opened(self):
        """FIFOs, devices and a file that grows for ever, for cp, export, diff and commit of a live container."""
        self.engine("run", "-d", "--name", "box", "--network", "none", BUSYBOX, "sh", "-c",
                    "mkdir /tmp/x; mkfifo /tmp/x/pipe; while :; do echo more >> /tmp/x/grows; echo > /tmp/x/new;"
                    " mv /tmp/x/new /tmp/x/newer; rm -f /tmp/x/newer; done")
        for _ in range(3):
            self.engine("cp", "box:/tmp/x", "out", timeout=30)
            self.engine("cp", "box:/dev", "devices", timeout=30)
            with tarfile.open(fileobj=io.BytesIO(self.engine("export", "box", text=False, timeout=30).stdout)) as archive:
                self.assertIn("tmp/x/pipe", archive.getnames())
            self.engine("diff", "box", timeout=30)
        self.engine("commit", "-q", "box", "kept", timeout=60)

    @row("R1")
    @escapes_when_unsafe
    def test_archives_do_not_lead_out(self):
        """cp -: entries upwards, through links that the archive brings, hard links out."""
        self.start_box()
        for entries in ([("../" * 9 + str(self.canary / "file").lstrip("/"), tarfile.REGTYPE, "")],
                        [("l", tarfile.SYMTYPE, str(self.canary)), ("l/file", tarfile.REGTYPE, "")],
                        [("h", tarfile.LNKTYPE, "../" * 9 + str(self.canary / "file").lstrip("/"))]):
            data = io.BytesIO()
            with tarfile.open(fileobj=data, mode="w") as archive:
                for name, kind, target in entries:
                    member = tarfile.TarInfo(name)
                    member.type, member.linkname = kind, target
                    archive.addfile(member)
            result = self.engine("cp", "-", "box:/tmp", input=data.getvalue(), text=False, check=False, timeout=30)
            self.assertIn(result.status, (0, 125), result)
            self.assert_canary_alive()
