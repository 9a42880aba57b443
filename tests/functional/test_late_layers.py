"""A first start with other ids on layers that a server shows, while those for these ids are still being made."""

import fcntl
import os
import signal
import struct
from contextlib import contextmanager
from pathlib import Path

from engine_test import BUSYBOX, GUEST, EngineTest, is_alive, wait_until
from make_image import directory_entry, file_entry, link_entry, tar_of
from test_layers import file_capability, with_xattrs
from test_userns import own_range

MANY = 3_000  # files whose making takes a moment
F_OFD_SETLK = 37  # fcntl.h of Linux; Python has no name for it
LISTING = ("stat -c '%n %u %g %a %s %Y' /owned /owned/*; cat /owned/one; readlink /owned/link; "
           "[ /owned/one -ef /owned/again ] && echo linked; ls -A /hidden /owned/new")


def is_usable():
    return Path("/usr/bin/fuse-overlayfs").exists() and os.access("/dev/fuse", os.R_OK | os.W_OK) and own_range()


class LateLayersTest(EngineTest):
    def setUp(self):
        super().setUp()
        if not is_usable():
            self.skipTest("no fuse-overlayfs, no /dev/fuse, or no subordinate ids")
        self.wait_below(1)

    def wait_below(self, entries):
        (self.dir / "engine.conf").write_text(f"[userns]\nwait_below_entries = {entries}\n")
        self.environment["ENGINE_CONF"] = str(self.dir / "engine.conf")

    def pull_owned(self, **config):
        guest = Path(GUEST).read_bytes()
        image = self.guest_image(**config).add_layer(tar_of([
            (directory_entry("owned", 0o2751, 1, 2), b""),
            (file_entry("owned/root", 0o4755), guest),
            (with_xattrs(file_entry("owned/capable", 0o755), security__capability=file_capability(10)), guest),
            (file_entry("owned/one", 0o600, 1, 2, mtime=1_234_567_890), b"one\n"),
            (link_entry("owned/again", "owned/one", hard=True), b""),
            (link_entry("owned/link", "one"), b""),
            (file_entry("owned/high", 0o644, 3000, 3000), b"h" * 300_000),
            (file_entry("hidden/below", 0o644), b""), (file_entry("gone", 0o644), b""),
        ]))
        image.add_layer(tar_of([(file_entry(".wh.gone", 0), b""), (directory_entry("owned/new", 0o700, 1, 1), b""),
                                (directory_entry("hidden", 0o755, 5, 5), b""),
                                (file_entry("hidden/.wh..wh..opq"), b""), (file_entry("hidden/above", 0o600, 6), b"")]))
        self.engine("pull", "-q", self.archive(image))

    def pull_many(self):
        entries = [(file_entry(f"many/{number // 100}/{number}", 0o644, number % 3), b"x") for number in range(MANY)]
        image = self.guest_image("localhost/many:1").add_layer(tar_of(entries))
        self.engine("pull", "-q", self.archive(image, "many.tar"))
        return "localhost/many:1"

    def keep_id(self, *words, **options):
        return self.in_container("--userns", "keep-id", *words, **options)

    def makers(self):
        """Processes that make layers of this store."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_bytes().split(b"\0")
            except OSError:
                continue
            if b"_late-layers" in words and str(self.root).encode() in words and b"work" in words:
                found.append(int(path.parent.name))
        return [pid for pid in found if is_alive(pid)]

    def variants(self):
        return {path.name for path in (self.root / "layers").glob("*/*") if path.is_dir()}

    @contextmanager
    def nothing_kept(self):
        """Whoever makes layers comes no further than to its staging folder."""
        with open(self.root / "locks/gc", "r+b") as gc:
            fcntl.fcntl(gc, F_OFD_SETLK, struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
            yield

    def wait_for_makers(self):
        wait_until(lambda: not self.makers(), "nobody makes layers any more")

    def assert_sound(self):
        self.assert_nothing_unfinished()
        self.assertEqual(self.engine("system", "check", "--deep").stdout, "The store is sound.\n")

    def is_served(self, *words):
        """What is mounted for a server is no folder of a layer."""
        mounts = self.keep_id("--user", "0", *words, BUSYBOX, "cat", "/proc/self/mountinfo").stdout
        root = next(line for line in mounts.splitlines() if line.split()[4] == "/")
        return "/diff" not in root

    def test_the_first_start_shows_what_later_ones_show(self):
        self.pull_owned()
        for userns in ("keep-id", "nomap", "keep-id:uid=7,gid=8"):
            with self.subTest(userns=userns):
                plain = self.in_container("--user", "0", BUSYBOX, "sh", "-c", LISTING).stdout
                self.assertIn("/owned/one 1 2 600 4 1234567890", plain)
                before = self.variants()
                late = self.in_container("--userns", userns, "--user", "0", BUSYBOX, "sh", "-c", LISTING).stdout
                self.assertEqual(late, plain)
                self.wait_for_makers()
                self.assertEqual(len(self.variants() - before), 1)
                after = self.in_container("--userns", userns, "--user", "0", BUSYBOX, "sh", "-c", LISTING).stdout
                self.assertEqual(after, plain)
        self.assert_sound()

    def test_later_starts_are_native(self):
        self.pull_owned()
        self.assertTrue(self.is_served())
        self.wait_for_makers()
        self.assertFalse(self.is_served())

    def test_set_id_bits_and_capabilities_count(self):
        self.pull_owned()
        for state in ("served", "native"):
            with self.subTest(state=state):
                report = self.keep_id("--user", "1000", BUSYBOX, "/owned/root").json()
                self.assertEqual((report["uid"], report["euid"]), (1000, 0))
                report = self.keep_id("--user", "1000", BUSYBOX, "/owned/capable").json()
                self.assertEqual(report["status"]["CapEff"], f"{1 << 10:016x}")
            self.wait_for_makers()
        self.assertFalse(self.is_served())

    def test_a_container_goes_on_natively_with_what_it_changed(self):
        self.pull_owned()
        name = self.engine("create", "--network", "none", "--userns", "keep-id", "--user", "0", BUSYBOX, "sh", "-c",
                           "if [ -e /made ]; then stat -c '%u %g %s' /made /owned/one /owned/high; ls /owned; "
                           "cat /owned/one; "
                           "else echo x > /made; chown 7:8 /made /owned/high; rm -r /owned/root /owned/new; "
                           "echo two >> /owned/one; mv /owned/again /owned/moved; fi").stdout.strip()
        self.assertEqual(len(self.variants()), 1)
        self.assertEqual(self.engine("start", "-a", name).stdout, "")
        self.wait_for_makers()
        self.assertEqual(len(self.variants()), 2)
        self.assertEqual(self.engine("start", "-a", name).stdout.split(),
                         "7 8 2 1 2 8 7 8 300000 capable high link moved one one two".split())
        self.engine("rm", name)
        self.assert_sound()

    def test_a_new_volume_gets_the_images_owners(self):
        self.pull_owned()
        before = self.variants()
        done = self.keep_id("--user", "0", "-v", "data:/owned", BUSYBOX, "sh", "-c",
                            "stat -c '%u:%g %a %h' /owned /owned/one /owned/high /owned/root; cat /owned/again")
        self.assertEqual(done.stdout.splitlines(),
                         ["1:2 2751 3", "1:2 600 2", "3000:3000 644 1", "0:0 4755 1", "one"])
        self.wait_for_makers()
        self.assertNotEqual(self.variants(), before)
        self.assert_sound()

    def test_several_first_starts_at_once(self):
        image = self.pull_many()
        starts = [self.start_engine("run", "--rm", "--network", "none", "--userns", "keep-id", image, "stat", "-c",
                                    "%u", f"/many/0/{number}") for number in range(4)]
        self.assertEqual([start.communicate(timeout=60)[0].strip() for start in starts], ["0", "1", "2", "0"])
        self.wait_for_makers()
        self.assertEqual(len(self.variants()), 2)
        self.assert_sound()

    def test_killed_it_leaves_nothing_and_the_next_start_tries_again(self):
        self.pull_owned()
        name = self.engine("create", "--network", "none", "--userns", "keep-id", "--user", "0", BUSYBOX, "stat", "-c",
                           "%u", "/owned/one").stdout.strip()
        with self.nothing_kept():
            self.assertEqual(self.engine("start", "-a", name).stdout, "1\n")
            maker, = wait_until(self.makers, "somebody makes the layers")
            wait_until(lambda: list((self.root / "staging").iterdir()), "it has begun")
            os.kill(maker, signal.SIGKILL)
            self.wait_for_makers()
        self.assertEqual(len(self.variants()), 1)
        self.assertEqual(len(list((self.root / "staging").iterdir())), 1)
        self.assertEqual(self.engine("start", "-a", name).stdout, "1\n")
        self.wait_for_makers()
        self.assertEqual(len(self.variants()), 2)
        self.engine("rm", name)
        self.assert_sound()

    def test_an_image_that_is_removed_meanwhile_is_gone(self):
        """Whether it was removed before its layers were counted on, or while they were copied."""
        for _ in range(2):
            image = self.pull_many()
            self.keep_id(image, "true")
            self.engine("rmi", image)
            self.wait_for_makers()
            self.assertEqual(list((self.root / "layers").iterdir()), [])
        self.assert_sound()

    def test_who_needs_the_files_waits_for_them(self):
        self.pull_owned()
        name = self.start_sleeper("--userns", "keep-id")
        self.engine("exec", "--user", "0", name, "sh", "-c", "echo x > /new; chown 9 /owned/high")
        archive = self.dir / "tree.tar"
        self.engine("export", "-o", archive, name)
        self.assertEqual(len(self.variants()), 2)
        listed = self.tool("tar", "--numeric-owner", "-tvf", archive, "new", "owned/high", "owned/root").stdout
        self.assertEqual([line.split()[1] for line in listed.splitlines()], ["0/0", "9/3000", "0/0"])
        self.engine("rm", "-f", "--time", "0", name)

    def test_small_images_and_other_drivers_wait(self):
        self.wait_below(1_000_000)
        self.pull_owned()
        self.assertFalse(self.is_served())
        self.assertEqual(len(self.variants()), 2)
        self.wait_below(1)
        self.driver = "copy"
        self.assertEqual(self.keep_id("--userns", "keep-id:uid=9", BUSYBOX, "id", "-u").stdout, "9\n")
        self.assertEqual(len(self.variants()), 3)
        self.assertEqual(self.makers(), [])
        self.driver = None
        self.assert_sound()

    def test_a_wrong_number_is_refused(self):
        for value in ("-1", '"many"'):
            self.wait_below(value)
            self.assert_fails(self.engine("ps", check=False), 125, "userns.wait_below_entries")

    def test_a_server_that_does_not_work_is_not_relied_on(self):
        """What was found out since boot says so; the layers are made first, as ever."""
        self.pull_owned()
        self.assertTrue(self.is_served())
        self.wait_for_makers()
        record = self.runroot / "served-lowers"
        self.assertIn('"driver":"overlay"', record.read_text())
        record.write_text(record.read_text().replace('"driver":"overlay"', '"driver":"copy"'))
        self.assertEqual(self.keep_id("--userns", "keep-id:uid=9", BUSYBOX, "id", "-u").stdout, "9\n")
        self.assertEqual(len(self.variants()), 3)
