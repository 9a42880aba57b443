"""Scopes of systemd: what they are called, what systemd knows of them, who makes them, and that none is left over."""

import os
import unittest
from pathlib import Path

from host_test import IS_ROOT, MIB, HostTest, controllers, wait_until

IDLE = "sleep 1000"
DEFAULT_SLICE = "system.slice" if IS_ROOT else "user.slice"


class ScopesTest(HostTest):
    def test_systemd_knows_the_limits(self):
        has_all = {"memory", "cpu", "pids"} <= set(controllers())
        name = self.start(IDLE, cgroupsPath="engine-some.slice:box:known", resources={
            "memory": {"limit": 64 * MIB, "reservation": 16 * MIB, "swap": 128 * MIB},
            "cpu": {"shares": 512, "quota": 50000, "period": 100000},
            "pids": {"limit": 30}} if has_all else None)
        found = self.properties("box-known.scope", "Slice", "Delegate", "ActiveState", "Description", "ControlGroup",
                                "MemoryMax", "MemoryLow", "MemorySwapMax", "CPUWeight", "CPUQuotaPerSecUSec", "TasksMax")
        expected = {"Slice": "engine-some.slice", "Delegate": "yes", "ActiveState": "active",
                    "Description": f"engine container {name}",
                    "ControlGroup": "/" + str(self.cgroup_of(name).relative_to("/sys/fs/cgroup"))}
        if has_all:
            expected |= {"MemoryMax": str(64 * MIB), "MemoryLow": str(16 * MIB), "MemorySwapMax": str(64 * MIB),
                         "CPUWeight": "20", "CPUQuotaPerSecUSec": "500ms", "TasksMax": "30"}
        self.assertEqual({key: found[key] for key in expected}, expected)
        self.assertTrue(found["ControlGroup"].endswith("/engine.slice/engine-some.slice/box-known.scope"))

    def test_without_a_path_the_scope_is_named_after_the_container(self):
        name = self.start(IDLE)
        folder = self.cgroup_of(name)
        self.assertEqual(folder.name, f"engine-{name}.scope")
        self.assertEqual(self.properties(folder.name, "Slice"), {"Slice": DEFAULT_SLICE})

    def test_the_scope_goes_with_the_container(self):
        name = self.start(IDLE, cgroupsPath=":box:goes")
        self.runtime("kill", name, "KILL")
        wait_until(lambda: self.state(name)["status"] == "stopped", "the container has ended")
        self.runtime("delete", name)
        self.assert_unit_is_gone("box-goes.scope")

    def test_delete_with_force_ends_it(self):
        name = self.start(IDLE, cgroupsPath=":box:forced")
        self.runtime("delete", "--force", name)
        self.assert_unit_is_gone("box-forced.scope")

    def test_a_name_can_be_used_again(self):
        for _ in range(3):
            name = self.start(IDLE, cgroupsPath=":box:again", name="again")
            self.runtime("delete", "--force", name)

    def test_a_container_that_cannot_start_leaves_no_scope(self):
        self.config["process"]["args"] = ["/no/such/program"]
        self.config["linux"]["cgroupsPath"] = ":box:stillborn"
        self.write_config()
        result = self.runtime("run", "--bundle", self.bundle, "stillborn", check=False)
        self.assertNotEqual(result.status, 0)
        self.assertIn("/no/such/program", result.stderr)
        self.assert_unit_is_gone("box-stillborn.scope")

    def test_a_limit_that_is_refused_leaves_no_scope(self):
        self.config["process"]["args"] = ["/bin/sh", "-c", IDLE]
        self.config["linux"].update(cgroupsPath=":box:refused", resources={"unified": {"cgroup.max.depth": "many"}})
        self.write_config()
        result = self.runtime("run", "--bundle", self.bundle, "refused", check=False)
        self.assertNotEqual(result.status, 0)
        self.assertIn("cgroup.max.depth", result.stderr)
        wait_until(lambda: self.properties("box-refused.scope", "LoadState") == {"LoadState": "not-found"},
                   "systemd has forgotten the scope")

    def test_a_container_in_the_foreground_leaves_no_scope(self):
        self.config["process"]["args"] = ["/bin/cat", "/proc/self/cgroup"]
        self.config["linux"]["cgroupsPath"] = ":box:foreground"
        self.config["linux"]["namespaces"] = [entry for entry in self.config["linux"]["namespaces"]
                                              if entry["type"] != "cgroup"]
        self.write_config()
        result = self.runtime("run", "--bundle", self.bundle, "foreground")
        self.assertIn(f"/{DEFAULT_SLICE}/box-foreground.scope", result.stdout)
        self.assert_unit_is_gone("box-foreground.scope")

    def test_exec_joins_the_scope(self):
        name = self.start(IDLE)
        result = self.runtime("exec", name, "/bin/cat", "/proc/self/cgroup")
        self.assertEqual(result.stdout.splitlines()[-1], "0::/")  # seen from the container's own cgroup namespace
        self.runtime("exec", "--detach", name, "/bin/sleep", "1000")
        processes = (self.cgroup_of(name) / "cgroup.procs").read_text().split()
        self.assertEqual(len(processes), 2)

    def test_a_sub_cgroup_holds_the_container(self):
        """Annotation run.oci.systemd.subgroup, and another level for the container itself below it."""
        has_all = {"memory", "pids"} <= set(controllers())
        limits = {"memory": {"limit": 64 * MIB}, "pids": {"limit": 30}} if has_all else None
        self.config["annotations"] = {"run.oci.systemd.subgroup": "container", "run.oci.delegate-cgroup": "own"}
        name = self.start(IDLE, cgroupsPath=":box:nested", resources=limits)
        folder = self.cgroup_of(name)
        self.assertEqual([folder.name, folder.parent.name, folder.parent.parent.name],
                         ["own", "container", "box-nested.scope"])
        if has_all:
            self.assertEqual((folder.parent / "memory.max").read_text(), f"{64 * MIB}\n")
            self.assertEqual((folder.parent / "pids.max").read_text(), "30\n")
            self.assertEqual((folder / "memory.max").read_text(), "max\n")
            self.assertEqual(self.properties("box-nested.scope", "MemoryMax"), {"MemoryMax": str(64 * MIB)})
        result = self.runtime("exec", name, "/bin/cat", "/proc/self/cgroup")
        self.assertEqual(result.stdout.splitlines()[-1], "0::/own")
        self.runtime("delete", "--force", name)
        self.assert_unit_is_gone("box-nested.scope")

    def test_annotations_are_properties(self):
        self.config["annotations"] = {"org.systemd.property.TimeoutStopSec": "7",
                                      "org.systemd.property.Description": "'as annotated'"}
        self.start(IDLE, cgroupsPath=":box:annotated")
        self.assertEqual(self.properties("box-annotated.scope", "TimeoutStopUSec", "Description"),
                         {"TimeoutStopUSec": "7s", "Description": "as annotated"})

    def test_update_tells_systemd(self):
        self.need("memory", "cpu", "pids")
        name = self.start(IDLE, cgroupsPath=":box:updated", resources={"memory": {"limit": 64 * MIB}})
        self.runtime("update", "--memory", 32 * MIB, "--pids-limit", 17, "--cpu-quota", 25000, name)
        self.assertEqual(self.properties("box-updated.scope", "MemoryMax", "TasksMax", "CPUQuotaPerSecUSec"),
                         {"MemoryMax": str(32 * MIB), "TasksMax": "17", "CPUQuotaPerSecUSec": "250ms"})
        # What systemd writes anew is what we wrote.
        self.systemctl("daemon-reload")
        folder = self.cgroup_of(name)
        self.assertEqual((folder / "memory.max").read_text(), f"{32 * MIB}\n")
        self.assertEqual((folder / "cpu.max").read_text(), "25000 100000\n")

    def test_a_scope_in_use_is_not_taken_over(self):
        first = self.start(IDLE, cgroupsPath=":box:taken", name="first")
        result = self.runtime("run", "--detach", "--bundle", self.bundle, "second", check=False)
        self.assertNotEqual(result.status, 0)
        self.assertIn("box-taken.scope", result.stderr)
        self.assertEqual(self.properties("box-taken.scope", "ActiveState"), {"ActiveState": "active"})
        self.assertEqual(self.state(first)["status"], "running")

    def test_a_path_is_refused(self):
        self.config["linux"]["cgroupsPath"] = "/some/path"
        self.write_config()
        result = self.runtime("run", "--bundle", self.bundle, "pathname", check=False)
        self.assertNotEqual(result.status, 0)
        self.assertIn("SLICE:PREFIX:NAME", result.stderr)

    @unittest.skipIf(IS_ROOT, "the system's own systemd is always there")
    def test_without_a_manager_the_error_says_what_helps(self):
        self.config["process"]["args"] = ["/bin/sh", "-c", IDLE]
        self.write_config()
        result = self.runtime("run", "--bundle", self.bundle, "alone", check=False,
                              environment={"XDG_RUNTIME_DIR": str(self.dir)})
        self.assertNotEqual(result.status, 0)
        self.assertIn("systemd cannot be reached", result.stderr)

    @unittest.skipIf(not IS_ROOT, "moves sockets of systemd")
    def test_the_message_bus_serves_where_the_private_socket_does_not(self):
        private = Path("/run/systemd/private")
        aside = private.with_name("private-aside")
        os.rename(private, aside)
        try:
            name = self.start(IDLE, cgroupsPath=":box:bus")
            self.assertEqual(self.cgroup_of(name).name, "box-bus.scope")
            self.runtime("delete", "--force", name)
        finally:
            os.rename(aside, private)
        self.assert_unit_is_gone("box-bus.scope")
