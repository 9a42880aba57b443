"""What a container has on its file system: volumes, bind mounts, tmpfs, a read-only root, a folder as root."""

import os
import shutil
import unittest
from pathlib import Path

from engine_test import BUSYBOX, GUEST, EngineTest
from make_image import file_entry, link_entry, tar_of


class MountsTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()
        self.shared = self.dir / "shared"
        self.shared.mkdir()
        (self.shared / "file").write_text("from the host\n")

    def mount_of(self, report, target):
        """(mount options, type, super options) of the mount on `target`."""
        for line in report["mounts"]:
            fields, _, rest = line.partition(" - ")
            if fields.split()[4] == target:
                return fields.split()[5].split(","), rest.split()[0], rest.split()[2].split(",")
        self.fail(f"nothing is mounted on {target}: {report['mounts']}")

    def test_a_bind_mount_shows_the_folder_of_the_host_and_writes_go_through(self):
        self.in_container("-v", f"{self.shared}:/there", BUSYBOX, "sh", "-c", "cat /there/file > /there/copy")
        self.assertEqual((self.shared / "copy").read_text(), "from the host\n")
        self.assertEqual((self.shared / "copy").stat().st_uid, os.getuid())

    def test_a_read_only_bind_mount_refuses_writes(self):
        for options in (["-v", f"{self.shared}:/there:ro"],
                        ["--mount", f"type=bind,source={self.shared},target=/there,readonly"],
                        ["--mount", f"type=bind,src={self.shared},dst=/there,ro=true"]):
            with self.subTest(options=options):
                done = self.in_container(*options, BUSYBOX, "sh", "-c", "cat /there/file; echo x > /there/file",
                                         check=False)
                self.assertEqual(done.stdout, "from the host\n")
                self.assertIn("Read-only file system", done.stderr)
        self.assertEqual((self.shared / "file").read_text(), "from the host\n")

    def test_words_of_docker_on_a_mac_mean_nothing(self):
        for words in (("-v", f"{self.shared}:/data:cached"), ("-v", f"{self.shared}:/data:ro,delegated"),
                      ("--mount", f"type=bind,source={self.shared},target=/data,consistency=cached")):
            self.assertEqual(self.in_container(*words, BUSYBOX, "ls", "/data").status, 0, words)

    def test_a_single_file_can_be_mounted(self):
        done = self.in_container("-v", f"{self.shared}/file:/etc/issue:ro", BUSYBOX, "cat", "/etc/issue")
        self.assertEqual(done.stdout, "from the host\n")

    def test_an_idmapped_bind_of_the_hosts_is_refused_by_the_kernel(self):
        for words in (("-v", f"{self.shared}:/there:idmap"), ("-v", "data:/there:idmap=uids=0-0-1;gids=0-0-1"),
                      ("--mount", f"type=bind,src={self.shared},dst=/there,idmap")):
            done = self.in_container(*words, BUSYBOX, "true", check=False)
            self.assert_fails(done, 125, 'for "/there"', "option U")
        for words in (("-v", f"{self.shared}:/there:O,idmap"), ("--tmpfs", "/there:idmap"),
                      ("-v", f"{self.shared}:/there:idmap=uids=1-2")):
            self.assert_fails(self.in_container(*words, BUSYBOX, "true", check=False), 125, "idmap")
        self.assert_no_containers()

    def test_a_folder_below_what_the_container_writes(self):
        root = self.dir / "tree"
        for name in ("bin", "etc", "proc", "sys", "dev", "tmp"):
            (root / name).mkdir(parents=True)
        busybox = "/bin/busybox" if Path("/bin/busybox").exists() else "/usr/bin/busybox"
        shutil.copy(busybox, root / "bin/busybox")
        (root / "etc/kept").write_text("kept\n")
        before = sorted(str(path.relative_to(root)) for path in root.rglob("*"))
        over = ("--rootfs", f"{root}:O", "/bin/busybox")
        self.assertEqual(self.in_container(*over, "sh", "-c", "echo more >> /etc/kept; cat /etc/kept; > /new").stdout,
                         "kept\nmore\n")
        self.engine("run", "--name", "box", "--network", "none", "-v", "data:/etc", *over, "sh", "-c", "rm /bin/busybox; > /x")
        self.assertEqual((root / "etc/kept").read_text(), "kept\n")
        self.assertEqual(sorted(str(path.relative_to(root)) for path in root.rglob("*")), before)
        self.assertEqual(self.in_container("-v", "data:/d", BUSYBOX, "cat", "/d/kept").stdout, "kept\n")
        changes = self.engine("diff", "box").stdout.split("\n")
        self.assertIn("A /x", changes)
        self.assertIn("D /bin/busybox", changes)
        done = self.engine("--storage-driver", "copy", "run", "--network", "none", *over, "true", check=False)
        self.assert_fails(done, 125, "neither overlay nor fuse-overlayfs works here")

    def test_mtab_is_a_link_unless_the_image_says_otherwise(self):
        show = ("stat", "-c", "%N %u:%g", "/etc/mtab")
        link = "'/etc/mtab' -> '/proc/mounts' 0:0\n"
        for options in ((), ("--read-only",), ("--user", "1000"), ("--userns", "keep-id"), ("--tmpfs", "/etc")):
            self.assertEqual(self.in_container(*options, BUSYBOX, *show).stdout, link, options)
        self.engine("run", "--name", "box", "--network", "none", BUSYBOX, "true")
        self.assertNotIn("mtab", self.engine("diff", "box").stdout)
        image = self.guest_image("localhost/with-mtab")
        image.add_layer(tar_of([(file_entry("etc/mtab"), b"own\n")]))
        self.engine("pull", "-q", self.archive(image, "with.tar"))
        self.assertEqual(self.in_container("localhost/with-mtab", "cat", "/etc/mtab").stdout, "own\n")

    def test_what_cannot_get_an_mtab_runs_without(self):
        image = self.guest_image("localhost/odd")
        image.add_layer(tar_of([(link_entry("etc", "/proc"), b"")]))
        self.engine("pull", "-q", self.archive(image, "odd.tar"))
        self.assertEqual(self.in_container("--no-hosts", "--no-hostname", "--dns", "none", "localhost/odd", "/guest",
                                           "exit", "7", check=False).status, 7)

    def test_tmpfs_with_options(self):
        report = self.report("--tmpfs", "/scratch:size=64k,mode=1770,noexec")
        options, kind, super_options = self.mount_of(report, "/scratch")
        self.assertEqual(kind, "tmpfs")
        self.assertIn("noexec", options)
        self.assertIn("size=64k", super_options)
        report = self.report("--mount", "type=tmpfs,target=/scratch,tmpfs-size=65536")
        self.assertIn("size=64k", self.mount_of(report, "/scratch")[2])

    def test_a_named_volume_outlives_its_container_and_starts_with_the_images_files(self):
        self.in_container("-v", "data:/etc", BUSYBOX, "sh", "-c", "echo kept > /etc/new")
        self.assertEqual(self.in_container("--mount", "type=volume,source=data,target=/d", BUSYBOX,
                                           "sh", "-c", "cat /d/new; head -n 1 /d/passwd").stdout,
                         "kept\nroot:x:0:0:root:/root:/bin/sh\n")

    def test_an_anonymous_volume_goes_with_rm(self):
        done = self.in_container("-v", "/data", BUSYBOX, "sh", "-c", "echo x > /data/x && cat /data/x")
        self.assertEqual(done.stdout, "x\n")
        volumes = self.root / "volumes"
        left = [path for path in volumes.glob("*") if path.is_dir() and any(path.iterdir())] if volumes.exists() else []
        self.assertEqual(left, [])

    def test_read_only_root(self):
        done = self.in_container("--read-only", BUSYBOX, "sh", "-c", "echo x > /etc/x; echo y > /tmp/y && cat /tmp/y",
                                 check=False)
        self.assertIn("Read-only file system", done.stderr)
        self.assertEqual(done.stdout, "y\n")
        done = self.in_container("--read-only", "--read-only-tmpfs=false", BUSYBOX, "touch", "/tmp/y", check=False)
        self.assertIn("Read-only file system", done.stderr)
        # Mounts of the user stay writable.
        self.in_container("--read-only", "-v", f"{self.shared}:/there", BUSYBOX, "touch", "/there/new")
        self.assertTrue((self.shared / "new").exists())

    def test_the_usual_mounts(self):
        report = self.report()
        self.assertEqual(self.mount_of(report, "/proc")[1], "proc")
        self.assertEqual(self.mount_of(report, "/dev")[1], "tmpfs")
        self.assertEqual(self.mount_of(report, "/dev/pts")[1], "devpts")
        self.assertEqual(self.mount_of(report, "/dev/shm")[1], "tmpfs")
        self.assertIn("ro", self.mount_of(report, "/sys")[0])
        devices = self.in_container(BUSYBOX, "sh", "-c",
                                    "ls /dev; echo x > /dev/null; head -c 4 /dev/zero | wc -c").stdout.split()
        for name in ("null", "zero", "full", "random", "urandom", "tty", "ptmx", "stdin", "stdout", "stderr", "fd"):
            self.assertIn(name, devices)

    def test_shm_size(self):
        self.assertIn("size=128k", self.mount_of(self.report("--shm-size", "128k"), "/dev/shm")[2])

    def test_a_link_in_the_image_cannot_move_a_mount_out(self):
        """A target that is a symbolic link to .. is followed inside the root, not on the host."""
        outside = self.dir / "outside"
        outside.mkdir()
        self.engine("run", "--name", "linker", "--network", "none", BUSYBOX, "ln", "-s",
                    f"/../../../../../../{outside}", "/way")
        self.engine("start", "linker")
        self.in_container("-v", f"{self.shared}:/way/in", BUSYBOX, "true")
        self.assertEqual(list(outside.iterdir()), [])


class RootfsTest(EngineTest):
    def test_a_folder_serves_as_root_file_system_and_keeps_what_is_written(self):
        folder = self.dir / "rootfs"
        (folder / "bin").mkdir(parents=True)
        shutil.copy("/bin/busybox", folder / "bin/busybox")
        shutil.copy(GUEST, folder / "guest")
        report = self.in_container("--rootfs", folder, "/guest").json()
        self.assertEqual(report["uid"], 0)
        self.in_container("--rootfs", folder, "/bin/busybox", "touch", "/made")
        self.assertEqual((folder / "made").stat().st_uid, os.getuid())

    @unittest.skipIf(os.getuid() == 0, "root may: test_rootfs_root")
    def test_ids_of_a_folder_are_mapped_where_the_file_system_is_ours_alone(self):
        folder = self.dir / "rootfs"
        (folder / "bin").mkdir(parents=True)
        shutil.copy("/bin/busybox", folder / "bin/busybox")
        result = self.engine("run", "--rm", "--network", "none", "--rootfs", f"{folder}:idmap", "busybox", "true", check=False)
        self.assert_fails(result, 125, str(folder), "engine unshare chown")
        self.assert_no_containers()
        script = "mkdir t && mount -t tmpfs t t && cp -r rootfs/. t && chown 5:6 t/bin/busybox && exec \"$@\""
        result = self.engine("unshare", "sh", "-c", script, "sh", *self.command(
            "run", "--rm", "--network", "none", "--uidmap", "0:100:50", "--rootfs", f"{self.dir}/t:idmap", "busybox", "stat", "-c",
            "%u:%g", "/bin/busybox"), check=False)
        if "cannot be idmapped" in result.stderr:
            self.skipTest("this kernel maps no ids of a tmpfs")
        self.assertEqual(result.stdout, "5:6\n", result)

    def test_image_sources_other_than_registries(self):
        image = self.guest_image("localhost/other:1")
        archive = self.archive(image)
        self.assertEqual(self.engine("run", "-q", "--rm", "--network", "none", archive, "/guest", "exit", "3",
                                     check=False).status, 3)
        image.write_layout(self.dir / "layout")
        self.assertEqual(self.engine("run", "-q", "--rm", "--network", "none", f"oci:{self.dir}/layout", "hostname",
                                     ).stdout.strip().isalnum(), True)
        image.write_docker_archive(self.dir / "docker.tar")
        self.assertEqual(self.engine("run", "-q", "--rm", "--network", "none", f"docker-archive:{self.dir}/docker.tar",
                                     "echo", "hi").stdout, "hi\n")
