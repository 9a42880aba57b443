"""export: the files of a container as a tar, running or not, without what is mounted."""

import io
import os
import pty
import tarfile

from engine_test import BUSYBOX, EngineTest

SCRIPT = r"""
rm /guest; mkdir -m 1777 /d; echo content > /d/file; ln /d/file /d/same; ln -s /nowhere /d/link; mkfifo /d/pipe
chown 7:8 /d/file; chmod 4751 /d/file
dd if=/dev/zero of=/d/holes bs=1 count=0 seek=30000000 2>/dev/null; echo end >> /d/holes
rm -rf /etc; mkdir /etc; echo new > /etc/only; echo v > /volume/inside
"""


class ExportTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()

    def members(self, name):
        archive = self.engine("export", name, text=False).stdout
        return {one.name: one for one in tarfile.open(fileobj=io.BytesIO(archive))}, archive

    def check_tree(self, found):
        self.assertNotIn("guest", found)
        self.assertEqual(found["d"].mode, 0o1777)
        self.assertEqual((found["d/file"].uid, found["d/file"].gid, found["d/file"].mode), (7, 8, 0o4751))
        self.assertEqual((found["d/same"].type, found["d/same"].linkname), (tarfile.LNKTYPE, "d/file"))
        self.assertEqual((found["d/link"].type, found["d/link"].linkname), (tarfile.SYMTYPE, "/nowhere"))
        self.assertEqual(found["d/pipe"].type, tarfile.FIFOTYPE)
        self.assertEqual(found["d/holes"].size, 30000004)
        self.assertIn("etc/only", found)
        self.assertNotIn("etc/group", found)  # the directory is a new one
        self.assertTrue(found["volume"].isdir())
        self.assertFalse([name for name in found if name.startswith("volume/") or ".wh." in name])

    def test_a_container_that_has_ended(self):
        self.engine("run", "--name", "box", "--network", "none", "-v", "data:/volume", BUSYBOX, "sh", "-c", SCRIPT)
        found, archive = self.members("box")
        self.check_tree(found)
        self.assertLess(len(archive), 20_000_000, "holes became zeros")

    def test_a_container_that_runs(self):
        self.engine("run", "-d", "--name", "box", "--network", "none", "-v", "data:/volume", BUSYBOX, "sh", "-c",
                    SCRIPT + "echo ready; sleep 1000")
        self.wait_for_log("box", "ready")
        found, _ = self.members("box")
        self.check_tree(found)
        self.assertEqual(found["etc/hosts"].size if "etc/hosts" in found else 0, 0)

    def test_a_file_or_a_terminal_as_output(self):
        self.engine("create", "--name", "box", "--network", "none", BUSYBOX)
        self.engine("export", "-o", "box.tar", "box")
        with tarfile.open(self.dir / "box.tar") as archive:
            self.assertIn("bin/busybox", archive.getnames())
        self.assert_fails(self.engine("export", "-o", "not.tar", "absent", check=False), 125, "absent")
        self.assertFalse((self.dir / "not.tar").exists())
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        process = self.start_engine("export", "box", stdout=theirs)
        os.close(theirs)
        self.assertIn("terminal", process.communicate()[1])
        self.assertEqual(process.returncode, 125)


class CopyDriverExportTest(ExportTest):
    driver = "copy"


class FuseDriverExportTest(ExportTest):
    driver = "fuse-overlayfs"
