"""--userns, --uidmap and their like: who the container's users are on the host, and its files on disk."""

import getpass
import os
from pathlib import Path

from engine_test import BUSYBOX, EngineTest
from make_image import directory_entry, file_entry, link_entry, tar_of

def own_range():
    """(first id, count) of this user in /etc/subuid."""
    for line in Path("/etc/subuid").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name in (getpass.getuser(), str(os.getuid())):
            return tuple(map(int, rest.split(":")))
    return None


class UsernsTest(EngineTest):
    """A user with subordinate ids."""

    def setUp(self):
        super().setUp()
        self.range = own_range()
        if not self.range:
            self.skipTest("this user has no subordinate ids")
        image = self.guest_image()
        image.add_layer(tar_of([
            (directory_entry("owned", 0o2750, 1, 2), b""),
            (file_entry("owned/root", 0o4755), b"r"),
            (file_entry("owned/one", 0o600, 1, 2, mtime=1_234_567_890), b"one"),
            (link_entry("owned/again", "owned/one", hard=True), b""),
            (link_entry("owned/link", "one"), b""),
            (file_entry("owned/high", 0o644, 3000, 3000), b"h" * 300_000),
        ]))
        image.add_layer(tar_of([(file_entry("etc/.wh.group", 0), b""), (directory_entry("owned/new", 0o700, 1, 1), b""),
                                (file_entry("owned/new/.wh..wh..opq"), b"")]))
        self.engine("pull", "-q", self.archive(image))

    def uid_map(self, *options):
        return [tuple(map(int, line.split())) for line in self.report(*options)["uid_map"]]

    def variants(self):
        return {path.name for path in (self.root / "layers").glob("*/*") if path.is_dir()}

    def owners(self, *options):
        done = self.in_container(*options, "--user", "0", BUSYBOX, "sh", "-c",
                                 "stat -c '%n %u %g %a %h %Y' / /etc /owned /owned/*; cat /owned/one; echo; ls /etc; "
                                 "stat -c %s /owned/high")
        return [line for line in done.stdout.splitlines() if line.split()[0] not in ("passwd", "group")]

    @staticmethod
    def without_links(lines):
        """Without the counts of links, and the times of directories that a container's start may change."""
        fields = [line.split() for line in lines]
        return [one[:4] + (one[5:] if one[0].startswith("/owned/") else []) if one[0].startswith("/") else one
                for one in fields]

    def test_pull_makes_the_layers_for_a_default_userns(self):
        by_default = {"PODMAN_USERNS": "keep-id"}

        def variants():
            return sorted(str(path.relative_to(self.root)) for path in self.root.glob("layers/*/user-*"))
        image = self.guest_image("localhost/prepared:1").add_layer(tar_of([("only-here", b"")]))
        self.engine("pull", "-q", self.archive(image, "prepared.tar"), env=by_default)
        made = variants()
        self.assertEqual(len({os.path.basename(path) for path in made}), 2, made)
        self.assertEqual(self.in_container("localhost/prepared:1", "stat", "-c", "%u", "/only-here",
                                           env=by_default).stdout, "0\n")
        self.assertEqual(variants(), made)

    def test_keep_id_is_the_caller_with_a_name_and_its_own_files(self):
        uid, gid = os.getuid(), os.getgid()
        shared = self.dir / "shared"
        shared.mkdir()
        done = self.in_container("--userns", "keep-id", "-v", f"{shared}:/shared", BUSYBOX, "sh", "-c",
                                 "id -u; id -g; id -un; echo $HOME; touch /shared/made /tmp/mine; stat -c %u:%g "
                                 "/shared /tmp/mine / /etc/passwd /etc/hosts")
        self.assertEqual(done.stdout.splitlines(), [
            str(uid), str(gid), getpass.getuser(), "/", f"{uid}:{gid}", f"{uid}:{gid}", "0:0", "0:0", "0:0"])
        self.assertEqual((shared / "made").stat().st_uid, uid)

    def test_the_home_that_is_mounted_is_home(self):
        done = self.in_container("--userns", "keep-id", "-v", f"{self.home}:{self.home}", BUSYBOX, "sh", "-c",
                                 "echo $HOME")
        self.assertEqual(done.stdout.strip(), str(self.home))

    def test_maps_are_podmans(self):
        uid, start, count = os.getuid(), *self.range
        for options, expected in (
                (("--userns", "host"), [(0, uid, 1), (1, start, count)]),
                (("--userns", "keep-id:uid=33,gid=34"), [(0, start, 33), (33, uid, 1), (34, start + 33, count - 33)]),
                (("--userns", "keep-id:uid=33,size=4000"),
                 [(0, start, 33), (33, uid, 1), (34, start + 33, 4000 - 34)]),
                (("--userns", "nomap"), [(0, start, count)]),
                (("--userns", "auto:size=4000"), [(0, start, 4000)]),
                (("--uidmap", "0:1:4000", "--uidmap", "5000:0:1"), [(0, start, 4000), (5000, uid, 1)]),
                (("--subuidname", getpass.getuser()), [(0, start, count)]),
                (("--subgidname", getpass.getuser()), [(0, start, count)])):
            with self.subTest(options=options):
                self.assertEqual(self.uid_map(*options), expected)
        self.assert_no_containers()
        self.assert_nothing_unfinished()

    def test_files_have_their_owners_modes_and_links_under_every_map(self):
        plain = self.owners()
        self.assertIn("/owned 1 2 2750 ", " ".join(plain))
        self.assertIn("/owned/root 0 0 4755 1 ", " ".join(plain))
        self.assertIn("one", plain)
        for userns in ("keep-id", "nomap", "auto", "keep-id:uid=1"):
            with self.subTest(userns=userns):
                # Links of other variants are counted, too.
                self.assertEqual(self.without_links(self.owners("--userns", userns)), self.without_links(plain))

    def test_a_variant_is_made_once_and_another_shares_its_files(self):
        self.in_container("--userns", "keep-id", BUSYBOX, "true")
        made = self.variants()
        self.in_container("--userns", "keep-id", BUSYBOX, "true")
        self.assertEqual(self.variants(), made)
        self.in_container("--userns", "keep-id:uid=1234,gid=1234", BUSYBOX, "true")
        new = (self.variants() - made).pop()
        old = (made - {path for path in self.variants() if path == new})
        inodes = {variant: {path.stat().st_ino for path in (self.root / "layers").glob(f"*/{variant}/diff/guest")}
                  for variant in old | {new}}
        self.assertTrue(any(inodes[new] & inodes[variant] for variant in old), inodes)

    def test_a_file_of_an_id_that_the_map_lacks_is_refused(self):
        result = self.in_container("--userns", "auto:size=1024", BUSYBOX, "true", check=False)
        self.assert_fails(result, 125, "owned/high")
        self.assertEqual(len(self.variants()), 1)
        self.assert_nothing_unfinished()

    def test_automatic_ranges_are_each_containers_own_until_it_is_removed(self):
        start, _ = self.range
        first = self.start_sleeper("--userns", "auto:size=4000")
        second = self.start_sleeper("--userns", "auto:size=4000")
        maps = [Path(f"/proc/{self.inspect(one)['State']['Pid']}/uid_map").read_text().split()
                for one in (first, second)]
        self.assertEqual([int(one[1]) for one in maps], [start, start + 4000])
        self.engine("rm", "-f", "--time", "0", first)
        self.assertEqual(self.uid_map("--userns", "auto:size=4000"), [(0, start, 4000)])

    def test_a_container_keeps_its_map_over_start_exec_and_removal(self):
        for options in (("keep-id",), ("nomap",)):
            with self.subTest(userns=options):
                name = self.engine("create", "--network", "none", "--userns", *options, BUSYBOX, "/guest",
                                   "wait").stdout.strip()
                for _ in range(2):
                    self.engine("start", name)
                    self.wait_for_log(name, "ready")
                    uid = self.engine("exec", name, "id", "-u").stdout.strip()
                    self.assertEqual(uid, str(os.getuid()) if options[0] == "keep-id" else "0")
                    self.engine("exec", "-u", "0", name, "sh", "-c", "touch /by-root; mkdir -p /a/b; chown 7 /a/b")
                    self.assertEqual(self.engine("exec", name, "stat", "-c", "%u", "/a/b").stdout, "7\n")
                    self.engine("stop", "--time", "0", name)
                self.engine("rm", name)
        self.assert_nothing_unfinished()

    def test_a_new_volume_gets_the_images_owners(self):
        done = self.in_container("--userns", "keep-id", "--user", "0", "-v", "data:/owned", BUSYBOX, "sh", "-c",
                                 "stat -c %u:%g /owned /owned/one /owned/high")
        self.assertEqual(done.stdout.split(), ["1:2", "1:2", "3000:3000"])
        done = self.in_container("--userns", "keep-id", "-v", "empty:/nowhere", BUSYBOX, "stat", "-c", "%u", "/nowhere")
        self.assertEqual(done.stdout.strip(), str(os.getuid()))

    def test_the_copy_driver_does_the_same(self):
        self.driver = "copy"
        done = self.in_container("--userns", "keep-id", BUSYBOX, "sh", "-c", "id -un; stat -c %u /etc/passwd /owned")
        self.assertEqual(done.stdout.split(), [getpass.getuser(), "0", "1"])

    def test_the_users_choice_and_the_images_user_come_first(self):
        self.assertEqual(self.in_container("--userns", "keep-id", "-u", "bin", BUSYBOX, "id", "-u").stdout, "1\n")
        result = self.in_container("--userns", "auto:size=4000", "-u", "5000", BUSYBOX, "true", check=False)
        self.assert_fails(result, 125, "5000")

    def test_one_id_of_ones_own_needs_no_root(self):
        report = self.report("--uidmap", "77:0:1", "--user", "77:77")
        self.assertEqual((report["uid"], report["gid"]), (77, 77))

    def test_groups_have_a_map_of_their_own(self):
        start = self.range[0]
        for options, users, groups in (
                (("--uidmap", "0:1:4000", "--gidmap", "0:1:3000", "--gidmap", "3000:0:1"),
                 [(0, start, 4000)], [(0, start, 3000), (3000, os.getgid(), 1)]),
                (("--gidmap", "0:1:4000"), [(0, start, 4000)], [(0, start, 4000)])):
            with self.subTest(options=options):
                text = self.in_container(*options, BUSYBOX, "cat", "/proc/self/uid_map", "/proc/self/gid_map").stdout
                self.assertEqual([tuple(map(int, line.split())) for line in text.splitlines()], users + groups)

    def test_the_environment_gives_the_default(self):
        done = self.in_container(BUSYBOX, "id", "-u", env={"PODMAN_USERNS": "keep-id"})
        self.assertEqual(done.stdout, f"{os.getuid()}\n")

    def test_what_cannot_be_is_said_in_one_line(self):
        for options in (("--userns", "container:x"), ("--userns", "ns:/proc/1/ns/user"), ("--userns", "bogus"),
                        ("--userns", "keep-id:foo=1"), ("--userns", "keep-id", "--uidmap", "0:1:10"),
                        ("--uidmap", "0:0:4000000000"), ("--uidmap", "5:1:10"), ("--subuidname", "nobody-at-all")):
            with self.subTest(options=options):
                self.assert_fails(self.in_container(*options, BUSYBOX, "true", check=False), 125)
