"""A user without subordinate ids: one line says so, and one id has to do."""

import getpass
import io
import os
import subprocess
import tarfile
from pathlib import Path

from engine_test import BUSYBOX, EngineTest
from make_image import directory_entry, file_entry, tar_of


class SingleIdTest(EngineTest):
    def setUp(self):
        super().setUp()
        for path in ("/etc/subuid", "/etc/subgid"):
            if any(line.startswith((getpass.getuser() + ":", f"{os.getuid()}:"))
                   for line in Path(path).read_text().splitlines()):
                self.skipTest(f"this user has a range in {path}; started by root, run.py uses one without")

    def assert_says_so_once(self, result):
        self.assertEqual(len(result.stderr.splitlines()), 1, result)
        self.assertIn("/etc/subuid", result.stderr)

    def pull_image(self, name=BUSYBOX, **config):
        image = self.guest_image(name, **config)
        image.add_layer(tar_of([(directory_entry("foreign", 0o750, 33, 34), b""),
                                (file_entry("foreign/file", 0o640, 1000, 1001), b"x")]))
        self.engine("pull", "-q", self.archive(image))
        return name

    def test_a_container_runs_as_the_only_id(self):
        self.pull_image()
        done = self.engine("run", "--rm", "--network", "none", BUSYBOX, "/guest")
        self.assert_says_so_once(done)
        report = done.json()
        self.assertEqual((report["uid"], report["gid"]), (0, 0))
        self.assertEqual(report["uid_map"][0].split(), ["0", str(os.getuid()), "1"])
        self.assertEqual(len(report["uid_map"]), 1)

    def test_an_image_with_other_owners_is_readable(self):
        self.pull_image()
        done = self.engine("run", "--rm", "--network", "none", BUSYBOX, "sh", "-c",
                           "cat /foreign/file; stat -c %u /foreign/file")
        self.assertEqual(done.stdout, "x0\n")

    def test_export_and_commit_keep_the_owners_that_the_image_says(self):
        self.pull_image()
        self.engine("run", "--network", "none", "--name", "box", BUSYBOX, "sh", "-c",
                    "echo y > /foreign/file; echo n > /new")
        wanted = {"foreign": (33, 34), "foreign/file": (1000, 1001), "new": (0, 0)}
        self.assertEqual(self.owners_in("box", wanted), wanted)
        self.engine("commit", "-q", "box", "localhost/kept")
        self.engine("create", "--network", "none", "--name", "again", "localhost/kept", "cat", "/foreign/file")
        self.assertEqual(self.owners_in("again", wanted), wanted)
        self.assertEqual(self.engine("start", "-a", "again").stdout, "y\n")

    def owners_in(self, container, names):
        archive = self.engine("export", container, text=False).stdout
        with tarfile.open(fileobj=io.BytesIO(archive)) as entries:
            return {name: (entries.getmember(name).uid, entries.getmember(name).gid) for name in names}

    def test_background_exec_and_rm(self):
        self.pull_image()
        container = self.start_sleeper()
        self.wait_for_log(container, "ready")
        self.assertEqual(self.engine("exec", container, "id", "-u").stdout, "0\n")
        self.engine("rm", "-f", "--time", "0", container)
        self.assert_no_containers()
        self.engine("rmi", BUSYBOX)
        self.assert_nothing_unfinished()

    def test_keep_id_is_the_only_id_under_its_own_number(self):
        self.pull_image()
        uid, gid = os.getuid(), os.getgid()
        done = self.engine("run", "--rm", "--network", "none", "--userns", "keep-id", BUSYBOX, "sh", "-c",
                           "id -u; id -g; id -un; touch /tmp/x /x; stat -c %u:%g /tmp/x /etc/passwd; cat /foreign/file")
        self.assertEqual(done.stdout.split(), [str(uid), str(gid), getpass.getuser(), f"{uid}:{gid}", f"{uid}:{gid}",
                                               "x"])
        name = self.engine("run", "-d", "--network", "none", "--userns", "keep-id:uid=5,gid=6", BUSYBOX, "/guest",
                           "wait").stdout.strip()
        self.wait_for_log(name, "ready")
        self.assertEqual(self.engine("exec", name, "sh", "-c", "id -u; id -g").stdout, "5\n6\n")
        self.engine("rm", "-f", "--time", "0", name)
        self.assert_nothing_unfinished()

    def test_maps_that_need_more_ids_are_refused_with_the_remedy(self):
        self.pull_image()
        for words in (("--userns", "nomap"), ("--userns", "auto"), ("--uidmap", "0:0:10")):
            with self.subTest(words=words):
                result = self.engine("run", "--rm", "--network", "none", *words, BUSYBOX, "true", check=False)
                self.assertEqual(result.status, 125, result)
                self.assertIn("needs subordinate ids", result.stderr)
                self.assertIn("hint: ", result.stderr)

    def test_another_user_cannot_be_had(self):
        self.pull_image()
        result = self.engine("run", "--rm", "--network", "none", "-u", "1000", BUSYBOX, "true", check=False)
        self.assertEqual(result.status, 125, result)
        self.assertIn("1000", result.stderr)

    def test_files_on_disk_are_the_users_own(self):
        self.pull_image()
        owners = subprocess.run(["find", self.root, "-not", "-user", str(os.getuid())], check=True,
                                stdout=subprocess.PIPE, text=True)
        self.assertEqual(owners.stdout, "")

    def test_a_sound_store_is_found_sound_and_a_damaged_layer_is_rebuilt(self):
        self.pull_image()
        self.assertEqual(self.engine("system", "check", "--deep").stdout, "The store is sound.\n")
        next(self.root.glob("layers/*/single/diff/foreign/file")).unlink()
        done = self.engine("system", "check", "--deep", check=False)
        self.assertEqual(done.status, 1, done)
        self.assertIn('"foreign/file" is missing', done.stdout)
        self.engine("system", "check", "--deep", "--repair")
        self.assertEqual(self.engine("system", "check", "--deep").stdout, "The store is sound.\n")
