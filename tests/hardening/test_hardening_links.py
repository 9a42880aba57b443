"""Links in a stranger's root file system, at every place where the engine makes, mounts, masks or reads something."""

import os
import shutil

import make_image
from hardening_test import BundleTest, HardeningTest, escapes_when_unsafe, row


class BundleLinkTest(BundleTest):
    def targets(self):
        """Ways out to the canary, absolute and relative."""
        up = "../" * 20
        return [str(self.canary), up + str(self.canary).lstrip("/"), "../../canary", "../canary"]

    @row("R1", "R2", "R3", "CVE-2019-19921")
    @escapes_when_unsafe
    def test_proc_or_sys_is_a_link(self):
        for name in ("proc", "sys"):
            for target in [*self.targets(), "tmp", "/tmp", "/"]:
                with self.subTest(name=name, target=target):
                    self.replace_by_link(name, target)
                    result = self.run_bundle("/bin/ls", "/", check=False)
                    self.assert_refused(result, f"/{name}")
                    os.unlink(self.rootfs / name)
                    (self.rootfs / name).mkdir()

    @row("R1", "R4", "CVE-2026-41579")
    @escapes_when_unsafe
    def test_dev_is_a_link(self):
        for target in self.targets():
            with self.subTest(target=target):
                self.replace_by_link("dev", target)
                # All links and nodes are in the fresh tmpfs, wherever inside it had to go.
                self.assertIn("ptmx -> pts/ptmx", self.run_bundle("/bin/ls", "-l", "/dev/").stdout)

    @row("R1", "R4", "CVE-2025-52565")
    def test_dev_console_is_a_link(self):
        for target in (self.canary / "file", "/proc/sys/kernel/core_pattern", "/proc/self/attr/exec"):
            with self.subTest(target=target):
                (self.rootfs / "dev/console").unlink(missing_ok=True)
                (self.rootfs / "dev/console").symlink_to(target)
                (self.rootfs / "dev/pts").mkdir(exist_ok=True)
                (self.rootfs / "dev/ptmx").unlink(missing_ok=True)
                (self.rootfs / "dev/ptmx").symlink_to(self.canary / "ptmx")
                found = self.run_bundle("/bin/ls", "-l", "/dev").stdout
                self.assertNotIn("canary", found)
                self.assertNotIn("core_pattern", found)

    @row("R1", "CVE-2019-18837", "CVE-2024-5154")
    @escapes_when_unsafe
    def test_mount_targets_behind_links(self):
        (self.dir / "source").write_text("source\n")
        for kind in ("tmpfs", "file", "folder"):
            for target in self.targets():
                with self.subTest(kind=kind, target=target):
                    saved = list(self.config["mounts"])
                    self.replace_by_link("tmp", target)
                    self.replace_by_link("etc", target)
                    if kind == "tmpfs":
                        self.config["mounts"].append({"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"})
                        self.config["mounts"].append({"destination": "/etc/deeper/still", "type": "tmpfs",
                                                      "source": "tmpfs"})
                    elif kind == "file":
                        self.bind("/etc/mtab", self.dir / "source")
                        self.bind("/etc/passwd", self.dir / "source")
                    else:
                        self.bind("/tmp/new/folder", self.bundle)
                    self.run_bundle("/bin/touch", "/tmp/inside", check=False)
                    self.config["mounts"] = saved

    @row("R1", "CVE-2019-18837")
    def test_the_root_itself_behind_a_link_of_a_mount(self):
        self.replace_by_link("tmp", "/")
        self.config["mounts"].append({"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"})
        self.run_bundle("/bin/true", check=False)

    @row("R1", "CVE-2025-24965")
    @escapes_when_unsafe
    def test_a_chain_of_links_across_mounts(self):
        """A link in a bind mount that leads out of it stays in the container."""
        shared = self.dir / "shared"
        shared.mkdir()
        (shared / "out").symlink_to(self.canary)
        (shared / "up").symlink_to("../../../../../..")
        (shared / "root").symlink_to("/")
        self.bind("/shared", shared)
        for place in ("/shared/out/new", f"/shared/up{self.canary}/new", "/shared/root/shared/out/folder"):
            with self.subTest(place=place):
                saved = list(self.config["mounts"])
                self.config["mounts"].append({"destination": place, "type": "tmpfs", "source": "tmpfs"})
                self.run_bundle("/bin/true", check=False)
                self.config["mounts"] = saved

    @row("R1", "CVE-2024-21626")
    @escapes_when_unsafe
    def test_the_working_directory_behind_a_link(self):
        for target in self.targets():
            with self.subTest(target=target):
                self.replace_by_link("work", target)
                self.config["process"]["cwd"] = "/work/made"
                result = self.run_bundle("/bin/touch", "here", check=False)
                if result.status == 0:
                    self.assertEqual(self.run_bundle("/bin/readlink", "/proc/self/cwd").stdout[0], "/")

    @row("R1", "R4", "CVE-2025-31133")
    @escapes_when_unsafe
    def test_masked_and_read_only_paths_behind_links(self):
        (self.rootfs / "real").mkdir()
        for target in self.targets():
            with self.subTest(target=target):
                self.replace_by_link("mask", target)
                self.config["linux"]["maskedPaths"] = ["/mask", "/mask/file", "/mask/folder"]
                self.config["linux"]["readonlyPaths"] = ["/mask", "/mask/folder"]
                self.run_bundle("/bin/true", check=False)
        # What a link means inside is what is masked.
        (self.rootfs / "real/secret").write_text("secret\n")
        (self.rootfs / "real/writable").write_text("")
        for name in ("secret", "writable"):
            self.replace_by_link(f"to-{name}", f"/real/{name}")
        self.config["linux"]["maskedPaths"], self.config["linux"]["readonlyPaths"] = ["/to-secret"], ["/to-writable"]
        result = self.run_bundle("/bin/sh", "-c", "cat /real/secret; echo x > /real/writable", check=False)
        self.assertEqual(result.stdout, "")
        self.assertIn("Read-only file system", result.stderr)

    @row("R1", "R4", "CVE-2025-31133", "CVE-2026-41579")
    @escapes_when_unsafe
    def test_devices_behind_links(self):
        self.config["linux"]["devices"] = [
            {"path": "/devices/fifo", "type": "p"},
            {"path": "/devices/nothing", "type": "c", "major": 1, "minor": 3, "fileMode": 0o666}]
        for target in self.targets():
            with self.subTest(target=target):
                self.replace_by_link("devices", target)
                self.run_bundle("/bin/true", check=False)
        # A node that is a link itself is not followed.
        os.unlink(self.rootfs / "devices")
        (self.rootfs / "devices").mkdir()
        (self.rootfs / "devices/nothing").symlink_to(self.canary / "null")
        result = self.run_bundle("/bin/stat", "-c", "%F", "/devices/nothing", check=False)
        self.assert_refused(result, "/devices/nothing")

    @row("R1")
    def test_copy_up_from_behind_links(self):
        for target in self.targets():
            with self.subTest(target=target):
                self.replace_by_link("data", target)
                saved = list(self.config["mounts"])
                self.config["mounts"].append({"destination": "/data", "type": "tmpfs", "source": "tmpfs",
                                              "options": ["tmpcopyup"]})
                found = self.run_bundle("/bin/ls", "/data/", check=False)
                self.assertNotIn("passwd", found.stdout)
                self.config["mounts"] = saved

    @row("R1", "R13")
    def test_copy_up_of_what_is_no_file(self):
        data = self.rootfs / "data"
        data.mkdir()
        os.mkfifo(data / "fifo")
        (data / "link").symlink_to(self.canary / "file")
        (data / "plain").write_text("x")
        self.config["mounts"].append({"destination": "/data", "type": "tmpfs", "source": "tmpfs",
                                      "options": ["tmpcopyup"]})
        found = self.run_bundle("/bin/ls", "-l", "/data/").stdout
        self.assertIn("plain", found)
        self.assertIn("link -> ", found)
        self.assertNotIn("fifo", found)

    @row("R1", "R13", "passwd")
    @escapes_when_unsafe
    def test_the_passwd_file_is_a_link(self):
        for target in (self.canary / "passwd", "/proc/self/environ", "/dev/zero"):
            with self.subTest(target=target):
                self.replace_by_link("etc/passwd", target)
                self.config["process"]["env"] = ["PATH=/bin"]
                self.assertEqual(self.run_bundle("/bin/sh", "-c", "echo HOME=$HOME").stdout, "HOME=/\n")


class ImageLinkTest(HardeningTest):
    """What `engine run` writes or mounts into an image's tree: hosts, resolv.conf, hostname, .containerenv, volumes."""

    def entries(self, *pairs):
        return [(make_image.link_entry(name, str(target)), b"") for name, target in pairs]

    @row("R1", "R13", "CVE-2025-24965")
    @escapes_when_unsafe
    def test_files_of_ours_behind_links(self):
        """hosts and resolv.conf are bound, so a link in their place must stay inside."""
        up = "../" * 20 + str(self.canary).lstrip("/")
        for target in (self.canary, up):
            with self.subTest(target=target):
                image = self.hostile_image(self.entries(
                    ("etc/hosts", f"{target}/file"), ("etc/hostname", f"{target}/new"), ("etc/resolv.conf", f"{target}/file"),
                    ("run/.containerenv", f"{target}/file"), ("etc/mtab", f"{target}/file")))
                result = self.in_container(image, "cat", "/etc/hosts", check=False)
                self.assert_refused_or_harmless(result)
                self.engine("rmi", "--force", image, check=False)

    @row("R1", "R13", "CVE-2024-5154", "CVE-2026-41579")
    @escapes_when_unsafe
    def test_whole_folders_behind_links(self):
        up = "../" * 20 + str(self.canary).lstrip("/")
        image = self.hostile_image(self.entries(("run", self.canary), ("var", up)))
        self.assert_refused_or_harmless(self.in_container(image, "true", check=False))
        other = self.hostile_image(self.entries(("etc", self.canary)), name="localhost/hostile:etc")
        self.assert_refused_or_harmless(self.in_container(other, "true", check=False))
        third = self.hostile_image(self.entries(("dev", self.canary)), name="localhost/hostile:dev")
        self.assert_refused_or_harmless(self.in_container(third, "ls", "/dev/null", check=False))

    @row("R1", "CVE-2024-21626")
    @escapes_when_unsafe
    def test_volumes_and_working_directory_of_an_image_behind_links(self):
        up = "../" * 20 + str(self.canary).lstrip("/")
        links = self.entries(("data", self.canary), ("work", self.canary), ("up", up))
        for number, config in enumerate((
                {"WorkingDir": "/work/made"}, {"WorkingDir": "/up/made"}, {"Volumes": {"/data": {}, "/data/folder": {}}},
                {"Volumes": {"/data/made": {}}}, {"Volumes": {"/up/made": {}}}, {"Volumes": {"/../../canary": {}}})):
            with self.subTest(config=config):
                image = self.hostile_image(links, name=f"localhost/hostile:{number}", **config)
                self.assert_refused_or_harmless(self.in_container(image, "touch", "x", check=False))

    @row("R1", "R13", "passwd")
    def test_the_user_of_an_image_with_linked_passwd(self):
        image = self.hostile_image(self.entries(("etc/passwd", self.canary / "passwd"),
                                                ("etc/group", self.canary / "passwd")), User="alive")
        self.assert_refused_or_harmless(self.in_container(image, "id", check=False))

    @row("R1", "CVE-2021-43816")
    def test_relabelling_does_not_follow_links(self):
        """:z and :Z change no file behind a link of the shared folder."""
        shared = self.dir / "shared"
        shared.mkdir()
        (shared / "link").symlink_to(self.canary)
        image = self.hostile_image([])
        for option in ("z", "Z", "U"):
            with self.subTest(option=option):
                self.assert_refused_or_harmless(
                    self.in_container("-v", f"{shared}:/x:{option}", image, "true", check=False))
                (self.dir / "to-canary").unlink(missing_ok=True)

    @row("R1", "R14")
    def test_a_volume_is_not_filled_through_links(self):
        """What an image has at a volume's place is copied into it; links in there stay links."""
        image = self.hostile_image([
            (make_image.directory_entry("data"), b""), (make_image.link_entry("data/out", str(self.canary)), b""),
            (make_image.file_entry("data/plain"), b"x")], Volumes={"/data": {}})
        self.assertIn("out -> ", self.in_container(image, "ls", "-l", "/data").stdout)
        again = self.in_container("-v", "kept:/data", image, "sh", "-c", "ls -l /data; rm -r /data/*").stdout
        self.assertIn("out -> ", again)


    @row("R1", "CVE-2017-1002101")
    @escapes_when_unsafe
    def test_a_link_in_a_volume_leads_no_subpath_out(self):
        """The folder is exchanged for a link after `create` has looked at it, and before `start` mounts it."""
        image = self.hostile_image([])
        self.in_container("-v", "data:/data", image, "mkdir", "/data/sub")
        self.engine("create", "--name", "victim", "--network", "none", "--mount",
                    "type=volume,src=data,dst=/d,subpath=sub", image, "sh", "-c", "cat /d/file; echo dead > /d/file")
        for target in (str(self.canary), "../" * 20 + str(self.canary).lstrip("/")):
            with self.subTest(target=target):
                self.in_container("-v", "data:/data", image, "sh", "-c",
                                  f"rm -rf /data/sub; ln -s {target} /data/sub")
                self.assertNotIn("alive", self.engine("start", "-a", "victim", check=False).stdout)
                self.assert_canary_alive(target)


class StaleTreeTest(BundleTest):
    @row("R1")
    @escapes_when_unsafe
    def test_what_an_earlier_run_left_is_no_way_out(self):
        """The second run meets mount points that the first container replaced by links."""
        self.bind("/etc/file", self.bundle / "config.json")
        self.config["mounts"].append({"destination": "/tmp/a/b", "type": "tmpfs", "source": "tmpfs"})
        self.run_bundle("/bin/true")
        shutil.rmtree(self.rootfs / "tmp/a")
        (self.rootfs / "tmp/a").symlink_to(self.canary)
        (self.rootfs / "etc/file").unlink()
        (self.rootfs / "etc/file").symlink_to(self.canary / "file")
        self.run_bundle("/bin/touch", "/tmp/a/b/x", "/etc/file", check=False)
