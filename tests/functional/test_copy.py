"""copy and sync: between registries, layouts, archives, folders and the store, with digests kept; skopeo as the judge."""

import json
import os
import shutil

import make_image
from engine_test import EngineTest
from make_image import file_entry, sha256, tar_of
from registry_server import FakeRegistry, RealRegistry
from test_pull import small_image

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"


class TwoRegistriesTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.here, self.there = (self.start_registry(name) for name in ("here", "there"))
        self.image = small_image()
        self.digest = self.here.push("team/small", "1", self.image)
        self.source = f"{self.here.name}/team/small:1"

    def start_registry(self, name):
        registry = RealRegistry(self.dir / name)
        self.addCleanup(registry.stop)
        return registry

    def copy(self, *words, **more):
        return self.engine("copy", "-q", "--tls-verify=false", *words, **more)

    def digest_of(self, name):
        return self.engine("digest", "--tls-verify=false", name).stdout.strip()

    def raw(self, name):
        """The manifest's bytes as skopeo fetches them."""
        return self.tool("skopeo", "inspect", "--raw", "--tls-verify=false", name).stdout.encode()

    def push_manifest(self, repository, tag, manifest):
        self.here.put_manifest(repository, tag, json.dumps(manifest).encode())
        return sha256(json.dumps(manifest).encode())

    def push_index(self, tag="multi"):
        images = {"amd64": self.image, "s390x": small_image("other")}
        self.here.push("team/small", "s390x", images["s390x"])
        return self.push_manifest("team/small", tag, {
            "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [
                {"mediaType": OCI_MANIFEST, "digest": sha256(image.manifest_bytes()),
                 "size": len(image.manifest_bytes()), "platform": {"os": "linux", "architecture": architecture}}
                for architecture, image in images.items()]}), images


class CopyTest(TwoRegistriesTest):
    def test_from_registry_to_registry_byte_for_byte(self):
        target = f"{self.there.name}/copy/of:it"
        self.assertEqual(self.copy(self.source, target).stdout, self.digest + "\n")
        self.assertEqual(self.raw(f"docker://{target}"), self.image.manifest_bytes())
        self.assertFalse((self.root / "blobs").exists() and any((self.root / "blobs").rglob("*")), "nothing is stored")
        fetched = self.here.requests('"GET /v2/team/small/blobs/')
        self.assertEqual(fetched, 3)
        self.copy(self.source, target)  # all of it is there
        self.assertEqual(self.here.requests('"GET /v2/team/small/blobs/'), fetched)

    def test_blobs_of_the_same_registry_are_taken_from_there(self):
        self.copy(self.source, f"{self.here.name}/other/name:1")
        self.assertEqual(self.here.requests('"GET /v2/team/small/blobs/'), 0)
        self.assertEqual(self.digest_of(f"{self.here.name}/other/name:1"), self.digest)

    def test_an_index_whole_or_one_image_of_it(self):
        digest, images = self.push_index()
        source = f"{self.here.name}/team/small:multi"
        self.copy("--all", source, f"{self.there.name}/multi:1")
        self.assertEqual(self.digest_of(f"{self.there.name}/multi:1"), digest)
        for image in images.values():
            self.raw(f"docker://{self.there.name}/multi@{sha256(image.manifest_bytes())}")
        self.copy("--platform", "linux/s390x", source, f"{self.there.name}/one:1")
        self.assertEqual(self.digest_of(f"{self.there.name}/one:1"), sha256(images["s390x"].manifest_bytes()))
        self.assert_fails(self.copy("--platform", "linux/arm64", source, f"{self.there.name}/one:2", check=False), 125,
                          "linux/arm64")

    def test_every_pair_of_transports_keeps_the_digest(self):
        chain = [f"oci:{self.dir}/layout:a", f"oci-archive:{self.dir}/oci.tar:b", f"dir:{self.dir}/folder",
                 "containers-storage:localhost/stored:1", f"oci:{self.dir}/layout:c",
                 f"docker://{self.there.name}/end:1"]
        source = self.source
        for target in chain:
            with self.subTest(target=target):
                self.assertEqual(self.copy(source, target).stdout, self.digest + "\n")
                self.assertEqual(self.digest_of(target), self.digest)
            source = target
        self.assertEqual(self.raw(f"docker://{self.there.name}/end:1"), self.image.manifest_bytes())
        self.assertEqual(self.raw(f"oci:{self.dir}/layout:c"), self.image.manifest_bytes())
        self.assertEqual(self.engine("images", "-q", "--no-trunc").stdout, sha256(self.image.config_bytes()) + "\n")

    def test_docker_archive_both_ways(self):
        self.copy(self.source, f"docker-archive:{self.dir}/docker.tar:localhost/x:1")
        self.tool("skopeo", "inspect", f"docker-archive:{self.dir}/docker.tar")
        self.copy(f"docker-archive:{self.dir}/docker.tar", f"{self.there.name}/from-archive:1")
        config = json.loads(self.tool("skopeo", "inspect", "--config", "--tls-verify=false",
                                      f"docker://{self.there.name}/from-archive:1").stdout)
        self.assertEqual(config["rootfs"], json.loads(self.image.config_bytes())["rootfs"])

    def test_a_rehearsal_writes_nothing(self):
        target = f"{self.there.name}/never:1"
        text = self.copy("--dry-run", self.source, target).stdout
        self.assertEqual(text.count("send   sha256:"), 3)
        self.assertIn("would send", text)
        self.assert_fails(self.engine("tags", "--tls-verify=false", f"{self.there.name}/never", check=False), 125)
        plan = self.copy("--dry-run", "--output", "json", self.source, target).json()
        self.assertEqual((plan["Digest"], len(plan["Blobs"])), (self.digest, 3))

    def test_signatures_follow_their_image(self):
        """By the tag that stands in for the referrers API, which docker-registry lacks, and by cosign's."""
        subject = {"mediaType": OCI_MANIFEST, "digest": self.digest, "size": len(self.image.manifest_bytes())}
        signature = json.loads(self.image.manifest_bytes())
        signature.update({"artifactType": "application/vnd.test.signature", "subject": subject})
        signature_digest = self.push_manifest("team/small", "tmp", signature)
        self.push_manifest("team/small", self.digest.replace(":", "-"), {
            "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [
                {"mediaType": OCI_MANIFEST, "digest": signature_digest, "size": len(json.dumps(signature)),
                 "artifactType": "application/vnd.test.signature"}]})
        cosign = self.digest.replace(":", "-") + ".sig"
        self.here.push("team/small", cosign, small_image("cosign"))

        target = f"{self.there.name}/signed:1"
        done = self.copy("--referrers", "--output", "json", self.source, target).json()
        self.assertEqual(sorted(done["Referrers"]), sorted([signature_digest, cosign]))
        lines = self.engine("digest", "--tls-verify=false", "--referrers", target).stdout.splitlines()
        self.assertEqual(lines[0], self.digest)
        self.assertEqual(lines[1].split()[:2], [signature_digest, "application/vnd.test.signature"])
        self.digest_of(f"{self.there.name}/signed:{cosign}")
        tags = self.engine("tags", "--tls-verify=false", "--omit-digest-tags", f"{self.there.name}/signed").stdout
        self.assertEqual(tags, "1\n")

    def test_what_is_wrong_is_one_line(self):
        self.assert_fails(self.copy(f"{self.here.name}/none:1", f"{self.there.name}/x:1", check=False), 125, "none")
        self.assert_fails(self.copy("docker-daemon:x", f"dir:{self.dir}/x", check=False), 125, "Docker daemon", "hint: ")
        self.assert_fails(self.copy(self.source, "ftp://x", check=False), 125, "ftp")

    def test_a_damaged_layer_leaves_nothing_under_the_name(self):
        fake = FakeRegistry()
        self.addCleanup(fake.stop)
        fake.add("small", self.image, "1")
        path = f"/v2/small/blobs/{sha256(self.image.layers[1][0])}"
        fake.blobs[path] = bytes(len(fake.blobs[path]))
        result = self.copy(f"{fake.name}/small:1", f"{self.there.name}/bad:1", check=False)
        self.assertEqual(result.status, 125, result)
        self.assert_fails(self.engine("tags", "--tls-verify=false", f"{self.there.name}/bad", check=False), 125)
        self.assertEqual(self.copy(f"{fake.name}/small:1", f"dir:{self.dir}/bad", check=False).status, 125)
        self.assertFalse((self.dir / "bad" / "manifest.json").exists())

    def test_memory_stays_small(self):
        """A layer of 96 MiB passes through less than 64 MiB."""
        big = make_image.Image("localhost/big:latest")
        big.add_layer(tar_of([(file_entry("data"), os.urandom(1024 * 1024) * 96)]), "none")
        self.here.push("big", "1", big)
        for target in (f"{self.there.name}/big:1", f"oci:{self.dir}/big:1"):
            measured = self.tool("python3", "-c", MEASURE, *self.command(
                "copy", "-q", "--tls-verify=false", f"{self.here.name}/big:1", target))
            digest, kibibytes = measured.stdout.splitlines()
            self.assertEqual(digest, sha256(big.manifest_bytes()))
            self.assertLess(int(kibibytes), 64 * 1024)


MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


class SyncTest(TwoRegistriesTest):
    def sync(self, *words, **more):
        return self.engine("sync", "-q", "--tls-verify=false", *words, **more)

    def setUp(self):
        super().setUp()
        self.here.push("team/small", "2", self.image)
        self.here.push("team/web", "1.13.1", self.image)
        self.here.push("team/web", "1.14.0", self.image)
        self.here.push("team/web", "latest", self.image)

    def tags_there(self, repository):
        return sorted(self.engine("tags", "--tls-verify=false", f"{self.there.name}/{repository}").stdout.split())

    def test_a_whole_repository(self):
        done = self.sync("--src", "docker", "--dest", "docker", f"{self.here.name}/team/small", self.there.name)
        self.assertEqual(len(done.stdout.splitlines()), 2)
        self.assertEqual(self.tags_there("small"), ["1", "2"])
        self.assertEqual(self.digest_of(f"{self.there.name}/small:2"), self.digest)

    def test_to_a_folder_and_back_as_skopeo_does(self):
        words = ["--src", "docker", "--dest", "dir", f"{self.here.name}/team/small"]
        ours, theirs = self.dir / "ours", self.dir / "theirs"
        self.sync(*words, ours)
        theirs.mkdir()
        self.tool("skopeo", "sync", "--src-tls-verify=false", *words, theirs)
        self.assertEqual(sorted(path.name for path in ours.iterdir()), sorted(path.name for path in theirs.iterdir()))
        shutil.rmtree(ours)
        self.sync("--scoped", *words, ours)
        self.assertTrue((ours / self.here.name / "team" / "small:1" / "manifest.json").exists())
        self.sync("--src", "dir", "--dest", "docker", theirs, f"{self.there.name}/back")
        self.assertEqual(self.tags_there("back/small"), ["1", "2"])

    def test_a_list(self):
        names = self.dir / "images.yaml"
        names.write_text(f"""
{self.here.name}:
  tls-verify: false
  images:
    team/small: ["2", "{self.digest}"]
  images-by-tag-regex:
    team/web: ^1\\.1[34]
  images-by-semver:
    team/web: ">= 1.14"
""")
        planned = self.engine("sync", "-q", "--src", "yaml", "--dest", "docker", "--scoped", "--dry-run", names,
                              f"{self.there.name}/m").stdout.splitlines()
        self.assertEqual(len(planned), 5)
        self.assertEqual(planned[0], f"docker://{self.here.name}/team/small:2 -> "
                                     f"docker://{self.there.name}/m/{self.here.name}/team/small:2")

    def test_a_failure_stops_the_others_only_when_asked(self):
        names = self.dir / "images.yaml"
        names.write_text(f"{self.here.name}:\n  images:\n    team/none: [x]\n    team/small: ['1']\n")
        words = ["--src", "yaml", "--dest", "docker", names, self.there.name]
        self.assertEqual(self.sync(*words, check=False).status, 125)
        self.assert_fails(self.engine("tags", "--tls-verify=false", f"{self.there.name}/small", check=False), 125)
        result = self.sync("--keep-going", "--output", "json", *words, check=False)
        self.assertEqual(result.status, 125)
        self.assertIn("1 of 2 images", result.stderr)
        lines = [json.loads(line) for line in result.stdout.splitlines()]
        self.assertIn("none", lines[0]["Error"])
        self.assertEqual(lines[1]["Digest"], self.digest)

    def test_suffix(self):
        self.sync("--src", "docker", "--dest", "docker", "--append-suffix=-x", self.source, self.there.name)
        self.assertEqual(self.tags_there("small"), ["1-x"])

