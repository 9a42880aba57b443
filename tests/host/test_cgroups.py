"""What a container's folder in cgroup v2 does beside its limits: devices, places, owners, conversions, refusals."""

import os
import subprocess
import unittest
from pathlib import Path

from host_test import CGROUP_ROOT, ENGINE, IS_ROOT, MIB, HostTest, wait_until

IDLE = "sleep 1000"
AS_ROOT = unittest.skipUnless(IS_ROOT, "what only root may do")
AS_USER = unittest.skipIf(IS_ROOT, "what an ordinary user meets")


class CgroupTest(HostTest):
    manager = "cgroupfs"

    def read(self, name, file):
        return (self.cgroup_of(name) / file).read_text().strip()

    def refused(self, name="refused", **linux):
        """The message of a container that cannot be made; nothing of it is left."""
        self.config["process"]["args"] = ["/bin/sh", "-c", "exit 0"]
        self.config["linux"].update(linux)
        self.write_config()
        result = self.runtime("run", "--bundle", self.bundle, name, check=False)
        self.assertNotEqual(result.status, 0, result)
        self.assertFalse((CGROUP_ROOT / name).exists())
        return result.stderr


class Values(CgroupTest):
    def test_swap_counts_alone(self):
        self.need("memory")
        name = self.start(IDLE, resources={"memory": {"limit": 64 * MIB, "swap": 96 * MIB, "reservation": 16 * MIB}})
        self.assertEqual(self.read(name, "memory.max"), str(64 * MIB))
        self.assertEqual(self.read(name, "memory.swap.max"), str(32 * MIB))
        self.assertEqual(self.read(name, "memory.low"), str(16 * MIB))

    def test_shares_become_a_weight_and_a_period_keeps_its_quota(self):
        self.need("cpu")
        name = self.start(IDLE, resources={"cpu": {"shares": 512, "quota": 20000, "period": 50000}})
        self.assertEqual(self.read(name, "cpu.weight"), "20")
        self.runtime("update", "--cpu-period", "100000", name)
        self.assertEqual(self.read(name, "cpu.max"), "20000 100000")

    def test_unified_keys_come_last(self):
        self.need("memory", "pids")
        name = self.start(IDLE, resources={"pids": {"limit": 20}, "unified": {"pids.max": "30", "memory.high": "33554432"}})
        self.assertEqual(self.read(name, "pids.max"), "30")
        self.assertEqual(self.read(name, "memory.high"), "33554432")

    @AS_ROOT
    def test_a_disk_is_throttled(self):
        self.need("io")
        number = Path("/sys/block/ubda/dev").read_text().strip() if Path("/sys/block/ubda").exists() else None
        if not number:
            self.skipTest("this host has no disk of its own")
        major, minor = map(int, number.split(":"))
        throttle = {"throttleReadBpsDevice": [{"major": major, "minor": minor, "rate": MIB}]}
        name = self.start(IDLE, resources={"blockIO": throttle})
        self.assertIn(f"{number} rbps={MIB}", self.read(name, "io.max"))

    def test_a_limit_below_the_usage_is_refused_when_asked_for(self):
        self.need("memory")
        name = self.start(IDLE, resources={"memory": {"limit": 64 * MIB}})
        resources = self.dir / "resources.json"
        resources.write_text('{"memory": {"limit": 4096, "checkBeforeUpdate": true}}')
        result = self.runtime("update", "--resources", resources, name, check=False)
        self.assertNotEqual(result.status, 0, result)
        self.assertIn("checkBeforeUpdate", result.stderr)
        self.assertEqual(self.state(name)["status"], "running")
        self.assertEqual(self.read(name, "memory.max"), str(64 * MIB))

    @AS_ROOT
    def test_a_controller_that_is_not_there_is_named(self):
        message = self.refused(resources={"hugepageLimits": [{"pageSize": "2MB", "limit": 0}]})
        self.assertIn("linux.resources.hugepageLimits", message)
        self.assertIn("hugetlb controller", message)

    @AS_ROOT
    def test_what_version_2_cannot_do_is_an_error(self):
        self.assertIn("no equivalent", self.refused(resources={"memory": {"swappiness": 5}}))


class Places(CgroupTest):
    @AS_ROOT
    def test_two_containers_in_one_cgroup_are_refused(self):
        first = self.start(IDLE, cgroupsPath="/shared-place")
        result = self.runtime("run", "--bundle", self.bundle, "second", check=False)
        self.assertNotEqual(result.status, 0, result)
        self.assertIn("/sys/fs/cgroup/shared-place", result.stderr)
        self.assertIn("holds processes", result.stderr)
        self.assertEqual(self.state(first)["status"], "running")
        self.assertTrue(self.cgroup_of(first).is_dir())

    @AS_ROOT
    def test_a_parent_that_holds_processes_is_named(self):
        self.need("memory")
        parent = CGROUP_ROOT / "inhabited"
        parent.mkdir()
        self.addCleanup(parent.rmdir)
        inhabitant = subprocess.Popen(["sleep", "1000"])
        self.addCleanup(inhabitant.wait)
        self.addCleanup(inhabitant.kill)
        (parent / "cgroup.procs").write_text(str(inhabitant.pid))
        message = self.refused(cgroupsPath="/inhabited/below", resources={"memory": {"limit": 64 * MIB}})
        self.assertIn("holds processes itself", message)
        self.assertIn("/sys/fs/cgroup/inhabited", message)
        self.assertFalse((parent / "below").exists())

    @AS_ROOT
    def test_a_writable_cgroup_belongs_to_the_containers_user(self):
        mapping = [{"containerID": 0, "hostID": 100000, "size": 65536}]
        for mount in self.config["mounts"]:
            if mount["destination"] == "/sys/fs/cgroup":
                mount["options"] = ["nosuid", "noexec", "nodev", "rw"]
        self.config["linux"]["namespaces"] += [{"type": "user"}]
        if {"type": "cgroup"} not in self.config["linux"]["namespaces"]:
            self.config["linux"]["namespaces"] += [{"type": "cgroup"}]
        for folder in (self.dir, self.bundle, self.rootfs):
            os.chmod(folder, 0o755)
        name = self.start(IDLE, uidMappings=mapping, gidMappings=mapping)
        folder = self.cgroup_of(name)
        self.assertEqual(folder.stat().st_uid, 100000)
        self.assertEqual((folder / "cgroup.procs").stat().st_uid, 100000)
        self.assertEqual((folder / "cgroup.max.depth").stat().st_uid, 0)

    @AS_USER
    def test_in_a_cgroup_that_is_delegated_limits_hold_and_stay(self):
        self.need("cpu", "memory", "pids")
        name = self.start(IDLE, resources={"memory": {"limit": 64 * MIB}, "cpu": {"shares": 512}, "pids": {"limit": 9}})
        folder = self.cgroup_of(name)
        self.assertRegex(str(folder.parent.name), r"^run-.*\.scope$")
        # systemd looks after its own part of the tree each time that a unit starts, and must leave ours alone.
        subprocess.run(["systemd-run", "--user", "--scope", "--quiet", "true"], check=True)
        self.assertEqual(self.read(name, "memory.max"), str(64 * MIB))
        self.assertEqual(self.read(name, "cpu.weight"), "20")
        self.assertEqual(self.read(name, "pids.max"), "9")

    @AS_USER
    def test_without_a_cgroup_of_its_own_a_user_is_told_what_is_not_in_force(self):
        self.config["process"]["args"] = ["/bin/sh", "-c", "exit 7"]
        self.config["linux"]["resources"] = {"memory": {"limit": 64 * MIB}, "pids": {"limit": 9}}
        self.write_config()
        # Straight from the login session, whose cgroup is root's.
        command = [ENGINE, "runtime", "--root", str(self.dir / "states"), "run", "--bundle", str(self.bundle), "plain"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 7, done)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertIn("memory.limit, pids.limit", done.stderr)


class Processes(CgroupTest):
    @AS_ROOT
    def test_devices_that_are_not_listed_cannot_be_opened(self):
        for kind in self.config["process"]["capabilities"].values():
            kind.append("CAP_MKNOD")
        name = self.start("busybox mknod /tmp/kmsg c 1 11; busybox mknod /tmp/null c 1 3; exec 2>/error; "
                          f"(: >/tmp/null) && echo open >/null; (: </tmp/kmsg) || echo closed >/kmsg; {IDLE}",
                          resources={"devices": [{"allow": False, "access": "rwm"}]})
        wait_until((self.rootfs / "kmsg").exists, "the device was tried")
        self.assertIn("not permitted", (self.rootfs / "error").read_text())
        self.assertEqual((self.rootfs / "null").read_text(), "open\n")
        self.runtime("delete", "--force", name)

    def test_processes_without_a_namespace_end_with_their_container(self):
        spaces = self.config["linux"]["namespaces"]
        if not IS_ROOT:
            self.skipTest("a user's container cannot mount proc without a pid namespace")
        self.config["linux"]["namespaces"] = [space for space in spaces if space["type"] != "pid"]
        name = self.start("sleep 1001 & sleep 1002 & echo up >/up; wait")
        wait_until((self.rootfs / "up").exists, "its processes are there")
        folder = self.cgroup_of(name)
        pids = [int(pid) for pid in (folder / "cgroup.procs").read_text().split()]
        self.assertEqual(len(pids), 3)
        self.runtime("delete", "--force", name)
        self.assertFalse(folder.exists())
        for pid in pids:
            wait_until(lambda number=pid: not Path(f"/proc/{number}").exists(), f"process {pid} has ended")

    def test_a_paused_container_can_be_deleted(self):
        name = self.start(IDLE)
        folder = self.cgroup_of(name)
        self.runtime("pause", name)
        self.runtime("delete", "--force", name)
        self.assertFalse(folder.exists())

    @AS_ROOT
    def test_a_container_that_divides_its_cgroup_takes_processes_and_goes_whole(self):
        self.need("pids")
        for mount in self.config["mounts"]:
            if mount["destination"] == "/sys/fs/cgroup":
                mount["options"] = ["nosuid", "noexec", "nodev", "rw"]
        name = self.start("cd /sys/fs/cgroup; busybox mkdir -p a/b && echo $$ >a/b/cgroup.procs && "
                          f"echo +pids >cgroup.subtree_control; echo done >/divided; {IDLE}")
        wait_until((self.rootfs / "divided").exists, "it has divided its cgroup")
        folder = self.cgroup_of(name).parent.parent
        self.assertIn("pids", (folder / "cgroup.subtree_control").read_text())
        self.assertEqual(self.runtime("exec", name, "/bin/sh", "-c", "echo in").stdout, "in\n")
        self.runtime("delete", "--force", name)
        self.assertFalse(folder.exists())
