"""Kernels and filters that lack newer system calls: the same containers, with the same protection, on every rung.

`deny` makes calls fail as a kernel without them does. It costs the user the set-id helpers, so that these containers have a
single id; the attributes of mounts, the masks and exec are what is looked at.
"""

import json
import os
import shutil
import unittest

from engine_test import BUSYBOX, ENGINE, GUEST, EngineTest

DENY = os.environ.get("DENY", "")
MOUNT_CALLS = "open_tree,move_mount,fsopen,fsmount,fsconfig,fspick,mount_setattr"
RUNGS = {
    "Linux 6.12: no descriptors for overlay": "overlay-fds",
    "Linux 6.1: one text for all layers": "overlay-append",
    "Linux 5.11: no mount_setattr": "mount_setattr,overlay-append",
    "no open_tree": "open_tree", "no move_mount": "move_mount", "no fsopen": "fsopen",
    "mount(2) only": MOUNT_CALLS,
    "no openat2": "openat2", "no close_range": "close_range", "no clone3": "clone3",
    "nothing newer than Linux 5.1": MOUNT_CALLS + ",openat2,close_range,clone3",
}
CHECKS = ("touch /ro/x; touch /ro/below/x; cat /proc/keys; ls /sys/firmware; echo x > /proc/sys/kernel/domainname; "
          "touch /scratch/x && cat /shared/file && stat -c '%t:%T' /proc/keys /dev/null && pwd; touch /dev/shm/x && echo end")


@unittest.skipUnless(os.path.exists(DENY), "DENY must name the program that takes system calls away")
class LadderTest(EngineTest):
    rung = ""

    def command(self, *words):
        return [DENY, self.rung, *super().command(*words)] if self.rung else super().command(*words)

    def setUp(self):
        super().setUp()
        self.shared = self.dir / "shared"
        self.shared.mkdir()
        (self.shared / "file").write_text("shared\n")
        (self.shared / "below").mkdir()
        self.addCleanup(setattr, self, "rung", "")

    def assert_protected(self, result):
        self.assertEqual(result.stdout, "shared\n1:3\n1:3\n/work\nend\n", result)
        for place in ("/ro/x", "/ro/below/x", "domainname"):
            self.assertRegex(result.stderr, f"{place}.*Read-only file system")

    def test_run_and_exec(self):
        archive = self.archive()
        for number, (name, self.rung) in enumerate(RUNGS.items()):
            with self.subTest(rung=name):
                self.root, self.runroot = self.dir / f"root{number}", self.dir / f"run{number}"
                self.engine("pull", "-q", archive)
                options = ["--network", "none", "-v", f"{self.shared}:/ro:ro", "-v", f"{self.shared}:/shared", "--tmpfs",
                           "/scratch", "-w", "/work"]
                self.assert_protected(self.engine("run", "--rm", *options, BUSYBOX, "sh", "-c", CHECKS))
                report = self.engine("run", "--rm", *options, BUSYBOX, "/guest").json()
                self.assertEqual(sorted(report["fds"]), ["0", "1", "2"])
                self.assertEqual(report["status"]["CapInh"], "0" * 16)
                self.in_the_background(options)
                self.engine("unshare", "rm", "-rf", self.root, self.runroot, check=False)

    def in_the_background(self, options):
        container = self.engine("run", "-d", *options, BUSYBOX, "/guest", "wait").stdout.strip()
        self.assert_protected(self.engine("exec", container, "sh", "-c", CHECKS))
        joined = self.engine("run", "--rm", "--network", "none", "--ipc", f"container:{container}", BUSYBOX, "ls", "/dev/shm")
        if "open_tree" in self.rung:
            self.assertIn("a /dev/shm of its own", joined.stderr)
        else:
            self.assertEqual(joined.stdout, "x\n", joined)
        self.engine("stop", "--time", "0", container)
        self.engine("rm", container)

    def test_our_own_children_need_no_pidfd_open(self):
        """Only processes that are not our children do: exec, stop and the like say so."""
        self.rung = "pidfd_open"
        self.engine("pull", "-q", self.archive())
        self.assertEqual(self.in_container(BUSYBOX, "echo", "x").stdout, "x\n")

    def test_runtime(self):
        bundle = self.dir / "bundle"
        for name in ("dev", "proc", "sys", "bin", "data", "work"):
            (bundle / "rootfs" / name).mkdir(parents=True)
        shutil.copy("/bin/busybox", bundle / "rootfs/bin")
        shutil.copy(GUEST, bundle / "rootfs/guest")
        for applet in ("sh", "cat", "ls", "touch", "stat", "grep"):
            (bundle / "rootfs/bin" / applet).symlink_to("busybox")
        (bundle / "rootfs/data/kept").write_text("kept\n")
        self.tool(ENGINE, "runtime", "spec", "--rootless", "--bundle", bundle)
        config = json.loads((bundle / "config.json").read_text())
        config["process"].update(terminal=False, cwd="/work", env=["PATH=/bin"])
        config["root"]["readonly"] = True
        config["mounts"] += [
            {"destination": "/ro", "type": "bind", "source": str(self.shared), "options": ["rbind", "rro", "nosuid"]},
            {"destination": "/shared", "type": "bind", "source": str(self.shared), "options": ["bind", "rslave"]},
            {"destination": "/scratch", "type": "tmpfs", "source": "tmpfs", "options": ["size=64k", "noexec", "rshared"]},
            {"destination": "/data", "type": "tmpfs", "source": "tmpfs", "options": ["tmpcopyup"]},
            {"destination": "/scratch", "type": "none", "source": "none", "options": ["remount", "bind", "nosuid"]}]
        for name, rung in RUNGS.items():
            with self.subTest(rung=name):
                for script, check in ((CHECKS, self.assert_protected), ("cat /data/kept; touch /x", self.assert_kept)):
                    config["process"]["args"] = ["/bin/sh", "-c", script]
                    (bundle / "config.json").write_text(json.dumps(config))
                    check(self.tool(DENY, rung, ENGINE, "runtime", "--root", self.dir / "states", "--cgroup-manager", "disabled",
                                    "run", "--bundle", bundle, "c", check=False))
                config["process"]["args"] = ["/guest"]
                (bundle / "config.json").write_text(json.dumps(config))
                report = self.tool(DENY, rung, ENGINE, "runtime", "--root", self.dir / "states", "--cgroup-manager", "disabled",
                                   "run", "--bundle", bundle, "c").json()
                options = {line.split()[4]: line.split()[5].split(",") for line in report["mounts"]}
                self.assertLessEqual({"ro", "nosuid"}, set(options["/ro"]))
                self.assertLessEqual({"nosuid", "noexec"}, set(options["/scratch"]))
                shared = next(line for line in report["mounts"] if line.split()[4] == "/scratch")
                self.assertIn(" shared:", shared)

    def assert_kept(self, result):
        self.assertEqual(result.stdout, "kept\n", result)
        self.assertIn("/x: Read-only file system", result.stderr)
