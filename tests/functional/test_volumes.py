"""Volumes: the commands of `engine volume`, and what -v and --mount can ask of them."""

import os
import shutil

from engine_test import BUSYBOX, EngineTest
from make_image import tar_of


class VolumeCommandsTest(EngineTest):
    def names(self, *filters):
        words = [word for one in filters for word in ("--filter", one)]
        return self.engine("volume", "ls", "-q", *words).stdout.split()

    def test_a_volume_is_made_shown_and_removed(self):
        self.assertEqual(self.engine("volume", "create", "-l", "x=y", "-l", "z", "data").stdout, "data\n")
        self.assert_fails(self.engine("volume", "create", "data", check=False), 125,
                          "volume with name data already exists")
        self.assertEqual(self.engine("volume", "create", "--ignore", "data").stdout, "data\n")
        self.assertEqual(self.engine("volume", "ls").stdout, "DRIVER      VOLUME NAME\nlocal       data\n")
        self.assertEqual(self.engine("volume", "ls", "-n").stdout, "local       data\n")
        shown = self.engine("volume", "inspect", "data").json()
        self.assertEqual(len(shown), 1)
        self.assertEqual(shown[0]["Labels"], {"x": "y", "z": ""})
        self.assertEqual(shown[0]["Mountpoint"], str(self.root / "volumes/data/_data"))
        self.assertEqual((shown[0]["Driver"], shown[0]["Scope"], shown[0]["Options"]), ("local", "local", {}))
        self.assertEqual(self.engine("volume", "ls", "--format", "json").json(), shown)
        self.assertEqual(self.engine("volume", "exists", "data").status, 0)
        self.assertEqual(self.engine("volume", "rm", "da").stdout, "da\n")  # the unique beginning of a name
        self.assertEqual(self.engine("volume", "exists", "data", check=False).status, 1)
        self.assert_fails(self.engine("volume", "rm", "data", check=False), 1, "no such volume")
        self.assertEqual(self.engine("volume", "rm", "-f", "data").stdout, "")
        self.assertEqual(len(self.engine("volume", "create").stdout.strip()), 64)
        self.engine("volume", "rm", "-a")
        self.assertEqual(self.names(), [])

    def test_what_the_driver_cannot_do_is_refused_and_nothing_is_made(self):
        for words, part in ((("--opt", "type=nfs"), "an ordinary user cannot mount nfs"),
                            (("--opt", "foo=bar"), 'unknown option "foo"'),
                            (("--opt", "o=size=1g"), "quotas"),
                            (("--opt", "o=uid=x"), "is not an id"),
                            (("--opt", "o=bind"), "absolute path"),
                            (("--driver", "nfs"), 'driver "nfs"')):
            with self.subTest(words=words):
                self.assert_fails(self.engine("volume", "create", *words, "v", check=False), 125, part)
        self.assert_fails(self.engine("volume", "create", "../x", check=False), 125, "does not match")
        self.assertEqual(self.names(), [])

    def test_filters(self):
        self.engine("volume", "create", "-l", "kind=a", "alpha")
        self.engine("volume", "create", "-l", "kind=b", "--opt", "type=tmpfs", "beta")
        for filters, names in ((["label=kind"], ["alpha", "beta"]), (["label=kind=a"], ["alpha"]),
                               (["label!=kind=a"], ["beta"]), (["name=et"], ["beta"]), (["name=^a"], ["alpha"]),
                               (["name=alpha", "name=beta"], ["alpha", "beta"]), (["opt=type=tmpfs"], ["beta"]),
                               (["dangling=false"], []), (["driver=local"], ["alpha", "beta"]),
                               (["until=2001-01-01T00:00:00Z"], [])):
            with self.subTest(filters=filters):
                self.assertEqual(self.names(*filters), names)
        self.assert_fails(self.engine("volume", "ls", "--filter", "color=red", check=False), 125,
                          "is an invalid volume filter")
        self.engine("volume", "prune", "-f", "--filter", "label=kind=a")
        self.assertEqual(self.names(), ["beta"])

    def test_the_files_are_at_hand_inside_unshare(self):
        self.engine("volume", "create", "--opt", "o=uid=5,gid=6", "data")
        self.assert_fails(self.engine("volume", "mount", "data", check=False), 125, "engine unshare")
        again = " ".join(self.command("volume"))
        self.assertEqual(self.engine("unshare", "sh", "-c", f"stat -c %u:%g $({again} mount data)").stdout, "5:6\n")
        self.engine("volume", "create", "--opt", "type=tmpfs", "memory")
        self.assertEqual(self.engine("unshare", "sh", "-c",
                                     f"stat -f -c %T $({again} mount memory); {again} unmount memory").stdout,
                         "tmpfs\nmemory\n")


class VolumeMountsTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()

    def names(self):
        return self.engine("volume", "ls", "-q").stdout.split()

    def test_a_volume_in_use_stays(self):
        self.engine("create", "--name", "user", "-v", "data:/data", BUSYBOX)
        self.assert_fails(self.engine("volume", "rm", "data", check=False), 2, "is being used by")
        self.assertEqual(self.names(), ["data"])
        self.assertEqual(self.engine("volume", "ls", "-q", "--filter", "dangling=true").stdout, "")
        self.engine("volume", "rm", "-f", "data")
        self.assertEqual(self.names(), [])
        self.assert_no_containers()

    def test_u_gives_everything_to_the_containers_user_and_follows_no_link(self):
        outside = self.dir / "outside"
        outside.mkdir()
        shared = self.dir / "shared"
        (shared / "sub").mkdir(parents=True)
        (shared / "sub/file").write_text("x")
        (shared / "way").symlink_to(outside)
        done = self.in_container("--user", "1000:100", "-v", f"{shared}:/there:U", BUSYBOX, "sh", "-c",
                                 "stat -c %u:%g /there /there/sub/file /there/way; touch /there/new")
        self.assertEqual(done.stdout, "1000:100\n" * 3)
        self.assertEqual(outside.stat().st_uid, os.getuid())
        self.assertEqual(self.in_container("--user", "7", "-v", "data:/data:U", BUSYBOX, "stat", "-c", "%u",
                                           "/data").stdout, "7\n")
        self.assert_fails(self.in_container("-v", "/usr:/there:U", BUSYBOX, "true", check=False), 125, '"/usr"')
        self.engine("unshare", "rm", "-rf", shared)

    def test_a_subpath_is_all_that_is_seen(self):
        self.in_container("-v", "data:/data", BUSYBOX, "sh", "-c", "mkdir /data/sub; echo in > /data/sub/file")
        self.assertEqual(self.in_container("--mount", "type=volume,src=data,dst=/d,subpath=sub", BUSYBOX, "sh", "-c",
                                           "cat /d/file; ls /d").stdout, "in\nfile\n")
        self.engine("create", "--name", "shown", "--mount", "type=volume,src=data,dst=/d,subpath=sub", BUSYBOX)
        mount = self.inspect("shown")["Mounts"][0]
        self.assertEqual((mount["Name"], mount["SubPath"]), ("data", "sub"))
        self.assertNotIn("subpath", str(mount["Options"]))
        self.assert_fails(self.in_container("--mount", "type=volume,src=data,dst=/d,subpath=none", BUSYBOX, "true",
                                            check=False), 125, 'subpath "none" does not exist')

    def test_a_link_in_a_volume_cannot_lead_a_subpath_out(self):
        outside = self.dir / "outside"
        outside.mkdir()
        (outside / "secret").write_text("secret")
        self.in_container("-v", "data:/data", BUSYBOX, "mkdir", "/data/sub")
        self.engine("create", "--name", "victim", "--network", "none", "--mount",
                    "type=volume,src=data,dst=/d,subpath=sub", BUSYBOX, "cat", "/d/secret")
        for target in (str(outside), "../" * 20 + str(outside).lstrip("/")):
            with self.subTest(target=target):
                # After the check of `create`, and before the mount.
                self.in_container("-v", "data:/data", BUSYBOX, "sh", "-c", f"rm -rf /data/sub; ln -s {target} /data/sub")
                done = self.engine("start", "-a", "victim", check=False)
                self.assertNotEqual(done.status, 0)
                self.assertNotIn("secret\n", done.stdout)
                self.assertEqual(done.stdout, "")

    def test_volumes_from_another_container(self):
        self.in_container("-v", "data:/data", BUSYBOX, "sh", "-c", "echo kept > /data/file")
        self.engine("create", "--name", "first", "-v", "data:/data", "-v", "/own", BUSYBOX)
        done = self.in_container("--volumes-from", "first", BUSYBOX, "sh", "-c", "cat /data/file; echo x > /own/x")
        self.assertEqual(done.stdout, "kept\n")
        self.assertEqual(len(self.names()), 2)  # --rm leaves the volume that another container has
        done = self.in_container("--volumes-from", "first:ro", BUSYBOX, "sh", "-c", "cat /own/x; touch /data/y",
                                 check=False)
        self.assertEqual(done.stdout, "x\n")
        self.assertIn("Read-only file system", done.stderr)
        self.engine("create", "--name", "second", "--volumes-from", "first", BUSYBOX)
        self.engine("rm", "-v", "first")
        self.assertEqual(len(self.names()), 2)
        self.engine("rm", "-v", "second")
        self.assertEqual(self.names(), ["data"])

    def test_an_image_as_a_mount(self):
        self.pull_image("localhost/other:1")
        read = self.in_container("--mount", "type=image,src=localhost/other:1,dst=/image", BUSYBOX, "sh", "-c",
                                 "ls /image/guest; touch /image/new", check=False)
        self.assertEqual(read.stdout, "/image/guest\n")
        self.assertIn("Read-only file system", read.stderr)
        write = self.in_container("--mount", "type=image,src=localhost/other:1,dst=/image,rw=true", BUSYBOX, "sh", "-c",
                                  "echo changed > /image/guest && cat /image/guest")
        self.assertEqual(write.stdout, "changed\n")
        self.assertEqual(self.in_container("--mount", "type=image,src=localhost/other:1,dst=/i,subpath=etc", BUSYBOX,
                                           "head", "-n", "1", "/i/passwd").stdout, "root:x:0:0:root:/root:/bin/sh\n")
        self.in_container("localhost/other:1", "/guest")  # what was changed was a copy
        self.assert_fails(self.in_container("--mount", "type=image,src=nowhere,dst=/i", BUSYBOX, "true", check=False),
                          125, "no such image")

    def test_an_image_that_is_mounted_can_go_and_its_files_stay(self):
        other = self.guest_image("localhost/other:1").add_layer(tar_of([("only-here", b"kept\n")]))
        self.engine("pull", "-q", self.archive(other, "other.tar"))
        self.engine("create", "--name", "user", "--network", "none", "--mount",
                    "type=image,src=localhost/other:1,dst=/image", BUSYBOX, "cat", "/image/only-here")
        self.engine("rmi", "localhost/other:1")
        self.engine("image", "prune", "--all", "--force")
        self.assertEqual(self.engine("image", "exists", "localhost/other:1", check=False).status, 1)
        self.assertEqual(self.engine("start", "-a", "user").stdout, "kept\n")

    def test_volumes_with_a_type(self):
        folder = self.dir / "folder"
        folder.mkdir()
        (folder / "file").write_text("from the host\n")
        self.engine("volume", "create", "--opt", "type=none", "--opt", "o=bind,ro", "--opt", f"device={folder}", "bound")
        done = self.in_container("-v", "bound:/b", BUSYBOX, "sh", "-c", "cat /b/file; touch /b/x", check=False)
        self.assertEqual(done.stdout, "from the host\n")
        self.assertIn("Read-only file system", done.stderr)
        self.engine("volume", "create", "--opt", "type=tmpfs", "--opt", "o=size=64k", "memory")
        self.assertIn("size=64k", self.in_container("-v", "memory:/m", BUSYBOX, "grep", " /m ", "/proc/mounts").stdout)
        self.engine("volume", "create", "--opt", "o=uid=7,gid=8", "owned")
        self.assertEqual(self.in_container("-v", "owned:/etc", BUSYBOX, "stat", "-c", "%u:%g", "/etc").stdout, "7:8\n")

    def test_copy_up_with_the_copy_driver(self):
        self.driver = "copy"
        self.assertEqual(self.in_container("-v", "data:/etc", BUSYBOX, "head", "-n", "1", "/etc/passwd").stdout,
                         "root:x:0:0:root:/root:/bin/sh\n")
        self.assertEqual(self.in_container("-v", "bare:/etc:nocopy", BUSYBOX, "ls", "/etc/passwd", check=False).stdout, "")

    def test_copy_up_with_fuse_overlayfs(self):
        if not shutil.which("fuse-overlayfs") or not os.access("/dev/fuse", os.R_OK | os.W_OK):
            self.skipTest("no fuse-overlayfs, or no way to /dev/fuse")
        self.driver = "fuse-overlayfs"
        self.assertEqual(self.in_container("-v", "data:/etc", BUSYBOX, "sh", "-c", "head -n 1 /etc/passwd; touch /etc/x;"
                                           "stat -c %u /etc").stdout, "root:x:0:0:root:/root:/bin/sh\n0\n")
        self.assertIn("x", self.in_container("-v", "data:/d", BUSYBOX, "ls", "/d").stdout.split())
