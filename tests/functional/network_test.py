"""What the tests of networks have in common: they need /dev/net/tun and a helper."""

import os
import shutil
import socket
import unittest
from pathlib import Path

from engine_test import BUSYBOX, EngineTest, is_alive, wait_until


def can_use_tun():
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR))
        return True
    except OSError:
        return False


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("0.0.0.0", 0))
        return probe.getsockname()[1]


def address_of_host():
    """One that is not loopback; empty on a host without a network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return probe.getsockname()[0]
        except OSError:
            return ""


def is_listening(port, name="tcp"):
    """Whether somebody listens (tcp) or is bound (udp), on any address."""
    state = "0A" if name == "tcp" else "07"
    wanted = f"{port:04X}"
    for table in (name, name + "6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if words[1].rpartition(":")[2] == wanted and words[3] == state:
                return True
    return False


def helpers():
    """Pids of the network helpers that run as this user."""
    found = set()
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and folder.stat().st_uid == os.getuid():
                words = (folder / "cmdline").read_bytes().split(b"\0")
                if words[0] in (b"slirp4netns", b"pasta", b"pasta.avx2") or b"_network" in words:
                    found.add(int(folder.name))
        except OSError:
            pass
    return {pid for pid in found if is_alive(pid)}


@unittest.skipUnless(can_use_tun(), "/dev/net/tun is closed to us")
@unittest.skipUnless(shutil.which("slirp4netns"), "slirp4netns is not installed")
class NetworkTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()
        self.before = helpers()
        self.addCleanup(self.assert_no_helpers)

    def assert_no_helpers(self):
        self.engine("rm", "--all", "--force", "--time", "0")
        wait_until(lambda: not helpers() - self.before, "no helper is left")

    def serve(self, *options, port=80, name="web"):
        """A detached container whose port answers."""
        return self.engine("run", "-d", "--name", name, *options, BUSYBOX, "nc", "-ll", "-p", str(port), "-e", "echo",
                           "answer").stdout.strip()

    def ask(self, port, address="127.0.0.1"):
        def answer():
            try:
                with socket.create_connection((address, port), timeout=5) as connection:
                    connection.settimeout(5)
                    data = b""
                    while piece := connection.recv(4096):
                        data += piece
                    return data.decode()
            except OSError:
                return ""
        return wait_until(answer, f"an answer from {address}:{port}")
