"""--rootfs FOLDER:idmap, which the kernel leaves to root of the user namespace that a file system was mounted in."""

import os
import shutil
import unittest

from engine_test import EngineTest

BUSYBOX = "/bin/busybox"
FIRST_ID = 200000


@unittest.skipUnless(os.getuid() == 0, "these are about root")
class MappedRootTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.folder = self.dir / "rootfs"
        (self.folder / "bin").mkdir(parents=True)
        shutil.copy(BUSYBOX, self.folder / "bin/busybox")
        (self.folder / "data").mkdir()
        (self.folder / "data/file").write_text("data")
        os.chown(self.folder / "data/file", 7, 8)

    def run_mapped(self, *words, option="idmap", verb=("run", "--rm")):
        return self.engine(*verb, "--network", "none", "--uidmap", f"0:{FIRST_ID}:1000", "--rootfs", f"{self.folder}:{option}", *words)

    def owner(self, path):
        return self.run_mapped("busybox", "stat", "-c", "%u:%g", path).stdout.strip()

    def test_files_belong_to_the_containers_ids_in_there_and_to_the_folders_outside(self):
        self.assertEqual(self.owner("/data/file"), "7:8")
        self.assertEqual(self.owner("/bin/busybox"), "0:0")
        self.run_mapped("busybox", "sh", "-c", "busybox touch /made && busybox chown 5:6 /made")
        made = (self.folder / "made").stat()
        self.assertEqual((made.st_uid, made.st_gid), (5, 6))

    def test_without_the_option_they_are_nobodys(self):
        self.owner("/")  # makes the places of mounts
        result = self.engine("run", "--rm", "--network", "none", "--uidmap", f"0:{FIRST_ID}:1000", "--rootfs", self.folder,
                             "busybox", "stat", "-c", "%u:%g", "/data/file")
        self.assertEqual(result.stdout, "65534:65534\n")

    def test_a_map_of_its_own(self):
        option = f"idmap=uids=0-{FIRST_ID + 3}-1#7-{FIRST_ID}-1;gids=0-{FIRST_ID}-10"
        self.owner("/")
        result = self.run_mapped("busybox", "stat", "-c", "%u:%g", "/bin/busybox", "/data/file", option=option)
        self.assertEqual(result.stdout, "3:0\n0:8\n")

    def test_a_container_lives_on_with_it(self):
        id = self.run_mapped("busybox", "sleep", "1000", verb=("run", "-d", "-v", "filled:/data")).stdout.strip()
        stat = ("exec", id, "busybox", "stat", "-c", "%u:%g")
        self.assertEqual(self.engine(*stat, "/data/file").stdout, "7:8\n")  # of the volume, which was filled from the folder
        (self.dir / "copied").write_text("copied")
        self.engine("cp", self.dir / "copied", f"{id}:/copied")
        self.assertEqual((self.folder / "copied").stat().st_uid, 0)
        self.engine("restart", "-t", "0", id)
        self.assertEqual(self.engine(*stat, "/copied").stdout, "0:0\n")
        self.engine("export", "-o", self.dir / "all.tar", id)
        listed = self.tool("tar", "--numeric-owner", "-tvf", self.dir / "all.tar", "data/file").stdout
        self.assertEqual(listed.split()[1], "7/8")
        self.engine("stop", "-t", "0", id)
        self.assert_fails(self.engine("cp", self.dir / "copied", f"{id}:/again", check=False), 125, "mapped for its processes only")
        self.assertFalse((self.folder / "again").exists())

    def test_what_makes_no_sense_is_one_line_and_leaves_nothing(self):
        folder = str(self.folder)
        for words in (["--rootfs", "/proc:idmap"], ["--rootfs", f"{folder}:idmap=uids=0-1"],
                      ["--runtime", "crun", "--rootfs", f"{folder}:idmap"]):
            with self.subTest(words=words):
                self.assert_fails(self.engine("run", "--rm", "--network", "none", *words, "busybox", "true", check=False), 125)
        self.assert_no_containers()
