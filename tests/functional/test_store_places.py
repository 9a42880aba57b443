"""Stores on file systems of all kinds: what driver is chosen, what is said about it, and that images run or one clear
error says why not. The places are mounted by store_places.py."""

import os
from pathlib import Path

from engine_test import BUSYBOX, EngineTest


class PlaceTest(EngineTest):
    place = "tmpfs"

    def setUp(self):
        super().setUp()
        folder = Path(os.environ.get("ENGINE_PLACES", "/nowhere")) / self.place
        if not folder.is_dir():
            self.skipTest(f"there is no file system of the kind {self.place} here; run.py mounts it as root")
        self.root = folder / self.id().rpartition(".")[2]

    def store(self):
        return self.engine("info", "--format", "json").json()["store"]

    def assert_images_run(self):
        self.pull_image()
        run = ["run", "--rm", "--network", "none", BUSYBOX]
        self.engine(*run, "sh", "-c", "rm /bin/busybox; mkdir /new; rm -r /etc; mkdir /etc; echo x > /etc/new")
        self.assertEqual(self.engine(*run, "ls", "/etc/passwd", "/new", check=False).status, 1)
        container = self.engine("create", "--network", "none", BUSYBOX, "sh", "-c", "echo x >> /count; cat /count")
        for count in (1, 2):
            done = self.engine("start", "-a", container.stdout.strip())
            self.assertEqual(done.stdout.split(), ["x"] * count)
        self.engine("rm", container.stdout.strip())
        self.engine("system", "check", "--deep")
        self.engine("rmi", "-fa")
        for folder in ("containers", "images", "layers", "staging", "trash"):
            self.assertEqual(list((self.root / folder).iterdir()), [], folder)


class TmpfsTest(PlaceTest):
    def test_native_overlay(self):
        store = self.store()
        self.assertEqual((store["graphDriverName"], store["place"]["fileSystem"], store["place"]["notes"]),
                         ("overlay", "tmpfs", []))
        self.assert_images_run()


class Ext4Test(PlaceTest):
    place = "ext4"

    def test_native_overlay(self):
        store = self.store()
        self.assertEqual((store["graphDriverName"], store["place"]["fileSystem"], store["place"]["notes"]),
                         ("overlay", "ext4", []))
        self.assert_images_run()


class NoXattrsTest(PlaceTest):
    place = "ramfs"

    def test_another_driver(self):
        store = self.store()
        self.assertIn(store["graphDriverName"], ("fuse-overlayfs", "copy"))
        self.assertEqual((store["place"]["userXattrs"], len(store["place"]["notes"])), (False, 1))
        self.assertIn("no user extended attributes", store["place"]["notes"][0])
        self.assert_images_run()

    def test_copies(self):
        self.driver = "copy"
        self.assert_images_run()


class OverlayTest(PlaceTest):
    place = "overlay"

    def test_another_driver(self):
        store = self.store()
        self.assertIn(store["graphDriverName"], ("fuse-overlayfs", "copy"))
        self.assertIn("the store is on an overlay", store["place"]["notes"][0])
        self.assert_images_run()

    def test_copies(self):
        self.driver = "copy"
        self.assert_images_run()


class NoOwnersTest(PlaceTest):
    """No owners, modes or links: nothing can be unpacked there."""

    place = "exfat"

    def test_one_clear_error(self):
        done = self.engine("pull", "-q", self.archive(), check=False)
        self.assertEqual(done.status, 125, done)
        self.assertEqual(done.stderr.count("Error: "), 1, done)
        self.assertIn("hint: ", done.stderr)
        self.assertIn("--root", done.stderr)


class ReadOnlyTest(PlaceTest):
    place = "tmpfs"

    def setUp(self):
        super().setUp()
        self.pull_image()
        self.container = self.engine("create", "--network", "none", BUSYBOX, "true").stdout.strip()
        self.root = self.root.parent.parent / "read-only" / self.root.name
        self.runroot = self.dir / "another-run"  # without what is remembered of drivers

    def test_what_is_there_is_shown(self):
        self.assertEqual(self.engine("images", "-q").stdout.count("\n"), 1)
        self.assertEqual(self.engine("ps", "-aq", "--no-trunc").stdout, self.container + "\n")
        self.assertEqual(self.inspect(self.container)["Id"], self.container)
        place = self.store()["place"]
        self.assertEqual((place["readOnly"], place["fileSystem"]), (True, "tmpfs"))
        self.assertIn("read-only", place["notes"][0])

    def test_nothing_can_be_changed(self):
        for words in (["pull", "-q", self.archive()], ["run", "--rm", "--network", "none", BUSYBOX, "true"],
                      ["start", self.container], ["rm", self.container], ["rmi", "-f", BUSYBOX],
                      ["volume", "create", "data"], ["system", "prune", "-f"]):
            with self.subTest(words=words):
                done = self.engine(*words, check=False)
                self.assertEqual((done.status, done.stderr.count("Error: ")), (125, 1), done)
                self.assertIn("ead-only", done.stderr)
                if words[0] in ("pull", "run", "rmi"):
                    self.assertIn("hint: ", done.stderr)

    def test_no_store_can_be_made(self):
        self.root = self.root.parent / "new"
        done = self.engine("images", check=False)
        self.assertEqual(done.status, 125, done)
        self.assertRegex(done.stderr, r"^Error: making the folder .*: Read-only file system\n")


# Not a test itself.
del PlaceTest
