"""config.md "Root", "Mounts" and its option table; config-linux.md masked and read-only paths, propagation."""

import json
import os
import subprocess

from runtime_test import PLACE, RuntimeTest, id_map

# Option -> what mountinfo shows for a tmpfs with it, and what it must not show.
TMPFS_OPTIONS = {
    "atime": ("", "noatime"), "noatime": ("noatime", ""), "defaults": ("rw", ""), "dev": ("", "nodev"),
    "nodev": ("nodev", ""), "diratime": ("", "nodiratime"), "nodiratime": ("nodiratime", ""), "exec": ("", "noexec"),
    "noexec": ("noexec", ""), "relatime": ("relatime", ""), "norelatime": ("", "noatime"),
    "strictatime": ("", "relatime"), "nostrictatime": ("", "noatime"), "suid": ("", "nosuid"), "nosuid": ("nosuid", ""),
    "ro": ("ro", "rw"), "rw": ("rw", "ro"),
}
# Properties of the super block; a mount in a user namespace may not have all of them.
SUPER_OPTIONS = {
    "async": ("", "sync"), "sync": ("sync", ""), "dirsync": ("dirsync", ""), "lazytime": ("lazytime", ""),
    "nolazytime": ("", "lazytime"), "silent": ("rw", ""), "loud": ("rw", ""), "iversion": ("rw", ""),
    "noiversion": ("rw", ""), "mand": ("rw", ""), "nomand": ("rw", ""),
}
RECURSIVE_OPTIONS = {
    "rro": "ro", "rnosuid": "nosuid", "rnodev": "nodev", "rnoexec": "noexec", "rnoatime": "noatime",
    "rnodiratime": "nodiratime", "rrelatime": "relatime", "rnosymfollow": "nosymfollow",
}


class MountTest(RuntimeTest):
    def mounts(self, result=None):
        """Mount point -> (options of the mount, of the super block, optional fields), the topmost of each."""
        text = result or self.says("cat /proc/self/mountinfo")
        found = {}
        for line in text.splitlines():
            before, after = line.split(" - ")
            words = before.split()
            found[words[4]] = (words[5].split(","), after.split(" ", 2)[2].split(","), words[6:])
        return found


class RootTest(MountTest):
    def test_root_may_be_absolute_or_relative_to_the_bundle(self):
        for path in ("rootfs", "./rootfs", str(self.bundle / "rootfs")):
            with self.subTest(path=path):
                self.config["root"]["path"] = path
                self.assertEqual(self.says("test -x /guest && echo there"), "there")

    def test_root_and_its_path_are_needed(self):
        for root in (None, {}, {"path": ""}, {"readonly": True}):
            with self.subTest(root=root):
                self.config["root"] = root
                if root is None:
                    del self.config["root"]
                self.assert_refused()

    def test_root_must_be_a_directory_that_exists(self):
        for path in ("absent", "rootfs/guest", "/absent"):
            with self.subTest(path=path):
                self.config["root"]["path"] = path
                self.assert_refused()

    def test_a_read_only_root_cannot_be_written(self):
        self.config["root"]["readonly"] = True
        self.assertEqual(self.says("touch /x 2>/dev/null || echo refused; touch /dev/x && echo own"), "refused\nown")
        self.assertIn("ro", self.mounts()["/"][0])

    def test_by_default_the_root_is_writable(self):
        self.says("touch /x")
        self.assertTrue((self.bundle / "rootfs/x").exists())

    def test_nothing_of_the_old_root_is_left(self):
        outside = self.bundle / "config.json"
        self.assertEqual(self.says(f"test -e {outside} || echo unseen; ls -d /../..; ls /.. | grep -c guest"),
                         "unseen\n/../..\n1")
        self.assertFalse([point for point in self.mounts() if str(self.dir) in point])


class OrderTest(MountTest):
    def test_entries_are_mounted_in_the_listed_order(self):
        folders = [self.dir / name for name in ("a", "b", "c")]
        for folder in folders:
            (folder / "below").mkdir(parents=True)
            (folder / folder.name).write_text("")
        self.bind(folders[0], "/m")
        self.bind(folders[1], "/m/below")
        self.bind(folders[2], "/m/below/below")
        self.assertEqual(self.says("ls /m /m/below /m/below/below | tr '\\n' ' '").split(),
                         ["/m:", "a", "below", "/m/below:", "b", "below", "/m/below/below:", "below", "c"])

    def test_a_later_entry_covers_an_earlier_one_below_it(self):
        folder = self.dir / "a"
        (folder / "deep").mkdir(parents=True)
        self.bind(folder, "/m/deep")
        self.add_mount("/m", "tmpfs", "tmpfs")
        self.assertEqual(self.says("ls /m"), "")

    def test_a_relative_destination_is_relative_to_the_root(self):
        folder = self.dir / "a"
        folder.mkdir()
        (folder / "file").write_text("")
        self.bind(folder, "some/where")
        self.config["process"]["cwd"] = "/tmp"
        self.assertEqual(self.says("ls /some/where"), "file")

    def test_a_destination_is_needed(self):
        self.config["mounts"].append({"type": "tmpfs", "source": "tmpfs"})
        self.assert_refused()

    def test_a_relative_source_of_a_bind_mount_is_relative_to_the_bundle(self):
        (self.bundle / "data").mkdir()
        (self.bundle / "data/file").write_text("")
        self.add_mount("/m", "data", "none", ["bind"])
        self.assertEqual(self.says("ls /m"), "file")

    def test_a_link_in_the_root_leads_nowhere_outside(self):
        (self.dir / "a").mkdir()
        (self.dir / "a/file").write_text("")
        os.symlink("../../../../../../../tmp/inside", self.bundle / "rootfs/link")
        self.bind(self.dir / "a", "/link")
        self.assertEqual(self.says("ls /tmp/inside"), "file")
        self.assertTrue((self.bundle / "rootfs/tmp/inside").is_dir())


class OptionTest(MountTest):
    def test_options_of_a_new_mount(self):
        for option in TMPFS_OPTIONS:
            self.add_mount(f"/m/{option}", "tmpfs", "tmpfs", [option])
        found = self.mounts()
        for option, (shown, hidden) in TMPFS_OPTIONS.items():
            with self.subTest(option=option):
                options = found[f"/m/{option}"][0]
                self.assertIn(shown or options[0], options)
                self.assertNotIn(hidden, options)

    def test_options_of_the_file_system(self):
        for option, (shown, hidden) in SUPER_OPTIONS.items():
            with self.subTest(option=option):
                mounts, self.config["mounts"] = self.config["mounts"], list(self.config["mounts"])
                self.add_mount("/m", "tmpfs", "tmpfs", [option])
                result = self.run_container("cat /proc/self/mountinfo", check=False)
                self.config["mounts"] = mounts
                self.assertNotIn("nvalid argument", result.stderr, result)  # the word went to the kernel's parser
                self.assertEqual(result.status, 0, result)
                options = self.mounts(result.stdout)["/m"][1]
                self.assertIn(shown or options[0], options)
                self.assertNotIn(hidden, options)

    def test_options_of_a_bind_mount(self):
        wanted = ["ro", "noexec", "nosuid", "nodev", "noatime", "nodiratime"]
        folder = self.dir / "a"
        folder.mkdir()
        self.add_mount("/m", folder, "none", ["bind", *wanted])
        found = self.mounts()["/m"][0]
        self.assertEqual([option for option in wanted if option not in found], [])

    def test_bind_takes_one_mount_and_rbind_all_below(self):
        if PLACE == "user":
            self.skipTest("an ordinary user cannot prepare mounts on the host")
        folder = self.dir / "a"
        (folder / "below").mkdir(parents=True)
        subprocess.run(["mount", "-t", "tmpfs", "below", folder / "below"], check=True)
        self.addCleanup(subprocess.run, ["umount", folder / "below"])
        self.add_mount("/one", folder, "none", ["bind"])
        self.add_mount("/all", folder, "none", ["rbind"])
        found = self.mounts()
        self.assertIn("/all/below", found)
        self.assertNotIn("/one/below", found)

    def test_propagation(self):
        folder = self.dir / "a"
        folder.mkdir()
        for option in ("private", "rprivate", "shared", "rshared", "slave", "rslave", "unbindable", "runbindable"):
            self.add_mount(f"/m/{option}", folder, "none", ["bind", option])
        found = self.mounts()
        for option in ("private", "rprivate"):
            self.assertEqual(found[f"/m/{option}"][2], [], option)
        for option in ("shared", "rshared"):
            self.assertTrue(any(field.startswith("shared:") for field in found[f"/m/{option}"][2]), found[f"/m/{option}"])
        for option in ("slave", "rslave"):
            self.assertFalse(any(field.startswith("shared:") for field in found[f"/m/{option}"][2]), found[f"/m/{option}"])
        for option in ("unbindable", "runbindable"):
            self.assertEqual(found[f"/m/{option}"][2], ["unbindable"], option)

    def test_remount_changes_what_is_mounted(self):
        self.add_mount("/m", "tmpfs", "tmpfs", ["rw", "mode=755"])
        self.add_mount("/m", "tmpfs", "tmpfs", ["remount", "ro"])
        self.assertEqual(self.says("touch /m/x 2>/dev/null || echo refused; grep -c ' /m ' /proc/self/mountinfo"),
                         "refused\n1")

    def test_recursive_options(self):
        folder = self.dir / "a"
        folder.mkdir()
        for option in RECURSIVE_OPTIONS:
            self.add_mount(f"/m/{option}", folder, "none", ["rbind", option])
        found = self.mounts()
        for option, shown in RECURSIVE_OPTIONS.items():
            self.assertIn(shown, found[f"/m/{option}"][0], option)

    def test_data_goes_to_the_file_system(self):
        self.add_mount("/m", "tmpfs", "tmpfs", ["size=64k", "mode=710"])
        self.assertEqual(self.says("stat -c %a /m"), "710")
        self.assertIn("size=64k", self.mounts()["/m"][1])

    def test_data_that_the_file_system_does_not_know_is_an_error(self):
        self.add_mount("/m", "tmpfs", "tmpfs", ["no-such-option=1"])
        self.assert_refused()


class MappedMountTest(MountTest):
    """Options idmap and ridmap, uidMappings and gidMappings of a mount."""
    MAPPING = [{"containerID": 0, "hostID": 5000, "size": 1000}]

    def folder(self, uid):
        folder = self.dir / "mapped"
        folder.mkdir()
        (folder / "file").write_text("")
        if PLACE != "user":
            os.chown(folder / "file", uid, uid)
        return folder

    def test_the_mapping_of_the_mount_is_applied(self):
        if PLACE == "user":
            self.skipTest("the kernel asks for privileges over the file system")
        for option, more in (("idmap", "bind"), ("ridmap", "rbind")):
            with self.subTest(option=option):
                folder = self.dir / option
                folder.mkdir()
                (folder / "file").write_text("")
                os.chown(folder / "file", 0, 0)
                self.config["mounts"] = [one for one in self.config["mounts"] if one["destination"] != "/m"]
                self.add_mount("/m", folder, "none", [more, option], uidMappings=self.MAPPING, gidMappings=self.MAPPING)
                self.assertEqual(self.says("stat -c '%u %g' /m/file"), "5000 5000")

    def test_without_a_mapping_that_of_the_container_is_taken_or_refused(self):
        if PLACE == "user":
            self.skipTest("the kernel asks for privileges over the file system")
        self.with_user_namespace()
        self.add_mount("/m", self.folder(7), "none", ["bind", "idmap"])
        result = self.run_container("stat -c %u /m/file", check=False)
        if result.status == 0:
            self.assertEqual(result.stdout.strip(), "7")
        else:
            self.assert_error(result)

    def test_without_any_mapping_it_is_an_error(self):
        if PLACE == "user":
            self.skipTest("the container has a user namespace")
        for option in ("idmap", "ridmap"):
            with self.subTest(option=option):
                self.config["mounts"] = [one for one in self.config["mounts"] if one["destination"] != "/m"]
                self.add_mount("/m", self.dir, "none", ["rbind", option])
                self.assert_refused()

    def test_an_ordinary_user_is_told_that_it_cannot_be(self):
        if PLACE != "user":
            self.skipTest("root may")
        folder = self.dir / "mapped"
        folder.mkdir()
        self.add_mount("/m", folder, "none", ["bind", "idmap"], uidMappings=id_map("/etc/subuid"),
                       gidMappings=id_map("/etc/subgid"))
        self.assert_refused()

    def test_uid_and_gid_mappings_come_together(self):
        for key in ("uidMappings", "gidMappings"):
            with self.subTest(key=key):
                self.config["mounts"] = [one for one in self.config["mounts"] if one["destination"] != "/m"]
                self.add_mount("/m", self.dir, "none", ["bind", "idmap"], **{key: self.MAPPING})
                self.assert_refused()


class PathsTest(MountTest):
    def test_masked_paths_cannot_be_read(self):
        (self.bundle / "rootfs/secret").write_text("secret")
        (self.bundle / "rootfs/secrets").mkdir()
        (self.bundle / "rootfs/secrets/file").write_text("secret")
        self.config["linux"]["maskedPaths"] = ["/secret", "/secrets", "/proc/kcore", "/proc/timer_list", "/absent"]
        self.assertEqual(self.says("cat /secret; ls /secrets; cat /proc/timer_list | wc -c"), "0")

    def test_read_only_paths_cannot_be_written(self):
        (self.bundle / "rootfs/fixed").mkdir()
        self.config["linux"]["readonlyPaths"] = ["/fixed", "/proc/sys", "/absent"]
        self.assertEqual(self.says("touch /fixed/x 2>/dev/null || echo refused; "
                                   "echo x > /proc/sys/kernel/hostname 2>/dev/null || echo refused"), "refused\nrefused")

    def test_both_must_be_absolute(self):
        for key in ("maskedPaths", "readonlyPaths"):
            with self.subTest(key=key):
                self.config["linux"][key] = ["etc"]
                self.assert_refused()
                del self.config["linux"][key]

    def test_propagation_of_the_root(self):
        for word, field in (("shared", "shared:"), ("private", ""), ("unbindable", "unbindable"), ("slave", "")):
            with self.subTest(word=word):
                self.config["linux"]["rootfsPropagation"] = word
                fields = " ".join(self.mounts()["/"][2])
                self.assertIn(field, fields)
                if not field:
                    self.assertNotIn("shared", fields)

    def test_a_propagation_that_is_none_is_an_error(self):
        self.config["linux"]["rootfsPropagation"] = "loud"
        self.assert_refused()


class LinksTest(MountTest):
    def test_links_in_dev(self):
        self.assertEqual(self.says("for x in fd stdin stdout stderr; do readlink /dev/$x; done").split(),
                         ["/proc/self/fd", "/proc/self/fd/0", "/proc/self/fd/1", "/proc/self/fd/2"])

    def test_the_copy_on_disk_is_not_needed(self):
        self.assertEqual(json.loads(self.run_container("/guest").stdout)["uid"], 0)
