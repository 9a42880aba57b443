"""The disk is full: one line that says so and what helps, nothing half-made left, and it works again with room."""

import subprocess

from engine_test import BUSYBOX, EngineTest, wait_until
from make_image import file_entry, tar_of

PAGE = 4096


class FullDiskTest(EngineTest):
    """The store is a small tmpfs in a mount namespace of the test's own, which an ordinary user may make."""

    size = "size=16m"

    def setUp(self):
        super().setUp()
        self.store = self.dir / "store"
        self.store.mkdir()
        self.root = self.store / "root"
        # Holds the namespaces open until its input ends.
        self.holder = subprocess.Popen(
            ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
             f"mount -t tmpfs -o {self.size} none '{self.store}' && echo mounted && read nothing"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.end_holder)
        self.assertEqual(self.holder.stdout.readline(), "mounted\n")

    def end_holder(self):
        self.holder.communicate("")

    def inside(self, *words):
        return ["nsenter", f"--target={self.holder.pid}", "--user", "--mount", "--preserve-credentials", *map(str, words)]

    def command(self, *words):
        return self.inside(*super().command("--log-level", "error", *words))

    def shell(self, script):
        done = subprocess.run(self.inside("sh", "-c", script), capture_output=True, text=True, check=True)
        return done.stdout

    def free_bytes(self):
        return int(self.shell(f"stat -f -c '%f' '{self.store}'")) * PAGE

    def leave_free(self, pages):
        """Fills the disk but for so many pages."""
        self.shell(f"rm -f '{self.store}/fill'")
        size = self.free_bytes() - pages * PAGE
        self.shell(f"head -c {size} /dev/zero > '{self.store}/fill'")

    def make_room(self):
        self.shell(f"rm -f '{self.store}/fill'")

    def left(self, *folders):
        return self.shell("cd '%s'; find %s -mindepth 1" % (self.root, " ".join(folders))).split()

    def assert_says_so(self, result):
        self.assert_fails(result, 125, "No space left on device")
        self.assertEqual(len(result.stderr.splitlines()), 2, result)


class FullDiskPullTest(FullDiskTest):
    size = "size=64m"

    def setUp(self):
        super().setUp()
        image = self.guest_image().add_layer(tar_of([(file_entry("zeros"), bytes(30_000_000))]))
        self.big = self.archive(image, "big.tar")  # small until it is unpacked

    def test_an_image_that_does_not_fit(self):
        self.engine("ps")  # makes the store
        self.leave_free(4000)
        for _ in range(2):
            self.assert_says_so(self.engine("pull", "-q", self.big, check=False))
            self.assertEqual(self.engine("images", "-aq").stdout, "")
            wait_until(lambda: not self.left("staging", "trash", "layers", "images", "refs"), "nothing is left")
        self.make_room()
        self.engine("pull", "-q", self.big)
        self.assertEqual(self.in_container(BUSYBOX, "stat", "-c", "%s", "/zeros").stdout, "30000000\n")

    def test_at_many_moments(self):
        """A small image with ever more room: it fails cleanly until it fits."""
        small = self.archive(self.guest_image())
        self.engine("ps")  # makes the store
        for pages in (*range(0, 40, 3), *range(40, 2000, 150)):
            with self.subTest(pages=pages):
                self.leave_free(pages)
                done = self.engine("pull", "-q", small, check=False)
                if done.status == 0:
                    break
                self.assertEqual(done.status, 125, done)
                self.assertTrue("space" in done.stderr or "free" in done.stderr, done)
                self.assertEqual(len(done.stderr.splitlines()), 2, done)
                self.assertEqual(self.engine("images", "-aq").stdout, "")
                wait_until(lambda: not self.left("staging", "trash", "layers/"), "nothing is left")
        self.make_room()
        self.engine("pull", "-q", small)
        self.assertEqual(self.in_container(BUSYBOX, "echo", "works").stdout, "works\n")


class FullDiskRunTest(FullDiskTest):
    def setUp(self):
        super().setUp()
        self.pull_image()

    def assert_no_trace(self, options):
        """Nothing, but for a container that could be made and not be started: it is listed, as with any bad start."""
        if "--rm" not in options:
            for container in self.engine("ps", "-aq").stdout.split():
                self.assertIn(self.status_of(container), ("created", "exited"))
                self.engine("rm", container)
        self.assertEqual(self.engine("ps", "-aq").stdout, "")
        self.assertEqual(self.left("containers", "names", "staging", "trash"), [])

    def test_run_with_ever_more_room(self):
        for options in (["--rm"], [], ["-d"], ["-d", "--rm"], ["-i"], ["-v", "/anonymous", "--rm"]):
            works = False
            for pages in range(0, 60):
                with self.subTest(options=options, pages=pages):
                    self.leave_free(pages)
                    done = self.engine("run", "--network", "none", *options, BUSYBOX, "true", check=False)
                    self.assertIn(done.status, (0, 125), done)
                    if done.status == 0:
                        works = True
                    else:
                        self.assert_says_so(done)
                        self.assert_no_trace(options)
                    self.engine("rm", "-fa", "-t", "0")
                    wait_until(lambda: not self.left("containers", "names", "volumes", "trash"), "nothing is left")
                    if works:
                        break
            self.assertTrue(works, options)
        self.make_room()
        self.assertEqual(self.in_container(BUSYBOX, "echo", "works").stdout, "works\n")

    def test_everything_can_be_ended_and_removed(self):
        container = self.start_sleeper()
        other = self.engine("create", "--network", "none", BUSYBOX, "true").stdout.strip()
        self.leave_free(0)
        self.assertEqual(self.status_of(container), "running")
        self.assert_says_so(self.engine("start", other, check=False))
        self.assertEqual(self.status_of(other), "created")
        self.engine("stop", "-t", "0", container)
        self.assertEqual(self.inspect(container)["State"]["ExitCode"], 137)
        self.engine("rm", container, other)
        self.engine("rmi", BUSYBOX)
        self.assertEqual(self.left("containers", "names", "images", "refs", "layers/", "trash"), [])

    def test_everything_can_be_pruned(self):
        self.engine("create", "--network", "none", "-v", "data:/data", BUSYBOX, "true")
        self.leave_free(0)
        told = self.engine("system", "prune", "-a", "--volumes", "--dry-run").stdout
        done = self.engine("system", "prune", "-af", "--volumes").stdout
        self.assertEqual(done.splitlines()[1::2], told.splitlines()[1::2])
        self.assertEqual(self.left("containers", "names", "images", "refs", "layers/", "volumes", "trash"), [])
        self.assertEqual(self.engine("system", "check").stdout, "The store is sound.\n")

    def test_a_container_that_fills_the_disk(self):
        container = self.engine("run", "-d", "--network", "none", BUSYBOX, "sh", "-c",
                                "cat /dev/zero > /fill; echo full; exit 5").stdout.strip()
        self.assertEqual(self.engine("wait", container).stdout, "5\n")
        self.assertEqual(self.inspect(container)["State"]["ExitCode"], 5)
        self.engine("rm", container)
        self.assertEqual(self.in_container(BUSYBOX, "echo", "works").stdout, "works\n")

    def test_a_log_that_fills_the_disk(self):
        """Its output is lost from the log, not the container."""
        self.leave_free(100)
        done = self.engine("run", "--name", "box", "--network", "none", BUSYBOX, "sh", "-c",
                           "seq 1 100000 | tail -n 100000; exit 6", check=False)
        self.assertEqual(done.status, 6, done.stderr)
        self.assertEqual(done.stdout.splitlines()[-1], "100000")
        self.assertEqual(self.inspect("box")["State"]["ExitCode"], 6)
        self.engine("logs", "box")
        self.engine("rm", "box")


class NoInodesTest(FullDiskTest):
    size = "size=64m,nr_inodes=700"

    def test_a_disk_without_inodes(self):
        self.pull_image()
        self.shell(f"i=0; while touch '{self.store}/fill'$i 2>/dev/null; do i=$((i+1)); done; true")
        self.assert_says_so(self.engine("run", "--rm", "--network", "none", BUSYBOX, "true", check=False))
        self.assertEqual(self.left("containers", "names"), [])
        self.engine("rmi", BUSYBOX)
        self.shell(f"rm -f '{self.store}'/fill*")
        self.pull_image()
        self.assertEqual(self.in_container(BUSYBOX, "echo", "works").stdout, "works\n")
