"""policy.json decides which images come in: by their place, and by signatures that are checked with a key."""

import base64
import json
import shutil
import subprocess

from engine_test import EngineTest
from make_image import index_bytes, sha256
from registry_server import FakeRegistry
from test_pull import small_image

SIGNATURE = "application/vnd.dev.cosign.simplesigning.v1+json"
ACCEPT, REJECT = [{"type": "insecureAcceptAnything"}], [{"type": "reject"}]


class PolicyTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.registry = FakeRegistry()
        self.addCleanup(self.registry.stop)
        self.image = small_image()
        self.registry.add("team/app", self.image)
        self.name = f"{self.registry.name}/team/app"
        self.digest = sha256(self.image.manifest_bytes())
        self.folder = self.home / ".config/containers"
        self.folder.mkdir(parents=True)

    def policy(self, default, **transports):
        (self.folder / "policy.json").write_text(json.dumps({"default": default, "transports": transports}))

    def pull(self, name=None):
        return self.engine("pull", "-q", "--retry", "0", "--tls-verify=false", name or self.name, check=False)

    def assert_accepted(self, name=None):
        result = self.pull(name)
        self.assertEqual(result.status, 0, result)
        self.engine("rmi", "-af")

    def assert_rejected(self, *parts, name=None):
        self.registry.seen.clear()
        self.assert_fails(self.pull(name), 125, "policy", *parts)
        self.assertEqual(self.engine("images", "-aq").stdout, "")
        layers = [path for path in self.registry.seen
                  if any(path.endswith(sha256(layer[0])) for layer in self.image.layers)]
        self.assertEqual(layers, [])  # not one layer was fetched
        self.assert_nothing_unfinished()


class PlaceTest(PolicyTest):
    def test_the_most_specific_entry_decides(self):
        host = self.registry.name
        for scopes, is_accepted in (({}, False), ({"": ACCEPT}, True), ({host: ACCEPT}, True),
                                    ({host: ACCEPT, f"{host}/team": REJECT}, False),
                                    ({f"{host}/team": REJECT, f"{host}/team/app": ACCEPT}, True),
                                    ({f"{host}/team/app": REJECT, f"{host}/team/app:latest": ACCEPT}, True),
                                    ({f"{host}/tea": ACCEPT}, False), ({host: ACCEPT + REJECT}, False)):
            with self.subTest(scopes=scopes):
                self.policy(REJECT, docker=scopes)
                if is_accepted:
                    self.assert_accepted()
                else:
                    self.assert_rejected("every image is rejected")

    def test_archives_have_places_too(self):
        self.image.write_archive(self.dir / "image.tar")
        self.image.write_layout(self.dir / "layout")
        self.policy(REJECT, oci={str(self.dir): ACCEPT})
        self.assert_accepted(f"oci:{self.dir}/layout")
        self.assert_rejected(name=f"oci-archive:{self.dir}/image.tar")

    def test_no_other_command_lets_in_what_pull_does_not(self):
        self.image.write_archive(self.dir / "image.tar")
        self.image.write_layout(self.dir / "layout")
        into_store = (("load", "-i", f"{self.dir}/image.tar"), ("load", "-i", f"{self.dir}/layout"),
                      ("copy", "--src-tls-verify=false", f"docker://{self.name}", "store:localhost/app:1"),
                      ("copy", f"oci:{self.dir}/layout", "store:localhost/app:1"))
        for words in into_store:
            with self.subTest(words=words):
                self.policy(REJECT)
                self.assert_fails(self.engine(*words, check=False), 125, "policy", "every image is rejected")
                self.assertEqual(self.engine("images", "-aq").stdout, "")
                self.policy(ACCEPT)
                self.engine(*words)
                self.engine("rmi", "-af")

    def test_an_image_made_of_a_refused_one_is_made_nowhere(self):
        self.image.write_layout(self.dir / "layout")
        (self.dir / "file").write_text("x")
        subprocess.run(["tar", "-cf", self.dir / "more.tar", "-C", self.dir, "file"], check=True)
        target = self.dir / "made"
        for words in (("append", "--base", f"oci:{self.dir}/layout", "-t", f"oci:{target}:new", "more.tar"),
                      ("mutate", "--user", "7", "-t", f"oci:{target}:new", f"oci:{self.dir}/layout")):
            with self.subTest(words=words):
                self.policy(REJECT)
                self.assert_fails(self.engine(*words, check=False), 125, "policy", "every image is rejected")
                self.assertFalse(target.exists())
                self.policy(ACCEPT)
                self.engine(*words)
                shutil.rmtree(target)

    def test_a_policy_that_cannot_be_reached_accepts_nothing(self):
        (self.folder / "policy.json").symlink_to("policy.json")  # root, too, gets no further
        self.assert_rejected("policy.json")

    def test_a_policy_that_makes_no_sense_accepts_nothing(self):
        for text in ("", "{", '{"default":[]}', '{"default":[{"type":"insecureAcceptAnything"}],"x":1}',
                     '{"default":[{"type":"insecureAcceptAnything"}],"default":[{"type":"reject"}]}'):
            with self.subTest(text=text):
                (self.folder / "policy.json").write_text(text)
                self.assert_rejected("policy.json")

    def test_what_is_not_supported_is_not_accepted(self):
        self.policy([{"type": "sigstoreSigned", "fulcio": {"caPath": "/x", "oidcIssuer": "x", "subjectEmail": "x"}}])
        self.assert_rejected("sigstoreSigned with fulcio")


class SignatureTest(PolicyTest):
    def setUp(self):
        super().setUp()
        self.key = self.make_key("ours")
        self.require(self.key)

    def make_key(self, name):
        private, public = self.dir / f"{name}.key", self.dir / f"{name}.pub"
        subprocess.run(["openssl", "ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", private], check=True)
        subprocess.run(["openssl", "ec", "-in", private, "-pubout", "-out", public], check=True,
                       stderr=subprocess.DEVNULL)
        return private

    def require(self, key, **more):
        self.policy(REJECT, docker={self.registry.name: [{
            "type": "sigstoreSigned", "keyPath": str(key.with_suffix(".pub")),
            "signedIdentity": {"type": "matchRepository"}, **more}]})

    def sign(self, key, digest=None, name=None, kind="cosign container image signature", tamper=None):
        """What `cosign sign --key` puts beside an image."""
        payload = json.dumps({"critical": {"identity": {"docker-reference": name or self.name},
                                           "image": {"docker-manifest-digest": digest or self.digest},
                                           "type": kind}, "optional": None}).encode()
        made = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], input=payload, check=True,
                              stdout=subprocess.PIPE).stdout
        payload = tamper(payload) if tamper else payload
        config = b"{}"
        manifest = json.dumps({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": sha256(config), "size": 2},
            "layers": [{"mediaType": SIGNATURE, "digest": sha256(payload), "size": len(payload), "annotations": {
                "dev.cosignproject.cosign/signature": base64.b64encode(made).decode()}}]}).encode()
        self.registry.blobs[f"/v2/team/app/blobs/{sha256(payload)}"] = payload
        tag = (self.signed or self.digest).replace(":", "-") + ".sig"
        self.registry.manifests[f"/v2/team/app/manifests/{tag}"] = manifest

    signed = None  # the digest under whose tag the next signature goes

    def test_a_signature_of_the_right_key(self):
        self.assert_rejected("it has no signature")
        self.sign(self.key)
        self.assert_accepted()
        self.assert_accepted(f"{self.name}@{self.digest}")

    def test_a_signature_of_another_key(self):
        self.sign(self.make_key("theirs"))
        self.assert_rejected("another key")

    def test_a_signature_over_other_bytes(self):
        self.sign(self.key, tamper=lambda payload: payload.replace(b"null", b"1234"))
        self.assert_rejected("another key")

    def test_a_signature_for_another_image_or_name(self):
        self.sign(self.key, digest="sha256:" + "0" * 64)
        self.assert_rejected("another image")
        self.sign(self.key, name=f"{self.registry.name}/team/other")
        self.assert_rejected("for the name")
        self.sign(self.key, kind="something else")
        self.assert_rejected("type")

    def test_the_tag_counts_where_the_policy_says_so(self):
        self.require(self.key, signedIdentity={"type": "matchExact"})
        self.sign(self.key)
        self.assert_rejected("for the name")
        self.sign(self.key, name=f"{self.name}:latest")
        self.assert_accepted()

    def test_all_requirements_must_hold(self):
        other = self.make_key("theirs")
        both = [{"type": "sigstoreSigned", "keyPath": str(key.with_suffix(".pub")),
                 "signedIdentity": {"type": "matchRepository"}} for key in (self.key, other)]
        self.policy(both)
        self.sign(self.key)
        self.assert_rejected("another key")

    def test_a_list_of_images_that_is_signed(self):
        index = index_bytes([self.image.descriptor()])
        for name in ("latest", sha256(index)):
            self.registry.manifests[f"/v2/team/app/manifests/{name}"] = index
        self.assert_rejected("no signature")
        self.signed = sha256(index)
        self.sign(self.key, digest=sha256(index))
        self.assert_accepted()

    def test_a_key_that_is_none(self):
        self.sign(self.key)
        self.key.with_suffix(".pub").write_text("no key")
        result = self.pull()
        self.assert_fails(result, 125, "PEM")
        self.key.with_suffix(".pub").unlink()
        self.assert_fails(self.pull(), 125, "cannot be read")
