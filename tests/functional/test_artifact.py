"""engine artifact: files in registries, as OCI 1.1 has them; a stranger's names never lead out of the folder."""

import json
import os

from engine_test import EngineTest
from make_image import sha256
from registry_server import RealRegistry

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
TITLE = "org.opencontainers.image.title"


class ArtifactTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.out = self.dir / "out"
        self.out.mkdir()
        self.files = {}
        for name, content in (("model.bin", b"\0\1\2" * 100000), ("notes.txt", b"some text\n")):
            (self.dir / name).write_bytes(content)
            self.files[name] = content

    def artifact(self, *words, **more):
        return self.engine("artifact", *words, **more)

    def add(self, *words, name="localhost/a:1"):
        return self.artifact("add", *words, name, *(self.dir / file for file in self.files)).stdout.strip()

    def start_registry(self):
        registry = RealRegistry(self.dir / "registry")
        self.addCleanup(registry.stop)
        return registry

    def extracted(self):
        return {path.name: path.read_bytes() for path in self.out.iterdir()}

    def layout(self, titles):
        """An OCI layout whose artifact has a file for each title, as anyone could make one."""
        root = self.dir / "layout"
        (root / "blobs/sha256").mkdir(parents=True)

        def blob(content):
            (root / "blobs/sha256" / sha256(content)[7:]).write_bytes(content)
            return {"digest": sha256(content), "size": len(content)}
        layers = [{"mediaType": "text/plain", **blob(title.encode()), "annotations": {TITLE: title}} for title in titles]
        manifest = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": "test/evil",
                    "config": {"mediaType": "application/vnd.oci.empty.v1+json", **blob(b"{}")}, "layers": layers}
        entry = {"mediaType": OCI_MANIFEST, **blob(json.dumps(manifest).encode()),
                 "annotations": {"org.opencontainers.image.ref.name": "localhost/evil:1"}}
        (root / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
        (root / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        return f"oci:{root}:localhost/evil:1"

    def test_files_go_in_and_come_out(self):
        digest = self.add("--type", "application/vnd.test", "--annotation", "k=v")
        self.assertEqual(len(digest), 64)
        shown = self.artifact("inspect", "localhost/a:1").json()
        manifest = shown["Manifest"]
        self.assertEqual((shown["Name"], shown["Digest"]), ("localhost/a:1", "sha256:" + digest))
        self.assertEqual((manifest["artifactType"], manifest["config"]["mediaType"], manifest["config"]["digest"]),
                         ("application/vnd.test", "application/vnd.oci.empty.v1+json", sha256(b"{}")))
        self.assertEqual([(layer["annotations"], layer["digest"]) for layer in manifest["layers"]],
                         [({"k": "v", TITLE: name}, sha256(content)) for name, content in self.files.items()])
        self.assertEqual([layer["mediaType"] for layer in manifest["layers"]],
                         ["application/octet-stream", "text/plain"])
        self.artifact("extract", "localhost/a:1", self.out)
        self.assertEqual(self.extracted(), self.files)
        self.artifact("extract", "--title", "notes.txt", digest[:12], self.dir / "one")
        self.assertEqual((self.dir / "one").read_bytes(), self.files["notes.txt"])
        self.assert_fails(self.artifact("extract", "localhost/a:1", self.dir / "no", check=False), 125, "2 files")

    def test_listed_appended_replaced_removed(self):
        digest = self.add()
        self.assertEqual(self.artifact("ls", "--format", "json").json()[0]["Digest"], "sha256:" + digest)
        self.assertEqual(self.artifact("ls", "-n").stdout.split()[:3], ["localhost/a", "1", digest[:12]])
        self.assert_fails(self.artifact("add", "localhost/a:1", self.dir / "notes.txt", check=False), 125, "exists")
        (self.dir / "third").write_text("3")
        self.assert_fails(self.artifact("add", "--append", "localhost/a:1", self.dir / "notes.txt", check=False), 125,
                          "notes.txt")
        self.artifact("add", "--append", "--file-type", "x/y", "localhost/a:1", self.dir / "third")
        layers = self.artifact("inspect", "localhost/a:1").json()["Manifest"]["layers"]
        self.assertEqual([layer["annotations"][TITLE] for layer in layers], ["model.bin", "notes.txt", "third"])
        self.assertEqual(layers[2]["mediaType"], "x/y")
        self.artifact("add", "--replace", "localhost/a:1", self.dir / "third")
        self.engine("system", "prune", "--force")
        self.engine("system", "check")
        self.artifact("extract", "localhost/a:1", self.out)
        self.assertEqual(self.extracted(), {"third": b"3"})
        self.artifact("rm", "localhost/a:1")
        self.assertEqual(self.artifact("ls", "-q").stdout, "")
        self.assertFalse([path for path in (self.root / "blobs").rglob("*") if path.is_file()])
        self.assert_fails(self.artifact("rm", "localhost/a:1", check=False), 1, "does not exist")
        self.artifact("rm", "--ignore", "localhost/a:1")

    def test_through_a_registry_byte_for_byte(self):
        registry = self.start_registry()
        name = f"{registry.name}/team/a:1"
        digest = self.add(name=name)
        self.artifact("push", "-q", "--tls-verify=false", name)
        raw = self.tool("skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{name}").stdout
        self.assertEqual(sha256(raw.encode()), "sha256:" + digest)
        self.artifact("rm", name)
        self.assertEqual(self.artifact("pull", "-q", "--tls-verify=false", name).stdout.strip(), digest)
        self.artifact("extract", name, self.out)
        self.assertEqual(self.extracted(), self.files)
        self.assert_fails(self.engine("pull", "-q", "--tls-verify=false", name, check=False), 125, "artifact")

    def test_damage_is_found(self):
        self.add()
        digest = sha256(self.files["model.bin"])[7:]
        blob = self.root / "blobs/sha256" / digest[:2] / digest
        blob.chmod(0o600)
        blob.write_bytes(b"\1" * len(self.files["model.bin"]))
        self.assertIn("localhost/a:1", self.engine("system", "check", "--deep", check=False).stdout)
        self.assert_fails(self.artifact("extract", "localhost/a:1", self.out, check=False), 125, "damaged")
        self.assertNotIn("model.bin", self.extracted())
        blob.unlink()
        self.assertIn("is missing", self.engine("system", "check", check=False).stdout)

    def test_an_image_is_no_artifact(self):
        self.assert_fails(self.artifact("pull", self.archive(), check=False), 125, "container image")

    def test_a_title_cannot_escape(self):
        outside = self.dir / "outside"
        for title in ("../outside", str(outside), "..", "a/b", "."):
            with self.subTest(title=title):
                source = self.layout([title])
                self.artifact("pull", "-q", source)
                self.assert_fails(self.artifact("extract", "localhost/evil:1", self.out, check=False), 125,
                                  "not a plain name")
                self.assertFalse(outside.exists())
                self.assertEqual(self.extracted(), {})
                for path in sorted((self.dir / "layout").rglob("*"), reverse=True):
                    path.rmdir() if path.is_dir() else path.unlink()
                (self.dir / "layout").rmdir()

    def test_other_files_are_kept_unless_the_user_says_otherwise(self):
        (self.out / "profile").write_text("mine")
        self.artifact("pull", "-q", self.layout(["profile"]))
        for _ in range(2):
            result = self.artifact("extract", "localhost/evil:1", self.out, check=False)
            self.assert_fails(result, 125, '"profile"', "hint: --force")
            self.assertEqual(self.extracted(), {"profile": b"mine"})
        self.artifact("extract", "--force", "localhost/evil:1", self.out)
        self.assertEqual(self.extracted(), {"profile": b"profile"})
        before = (self.out / "profile").stat().st_ino
        self.artifact("extract", "localhost/evil:1", self.out)  # the very file is there
        self.assertEqual((self.out / "profile").stat().st_ino, before)
        (self.out / "profile").write_text("mine")
        self.artifact("extract", "localhost/evil:1", self.out / "profile")  # the user chose the name
        self.assertEqual(self.extracted(), {"profile": b"profile"})

    def test_a_link_that_is_there_is_replaced_and_not_followed(self):
        victim = self.dir / "victim"
        victim.write_text("mine")
        os.symlink(victim, self.out / "planted")
        self.artifact("pull", "-q", self.layout(["planted"]))
        self.assert_fails(self.artifact("extract", "localhost/evil:1", self.out, check=False), 125, "another file")
        self.artifact("extract", "--force", "localhost/evil:1", self.out)
        self.assertEqual(victim.read_text(), "mine")
        self.assertFalse((self.out / "planted").is_symlink())
        self.assertEqual((self.out / "planted").read_text(), "planted")
