"""The networks of containers: which there are, what is in their files, whose they are."""

import os
import shutil
import socket
import unittest

from engine_test import BUSYBOX, EngineTest, wait_until
from network_test import NetworkTest, helpers


class NamesTest(EngineTest):
    def test_the_built_in_networks_are_listed_as_podman_lists_its_own(self):
        self.assertEqual(self.engine("network", "ls", "--format", "{{.Name}} {{.Driver}}").stdout,
                         "podman bridge\nhost host\nnone null\n")
        self.assertEqual(self.engine("network", "ls", "-n").stdout.splitlines()[0].split(),
                         ["2f259bab93aa", "podman", "bridge"])
        ids = self.engine("network", "ls", "--no-trunc", "--format", "{{.ID}}").stdout.split()
        self.assertEqual({len(id) for id in ids}, {64})
        self.assertEqual(self.engine("network", "ls", "--format", "{{.ID}}").stdout.split(), [id[:12] for id in ids])
        self.assertEqual(self.engine("network", "ls", "-q", "--filter", "driver=null").stdout, "none\n")
        network = self.engine("network", "inspect", "bridge").json()[0]
        self.assertEqual((network["name"], network["driver"], network["subnets"]),
                         ("podman", "bridge", [{"subnet": "10.0.2.0/24", "gateway": "10.0.2.2"}]))
        self.assertEqual(self.engine("network", "exists", "podman").status, 0)
        self.assertEqual(self.engine("network", "exists", "nosuch", check=False).status, 1)
        self.assert_fails(self.engine("network", "inspect", "-f", "{{.Name}}", "nosuch", check=False), 125, "nosuch",
                          "network not found")

    def test_words_that_mean_nothing_are_refused_before_anything_is_made(self):
        self.pull_image()
        for words, part in [
                (["--network", "nosuch"], "network not found"), (["--network", "container:nosuch"], "nosuch"),
                (["--network", "container:"], "needs a container"), (["--network", "ns:"], "needs the path"),
                (["--network", "ns:/nosuch"], "No such file"), (["--network", "ns:/proc/self/ns/uts"], "not a network"),
                (["--network", "slirp4netns:foo=1"], "unknown option"), (["--ip", "10.88.0.9"], "--ip"),
                (["--mac-address", "92:d0:c6:0a:29:33"], "--mac-address"), (["--network-alias", "x"], "--network-alias"),
                (["--dns", "nosuch"], "not an IP address"), (["--add-host", "a:b"], "invalid IP address"),
                (["--no-hosts", "--add-host", "a:1.2.3.4"], "cannot be set together")]:
            with self.subTest(words=words):
                self.assert_fails(self.engine("create", *words, BUSYBOX, check=False), 125, part)
        self.assert_no_containers()


class FilesTest(NetworkTest):
    def test_the_container_has_an_address_a_route_and_names(self):
        out = self.engine("run", "--rm", "--name", "web", "--hostname", "box", BUSYBOX, "sh", "-c",
                          "ip -o addr; ip route; cat /etc/hosts; echo --; cat /etc/resolv.conf; "
                          "cat /proc/sys/net/ipv4/ping_group_range").stdout
        self.assertIn("10.0.2.100/24", out)
        self.assertIn("default via 10.0.2.2", out)
        self.assertIn("10.0.2.100\tbox web\n", out)
        self.assertIn("host.containers.internal", out)
        servers = out.partition("--\n")[2]
        self.assertTrue(servers.startswith("nameserver 10.0.2.3\n") or "\nnameserver 10.0.2.3\n" in servers, out)

    def test_the_network_is_there_before_the_program(self):
        for _ in range(5):
            self.assertIn("tap0", self.engine("run", "--rm", BUSYBOX, "cat", "/proc/net/route").stdout)

    def test_ping_works_without_a_capability(self):
        # busybox asks for a raw socket first; others for this one, which the group of whoever asks is enough for.
        self.engine("run", "-d", "--name", "one", "--cap-drop", "all", BUSYBOX, "sleep", "1000")
        program = ("import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP); "
                   "s.settimeout(20); s.sendto(b'\\x08' + bytes(7), ('10.0.2.2', 0)); print(s.recv(100)[0])")
        words = ["nsenter", "-t", self.running_pid("one"), "-U", "-n", "setpriv", "--bounding-set=-all",
                 "--inh-caps=-all", "python3", "-c", program]
        self.assertEqual(self.tool(*words).stdout, "0\n")

    def test_doctor_tries_it(self):
        before = helpers()
        report = self.engine("doctor", "--json", check=False).json()
        found = next(check for check in report["Checks"] if check["Id"] == "network-helper")
        self.assertEqual((found["Status"], found["Evidence"]), ("ok", "there is one, and it works"), found)
        wait_until(lambda: helpers() <= before, "the helper that was tried has ended")

    def test_options_of_slirp4netns_and_of_name_servers_take_effect(self):
        out = self.engine("run", "--rm", "--network", "slirp4netns:cidr=10.9.8.0/24,mtu=1400", "--dns-search", "x.test",
                          BUSYBOX, "sh", "-c", "ip addr show tap0; cat /etc/hosts /etc/resolv.conf").stdout
        for part in ("10.9.8.100/24", "mtu 1400", "10.9.8.100\t", "nameserver 10.9.8.3", "search x.test"):
            self.assertIn(part, out)
        out = self.engine("run", "--rm", "--dns", "192.0.2.53", "--dns-option", "ndots:3", BUSYBOX, "cat",
                          "/etc/resolv.conf").stdout
        self.assertIn("nameserver 192.0.2.53\noptions ndots:3\n", out)
        self.assertNotIn("10.0.2.3", out)

    def test_the_loopback_of_the_host_is_closed_unless_it_is_asked_for(self):
        with socket.socket() as server:
            server.bind(("127.0.0.1", 0))
            server.listen()
            connect = ["nc", "-w", "5", "10.0.2.2", str(server.getsockname()[1]), "-e", "true"]
            self.assertEqual(self.engine("run", "--rm", BUSYBOX, *connect, check=False).status, 1)
            self.engine("run", "--rm", "--network", "slirp4netns:allow_host_loopback=true", BUSYBOX, *connect)

    @unittest.skipUnless(shutil.which("pasta"), "pasta is not installed")
    def test_pasta_ends_with_its_container(self):
        self.engine("run", "-d", "--name", "one", "--network", "pasta", BUSYBOX, "sleep", "1000")
        self.assertEqual(self.inspect("one")["HostConfig"]["NetworkMode"], "pasta")
        self.assertTrue(helpers() - self.before)
        os.kill(self.inspect("one")["State"]["ConmonPid"], 9)
        self.engine("rm", "-f", "-t", "0", "one")
        self.assert_no_helpers()


class SharedTest(NetworkTest):
    def test_a_container_can_be_in_the_network_of_another(self):
        first = self.engine("run", "-d", "--name", "one", BUSYBOX, "sleep", "1000").stdout.strip()
        out = self.engine("run", "--rm", "--name", "two", "--network", "container:one", BUSYBOX, "sh", "-c",
                          "readlink /proc/self/ns/net; ls /sys/class/net; cat /etc/hosts").stdout
        own = self.engine("exec", "one", "readlink", "/proc/self/ns/net").stdout
        self.assertEqual(out.splitlines()[0] + "\n", own)
        self.assertIn("tap0", out)
        hosts = self.engine("exec", "one", "cat", "/etc/hosts").stdout
        self.assertIn(hosts, out)
        self.engine("create", "--name", "three", "--network", "container:one", BUSYBOX, "true")
        three = self.inspect("three")
        self.assertEqual(three["HostConfig"]["NetworkMode"], f"container:{first}")
        self.assertEqual(three["Dependencies"], [first])
        self.engine("stop", "-t", "0", "one")
        self.engine("start", "three")
        self.assertEqual(self.status_of("one"), "running")

    def test_a_network_namespace_can_be_named_by_its_path(self):
        self.engine("run", "-d", "--name", "one", BUSYBOX, "sleep", "1000")
        path = f"/proc/{self.running_pid('one')}/ns/net"
        out = self.engine("run", "--rm", "--network", f"ns:{path}", BUSYBOX, "readlink", "/proc/self/ns/net").stdout
        self.assertEqual(out, self.engine("exec", "one", "readlink", "/proc/self/ns/net").stdout)

    def test_the_network_namespace_of_the_host_is_not_joined_by_path(self):
        self.assert_fails(self.engine("run", "--rm", "--network", "ns:/proc/self/ns/net", BUSYBOX, "true", check=False),
                          125, "belongs to the host")
