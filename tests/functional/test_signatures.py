"""Signatures by GPG and by cosign's keys: what engine, skopeo and podman sign, and what is not let in without."""

import base64
import http.server
import json
import os
import shutil
import subprocess
import threading
import unittest
from functools import partial
from pathlib import Path

import cosign_key
from engine_test import EngineTest
from make_image import index_bytes, sha256
from registry_server import RealRegistry
from test_pull import small_image

# podman as root of a user namespace, with a /run of its own.
OWN_RUN = ["unshare", "-U", "-r", "-m", "sh", "-c", 'mount -t tmpfs run /run && exec "$@"', "sh"]
ACCEPT, REJECT = [{"type": "insecureAcceptAnything"}], [{"type": "reject"}]


@unittest.skipUnless(shutil.which("gpg"), "gpg is not installed")
class SignedTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.keys = self.home / ".gnupg"
        self.keys.mkdir(mode=0o700)
        self.addCleanup(subprocess.run, ["gpgconf", "--homedir", self.keys, "--kill", "all"])
        self.environment["GNUPGHOME"] = str(self.keys)
        self.folder = self.home / ".config/containers"
        self.sigs = self.dir / "sigs"
        (self.folder / "registries.d").mkdir(parents=True)
        self.registry = RealRegistry(self.dir / "registry")
        self.addCleanup(self.registry.stop)
        self.places({"docker": {self.registry.name: {"lookaside": f"file://{self.sigs}"}}})
        self.image = small_image()
        self.digest = self.registry.push("team/app", "1", self.image)
        self.name = f"{self.registry.name}/team/app:1"
        self.ours = self.make_key("ours@example.com")
        self.require(self.ours)

    def gpg(self, *words, input=None):
        return subprocess.run(["gpg", "--batch", "--quiet", *words], input=input, check=True, env=self.environment,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout

    def make_key(self, user):
        self.gpg("--passphrase", "", "--quick-generate-key", user, "ed25519", "sign", "never")
        path = self.dir / f"{user}.asc"
        path.write_bytes(self.gpg("--armor", "--export", user))
        return path

    def places(self, content):
        (self.folder / "registries.d/test.yaml").write_text(json.dumps(content))

    def policy(self, default, **transports):
        (self.folder / "policy.json").write_text(json.dumps({"default": default, "transports": transports}))

    def require(self, key, **more):
        self.policy(REJECT, docker={self.registry.name: [
            {"type": "signedBy", "keyType": "GPGKeys", **({"keyPath": str(key)} if key else {}), **more}]})

    def signature_file(self, digest=None, number=1):
        return self.sigs / f"team/app@{(digest or self.digest).replace(':', '=')}/signature-{number}"

    def put(self, message, **which):
        path = self.signature_file(**which)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(message)

    def message(self, key="ours@example.com", payload=None, **changed):
        claim = {"docker-reference": self.name, "docker-manifest-digest": self.digest,
                 "type": "atomic container signature", **changed}
        text = payload or json.dumps({"critical": {
            "identity": {"docker-reference": claim["docker-reference"]},
            "image": {"docker-manifest-digest": claim["docker-manifest-digest"]}, "type": claim["type"]},
            "optional": {"creator": "test"}}).encode()
        return self.gpg("-z", "0", "--local-user", key, "--sign", input=text)

    def pull(self, name=None):
        return self.engine("pull", "-q", "--retry", "0", "--tls-verify=false", name or self.name, check=False)

    def assert_accepted(self, name=None):
        result = self.pull(name)
        self.assertEqual(result.status, 0, result)
        self.engine("rmi", "-af")

    def assert_rejected(self, *parts, name=None):
        layers = [f'"GET /v2/team/app/blobs/{sha256(layer[0])}' for layer in self.image.layers]
        before = [self.registry.requests(layer) for layer in layers]
        self.assert_fails(self.pull(name), 125, "policy", *parts)
        self.assertEqual(self.engine("images", "-aq").stdout, "")
        self.assertEqual([self.registry.requests(layer) for layer in layers], before)  # not one layer was fetched
        self.assert_nothing_unfinished()


class GpgTest(SignedTest):
    def test_an_image_is_let_in_by_the_right_signature_only(self):
        self.assert_rejected("it has no signature")
        good = self.message()
        self.make_key("theirs@example.com")
        for reason, message in (
                ("another key", self.message(key="theirs@example.com")),
                ("another image", self.message(**{"docker-manifest-digest": "sha256:" + "0" * 64})),
                ("for the name", self.message(**{"docker-reference": f"{self.registry.name}/team/other:1"})),
                ("for the name", self.message(**{"docker-reference": f"{self.registry.name}/team/app:2"})),
                ("type", self.message(type="something else")),
                ("does not count", good[:-20]),
                ("does not count", b"no signature"),
                ("does not count", bytes(byte ^ (at == len(good) // 2) for at, byte in enumerate(good))),
                ("does not count", good + good),
                ("does not count", self.gpg("-z", "0", "--store", input=b"{}")),
                ("does not count", self.gpg("-z", "0", "--store", input=b"{}") + good),
                ("is not JSON", self.message(payload=b"no json"))):
            with self.subTest(reason=reason, message=message):
                self.put(message)
                self.assert_rejected("does not count", "" if reason == "is not JSON" else reason)
        self.put(b"no signature")
        self.put(good, number=2)  # one good one is enough
        self.assert_accepted()
        self.assert_accepted(f"{self.registry.name}/team/app@{self.digest}")

    def test_what_is_critical_must_be_understood(self):
        payload = json.loads(self.gpg("--decrypt", input=self.message()))
        payload["critical"]["unheard"] = "of"
        self.put(self.message(payload=json.dumps(payload).encode()))
        self.assert_rejected("does not count", "not known")

    def test_an_expired_and_a_revoked_key(self):
        self.put(self.message())
        self.assert_accepted()
        revocation = next((self.keys / "openpgp-revocs.d").glob("*.rev")).read_text()
        self.gpg("--import", input=revocation.replace(":-----BEGIN", "-----BEGIN").encode())
        self.ours.write_bytes(self.gpg("--export", "ours@example.com"))
        self.assert_rejected("revoked")

    def test_keys_may_be_in_the_policy_and_several(self):
        theirs = self.make_key("theirs@example.com")
        self.put(self.message())
        self.require(None, keyData=base64.b64encode(self.ours.read_bytes()).decode())
        self.assert_accepted()
        self.require(None, keyPaths=[str(theirs), str(self.ours)])
        self.assert_accepted()
        self.require(None, keyPaths=[str(theirs)])
        self.assert_rejected("another key")
        self.ours.write_text("no key")
        self.require(self.ours)
        self.assert_fails(self.pull(), 125, "not a public key")
        self.require(self.dir / "absent")
        self.assert_fails(self.pull(), 125, "cannot be read")

    def test_each_form_of_identity(self):
        other = f"{self.registry.name}/other/app"
        self.put(self.message(**{"docker-reference": f"{other}:2"}))
        for identity, is_accepted in (
                ({"type": "matchExact"}, False), ({"type": "matchRepository"}, False),
                ({"type": "exactReference", "dockerReference": f"{other}:2"}, True),
                ({"type": "exactReference", "dockerReference": f"{other}:1"}, False),
                ({"type": "exactRepository", "dockerRepository": other}, True),
                ({"type": "remapIdentity", "prefix": self.registry.name, "signedPrefix": "x.io"}, False)):
            with self.subTest(identity=identity):
                self.require(self.ours, signedIdentity=identity)
                self.assert_accepted() if is_accepted else self.assert_rejected("for the name")
        self.put(self.message(**{"docker-reference": "x.io/app:1"}))
        self.require(self.ours, signedIdentity={"type": "remapIdentity", "prefix": f"{self.registry.name}/team",
                                                "signedPrefix": "x.io"})
        self.assert_accepted()

    def test_signatures_come_from_a_server_too(self):
        self.put(self.message())
        handler = partial(QuietHandler, directory=str(self.sigs))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        self.addCleanup(lambda: (server.shutdown(), thread.join(), server.server_close()))
        place = {"lookaside": f"http://127.0.0.1:{server.server_address[1]}"}
        for content in ({"default-docker": place}, {"docker": {self.name.rpartition(":")[0]: place}},
                        {"docker": {self.registry.name: {"sigstore": place["lookaside"]}}}):
            with self.subTest(content=content):
                self.places(content)
                self.assert_accepted()
        self.places({"default-docker": {"lookaside": f"file://{self.dir}/nothing"}, "docker": {"other.io": place}})
        self.assert_rejected("it has no signature")
        self.places({"default-docker": {"lookaside": "gopher://x"}})
        self.assert_fails(self.pull(), 125, "gopher")
        self.places({"default-docker": {"lookasside": "x"}})
        self.assert_fails(self.pull(), 125, "lookasside", "not known")

    def test_a_folder_with_signatures(self):
        self.tool("skopeo", "--insecure-policy", "copy", "--src-tls-verify=false", f"docker://{self.name}",
                  f"dir:{self.dir}/image")
        self.policy(REJECT, dir={"": [{"type": "signedBy", "keyType": "GPGKeys", "keyPath": str(self.ours),
                                       "signedIdentity": {"type": "exactReference", "dockerReference": self.name}}]})
        self.assert_rejected("no signature", name=f"dir:{self.dir}/image")
        digest = sha256((self.dir / "image/manifest.json").read_bytes())
        (self.dir / "image/signature-1").write_bytes(self.message(**{"docker-manifest-digest": digest}))
        self.assert_accepted(f"dir:{self.dir}/image")


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class PeersTest(SignedTest):
    """What others sign is good here, and what we sign is good there."""

    def skopeo(self, *words, policy=None):
        return subprocess.run(["skopeo", "--registries.d", self.folder / "registries.d",
                               *(["--policy", policy] if policy else ["--insecure-policy"]), "copy",
                               "--src-tls-verify=false", "--dest-tls-verify=false", *words],
                              env=self.environment, capture_output=True, text=True)

    def assert_skopeo_accepts(self, name, is_accepted=True):
        result = self.skopeo(f"docker://{name}", f"dir:{self.dir}/{os.urandom(4).hex()}",
                             policy=self.folder / "policy.json")
        self.assertEqual(result.returncode == 0, is_accepted, result.stderr)

    def test_what_skopeo_signs(self):
        result = self.skopeo("--sign-by", "ours@example.com", f"docker://{self.name}", f"docker://{self.name}")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertTrue(self.signature_file().exists())
        self.assert_accepted()
        broken = bytearray(self.signature_file().read_bytes())
        broken[len(broken) // 2] ^= 1
        self.signature_file().write_bytes(broken)
        self.assert_rejected("does not count")

    def test_what_podman_signs(self):
        conf = self.folder / "registries.conf"
        conf.write_text(f'[[registry]]\nlocation = "{self.registry.name}"\ninsecure = true\n')
        self.sigs.mkdir()
        signed = subprocess.run([*OWN_RUN, "podman", "--root", self.dir / "p", "--runroot", self.dir / "q",
                                 "--storage-driver", "vfs", "image", "sign", "--sign-by", "ours@example.com",
                                 "--directory", self.sigs, f"docker://{self.name}"], capture_output=True, text=True,
                                env={**self.environment, "_CONTAINERS_USERNS_CONFIGURED": "1"})
        if signed.returncode != 0:
            self.skipTest(f"podman cannot sign here: {signed.stderr}")
        self.assert_accepted()
        broken = bytearray(self.signature_file().read_bytes())
        broken[-1] ^= 1
        self.signature_file().write_bytes(broken)
        self.assert_rejected("does not count")

    def test_push_signs(self):
        self.policy(ACCEPT)
        self.engine("pull", "-q", "--tls-verify=false", self.name)
        target = f"{self.registry.name}/team/app:signed"
        self.places({"docker": {self.registry.name: {"lookaside": "http://127.0.0.1:1",
                                                     "lookaside-staging": f"file://{self.sigs}"}}})
        self.engine("push", "-q", "--tls-verify=false", "--sign-by", "ours@example.com", self.name, target)
        self.places({"docker": {self.registry.name: {"lookaside": f"file://{self.sigs}"}}})
        self.require(self.ours)
        self.engine("rmi", "-af")
        self.assert_accepted(target)
        self.assert_skopeo_accepts(target)
        self.assert_rejected("for the name")  # :1 was not signed
        self.assert_skopeo_accepts(self.name, False)

    def test_copy_signs_a_list_and_its_images(self):
        index = index_bytes([self.image.descriptor()])
        self.registry.put_manifest("team/app", "list", index)
        source = f"docker://{self.registry.name}/team/app:list"
        target = f"{self.registry.name}/team/copy:1"
        self.policy(ACCEPT)
        words = ("copy", "-q", "--tls-verify=false", "--all", source, f"docker://{target}")
        self.assert_fails(self.engine(*words, "--sign-by", "nobody@example.com", check=False), 125, "gpg cannot sign")
        self.assertEqual(self.registry.requests('"PUT /v2/team/copy/'), 0)  # first the signature, then the image
        self.engine(*words, "--sign-by", "ours@example.com")
        self.require(self.ours)
        for digest in (sha256(index), self.digest):
            self.assertTrue((self.sigs / f"team/copy@{digest.replace(':', '=')}/signature-1").exists())
        self.assert_accepted(target)
        self.policy(ACCEPT)
        self.assert_fails(self.engine("copy", "-q", "--sign-by", "x", "--tls-verify=false", source,
                                      f"oci:{self.dir}/out", check=False), 125, "cannot have such signatures")

    def test_image_sign(self):
        words = ("image", "sign", "--tls-verify=false", "--sign-by", "ours@example.com")
        self.assert_fails(self.engine("image", "sign", self.name, check=False), 125, "--sign-by")
        self.engine(*words, "--directory", self.sigs, f"docker://{self.name}")
        self.assert_accepted()
        self.assert_skopeo_accepts(self.name)
        self.engine("pull", "-q", "--tls-verify=false", self.name)
        shutil.rmtree(self.sigs)
        self.engine(*words, self.name)  # of the store, to where registries.d says
        self.assertTrue(self.signature_file().exists())
        self.assert_fails(self.engine(*words, "--all", f"docker://{self.name}", check=False), 125, "several platforms")

    def test_a_key_of_cosign(self):
        self.policy(ACCEPT)
        phrase, private, public = self.dir / "phrase", self.dir / "cosign.key", self.dir / "cosign.pub"
        phrase.write_text("secret\n")
        private.write_text(cosign_key.PRIVATE)
        public.write_text(cosign_key.PUBLIC)
        target = f"{self.registry.name}/team/copy:1"
        words = ["copy", "-q", "--tls-verify=false", "--sign-by-sigstore-private-key", private,
                 f"docker://{self.name}", f"docker://{target}"]
        self.assert_fails(self.engine(*words, check=False), 125, "passphrase", "wrong")
        self.engine(*words, "--sign-passphrase-file", phrase)
        self.policy([{"type": "sigstoreSigned", "keyPath": str(public)}])
        self.assert_rejected("no signature")
        self.assert_accepted(target)
        self.places({"default-docker": {"use-sigstore-attachments": True}})
        # skopeo opens the same key, and its signature is good here; Debian's does not check such signatures itself
        signed = self.skopeo("--sign-by-sigstore-private-key", private, "--sign-passphrase-file", phrase,
                             f"docker://{self.name}", f"docker://{self.name}")
        if "sigstore disabled" not in signed.stderr:
            self.assertEqual(signed.returncode, 0, signed.stderr)
            self.assert_accepted()
        self.places({"default-docker": {"use-sigstore-attachments": False}})
        self.assert_rejected("use-sigstore-attachments")


class PastTheStoreTest(SignedTest):
    def test_copy_and_sync_take_only_what_the_policy_accepts(self):
        for words in (("copy", "-q", f"docker://{self.name}", f"dir:{self.dir}/copied"),
                      ("copy", "-q", "--all", f"docker://{self.name}", f"oci:{self.dir}/copied-all"),
                      ("sync", "-q", "--src", "docker", "--dest", "dir", self.name, f"{self.dir}/synced")):
            with self.subTest(words=words):
                shutil.rmtree(self.sigs, ignore_errors=True)
                result = self.engine(*words, "--src-tls-verify=false", check=False)
                self.assert_fails(result, 125, "policy", "no signature")
                written = Path(words[-1].rpartition(":")[2])
                self.assertEqual([path for path in written.glob("**/*") if path.is_file()], [])
                self.put(self.message())
                self.engine(*words, "--src-tls-verify=false")

    def test_artifacts(self):
        (self.dir / "file").write_text("text")
        name = f"{self.registry.name}/team/artifact:1"
        self.engine("artifact", "add", name, self.dir / "file")
        self.policy(ACCEPT)
        self.engine("artifact", "push", "-q", "--tls-verify=false", name)
        self.engine("artifact", "rm", name)
        self.policy(REJECT)
        pull = ("artifact", "pull", "-q", "--tls-verify=false", name)
        self.assert_fails(self.engine(*pull, check=False), 125, "policy", "every image is rejected")
        self.assertEqual(self.engine("artifact", "ls", "-q").stdout, "")
        self.policy(ACCEPT)
        self.engine(*pull)

    def test_images_that_a_list_of_the_store_only_names(self):
        self.policy(ACCEPT)
        self.engine("manifest", "create", "localhost/list")
        self.engine("manifest", "add", "--tls-verify=false", "localhost/list", f"docker://{self.name}")
        self.require(self.ours)
        push = ("manifest", "push", "-q", "--all", "--tls-verify=false", "localhost/list", f"oci:{self.dir}/pushed")
        self.assert_fails(self.engine(*push, check=False), 125, "policy", "no signature")
        copy = ("copy", "-q", "--all", "--tls-verify=false", "store:localhost/list", f"oci:{self.dir}/copied")
        self.assert_fails(self.engine(*copy, check=False), 125, "policy", "no signature")
        self.put(self.message())
        self.engine(*push)
        self.engine(*copy)


class TrustTest(SignedTest):
    def test_set_and_show(self):
        (self.folder / "policy.json").unlink()
        trust = partial(self.engine, "image", "trust")
        if not Path("/etc/containers/policy.json").exists():
            self.assert_fails(trust("set", "-t", "accept", "x.io", check=False), 125, "default trust policy must be")
        trust("set", "-t", "reject", "default")
        trust("set", "-f", self.ours, f"{self.registry.name}/team")
        trust("set", "-t", "accept", "docker.io")
        raw = json.loads(trust("show", "--raw").stdout)
        self.assertEqual(raw["transports"]["docker"][f"{self.registry.name}/team"],
                         [{"type": "signedBy", "keyType": "GPGKeys", "keyPath": str(self.ours)}])
        self.assertEqual(trust("show", "--raw").stdout, (self.folder / "policy.json").read_text())
        rows = {(entry["transport"], entry["repo_name"]): entry for entry in trust("show", "--json").json()}
        self.assertEqual(rows["all", "default"]["type"], "reject")
        signed = rows["repository", f"{self.registry.name}/team"]
        self.assertEqual((signed["type"], signed["gpg_id"], signed["sigstore"]),
                         ("signed", "ours@example.com", f"file://{self.sigs}"))
        lines = trust("show").stdout.splitlines()
        self.assertEqual(lines[0].split(), ["TRANSPORT", "NAME", "TYPE", "ID", "STORE"])
        self.assertEqual(trust("show", "-n").stdout.splitlines()[0].split(), ["all", "default", "reject"])
        self.assert_rejected("it has no signature")
        trust("set", "-t", "accept", self.name)
        self.assert_accepted()

    def test_what_makes_no_sense(self):
        before = (self.folder / "policy.json").read_text()
        for words, part in ((["x.io"], "at least one public key"), (["-t", "foo", "x.io"], "foo"),
                            (["-f", "/absent", "x.io"], "cannot be read"), (["-t", "accept", "bad name"], "bad name"),
                            (["-t", "accept", "-f", str(self.ours), "x.io"], "keys are for")):
            with self.subTest(words=words):
                self.assert_fails(self.engine("image", "trust", "set", *words, check=False), 125, part)
        self.assertEqual((self.folder / "policy.json").read_text(), before)

    def test_podman_reads_the_same(self):
        self.engine("image", "trust", "set", "-t", "accept", "docker.io")
        ours = self.engine("image", "trust", "show", "--json").json()
        theirs = subprocess.run([*OWN_RUN, "podman", "--root", self.dir / "p", "--runroot", self.dir / "q",
                                 "--storage-driver", "vfs", "image", "trust", "show", "--json",
                                 "--policypath", self.folder / "policy.json",
                                 "--registrypath", self.folder / "registries.d"], capture_output=True, text=True,
                                env={**self.environment, "_CONTAINERS_USERNS_CONFIGURED": "1"})
        if theirs.returncode != 0:
            self.skipTest(f"podman cannot run here: {theirs.stderr}")
        for entry in ours:
            entry.pop("gpg_id", None)  # this podman wants a program gpg2
        self.assertEqual(ours, json.loads(theirs.stdout))


if __name__ == "__main__":
    unittest.main()
