"""Sockets of systemd served by containers, and what --sdnotify makes a unit wait for."""

import os
import shutil
import socket
from pathlib import Path

from host_test import IS_ROOT, wait_until
from units_test import QUADLETS, UNITS, UnitsTest

GUEST = Path("/share/guest")
RUN = Path("/run" if IS_ROOT else f"/run/user/{os.getuid()}")


class GuestTest(UnitsTest):
    def setUp(self):
        super().setUp()
        self.assertTrue(GUEST.exists(), "GUEST must name tests/guest/guest")
        shutil.copy(GUEST, self.rootfs / "guest")

    def quadlet(self, name, lines, command, service="", socket_unit=None):
        self.write(QUADLETS, f"{name}.container",
                   f"[Container]\nRootfs={self.rootfs}\nNetwork=none\n{lines}\nExec={command}\n[Service]\n{service}\n")
        if socket_unit:
            self.write(UNITS, f"{name}.socket", socket_unit)
        self.systemctl("daemon-reload")
        self.started.append(f"{name}.service")


class SocketActivationTest(GuestTest):
    def socket_unit(self, name):
        path = RUN / f"{name}.sock"
        self.addCleanup(path.unlink, missing_ok=True)
        return path, f"[Socket]\nListenStream={path}\nFileDescriptorName=http\n"

    def ask(self, path):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(60)
            client.connect(str(path))
            return client.makefile().read()

    def assert_served(self, name, path):
        self.start_units(f"{name}.socket")
        self.assertEqual(self.show(f"{name}.service", "ActiveState"), "inactive")
        self.assertEqual(self.ask(path), "http of 1\n")
        self.assert_active(f"{name}.service")
        self.assertEqual(self.ask(path), "http of 1\n")

    def test_a_quadlet_serves_the_socket_of_its_unit(self):
        path, text = self.socket_unit("a-quadlet")
        self.quadlet("a-quadlet", "", "/guest serve", socket_unit=text)
        self.assert_served("a-quadlet", path)
        self.systemctl("stop", "a-quadlet.service", "a-quadlet.socket")
        self.assert_gone("systemd-a-quadlet")
        self.assert_served("a-quadlet", path)

    def test_a_command_in_the_foreground_serves_the_socket_of_its_unit(self):
        path, text = self.socket_unit("a-foreground")
        self.write(UNITS, "a-foreground.socket", text)
        self.write(UNITS, "a-foreground.service", "[Service]\nExecStart=/share/engine run --rm --network none --init --rootfs "
                                                  f"{self.rootfs} /guest serve\n")
        self.systemctl("daemon-reload")
        self.started.append("a-foreground.service")
        self.assert_served("a-foreground", path)

    def test_a_container_that_exists_is_started_by_a_request(self):
        path, text = self.socket_unit("container-a-existing")
        self.engine("create", "--name", "a-existing", "--network", "none", "--stop-timeout", 0, "--rootfs", self.rootfs,
                    "/guest", "serve")
        self.addCleanup(self.engine, "rm", "-f", "a-existing", check=False)
        self.write(UNITS, "container-a-existing.service", self.engine("generate", "systemd", "--name", "a-existing").stdout)
        self.write(UNITS, "container-a-existing.socket", text)
        self.systemctl("daemon-reload")
        self.started.append("container-a-existing.service")
        self.assert_served("container-a-existing", path)


class ReadinessTest(GuestTest):
    """--sdnotify: conmon is what test_quadlet.py does all the time."""

    def begin(self, name):
        self.systemctl("start", "--no-block", f"{name}.service")
        wait_until(lambda: self.engine("ps", "--filter", f"name=systemd-{name}", "--format", "{{.State}}").stdout
                   == "running\n", "the container runs")

    def test_container_the_program_says_when_it_is_ready(self):
        os.mkfifo(self.rootfs / "go", 0o666)
        self.quadlet("n-container", "Notify=true\nStopTimeout=0", "sh -c 'cat /go; exec /guest ready'")
        self.begin("n-container")
        self.assertEqual(self.show("n-container.service", "ActiveState"), "activating")
        (self.rootfs / "go").write_text("")
        self.wait_for_state("n-container.service", "active")

    def test_healthy_the_first_good_check_says_so(self):
        self.quadlet("n-healthy", "Notify=healthy\nHealthCmd=test -e /up\nHealthInterval=1s\nStopTimeout=0", "/guest wait")
        self.begin("n-healthy")
        self.assertEqual(self.show("n-healthy.service", "ActiveState"), "activating")
        self.engine("exec", "systemd-n-healthy", "touch", "/up")
        self.wait_for_state("n-healthy.service", "active")

    def test_healthy_a_container_that_never_is_fails_its_unit(self):
        self.quadlet("n-sick", "Notify=healthy\nHealthCmd=false\nHealthInterval=1s\nHealthRetries=1\nHealthOnFailure=kill\n"
                               "StopTimeout=0", "/guest wait")
        self.assertNotEqual(self.systemctl("start", "n-sick.service", check=False).status, 0)
        self.assertEqual(self.show("n-sick.service", "ActiveState"), "failed")
        self.assert_gone("systemd-n-sick")

    def test_ignore_nobody_says_anything(self):
        self.write(UNITS, "n-ignore.service", "[Service]\nType=notify\nTimeoutStopSec=1\nNotifyAccess=all\n"
                   "ExecStart=/share/engine run -d --rm "
                   "--name systemd-n-ignore --stop-timeout 0 --sdnotify ignore --cgroups no-conmon --network none "
                   f"--rootfs {self.rootfs} /guest wait\n")
        self.systemctl("daemon-reload")
        self.started.append("n-ignore.service")
        self.systemctl("start", "--no-block", "n-ignore.service")
        # Nobody names the monitor, either: what systemd sees is a main process that ended without a word.
        self.wait_for_state("n-ignore.service", "failed")
        self.assertEqual(self.show("n-ignore.service", "Result"), "protocol")


class NotThereTest(UnitsTest):
    def test_a_network_fails_with_a_clear_line(self):
        self.write(QUADLETS, "x-net.network", "[Network]\n")
        self.systemctl("daemon-reload")
        self.started.append("x-net-network.service")
        self.assertNotEqual(self.systemctl("start", "x-net-network.service", check=False).status, 0)
        command = self.show("x-net-network.service", "ExecStart")
        self.assertIn("network create --ignore systemd-x-net", command)
        result = self.engine("network", "create", "--ignore", "systemd-x-net", check=False)
        self.assertEqual((result.status, result.stderr.splitlines()[0]),
                         (125, "Error: engine network create is not there yet"))
