"""mount, unmount, container clone, container cleanup: a container's files in engine unshare; one more like it."""

import json
import os
import shutil
import subprocess
import unittest
from pathlib import Path

from engine_test import BUSYBOX, EngineTest, wait_until


class MountTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()

    def inside(self, script, check=True):
        """A script in engine unshare, in which $E is the engine."""
        engine = " ".join(self.command())
        return self.engine("unshare", "sh", "-ec", f"E='{engine}'; {script}", check=check)

    def needs_overlay(self):
        if self.engine("info", "--format", "{{.Store.GraphDriverName}}").stdout.strip() != "overlay":
            self.skipTest("there is no overlay of the kernel here")

    def test_what_is_written_there_is_in_the_container(self):
        id = self.engine("create", "--name", "web", BUSYBOX, "cat", "/etc/new").stdout.strip()
        seen = self.inside("m=$($E mount web); test -x $m/bin/busybox; echo written > $m/etc/new; $E mount; $E mount"
                           " --no-trunc; $E umount web; $E umount web; test ! -e $m/bin; echo; $E mount")
        path = f"{self.runroot}/container-mounts/{id}"
        self.assertEqual(seen.stdout, f"{id[:12]}  {path}\n{id}  {path}\nweb\nweb\n\n")
        self.assertEqual(self.engine("start", "-a", "web").stdout, "written\n")

    def test_all_and_json_as_podman_prints_them(self):
        ids = {self.engine("create", "--name", name, BUSYBOX).stdout.strip(): name for name in ("one", "two")}
        lines = self.inside("$E mount -a; $E container mount --format json; $E container unmount --all; $E mount").stdout
        paths, _, rest = lines.partition("[")
        self.assertEqual(sorted(paths.split()), sorted(f"{self.runroot}/container-mounts/{id}" for id in ids))
        text, _, unmounted = rest.rpartition("]")
        found = json.loads(f"[{text}]")
        self.assertEqual({one["id"]: one["Names"] for one in found}, {id: [name] for id, name in ids.items()})
        self.assertTrue(rest.startswith("\n {\n  \"id\": "), rest)
        self.assertEqual(sorted(unmounted.split()), sorted(ids))

    def test_a_container_that_runs_is_shown_for_reading(self):
        self.needs_overlay()
        self.engine("run", "-d", "--network", "none", "--name", "web", BUSYBOX, "sh", "-c",
                    "rm -r /etc; mkdir /etc; echo now > /etc/state; echo ready; sleep 1000")
        self.wait_for_log("web", "ready")
        seen = self.inside("m=$($E mount web); test ! -e $m/etc/passwd; cat $m/etc/state; ! touch $m/etc/x").stdout
        self.assertEqual(seen, "now\n")

    def test_the_mount_goes_with_the_container(self):
        self.engine("create", "--name", "web", BUSYBOX)
        self.inside("m=$($E mount web); test -d $m/bin; $E rm -f web; ! grep -q $m /proc/self/mountinfo; test ! -e $m")
        self.engine("create", "--name", "web", BUSYBOX)
        place = self.inside("$E mount web").stdout.strip()  # that mount namespace has ended
        self.engine("rm", "web")
        self.assertFalse(os.path.lexists(place))

    def test_refusals(self):
        result = self.engine("mount", "web", check=False)
        self.assert_fails(result, 125, "engine unshare")
        self.assertIn("engine unshare engine mount", result.stderr)
        for words in ("mount nothing", "umount nothing"):
            self.assert_fails(self.inside(f"$E {words}", check=False), 125, '"nothing"')
        self.assert_fails(self.inside("$E umount", check=False), 125, "CONTAINER")
        self.assert_fails(self.inside("$E umount --all web", check=False), 125, "--all")


class CopyDriverMountTest(MountTest):
    driver = "copy"


@unittest.skipUnless(shutil.which("fuse-overlayfs") and os.access("/dev/fuse", os.R_OK | os.W_OK), "no fuse-overlayfs")
class FuseMountTest(MountTest):
    driver = "fuse-overlayfs"

    def needs_overlay(self):
        pass

    def servers(self):
        """Processes of fuse-overlayfs of this user that work on this store."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if "fuse-overlayfs" in (folder / "comm").read_text() and folder.stat().st_uid == os.getuid() and any(
                        os.readlink(fd).startswith(str(self.root)) for fd in (folder / "fd").iterdir()):
                    found.append(int(folder.name))
            except OSError:
                continue
        return found

    def test_the_server_ends_with_the_mount(self):
        self.engine("create", "--name", "web", BUSYBOX)
        script = "m=$($E mount web); ls $m/bin > /dev/null; echo mounted; read word"
        for end in ("$E umount web; echo unmounted; read word", "true"):
            engine = " ".join(self.command())
            shell = self.start_engine("unshare", "sh", "-ec", f"E='{engine}'; {script}; {end}", stdin=subprocess.PIPE)
            self.assertEqual(shell.stdout.readline(), "mounted\n")
            self.assertEqual(len(self.servers()), 1)
            shell.stdin.write("go on\n")
            shell.stdin.flush()
            if end != "true":  # the namespace stays
                self.assertEqual(shell.stdout.readline(), "web\n")
                self.assertEqual(shell.stdout.readline(), "unmounted\n")
            wait_until(lambda: not self.servers(), f"no server is left: {end}")


class CloneTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()

    def test_a_clone_has_options_command_and_image_of_the_first(self):
        first = self.engine("run", "--name", "web", "--network", "none", "-e", "A=1", "--label", "l=2",
                            "-v", "data:/data", "--entrypoint", "sh", BUSYBOX, "-c", "echo $A; exit 3", check=False)
        self.assertEqual((first.status, first.stdout), (3, "1\n"))
        id = self.engine("container", "clone", "web").stdout.strip()
        again = self.engine("start", "-a", id, check=False)
        self.assertEqual((again.status, again.stdout), (3, "1\n"))
        clone, web = self.inspect("web-clone"), self.inspect("web")
        self.assertEqual(clone["Id"], id)
        self.assertEqual(clone["Config"]["Labels"], web["Config"]["Labels"])
        self.assertEqual([mount["Name"] for mount in clone["Mounts"]], ["data"])
        self.assertEqual(clone["Image"], web["Image"])
        self.engine("container", "clone", "web")
        self.assertEqual(self.inspect("web-clone1")["Path"], "sh")
        self.engine("container", "clone", "web-clone", "third")
        self.assertEqual(self.inspect("third")["Args"], ["-c", "echo $A; exit 3"])

    def test_the_first_can_go_and_the_clone_can_start(self):
        self.engine("run", "-d", "--network", "none", "--name", "web", BUSYBOX, "sleep", "1000")
        self.assert_fails(self.engine("container", "clone", "--force", "web", check=False), 125, "--destroy")
        id = self.engine("container", "clone", "--destroy", "--force", "--run", "--name", "shop", "web").stdout.strip()
        self.assertEqual(self.engine("ps", "-a", "--format", "{{.Names}}").stdout, "shop\n")
        self.assertEqual(self.status_of(id), "running")

    def test_another_image_and_what_cannot_be_cloned(self):
        self.engine("tag", BUSYBOX, "localhost/other:1")
        self.engine("create", "--network", "none", "--name", "web", BUSYBOX, "true")
        self.engine("container", "clone", "web", "shop", "localhost/other:1")
        self.assertEqual(self.inspect("shop")["ImageName"], "localhost/other:1")
        self.assert_fails(self.engine("container", "clone", "nothing", check=False), 125, '"nothing"')
        self.assert_fails(self.engine("container", "clone", "web", "shop", check=False), 125, "already in use")

    def test_cleanup_refuses_what_runs_and_removes_when_asked(self):
        self.engine("run", "-d", "--network", "none", "--name", "web", BUSYBOX, "sleep", "1000")
        self.assert_fails(self.engine("container", "cleanup", "web", check=False), 125, "running or paused")
        self.engine("kill", "web")
        self.engine("wait", "web")
        self.assertEqual(self.engine("container", "cleanup", "web").stdout, "web\n")
        self.engine("container", "exists", "web")
        self.engine("container", "cleanup", "--rm", "web")
        self.assertEqual(self.engine("container", "exists", "web", check=False).status, 1)
