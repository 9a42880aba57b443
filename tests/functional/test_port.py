"""port: which ports of the host lead into a container, in podman's lines."""

import socket

from engine_test import BUSYBOX
from network_test import NetworkTest, free_port


class PortTest(NetworkTest):
    def setUp(self):
        super().setUp()
        self.tcp, self.udp = free_port(), free_port(socket.SOCK_DGRAM)
        self.id = self.serve("-p", f"{self.tcp}:80", "-p", f"127.0.0.1:{self.udp}:53/udp")

    def test_all_ports_of_a_container_or_one(self):
        both = sorted([f"80/tcp -> 0.0.0.0:{self.tcp}", f"53/udp -> 127.0.0.1:{self.udp}"])
        for words in (["web"], [self.id[:10]], ["--latest"]):
            self.assertEqual(sorted(self.engine("port", *words).stdout.splitlines()), both)
        for words in (["web", "80"], ["web", "80/tcp"], ["--latest", "80"]):
            self.assertEqual(self.engine("container", "port", *words).stdout, f"0.0.0.0:{self.tcp}\n")
        self.assertEqual(self.engine("port", "web", "53/udp").stdout, f"127.0.0.1:{self.udp}\n")

    def test_of_all_containers_and_of_one_that_shares_a_network(self):
        self.engine("run", "-d", "--name", "guest", "--network", "container:web", BUSYBOX, "sleep", "1000")
        silent = self.start_sleeper()
        lines = self.engine("port", "--all").stdout.splitlines()
        guest = self.inspect("guest")["Id"]
        self.assertEqual({line.split("\t")[0] for line in lines}, {self.id[:12], guest[:12]})
        self.assertIn(f"{self.id[:12]}\t80/tcp -> 0.0.0.0:{self.tcp}", lines)
        self.assertEqual(self.engine("port", "guest", "80").stdout, f"0.0.0.0:{self.tcp}\n")
        self.assertEqual(self.engine("port", silent).stdout, "")

    def test_what_does_not_run_has_none_and_what_is_not_there_is_an_error(self):
        self.assert_fails(self.engine("port", "web", "81", check=False), 125, "failed to find published port", "81")
        self.assert_fails(self.engine("port", "web", "53", check=False), 125, "failed to find published port")
        for word in ("80/tcp/x", "http", "70000"):
            self.assert_fails(self.engine("port", "web", word, check=False), 125, "port/protocol", word)
        self.assert_fails(self.engine("port", check=False), 125, "running container")
        self.assert_fails(self.engine("port", "--all", "web", check=False), 125, "--all")
        self.assert_fails(self.engine("port", "nothing", check=False), 125, '"nothing"')
        self.engine("stop", "-t", "0", "web")
        self.assertEqual(self.engine("port", "web").stdout, "")
