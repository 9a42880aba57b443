"""Sockets that a service manager has opened ($LISTEN_FDS): the container's program serves them."""

import os
import socket
import subprocess
import sys

from engine_test import BUSYBOX, EngineTest

# What a service manager does between fork and exec: the sockets are 3, 4, …, and $LISTEN_PID is the command's own pid.
ACTIVATE = """
import os, sys
fds, command = [int(word) for word in sys.argv[1].split(",")], sys.argv[2:]
high = [os.dup(fd) for fd in fds]
while min(high) < 3 + len(fds):
    high = [os.dup(fd) for fd in high]
for place, fd in enumerate(high):
    os.dup2(fd, 3 + place)
os.environ["LISTEN_PID"] = os.environ.get("PID") or str(os.getpid())
os.execv(command[0], command)
"""


class SocketActivationTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()

    def listener(self, name):
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(listener.close)
        listener.bind(str(self.dir / name))
        listener.listen()
        return listener

    def activation(self, sockets, *words, **variables):
        numbers = [one.fileno() for one in sockets]
        return ([sys.executable, "-c", ACTIVATE, ",".join(map(str, numbers)), *self.command(*words)],
                {"pass_fds": numbers, "stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
                 "text": True, "env": {**self.environment, "LISTEN_FDS": str(len(sockets)), **variables}})

    def activate(self, sockets, *words, **variables):
        command, options = self.activation(sockets, *words, **variables)
        done = subprocess.run(command, timeout=120, check=False, **options)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        return done.stdout.strip()

    def ask(self, name):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(60)
            client.connect(str(self.dir / name))
            return client.makefile().read()

    def test_a_detached_container_serves_a_request_that_came_before_it(self):
        web = self.listener("web")
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(client.close)
        client.settimeout(60)
        client.connect(str(self.dir / "web"))
        self.activate([web], "run", "-d", "--network", "none", BUSYBOX, "/guest", "serve", LISTEN_FDNAMES="http")
        self.assertEqual(client.makefile().read(), "http of 1\n")
        self.assertEqual(self.ask("web"), "http of 1\n")

    def test_in_the_foreground_below_init_and_by_start(self):
        listeners = [self.listener(name) for name in ("one", "two")]
        for options in ([], ["--init"], ["-i"]):
            with self.subTest(options=options):
                command, how = self.activation(listeners, "run", "--rm", "--name", "now", "--network", "none", *options,
                                               BUSYBOX, "/guest", "serve", LISTEN_FDNAMES="a:b")
                process = subprocess.Popen(command, **how)
                self.addCleanup(process.communicate)
                self.addCleanup(process.kill)
                self.assertEqual(self.ask("one"), "a:b of 2\n")
                self.engine("rm", "-f", "-t", "0", "now")
                process.wait(60)
        self.engine("create", "--name", "later", "--network", "none", BUSYBOX, "/guest", "serve")
        self.activate(listeners, "start", "later")
        self.assertEqual(self.ask("one"), "none of 2\n")

    def test_they_come_before_preserved_descriptors_and_replace_variables(self):
        variables = ["-e", "LISTEN_FDS=9", "-e", "LISTEN_PID=9", "-e", "LISTEN_FDNAMES=x"]
        sockets = [self.listener("one"), self.listener("two")]
        command, how = self.activation(sockets, "run", "--rm", "--network", "none", "--preserve-fds", "1", *variables,
                                       BUSYBOX, "sh", "-c", "env | grep LISTEN | sort; ls /proc/self/fd", LISTEN_FDS="1")
        done = subprocess.run(command, timeout=120, check=False, **how)
        words = done.stdout.split()
        self.assertEqual(words[:2], ["LISTEN_FDS=1", "LISTEN_PID=1"], done)
        self.assertLessEqual({"3", "4"}, set(words[2:]), done)

    def test_variables_that_are_for_another_process_mean_nothing(self):
        told = self.activate([self.listener("web")], "run", "--rm", "--network", "none", BUSYBOX, "sh", "-c",
                             "env | grep LISTEN; test -e /proc/$$/fd/3 && echo 3; true", PID=str(os.getpid()))
        self.assertEqual(told, "")

    def test_what_is_said_to_be_open_and_is_not_is_refused(self):
        command, how = self.activation([self.listener("web")], "run", "--rm", "--network", "none", BUSYBOX, "true",
                                       LISTEN_FDS="200")
        done = subprocess.run(command, timeout=120, check=False, **how)
        self.assertEqual(done.returncode, 125, done)
        self.assertIn("is to be passed on, but the caller has not opened it", done.stderr)
        command, how = self.activation([self.listener("other")], "run", "--rm", "--network", "none", BUSYBOX, "true",
                                       LISTEN_FDS="many")
        done = subprocess.run(command, timeout=120, check=False, **how)
        self.assertEqual(done.returncode, 125, done)
        self.assertIn('LISTEN_FDS is "many", and not a number of sockets', done.stderr)
