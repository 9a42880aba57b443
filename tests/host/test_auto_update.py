"""`engine auto-update` with a real registry: new images are found, started, and taken back when they do not come up."""

import json
import socket
import subprocess
import urllib.error
import urllib.request

from host_test import wait_until
from units_test import QUADLETS, UnitsTest


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class AutoUpdateTest(UnitsTest):
    def setUp(self):
        super().setUp()
        self.registry = f"127.0.0.1:{free_port()}"
        config = self.dir / "registry.yml"
        config.write_text(f"version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {self.dir}/data\n"
                          f"http:\n  addr: {self.registry}\n")
        process = subprocess.Popen(["docker-registry", "serve", config], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        wait_until(self.answers, "the registry answers")
        self.image = f"{self.registry}/web:latest"

    def answers(self):
        try:
            return urllib.request.urlopen(f"http://{self.registry}/v2/", timeout=5).status == 200
        except (urllib.error.URLError, ConnectionError):
            return False

    def make_image(self, version, name, program="/bin/serve"):
        """Its program lies at `program`, and tells its version and whether it is well."""
        root = self.dir / f"root-{version}"
        (root / "bin").mkdir(parents=True)
        for folder in ("dev", "proc", "sys", "tmp", "etc", "run"):
            (root / folder).mkdir()
        (root / "version").write_text(version)
        (root / "bin/busybox").write_bytes((self.rootfs / "bin/busybox").read_bytes())
        (root / "bin/busybox").chmod(0o755)
        for link in ("sh", "sleep", "cat", "test"):
            (root / "bin" / link).symlink_to("busybox")
        (root / program.lstrip("/")).write_text("#!/bin/sh\ntrap 'exit 0' TERM\nwhile true; do sleep 0.1; done\n")
        (root / program.lstrip("/")).chmod(0o755)
        tar = self.dir / f"{version}.tar"
        subprocess.run(["tar", "-C", root, "--owner=0", "--group=0", "-cf", tar, "."], check=True)
        self.engine("import", "--quiet", tar, name)
        self.addCleanup(self.engine, "rmi", "-f", name, check=False)

    def publish(self, version, **how):
        """At the registry only: what this store has under the name stays."""
        self.make_image(version, f"localhost/{version}:latest", **how)
        self.engine("push", "--quiet", "--tls-verify=false", f"localhost/{version}:latest", f"docker://{self.image}")

    def start(self, name, policy="registry", lines=""):
        self.write(QUADLETS, f"{name}.container",
                   f"[Container]\nImage={self.image}\nPull=missing\nNetwork=none\nAutoUpdate={policy}\nExec=/bin/serve\n"
                   f"{lines}\n[Service]\nRestart=on-failure\nTimeoutStartSec=60\n")
        self.systemctl("daemon-reload")
        self.start_units(f"{name}.service")
        self.addCleanup(self.engine, "rmi", "-f", self.image, check=False)

    def pull(self):
        self.engine("pull", "--quiet", "--tls-verify=false", self.image)

    def update(self, *words, status=0):
        result = self.engine("auto-update", "--tls-verify=false", "--format", "json", *words, check=False)
        self.assertEqual(result.status, status, result)
        return {row["Unit"]: row for row in json.loads(result.stdout)}, result.stderr

    def version_in(self, container):
        return self.engine("exec", container, "cat", "/version").stdout

    def test_a_new_image_at_the_registry_is_found_and_started(self):
        self.publish("one")
        self.pull()
        self.start("u-web")
        rows, _ = self.update()
        self.assertEqual((rows["u-web.service"]["Updated"], rows["u-web.service"]["Policy"]), ("false", "registry"))
        self.publish("two")
        rows, _ = self.update("--dry-run")
        self.assertEqual(rows["u-web.service"]["Updated"], "pending")
        self.assertEqual(self.version_in("systemd-u-web"), "one")
        row = self.engine("auto-update", "--tls-verify=false", "--dry-run").stdout.splitlines()
        self.assertEqual(row[0].split(), ["UNIT", "CONTAINER", "IMAGE", "POLICY", "UPDATED"])
        self.assertRegex(row[1], rf"^u-web.service +[0-9a-f]{{12}} \(systemd-u-web\) +{self.image} +registry +pending *$")
        rows, _ = self.update()
        self.assertEqual(rows["u-web.service"]["Updated"], "true")
        self.assertEqual(self.version_in("systemd-u-web"), "two")
        self.assert_active("u-web.service")
        rows, _ = self.update()
        self.assertEqual(rows["u-web.service"]["Updated"], "false")

    def test_a_new_image_in_the_store_is_found_and_started(self):
        self.make_image("one", self.image)
        self.start("u-local", policy="local")
        rows, _ = self.update("--dry-run")
        self.assertEqual(rows["u-local.service"]["Updated"], "false")
        self.make_image("two", self.image)
        rows, _ = self.update("--dry-run")
        self.assertEqual(rows["u-local.service"]["Updated"], "pending")
        rows, _ = self.update()
        self.assertEqual(rows["u-local.service"]["Updated"], "true")
        self.assertEqual(self.version_in("systemd-u-local"), "two")

    def test_an_image_whose_program_is_missing_is_taken_back(self):
        self.publish("one")
        self.pull()
        self.start("u-missing")
        self.publish("two", program="/bin/elsewhere")
        rows, said = self.update(status=125)
        self.assertEqual(rows["u-missing.service"]["Updated"], "rolled back", said)
        self.assertEqual(self.version_in("systemd-u-missing"), "one")
        self.assert_active("u-missing.service")
        self.assertIn("rolled back u-missing.service", said)

    def test_an_image_that_fails_its_health_check_is_taken_back(self):
        self.publish("one")
        self.pull()
        # The check of the new one: it says that it is version "sick".
        self.start("u-sick", lines="Notify=healthy\nHealthCmd=test \"$(cat /version)\" != sick\nHealthInterval=1s\n"
                                   "HealthRetries=1\nHealthOnFailure=kill")
        self.publish("sick")
        rows, said = self.update(status=125)
        self.assertEqual(rows["u-sick.service"]["Updated"], "rolled back", said)
        self.assertEqual(self.version_in("systemd-u-sick"), "one")
        self.wait_for_state("u-sick.service", "active")

    def test_without_rollback_it_stays_failed(self):
        self.publish("one")
        self.pull()
        self.start("u-stays")
        self.publish("two", program="/bin/elsewhere")
        rows, _ = self.update("--rollback=false", status=125)
        self.assertEqual(rows["u-stays.service"]["Updated"], "failed")
        self.assertEqual(self.engine("image", "inspect", "--format", "{{.Id}}", self.image).stdout,
                         self.engine("image", "inspect", "--format", "{{.Id}}", "localhost/two:latest").stdout)
