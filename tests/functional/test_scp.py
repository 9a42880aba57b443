"""image scp: an image to another host by the real ssh, there and back, and what is refused."""

import getpass
import shutil
import subprocess
import unittest
from pathlib import Path

from engine_test import ENGINE, EngineTest, wait_until
from registry_server import free_port
from test_pull import small_image

SSHD = "/usr/sbin/sshd"


@unittest.skipUnless(Path(SSHD).exists() and shutil.which("ssh"), "no ssh server is installed")
class ScpTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.there = self.dir / "there"
        (self.there / "bin").mkdir(parents=True)
        # The other host's engine has a store of its own.
        other = self.there / "bin/engine"
        other.write_text(f"#!/bin/sh\nexec {ENGINE} --root {self.there}/root --runroot {self.there}/run \"$@\"\n")
        other.chmod(0o755)
        for name in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.dir / name], check=True)
        (self.dir / "authorized").write_bytes((self.dir / "user.pub").read_bytes())
        self.port = free_port()
        self.start_server()

    def start_server(self):
        conf = self.dir / "sshd_config"
        path = f"{self.there}/bin:/usr/bin:/bin"
        conf.write_text(f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {self.dir}/host\nStrictModes no\n"
                        f"UsePAM no\nAuthorizedKeysFile {self.dir}/authorized\nPidFile none\nSetEnv PATH={path}\n")
        log = open(self.dir / "sshd.log", "wb")
        server = subprocess.Popen([SSHD, "-D", "-e", "-f", conf], stderr=log)
        self.addCleanup(lambda: (server.kill(), server.wait(), log.close()))

        def is_ready():
            if server.poll() is not None:
                self.skipTest("sshd does not start here: " + (self.dir / "sshd.log").read_text())
            return b"listening" in (self.dir / "sshd.log").read_bytes()
        wait_until(is_ready, "sshd listens")
        self.host = f"ssh://{getpass.getuser()}@127.0.0.1:{self.port}"
        agent = subprocess.run(["ssh-agent", "-a", self.dir / "agent"], check=True, capture_output=True,
                               text=True).stdout
        self.addCleanup(subprocess.run, ["kill", agent.split("SSH_AGENT_PID=")[1].split(";")[0]])
        self.environment["SSH_AUTH_SOCK"] = str(self.dir / "agent")
        subprocess.run(["ssh-add", "-q", self.dir / "user"], check=True, env=self.environment)
        known = subprocess.run(["ssh-keyscan", "-p", str(self.port), "127.0.0.1"], check=True,
                               capture_output=True).stdout
        home = Path(f"~{getpass.getuser()}").expanduser() / ".ssh"
        home.mkdir(mode=0o700, exist_ok=True)
        hosts = home / "known_hosts"
        before = hosts.read_bytes() if hosts.exists() else b""
        hosts.write_bytes(before + known)
        self.addCleanup(hosts.write_bytes, before)

    def over_there(self, *words):
        return subprocess.run([self.there / "bin/engine", *words], check=True, capture_output=True, text=True,
                              env=self.environment).stdout

    def test_there_and_back(self):
        image = small_image(name="localhost/team/app:1")
        self.engine("pull", "-q", self.archive(image))
        digest = self.engine("images", "--digests", "--format", "{{.Digest}}").stdout
        result = self.engine("image", "scp", image.name, f"{self.host}::")
        self.assertIn(f"Loaded image: {image.name}", result.stdout)
        self.assertEqual(self.over_there("images", "--digests", "--format", "{{.Digest}}"), digest)
        self.engine("rmi", "-af")
        self.engine("image", "scp", "-q", f"{self.host}::{image.name}")
        self.assertEqual(self.engine("images", "--digests", "--format", "{{.Digest}}").stdout, digest)
        self.over_there("rmi", "-af")
        self.engine("image", "scp", f"{self.host}::", check=False)
        self.assert_fails(self.engine("image", "scp", f"{self.host}::{image.name}", check=False), 125, "not in the store")

    def test_what_would_be_an_option_or_a_command(self):
        for words in (("-oProxyCommand=x::app",), ("--", "-oProxyCommand=x::app"), ("host::app;id",), ("host::$(id)",),
                      ("app", "host::other"), ("host::",), ("::app",), ("--", "app", "-x::")):
            with self.subTest(words=words):
                result = self.engine("image", "scp", *words, check=False)
                self.assertEqual(result.status, 125, result)


if __name__ == "__main__":
    unittest.main()
