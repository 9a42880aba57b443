"""Published ports: where they lead, who is seen to connect, and that nothing of them outlives the container."""

import os
import shutil
import signal
import socket
import subprocess
import unittest

from engine_test import BUSYBOX, wait_until
from network_test import NetworkTest, address_of_host, free_port, helpers, is_listening


SERVER = """
import select, socket
tcp, udp = socket.create_server(("", 80)), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("", 53))
print("ready", flush=True)
while True:
    if tcp in (ready := select.select([tcp, udp], [], [])[0]):
        connection, peer = tcp.accept()
        connection.sendall(peer[0].encode() + b"\\n")
        connection.close()
    if udp in ready:
        data, peer = udp.recvfrom(100)
        udp.sendto(data, peer)
"""


class PublishTest(NetworkTest):
    def test_a_port_leads_into_the_container_and_is_told_everywhere(self):
        port = free_port()
        self.serve("-p", f"{port}:80")
        self.assertIn("answer", self.ask(port))
        self.assertEqual(self.engine("ps", "--format", "{{.Ports}}").stdout, f"0.0.0.0:{port}->80/tcp\n")
        self.assertIn(f"0.0.0.0:{port}->80/tcp", self.engine("ps").stdout)
        self.assertEqual(self.engine("ps", "--format", "json").json()[0]["Ports"], [
            {"host_ip": "", "container_port": 80, "host_port": port, "range": 1, "protocol": "tcp"}])
        ports = {"80/tcp": [{"HostIp": "", "HostPort": str(port)}]}
        self.assertEqual(self.inspect("web")["NetworkSettings"]["Ports"], ports)
        self.assertEqual(self.inspect("web")["HostConfig"]["PortBindings"], ports)

    def test_all_ports_of_a_range_and_of_an_address_lead_there(self):
        first = free_port()
        self.engine("run", "-d", "--name", "web", "-p", f"127.0.0.1:{first}:80", "-p", "81-82", "-P", "--expose", "99",
                    BUSYBOX, "sh", "-c", "for port in 80 81 82 99; do nc -ll -p $port -e echo port $port & done; wait")
        self.assertEqual(self.ask(first), "port 80\n")
        ports = self.inspect("web")["NetworkSettings"]["Ports"]
        for inside in (81, 82, 99):
            self.assertEqual(self.ask(int(ports[f"{inside}/tcp"][0]["HostPort"])), f"port {inside}\n")
        self.assertEqual(int(ports["82/tcp"][0]["HostPort"]), int(ports["81/tcp"][0]["HostPort"]) + 1)

    def test_who_connects_is_seen_and_a_datagram_arrives(self):
        host = address_of_host()
        tcp, udp = free_port(), free_port(socket.SOCK_DGRAM)
        self.engine("run", "-d", "--name", "web", "-p", f"{tcp}:80", "-p", f"{udp}:53/udp", BUSYBOX, "sleep", "1000")
        self.serve_both("web")
        if not host:
            self.skipTest("this host has no address but loopback")
        self.assertEqual(self.ask(tcp, host), f"{host}\n")
        self.assert_echo(host, udp)

    def serve_both(self, container):
        """busybox has no server of datagrams, and does not tell who connected."""
        server = subprocess.Popen(["nsenter", "-t", str(self.running_pid(container)), "-U", "-n", "--preserve-credentials",
                                   "python3", "-c", SERVER], stdout=subprocess.PIPE, text=True)
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        self.assertEqual(server.stdout.readline(), "ready\n")

    def assert_echo(self, address, port):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(20)
            client.sendto(b"hello", (address, port))
            self.assertEqual(client.recv(100), b"hello")

    def test_a_port_that_is_taken_is_one_line_and_leaves_nothing(self):
        with socket.socket() as other:
            other.bind(("0.0.0.0", 0))
            other.listen()
            port = other.getsockname()[1]
            for words in (["-d"], []):
                result = self.engine("run", "--rm", *words, "-p", f"{port}:80", BUSYBOX, "true", check=False)
                self.assert_fails(result, 126, str(port), "Address already in use")
        self.assert_no_containers()
        self.assertEqual(helpers() - self.before, set())

    def test_a_port_of_root_is_explained(self):
        with open("/proc/sys/net/ipv4/ip_unprivileged_port_start", encoding="ascii") as file:
            if int(file.read()) <= 81:
                self.skipTest("port 81 is everybody's here")
        result = self.engine("run", "--rm", "-p", "81:80", BUSYBOX, "true", check=False)
        self.assert_fails(result, 126, "81", "Permission denied", "ip_unprivileged_port_start")

    def test_an_address_that_is_not_ours_and_sctp_are_refused(self):
        result = self.engine("run", "--rm", "-p", "192.0.2.250:8099:80", BUSYBOX, "true", check=False)
        self.assert_fails(result, 126, "192.0.2.250:8099")
        result = self.engine("run", "--rm", "-p", "8099:80/sctp", BUSYBOX, "true", check=False)
        self.assert_fails(result, 125, "SCTP")

    def test_ports_are_free_when_stop_and_rm_return_and_taken_again_by_start(self):
        port = free_port()
        self.serve("-p", f"{port}:80")
        for _ in range(3):
            self.engine("restart", "-t", "0", "web")
            self.assertIn("answer", self.ask(port))
        self.engine("stop", "-t", "0", "web")
        self.assertFalse(is_listening(port))
        self.engine("start", "web")
        self.engine("rm", "-f", "-t", "0", "web")
        self.assertFalse(is_listening(port))
        self.serve("-p", f"{port}:80")
        self.assertIn("answer", self.ask(port))

    def test_a_killed_monitor_leaves_a_container_whose_end_frees_the_port(self):
        port = free_port()
        self.serve("-p", f"{port}:80")
        os.kill(self.inspect("web")["State"]["ConmonPid"], signal.SIGKILL)
        self.assertIn("answer", self.ask(port))
        self.engine("stop", "-t", "0", "web")
        wait_until(lambda: not is_listening(port), "the port is free")

    def test_a_killed_command_takes_its_port_along(self):
        port = free_port()
        run = self.start_engine("run", "--rm", "-p", f"{port}:80", BUSYBOX, "sleep", "1000")
        wait_until(lambda: is_listening(port), "the port is open")
        run.kill()
        wait_until(lambda: not is_listening(port), "the port is free")

    def test_a_network_without_ports_of_its_own_says_so(self):
        result = self.engine("run", "--rm", "--network", "none", "-p", "8099:80", BUSYBOX, "true")
        self.assertIn("discarded", result.stderr)

    @unittest.skipUnless(shutil.which("pasta"), "pasta is not installed")
    def test_pasta_publishes_ports_and_those_of_ipv6(self):
        port = free_port()
        self.serve("--network", "pasta", "-p", f"127.0.0.1:{port}:80")
        self.assertIn("answer", self.ask(port))
        self.engine("rm", "-f", "-t", "0", "web")
        self.assertFalse(is_listening(port))
        self.serve("-p", f"[::1]:{port}:80")
        self.assertTrue(is_listening(port))
        self.engine("rm", "-f", "-t", "0", "web")
        self.assertFalse(is_listening(port))
