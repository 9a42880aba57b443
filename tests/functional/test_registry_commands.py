"""tags, digest, search, delete and blob against a real docker-registry and one of our own."""

import hashlib
import json

from engine_test import EngineTest
from make_image import sha256
from registry_server import FakeRegistry, RealRegistry, send
from test_pull import small_image


class RegistryCommandsTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.registry = RealRegistry(self.dir / "registry", deletes=True)
        self.addCleanup(self.registry.stop)
        self.image = small_image()
        for tag in ("1", "2", "latest"):
            self.digest = self.registry.push("team/small", tag, self.image)
        self.name = f"{self.registry.name}/team/small"

    def remote(self, command, *words, **more):
        return self.engine(*command.split(), "--tls-verify=false", *words, **more)

    def push_index(self, tag):
        """An index over the image for two platforms that is not there under any other tag; (index, manifest) bytes."""
        other = small_image("other")
        self.registry.push("team/small", "other", other)
        manifests = [(self.image.manifest_bytes(), "amd64"), (other.manifest_bytes(), "s390x")]
        index = json.dumps({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [{"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": sha256(manifest),
                           "size": len(manifest), "platform": {"os": "linux", "architecture": architecture}}
                          for manifest, architecture in manifests]}).encode()
        self.registry.put_manifest("team/small", tag, index)
        return index, manifests[1][0]

    def test_tags_are_one_a_line(self):
        tags = self.remote("tags", self.name).stdout.splitlines()  # in the registry's order, which is any
        self.assertEqual(sorted(tags), ["1", "2", "latest"])
        self.assertIn(self.remote("tags", "docker://" + self.name, "--limit", "1").stdout.strip(), tags)
        self.assertIn(self.name + ":latest", self.remote("tags", "--full-ref", self.name).stdout.splitlines())
        found = self.remote("tags", "--format", "json", self.name).json()
        self.assertEqual((found["Repository"], sorted(found["Tags"])), (self.name, sorted(tags)))

    def test_tags_says_what_is_wrong(self):
        self.assert_fails(self.remote("tags", f"{self.registry.name}/none", check=False), 125, "none")
        self.assert_fails(self.remote("tags", self.name + ":1", check=False), 125, "not a repository", "hint: ")
        self.assert_fails(self.engine("tags", "--retry", "0", self.name, check=False), 125, "hint: ")

    def test_a_digest_costs_one_request_without_a_body(self):
        before = self.registry.requests("/manifests/")
        self.assertEqual(self.remote("digest", self.name).stdout, self.digest + "\n")
        self.assertEqual(self.registry.requests("/manifests/") - before, 1)
        self.assertEqual(self.registry.requests('"GET /v2/team/small/manifests/latest'), 0)
        self.assertEqual(self.remote("digest", "--full-ref", self.name).stdout, f"{self.name}@{self.digest}\n")
        found = self.remote("digest", "--format", "json", self.name + ":1").json()
        self.assertEqual((found["Name"], found["Digest"], found["Size"]),
                         (self.name + ":1", self.digest, len(self.image.manifest_bytes())))

    def test_a_digest_of_an_index_and_of_its_platforms(self):
        index, manifest = self.push_index("multi")
        self.assertEqual(self.remote("digest", self.name + ":multi").stdout, sha256(index) + "\n")
        self.assertEqual(self.remote("digest", "--platform", "linux/s390x", self.name + ":multi").stdout,
                         sha256(manifest) + "\n")
        self.assert_fails(self.remote("digest", "--platform", "linux/arm64", self.name + ":multi", check=False), 125,
                          "linux/arm64", "linux/s390x")

    def test_a_digest_of_an_archive_and_of_the_store(self):
        archive = self.archive(self.image)
        self.assertEqual(self.engine("digest", archive).stdout, self.digest + "\n")
        self.engine("pull", "-q", archive)
        self.assertEqual(self.engine("digest", "containers-storage:localhost/small").stdout, self.digest + "\n")

    def test_delete_takes_the_manifest_and_all_its_tags(self):
        other = self.registry.push("team/small", "other", small_image("other"))
        self.assertEqual(self.remote("delete", self.name + ":1").stdout, self.digest + "\n")
        self.assertEqual(self.remote("tags", self.name).stdout, "other\n")
        self.assertEqual(self.remote("delete", f"{self.name}@{other}").stdout, other + "\n")
        self.assert_fails(self.remote("delete", self.name + ":1", check=False), 125, self.registry.name)

    def test_delete_is_refused_politely(self):
        self.assert_fails(self.engine("delete", "small:1", check=False), 125, "which registry", "hint: ")
        strict = RealRegistry(self.dir / "strict")
        self.addCleanup(strict.stop)
        strict.push("small", "1", self.image)
        result = self.remote("delete", f"{strict.name}/small:1", check=False)
        self.assert_fails(result, 125, "does not permit deleting", "hint: ")
        self.assertEqual(self.remote("tags", f"{strict.name}/small").stdout, "1\n")

    def test_blobs_are_listed_and_written(self):
        blobs = self.remote("blob ls", "--format", "json", self.name).json()
        self.assertEqual([blob["Kind"] for blob in blobs], ["manifest", "config", "layer", "layer"])
        self.assertEqual(blobs[0]["Digest"], self.digest)
        for blob in blobs:
            bytes_ = self.remote("blob cat", f"{self.name}@{blob['Digest']}", text=False).stdout
            self.assertEqual("sha256:" + hashlib.sha256(bytes_).hexdigest(), blob["Digest"])
            self.assertEqual(len(bytes_), blob["Size"])
        same = self.remote("blob cat", self.name + ":1", blobs[2]["Digest"], text=False).stdout
        self.assertEqual(same, self.image.layers[0][0])
        self.assertEqual(self.remote("blob ls", "-q", self.name).stdout.split(), [blob["Digest"] for blob in blobs])
        self.assert_fails(self.remote("blob cat", self.name, sha256(b"none"), check=False), 125, "has no blob")
        self.assert_fails(self.remote("blob cat", self.name, check=False), 125, "names no blob", "hint: ")

    def test_blobs_of_all_platforms(self):
        index, manifest = self.push_index("multi")
        blobs = self.remote("blob ls", "--all", "--format", "json", self.name + ":multi").json()
        self.assertEqual(blobs[0]["Kind"], "index")
        self.assertEqual([blob["Platform"] for blob in blobs if blob["Kind"] == "manifest"],
                         ["linux/amd64", "linux/s390x"])
        self.assertEqual(self.remote("blob cat", self.name + ":multi", sha256(manifest)).stdout, manifest.decode())

    def test_search_goes_through_the_list_of_repositories(self):
        self.registry.push("web", "1", self.image)
        self.assertEqual(self.remote("search", f"{self.registry.name}/small").stdout.split(), ["NAME", "DESCRIPTION",
                                                                                              self.name])
        self.assertEqual(self.remote("search", f"{self.registry.name}/absent").stdout, "")
        tags = self.remote("search", "--list-tags", "--format", "json", self.name).json()
        self.assertEqual((tags[0]["Name"], sorted(tags[0]["Tags"])), (self.name, ["1", "2", "latest"]))

    def test_pull_all_tags(self):
        ids = self.remote("pull", "-q", "--all-tags", self.name).stdout.split()
        self.assertEqual(ids, [sha256(self.image.config_bytes())[7:]] * 3)
        names = self.engine("images", "--format", "json").json()[0]["Names"]
        self.assertEqual(sorted(names), [f"{self.name}:{tag}" for tag in ("1", "2", "latest")])


class FakeRegistryTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.registry = FakeRegistry()
        self.addCleanup(self.registry.stop)

    def test_search_by_the_old_api_as_podman_shows_it(self):
        results = {"results": [
            {"name": "team/foo", "description": "A very long description of the thing that goes on and on",
             "star_count": 12, "is_official": True},
            {"name": "bar", "description": "two\nlines", "star_count": 3, "is_automated": True}]}
        path = "/v1/search?q=foo&n=25"
        self.registry.answers[path] = lambda request: send(request, 200, json.dumps(results).encode(),
                                                           {"Content-Type": "application/json"})
        term = f"{self.registry.name}/foo"
        lines = self.engine("search", "--tls-verify=false", "--compatible", term).stdout.splitlines()
        self.assertEqual(lines[0].split(), ["NAME", "DESCRIPTION", "STARS", "OFFICIAL", "AUTOMATED"])
        self.assertIn("A very long description of the thing that go...", lines[1])
        self.assertEqual(lines[2].split(), [f"{self.registry.name}/bar", "two", "lines", "3", "[OK]"])
        found = self.engine("search", "--tls-verify=false", "--format", "json", "--filter", "stars=5", term).json()
        self.assertEqual(found, [{"Index": self.registry.name, "Name": f"{self.registry.name}/team/foo",
                                  "Description": results["results"][0]["description"], "Stars": 12,
                                  "Official": "[OK]", "Automated": "", "Tag": ""}])

    def test_a_registry_without_head_is_asked_with_get(self):
        image = small_image()
        self.registry.add("small", image, "1")
        path = "/v2/small/manifests/1"
        answer = self.registry.answer

        def without_head(request):
            if request.command == "HEAD":
                return send(request, 405, b"")
            return answer(request)
        self.registry.answers[path] = without_head
        self.assertEqual(self.engine("digest", "--tls-verify=false", f"{self.registry.name}/small:1").stdout,
                         sha256(image.manifest_bytes()) + "\n")

    def test_a_blob_that_is_not_what_it_should_be(self):
        image = small_image()
        self.registry.add("small", image, "1")
        layer = image.layers[1][0]
        wrong = bytes(len(layer))
        self.registry.answers[f"/v2/small/blobs/{sha256(layer)}"] = lambda request: send(request, 200, wrong)
        result = self.engine("blob", "cat", "--tls-verify=false", f"{self.registry.name}/small:1", sha256(layer),
                             check=False, text=False)
        self.assertEqual(result.status, 125)
        self.assertIn(b"came with the digest", result.stderr)

    def test_referrers_of_the_api(self):
        image = small_image()
        self.registry.add("small", image, "1")
        digest = sha256(image.manifest_bytes())
        index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [
            {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": sha256(b"signature"), "size": 9,
             "artifactType": "application/vnd.test.signature", "annotations": {"who": "ann"}}]}
        self.registry.answers[f"/v2/small/referrers/{digest}"] = lambda request: send(
            request, 200, json.dumps(index).encode(), {"Content-Type": index["mediaType"]})
        words = ["digest", "--tls-verify=false", "--referrers", f"{self.registry.name}/small:1"]
        lines = self.engine(*words).stdout.splitlines()
        self.assertEqual(lines[0], digest)
        self.assertEqual(lines[1].split(), [sha256(b"signature"), "application/vnd.test.signature", "9B"])
        found = self.engine(*words, "--format", "json").json()["Referrers"]
        self.assertEqual((found[0]["Digest"], found[0]["Annotations"]), (sha256(b"signature"), {"who": "ann"}))

