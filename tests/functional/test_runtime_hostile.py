"""`engine runtime` against what it talks to: seccomp agents, systemd, and config.json that asks for what is not there."""

import json
import os
import select
import socket
import subprocess
import threading

from bundle_test import BundleTest
from engine_test import ENGINE, is_alive, wait_until


class PeerTest(BundleTest):
    def listen(self, path, backlog=16):
        path.parent.mkdir(exist_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(str(path))
        listener.listen(backlog)
        return listener

    def serve(self, path, answer):
        """A thread that does `answer(connection)` for each connection, and closes it."""
        listener = self.listen(path)
        stop, stopped = os.pipe()

        def run():
            while select.select([listener, stop], [], [])[0] == [listener]:
                with listener.accept()[0] as connection:
                    connection.settimeout(30)
                    try:
                        answer(connection)
                    except OSError:
                        pass
        thread = threading.Thread(target=run)
        thread.start()
        self.addCleanup(os.close, stop)
        self.addCleanup(thread.join)
        self.addCleanup(os.close, stopped)

    def running(self, *words):
        with open(self.dir / f"said-{words[-1]}", "w", encoding="utf-8") as said:
            process = subprocess.Popen([ENGINE, "runtime", "--root", self.dir / "states", *words], env=self.environment,
                                       stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def said(self, name):
        return (self.dir / f"said-{name}").read_text()


class SeccompAgentTest(PeerTest):
    def setUp(self):
        super().setUp()
        self.config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW",
                                           "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}]}
        self.config["process"]["args"] = ["/busybox", "sh", "-c", "mkdir /tmp/x; echo went on"]

    def use(self, path):
        self.config["linux"]["seccomp"]["listenerPath"] = str(path)
        self.write_config()

    def test_one_that_closes_at_once_or_answers_garbage_harms_its_own_calls_only(self):
        def garbage(connection):
            connection.sendall(b"\0\xff" * 1000)
            connection.recv(1 << 16)
        for name, answer in (("closes", lambda connection: None), ("garbage", garbage)):
            with self.subTest(name=name):
                self.serve(self.dir / name, answer)
                self.use(self.dir / name)
                result = self.runtime("run", "--bundle", self.bundle, "one", check=False)
                if result.status == 0:
                    self.assertIn("went on", result.stdout)
                else:  # it had closed before it was told
                    self.assert_fails(result, 1, "to its agent")
                self.assertEqual(self.runtime("list", "-q").stdout, "")

    def test_one_that_never_accepts_or_never_reads_does_not_keep_us(self):
        self.config["annotations"] = {"long": "x" * (2 << 20)}
        self.listen(self.dir / "full", 0)
        waiting = []
        while True:  # until the queue is full
            waiting.append(socket.socket(socket.AF_UNIX))
            self.addCleanup(waiting[-1].close)
            waiting[-1].setblocking(False)
            if waiting[-1].connect_ex(str(self.dir / "full")) != 0:
                break
        self.use(self.dir / "full")
        first = self.running("run", "--detach", "--bundle", self.bundle, "full")
        wait_until((self.dir / "states/full").exists, "it has read its config.json")
        self.listen(self.dir / "deaf")
        self.use(self.dir / "deaf")
        second = self.running("run", "--detach", "--bundle", self.bundle, "deaf")
        self.assertEqual((first.wait(30), second.wait(30)), (1, 1))
        self.assertIn("connecting to the seccomp agent", self.said("full"))
        self.assertIn("sending the seccomp listener to its agent", self.said("deaf"))
        self.assertEqual(self.runtime("list", "-q").stdout, "")


class SystemdTest(PeerTest):
    def test_a_peer_that_speaks_no_dbus_is_one_clear_line(self):
        self.write_config()
        answers = {"closes": lambda connection: None,
                   "garbage": lambda connection: connection.sendall(os.urandom(512) + b"\r\n" * 10),
                   "endless": lambda connection: connection.sendall(b"x" * (1 << 20)),
                   "rejects": lambda connection: connection.sendall(b"REJECTED EXTERNAL\r\n"),
                   "huge": lambda connection: connection.sendall(
                       b"DATA\r\nOK 0\r\nAGREE_UNIX_FD\r\nl\x02\x01\x01\xff\xff\xff\x7f" + b"\xff" * 4096)}
        for name, answer in answers.items():
            with self.subTest(name=name):
                folder = self.dir / f"peer-{name}"
                folder.mkdir()
                for place in ("systemd/private", "bus"):
                    self.serve(folder / place, answer)
                self.environment["XDG_RUNTIME_DIR"] = str(folder)
                result = self.runtime("--systemd-cgroup", "run", "--bundle", self.bundle, "one", check=False)
                self.assertEqual(result.status, 1, result)
                self.assertTrue(result.stderr.startswith("Error: "), result)
                self.assertEqual(self.runtime("list", "-q").stdout, "")

    def test_a_container_can_be_deleted_when_its_systemd_is_gone(self):
        pid = self.start_waiting()
        path = self.dir / "states/one/state.json"
        state = json.loads(path.read_text())
        state["cgroup"].update(manager="systemd", scope="engine-one.scope", userRuntimeDir=str(self.dir / "nobody"))
        path.write_text(json.dumps(state))
        result = self.runtime("delete", "--force", "one")
        self.assertIn("engine-one.scope is left to systemd", result.stderr)
        wait_until(lambda: not is_alive(pid), "it ends")
        self.assertEqual(self.runtime("list", "-q").stdout, "")


class AbsentTest(PeerTest):
    def test_what_an_ordinary_user_cannot_have_is_one_clear_line(self):
        for name, change, part in (
                ("device", lambda linux: linux.update(netDevices={"lo": {}}), "only root can move network devices"),
                ("offset", lambda linux: linux.update(timeOffsets={"boottime": {"secs": 1 << 62, "nanosecs": 0}}), "timeOffsets")):
            with self.subTest(name=name):
                self.config["linux"]["namespaces"] = [entry for entry in self.config["linux"]["namespaces"]
                                                      if entry["type"] not in ("time", "network")]
                self.config["linux"]["namespaces"] += [{"type": "time"}, {"type": "network"}]
                self.config["linux"].pop("netDevices", None)
                change(self.config["linux"])
                self.write_config()
                self.assert_fails(self.runtime("run", "--bundle", self.bundle, "one", check=False), 1, part)
                self.assertEqual(self.runtime("list", "-q").stdout, "")
