"""A container in the background from create to rm: logs, wait, stop, kill, start, exec, ps, inspect."""

import json
import os
import re
import signal
from pathlib import Path

from engine_test import BUSYBOX, EngineTest, is_alive, wait_until

# Ends with 7 at SIGTERM, says how it goes; process 1 hears only signals that it handles.
POLITE = "trap 'echo bye; exit 7' TERM; echo ready; while :; do read -t 1 line < /dev/zero; done"


class LifeTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()

    def start(self, *words, options=()):
        return self.engine("run", "-d", "--network", "none", *options, BUSYBOX, *words).stdout.strip()

    def ended(self, container):
        wait_until(lambda: self.status_of(container) == "exited", f"{container} has exited")


class BackgroundTest(LifeTest):
    def test_detached_prints_the_id_and_returns_at_once(self):
        done = self.engine("run", "-d", "--network", "none", BUSYBOX, "/guest", "wait")
        self.assertRegex(done.stdout, r"^[0-9a-f]{64}\n$")
        self.assertEqual(done.stderr, "")
        self.assertEqual(self.status_of(done.stdout.strip()), "running")

    def test_logs_keep_both_streams_apart_and_in_order(self):
        container = self.start("sh", "-c", "echo one; echo two >&2; echo three; printf four")
        self.engine("wait", container)
        logs = self.engine("logs", container)
        self.assertEqual(logs.stderr, "two\n")
        self.assertEqual(logs.stdout.rstrip("\n"), "one\nthree\nfour")

    def test_the_end_of_a_log(self):
        container = self.start("sh", "-c", "echo one; echo two; printf three")
        self.engine("wait", container)
        self.assertEqual(self.engine("logs", "--tail", "1", container).stdout.rstrip("\n"), "three")
        self.assertEqual(self.engine("logs", "--tail", "2", container).stdout.rstrip("\n"), "two\nthree")

    def test_logs_of_a_lot_of_output(self):
        container = self.start("seq", "1", "50000")
        self.engine("wait", container)
        self.assertEqual(self.engine("logs", container).stdout, "".join(f"{number}\n" for number in range(1, 50001)))

    def test_logs_follow_ends_with_the_container(self):
        container = self.start("sh", "-c", POLITE)
        follower = self.start_engine("logs", "-f", container)
        self.assertEqual(follower.stdout.readline(), "ready\n")
        self.engine("kill", "-s", "TERM", container)
        stdout, _ = follower.communicate(timeout=60)
        self.assertEqual((stdout, follower.returncode), ("bye\n", 0))

    def test_foreground_output_is_logged_too(self):
        self.engine("run", "--name", "box", "--network", "none", BUSYBOX, "echo", "hello")
        self.assertEqual(self.engine("logs", "box").stdout, "hello\n")

    def test_wait_prints_exit_codes(self):
        first, second = self.start("/guest", "exit", "3"), self.start("/guest", "exit", "0")
        self.assertEqual(self.engine("wait", first, second).stdout, "3\n0\n")
        self.assertEqual(self.engine("wait", first).stdout, "3\n")

    def test_wait_for_several_hears_those_that_end_first(self):
        """Nothing of the second is left when the first one has ended."""
        script = "until [ -e /go ]; do :; done; exit "
        first, second = (self.start("sh", "-c", script + code, options=["--rm"]) for code in ("4", "5"))
        waiter = self.start_engine("wait", first, second)
        wait_until(lambda: Path("/proc/net/unix").read_text().count(second) > 1, "the second one is listened to, too")
        self.engine("exec", second, "touch", "/go", check=False)
        wait_until(lambda: second not in self.engine("ps", "-aq", "--no-trunc").stdout, "the second one is gone")
        self.engine("exec", first, "touch", "/go", check=False)
        stdout, stderr = waiter.communicate(timeout=60)
        self.assertEqual((stdout, stderr, waiter.returncode), ("4\n5\n", "", 0))

    def test_a_detached_container_with_rm_goes_when_it_ends(self):
        container = self.start("sh", "-c", POLITE, options=["--rm"])
        self.wait_for_log(container, "ready")
        self.engine("stop", container)
        wait_until(lambda: self.engine("ps", "-aq").stdout == "", "the container is removed")
        self.assert_nothing_unfinished()


class StopTest(LifeTest):
    def test_stop_is_polite_and_then_firm(self):
        polite, firm = self.start("sh", "-c", POLITE), self.start("/guest", "wait")
        self.wait_for_log(polite, "ready")
        self.engine("stop", polite)
        self.assertEqual(self.inspect(polite)["State"]["ExitCode"], 7)
        self.assertEqual(self.engine("logs", polite).stdout, "ready\nbye\n")
        self.engine("stop", "--time", "0", firm)
        self.assertEqual(self.inspect(firm)["State"]["ExitCode"], 137)
        self.engine("stop", polite)  # once more is no error

    def test_stop_signal_of_the_command_line(self):
        script = POLITE.replace("TERM", "USR1")
        container = self.start("sh", "-c", script, options=["--stop-signal", "USR1"])
        self.wait_for_log(container, "ready")
        self.engine("stop", container)
        self.assertEqual(self.inspect(container)["State"]["ExitCode"], 7)

    def test_kill_sends_any_signal(self):
        container = self.start("sh", "-c", "trap 'echo hup' HUP; trap 'exit 8' USR2; echo ready; "
                               "while :; do read -t 1 line < /dev/zero; done")
        self.wait_for_log(container, "ready")
        for name in ("HUP", "SIGHUP", "1"):
            count = self.engine("logs", container).stdout.count("hup")
            self.engine("kill", "--signal", name, container)
            wait_until(lambda: self.engine("logs", container).stdout.count("hup") > count, f"{name} arrives")
        self.engine("kill", "--signal", "USR2", container)
        self.assertEqual(self.engine("wait", container).stdout, "8\n")
        self.assert_fails(self.engine("kill", container, check=False), 125, container[:12])

    def test_all_processes_of_a_container_end_with_it(self):
        container = self.start("sh", "-c", "/guest wait & /guest wait & wait")
        wait_until(lambda: self.engine("logs", container).stdout.count("ready") == 2, "both are ready")
        main = self.inspect(container)["State"]["Pid"]
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        self.assertEqual(len(children), 2)
        self.engine("kill", container)
        self.engine("wait", container)
        for child in children:
            wait_until(lambda: not is_alive(child), "the process has ended")

    def test_rm_needs_force_while_it_runs(self):
        container = self.start("/guest", "wait")
        result = self.engine("rm", container, check=False)
        self.assertEqual(result.status, 2, result)
        self.assertIn("hint: ", result.stderr)
        self.engine("rm", "-f", "--time", "0", container)
        self.assert_no_containers()
        self.assertEqual(self.engine("rm", container, check=False).status, 1)
        self.engine("rm", "-f", container)
        self.assert_nothing_unfinished()


class StartTest(LifeTest):
    def test_create_then_start(self):
        container = self.engine("create", "--network", "none", BUSYBOX, "sh", "-c",
                                "echo run >> /count; wc -l < /count").stdout.strip()
        self.assertEqual(self.status_of(container), "created")
        self.assertEqual(self.engine("start", "-a", container).stdout, "1\n")
        self.assertEqual(self.engine("start", "-a", container).stdout, "2\n")  # files stay
        self.assertEqual(self.engine("start", container).stdout.strip(), container)
        self.engine("wait", container)
        self.ended(container)
        self.assertEqual(self.engine("logs", container).stdout, "1\n2\n3\n")

    def test_start_as_soon_as_run_has_returned(self):
        """The command's end is the container's end: the next command need not wait."""
        for round in range(5):
            self.engine("run", "--replace", "--name", "box", "--network", "none", BUSYBOX, "true")
            self.engine("start", "-a", "box")
            self.engine("rm", "box")

    def test_start_with_input(self):
        container = self.engine("create", "-i", "--network", "none", BUSYBOX, "wc", "-c").stdout.strip()
        self.assertEqual(self.engine("start", "-ai", container, input="12345").stdout, "5\n")

    def test_a_signal_for_what_was_started(self):
        words = ("sh", "-c", "trap 'echo got; exit 5' TERM; echo ready; while :; do sleep 0.05; done")
        for options, status, after in (((), 5, "exited"), (("--sig-proxy=false",), -signal.SIGTERM, "running")):
            with self.subTest(options=options):
                id = self.engine("create", "--network", "none", BUSYBOX, *words).stdout.strip()
                process = self.start_engine("start", "--attach", *options, id)
                self.assertEqual(process.stdout.readline(), "ready\n")
                process.send_signal(signal.SIGTERM)
                self.assertEqual(process.wait(60), status)
                self.assertEqual(self.status_of(id), after)

    def test_starting_twice_is_harmless(self):
        container = self.start("/guest", "wait")
        pid = self.inspect(container)["State"]["Pid"]
        self.engine("start", container)
        self.assertEqual(self.inspect(container)["State"]["Pid"], pid)


class ExecTest(LifeTest):
    def setUp(self):
        super().setUp()
        self.container = self.start("/guest", "wait", options=["-e", "FROM=run", "-w", "/tmp", "--hostname", "box"])

    def test_a_second_process_shares_everything_with_the_first(self):
        first = Path(f"/proc/{self.inspect(self.container)['State']['Pid']}/ns")
        report = self.engine("exec", self.container, "/guest").json()
        for name in ("user", "mnt", "pid", "ipc", "uts", "net", "cgroup"):
            self.assertEqual(report["namespaces"][name], os.readlink(first / name), name)
        self.assertEqual(report["hostname"], "box")
        self.assertIn("FROM=run", report["env"])
        self.assertEqual(report["cwd"], "/tmp")
        self.assertEqual(report["uid"], 0)
        self.assertEqual(int(report["status"]["CapInh"], 16), 0)
        self.assertEqual(report["status"]["Seccomp"], "2")

    def test_options(self):
        report = self.engine("exec", "-e", "MORE=x", "-u", "user", "-w", "/etc", self.container, "/guest").json()
        self.assertIn("MORE=x", report["env"])
        self.assertIn("HOME=/home/user", report["env"])
        self.assertEqual((report["uid"], report["gid"], report["cwd"]), (1000, 1000, "/etc"))
        self.assertEqual(int(report["status"]["CapEff"], 16), 0)
        self.assertEqual(self.engine("exec", "--privileged", self.container, "/guest").json()["status"]["Seccomp"], "0")

    def test_input_output_and_exit_code(self):
        done = self.engine("exec", "-i", self.container, "sh", "-c", "cat; echo err >&2; exit 9", input="in",
                           check=False)
        self.assertEqual((done.stdout, done.stderr, done.status), ("in", "err\n", 9))
        data = os.urandom(1024) * 10240
        self.assertEqual(self.engine("exec", "-i", self.container, "cat", input=data, text=False).stdout == data, True)

    def test_failures(self):
        self.assert_fails(self.engine("exec", self.container, "no-such", check=False), 127, "no-such")
        self.assert_fails(self.engine("exec", self.container, "/etc/passwd", check=False), 126, "/etc/passwd")
        self.assert_fails(self.engine("exec", "nobody", "true", check=False), 125, "nobody")
        self.engine("kill", self.container)
        self.engine("wait", self.container)
        self.ended(self.container)
        self.assert_fails(self.engine("exec", self.container, "true", check=False), 125)

    def test_exec_in_the_background_with_a_terminal_that_nobody_looks_at(self):
        self.engine("exec", "-dt", self.container, "sh", "-c",
                    "tty > /name; i=0; while [ $i -lt 3000 ]; do echo a line that nobody reads $i; i=$((i+1)); done;"
                    " echo ended > /name2")
        wait_until(lambda: self.engine("exec", self.container, "cat", "/name2", check=False).stdout == "ended\n",
                   "all was written")
        self.assertRegex(self.engine("exec", self.container, "cat", "/name").stdout, "^/dev/pts/")

    def test_detached(self):
        self.engine("exec", "-d", self.container, "sh", "-c", "echo done > /done; exec /guest wait")
        wait_until(lambda: self.engine("exec", self.container, "cat", "/done", check=False).stdout == "done\n",
                   "it ran")

    def test_signals_are_passed_on(self):
        process = self.start_engine("exec", self.container, "sh", "-c", "trap 'echo got; exit 5' TERM; echo ready; "
                                    "while :; do read -t 1 line < /dev/zero; done")
        self.assertEqual(process.stdout.readline(), "ready\n")
        process.terminate()
        stdout, _ = process.communicate(timeout=60)
        self.assertEqual((stdout, process.returncode), ("got\n", 5))


class ListTest(LifeTest):
    def test_ps_looks_again_and_again(self):
        self.engine("create", "--name", "first", "--network", "none", BUSYBOX)
        process = self.start_engine("ps", "-a", "--watch", "1", "--format", "{{.Names}}")
        self.assertEqual(self.names_until(process, "first"), {"first"})
        self.engine("create", "--name", "second", "--network", "none", BUSYBOX)
        self.assertEqual(self.names_until(process, "second"), {"first", "second"})
        self.engine("rm", "first", "second")
        self.engine("create", "--name", "third", "--network", "none", BUSYBOX)
        self.names_until(process, "third")
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGTERM)
        self.assertNotEqual(process.wait(60), 0)

    def names_until(self, process, wanted):
        """Names that `ps` shows up to this one, without what clears a terminal."""
        seen = set()
        while wanted not in seen:
            line = process.stdout.readline()
            self.assertTrue(line, f"the end before {wanted} was shown")
            seen.add(re.sub(r"\x1b\[[0-9;]*[A-Z]", "", line).strip())
        return seen

    def test_the_size_of_what_a_container_has_written(self):
        id = self.start("sh", "-c", "head -c 300000 /dev/zero > /data; echo written; exec /guest wait")
        self.wait_for_log(id, "written")
        found = self.engine("container", "inspect", "--size", id).json()[0]
        self.assertGreaterEqual(found["SizeRw"], 300000)
        self.assertGreater(found["SizeRootFs"], found["SizeRw"])
        self.assertNotIn("SizeRw", self.inspect(id))

    def test_ps_lists_what_runs_and_with_a_everything(self):
        running = self.start("/guest", "wait", options=["--name", "runner", "-l", "color=red"])
        created = self.engine("create", "--network", "none", "--name", "maker", BUSYBOX).stdout.strip()
        self.assertEqual(self.engine("ps", "-q", "--no-trunc").stdout.split(), [running])
        self.assertEqual(set(self.engine("ps", "-aq", "--no-trunc").stdout.split()), {running, created})
        table = self.engine("ps", "-a").stdout
        for word in ("CONTAINER ID", "runner", "maker", BUSYBOX, "Created", "Up "):
            self.assertIn(word, table)
        for name, expected in (("name=runner", [running]), ("status=created", [created]),
                               ("label=color=red", [running]),
                               ("label=color=blue", [])):
            self.assertEqual(self.engine("ps", "-aq", "--no-trunc", "--filter", name).stdout.split(), expected, name)
        listed = json.loads(self.engine("ps", "-a", "--format", "json").stdout)
        self.assertEqual({entry["Id"] for entry in listed}, {running, created})

    def test_containers_are_found_by_name_id_and_the_ids_beginning(self):
        container = self.engine("create", "--network", "none", "--name", "box", BUSYBOX).stdout.strip()
        for name in ("box", container, container[:12], container[:6]):
            self.assertEqual(self.inspect(name)["Id"], container)
        self.assert_fails(self.engine("inspect", "nothing-of-that-name", check=False), 125, "nothing-of-that-name")

    def test_inspect_tells_what_was_asked_for(self):
        container = self.start("/guest", "wait", options=["--name", "box", "-e", "A=1", "-w", "/tmp", "-u", "1000",
                                                          "--hostname", "h"])
        shown = self.inspect(container)
        self.assertEqual(shown["Config"]["Hostname"], "h")
        self.assertIn("A=1", shown["Config"]["Env"])
        self.assertEqual(shown["Config"]["WorkingDir"], "/tmp")
        self.assertEqual(shown["Config"]["User"], "1000")
        self.assertTrue(shown["State"]["Running"])
        self.assertTrue(is_alive(shown["State"]["Pid"]))
        self.assertEqual(shown["ImageName"], BUSYBOX)

    def test_images_tags_and_rmi(self):
        self.engine("tag", BUSYBOX, "localhost/second:name")
        table = self.engine("images").stdout
        self.assertIn("localhost/busybox", table)
        self.assertIn("localhost/second", table)
        self.assertEqual(len(set(self.engine("images", "-q").stdout.split())), 1)
        self.engine("rmi", BUSYBOX)
        self.assertEqual(self.in_container("localhost/second:name", "echo", "still").stdout, "still\n")
        container = self.engine("create", "--network", "none", "localhost/second:name").stdout.strip()
        self.assertEqual(self.engine("rmi", "localhost/second:name", check=False).status, 2)
        self.engine("rm", container)
        self.engine("rmi", "localhost/second:name")
        self.assertEqual(self.engine("images", "-aq").stdout, "")
        self.assertEqual(self.engine("rmi", "localhost/second:name", check=False).status, 1)

    def test_info_names_the_driver(self):
        self.assertIn("overlay", self.engine("info").stdout)
        self.engine("version")

    def test_unshare_shows_the_containers_view_of_the_store(self):
        self.assertEqual(self.engine("unshare", "id", "-u").stdout, "0\n")
        self.assertEqual(self.engine("unshare", "sh", "-c", "exit 12", check=False).status, 12)
        self.assertGreater(len(self.engine("unshare", "cat", "/proc/self/uid_map").stdout.splitlines()), 1)
