"""--imagestore: images in one store, containers and volumes in another."""

import json
import os

from engine_test import BUSYBOX, EngineTest


class ImageStoreTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.images = self.dir / "images"
        self.source = self.archive()

    def command(self, *words):
        plain = super().command(*words)
        return [plain[0], "--imagestore", str(self.images), *plain[1:]]

    def plain(self, *words):
        """Without --imagestore."""
        return self.tool(*super().command(*words), check=False)

    def in_store(self, folder, store=None):
        try:
            return os.listdir((store or self.images) / folder)
        except FileNotFoundError:
            return []

    def test_images_and_containers_are_apart(self):
        self.engine("pull", "-q", self.source)
        self.assertEqual(len(self.in_store("images")), 1)
        self.assertEqual(self.in_store("images", self.root), [])
        self.assertIn("localhost/busybox", self.engine("images").stdout)
        self.assertEqual(self.in_container(BUSYBOX, "echo", "here").stdout, "here\n")
        self.engine("run", "--name", "box", "--network", "none", BUSYBOX, "touch", "/file")
        self.assertEqual(len(self.in_store("containers", self.root)), 1)
        self.assertEqual(self.in_store("containers"), [])
        self.assertEqual(self.plain("images", "-q").stdout, "")
        self.assertEqual(self.plain("ps", "-aq").stdout, self.engine("ps", "-aq").stdout)
        self.assertEqual(self.engine("system", "check").stdout, "The store is sound.\n")

    def test_run_pulls_into_the_image_store(self):
        self.assertEqual(self.in_container(self.source, "echo", "here").stdout, "here\n")
        self.assertEqual(len(self.in_store("images")), 1)
        self.assertEqual(self.in_store("images", self.root), [])
        self.assertEqual(self.in_store("layers", self.root), [])

    def test_commit_and_names(self):
        self.engine("run", "--name", "box", "--network", "none", self.source, "sh", "-c", "echo kept > /kept")
        self.engine("commit", "-q", "box", "localhost/more")
        self.engine("tag", "localhost/more", "localhost/other")
        self.assertEqual(len(self.in_store("images")), 2)
        self.assertEqual(self.in_store("refs", self.root), [])
        self.assertEqual(self.in_container("localhost/other", "cat", "/kept").stdout, "kept\n")
        self.engine("untag", "localhost/more")
        self.assertEqual(self.engine("image", "exists", "localhost/more", check=False).status, 1)

    def test_what_a_container_uses_stays(self):
        self.engine("create", "--name", "box", self.source, "echo", "still here")
        self.assert_fails(self.engine("rmi", BUSYBOX, check=False), 2, "is used by container")
        self.engine("untag", BUSYBOX)
        self.engine("image", "prune", "--all", "--force")
        self.assertEqual(self.engine("start", "-a", "box").stdout, "still here\n")
        self.engine("rm", "box")
        self.engine("image", "prune", "--all", "--force")
        self.assertEqual((self.in_store("images"), self.in_store("layers")), ([], []))

    def test_removing_by_force_takes_the_containers_along(self):
        self.engine("create", "--name", "box", self.source, "true")
        self.engine("rmi", "--force", BUSYBOX)
        self.assert_no_containers()
        self.assertEqual((self.in_store("images"), self.in_store("layers")), ([], []))
        self.assert_nothing_unfinished()

    def test_images_of_the_root_are_seen_and_stay(self):
        self.assertEqual(self.plain("pull", "-q", self.source).status, 0)
        self.assertEqual(self.engine("images", "--format", "{{.Repository}} {{.ReadOnly}}").stdout, "localhost/busybox true\n")
        self.assertEqual(self.in_container("--pull", "never", BUSYBOX, "echo", "here").stdout, "here\n")
        self.assert_fails(self.engine("rmi", BUSYBOX, check=False), 125, "only read")
        self.assertEqual(len(self.in_store("images", self.root)), 1)

    def rows_of_usage(self):
        lines = json.loads(self.engine("system", "df", "--format", "json").stdout)
        return {line["Type"]: (line["Total"], line["Active"], line["RawSize"]) for line in lines}

    def test_usage_is_that_of_both_stores(self):
        self.engine("create", "--name", "box", self.source, "true")
        usage = self.rows_of_usage()
        self.assertEqual(usage["Images"][:2], (1, 1))
        self.assertGreater(usage["Images"][2], 0)
        self.assertEqual(usage["Containers"][:2], (1, 0))
        self.assertIn("container box", self.engine("system", "df", "--verbose").stdout)
        self.engine("rm", "box")
        self.assertEqual(self.rows_of_usage()["Images"][:2], (1, 0))

    def test_check_looks_at_both_and_repairs_both(self):
        self.engine("pull", "-q", self.source)
        (self.images / "refs" / "damaged").write_text("nonsense\n")
        self.assertNotEqual(self.engine("system", "check", check=False).status, 0)
        self.engine("system", "check", "--repair")
        self.assertFalse((self.images / "refs" / "damaged").exists())
        self.assertEqual(self.engine("system", "check").stdout, "The store is sound.\n")

    def test_prune_is_about_both(self):
        self.engine("run", "--name", "box", "--network", "none", self.source, "true")
        self.engine("run", "-d", "--name", "kept", "--network", "none", BUSYBOX, "sleep", "1000")
        self.assertEqual(self.plain("pull", "-q", self.archive(self.guest_image("localhost/below"), "below.tar")).status, 0)
        done = self.engine("system", "prune", "--all", "--force").stdout
        self.assertNotIn("Deleted Images", done)  # one keeps it, and the other store is only read
        self.engine("rm", "--force", "--time", "0", "kept")
        planned = self.engine("system", "prune", "--all", "--dry-run").stdout
        self.assertEqual(len(self.in_store("images")), 1)
        self.assertIn(self.engine("images", "-q", BUSYBOX).stdout.strip(), planned)
        self.assertIn("Deleted Images", self.engine("system", "prune", "--all", "--force").stdout)
        self.assertEqual((self.in_store("images"), self.in_store("layers")), ([], []))
        self.assertEqual(len(self.in_store("images", self.root)), 1)

    def other(self, *words, check=True):
        """Another root with the same images."""
        return self.tool(*super().command(*words)[:1], "--root", self.dir / "other", "--runroot", self.dir / "other-run",
                         "--imagestore", self.images, *words, check=check)

    def assert_image_is_kept(self, user, front=(), prunes=("image", "system")):
        done = self.engine(*front, "rmi", BUSYBOX, check=False)
        self.assert_fails(done, 2, "is used by container")
        self.assertIn(user, done.stderr)
        for what in prunes:
            self.engine(*front, what, "prune", "--all", "--force")
            self.assertEqual(len(self.in_store("images")), 1, what)

    def test_what_another_root_uses_stays(self):
        self.engine("pull", "-q", self.source)
        self.other("create", "--name", "elsewhere", "--network", "none", BUSYBOX, "echo", "there")
        self.assert_image_is_kept("elsewhere")
        self.assert_image_is_kept("elsewhere", ("--transient-store",))
        self.assert_fails(self.engine("system", "reset", "--force", check=False), 125, str(self.dir / "other"))
        self.assertEqual(self.other("start", "-a", "elsewhere").stdout, "there\n")
        self.other("rm", "elsewhere")
        self.engine("system", "reset", "--force")
        self.assertEqual(self.in_store("images"), [])

    def test_a_root_that_cannot_be_read_is_not_gone(self):
        self.engine("pull", "-q", self.source)
        self.other("create", "--name", "elsewhere", "--network", "none", BUSYBOX, "echo", "there")
        other = self.dir / "other"
        os.chmod(other, 0)
        self.addCleanup(os.chmod, other, 0o700)
        self.assert_fails(self.engine("rmi", BUSYBOX, check=False), 125, str(other))
        os.chmod(other, 0o700)
        self.assertEqual(self.other("start", "-a", "elsewhere").stdout, "there\n")

    def test_a_root_has_many_names(self):
        self.engine("pull", "-q", self.source)
        self.engine("create", "--name", "box", "--network", "none", BUSYBOX, "true")
        (self.dir / "link").symlink_to(self.root)
        for name in (f"{self.root}/", self.dir / "link"):
            words = [str(name) if word == str(self.root) else word for word in self.command("ps", "-aq")]
            self.assertNotEqual(self.tool(*words).stdout, "")
        self.engine("system", "reset", "--force")
        self.assertEqual(self.in_store("images"), [])

    def test_what_transient_and_lasting_containers_use_stays(self):
        self.engine("pull", "-q", self.source)
        self.engine("create", "--name", "lasting", "--network", "none", BUSYBOX, "echo", "here")
        self.assert_image_is_kept("lasting", ("--transient-store",))
        self.engine("rm", "lasting")
        self.engine("pull", "-q", self.source)
        self.engine("--transient-store", "create", "--name", "passing", "--network", "none", BUSYBOX, "echo", "here")
        self.assert_image_is_kept("passing")
        self.assert_image_is_kept("passing", ("--transient-store",), ["image"])  # "system" would remove the container, too
        self.assertEqual(self.engine("--transient-store", "start", "-a", "passing").stdout, "here\n")
        self.engine("--transient-store", "rm", "passing")
        self.engine("rmi", BUSYBOX)
        self.assertEqual(self.in_store("images"), [])

    def test_reset_empties_both(self):
        self.engine("run", "-d", "--network", "none", self.source, "sleep", "1000")
        self.engine("system", "reset", "--force")
        for folder in ("images", "layers", "refs", "containers"):
            self.assertEqual((self.in_store(folder), self.in_store(folder, self.root)), ([], []), folder)
