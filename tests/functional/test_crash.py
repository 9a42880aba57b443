"""kill -9 at any moment: what was being done can be done again, and nothing is left but a container that is listed."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

from engine_test import BUSYBOX, EngineTest, is_alive, wait_until
from make_image import file_entry, sha256, tar_of
from registry_server import FakeRegistry, Pause
from terminal import Terminal

DELAYS_MILLISECONDS = (0, 1, 2, 3, 5, 7, 9, 12, 15, 18, 22, 26, 30, 35, 40, 50, 60, 80, 120)


class CrashTest(EngineTest):
    def assert_all_works(self, image=BUSYBOX):
        """After a crash: listing, running and removing, and the leftovers are collected."""
        for line in self.engine("ps", "-a", "--format", "json").json():
            seen = self.engine("inspect", line["Id"], check=False)
            if seen.status == 0:
                self.assertIn(seen.json()[0]["State"]["Status"], ("created", "running", "exited"))
            else:  # of a killed run --rm: its last process ended only now, and whoever sees that removes it
                self.assertNotIn(line["Id"], self.engine("ps", "--all", "--quiet", "--no-trunc").stdout)
        self.assertEqual(self.in_container("--pull", "never", image, "echo", "works").stdout, "works\n")
        self.engine("rm", "--all", "--force", "--time", "0")
        self.assert_no_containers()
        self.assert_nothing_unfinished()
        wait_until(lambda: not self.processes(), "no process of this store is left")

    def let_end(self, container):
        """Its end may come before that of the process which allowed it, and takes that along."""
        self.assertIn(self.engine("exec", container, "touch", "/go", check=False).status, (0, 137))

    def processes(self):
        """Processes that were started with this test's store on their command line."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_bytes().split(b"\0")
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
            if str(self.root).encode() in words:
                found.append(words)
        return found


class KilledPullTest(CrashTest):
    def setUp(self):
        super().setUp()
        self.registry = FakeRegistry()
        self.addCleanup(self.registry.stop)
        self.image = self.guest_image().add_layer(tar_of([(file_entry("last"), b"last layer" * 100000)]), "none")
        self.registry.add("box", self.image)
        self.name = f"{self.registry.name}/box:latest"

    def kill_pull_at(self, path, body, offset):
        pause = Pause(body, offset)
        self.registry.answers[path] = pause
        process = self.start_engine("pull", "--tls-verify=false", self.name)
        self.assertTrue(pause.reached.wait(60), "the pull never asked for it")
        process.kill()
        process.wait()
        pause.go_on.set()
        del self.registry.answers[path]

    def assert_can_be_pulled(self):
        wait_until(lambda: not self.processes(), "the helpers of a killed pull end by themselves")
        self.engine("pull", "-q", "--tls-verify=false", self.name)
        self.assertEqual(self.in_container(self.name, "head", "-c", "10", "/last").stdout, "last layer")
        self.assert_all_works(self.name)

    def test_before_the_manifest(self):
        manifest = self.image.manifest_bytes()
        self.kill_pull_at("/v2/box/manifests/latest", manifest, 0)
        self.assertEqual(self.engine("images", "-aq").stdout, "")
        self.assert_can_be_pulled()

    def test_in_the_configuration(self):
        config = self.image.config_bytes()
        self.kill_pull_at(f"/v2/box/blobs/{sha256(config)}", config, 10)
        self.assert_can_be_pulled()

    def test_within_each_layer(self):
        for index, (data, _, _) in enumerate(self.image.layers):
            for offset in (0, 1, len(data) // 2, len(data) - 1):
                with self.subTest(layer=index, offset=offset):
                    self.kill_pull_at(f"/v2/box/blobs/{sha256(data)}", data, offset)
                    self.assertEqual(self.engine("images", "-aq").stdout, "")
                    # What has arrived would be gone on with, and most offsets never be asked for: see test_resume.
                    wait_until(lambda: not self.processes(), "the helpers of a killed pull end by themselves")
                    self.engine("image", "prune", "--force")
        self.assert_can_be_pulled()

    def test_within_run(self):
        data = self.image.layers[0][0]
        pause = Pause(data, len(data) // 2)
        path = f"/v2/box/blobs/{sha256(data)}"
        self.registry.answers[path] = pause
        process = self.start_engine("run", "--tls-verify=false", "--network", "none", self.name, "true")
        self.assertTrue(pause.reached.wait(60))
        process.kill()
        process.wait()
        pause.go_on.set()
        del self.registry.answers[path]
        self.assert_no_containers()
        self.assert_can_be_pulled()

    def test_at_many_moments(self):
        """From an archive, where nothing can be paused: the clock decides."""
        source = self.archive(self.image)
        for delay in DELAYS_MILLISECONDS:
            process = self.start_engine("pull", "-q", source)
            try:
                process.wait(delay / 1000)
            except subprocess.TimeoutExpired:
                process.kill()
            process.communicate()
        wait_until(lambda: not self.processes(), "the helpers of a killed pull end by themselves")
        self.engine("pull", "-q", source)
        self.assertEqual(self.in_container(BUSYBOX, "head", "-c", "10", "/last").stdout, "last layer")
        self.assert_all_works()


class KilledRunTest(CrashTest):
    def setUp(self):
        super().setUp()
        self.pull_image()

    def kill_run_when(self, condition, *options):
        process = self.start_engine("run", "--network", "none", *options, BUSYBOX, "/guest", "wait")
        wait_until(lambda: condition() or process.poll() is not None, "the moment to kill")
        process.kill()
        process.communicate()

    def exists(self, pattern):
        return lambda: next(self.root.glob(pattern), None) is not None

    def test_at_each_step_that_can_be_seen_on_disk(self):
        for pattern in ("containers/*", "containers/*/record", "containers/*/config.json", "containers/*/alive",
                        "containers/*/state", "containers/*/log"):
            for options in ([], ["-i"], ["-d"], ["--rm"], ["--rm", "-i"]):
                if options == ["--rm"] and pattern.endswith("log"):
                    continue  # it writes no log
                with self.subTest(pattern=pattern, options=options):
                    self.kill_run_when(self.exists(pattern), *options)
                    self.assert_all_works()

    def test_create_leaves_a_whole_container_or_none(self):
        patterns = ("containers/*", "containers/*/record", "containers/*/alive", "containers/*/hosts", "containers/*/upper")
        for pattern in patterns * 3:
            with self.subTest(pattern=pattern):
                process = self.start_engine("create", "--name", "box", "--network", "none", BUSYBOX, "/guest", "wait")
                wait_until(lambda: self.exists(pattern)() or process.poll() is not None, "the moment to kill")
                process.kill()
                process.wait()
                if self.engine("container", "exists", "box", check=False).status == 0:
                    self.engine("start", "box")
                    self.assertEqual(self.status_of("box"), "running")
                self.assert_all_works()

    def test_at_many_moments(self):
        for options in ([], ["--rm"], ["-d"]):
            for delay in DELAYS_MILLISECONDS:
                process = self.start_engine("run", "--network", "none", *options, BUSYBOX, "/guest", "wait")
                try:
                    process.wait(delay / 1000)
                except subprocess.TimeoutExpired:
                    process.kill()
                process.wait()
        self.assert_all_works()

    def test_rm_at_many_moments(self):
        for delay in DELAYS_MILLISECONDS[:10]:
            container = self.start_sleeper("--name", "victim", "--replace")
            process = self.start_engine("rm", "-f", "--time", "0", container)
            try:
                process.wait(delay / 1000)
            except subprocess.TimeoutExpired:
                process.kill()
            process.wait()
            for shown in self.engine("ps", "-a", "--format", "json").json():
                self.engine("rm", "-f", "--time", "0", shown["Id"])
            self.assert_no_containers()
        self.assert_all_works()

    def test_a_container_outlives_its_command(self):
        process = self.start_engine("run", "--name", "box", "--network", "none", BUSYBOX, "sh", "-c",
                                    "echo ready; until [ -e /go ]; do :; done; echo went; exit 6")
        self.assertEqual(process.stdout.readline(), "ready\n")
        process.kill()
        process.wait()
        self.assertEqual(self.status_of("box"), "running")
        self.let_end("box")
        self.assertEqual(self.engine("wait", "box").stdout, "6\n")
        self.assertEqual(self.engine("logs", "box").stdout, "ready\nwent\n")

    def test_rm_is_kept_when_the_command_of_an_interactive_container_is_killed(self):
        process = self.start_engine("run", "-i", "--rm", "--name", "box", "--network", "none", BUSYBOX, "/guest",
                                    "wait",
                                    stdin=subprocess.PIPE)
        self.assertEqual(process.stdout.readline(), "ready\n")
        process.kill()
        process.wait()
        self.assertEqual(self.status_of("box"), "running")
        self.engine("kill", "box")
        wait_until(lambda: self.engine("ps", "-aq").stdout == "", "the container is removed")
        self.assert_nothing_unfinished()

    def test_a_plain_run_with_rm_ends_with_its_command(self):
        process = self.start_engine("run", "--rm", "--name", "box", "--network", "none", BUSYBOX, "/guest", "wait")
        self.assertEqual(process.stdout.readline(), "ready\n")
        pid = self.running_pid("box")
        process.kill()
        process.wait()
        wait_until(lambda: not is_alive(pid), "the container ends")
        self.assertIn(self.engine("ps", "-q").stdout, [""])
        self.assert_all_works()

    def test_the_container_itself_is_killed(self):
        container = self.start_sleeper()
        subprocess.run(["kill", "-9", str(self.inspect(container)["State"]["Pid"])], check=True)
        self.assertEqual(self.engine("wait", container).stdout, "137\n")
        wait_until(lambda: self.status_of(container) == "exited", "it is known")
        self.assert_all_works()

    def test_a_container_without_its_monitor_can_be_stopped_and_removed(self):
        container = self.start_sleeper()
        pid = self.inspect(container)["State"]["Pid"]
        monitor = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        subprocess.run(["kill", "-9", str(monitor)], check=True)
        wait_until(lambda: not is_alive(monitor), "the monitor is gone")
        self.assertTrue(is_alive(pid))
        self.assertEqual(self.status_of(container), "running")
        self.assertIn(container[:12], self.engine("ps").stdout)
        self.assertEqual(self.engine("exec", container, "echo", "here").stdout, "here\n")
        self.engine("stop", "--time", "0", container)
        wait_until(lambda: not is_alive(pid), "the container is gone")
        self.engine("rm", container)
        self.assert_all_works()


class KilledMonitorTest(CrashTest):
    """The witness of a container is killed: what is told of the container stays true, if only that nobody knows."""

    def setUp(self):
        super().setUp()
        self.pull_image()

    def kill_monitor(self, container):
        monitor = self.inspect(container)["State"]["ConmonPid"]
        self.assertGreater(monitor, 0)
        os.kill(monitor, signal.SIGKILL)
        wait_until(lambda: not is_alive(monitor), "the monitor is gone")

    def start(self, script, *options):
        return self.engine("run", "-d", "--network", "none", *options, BUSYBOX, "sh", "-c", script).stdout.strip()

    def assert_ended_with(self, container, *codes):
        self.assertIn(int(self.engine("wait", container).stdout), codes)
        state = self.inspect(container)["State"]
        self.assertEqual((state["Status"], state["Running"], state["Pid"], state.get("ConmonPid", 0)), ("exited", False, 0, 0))
        self.assertIn(state["ExitCode"], codes)
        self.assertEqual(self.engine("ps", "-q").stdout, "")

    def test_while_the_program_runs(self):
        container = self.start("echo before; until [ -e /go ]; do :; done; exit 3")
        self.wait_for_log(container, "before")
        self.kill_monitor(container)
        self.assertIn(container[:12], self.engine("ps").stdout)
        self.assertEqual(self.engine("logs", container).stdout, "before\n")
        self.assert_fails(self.engine("rm", container, check=False), 2, "is running")
        self.assertEqual(self.engine("start", container).stdout, container + "\n")  # it runs: nothing to do
        self.let_end(container)
        self.assert_ended_with(container, 255)  # nobody saw it
        self.assertEqual(self.engine("logs", container).stdout, "before\n")
        self.engine("start", container)
        self.engine("exec", container, "rm", "-f", "/go", check=False)
        self.engine("rm", "-f", "-t", "0", container)
        self.assert_all_works()

    def test_while_others_wait_and_follow(self):
        container = self.start("echo before; until [ -e /go ]; do :; done; exit 3")
        waiter = self.start_engine("wait", container)
        follower = self.start_engine("logs", "-f", container)
        self.assertEqual(follower.stdout.readline(), "before\n")
        self.kill_monitor(container)
        self.assertIsNone(waiter.poll())
        self.let_end(container)
        self.assertEqual(waiter.communicate(timeout=60), ("255\n", ""))
        self.assertEqual(follower.communicate(timeout=60)[0], "")
        self.assert_all_works()

    def test_while_somebody_is_attached(self):
        for options in (["-i"], ["-i", "-t"]):
            with self.subTest(options=options):
                terminal = Terminal(self, "run", *options, "--name", "box", "--replace", "--network", "none", BUSYBOX,
                                    "sh", "-c", "echo ready; cat")
                terminal.expect("ready")
                self.kill_monitor("box")
                self.assertEqual(terminal.end(), 125)
                self.assertIn("Error: ", terminal.shown)
                terminal.assert_restored()
                self.engine("rm", "-f", "-t", "0", "box")
        self.assert_all_works()

    def test_together_with_the_program(self):
        for first in ("monitor", "program"):
            with self.subTest(first=first):
                container = self.start_sleeper()
                state = self.inspect(container)["State"]
                pids = [state.get("ConmonPid", 0), state["Pid"]]
                os.kill(pids[0], signal.SIGSTOP)  # what it would do at once comes too late
                for pid in pids if first == "monitor" else pids[::-1]:
                    os.kill(pid, signal.SIGKILL)
                wait_until(lambda: not any(map(is_alive, pids)), "both are gone")
                self.assert_ended_with(container, 255)
                self.engine("rm", container)
        self.assert_all_works()

    def test_after_the_end_of_the_program(self):
        """It was recorded before, or is never known; both are told as they are."""
        container = self.start("exit 3")
        self.engine("wait", container)
        self.assertEqual(self.inspect(container)["State"].get("ConmonPid", 0), 0)
        self.assert_ended_with(container, 3)

    def test_at_many_moments(self):
        for delay in DELAYS_MILLISECONDS:
            container = self.start("echo out; read -t 0.03 nothing < /dev/zero; exit 3")
            state = json.loads((self.root / "containers" / container / "state").read_text())
            try:
                wait_until(lambda end=time.monotonic() + delay / 1000: time.monotonic() >= end, "the moment to kill")
                os.kill(state["monitor_pid"], signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.assert_ended_with(container, 3, 141, 255)  # 141: SIGPIPE
            code = self.inspect(container)["State"]["ExitCode"]
            self.assertEqual(self.engine("wait", container).stdout, f"{code}\n")
            self.assertIn(self.engine("logs", container).stdout, ("", "out\n"))
            self.engine("rm", container)
        self.assert_all_works()

    def test_stop_and_rm_at_that_moment(self):
        for words in (["stop", "-t", "0"], ["rm", "-f", "-t", "0"], ["kill"]):
            for _ in range(5):
                container = self.start_sleeper()
                monitor = self.inspect(container)["State"]["ConmonPid"]
                command = self.start_engine(*words, container)
                os.kill(monitor, signal.SIGKILL)
                _, stderr = command.communicate(timeout=60)
                self.assertEqual((command.returncode, stderr), (0, ""))
                self.engine("rm", "-f", container)
        self.assert_all_works()
