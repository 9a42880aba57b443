"""additionalimagestores: images of a store that belongs to somebody else are used, and nothing is written there."""

import os

from engine_test import BUSYBOX, EngineTest
from make_image import file_entry, tar_of


class SharedStoreTest(EngineTest):
    """A store that is read-only on disk, so that a lock or a write in it would be an error."""

    def setUp(self):
        super().setUp()
        self.shared = self.dir / "shared"
        self.own = self.root
        self.root = self.shared
        self.pull_image()
        self.root = self.own
        self.options = ("--storage-opt", f"additionalimagestore={self.shared}")
        self.addCleanup(self.remove_shared)

    def remove_shared(self):
        self.tool("chmod", "-R", "u+w", self.shared, check=False)
        self.engine("--root", self.shared, "unshare", "rm", "-rf", self.shared, check=False)

    def seal(self):
        """The tree of a layer stays as it is: containers see its modes."""
        self.tool("find", self.shared, "-name", "diff", "-prune", "-o", "-exec", "chmod", "a-w", "{}", "+")
        self.before = self.snapshot()

    def snapshot(self):
        return {path: (os.lstat(path).st_mtime_ns, os.lstat(path).st_ctime_ns)
                for folder, names, files in os.walk(self.shared)
                for path in [folder, *(os.path.join(folder, name) for name in files)]}

    def sharing(self, *words, **options):
        return self.engine(*self.options, *words, **options)

    def layers(self):
        return sorted(path.name for path in (self.own / "layers").iterdir())


class AdditionalStoreTest(SharedStoreTest):
    def setUp(self):
        super().setUp()
        self.seal()

    def tearDown(self):
        self.assertEqual(self.snapshot(), self.before)
        super().tearDown()

    def test_its_images_are_seen_and_run(self):
        self.assertEqual(self.engine("images", "-q").stdout, "")
        lines = self.sharing("images").stdout.splitlines()
        self.assertEqual((lines[0].split()[-1], lines[1].split()[-1]), ("R/O", "true"))
        self.assertTrue(self.sharing("images", "--format", "json").json()[0]["ReadOnly"])
        self.sharing("image", "exists", BUSYBOX)
        self.assertIn(str(self.shared), self.sharing("image", "inspect", BUSYBOX).stdout)
        self.assertEqual(self.sharing("run", "--rm", "--network", "none", BUSYBOX, "echo", "hello").stdout, "hello\n")
        self.assertEqual(self.layers(), [])

    def test_a_container_writes_into_its_own_store(self):
        self.sharing("run", "--name", "box", "--network", "none", BUSYBOX, "sh", "-c", "echo new > /etc/passwd")
        self.assertIn("box", self.sharing("ps", "-a").stdout)
        self.assertEqual(self.sharing("system", "check", "--deep").stdout, "The store is sound.\n")
        self.assertEqual(self.sharing("system", "df", "--format", "json").json()[0]["Total"], 1)
        self.sharing("system", "prune", "--force")
        self.sharing("images", "-q")

    def test_its_images_are_not_removed(self):
        for words in (("rmi", BUSYBOX), ("rmi", "-f", BUSYBOX), ("untag", BUSYBOX)):
            self.assert_fails(self.sharing(*words, check=False), 125, "shared store")
        self.sharing("rmi", "--all", check=False)
        self.sharing("image", "prune", "--all", "--force")
        self.sharing("image", "exists", BUSYBOX)

    def test_a_name_of_our_own(self):
        self.sharing("tag", BUSYBOX, "localhost/mine:1")
        self.assertEqual(self.sharing("system", "check").stdout, "The store is sound.\n")
        self.assertEqual(self.sharing("run", "--rm", "--network", "none", "localhost/mine:1", "echo", "a").stdout, "a\n")
        self.sharing("rmi", "localhost/mine:1")
        self.sharing("image", "exists", BUSYBOX)

    def test_pulling_takes_what_is_there(self):
        image = self.guest_image("localhost/more:1").add_layer(tar_of([(file_entry("usr/more"), b"more")]))
        self.sharing("pull", "-q", self.archive(image))
        self.assertEqual(len(self.layers()), 1)
        self.assertEqual(self.sharing("run", "--rm", "--network", "none", "localhost/more:1", "cat", "/usr/more").stdout,
                         "more")
        self.assertEqual(self.sharing("system", "check", "--deep").stdout, "The store is sound.\n")

    def test_copies_of_it(self):
        self.driver = "copy"
        self.assertEqual(self.sharing("run", "--rm", "--network", "none", BUSYBOX, "echo", "a").stdout, "a\n")

    def test_storage_conf(self):
        conf = self.dir / "storage.conf"
        conf.write_text(f'[storage]\ndriver = "overlay"\n[storage.options]\nadditionalimagestores = ["{self.shared}"]\n')
        environment = {"CONTAINERS_STORAGE_CONF": str(conf)}
        done = self.in_container(BUSYBOX, "echo", "a", env=environment)
        self.assertEqual((done.stdout, done.stderr), ("a\n", ""))


class UnusableStoreTest(SharedStoreTest):
    def test_layers_of_other_ids_are_unpacked_from_the_kept_blobs(self):
        for layer in (self.shared / "layers").iterdir():
            for variant in (path for path in layer.iterdir() if path.is_dir()):
                variant.rename(layer / "user-0123456789ab")
        self.seal()
        done = self.sharing("run", "--rm", "--network", "none", "--pull", "never", BUSYBOX, "echo", "a")
        self.assertEqual(done.stdout, "a\n")
        self.assertIn("for our ids", done.stderr)
        self.assertNotEqual(self.layers(), [])
        again = self.sharing("run", "--rm", "--network", "none", BUSYBOX, "echo", "a")
        self.assertEqual(again.stderr, "")
        self.assertEqual(self.sharing("system", "check", "--deep").stdout, "The store is sound.\n")
        self.assertEqual(self.snapshot(), self.before)

    def test_a_folder_that_is_no_store_is_passed_over(self):
        (self.dir / "nothing").mkdir()
        for folder in ("nothing", "absent"):
            done = self.engine("--storage-opt", f"additionalimagestore={self.dir}/{folder}", "images", "-q")
            self.assertEqual(len(done.stderr.splitlines()), 1, done)
            self.assertIn(str(self.dir / folder), done.stderr)

    def test_a_store_that_everybody_may_write_is_not_trusted(self):
        self.shared.chmod(0o777)
        done = self.sharing("images", "-q")
        self.assertEqual(done.stdout, "")
        self.assertIn("chmod go-w", done.stderr)
