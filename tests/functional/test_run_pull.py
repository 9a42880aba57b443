"""run and create of an image that is not here: the options that say how it is fetched."""

import json
import subprocess
import unittest

import make_image
from engine_test import EngineTest
from make_image import sha256
from registry_server import FakeRegistry, send
from test_pull import RealRegistryTest, small_image


class PrivateTest(RealRegistryTest):
    """A registry that asks for a password, with a certificate of an authority of our own."""

    def setUp(self):
        super().setUp()
        passwords = self.dir / "htpasswd"
        passwords.write_text(subprocess.run(["htpasswd", "-Bbn", "ann", "s3cret"], check=True, text=True,
                                            stdout=subprocess.PIPE).stdout)
        self.registry = self.start_registry("private", htpasswd=passwords)
        self.registry.push("box", "1", self.guest_image(), {"Authorization": "Basic YW5uOnMzY3JldA=="})  # ann:s3cret
        self.name = f"{self.registry.name}/box:1"
        self.trust()

    def run_box(self, *options, check=True):
        return self.engine("run", "--rm", "--quiet", "--network", "none", "--retry", "0", *options, self.name, "echo", "ran",
                           check=check)

    def test_certificates_and_logins(self):
        certificates = self.dir / "certs"
        self.assert_fails(self.run_box("--creds", "ann:s3cret", check=False), 125, "certificate")
        refused = self.run_box("--cert-dir", certificates, "--creds", "ann:wrong", check=False)
        self.assert_fails(refused, 125, self.registry.name)
        self.assertNotIn("wrong", refused.stderr)
        self.assertEqual(self.run_box("--cert-dir", certificates, "--creds", "ann:s3cret").stdout, "ran\n")
        self.engine("rmi", self.name)
        auth_file = self.dir / "auth.json"
        auth_file.write_text(json.dumps({"auths": {self.registry.name: {"auth": "YW5uOnMzY3JldA=="}}}))
        self.engine("create", "-q", "--cert-dir", certificates, "--authfile", auth_file, self.name)
        self.engine("image", "exists", self.name)


class PlatformTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.registry = FakeRegistry()
        self.addCleanup(self.registry.stop)
        self.images, entries = {}, []
        for place in (("linux", "amd64", None), ("linux", "arm", "v6"), ("linux", "arm", "v7"), ("plan9", "arm", "v7")):
            image = small_image(" ".join(map(str, place)))
            image.os, image.architecture, image.variant = place
            self.images[place] = sha256(image.config_bytes())[7:]
            self.registry.add("many", image, tag="-".join(map(str, place)))
            entries.append(image.descriptor())
        self.registry.manifests["/v2/many/manifests/all"] = make_image.index_bytes(entries)
        self.name = f"{self.registry.name}/many:all"

    def test_pull_and_create_choose_alike(self):
        for words, place in ((("--arch", "arm", "--variant", "v6"), ("linux", "arm", "v6")),
                             (("--os", "plan9", "--arch", "arm", "--variant", "v7"), ("plan9", "arm", "v7"))):
            with self.subTest(words=words):
                pulled = self.engine("pull", "-q", "--tls-verify=false", *words, self.name)
                self.assertEqual(pulled.stdout, self.images[place] + "\n")
                self.engine("rmi", "-f", "--all")
                id = self.engine("create", "-q", "--tls-verify=false", *words, self.name, "true").stdout.strip()
                self.assertEqual(self.inspect(id)["Image"], self.images[place])
                self.engine("rm", id)
        done = self.engine("create", "-q", "--tls-verify=false", "--os", "beos", self.name, check=False)
        self.assert_fails(done, 125, "beos")


class RetryTest(EngineTest):
    """Each option by what the registry saw."""

    def setUp(self):
        super().setUp()
        self.registry = FakeRegistry()
        self.addCleanup(self.registry.stop)
        self.registry.add("box", self.guest_image())
        self.path = "/v2/box/manifests/latest"
        self.name = f"{self.registry.name}/box"

    def fail_times(self, count):
        left = [count]
        del self.registry.seen[:]

        def answer(request):
            if left[0] > 0:
                left[0] -= 1
                send(request, 503, b"{}")
            else:
                self.registry.answer(request)
        self.registry.answers[self.path] = answer

    def asked(self):
        return self.registry.seen.count(self.path)

    def test_as_often_as_is_said(self):
        for verb, rest in (("pull", ()), ("create", ("true",)), ("run", ("true",))):
            with self.subTest(verb=verb):
                self.fail_times(2)
                words = (verb, "-q", "--tls-verify=false", "--retry-delay", "1ms", "--retry")
                failed = self.engine(*words, "1", self.name, *rest, check=False)
                self.assertEqual(failed.status, 125, failed)
                self.assertRegex(failed.stderr, r"next try in 1 ms\nError: .*\(503\)")
                self.assertEqual(self.asked(), 2)
                self.fail_times(2)
                self.engine(*words, "2", self.name, *rest)
                self.assertEqual(self.asked(), 3)
                self.engine("rmi", "-f", self.name)

    def test_after_the_time_that_is_said(self):
        """A delay of an hour: the first failure is told, and nobody asks again until the command is killed."""
        self.fail_times(1)
        process = self.start_engine("pull", "--tls-verify=false", "--retry-delay", "1h", "--retry", "1", self.name)
        line = next((line for line in process.stderr if "503" in line), "")
        self.assertRegex(line, "1h|60 min|3600")
        self.assertEqual(self.asked(), 1)


if __name__ == "__main__":
    unittest.main()
