"""--sdnotify: what a service manager is told, and by whom."""

import os
import queue
import re
import socket
import subprocess
import threading
from pathlib import Path

from engine_test import BUSYBOX, EngineTest, wait_until

BARRIER = ["BARRIER=1"]  # the sender waits until it was seen, and then ends


class SdNotifyTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()
        self.path = str(self.dir / "manager")
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.manager.close)
        self.manager.bind(self.path)
        self.messages = queue.Queue()

    def start_manager(self):
        """Reads as systemd does. What it is told ends with an empty message."""
        def read():
            while message := self.manager.recv(4096):  # descriptors that come with it are closed
                self.messages.put(message.decode().split("\n"))

        self.reader = threading.Thread(target=read)
        self.reader.start()
        self.addCleanup(self.end_manager)

    def end_manager(self):
        """All that was said until now has been read."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
            end.sendto(b"", self.path)
        self.reader.join()

    def run_notifying(self, mode, *words, options=()):
        self.start_manager()
        mode = ["--sdnotify", mode] if mode else []
        return self.engine("run", "-d", "--network", "none", *mode, *options, BUSYBOX, *words,
                           env={"NOTIFY_SOCKET": self.path}).stdout.strip()

    def told(self):
        return self.messages.get(timeout=60)

    def monitor_of(self, box):
        return self.engine("inspect", "--format", "{{.State.ConmonPid}}", box).stdout.strip()

    def test_conmon_the_container_is_ready_when_it_runs(self):
        box = self.run_notifying("conmon", "/guest", "wait")
        self.assertEqual(self.told(), [f"MAINPID={self.monitor_of(box)}", "READY=1"])
        self.assertEqual(self.told(), BARRIER)
        self.assertNotIn("NOTIFY_SOCKET", self.engine("exec", box, "cat", "/proc/1/environ").stdout)

    def test_ignore_nothing_is_said(self):
        self.run_notifying("ignore", "/guest", "wait")
        self.end_manager()
        self.assertTrue(self.messages.empty())

    def test_healthy_it_is_ready_when_a_check_succeeds(self):
        box = self.run_notifying("healthy", "/guest", "wait",
                                 options=("--health-cmd", "test -e /tmp/up", "--health-interval", "200ms"))
        self.assertEqual([self.told(), self.told()], [[f"MAINPID={self.monitor_of(box)}"], BARRIER])
        self.engine("exec", box, "touch", "/tmp/up")
        self.assertEqual([self.told(), self.told()], [["READY=1"], BARRIER])

    def test_container_its_program_says_so_and_no_more(self):
        """The program gets a socket of its own; of what it says only READY=1 is passed on."""
        box = self.run_notifying("", "/guest", "wait")
        monitor = self.monitor_of(box)
        self.assertEqual([self.told(), self.told()], [[f"MAINPID={monitor}"], BARRIER])
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

    def test_run_is_there_until_the_manager_knows_the_monitor_as_its_own(self):
        """Else it may see the end of `run`, the main process until then, first; and the monitor is no child of `run`."""
        self.manager.settimeout(60)
        run = self.start_engine("run", "-d", "--network", "none", "--sdnotify", "conmon", BUSYBOX, "/guest", "wait",
                                env={**self.environment, "NOTIFY_SOCKET": self.path})
        monitor = re.fullmatch("MAINPID=([0-9]+)\nREADY=1", self.manager.recv(4096).decode()).group(1)
        parent = re.search("^PPid:\t([0-9]+)$", Path(f"/proc/{monitor}/status").read_text(), re.M).group(1)
        self.assertNotEqual(parent, str(run.pid))
        message, descriptors, _, _ = socket.recv_fds(self.manager, 4096, 1)
        self.assertEqual((message, len(descriptors)), (b"BARRIER=1", 1))
        self.assertRaises(subprocess.TimeoutExpired, run.wait, 1)
        os.close(descriptors[0])
        self.assertEqual(run.wait(60), 0)

    def test_the_monitor_ends_as_the_container_did(self):
        box = self.run_notifying("conmon", "sh", "-c", "exit 5")
        self.assertIn("READY=1", self.told())
        self.assertEqual(self.engine("wait", box).stdout, "5\n")
        wait_until(lambda: not os.path.exists(f"/proc/{self.monitor_of(box) or 'none'}"), "the monitor's end")
