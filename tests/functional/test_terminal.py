"""A person works in a container: prompt, window size, Ctrl-C, Ctrl-Z, leaving it running, and a terminal as before."""

import json
import signal
from pathlib import Path

from engine_test import BUSYBOX, EngineTest, wait_until
from terminal import Terminal

CTRL_C, CTRL_D, CTRL_P, CTRL_Q, CTRL_Z = "\x03", "\x04", "\x10", "\x11", "\x1a"
PROMPT = "/ # "


class TerminalTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()

    def shell(self, *options):
        """A shell in a new container, at its prompt."""
        terminal = Terminal(self, "run", "-it", "--network", "none", *options, BUSYBOX, "sh")
        terminal.expect(PROMPT)
        return terminal


class SessionTest(TerminalTest):
    def test_a_session_in_a_shell(self):
        terminal = self.shell("--rm")
        terminal.send("echo $((6 * 7))\n")
        terminal.expect("\n42\r\n")
        terminal.send("exit 3\n")
        self.assertEqual(terminal.end(), 3)
        terminal.assert_restored()
        self.assert_no_containers()

    def test_what_a_program_sees_of_its_terminal(self):
        terminal = Terminal(self, "run", "-it", "--rm", "--network", "none", BUSYBOX, "/guest", rows=33, columns=111)
        self.assertEqual(terminal.end(), 0)
        report = json.loads(terminal.shown)
        self.assertEqual(report["terminal"], {"stdin": 1, "stdout": 1, "stderr": 1, "rows": 33, "columns": 111,
                                              "foreground_group": report["process_group"]})
        self.assertEqual(report["session"], report["pid"])
        self.assertIn("TERM=xterm", report["env"])
        self.assertEqual(sorted(report["fds"]), ["0", "1", "2"])

    def test_end_of_input_ends_the_shell(self):
        terminal = self.shell("--rm")
        terminal.send(CTRL_D)
        self.assertEqual(terminal.end(), 0)
        terminal.assert_restored()

    def test_an_input_that_is_no_terminal_ends_for_the_program_as_well(self):
        self.assertEqual(self.engine("run", "--rm", "-it", "--network", "none", BUSYBOX, "cat", timeout=60).stdout, "")
        for text in ("a line\n", "in a line"):
            done = self.engine("run", "--rm", "-it", "--network", "none", BUSYBOX, "cat", input=text, timeout=60)
            self.assertIn(text.strip(), done.stdout)
        id = self.start_sleeper()
        self.assertEqual(self.engine("exec", "-it", id, "cat", timeout=60).stdout, "")

    def test_the_window_size_follows(self):
        terminal = self.shell("--rm")
        terminal.send("stty size\n")
        terminal.expect("24 80\r\n")
        terminal.resize(40, 132)
        # The signal and the typed line take different ways, so the shell is asked until it knows.
        terminal.send("until [ \"$(stty size)\" = '40 132' ]; do :; done; echo resized\n")
        terminal.expect("\nresized\r\n")
        terminal.send("exit\n")
        self.assertEqual(terminal.end(), 0)

    def test_ctrl_c_interrupts_the_program_in_the_container(self):
        terminal = self.shell("--rm")
        terminal.send("echo go; /guest wait; echo code $?\n")
        terminal.expect("\nready\r\n")
        terminal.send(CTRL_C)
        terminal.expect(PROMPT)
        terminal.send("echo still here\n")
        terminal.expect("\nstill here\r\n")
        terminal.send("exit\n")
        terminal.end()

    def test_ctrl_z_is_job_control_of_the_shell_in_the_container(self):
        terminal = self.shell("--rm")
        terminal.send("/guest wait\n")
        terminal.expect("\nready\r\n")
        terminal.send(CTRL_Z)
        terminal.expect("Stopped")
        terminal.expect(PROMPT)
        state = Path(f"/proc/{terminal.process.pid}/stat").read_text().rpartition(")")[2].split()[0]
        self.assertNotEqual(state, "T", "engine itself was stopped")
        # No prompt is waited for: the job's SIGCHLD may interrupt the shell while it writes it, and then it is lost.
        # The first exit may only warn of stopped jobs.
        terminal.send("kill -9 %1\nexit 5\nexit 5\n")
        self.assertEqual(terminal.end(), 5)
        terminal.assert_restored()

    def test_a_lot_of_output_arrives_whole(self):
        terminal = self.shell("--rm")
        terminal.send("seq 1 20000; echo the end\n")
        shown = terminal.expect("\nthe end\r\n")
        self.assertIn("\r\n".join(str(number) for number in range(1, 20001)), shown)
        terminal.send("exit\n")
        terminal.end()

    def test_exec_with_a_terminal(self):
        container = self.start_sleeper()
        terminal = Terminal(self, "exec", "-it", container, "sh", rows=30, columns=90)
        terminal.expect(PROMPT)
        terminal.send("stty size; tty\n")
        terminal.expect("30 90\r\n/dev/pts/")
        terminal.resize(31, 91)
        terminal.send("until [ \"$(stty size)\" = '31 91' ]; do :; done; echo resized\n")
        terminal.expect("\nresized\r\n")
        terminal.send("exit 6\n")
        self.assertEqual(terminal.end(), 6)
        terminal.assert_restored()
        self.assertEqual(self.status_of(container), "running")


class RestoreTest(TerminalTest):
    """However a session ends, the terminal is as before."""

    def test_when_the_container_is_killed(self):
        terminal = self.shell("--name", "box")
        self.engine("kill", "box")
        self.assertEqual(terminal.end(), 137)
        terminal.assert_restored()

    def test_when_engine_gets_a_signal(self):
        """It is the container's to handle; the session goes on or ends as that decides."""
        terminal = self.shell("--name", "box")
        terminal.send("trap 'exit 9' TERM\n")
        terminal.expect(PROMPT)
        terminal.process.terminate()
        terminal.send("\n")  # the shell looks at its traps after a line
        self.assertEqual(terminal.end(), 9)
        terminal.assert_restored()

    def test_when_the_program_does_not_exist(self):
        terminal = Terminal(self, "run", "-it", "--rm", "--network", "none", BUSYBOX, "no-such-program")
        self.assertEqual(terminal.end(), 127)
        terminal.assert_restored()
        self.assertIn("Error: ", terminal.shown)
        self.assert_no_containers()

    def test_when_the_image_does_not_exist(self):
        terminal = Terminal(self, "run", "-it", "--pull", "never", "localhost/absent", "sh")
        self.assertEqual(terminal.end(), 125)
        terminal.assert_restored()


class LostTest(TerminalTest):
    def test_a_closed_window_ends_the_command_but_not_the_container(self):
        terminal = self.shell("--name", "box")
        terminal.hang_up()
        terminal.process.wait(timeout=60)
        self.assertIn(self.status_of("box"), ("running", "exited"))  # the shell may end when its input ends
        self.engine("rm", "-f", "--time", "0", "box")

    def test_the_container_outlives_a_killed_command(self):
        terminal = self.shell("--name", "box")
        terminal.process.kill()
        terminal.process.wait()
        self.assertEqual(self.status_of("box"), "running")
        again = Terminal(self, "start", "-ai", "box")
        again.send("exit 4\n")
        self.assertEqual(again.end(), 4)


class DetachTest(TerminalTest):
    def test_detach_keys_leave_the_container_running_and_start_goes_back(self):
        terminal = self.shell("--name", "box")
        terminal.send("variable=remembered\n")
        terminal.expect(PROMPT)
        terminal.send(CTRL_P + CTRL_Q)
        self.assertEqual(terminal.end(), 0)
        terminal.assert_restored()
        self.assertIn("box", self.engine("ps").stdout)

        again = Terminal(self, "start", "-ai", "box")
        again.send("echo is $variable\n")
        again.expect("\nis remembered\r\n")
        again.send("exit 4\n")
        self.assertEqual(again.end(), 4)
        again.assert_restored()

    def test_keys_can_be_chosen(self):
        terminal = self.shell("--name", "box", "--detach-keys", "ctrl-x,x")
        terminal.send(CTRL_P + CTRL_Q)
        terminal.send("\x18x")
        self.assertEqual(terminal.end(), 0)
        self.assertEqual(self.status_of("box"), "running")

    def test_a_container_made_for_a_terminal_starts_with_one(self):
        self.engine("create", "-it", "--name", "box", "--network", "none", BUSYBOX, "sh")
        terminal = Terminal(self, "start", "-ai", "box")
        terminal.expect(PROMPT)
        terminal.send("tty; exit 2\n")
        terminal.expect("/dev/pts/")
        self.assertEqual(terminal.end(), 2)
        terminal.assert_restored()
        wait_until(lambda: self.status_of("box") == "exited", "the container has exited")

    def test_a_terminal_without_anybody(self):
        """-d -t: a terminal that nobody looks at; what is written goes to the log."""
        container = self.engine("run", "-d", "-t", "--network", "none", BUSYBOX, "sh", "-c",
                                "tty; echo said").stdout.strip()
        self.engine("wait", container)
        self.assertIn("said\r\n", self.engine("logs", container, text=False).stdout.decode())
