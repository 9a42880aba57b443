"""attach and init: several people at one container, and containers that wait for their start."""

import signal
import subprocess
import unittest

from engine_test import BUSYBOX, EngineTest, wait_until
from terminal import Terminal

PROMPT = "/ # "
CTRL_P, CTRL_Q, CTRL_X = "\x10", "\x11", "\x18"


class AttachTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()

    def shell(self):
        """A shell in the background; what attach shows begins with what it prints next."""
        return self.engine("run", "-dit", "--network", "none", BUSYBOX, "sh").stdout.strip()

    def attached(self, id, *options):
        terminal = Terminal(self, "attach", *options, id)
        terminal.send("\n")
        terminal.expect(PROMPT)
        return terminal

    def test_two_people_at_one_terminal(self):
        id = self.shell()
        first, second = self.attached(id), self.attached(id)
        first.send("echo $((6 * 7))\n")
        first.expect("\n42\r\n")
        second.expect("\n42\r\n")
        second.send("exit 3\n")
        self.assertEqual((first.end(), second.end()), (3, 3))
        first.assert_restored()
        self.assertEqual(self.engine("wait", id).stdout, "3\n")

    def test_detach_keys_leave_the_container_running(self):
        id = self.shell()
        terminal = self.attached(id)
        terminal.send(CTRL_P + CTRL_Q)
        self.assertEqual(terminal.end(), 0)
        terminal.assert_restored()
        other = self.attached(id, "--detach-keys", "ctrl-x")
        other.send(CTRL_P + CTRL_Q + "\n")
        other.expect(PROMPT)
        other.send(CTRL_X)
        self.assertEqual(other.end(), 0)
        self.assertEqual(self.status_of(id), "running")

    def test_start_has_detach_keys_of_its_own(self):
        id = self.engine("create", "-it", "--network", "none", BUSYBOX, "sh").stdout.strip()
        terminal = Terminal(self, "start", "-ai", "--detach-keys", "ctrl-x,x", id)
        terminal.expect(PROMPT)
        terminal.send(CTRL_P + CTRL_Q + "\n")
        terminal.expect(PROMPT)
        terminal.send(CTRL_X + "x")
        self.assertEqual(terminal.end(), 0)
        terminal.assert_restored()
        self.assertEqual(self.status_of(id), "running")

    def test_many_at_once_see_the_same(self):
        """Readers that come at any time, leave at any time, and one that does not read at all: each sees what comes, the
        container waits for nobody for good."""
        script = "while read line; do case $line in end) exit 7;; esac; i=0; while [ $i -lt 200 ]; do echo $line $i; i=$((i+1)); done; done"
        id = self.engine("run", "-di", "--network", "none", BUSYBOX, "sh", "-c", script).stdout.strip()
        readers = [self.start_engine("attach", "--no-stdin", id) for _ in range(6)]
        self.wait_for_clients(id, len(readers))
        writer = self.start_engine("attach", id, stdin=subprocess.PIPE)
        self.wait_for_clients(id, len(readers) + 1)
        writer.stdin.write("first\n")
        writer.stdin.flush()
        expected = [f"first {i}\n" for i in range(200)]
        for process in [*readers, writer]:
            self.assertEqual([process.stdout.readline() for _ in expected], expected)
        readers.pop().kill()
        self.wait_for_clients(id, len(readers) + 1)
        late = self.start_engine("attach", "--no-stdin", id)
        self.wait_for_clients(id, len(readers) + 2)
        readers.append(late)
        writer.stdin.write("second\nend\n")
        writer.stdin.flush()
        for process in [*readers, writer]:
            self.assertEqual(process.stdout.read(), "".join(f"second {i}\n" for i in range(200)))
            self.assertEqual(process.wait(60), 7)

    def wait_for_clients(self, id, count):
        def connected():
            with open("/proc/net/unix") as file:
                return sum(line.rstrip().endswith(id) and line.split()[5] == "03" for line in file) == count
        wait_until(connected, f"{count} are attached to {id}")

    def test_a_closed_window_leaves_the_container_running(self):
        id = self.shell()
        terminal = self.attached(id)
        terminal.hang_up()
        self.assertEqual(terminal.process.wait(60), 0)
        again = self.attached(id)
        again.send("exit\n")
        self.assertEqual(again.end(), 0)

    def test_input_goes_in_and_its_end_too(self):
        id = self.engine("run", "-di", "--network", "none", BUSYBOX, "sh", "-c", "cat; exit 4").stdout.strip()
        done = self.engine("attach", id, input="to the container\n", check=False)
        self.assertEqual((done.status, done.stdout), (4, "to the container\n"))

    def test_without_input_the_containers_stays_open(self):
        id = self.engine("run", "-di", "--network", "none", BUSYBOX, "cat").stdout.strip()
        watcher = self.start_engine("attach", "--no-stdin", id)
        self.wait_for_clients(id, 1)
        writer = self.start_engine("attach", id, stdin=subprocess.PIPE)
        writer.stdin.write("hello\n")
        writer.stdin.flush()
        self.assertEqual(watcher.stdout.readline(), "hello\n")
        self.assertEqual(self.status_of(id), "running")
        writer.stdin.close()
        writer.stdin = None
        self.assertEqual((watcher.wait(60), writer.wait(60)), (0, 0))

    def test_signals_are_passed_on(self):
        script = "trap 'echo got; exit 5' TERM; echo ready; while :; do sleep 0.05; done"
        id = self.engine("run", "-d", "--network", "none", BUSYBOX, "sh", "-c", script).stdout.strip()
        self.wait_for_log(id, "ready")
        process = self.start_engine("attach", id)
        self.wait_for_clients(id, 1)
        process.send_signal(signal.SIGTERM)
        self.assertEqual((process.wait(60), process.stdout.read()), (5, "got\n"))

    def test_without_sig_proxy_only_the_command_ends(self):
        id = self.start_sleeper()
        process = self.start_engine("attach", "--sig-proxy=false", id)
        self.wait_for_clients(id, 1)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(60), -signal.SIGTERM)  # 143 for a shell
        self.assertEqual(self.status_of(id), "running")

    def test_run_without_sig_proxy(self):
        for options in ((), ("--rm",), ("--rm", "-i")):
            for sent in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                with self.subTest(options=options, sent=sent):
                    process = self.start_engine("run", "--sig-proxy=false", "--name", "box", "--network", "none",
                                                *options, BUSYBOX, "sh", "-c", "echo ready; exec /guest wait")
                    self.assertEqual(process.stdout.readline(), "ready\n")
                    process.send_signal(sent)
                    self.assertEqual(process.wait(60), -sent)
                    self.assertEqual(self.status_of("box"), "running")
                    self.engine("rm", "-f", "box")

    def test_only_running_containers(self):
        id = self.engine("create", BUSYBOX).stdout.strip()
        self.assert_fails(self.engine("attach", id, check=False), 125, "not running")
        self.assert_fails(self.engine("attach", "nothing", check=False), 125, '"nothing"')
        self.assert_fails(self.engine("attach", "--detach-keys", "ctrl-1", self.start_sleeper(), check=False), 125)


class InitTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()

    def create(self, *words):
        return self.engine("create", "--network", "none", BUSYBOX, *words).stdout.strip()

    def test_the_program_runs_only_when_it_is_started(self):
        id = self.create("sh", "-c", "echo hello; exit 6")
        self.assertEqual(self.engine("init", id).stdout, id + "\n")
        state = self.inspect(id)["State"]
        self.assertEqual((state["Status"], state["Running"], state["StartedAt"][:4]), ("initialized", False, "0001"))
        self.assertGreater(state["Pid"], 0)
        self.assertEqual(self.engine("ps", "-q").stdout, "")
        self.assertEqual(self.engine("ps", "-a", "--format", "{{.Status}}").stdout, "Initialized\n")
        self.assertEqual(self.engine("logs", id).stdout, "")
        self.engine("start", id)
        self.assertEqual(self.engine("wait", id).stdout, "6\n")
        self.assertEqual(self.engine("logs", id).stdout, "hello\n")
        self.engine("start", id)  # as any other that has ended
        self.assertEqual(self.engine("wait", id).stdout, "6\n")

    def test_start_attached(self):
        id = self.create("sh", "-c", "echo hello; exit 6")
        self.engine("init", id)
        done = self.engine("start", "-a", id, check=False)
        self.assertEqual((done.status, done.stdout), (6, "hello\n"))

    def test_what_is_refused(self):
        id = self.create("true")
        self.engine("init", id)
        self.assert_fails(self.engine("init", id, check=False), 125, "initialized already")
        self.assert_fails(self.engine("exec", id, "true", check=False), 125, "initialized")
        self.assert_fails(self.engine("kill", id, check=False), 125, "initialized")
        self.assert_fails(self.engine("init", "nothing", check=False), 125, '"nothing"')
        self.assertEqual(self.engine("init", "--all").stdout, "")

    def test_ends_by_stop_and_goes_by_rm(self):
        first, second = self.create("true"), self.create("true")
        self.assertEqual(sorted(self.engine("init", "--all").stdout.split()), sorted([first, second]))
        self.engine("stop", first)
        self.assertEqual(self.status_of(first), "exited")
        self.engine("rm", second)
        self.engine("rm", first)
        self.assert_no_containers()
        self.assert_nothing_unfinished()

    def test_a_program_that_is_not_there(self):
        """The root file system is looked at when the container is made, as in podman."""
        id = self.create("/no/such/program")
        done = self.engine("init", id, check=False)
        if done.status == 0:
            done = self.engine("start", id, check=False)
        self.assertIn(done.status, (125, 127))
        self.assertIn("/no/such/program", done.stderr)
        self.engine("rm", id)


if __name__ == "__main__":
    unittest.main()
