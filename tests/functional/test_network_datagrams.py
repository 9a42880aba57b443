"""Published UDP ports: datagrams of the host itself, which a relay of ours answers where slirp4netns or pasta do not."""

import os
import shutil
import signal
import socket
import subprocess
import unittest
from pathlib import Path

from engine_test import BUSYBOX, is_alive, wait_until
from network_test import NetworkTest, address_of_host, free_port, helpers, is_listening

ECHO = """
import select, socket, sys
sockets = [socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) for port in sys.argv[1:]]
for one, port in zip(sockets, sys.argv[1:]):
    one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    one.bind(("::", int(port)))
print("ready", flush=True)
while True:
    for one in select.select(sockets, [], [])[0]:
        data, peer = one.recvfrom(65536)
        one.sendto(peer[0].encode() if data == b"who" else data, peer)
"""


def has_ipv6():
    """Whether this host has an address of IPv6 that others know."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("2001:db8::1", 9))
            return probe.getsockname()[0]
        except OSError:
            return ""


def relays():
    return {pid for pid in helpers() if b"datagrams" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")}


def client_to(address, port):
    client = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    client.settimeout(20)
    client.connect((address, port))
    return client


class DatagramTest(NetworkTest):
    def setUp(self):
        super().setUp()
        self.relays_before = relays()

    def own_relays(self):
        return relays() - self.relays_before

    def echo(self, container, *ports):
        """busybox has no server of datagrams."""
        words = ["nsenter", "-t", str(self.running_pid(container)), "-U", "-n", "--preserve-credentials", "python3", "-c", ECHO]
        server = subprocess.Popen([*words, *map(str, ports)], stdout=subprocess.PIPE, text=True)
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        self.assertEqual(server.stdout.readline(), "ready\n")

    def start(self, *options, ports=(53,)):
        container = self.engine("run", "-d", *options, BUSYBOX, "sleep", "1000").stdout.strip()
        self.echo(container, *ports)
        return container

    def remove(self, container):
        self.engine("rm", "-f", "-t", "0", container)
        self.assertEqual(self.own_relays(), set())

    def assert_echo(self, address, port, data=b"hello"):
        with client_to(address, port) as client:
            client.send(data)
            self.assertEqual(client.recv(65536), data)

    def networks(self):
        return ["slirp4netns", "pasta"] if shutil.which("pasta") else ["slirp4netns"]

    def test_the_host_itself_is_answered_at_each_of_its_addresses(self):
        for network in self.networks():
            addresses = {"127.0.0.1", address_of_host()}
            if network == "pasta" and (ipv6 := has_ipv6()):
                addresses |= {"::1", ipv6}
            port = free_port(socket.SOCK_DGRAM)
            container = self.start("--network", network, "-p", f"{port}:53/udp")
            for address in addresses - {""}:
                with self.subTest(network=network, address=address):
                    self.assert_echo(address, port)
            self.remove(container)

    def test_ports_of_one_address_and_ranges_are_answered(self):
        for network in self.networks():
            for address in filter(None, ("127.0.0.1", address_of_host())):
                with self.subTest(network=network, address=address):
                    port = free_port(socket.SOCK_DGRAM)
                    container = self.start("--network", network, "-p", f"{address}:{port}-{port + 2}:53-55/udp", ports=(53, 54, 55))
                    for offset in range(3):
                        self.assert_echo(address, port + offset)
                    self.remove(container)

    def test_an_open_loopback_is_left_to_the_helper(self):
        port = free_port(socket.SOCK_DGRAM)
        container = self.start("--network", "slirp4netns:allow_host_loopback=true", "-p", f"{port}:53/udp")
        self.assertEqual(self.own_relays(), set())
        self.assert_echo("127.0.0.1", port)
        self.remove(container)

    def test_tcp_alone_needs_no_relay(self):
        self.serve("-p", f"{free_port()}:80")
        self.assertEqual(self.own_relays(), set())

    @unittest.skipUnless(shutil.which("pasta"), "pasta is not installed")
    def test_a_container_without_its_relay_starts_with_a_warning(self):
        """pasta has two sockets a port here, the relay would need four."""
        command = self.command("run", "--rm", "--network", "pasta", "-p", "9200-9299/udp", BUSYBOX, "echo", "fine")
        result = self.tool("prlimit", "--nofile=350:350", *command)
        self.assertEqual(result.stdout, "fine\n")
        self.assertRegex(result.stderr, "^engine: warning: this host itself may get no answers from published UDP ports: .*Too many open files\n$")

    def test_datagrams_of_any_size_pass_and_those_to_nobody_do_no_harm(self):
        port = free_port(socket.SOCK_DGRAM)
        container = self.engine("run", "-d", "-p", f"{port}:53/udp", BUSYBOX, "sleep", "1000").stdout.strip()
        with client_to("127.0.0.1", port) as early:
            for _ in range(20):
                early.send(b"nobody listens")
            self.echo(container, 53)
            for data in (b"x" * 65507, b"", b"who"):
                early.send(data)
                answer = early.recv(65536)
                self.assertEqual(answer, data if data != b"who" else answer)
            self.assertEqual(answer, b"::ffff:10.0.2.100")
        # A client that does not wait for its answer.
        for _ in range(20):
            with client_to("127.0.0.1", port) as gone:
                gone.send(b"hello")
        self.assert_echo("127.0.0.1", port)

    def test_many_clients_are_answered_and_the_oldest_forgotten(self):
        port = free_port(socket.SOCK_DGRAM)
        self.start("-p", f"{port}:53/udp")
        clients = [client_to("127.0.0.1", port) for _ in range(600)]
        for client in clients:
            self.addCleanup(client.close)
        for turn in range(2):
            for number, client in enumerate(clients):
                client.send(f"{turn} {number}".encode())
                self.assertEqual(client.recv(100), f"{turn} {number}".encode())
        (relay,) = self.own_relays()
        # It cannot be looked into: the clients' own side shows how many sockets are in the container's network.
        inside = self.tool("nsenter", "-t", str(self.running_pid(self.inspect("-l")["Id"])), "-U", "-n", "--preserve-credentials",
                           "cat", "/proc/net/udp").stdout
        self.assertEqual(len([line for line in inside.splitlines() if line.split()[2].endswith(":0035")]), 256)
        self.assertTrue(is_alive(relay))

    def test_nothing_of_the_relay_outlives_the_container(self):
        for network in self.networks():
            for way in ("rm", "kill", "monitor", "command", "exit"):
                with self.subTest(network=network, way=way):
                    port = free_port(socket.SOCK_DGRAM)
                    self.end_by(way, "--network", network, "-p", f"{port}:53/udp")
                    wait_until(lambda: not self.own_relays(), "the relay has ended")
                    wait_until(lambda: not is_listening(port, "udp"), "the port is free")
                    self.engine("rm", "-a", "-f", "-t", "0")

    def end_by(self, way, *options):
        if way == "command":
            run = self.start_engine("run", "--rm", *options, BUSYBOX, "sleep", "1000")
            wait_until(self.own_relays, "the relay runs")
            return run.kill()
        container = self.start(*options)
        self.assertEqual(len(self.own_relays()), 1)
        if way == "monitor":
            os.kill(self.inspect(container)["State"]["ConmonPid"], signal.SIGKILL)
            self.assertEqual(len(self.own_relays()), 1)
        if way == "exit":
            return os.kill(self.running_pid(container), signal.SIGKILL)
        words = {"rm": ["rm", "-f", "-t", "0"], "kill": ["kill", "-s", "KILL"], "monitor": ["stop", "-t", "0"]}
        return self.engine(*words[way], container)

    def test_a_killed_relay_harms_nobody_and_a_restart_brings_it_back(self):
        port = free_port(socket.SOCK_DGRAM)
        container = self.start("-p", f"{port}:53/udp")
        (relay,) = self.own_relays()
        os.kill(relay, signal.SIGKILL)
        wait_until(lambda: not is_alive(relay), "the relay is dead")
        if address_of_host():
            self.assert_echo(address_of_host(), port)
        self.engine("restart", "-t", "0", container)
        self.echo(container, 53)
        self.assert_echo("127.0.0.1", port)
