"""A hostile program at a terminal: what it types, reads or resizes is its own terminal and never the caller's."""

import errno
import fcntl
import json
import os
import select
import struct
import subprocess
import termios

from engine_test import BUSYBOX, EngineTest
from terminal import Terminal

SECRET = "typed for the caller's shell\n"


class AttackTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()

    def at_terminal(self, *words):
        return Terminal(self, *words, rows=24, columns=80)

    def typed(self, terminal):
        """What waits to be read from the caller's terminal: somebody typed it."""
        attributes = termios.tcgetattr(terminal.slave)
        attributes[3] &= ~termios.ICANON  # also what is no whole line yet
        termios.tcsetattr(terminal.slave, termios.TCSANOW, attributes)
        if not select.select([terminal.slave], [], [], 0)[0]:
            return ""
        return os.read(terminal.slave, 4096).decode()

    def window_size(self, terminal):
        return struct.unpack("HHHH", fcntl.ioctl(terminal.slave, termios.TIOCGWINSZ, bytes(8)))[:2]

    def attempts(self, terminal):
        self.assertEqual(terminal.end(), 0, terminal.shown)
        return json.loads(terminal.shown)

    def assert_all_refused(self, attempts):
        self.assertEqual({one["error"] for one in attempts}, {errno.EPERM}, attempts)


class InjectionTest(AttackTest):
    def test_this_test_can_see_an_injection(self):
        """Outside of a container it works, unless the kernel forbids it; then the tests below prove less."""
        master, slave = os.openpty()
        self.addCleanup(os.close, master)
        self.addCleanup(os.close, slave)
        probe = ("import fcntl, os, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
                 "fcntl.ioctl(0, termios.TIOCSTI, b'X')")
        done = subprocess.run(["/usr/bin/python3", "-c", probe], stdin=slave, stderr=subprocess.PIPE)
        if done.returncode != 0:
            self.skipTest("dev.tty.legacy_tiocsti is 0: the kernel refuses everybody")
        self.assertTrue(os.read(master, 10))

    def test_run_with_a_terminal(self):
        for options in ([], ["--privileged", "--security-opt", "seccomp=builtin"], ["-u", "1000"], ["--cap-add", "ALL"]):
            with self.subTest(options=options):
                terminal = self.at_terminal("run", "--rm", "-it", "--network", "none", *options, BUSYBOX, "/guest",
                                            "inject")
                attempts = self.attempts(terminal)
                self.assertIn("/dev/tty", {one["where"] for one in attempts})
                self.assert_all_refused(attempts)
                self.assertEqual(self.typed(terminal), "")

    def test_exec_with_a_terminal(self):
        container = self.start_sleeper()
        terminal = self.at_terminal("exec", "-it", container, "/guest", "inject")
        self.assert_all_refused(self.attempts(terminal))
        self.assertEqual(self.typed(terminal), "")

    def test_without_the_filter_only_the_containers_own_terminal_is_reached(self):
        terminal = self.at_terminal("run", "--rm", "-it", "--network", "none", "--privileged", "--security-opt",
                                    "seccomp=unconfined", BUSYBOX, "/guest", "inject")
        self.assertEqual(terminal.end(), 0)
        self.assertEqual(self.typed(terminal), "")

    def test_without_a_terminal_there_is_none_to_type_into(self):
        """The caller sits at a terminal, but did not give one to the container."""
        container = self.start_sleeper()
        for words in (["run", "--rm", "--network", "none", BUSYBOX], ["run", "--rm", "-i", "--network", "none", BUSYBOX],
                      ["run", "--rm", "--network", "none", "--security-opt", "seccomp=unconfined", BUSYBOX],
                      ["exec", container], ["exec", "-i", container], ["exec", "--privileged", container]):
            with self.subTest(words=words):
                terminal = self.at_terminal(*words, "/guest", "inject")
                for one in self.attempts(terminal):
                    self.assertIn(one["error"], (errno.EPERM, errno.ENOTTY), one)
                self.assertEqual(self.typed(terminal), "")


class CallersTerminalTest(AttackTest):
    def test_no_descriptor_of_the_callers_terminal_is_inside(self):
        container = self.start_sleeper()
        for words in (["run", "--rm", "--network", "none", BUSYBOX], ["run", "--rm", "-i", "--network", "none", BUSYBOX],
                      ["exec", container], ["exec", "-i", container]):
            with self.subTest(words=words):
                terminal = self.at_terminal(*words, "/guest")
                self.assertEqual(terminal.end(), 0)
                report = json.loads(terminal.shown)
                self.assertEqual((report["terminal"]["stdin"], report["terminal"]["stdout"],
                                  report["terminal"]["stderr"]), (0, 0, 0))
                for link in report["fds"].values():
                    self.assertNotIn("/dev/pts", link)

    def test_what_the_caller_typed_is_not_read(self):
        for options in ([], ["-t"]):
            with self.subTest(options=options):
                terminal = self.at_terminal("run", "--rm", *options, "--network", "none", BUSYBOX, "sh", "-c",
                                            "echo ready; for at in /dev/tty /proc/self/fd/*; do "
                                            "timeout -s KILL 1 head -c 1 $at; done 2> /dev/null; echo done")
                terminal.expect("ready")
                os.write(terminal.master, SECRET.encode())
                self.assertEqual(terminal.end(), 0)
                self.assertNotIn("\n" + SECRET[0], terminal.shown.replace("\r", "").replace(SECRET, ""))
                self.assertEqual(self.typed(terminal), SECRET)

    def test_it_is_not_resized(self):
        for words in (["run", "--rm", "-it", "--network", "none", BUSYBOX], ["exec", "-it", self.start_sleeper()]):
            with self.subTest(words=words):
                terminal = self.at_terminal(*words, "sh", "-c", "stty rows 5 cols 6 && stty size")
                terminal.expect("5 6\r\n")
                self.assertEqual(terminal.end(), 0)
                self.assertEqual(self.window_size(terminal), (24, 80))

    def test_its_settings_are_not_changed(self):
        terminal = self.at_terminal("run", "--rm", "-it", "--network", "none", BUSYBOX, "sh", "-c",
                                    "stty raw -echo intr a; echo ready; exit 0")
        self.assertEqual(terminal.end(), 0)
        terminal.assert_restored()
