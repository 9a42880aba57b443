"""config-linux.md "Namespaces", id mappings, time offsets, sysctls; config.md host and domain name."""

import os
import subprocess

from runtime_test import PLACE, RuntimeTest, id_map

FILES = {"pid": "pid", "network": "net", "mount": "mnt", "ipc": "ipc", "uts": "uts", "user": "user", "cgroup": "cgroup",
         "time": "time"}


def own(kind):
    return os.readlink(f"/proc/self/ns/{FILES[kind]}")


class NewTest(RuntimeTest):
    def of_container(self):
        seen = self.report()["namespaces"]
        return {kind: seen[file] for kind, file in FILES.items() if file in seen}

    def test_what_is_listed_is_new(self):
        if PLACE != "user":
            self.with_user_namespace()
        seen = self.of_container()
        for kind in ("pid", "network", "mount", "ipc", "uts", "user", "cgroup"):
            self.assertNotEqual(seen[kind], own(kind), kind)

    def test_what_is_not_listed_is_the_callers(self):
        for kind in ("ipc", "uts", "network", "cgroup"):
            with self.subTest(kind=kind):
                before = self.namespaces()
                self.without_namespace(kind)
                self.assertEqual(self.of_container()[kind], own(kind))
                self.config["linux"]["namespaces"] = before

    def test_the_pid_namespace_of_the_caller(self):
        self.without_namespace("pid")
        if PLACE == "user":  # a new procfs needs a pid namespace of one's own
            self.without_mount("/proc")
            self.bind("/proc", "/proc")
        self.assertEqual(self.of_container()["pid"], own("pid"))

    def test_what_stands_twice_is_an_error(self):
        for kind in ("pid", "mount", "network", "uts", "ipc", "cgroup"):
            with self.subTest(kind=kind):
                self.config["linux"]["namespaces"] = [*self.namespaces(), {"type": kind}]
                self.assert_refused()
                self.namespaces().pop()

    def test_a_type_is_needed_and_known(self):
        for entry in ({}, {"type": "nosuch"}, {"type": ""}, {"path": "/proc/self/ns/net"}, {"type": "NEWNET"}):
            with self.subTest(entry=entry):
                self.config["linux"]["namespaces"] = [*self.namespaces(), entry]
                self.assert_refused()
                self.namespaces().pop()

    def test_time(self):
        self.namespaces().append({"type": "time"})
        self.config["linux"]["timeOffsets"] = {"monotonic": {"secs": 86400}, "boottime": {"secs": 604800, "nanosecs": 5}}
        lines = [line.split() for line in self.says("cat /proc/self/timens_offsets").splitlines()]
        self.assertEqual(lines, [["monotonic", "86400", "0"], ["boottime", "604800", "5"]])


class JoinTest(RuntimeTest):
    def holder(self, *kinds):
        """A process in new namespaces, to be joined. With user, when we are not root."""
        flags = {"network": "-n", "uts": "-u", "ipc": "-i", "pid": "-pf", "cgroup": "-C", "user": "-U", "mount": "-m"}
        words = ["unshare", *[flags[kind] for kind in kinds]]
        if PLACE == "user":
            words.insert(1, "-Ur")
        process = subprocess.Popen([*words, "sh", "-c", "echo ready; exec cat"], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, text=True)

        def end():
            process.stdin.close()
            process.stdout.close()
            process.wait()
        self.addCleanup(end)
        self.assertEqual(process.stdout.readline(), "ready\n")
        return process.pid

    def join_user_namespace_of(self, pid):
        if PLACE == "user":
            self.join_namespace("user", f"/proc/{pid}/ns/user")
            del self.config["linux"]["uidMappings"], self.config["linux"]["gidMappings"]
            # One id only: the files belong to it, and no other can be had.
            self.without_mount("/dev/pts")

    def test_the_container_is_in_the_namespace_of_the_path(self):
        pid = self.holder("network", "uts", "ipc")
        self.join_user_namespace_of(pid)
        for kind in ("network", "uts", "ipc"):
            self.join_namespace(kind, f"/proc/{pid}/ns/{FILES[kind]}")
        seen = self.report()["namespaces"]
        for kind in ("network", "uts", "ipc"):
            self.assertEqual(seen[FILES[kind]], os.readlink(f"/proc/{pid}/ns/{FILES[kind]}"), kind)

    def test_a_pid_namespace_can_be_joined(self):
        if PLACE == "user":
            self.skipTest("nobody made one for us")
        pid = self.holder("pid")
        child = open(f"/proc/{pid}/task/{pid}/children").read().split()[0]
        self.join_namespace("pid", f"/proc/{child}/ns/pid")
        self.assertEqual(self.report()["namespaces"]["pid"], os.readlink(f"/proc/{child}/ns/pid"))

    def test_a_path_of_another_type_is_an_error(self):
        pid = self.holder("network", "uts")
        self.join_namespace("network", f"/proc/{pid}/ns/uts")
        self.assert_refused()

    def test_a_path_that_is_no_namespace_is_an_error(self):
        for path in ("/etc/passwd", "/absent", "/", "/dev/null"):
            with self.subTest(path=path):
                self.join_namespace("network", path)
                self.assert_refused()

    def test_a_path_that_is_relative_is_an_error(self):
        self.join_namespace("network", "proc/self/ns/net")
        self.assert_refused()


class MappingTest(RuntimeTest):
    def test_ids_are_mapped_as_configured(self):
        self.with_user_namespace()
        wanted = [[str(entry[key]) for key in ("containerID", "hostID", "size")] for entry in id_map("/etc/subuid")]
        pid = self.running()
        self.assertEqual([line.split() for line in open(f"/proc/{pid}/uid_map")], wanted)
        self.assertEqual(len(open(f"/proc/{pid}/gid_map").readlines()), len(id_map("/etc/subgid")))

    def test_all_three_properties_are_needed(self):
        self.with_user_namespace()
        for key in ("uidMappings", "gidMappings"):
            for missing in ("containerID", "hostID", "size"):
                with self.subTest(key=key, missing=missing):
                    whole = self.config["linux"][key]
                    self.config["linux"][key] = [{name: value for name, value in whole[0].items() if name != missing}]
                    self.assert_refused()
                    self.config["linux"][key] = whole

    def test_files_keep_their_owners(self):
        self.with_user_namespace()
        before = os.stat(self.bundle / "rootfs/guest").st_uid
        self.says("true")
        self.assertEqual(os.stat(self.bundle / "rootfs/guest").st_uid, before)


class NamesTest(RuntimeTest):
    def test_host_and_domain_name(self):
        self.config["hostname"], self.config["domainname"] = "mrsdalloway", "foobarbaz.test"
        seen = self.report()
        self.assertEqual((seen["hostname"], seen["domainname"]), ("mrsdalloway", "foobarbaz.test"))

    def test_the_host_keeps_its_name(self):
        before = os.uname().nodename
        self.config["hostname"] = "inside"
        self.says("true")
        self.assertEqual(os.uname().nodename, before)


class SysctlTest(RuntimeTest):
    def test_sysctls_of_own_namespaces(self):
        self.config["linux"]["sysctl"] = {"net.ipv4.ip_forward": "1", "kernel.msgmax": "16384"}
        self.assertEqual(self.says("cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax"), "1\n16384")

    def test_sysctls_of_the_whole_machine_are_an_error(self):
        for name in ("vm.swappiness", "kernel.pid_max", "fs.file-max", "kernel.core_pattern"):
            with self.subTest(name=name):
                self.config["linux"]["sysctl"] = {name: "1"}
                self.assert_refused()

    def test_sysctls_of_a_namespace_that_is_not_own_are_an_error(self):
        self.config["linux"]["sysctl"] = {"net.ipv4.ip_forward": "1"}
        self.without_namespace("network")
        self.assert_refused()
