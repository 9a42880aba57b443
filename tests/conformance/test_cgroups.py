"""config-linux.md "Control groups": path, ownership, devices, limits, unified; pause, resume and update."""

import os
import signal
import time
from pathlib import Path

from runtime_test import PLACE, RUNTIME_NAME, RuntimeTest, only_in, wait_until

ROOT = Path("/sys/fs/cgroup")
OWN = next((line.split("::", 1)[1].strip() for line in open("/proc/self/cgroup") if line.startswith("0::")), "/")
DELEGATED = os.path.dirname(OWN)  # run.py put us into GROUP/main; the containers go beside
VERSION = 1 if PLACE == "v1" else 2


def controllers():
    """The controllers that containers of this place can have."""
    if VERSION == 1:
        return {word for line in open("/proc/self/mountinfo") if " - cgroup " in line
                for word in line.split(" - ")[1].split()[2].split(",")}
    folder = ROOT / (DELEGATED.lstrip("/") if PLACE == "user" else "")
    return set((folder / "cgroup.controllers").read_text().split())


CONTROLLERS = controllers()


def needs(controller):
    import unittest
    return unittest.skipUnless(controller in CONTROLLERS, f"{controller} is not available to {PLACE}")


class CgroupTest(RuntimeTest):
    def setUp(self):
        super().setUp()
        self.path = f"{DELEGATED.rstrip('/')}/{self.name}" if VERSION == 2 else f"/{self.name}"
        self.config["linux"]["cgroupsPath"] = self.path

    def folder(self, controller=""):
        """The container's group, of one controller with v1."""
        if VERSION == 2:
            return ROOT / self.path.lstrip("/")
        for line in open("/proc/self/mountinfo"):
            before, after = line.split(" - ")
            if after.startswith("cgroup ") and controller in after.split()[2].split(","):
                return Path(before.split()[4]) / self.path.lstrip("/")
        raise AssertionError(f"no {controller}")

    def read(self, v2, v1, controller):
        return (self.folder(controller) / (v2 if VERSION == 2 else v1)).read_text().strip()

    def resources(self, **resources):
        self.config["linux"]["resources"] = resources

    def group_of(self, pid):
        """Controllers -> path of the group, of a process; "" is v2."""
        return dict(line.strip().split(":", 2)[1:] for line in open(f"/proc/{pid}/cgroup"))


class PathTest(CgroupTest):
    def test_an_absolute_path_is_below_the_mount_point(self):
        pid = self.running()
        if VERSION == 2:
            self.assertEqual(self.group_of(pid)[""], self.path)
        else:
            for names, path in self.group_of(pid).items():
                if names and not names.startswith("name="):
                    self.assertEqual(path, self.path, names)

    def test_the_same_path_is_the_same_place(self):
        places = set()
        for _ in range(2):
            places.add(str(self.group_of(self.running())))
            self.runtime_apart("delete", "--force", self.name)
        self.assertEqual(len(places), 1)

    def test_a_relative_path_leads_to_one_place_too(self):
        self.config["linux"]["cgroupsPath"] = self.name
        places = set()
        for _ in range(2):
            places.add(str(self.group_of(self.running())))
            self.runtime_apart("delete", "--force", self.name)
        self.assertEqual(len(places), 1)
        self.assertIn(self.name, places.pop())

    def test_without_a_path_it_works_too(self):
        del self.config["linux"]["cgroupsPath"]
        os.kill(self.running(), 0)

    def test_a_path_that_leads_out_is_refused(self):
        paths = [f"{self.path}/../{self.name}-beside"]
        if RUNTIME_NAME == "engine":
            paths += ["../x", f"{self.path}/../../../x", "/.."]
        # Peers try the harmless one only: runc 1.1 takes "/.." and puts its device filter on the whole machine.
        for path in paths:
            with self.subTest(path=path):
                self.config["linux"]["cgroupsPath"] = path
                self.write()
                result = self.runtime("create", "--bundle", self.bundle, self.name, check=False)
                if result.status == 0:  # or taken as if the mount point had no parent
                    self.assertNotIn("..", str(self.group_of(self.pid())))
                    self.runtime_apart("delete", "--force", self.name)
                else:
                    self.assert_error(result)

    def test_the_group_is_gone_after_delete(self):
        self.running("sleep 1000 & sleep 1000")
        self.assertNotEqual(self.cgroups_of(self.name), [])
        self.runtime_apart("delete", "--force", self.name)
        self.assert_nothing_left()

    def test_every_process_of_exec_is_in_the_group(self):
        pid = self.running()
        self.runtime("exec", "--detach", "--pid-file", self.dir / "second", self.name, "sleep", "1000")
        second = int((self.dir / "second").read_text())
        found = self.processes()
        os.kill(second, signal.SIGKILL)
        self.wait_exit(second)  # it is our child: the container cannot end before we have seen its end
        self.assertEqual({pid, second} - set(found), set())

    def processes(self):
        folder = self.folder("pids" if VERSION == 1 else "")
        return [int(pid) for path, _, _ in os.walk(folder) for pid in (Path(path) / "cgroup.procs").read_text().split()]

    def test_a_frozen_group_does_not_swallow_a_new_container(self):
        if VERSION == 1:
            self.skipTest("v1 has a freezer of its own")
        folder = self.folder()
        folder.mkdir()
        self.addCleanup(lambda: folder.exists() and folder.rmdir())
        self.addCleanup(lambda: folder.exists() and (folder / "cgroup.freeze").write_text("0"))
        (folder / "cgroup.freeze").write_text("1")
        self.write()
        result = self.runtime("create", "--bundle", self.bundle, self.name, check=False)
        self.assertNotEqual(result.status, "no end")
        if result.status != 0:
            self.assert_error(result)


class OwnershipTest(CgroupTest):
    @only_in("root")
    def test_a_writable_group_belongs_to_the_user_inside(self):
        self.with_user_namespace()
        self.add_mount("/sys/fs/cgroup", "cgroup", "cgroup", ["rw"])
        self.running()
        folder = self.folder()
        listed = Path("/sys/kernel/cgroup/delegate")
        usual = ["cgroup.procs", "cgroup.subtree_control", "cgroup.threads"]
        names = listed.read_text().split() if listed.exists() else usual
        owners = {name: os.stat(folder / name).st_uid for name in names if (folder / name).exists()}
        self.assertEqual(set(owners.values()), {100000}, owners)
        self.assertEqual(os.stat(folder).st_uid, 100000)
        self.assertEqual(os.stat(folder / "cgroup.freeze").st_uid, 0)

    @only_in("root")
    def test_otherwise_nobody_gets_it(self):
        self.with_user_namespace()
        self.running()
        self.assertEqual(os.stat(self.folder() / "cgroup.procs").st_uid, 0)


class DeviceRulesTest(CgroupTest):
    @only_in("root", "v1")
    def test_entries_are_applied_in_order(self):
        # Not one of the default devices, which runtimes allow whatever the list says.
        self.config["linux"]["devices"] = [{"path": "/dev/fuse2", "type": "c", "major": 10, "minor": 229, "fileMode": 0o666}]
        rules = {allow: {"allow": allow, "type": "c", "major": 10, "minor": 229, "access": "rw"} for allow in (True, False)}
        for order, refused in (((True, False), True), ((False, True), False)):
            with self.subTest(order=order):
                self.resources(devices=[{"allow": False, "access": "rwm"}, *(rules[allow] for allow in order)])
                said = self.says("(: < /dev/fuse2) 2>&1; echo; echo x > /dev/null && echo null")
                self.assertEqual("not permitted" in said, refused, said)
                self.assertTrue(said.endswith("null"), "the default devices stay allowed")

    def test_allow_is_needed(self):
        self.resources(devices=[{"type": "c", "access": "rwm"}])
        self.assert_refused()

    def test_what_is_no_device_rule_is_an_error(self):
        for rule in ({"allow": True, "type": "x"}, {"allow": True, "access": "rwz"}, {"allow": "yes"}, {"allow": True, "major": "1"}):
            with self.subTest(rule=rule):
                self.resources(devices=[rule])
                self.assert_refused()


class LimitTest(CgroupTest):
    @needs("memory")
    def test_memory(self):
        self.resources(memory={"limit": 64 << 20, "reservation": 32 << 20})
        self.running()
        self.assertEqual(self.read("memory.max", "memory.limit_in_bytes", "memory"), str(64 << 20))
        self.assertEqual(self.read("memory.low", "memory.soft_limit_in_bytes", "memory"), str(32 << 20))

    @needs("pids")
    def test_pids_are_limited_and_minus_one_is_none(self):
        self.resources(pids={"limit": 20})
        self.running()
        self.assertEqual(self.read("pids.max", "pids.max", "pids"), "20")
        self.runtime_apart("delete", "--force", self.name)
        self.resources(pids={"limit": -1})
        self.running()
        self.assertEqual(self.read("pids.max", "pids.max", "pids"), "max")

    @needs("cpu")
    def test_cpu_quota_and_shares(self):
        self.resources(cpu={"quota": 50000, "period": 100000, "shares": 512})
        self.running()
        if VERSION == 2:
            self.assertEqual(self.read("cpu.max", "", "cpu"), "50000 100000")
        else:
            self.assertEqual(self.read("", "cpu.cfs_quota_us", "cpu"), "50000")
            self.assertEqual(self.read("", "cpu.shares", "cpu"), "512")

    @needs("cpuset")
    def test_processors(self):
        self.resources(cpu={"cpus": "0", "mems": "0"})
        self.assertEqual(self.says("grep Cpus_allowed_list /proc/self/status").split()[1], "0")

    @needs("hugetlb")
    def test_huge_pages(self):
        self.resources(hugepageLimits=[{"pageSize": "2MB", "limit": 4 << 20}])
        self.running()
        self.assertEqual(self.read("hugetlb.2MB.max", "hugetlb.2MB.limit_in_bytes", "hugetlb"), str(4 << 20))

    @needs("hugetlb")
    def test_unified_keys_are_written_with_their_controller_enabled(self):
        if VERSION == 1:
            self.skipTest("keys of cgroup v2")
        self.resources(unified={"hugetlb.2MB.max": "2097152", "cgroup.max.depth": "5"})
        self.running()
        self.assertEqual((self.folder() / "hugetlb.2MB.max").read_text().strip(), "2097152")
        self.assertEqual((self.folder() / "cgroup.max.depth").read_text().strip(), "5")

    @only_in("root")
    def test_unified_keys_of_no_controller_are_an_error(self):
        for key in ("nosuch.max", "../cgroup.procs", "a/b", "rdma.max"):
            with self.subTest(key=key):
                if key.split(".")[0] in CONTROLLERS:
                    continue
                self.resources(unified={key: "1"})
                self.assert_refused()

    @only_in("v1")
    def test_unified_keys_without_a_conversion_are_an_error(self):
        self.resources(unified={"memory.high": "1000000"})
        self.assert_refused()

    def test_what_is_needed(self):
        for resources in ({"blockIO": {"weightDevice": [{"minor": 0, "weight": 100}]}},
                          {"blockIO": {"weightDevice": [{"major": 8, "minor": 0}]}},
                          {"blockIO": {"throttleReadBpsDevice": [{"major": 8, "rate": 1}]}},
                          {"blockIO": {"throttleReadBpsDevice": [{"major": 8, "minor": 0}]}},
                          {"blockIO": {"throttleWriteIOPSDevice": [{"minor": 0, "rate": 5}]}},
                          {"blockIO": {"throttleWriteIOPSDevice": [{"major": 8, "minor": 0}]}},
                          {"hugepageLimits": [{"limit": 1}]}, {"hugepageLimits": [{"pageSize": "2MB"}]},
                          {"network": {"priorities": [{"priority": 1}]}}, {"network": {"priorities": [{"name": "lo"}]}},
                          {"rdma": {"mlx5_1": {}}}):
            with self.subTest(resources=resources):
                self.resources(**resources)
                self.assert_refused()

    def test_a_burst_above_the_quota_is_an_error(self):
        self.resources(cpu={"quota": 10000, "period": 100000, "burst": 20000})
        if "cpu" in CONTROLLERS or PLACE != "user":
            self.assert_refused()

    @only_in("root", "v1")
    def test_a_limit_without_its_controller_is_an_error(self):
        missing = {"memory": {"limit": 64 << 20}, "pids": {"limit": 5}, "cpu": {"quota": 10000}}
        for controller, value in missing.items():
            if controller in CONTROLLERS:
                continue
            with self.subTest(controller=controller):
                self.resources(**{controller: value})
                self.assert_refused()

    @needs("pids")
    def test_update(self):
        self.resources(pids={"limit": 20})
        self.running()
        self.runtime_apart("update", "--pids-limit", "30", self.name)
        self.assertEqual(self.read("pids.max", "pids.max", "pids"), "30")

    @needs("memory")
    def test_a_limit_below_the_usage_is_rejected_when_that_is_asked_for(self):
        self.resources(memory={"limit": 64 << 20})
        self.running("head -c 30000000 /dev/zero | tail -n 1 > /dev/null & dd if=/dev/zero of=/dev/shm/x bs=1M count=20;"
                     " echo > /dev/shm/done; sleep 1000")
        wait_until(lambda: self.exec("test -e /dev/shm/done", check=False).status == 0, "memory is used")
        request = self.dir / "resources.json"
        request.write_text('{"memory": {"limit": 4194304, "checkBeforeUpdate": true}}')
        self.assert_error(self.runtime_apart("update", "--resources", request, self.name, check=False))
        self.assertEqual(self.state()["status"], "running")


class FreezerTest(CgroupTest):
    def setUp(self):
        super().setUp()
        if VERSION == 1 and "freezer" not in CONTROLLERS:
            self.skipTest("no freezer")

    def test_a_paused_container_does_nothing_until_it_is_resumed(self):
        shared = self.shared_folder()
        pid = self.running("while :; do echo >> /shared/count; sleep 0.005; done")
        count = shared / "count"
        wait_until(count.exists, "it counts")
        self.runtime_apart("pause", self.name)
        self.assertEqual(self.state()["status"], "paused")
        before = count.stat().st_size
        time.sleep(0.1)  # not for synchronisation: nothing may happen in this time
        self.assertEqual(count.stat().st_size, before)
        os.kill(pid, 0)
        self.runtime_apart("resume", self.name)
        self.assertEqual(self.state()["status"], "running")
        wait_until(lambda: count.stat().st_size > before, "it goes on counting")

    def test_a_paused_container_can_be_deleted_by_force(self):
        pid = self.running()
        self.runtime_apart("pause", self.name)
        self.runtime_apart("delete", "--force", self.name)
        self.assertEqual(self.wait_exit(pid), 128 + signal.SIGKILL)
        self.assert_nothing_left()

    def test_exec_into_a_paused_container_is_an_error(self):
        self.running()
        self.runtime_apart("pause", self.name)
        self.assert_error(self.exec("true", check=False))
        self.runtime_apart("resume", self.name)

    def test_only_what_runs_can_be_paused(self):
        self.assert_error(self.runtime("pause", self.name, check=False))
        self.create("true")
        pid = self.pid()
        self.start()
        self.wait_exit(pid)
        self.assert_error(self.runtime_apart("pause", self.name, check=False))
