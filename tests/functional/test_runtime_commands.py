"""`engine runtime`: what each command prints, its options, and how it fails."""

import array
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
from pathlib import Path

from bundle_test import BundleTest
from engine_test import ENGINE, is_alive, wait_until


class CommandTest(BundleTest):
    def delete(self, name="one"):
        self.runtime("delete", "--force", name)

    def sleepers(self, count):
        """A container of `count` processes besides the first; all wait."""
        lines = "".join("/busybox sleep 600 & " for _ in range(count))
        self.start_waiting(args=["/busybox", "sh", "-c", lines + "echo ready; exec /busybox sleep 600"])

    def skip_without_freezer(self):
        self.start_waiting("probe")
        result = self.runtime("pause", "probe", check=False)
        self.delete("probe")
        if result.status != 0:
            self.skipTest("no delegated cgroup: " + result.stderr)


class OutputTest(CommandTest):
    def test_state_has_the_fields_of_the_specification_in_their_order(self):
        self.config["annotations"] = {"a.b": "c"}
        pid = self.start_waiting()
        result = self.runtime("state", "one")
        state = result.json()
        self.assertEqual(list(state), ["ociVersion", "id", "status", "pid", "bundle", "annotations", "rootfs", "created",
                                       "owner"])
        self.assertEqual((state["status"], state["pid"], state["annotations"]), ("running", pid, {"a.b": "c"}))
        self.runtime("kill", "one", "KILL")
        wait_until(lambda: self.state()["status"] == "stopped", "it stops")
        self.assertEqual(self.state()["pid"], 0)
        self.delete()

    def test_list_in_its_three_forms(self):
        self.assertEqual(self.runtime("list", "--quiet").stdout, "")
        self.assertEqual(self.runtime("list", "-f", "json").json(), [])
        pid = self.start_waiting()
        self.background("create", "--bundle", self.bundle, "two")
        lines = self.runtime("list").stdout.splitlines()
        self.assertEqual(lines[0].split(), ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"])
        self.assertEqual(lines[1].split()[:4], ["one", str(pid), "running", str(self.bundle)])
        self.assertEqual([entry["status"] for entry in self.runtime("list", "-f", "json").json()],
                         ["running", "created"])
        self.assertEqual(self.runtime("list", "-q").stdout.split(), ["one", "two"])
        self.assert_fails(self.runtime("list", "-f", "yaml", check=False), 1, "table|json")
        self.delete()
        self.delete("two")

    def test_ps_lists_the_container_and_nothing_else(self):
        self.sleepers(2)
        pids = self.runtime("ps", "--format", "json", "one").json()
        self.assertEqual(len(pids), 3)
        self.assertIn(self.state()["pid"], pids)
        lines = self.runtime("ps", "one").stdout.splitlines()
        self.assertIn("PID", lines[0].split())
        self.assertEqual(len(lines), 4)
        self.assertEqual(self.runtime("ps", "one", "-o", "pid,comm").stdout.splitlines()[0].split(), ["PID", "COMMAND"])
        self.assert_fails(self.runtime("ps", "one", "-o", "comm", check=False), 1, "PID")
        self.delete()
        wait_until(lambda: not any(map(is_alive, pids)), "all its processes are gone")

    def test_spec_writes_once_and_what_it_writes_runs(self):
        self.assert_fails(self.runtime("spec", "--bundle", self.bundle, check=False), 1, "config.json", "exists")
        self.runtime("spec", "--rootless", "--bundle", self.bundle, "--config", "other.json")
        config = json.loads((self.bundle / "other.json").read_text())
        config["process"].update(args=["/guest"], terminal=False)
        (self.bundle / "other.json").write_text(json.dumps(config))
        report = self.runtime("run", "--bundle", self.bundle, "--config", "other.json", "one").json()
        self.assertEqual(report["hostname"], "engine")
        self.assert_fails(self.runtime("spec", "word", check=False), 1, "takes only options")

    def test_features_are_of_the_specification(self):
        features = self.runtime("features").json()
        self.assertLessEqual({"ociVersionMin", "ociVersionMax", "hooks", "mountOptions", "linux"}, set(features))
        self.assertLessEqual({"namespaces", "capabilities", "cgroup", "seccomp", "apparmor", "selinux", "intelRdt",
                              "mountExtensions", "netDevices"}, set(features["linux"]))

    def test_version_and_help(self):
        version = self.runtime("--version").stdout
        self.assertRegex(version, r"(?m)\Aengine-runtime version \S+.*\nspec: 1\.\d+\.\d+")
        link = self.dir / "engine-runtime"
        link.symlink_to(ENGINE)
        self.assertEqual(self.tool(link, "--version").stdout, version)
        overview = self.runtime("--help").stdout
        for verb in re.findall(r"(?m)^  ([a-z]+)  ", overview):
            self.assertIn(f"Usage: engine runtime {verb} ", self.runtime(verb, "--help").stdout)
        self.assertEqual(self.runtime(check=False).status, 1)


class FailureTest(CommandTest):
    def test_exit_codes(self):
        self.start_waiting()
        for words, status in ((["exec", "one", "/guest", "exit", "7"], 7), (["exec", "one", "nosuch"], 255),
                              (["exec", "absent", "/guest"], 255), (["exec", "--frob", "one"], 255),
                              (["start", "one"], 1), (["delete", "one"], 1), (["create", "one"], 1),
                              (["frobnicate"], 1), (["--frob", "list"], 1), (["state"], 1), (["state", "a", "b"], 1),
                              (["delete", "--force", "absent"], 0), (["update", "--memory", "x", "one"], 1),
                              (["kill", "one", "NONSENSE"], 1), (["events", "--interval", "x", "one"], 1)):
            with self.subTest(words=words):
                self.assertEqual(self.runtime(*words, check=False).status, status)
        self.delete()

    def test_a_missing_program_fails_create_in_the_words_callers_look_for(self):
        (self.bundle / "rootfs/plain").write_text("no program")
        for word, reason in (("nosuch", "executable file not found in $PATH: No such file or directory"),
                             ("/nosuch", "No such file or directory"), ("/tmp", "Permission denied"),
                             ("/plain", "Permission denied")):
            with self.subTest(word=word):
                self.config["process"]["args"] = [word]
                self.write_config()
                for verb in ("create", "run"):
                    log = self.dir / f"{verb}{word.replace('/', '-')}.log"
                    result = self.runtime("--log", log, "--log-format", "json", verb, "--bundle", self.bundle, "one",
                                          check=False)
                    self.assert_fails(result, 1, reason)
                    entry = json.loads(log.read_text())  # one object: podman reads the whole file
                    self.assertEqual(entry["level"], "error")
                    self.assertIn(reason, entry["msg"])
                    self.assertIn("T", entry["time"])
        self.assertEqual(self.runtime("list", "-q").stdout, "")

    def test_exec_tells_why_in_the_log(self):
        self.start_waiting()
        for word, reason in (("nosuch", "executable file not found in $PATH"), ("/tmp", "Permission denied")):
            log = self.dir / "exec.log"
            result = self.runtime("--log", log, "--log-format", "json", "exec", "one", word, check=False)
            self.assertEqual(result.status, 255)
            self.assertIn(reason, json.loads(log.read_text())["msg"])
            log.unlink()
        self.delete()

    def test_a_text_log_and_its_level(self):
        self.write_config()
        log = self.dir / "log"
        self.runtime("--log", log, "--debug", "run", "--bundle", self.bundle, "one")
        self.runtime("--log", log, "state", "absent", check=False)
        self.assertRegex(log.read_text().splitlines()[-1],
                         r'\Atime="[^"]+Z" level=error msg="container .absent. does not exist"\Z')

    def test_as_many_annotations_as_config_json_can_hold(self):
        annotations = {f"key.{number}": "x" * 500 for number in range(10_000)}
        self.config["annotations"] = annotations
        pid = self.start_waiting()
        self.assertGreater((self.dir / "states/one/state.json").stat().st_size, 4 << 20)
        state = self.state()
        self.assertEqual((state["status"], state["annotations"]), ("running", annotations))
        self.assertEqual(self.runtime("exec", "one", "/busybox", "echo", "hi").stdout, "hi\n")
        self.runtime("kill", "one", "KILL")
        wait_until(lambda: not is_alive(pid), "it ends")
        self.runtime("delete", "one")
        self.assertEqual(list((self.dir / "states").glob("one*")), [])

    def test_what_is_stopped_cannot_be_used(self):
        self.start_waiting()
        self.runtime("kill", "one", "KILL")
        wait_until(lambda: self.state()["status"] == "stopped", "it stops")
        for words in (["kill", "one"], ["pause", "one"], ["resume", "one"], ["exec", "one", "/guest"],
                      ["update", "--memory", "1g", "one"], ["events", "--stats", "one"]):
            with self.subTest(words=words):
                result = self.runtime(*words, check=False)
                self.assert_fails(result, 255 if words[0] == "exec" else 1, "one", "stopped")
        self.assertIn("container not running", self.runtime("kill", "one", check=False).stderr)
        self.runtime("kill", "--all", "one", "KILL")  # containerd makes sure that way
        self.assertEqual(self.runtime("ps", "--format", "json", "one").json(), [])
        self.runtime("delete", "one")

    def test_a_second_start_of_a_program_that_is_there_no_more(self):
        self.write_config()
        self.background("create", "--bundle", self.bundle, "one")
        (self.bundle / "rootfs/guest").unlink()
        self.assert_fails(self.runtime("start", "one", check=False), 1, "/guest", "No such file or directory")
        self.assertEqual(self.state()["status"], "stopped")
        self.runtime("delete", "one")

    def test_a_config_without_process_is_created_and_not_started(self):
        del self.config["process"]
        self.write_config()
        self.background("create", "--bundle", self.bundle, "one")
        self.assertEqual(self.state()["status"], "created")
        self.assert_fails(self.runtime("start", "one", check=False), 1, "process")
        self.delete()


class SignalTest(CommandTest):
    def test_all_processes_are_signalled(self):
        self.sleepers(3)
        pids = self.runtime("ps", "--format", "json", "one").json()
        self.runtime("kill", "--all", "one", "KILL")
        wait_until(lambda: not any(map(is_alive, pids)), "all are gone")
        self.delete()

    def test_another_signal_reaches_all_but_an_init_without_handler(self):
        self.sleepers(2)
        pids = self.runtime("ps", "--format", "json", "one").json()
        first = self.state()["pid"]
        self.runtime("kill", "--all", "one", "TERM")
        wait_until(lambda: not any(is_alive(pid) for pid in pids if pid != first), "the others are gone")
        self.assertTrue(is_alive(first))
        self.delete()

    def test_regular_expressions_choose_containers(self):
        for name in ("web-1", "web-2", "db"):
            self.start_waiting(name)
        self.runtime("kill", "--regex", "^web-[0-9]$", "KILL")
        wait_until(lambda: self.state("web-1")["status"] == self.state("web-2")["status"] == "stopped", "both stop")
        self.assertEqual(self.state("db")["status"], "running")
        self.runtime("delete", "--force", "--regex", "^(web|db)")
        self.assertEqual(self.runtime("list", "-q").stdout, "")
        self.assert_fails(self.runtime("kill", "--regex", "^none", check=False), 1, "none")

    def test_a_created_container_can_be_killed(self):
        self.write_config()
        self.background("create", "--bundle", self.bundle, "one")
        self.runtime("kill", "one", "KILL")
        wait_until(lambda: self.state()["status"] == "stopped", "it stops")
        self.assert_fails(self.runtime("start", "one", check=False), 1, "stopped")
        self.delete()

    def test_run_passes_signals_on_and_deletes(self):
        self.config["process"]["args"] = ["/busybox", "sh", "-c", "trap 'exit 5' TERM; echo ready; while :; do :; done"]
        self.write_config()
        process = subprocess.Popen([ENGINE, "runtime", "--root", self.dir / "states", "run", "--bundle", self.bundle,
                                    "one"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=self.environment)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), b"ready\n")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(60), 5)
        process.stdout.close()
        self.assertEqual(self.runtime("list", "-q").stdout, "")

    def test_keep_leaves_what_has_ended(self):
        self.write_config()
        self.runtime("run", "--keep", "--bundle", self.bundle, "one")
        self.assertEqual(self.state()["status"], "stopped")
        self.runtime("delete", "one")


class FreezerTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.skip_without_freezer()

    def test_paused_and_resumed(self):
        self.start_waiting()
        self.runtime("pause", "one")
        self.assertEqual(self.state()["status"], "paused")
        self.assert_fails(self.runtime("pause", "one", check=False), 1, "paused")
        self.assert_fails(self.runtime("exec", "one", "/guest", check=False), 255, "paused")
        self.runtime("resume", "one")
        self.assertEqual(self.state()["status"], "running")
        self.assert_fails(self.runtime("resume", "one", check=False), 1, "running")
        self.runtime("exec", "one", "/guest", "exit", "0")
        self.delete()

    def test_exec_into_a_cgroup_below_the_containers(self):
        pid = self.start_waiting()
        own = Path("/sys/fs/cgroup" + Path(f"/proc/{pid}/cgroup").read_text().strip().split("::")[1])
        (own / "below").mkdir()
        self.background("exec", "--detach", "--cgroup", "below", "--pid-file", self.dir / "pid", "one",
                        "/guest", "wait")
        inside = int((self.dir / "pid").read_text())
        self.assertTrue(Path(f"/proc/{inside}/cgroup").read_text().rstrip().endswith("/one/below"))
        self.assertIn(inside, self.runtime("ps", "--format", "json", "one").json())
        for bad in ("../..", "absent"):
            self.assertEqual(self.runtime("exec", "--cgroup", bad, "one", "/guest", check=False).status, 255)
        self.delete()
        self.assertFalse(own.exists())

    def test_exec_into_a_paused_container_waits_when_it_is_told_to(self):
        self.start_waiting()
        self.runtime("pause", "one")
        process = subprocess.Popen([ENGINE, "runtime", "--root", self.dir / "states", "exec", "--ignore-paused", "one",
                                    "/guest", "exit", "4"], stdin=subprocess.DEVNULL, env=self.environment)
        self.addCleanup(process.kill)
        with self.assertRaises(subprocess.TimeoutExpired):
            process.wait(0.3)
        self.runtime("resume", "one")
        self.assertEqual(process.wait(60), 4)
        self.delete()

    def test_force_deletes_what_is_paused(self):
        self.sleepers(2)
        pids = self.runtime("ps", "--format", "json", "one").json()
        self.runtime("pause", "one")
        self.assert_fails(self.runtime("delete", "one", check=False), 1, "paused")
        self.runtime("delete", "--force", "one")
        self.assertFalse(any(map(is_alive, pids)))
        self.assertEqual(self.runtime("list", "-q").stdout, "")

    def test_statistics_have_runcs_shape(self):
        self.start_waiting()
        event = self.runtime("events", "--stats", "one").json()
        self.assertEqual((event["type"], event["id"]), ("stats", "one"))
        self.assertLessEqual({"cpu", "cpuset", "memory", "pids", "blkio"}, set(event["data"]))
        self.assertLessEqual({"cpu_exclusive", "sched_relax_domain_level"}, set(event["data"]["cpuset"]))
        own = next((line[3:] for line in Path(f"/proc/{self.state()['pid']}/cgroup").read_text().splitlines()
                    if line.startswith("0::")), "")
        if os.path.exists(f"/sys/fs/cgroup{own}/cpu.pressure"):
            self.assertEqual(set(event["data"]["cpu"]["psi"]), {"some", "full"})
            self.assertLessEqual({"avg10", "avg60", "avg300", "total"}, set(event["data"]["memory"]["psi"]["full"]))
        self.assertGreater(event["data"]["cpu"]["usage"]["total"], 0)
        self.delete()

    def test_events_come_at_an_interval_until_the_end(self):
        self.start_waiting()
        process = subprocess.Popen([ENGINE, "runtime", "--root", self.dir / "states", "events", "--interval", "50ms",
                                    "one"], stdout=subprocess.PIPE, env=self.environment)
        self.addCleanup(process.kill)
        for _ in range(3):
            self.assertEqual(json.loads(process.stdout.readline())["type"], "stats")
        self.delete()
        process.stdout.read()
        self.assertEqual(process.wait(60), 0)
        process.stdout.close()


class ExecTest(CommandTest):
    def report(self, *options, words=("/guest",)):
        return self.runtime("exec", *options, "one", *words).json()

    def test_options_change_the_process(self):
        self.config["process"]["env"] = ["PATH=/", "A=old", "B=2"]
        self.start_waiting()
        report = self.report("--cwd", "/work", "-e", "A=new", "--env", "C=x y", "--no-new-privs", "-c", "net_raw")
        self.assertEqual(report["cwd"], "/work")
        self.assertEqual([entry for entry in report["env"] if entry[:2] in ("A=", "B=", "C=")],
                         ["B=2", "A=new", "C=x y"])
        self.assertEqual(report["status"]["NoNewPrivs"], "1")
        net_raw = 1 << 13
        self.assertTrue(int(report["status"]["CapEff"], 16) & net_raw)
        self.assertFalse(int(self.report()["status"]["CapEff"], 16) & net_raw)
        self.delete()

    def test_a_process_file_decides_all(self):
        self.start_waiting()
        (self.dir / "process.json").write_text(json.dumps(
            {"args": ["/guest"], "cwd": "/tmp", "env": ["ONLY=this"], "user": {"uid": 0, "gid": 0}}))
        report = self.runtime("exec", "--process", self.dir / "process.json", "one").json()
        self.assertEqual(report["cwd"], "/tmp")
        self.assertIn("ONLY=this", report["env"])
        self.assertEqual(int(report["status"]["CapEff"], 16), 0)
        self.delete()

    def test_what_is_kept_for_it_is_what_config_json_says(self):
        self.config["process"].update(env=["PATH=/", "KEPT=yes"], cwd="/work")
        self.config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW",
                                           "syscalls": [{"names": ["swapon"], "action": "SCMP_ACT_ERRNO"}]}
        self.start_waiting()
        folder = self.dir / "states/one"

        def described():
            report = self.report()
            return (report["cwd"], report["env"],
                    [report["status"][key] for key in ("Seccomp", "NoNewPrivs", "CapEff", "CapBnd", "Groups", "Uid")])
        (folder / "config.json").rename(folder / "away")
        kept = described()
        self.assertIn("KEPT=yes", kept[1])
        self.assertEqual(kept[2][0], "2")
        (folder / "away").rename(folder / "config.json")
        content = (folder / "exec").read_bytes()
        for other in (b"\xff" + content[1:], content[:8], b""):  # of a later engine; damaged
            (folder / "exec").write_bytes(other)
            self.assertEqual(described(), kept)
        (folder / "exec").unlink()  # of an earlier one
        self.assertEqual(described(), kept)
        self.delete()

    def test_detached_with_a_pid_file(self):
        self.start_waiting()
        self.background("exec", "--detach", "--pid-file", self.dir / "pid", "one", "/guest", "wait")
        pid = int((self.dir / "pid").read_text())
        self.assertIn(pid, self.runtime("ps", "--format", "json", "one").json())
        self.delete()
        wait_until(lambda: not is_alive(pid), "it is gone with its container")

    def test_preserved_descriptors(self):
        self.start_waiting()
        command = [ENGINE, "runtime", "--root", self.dir / "states", "exec", "--preserve-fds", "1", "one",
                   "/busybox", "sh", "-c", "echo through >&3"]
        self.tool("/bin/sh", "-c", 'exec 3>"$0"; exec "$@"', self.dir / "passed", *command)
        self.assertEqual((self.dir / "passed").read_text(), "through\n")
        self.delete()

    def test_descriptors_that_nobody_passed_are_not_ours_instead(self):
        self.start_waiting()
        for count in ("1", "5", "16"):
            reason = "the caller has not opened it"
            self.assert_fails(self.runtime("exec", "--preserve-fds", count, "one", "/guest", check=False), 255, reason)
            self.assert_fails(self.runtime("run", "--bundle", self.bundle, "--preserve-fds", count, "two",
                                           check=False), 1, reason)
            self.assert_fails(self.runtime("create", "--bundle", self.bundle, "--preserve-fds", count, "two",
                                           check=False), 1, reason)
        self.delete()


class ConsoleTest(CommandTest):
    def listen(self):
        """A console socket; what arrives is a terminal."""
        path = self.dir / "console"
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(str(path))
        listener.listen(1)
        received = {}

        def receive():
            connection, _ = listener.accept()
            with connection:
                message, ancillary, _, _ = connection.recvmsg(100, socket.CMSG_SPACE(array.array("i").itemsize))
                received["name"] = message
                received["fd"] = array.array("i", ancillary[0][2])[0]
        thread = threading.Thread(target=receive)
        thread.start()
        return path, thread, received

    def read_terminal(self, thread, received):
        thread.join(60)
        self.addCleanup(os.close, received["fd"])
        self.assertTrue(os.isatty(received["fd"]))
        self.assertEqual(received["name"], b"/dev/ptmx")
        text = b""
        while b"done" not in text:
            text += os.read(received["fd"], 4096)
        return text

    def test_create_sends_the_terminal(self):
        self.config["process"].update(terminal=True, args=["/busybox", "sh", "-c", "[ -t 0 ] && echo a tty; echo done"])
        self.write_config()
        self.assert_fails(self.runtime("create", "--bundle", self.bundle, "one", check=False), 1, "--console-socket")
        path, thread, received = self.listen()
        self.background("create", "--bundle", self.bundle, "--console-socket", path, "one")
        self.background("start", "one")
        self.assertIn(b"a tty", self.read_terminal(thread, received))
        self.delete()

    def test_exec_sends_the_terminal(self):
        self.start_waiting()
        path, thread, received = self.listen()
        self.background("exec", "--tty", "--detach", "--console-socket", path, "one",
                        "/busybox", "sh", "-c", "[ -t 1 ] && echo a tty; echo done")
        self.assertIn(b"a tty", self.read_terminal(thread, received))
        self.delete()


class HookTest(CommandTest):
    def add_hook(self, point, script):
        self.config.setdefault("hooks", {}).setdefault(point, []).append(
            {"path": "/bin/sh", "args": ["sh", "-c", script]})

    def test_poststart_sees_a_running_and_poststop_a_deleted_container(self):
        for point in ("poststart", "poststop"):
            self.add_hook(point, f"cat > {self.dir}/{point}; ls {self.dir}/states > {self.dir}/{point}.ids")
        pid = self.start_waiting()
        state = json.loads((self.dir / "poststart").read_text())
        self.assertEqual((state["id"], state["status"], state["pid"]), ("one", "running", pid))
        self.assertIn("one", (self.dir / "poststart.ids").read_text())
        self.assertFalse((self.dir / "poststop").exists())
        self.delete()
        self.assertEqual(json.loads((self.dir / "poststop").read_text())["status"], "stopped")
        self.assertNotIn("one", (self.dir / "poststop.ids").read_text())

    def test_a_failing_poststart_hook_ends_the_container(self):
        self.add_hook("poststart", "exit 3")
        self.add_hook("poststop", f"touch {self.dir}/stopped")
        self.config["process"]["args"] = ["/guest", "wait"]
        self.write_config()
        with open(self.dir / "output", "wb") as output:
            self.background("create", "--bundle", self.bundle, "--pid-file", self.dir / "pid", "one")
            status = subprocess.run([ENGINE, "runtime", "--root", self.dir / "states", "start", "one"], stdout=output,
                                    stderr=output, env=self.environment, timeout=60, check=False).returncode
        self.assertEqual(status, 1)
        self.assertIn("poststart", (self.dir / "output").read_text())
        self.assertFalse(is_alive(int((self.dir / "pid").read_text())))
        self.assertTrue((self.dir / "stopped").exists())
        self.assertEqual(self.runtime("list", "-q").stdout, "")

    def test_a_failing_poststop_hook_is_a_warning_and_the_next_one_runs(self):
        self.add_hook("poststop", "exit 3")
        self.add_hook("poststop", f"touch {self.dir}/second")
        self.start_waiting()
        result = self.runtime("delete", "--force", "one")
        self.assertIn("warning", result.stderr)
        self.assertTrue((self.dir / "second").exists())

    def test_a_failing_early_hook_leaves_nothing_and_runs_poststop(self):
        self.add_hook("createRuntime", "exit 3")
        self.add_hook("poststop", f"touch {self.dir}/stopped")
        self.write_config()
        self.assert_fails(self.runtime("create", "--bundle", self.bundle, "one", check=False), 1, "createRuntime")
        self.assertTrue((self.dir / "stopped").exists())
        self.assertEqual(self.runtime("list", "-q").stdout, "")


class CheckpointTest(CommandTest):
    def test_without_root_or_criu_it_says_so_and_the_container_runs_on(self):
        if os.getuid() == 0 and shutil.which("criu"):
            self.skipTest("this host has criu, and we are root")
        pid = self.start_waiting()
        result = self.runtime("checkpoint", "--image-path", self.dir / "image", "one", check=False)
        self.assert_fails(result, 1, "criu")
        self.assertEqual((self.state()["status"], self.state()["pid"]), ("running", pid))
        self.delete()
