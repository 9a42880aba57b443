"""The same containers under another OCI runtime: crun, runc and gVisor's runsc, each where it is installed."""

import json
import os
import shutil
import unittest
from pathlib import Path

from engine_test import BUSYBOX, EngineTest, is_alive, wait_until
from terminal import Terminal

SAY_AND_WAIT = "echo out; echo err >&2; trap 'exit 9' TERM; while :; do sleep 0.1; done"


class ExternalRuntime:
    """What holds under every runtime; `runtime` is what --runtime says."""

    runtime = ""

    def setUp(self):
        super().setUp()
        if not shutil.which(self.runtime, path=self.environment["PATH"]):
            self.skipTest(f"{self.runtime} is not installed")
        self.pull_image()

    def under(self, *words, **options):
        return self.engine("--runtime", self.runtime, *words, **options)

    def run_once(self, *words, **options):
        return self.under("run", "--rm", "--network", "none", *words, **options)

    def sleeper(self, *options, command=("sh", "-c", SAY_AND_WAIT)):
        return self.under("run", "-d", "--network", "none", *options, BUSYBOX, *command).stdout.strip()

    def assert_nothing_left(self):
        self.assert_no_containers()
        self.assert_nothing_unfinished()

    def test_output_and_exit_code_are_the_programs(self):
        done = self.run_once(BUSYBOX, "sh", "-c", "echo out; echo err >&2; exit 7", check=False)
        self.assertEqual((done.status, done.stdout, done.stderr), (7, "out\n", "err\n"), done)
        self.assertEqual(self.run_once("-i", BUSYBOX, "cat", input="typed\n").stdout, "typed\n")
        self.assert_nothing_left()

    def test_a_command_that_cannot_run_is_one_line(self):
        self.assert_fails(self.run_once(BUSYBOX, "nosuch", check=False), 127, "nosuch")
        self.assert_fails(self.run_once(BUSYBOX, "/etc", check=False), 126, self.runtime)
        self.assert_nothing_left()

    def test_life_in_the_background(self):
        name = self.sleeper("--name", "long")
        wait_until(lambda: self.engine("logs", "long").stderr == "err\n", "both streams are in the log")
        self.assertEqual(self.inspect(name)["OCIRuntime"], self.runtime)
        self.assertEqual(self.engine("exec", "long", "sh", "-c", "echo inside; exit 3", check=False).status, 3)
        self.assert_fails(self.engine("exec", "long", "nosuch", check=False), 127, "nosuch")
        self.engine("stop", "long")  # no option: the record says under what it runs
        self.assertEqual(self.inspect(name)["State"]["ExitCode"], 9)
        self.engine("start", "long")
        self.assertEqual(self.engine("exec", "-i", "long", "cat", input="more").stdout, "more")
        self.engine("kill", "long")
        self.assertEqual(self.engine("wait", "long").stdout, "137\n")
        self.engine("rm", "long")
        self.assert_nothing_left()

    def test_removing_by_force(self):
        pid = self.inspect(self.sleeper("--name", "long"))["State"]["Pid"]
        self.engine("rm", "-f", "-t", "0", "long")
        self.assertFalse(is_alive(pid))
        self.assert_nothing_left()

    def test_its_monitor_is_killed(self):
        name = self.sleeper("--name", "orphan")
        self.wait_for_log("orphan", "out")
        state = json.loads((self.root / "containers" / name / "state").read_text())
        Path(f"/proc/{state['monitor_pid']}").stat()
        self.tool("kill", "-KILL", state["monitor_pid"])
        wait_until(lambda: not is_alive(state["monitor_pid"]), "the monitor is gone")
        self.assertEqual(self.status_of("orphan"), "running")
        self.engine("rm", "-f", "-t", "0", "orphan")
        self.assertFalse(is_alive(state["pid"]))
        self.assert_nothing_left()

    def test_a_person_at_a_terminal(self):
        shell = Terminal(self, "--runtime", self.runtime, "run", "-it", "--rm", "--network", "none", BUSYBOX, "sh")
        shell.expect("/ # ")
        shell.send("test -t 0 && echo $((6 * 7))\n")
        shell.expect("42\r\n")
        shell.resize(33, 111)
        shell.send("until stty size | grep 33; do :; done\n")
        shell.expect("\n33 111\r\n")
        shell.send("exit 4\n")
        self.assertEqual(shell.end(), 4)
        self.assert_nothing_left()

    def test_exec_at_a_terminal(self):
        self.sleeper("--name", "long")
        terminal = Terminal(self, "exec", "-it", "long", "sh", "-c", "test -t 1 && stty size; exit 5", rows=22, columns=99)
        self.assertEqual(terminal.end(), 5, terminal.shown)
        self.assertIn("22 99", terminal.shown)

    def test_volumes_user_and_place(self):
        folder = self.dir / "shared"
        folder.mkdir()
        folder.chmod(0o777)
        shown = self.run_once("-v", f"{folder}:/v", "-v", "named:/n", "--tmpfs", "/t", "-w", "/v", "-u", "1000:1000",
                              "-e", "GREETING=hello", BUSYBOX, "sh", "-c",
                              "id -u; pwd; echo $GREETING; echo $GREETING > file; touch /t/x && echo tmpfs").stdout
        self.assertEqual(shown.splitlines(), ["1000", "/v", "hello", "tmpfs"])
        self.assertEqual((folder / "file").read_text(), "hello\n")
        self.run_once("-v", "named:/n", BUSYBOX, "sh", "-c", "echo kept > /n/file")
        self.assertEqual(self.run_once("-v", "named:/n", BUSYBOX, "cat", "/n/file").stdout, "kept\n")

    def test_our_umask_is_not_the_containers(self):
        shown = self.run_once("-v", f"{self.dir}:/a/b", BUSYBOX, "stat", "-c", "%a", "/a")
        # Who is not root gets to the volume, too. (The sticky bit is crun's.)
        self.assertEqual(int(shown.stdout, 8) & 0o777, 0o755)
        for words, expected in (((), "0022"), (("--umask", "0027"), "0027")):
            name = self.sleeper(*words)
            self.assertEqual(self.engine("exec", name, "sh", "-c", "umask").stdout, expected + "\n")
            self.engine("rm", "-f", "-t", "0", name)

    def test_a_read_only_root(self):
        done = self.run_once("--read-only", BUSYBOX, "sh", "-c", "touch /tmp/x && touch /x", check=False)
        self.assertNotEqual(done.status, 0, done)
        self.assertIn("Read-only file system", done.stderr)

    def test_later_starts_see_what_was_written(self):
        self.under("create", "--name", "twice", "--network", "none", BUSYBOX, "sh", "-c", "echo x >> /file; cat /file")
        self.assertEqual(self.engine("start", "-a", "twice").stdout, "x\n")
        self.assertEqual(self.engine("start", "-a", "twice").stdout, "x\nx\n")

    def test_initialized_and_started_later(self):
        self.under("create", "--name", "two", "--network", "none", BUSYBOX, "echo", "ran")
        self.engine("init", "two")
        self.assertEqual(self.status_of("two"), "initialized")
        self.assertEqual(self.engine("logs", "two").stdout, "")
        self.engine("start", "two")
        self.wait_for_log("two", "ran")

    def test_what_shall_start_it_is_killed(self):
        self.under("create", "--name", "two", "--network", "none", BUSYBOX, "echo", "ran")
        self.engine("init", "two")
        for process in self.helpers():
            os.kill(process, 9)
            wait_until(lambda: not is_alive(process), "the helper has ended")
        self.assert_fails(self.engine("start", "two", check=False), 126, "was not started")
        self.engine("wait", "two")
        self.assertEqual(self.engine("logs", "two").stdout, "")
        self.engine("start", "two")
        self.wait_for_log("two", "ran")

    def helpers(self):
        words = str(self.root).encode()
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                line = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"oci-start" in line and words in line:
                yield int(folder.name)

    def test_a_first_process_of_ours(self):
        """--init: it reaps, passes signals on, and says what it cannot execute."""
        shown = self.run_once("--init", BUSYBOX, "sh", "-c", "cat /proc/1/comm; (sleep 0.01 &); exit 7", check=False)
        self.assertEqual((shown.status, shown.stdout), (7, "engine-init\n"), shown)
        for command, status in (("nosuch", 127), ("/nosuch", 127), ("/etc", 126)):
            done = self.run_once("--init", BUSYBOX, command, check=False)
            self.assert_fails(done, status, command)
        self.sleeper("--init", "--name", "first")
        self.wait_for_log("first", "out")
        self.engine("stop", "first")
        self.assertEqual(self.inspect("first")["State"]["ExitCode"], 9)

    def test_a_volume_above_the_store_shows_no_unmasked_proc(self):
        for options in ((), ("--read-only", "-v", f"{self.dir}:{self.dir}")):
            shown = self.run_once("-v", f"{self.dir}:/above", *options, BUSYBOX, "sh", "-c",
                                  "find / -xdev -path '*/oci/rootfs/proc' -o -path '*/oci/rootfs/bin'; ls -d /above/root/containers; "
                                  "grep -c /oci/ /proc/self/mountinfo")
            self.assertEqual(shown.stdout.splitlines()[0], "/above/root/containers", shown)
            self.assertEqual(self.run_once("-v", f"{self.dir}:/above", *options, BUSYBOX, "sh", "-c",
                                           "ls /above/root/containers/*/oci/rootfs/proc", check=False).stdout, "")

    def test_a_batch_job(self):
        self.assertIn(f"uid={os.getuid()}(", self.under("run", "--rm", "--hpc", BUSYBOX, "id").stdout)

    def test_flags_of_volumes_with_other_ids(self):
        shown = self.run_once("--userns", "nomap" if os.getuid() else "auto", "-v", "named:/v:nosuid,nodev,noexec", BUSYBOX,
                              "grep", " /v ", "/proc/self/mountinfo").stdout
        self.assertIn("nosuid,nodev,noexec", shown.split()[5])

    def test_a_restart_policy(self):
        self.under("run", "-d", "--name", "again", "--network", "none", "--restart", "on-failure:2", BUSYBOX,
                   "sh", "-c", "echo life; exit 1")
        wait_until(lambda: self.engine("logs", "again").stdout == "life\n" * 3, "it has lived three times")
        wait_until(lambda: self.status_of("again") == "exited", "it has ended")


class CrunTest(ExternalRuntime, EngineTest):
    runtime = "crun"

    def test_other_ids(self):
        shown = self.run_once("--userns", "keep-id", BUSYBOX, "sh", "-c", "id -u; stat -c %u /").stdout.split()
        self.assertEqual(shown, [str(os.getuid()), "0"])
        for mode in ("auto", "nomap"):
            with self.subTest(mode):
                self.sleeper("--name", mode, "--userns", mode)
                shown = self.engine("exec", mode, "sh", "-c", "id -u; touch /x && stat -c %u /x").stdout.split()
                self.assertEqual(shown, ["0", "0"])
                self.engine("rm", "-f", "-t", "0", mode)
        name = self.under("create", "--network", "none", "--userns", "nomap", BUSYBOX, "nosuch").stdout.strip()
        self.engine("start", name, check=False)
        place = json.loads((self.root / "containers" / name / "oci/config.json").read_text())["root"]["path"]
        self.engine("rm", name)
        self.assertFalse(Path(place).exists(), "where its root file system was mounted, nothing stays")
        self.assert_nothing_left()


class RuncTest(ExternalRuntime, EngineTest):
    runtime = "runc"
    test_other_ids = CrunTest.test_other_ids


class RunscTest(ExternalRuntime, EngineTest):
    """A sandbox takes a second to start, so here is only what could differ."""

    runtime = "runsc"
    test_exec_at_a_terminal = None  # the terminal of its exec has no size
    test_its_monitor_is_killed = test_removing_by_force = test_a_read_only_root = None
    test_a_command_that_cannot_run_is_one_line = test_volumes_user_and_place = None
    test_our_umask_is_not_the_containers = None
    test_what_shall_start_it_is_killed = test_flags_of_volumes_with_other_ids = test_a_batch_job = None
    test_a_volume_above_the_store_shows_no_unmasked_proc = None
    test_later_starts_see_what_was_written = test_initialized_and_started_later = test_a_restart_policy = None

    def setUp(self):
        super().setUp()
        probe = self.run_once(BUSYBOX, "true", check=False)
        if probe.status != 0:
            self.skipTest(f"gVisor does not work here: {probe.stderr}")

    def test_the_kernel_is_gvisors(self):
        self.assertIn("gVisor", self.run_once(BUSYBOX, "dmesg").stdout)


class ChoiceTest(EngineTest):
    """Which runtime it is."""

    def setUp(self):
        super().setUp()
        self.pull_image()
        self.wrapper = self.dir / "my-runtime"
        self.seen = self.dir / "seen"
        self.wrapper.write_text(f"#!/bin/sh\necho \"$@\" >> {self.seen}\nexec crun --cgroup-manager=disabled \"$@\"\n")
        self.wrapper.chmod(0o755)
        if not shutil.which("crun", path=self.environment["PATH"]):
            self.skipTest("crun is not installed")

    def configure(self, text):
        conf = self.dir / "containers.conf"
        conf.write_text(text)
        self.environment["CONTAINERS_CONF"] = str(conf)

    def test_descriptors_that_keep_their_numbers_bring_none_of_the_runtimes(self):
        show = ("sh", "-c", "for n in 3 4 5 6 7 8; do readlink /proc/self/fd/$n; done")
        for runtime in filter(shutil.which, ("crun", "runc")):
            self.engine("--runtime", runtime, "run", "-d", "--name", runtime, "--network", "none", BUSYBOX, "sleep", "1000")
            for words in (("run", "--rm", "--network", "none", BUSYBOX), ("exec", runtime)):
                command = self.command("--runtime", runtime, words[0], "--preserve-fd", "5,8", *words[1:], *show)
                done = self.tool("sh", "-c", 'exec "$@" 5< /etc/passwd 7< /etc/group 8< /dev/zero', "sh", *command)
                self.assertEqual(done.stdout.split(),
                                 ["/dev/null"] * 2 + ["/etc/passwd"] + ["/dev/null"] * 2 + ["/dev/zero"])

    def test_one_that_is_not_there_is_named(self):
        for name in ("nosuch", "/no/such/runtime", "relative/path"):
            with self.subTest(name):
                failed = self.engine("--runtime", name, "run", "--rm", "--network", "none", BUSYBOX, "true",
                                     check=False)
                self.assert_fails(failed, 125, f'OCI runtime "{name}" was not found')
        self.assert_no_containers()

    def test_the_built_in_one_by_its_name(self):
        self.configure(f'[engine]\nruntime = "{self.wrapper}"\n')
        self.assertEqual(self.engine("--runtime", "builtin", "run", "--rm", "--network", "none", BUSYBOX, "echo",
                                     "ours").stdout, "ours\n")
        self.assertFalse(self.seen.exists())

    def test_a_path_and_its_flags(self):
        name = self.engine("--runtime", self.wrapper, "--runtime-flag", "debug", "run", "-d", "--network", "none",
                           BUSYBOX, "sleep", "1000").stdout.strip()
        self.assertEqual(self.inspect(name)["OCIRuntime"], str(self.wrapper))
        self.engine("exec", name, "true")
        self.engine("rm", "-f", "-t", "0", name)
        calls = self.seen.read_text().splitlines()
        self.assertEqual([call.split(" --debug ")[1].split()[0] for call in calls], ["create", "start", "exec", "delete"])

    def test_a_name_of_containers_conf(self):
        self.configure(f'[engine]\nruntime = "mine"\n[engine.runtimes]\nmine = ["/no/such", "{self.wrapper}"]\n')
        self.assertEqual(self.in_container(BUSYBOX, "echo", "hello").stdout, "hello\n")
        self.assertIn("create", self.seen.read_text())
        info = self.engine("info", "--format", "json").json()["host"]["ociRuntime"]
        self.assertEqual((info["name"], info["path"]), ("mine", str(self.wrapper)))
        self.assertIn("crun", info["version"])

    def test_what_it_cannot_do_is_said(self):
        self.engine("run", "-d", "--name", "first", "--network", "none", BUSYBOX, "sleep", "1000")
        failed = self.engine("--runtime", "crun", "run", "--rm", "--network", "container:first", BUSYBOX, "true",
                             check=False)
        self.assert_fails(failed, 125, "cannot run under", "crun")


if __name__ == "__main__":
    unittest.main()
