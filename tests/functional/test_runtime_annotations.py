"""`engine runtime` and what crun's users rely on: annotations run.oci.*, and $NOTIFY_SOCKET."""

import array
import os
import socket
import subprocess
from pathlib import Path

from bundle_test import BundleTest
from engine_test import ENGINE, is_alive, wait_until


class AnnotationTest(BundleTest):
    def annotate(self, **values):
        self.config["annotations"] = {"run.oci." + key.replace("__", "."): value for key, value in values.items()}
        self.write_config()

    def runs(self, *args):
        self.config["process"]["args"] = ["/busybox", "sh", "-c", *args]
        self.write_config()
        return self.runtime("run", "--bundle", self.bundle, "one").stdout.strip()

    def listen(self, name):
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(str(self.dir / name))
        listener.listen()
        listener.settimeout(30)
        return listener

    def test_what_is_not_supported_is_refused_by_name(self):
        for key in ("handler", "seccomp.plugins", "seccomp_bpf_data", "systemd.force_cgroup_v1"):
            with self.subTest(key=key):
                self.config["annotations"] = {"run.oci." + key: "x"}
                self.write_config()
                result = self.runtime("run", "--bundle", self.bundle, "one", check=False)
                self.assert_fails(result, 1, f'annotation "run.oci.{key}" is not supported')
                self.config["annotations"] = {"run.oci." + key: ""}  # says nothing
                self.write_config()
                self.runtime("run", "--bundle", self.bundle, "one")

    def test_features_names_those_that_mean_something(self):
        names = self.runtime("features").json()["potentiallyUnsafeConfigAnnotations"]
        self.assertIn("run.oci.hooks.stdout", names)
        self.assertIn("run.oci.keep_original_groups", names)
        self.assertIn("run.oci.delegate-cgroup", names)
        self.assertNotIn("run.oci.handler", names)

    def test_bad_values_are_errors(self):
        self.config["linux"]["namespaces"].append({"type": "time"})
        for key, value in (("timens_offset", "monotonic"), ("timens_offset", "realtime 1 0"),
                           ("timens_offset", "boottime 1 1000000000"), ("hooks.stdout", "relative"),
                           ("mount_context_type", "none"), ("delegate-cgroup", "a/b"), ("delegate-cgroup", ".."),
                           ("systemd.subgroup", "../x"), ("systemd.subgroup", "a\nb"), ("delegate-cgroup", "x" * 256)):
            with self.subTest(key=key):
                self.config["annotations"] = {"run.oci." + key: value}
                self.write_config()
                result = self.runtime("run", "--bundle", self.bundle, "one", check=False)
                self.assert_fails(result, 1, f'annotation "run.oci.{key}"')

    def test_the_callers_groups_can_be_kept(self):
        """As `podman run --group-add keep-groups`: inside, groups without a mapping show as the overflow group."""
        groups = len(os.getgroups())
        dropped = self.runs("id -G").split()
        self.annotate(keep_original_groups="1")
        kept = self.runs("grep Groups /proc/self/status").split()[1:]
        self.assertEqual(len(kept), groups)
        self.assertEqual(dropped, ["0"])
        self.start_waiting()
        inside = self.runtime("exec", "one", "/busybox", "grep", "Groups", "/proc/self/status").stdout.split()[1:]
        self.assertEqual(len(inside), groups)

    def test_an_ordinary_user_passes_on_a_cgroup_that_is_delegated_to_him(self):
        self.config["annotations"] = {"run.oci.delegate-cgroup": "inner"}
        pid = self.start_waiting()
        lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
        own = next((line[3:] for line in lines if line.startswith("0::")), "/")
        if not own.endswith("/one/inner"):
            self.assertIn("no cgroup is delegated", (self.dir / "output").read_text())
            self.skipTest("no cgroup is delegated to this user")
        below = self.runtime("exec", "one", "/busybox", "cat", "/proc/self/cgroup").stdout
        self.assertIn("/inner\n", below)
        self.runtime("delete", "--force", "one")
        self.assertFalse(is_alive(pid))
        self.assertFalse(Path("/sys/fs/cgroup" + own).parent.exists())

    def test_clocks_of_a_time_namespace(self):
        self.config["linux"]["namespaces"].append({"type": "time"})
        self.annotate(timens_offset="boottime 864000 0")
        self.assertGreater(float(self.runs("cat /proc/uptime").split()[0]), 864000)

    def test_hooks_have_files_for_their_output(self):
        for name in ("out", "err"):
            (self.dir / name).write_text("before\n")
        self.config["hooks"] = {point: [{"path": "/bin/sh", "args": ["sh", "-c", f"echo {point}; echo {point} >&2"]}]
                                for point in ("createRuntime", "poststart", "poststop")}
        self.annotate(**{"hooks__stdout": str(self.dir / "out"), "hooks__stderr": str(self.dir / "err")})
        self.assertEqual(self.runs("echo hi"), "hi")
        for name in ("out", "err"):
            self.assertEqual((self.dir / name).read_text().split(), ["before", "createRuntime", "poststart", "poststop"])

    def test_a_pidfd_is_sent(self):
        listener = self.listen("pidfd")
        self.annotate(pidfd_receiver=str(self.dir / "pidfd"))
        pid = self.start_waiting()
        connection, _ = listener.accept()
        with connection:
            _, ancillary, _, _ = connection.recvmsg(64, socket.CMSG_SPACE(4))
        pidfd = array.array("i", ancillary[0][2])[0]
        self.addCleanup(os.close, pidfd)
        with open(f"/proc/self/fdinfo/{pidfd}", encoding="ascii") as info:
            self.assertIn(f"Pid:\t{pid}\n", info.read())

    def test_a_receiver_of_the_pidfd_that_is_not_there_is_an_error_and_nothing_stays(self):
        self.annotate(pidfd_receiver=str(self.dir / "absent"))
        self.assert_fails(self.runtime("create", "--bundle", self.bundle, "one", check=False), 1, "receiver of the pidfd")
        self.assertEqual(self.runtime("list", "-q").stdout, "")

    def test_a_seccomp_agent_may_be_an_annotation(self):
        listener = self.listen("agent")
        self.config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW",
                                           "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}]}
        self.annotate(seccomp__receiver=str(self.dir / "agent"))
        self.start_waiting()
        connection, _ = listener.accept()
        with connection:
            message, ancillary, _, _ = connection.recvmsg(1 << 16, socket.CMSG_SPACE(4))
        os.close(array.array("i", ancillary[0][2])[0])
        self.assertIn(b'"id":"one"', message)

    def test_unknown_system_calls_can_be_errors(self):
        self.config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW",
                                           "syscalls": [{"names": ["frobnicate"], "action": "SCMP_ACT_ERRNO"}]}
        self.assertEqual(self.runs("echo hi"), "hi")
        self.annotate(seccomp_fail_unknown_syscall="1")
        result = self.runtime("run", "--bundle", self.bundle, "one", check=False)
        self.assert_fails(result, 1, '"frobnicate" is no system call')


class NotifyTest(BundleTest):
    def setUp(self):
        super().setUp()
        self.host = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.host.close)
        self.host.bind(str(self.dir / "host"))
        self.host.settimeout(30)
        self.environment["NOTIFY_SOCKET"] = str(self.dir / "host")
        script = "echo $NOTIFY_SOCKET > /work/path; read word < /work/gate; echo end"
        self.config["process"].update(args=["/busybox", "sh", "-c", script], env=["NOTIFY_SOCKET=/host/bogus"])
        self.config["root"]["readonly"] = False
        self.write_config()
        os.mkfifo(self.bundle / "rootfs/work/gate")

    def say(self, pid, *messages):
        """As the container's program: by the path that it sees."""
        path = wait_until(lambda: (self.bundle / "rootfs/work/path").exists() and
                          (self.bundle / "rootfs/work/path").read_text().strip(), "it was told of its socket")
        self.assertEqual(path, "/run/notify/notify.sock")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            for message in messages:
                sender.sendto(message, str(next((self.dir / "states").glob("one/notify/notify.sock"))))
        self.assertTrue(os.path.exists(f"/proc/{pid}/root{path}"))

    def starting(self, *words):
        with open(self.dir / "output", "wb") as output:
            process = subprocess.Popen([ENGINE, "runtime", "--root", self.dir / "states", *words], env=self.environment,
                                       stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        self.addCleanup(process.wait, 60)
        self.addCleanup(process.kill)
        return process

    def test_start_passes_on_that_the_container_is_ready_and_nothing_else(self):
        for words in (["start"], ["run", "--detach", "--bundle", self.bundle]):
            with self.subTest(words=words[0]):
                if words[0] == "start":
                    self.background("create", "--bundle", self.bundle, "one")
                process = self.starting(*words, "one")
                wait_until((self.bundle / "rootfs/work/path").exists, "it runs")
                self.say(self.state()["pid"], b"STATUS=hello\nMAINPID=1\nREADY=10", b"STOPPING=1\nREADY=1\nMAINPID=1")
                pid = self.state()["pid"]
                self.assertEqual(self.host.recv(4096).split(b"\n"), [b"READY=1", b"MAINPID=%d" % pid])
                # Our message is only believed while we run: it waits until the host has closed this pipe.
                self.assertIsNone(process.poll())
                message, ancillary, _, _ = self.host.recvmsg(4096, socket.CMSG_SPACE(4))
                self.assertEqual((message, len(ancillary)), (b"BARRIER=1", 1))
                self.assertIsNone(process.poll())
                os.close(array.array("i", ancillary[0][2])[0])
                self.assertEqual(process.wait(30), 0)
                self.assertEqual(self.state()["status"], "running")
                self.runtime("delete", "--force", "one")
                (self.bundle / "rootfs/work/path").unlink()
                self.host.setblocking(False)
                self.assertRaises(BlockingIOError, self.host.recv, 1)
                self.host.settimeout(30)

    def test_run_in_the_foreground_passes_it_on_and_goes_on(self):
        """The service's main process is the command itself, which relays the container's output and its status."""
        process = self.starting("run", "--bundle", self.bundle, "one")
        wait_until((self.bundle / "rootfs/work/path").exists, "it runs")
        self.say(self.state()["pid"], b"STATUS=hello", b"READY=1\nMAINPID=1\nFDSTORE=1")
        self.assertEqual(self.host.recv(4096).split(b"\n"), [b"READY=1", b"MAINPID=%d" % process.pid])
        self.say(self.state()["pid"], b"READY=1")  # once is enough
        self.assertIsNone(process.poll())
        (self.bundle / "rootfs/work/gate").write_text("go\n")
        self.assertEqual(process.wait(30), 0)
        self.assertEqual((self.dir / "output").read_text(), "end\n")
        self.host.setblocking(False)
        self.assertRaises(BlockingIOError, self.host.recv, 1)

    def test_the_program_itself_finds_its_socket(self):
        """Not by a path of the host: what is mounted is tested, with a program of the machine that can send."""
        self.config["process"]["args"] = ["/busybox", "sh", "-c", "test -S $NOTIFY_SOCKET && echo socket"]
        self.write_config()
        self.assertEqual(self.runtime("run", "--bundle", self.bundle, "one").stdout, "socket\n")

    def test_start_ends_with_a_container_that_never_says_so(self):
        self.background("create", "--bundle", self.bundle, "one")
        pid = self.state()["pid"]
        process = self.starting("start", "one")
        wait_until(lambda: self.state()["status"] == "running", "it runs")
        self.runtime("kill", "one", "KILL")
        self.assertEqual(process.wait(30), 0)
        wait_until(lambda: not is_alive(pid), "it ends")

    def test_a_host_that_does_not_listen_is_a_warning(self):
        self.environment["NOTIFY_SOCKET"] = str(self.dir / "absent")
        self.background("create", "--bundle", self.bundle, "one")
        process = self.starting("start", "one")
        wait_until((self.bundle / "rootfs/work/path").exists, "it runs")
        self.say(self.state()["pid"], b"READY=1")
        self.assertEqual(process.wait(30), 0)
        self.assertIn("nobody could be told", (self.dir / "output").read_text())
