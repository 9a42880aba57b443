"""config-linux.md "Devices" and "Default Devices"; network devices."""

import json
import os
import re
import subprocess

from runtime_test import PLACE, RuntimeTest, only_in, wait_until

DEFAULTS = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}


class DeviceTest(RuntimeTest):
    def devices(self, *entries):
        self.config["linux"]["devices"] = list(entries)

    def test_default_devices_are_there_and_work(self):
        said = self.says("for d in null zero full random urandom tty; do stat -c '%n %F %t %T %a' /dev/$d; done")
        self.assertEqual(said.splitlines(), [f"/dev/{name} character special file {major:x} {minor:x} 666"
                                             for name, (major, minor) in DEFAULTS.items()])
        self.assertEqual(self.says("echo x > /dev/null && head -c 3 /dev/zero | wc -c; echo x > /dev/full || echo full;"
                                   "head -c 2 /dev/urandom | wc -c"), "3\nfull\n2")

    def test_ptmx_is_that_of_the_containers_devpts(self):
        said = self.says("readlink /dev/ptmx || stat -c %t:%T /dev/ptmx")
        self.assertIn(said, ("pts/ptmx", "/dev/pts/ptmx", "5:2"))
        self.assertEqual(self.says("ls -l /dev/pts/ptmx | cut -c1"), "c")

    def test_without_a_terminal_there_is_no_console(self):
        self.assertEqual(self.says("test -e /dev/console || echo none"), "none")

    def test_devices_are_there_as_configured(self):
        self.devices({"path": "/dev/fuse-copy", "type": "c", "major": 10, "minor": 229, "fileMode": 0o640, "uid": 0, "gid": 0}
                     if PLACE != "user" else {"path": "/dev/null2", "type": "c", "major": 1, "minor": 3})
        if PLACE != "user":
            self.assertEqual(self.says("stat -c '%F %t %T %a' /dev/fuse-copy"), "character special file a e5 640")
        else:
            self.says("stat /dev/null2")

    def test_devices_may_be_outside_dev_and_unbuffered(self):
        if PLACE == "user":
            self.skipTest("the kernel lets root only make device nodes")
        self.devices({"path": "/deep/er/zero", "type": "u", "major": 1, "minor": 5, "fileMode": 0o666})
        self.assertEqual(self.says("head -c 2 /deep/er/zero | wc -c; stat -c '%F %t %T' /deep/er/zero"),
                         "2\ncharacter special file 1 5")

    def test_a_pipe_needs_no_numbers(self):
        self.devices({"path": "/dev/pipe", "type": "p", "fileMode": 0o600})
        self.assertEqual(self.says("stat -c '%F %a' /dev/pipe"), "fifo 600")

    def test_owner_and_group_of_a_device(self):
        if PLACE == "user":
            self.skipTest("device nodes of the host keep their owner")
        self.devices({"path": "/dev/mine", "type": "c", "major": 1, "minor": 3, "uid": 12, "gid": 13, "fileMode": 0o600})
        self.assertEqual(self.says("stat -c '%u %g' /dev/mine"), "12 13")

    def test_a_file_of_another_kind_at_the_path_is_an_error(self):
        for name, make in (("file", lambda path: path.write_text("x")), ("empty", lambda path: path.touch()), ("folder", lambda path: path.mkdir()),
                           ("link", lambda path: path.symlink_to("/guest"))):
            with self.subTest(name=name):
                if name == "empty" and PLACE == "user":
                    continue  # the place that binding a device has left: see below
                make(self.bundle / "rootfs" / name)
                self.devices({"path": f"/{name}", "type": "c", "major": 1, "minor": 5, "fileMode": 0o666})
                self.assert_refused()

    def test_a_container_can_be_made_twice_from_one_root(self):
        self.devices({"path": "/deep/zero", "type": "c", "major": 1, "minor": 5, "fileMode": 0o666})
        for _ in range(2):
            self.assertEqual(self.says("head -c 2 /deep/zero | wc -c"), "2")

    def test_the_same_device_at_the_path_is_fine(self):
        if PLACE == "user":
            self.skipTest("the kernel lets root only make device nodes")
        os.mknod(self.bundle / "rootfs/there", 0o20666, os.makedev(1, 5))
        self.devices({"path": "/there", "type": "c", "major": 1, "minor": 5, "fileMode": 0o666})
        self.assertEqual(self.says("head -c 2 /there | wc -c"), "2")

    def test_type_path_and_numbers_are_needed(self):
        whole = {"path": "/dev/x", "type": "c", "major": 1, "minor": 3}
        for missing in whole:
            with self.subTest(missing=missing):
                self.devices({key: value for key, value in whole.items() if key != missing})
                self.assert_refused()

    def test_a_type_that_is_none_is_an_error(self):
        for kind in ("x", "", "cc", "a"):
            with self.subTest(kind=kind):
                self.devices({"path": "/dev/x", "type": kind, "major": 1, "minor": 3})
                self.assert_refused()


@only_in("root")
class NetworkDeviceTest(RuntimeTest):
    """Each test has a network namespace of its own in the place of the host's, with a pair veth-a and veth-b."""

    def setUp(self):
        super().setUp()
        self.holder = subprocess.Popen(["unshare", "-n", "sh", "-c",
                                        "ip link add veth-a type veth peer name veth-b && echo ready; exec cat"],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(self.end_holder)
        if self.holder.stdout.readline() != "ready\n":
            self.skipTest("this kernel makes no veth devices")

    def end_holder(self):
        self.holder.stdin.close()
        self.holder.stdout.close()
        self.holder.wait()

    def command(self, *words):
        return ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net", *super().command(*words)]

    def host(self, *words, check=True):
        return subprocess.run(["nsenter", f"--net=/proc/{self.holder.pid}/ns/net", *words], check=check, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout

    def move(self, **devices):
        self.config["linux"]["netDevices"] = {name.replace("_", "-"): value for name, value in devices.items()}

    def links(self, pid):
        """Name -> details, of the network namespace of a process."""
        text = subprocess.run(["nsenter", f"--net=/proc/{pid}/ns/net", "ip", "-json", "address"], check=True, text=True,
                              stdout=subprocess.PIPE).stdout
        return {link["ifname"]: link for link in json.loads(text)}

    def test_a_device_moves_under_its_name_and_is_up(self):
        self.move(veth_a={})
        link = self.links(self.running())["veth-a"]
        self.assertIn("UP", link["flags"])
        self.assertNotIn("veth-a", self.host("ip", "-o", "link").replace("@veth-a", ""))

    def test_a_device_moves_under_a_new_name(self):
        self.move(veth_a={"name": "eth0"})
        self.assertIn("eth0", self.links(self.running()))

    def test_a_name_that_is_a_template_becomes_a_free_name(self):
        self.move(veth_a={"name": "eth%d"})
        self.assertIn("eth0", self.links(self.running()))

    def test_permanent_global_addresses_are_kept(self):
        self.host("ip", "address", "add", "192.0.2.1/24", "dev", "veth-a")
        self.host("ip", "address", "add", "2001:db8::1/64", "dev", "veth-a", "nodad")
        self.move(veth_a={"name": "eth0"})
        kept = {entry["local"]: entry["prefixlen"] for entry in self.links(self.running())["eth0"]["addr_info"]
                if entry["scope"] == "global"}
        self.assertEqual(kept, {"192.0.2.1": 24, "2001:db8::1": 64})

    def test_attributes_are_kept(self):
        self.host("ip", "link", "set", "veth-a", "mtu", "1400", "address", "02:00:00:00:00:07")
        self.move(veth_a={})
        link = self.links(self.running())["veth-a"]
        self.assertEqual((link["mtu"], link["address"]), (1400, "02:00:00:00:00:07"))

    def test_a_device_that_is_not_there_is_an_error(self):
        self.move(absent={})
        self.assert_refused()

    def test_a_name_that_is_taken_is_an_error(self):
        self.move(veth_a={"name": "lo"})
        self.assert_refused()
        self.assertIn("veth-a", self.host("ip", "-o", "link"))

    def test_without_a_network_namespace_it_is_an_error(self):
        self.without_namespace("network")
        self.move(veth_a={})
        self.assert_refused()

    def test_a_name_that_is_no_name_is_an_error(self):
        for name in ("", ".", "..", "a/b", "x" * 16, "a b"):
            with self.subTest(name=name):
                self.move(veth_a={"name": name} if name else {"name": ".."})
                self.assert_refused()

    def test_delete_leaves_the_devices_to_the_kernel(self):
        """A virtual device ends with the namespace; a runtime that moved it out would have saved it."""
        self.move(veth_a={})
        pid = self.running()
        self.runtime_apart("kill", self.name, "KILL")
        self.wait_exit(pid)
        self.runtime_apart("delete", self.name)
        # The kernel removes a namespace, and the pair with it, some time after the last process has left.
        wait_until(lambda: not re.search(r"veth-[ab]\b", self.host("ip", "-o", "link")), "both ends are gone")
