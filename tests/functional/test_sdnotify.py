"""--sdnotify: what a service manager is told, and by whom."""

import os
import socket

from engine_test import BUSYBOX, EngineTest, wait_until


class SdNotifyTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()
        self.path = str(self.dir / "manager")
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.manager.close)
        self.manager.bind(self.path)
        self.manager.settimeout(60)

    def run_notifying(self, mode, *words, options=()):
        mode = ["--sdnotify", mode] if mode else []
        return self.engine("run", "-d", "--network", "none", *mode, *options, BUSYBOX, *words,
                           env={"NOTIFY_SOCKET": self.path}).stdout.strip()

    def told(self):
        return self.manager.recv(4096).decode().split("\n")

    def monitor_of(self, box):
        return self.engine("inspect", "--format", "{{.State.ConmonPid}}", box).stdout.strip()

    def test_conmon_the_container_is_ready_when_it_runs(self):
        box = self.run_notifying("conmon", "/guest", "wait")
        self.assertEqual(self.told(), [f"MAINPID={self.monitor_of(box)}", "READY=1"])
        self.assertNotIn("NOTIFY_SOCKET", self.engine("exec", box, "cat", "/proc/1/environ").stdout)

    def test_ignore_nothing_is_said(self):
        self.run_notifying("ignore", "/guest", "wait")
        self.manager.setblocking(False)
        self.assertRaises(BlockingIOError, self.manager.recv, 4096)

    def test_healthy_it_is_ready_when_a_check_succeeds(self):
        box = self.run_notifying("healthy", "/guest", "wait",
                                 options=("--health-cmd", "test -e /tmp/up", "--health-interval", "200ms"))
        self.assertEqual(self.told(), [f"MAINPID={self.monitor_of(box)}"])
        self.engine("exec", box, "touch", "/tmp/up")
        self.assertEqual(self.told(), ["READY=1"])
        self.assertEqual(self.told(), ["BARRIER=1"])  # the sender waits until it was seen, and then ends

    def test_container_its_program_says_so_and_no_more(self):
        """The program gets a socket of its own; of what it says only READY=1 is passed on."""
        box = self.run_notifying("", "/guest", "wait")
        monitor = self.monitor_of(box)
        self.assertEqual(self.told(), [f"MAINPID={monitor}"])
        program = self.engine("exec", box, "cat", "/proc/1/environ").stdout.split("\0")
        self.assertIn("NOTIFY_SOCKET=/run/notify/notify.sock", program)
        inside = self.root / "containers" / box / "notify/notify.sock"
        program = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(program.close)
        os.chdir(inside.parent)  # its path is longer than an address may be
        self.addCleanup(os.chdir, "/")
        for message in (b"MAINPID=1", b"STATUS=READY=1", b"STATUS=up\nREADY=1"):
            program.sendto(message, "notify.sock")
        self.assertEqual(self.told(), [f"MAINPID={monitor}", "READY=1"])

    def test_the_monitor_ends_as_the_container_did(self):
        box = self.run_notifying("conmon", "sh", "-c", "exit 5")
        self.assertIn("READY=1", self.told())
        self.assertEqual(self.engine("wait", box).stdout, "5\n")
        wait_until(lambda: not os.path.exists(f"/proc/{self.monitor_of(box) or 'none'}"), "the monitor's end")
