"""Pushing to a real docker-registry: byte for byte, nothing twice, through cuts, and with what a user may do."""

import io
import json
import os
import struct
import subprocess
import tarfile

import make_image
from cutting_proxy import CuttingProxy
from make_image import directory_entry, file_entry, link_entry, sha256, tar_of
from registry_server import FakeRegistry
from test_pull import RealRegistryTest, small_image
from token_server import TokenServer


class PushTest(RealRegistryTest):
    """Helpers; the registry's certificate is trusted by --cert-dir."""

    def have(self, image, name="image.tar"):
        """The image is in the store under its own name, which is returned."""
        self.engine("pull", "-q", self.archive(image, name))
        return image.name

    def push(self, *words, check=True, **options):
        trust = self.trust() if self.tls else ["--tls-verify=false"]
        return self.engine("push", "-q", "--retry", "5", *trust, *words, check=check, **options)

    def at(self, rest):
        return f"{self.registry.name}/{rest}"

    def skopeo(self, verb, *words):
        prefix = "--src-" if verb == "copy" else "--"
        trust = f"{prefix}cert-dir={self.trust()[1]}" if self.tls else f"{prefix}tls-verify=false"
        return self.tool("skopeo", verb, trust, *words).stdout

    def manifest_at(self, rest):
        return self.skopeo("inspect", "--raw", f"docker://{self.at(rest)}")

    def uploads(self, repository):
        return self.registry.requests(f'"PUT /v2/{repository}/blobs/uploads/')


class RoundTripTest(PushTest):
    def test_what_was_pulled_is_pushed_byte_for_byte(self):
        image = small_image()
        for docker in (False, True):
            with self.subTest(docker=docker):
                self.registry.push("origin", "1", image, docker=docker)
                self.pull("origin:1", "-q")
                file = self.dir / "digest"
                self.push("--digestfile", file, self.at("origin:1"), self.at("team/copy:2"))
                self.assertEqual(self.manifest_at("team/copy:2").encode(), image.manifest_bytes(docker))
                self.assertEqual(file.read_text(), sha256(image.manifest_bytes(docker)))
                self.skopeo("copy", f"docker://{self.at('team/copy:2')}", f"dir:{self.dir}/out-{docker}")
                self.engine("rmi", "--all")
                self.pull("team/copy:2", "-q")
                self.assertEqual(self.image_ids(), [sha256(image.config_bytes())])
                self.engine("rmi", "--all")

    def test_an_image_goes_where_its_name_says(self):
        self.have(small_image(name="localhost/app:latest"))
        self.engine("tag", "localhost/app", self.at("team/app:1"))
        self.push(self.at("team/app:1"))
        self.assertIn('"layers"', self.manifest_at("team/app:1"))
        # By id there is no name to go to.
        self.assert_fails(self.push(self.image_ids()[0][7:], check=False), 125, "has no name", "hint: ")

    def test_what_is_there_is_not_sent_again(self):
        name = self.have(small_image())
        done = self.engine("push", *self.trust(), name, self.at("team/app:1"))
        self.assertEqual(done.stdout, "")
        self.assertEqual(done.stderr.count(": done"), 3, done)
        self.assertEqual(self.uploads("team/app"), 3)
        done = self.engine("push", *self.trust(), name, self.at("team/app:2"))
        self.assertEqual(done.stderr.count(": already there"), 3, done)
        self.assertEqual(self.uploads("team/app"), 3)

    def test_a_layer_that_another_repository_has_is_mounted(self):
        base = small_image(name="localhost/base:1")
        self.have(base)
        self.engine("tag", "localhost/base:1", self.at("base:1"))
        self.push(self.at("base:1"))
        child = make_image.Image("localhost/child:1")
        child.layers = list(base.layers)
        child.add_layer(tar_of([(file_entry("child"), b"more")]))
        self.push(self.have(child, "child.tar"), self.at("team/child:1"))
        self.assertEqual(self.uploads("team/child"), 2)  # its own layer and its config
        self.assertEqual(self.registry.requests("from=base"), 2)
        self.assertEqual(self.manifest_at("team/child:1").encode(), child.manifest_bytes())

    def test_a_rehearsal_sends_nothing(self):
        name = self.have(small_image())
        done = self.push("--dry-run", name, self.at("app:1"))
        self.assertEqual(len([line for line in done.stdout.splitlines() if line.startswith("send ")]), 3, done)
        self.assertEqual(self.registry.requests('"POST ') + self.registry.requests('"PUT '), 0)

    def test_a_manifest_is_converted_only_when_asked(self):
        self.push("--format", "v2s2", self.have(small_image()), self.at("app:1"))
        manifest = json.loads(self.manifest_at("app:1"))
        self.assertEqual(manifest["mediaType"], "application/vnd.docker.distribution.manifest.v2+json")
        self.pull("app:1", "-q")
        self.skopeo("copy", f"docker://{self.at('app:1')}", f"dir:{self.dir}/out")

    def test_layers_are_compressed_another_way_only_when_asked(self):
        image = small_image()
        name = self.have(image)
        self.push("--compression-format", "gzip", name, self.at("same:1"))
        self.assertEqual(self.manifest_at("same:1").encode(), image.manifest_bytes())
        for number, words in enumerate((["zstd"], ["zstd", "--compression-level", "19"], ["gzip", "--force-compression"])):
            with self.subTest(words=words):
                self.push("--compression-format", *words, name, self.at(f"other:{number}"))
                layers = json.loads(self.manifest_at(f"other:{number}"))["layers"]
                self.assertTrue(all(layer["mediaType"].endswith(words[0]) for layer in layers), layers)
                self.engine("rmi", "--all")
                self.pull(f"other:{number}", "-q")  # the diff ids hold
                self.assertEqual(self.image_ids(), [sha256(image.config_bytes())])
                self.engine("rmi", "--all")
                self.have(image)
        self.assert_fails(self.push("--compression-format", "zstd", "--format", "v2s2", name, self.at("x:1"),
                                    check=False), 125, "--format oci")

    def unpack_frames(self, data):
        return subprocess.run(["zstd", "-q", "-d", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout

    def check_table(self, blob, layer, tar):
        """The table says where the content of each file lies, and is where annotations and the layer's end say."""
        prefix = "io.github.containers.zstd-chunked.manifest-"
        begin, size, plain_size, kind = map(int, layer["annotations"][prefix + "position"].split(":"))
        packed = blob[begin:begin + size]
        self.assertEqual(layer["annotations"][prefix + "checksum"], sha256(packed))
        self.assertEqual(blob[begin - 8:begin], struct.pack("<II", 0x184D2A50, size))
        self.assertEqual(blob[begin + size:], struct.pack("<IIQQQQ8s", 0x184D2A50, 40, begin, size, plain_size, kind,
                                                          b"GNUlInUx"))
        table = json.loads(self.unpack_frames(packed))
        self.assertEqual((table["version"], len(self.unpack_frames(packed)), kind), (1, plain_size, 1))
        self.assertEqual(self.unpack_frames(blob), tar)  # for who knows nothing of it
        with tarfile.open(fileobj=io.BytesIO(tar)) as members:
            found = {member.name: member for member in members}
            self.assertEqual({entry["name"].rstrip("/") for entry in table["entries"]}, set(found))
            for entry in table["entries"]:
                member = found[entry["name"].rstrip("/")]
                self.assertEqual((entry["mode"], entry["uid"], entry["gid"], entry.get("linkName", ""), entry["size"]),
                                 (member.mode, member.uid, member.gid, member.linkname, member.size))
                if member.isreg() and member.size:
                    content = self.unpack_frames(blob[entry["offset"]:entry["endOffset"]])
                    self.assertEqual((content, sha256(content)), (members.extractfile(member).read(), entry["digest"]))
                else:
                    self.assertNotIn("offset", entry)
        return {entry["name"]: entry["type"] for entry in table["entries"]}

    def test_zstd_chunked_is_zstd_with_a_table_of_files(self):
        tar = tar_of([(directory_entry("dir"), b""), (file_entry("dir/one", 0o640, 7, 8), b"one" * 100_000),
                      (file_entry("empty"), b""), (link_entry("link", "dir/one"), b""),
                      (link_entry("hard", "dir/one", hard=True), b""), (file_entry("dir/two"), os.urandom(700_000))])
        image = make_image.Image("localhost/chunked:latest").add_layer(tar).add_layer(tar_of([("other", b"x")]), "zstd")
        name = self.have(image)
        self.push("--compression-format", "zstd:chunked", name, self.at("chunked:1"))
        layers = json.loads(self.manifest_at("chunked:1"))["layers"]
        self.skopeo("copy", f"docker://{self.at('chunked:1')}", f"dir:{self.dir}/out")
        types = [self.check_table((self.dir / "out" / layer["digest"][7:]).read_bytes(), layer, content)
                 for layer, content in zip(layers, (tar, tar_of([("other", b"x")])))]
        self.assertEqual(types[0], {"dir/": "dir", "dir/one": "reg", "empty": "reg", "link": "symlink",
                                    "hard": "hardlink", "dir/two": "reg"})
        self.engine("rmi", "--all")
        self.pull("chunked:1", "-q")
        self.assertEqual(self.image_ids(), [sha256(image.config_bytes())])
        self.push("--compression-format", "zstd:chunked", self.at("chunked:1"), self.at("again:1"))
        self.assertEqual(self.manifest_at("again:1"), self.manifest_at("chunked:1"), "it was so already")
        storage = self.dir / "podman"
        done = self.tool("podman", "--root", storage / "root", "--runroot", storage / "run", "--storage-driver", "vfs",
                         "pull", "-q", f"--cert-dir={self.trust()[1]}", self.at("chunked:1"), check=False)
        self.addCleanup(subprocess.run, ["podman", "unshare", "rm", "-rf", storage], stderr=subprocess.DEVNULL)
        if done.status == 0 or "hybrid" not in done.stderr:
            self.assertEqual(done.stdout.strip(), sha256(image.config_bytes())[7:], done)

    def test_layers_that_were_not_kept_cannot_be_pushed(self):
        (self.dir / "engine.conf").write_text("[pull]\nkeep_blobs = false\n")
        unkept = {"ENGINE_CONF": str(self.dir / "engine.conf")}
        self.engine("pull", "-q", self.archive(small_image()), env=unkept)
        self.assert_fails(self.push("localhost/small", self.at("app:1"), check=False), 125, "keep_blobs")

    def test_layers_that_were_not_kept_are_fetched_from_where_they_came(self):
        (self.dir / "engine.conf").write_text("[pull]\nkeep_blobs = false\n")
        unkept = {"ENGINE_CONF": str(self.dir / "engine.conf")}
        origin, image = FakeRegistry(), small_image()
        self.addCleanup(origin.stop)
        origin.add("box", image)
        name = f"{origin.name}/box:latest"
        self.engine("pull", "-q", "--tls-verify=false", name, env=unkept)
        self.engine("push", "-q", "--tls-verify=false", name, f"oci:{self.dir}/layout:1")
        self.engine("rmi", "--all")
        self.engine("pull", "-q", f"oci:{self.dir}/layout:1")
        self.assertEqual(self.image_ids(), [sha256(image.config_bytes())])
        self.engine("rmi", "--all")
        self.engine("pull", "-q", "--tls-verify=false", name, env=unkept)
        origin.stop()
        self.assert_fails(self.engine("push", "-q", "--tls-verify=false", name, f"oci:{self.dir}/other:1", check=False), 125,
                          "has not kept")

    def test_an_index_of_which_parts_are_missing_is_not_pushed(self):
        image = small_image()
        entry = image.descriptor()
        other = dict(entry, digest=sha256(b"x"), platform={"os": "linux", "architecture": "s390x"})
        for entries, is_whole in (([entry], True), ([entry, other], False)):
            with self.subTest(is_whole=is_whole):
                index = make_image.index_bytes(entries)
                fake = FakeRegistry()
                self.addCleanup(fake.stop)
                fake.add("app", image)
                fake.manifests["/v2/app/manifests/all"] = index
                self.engine("pull", "-q", "--tls-verify=false", f"{fake.name}/app:all")
                done = self.push("--all", f"{fake.name}/app:all", self.at("app:all"), check=is_whole)
                if is_whole:
                    self.assertEqual(self.manifest_at("app:all").encode(), index)
                else:
                    self.assert_fails(done, 125, "1 of the 2")


class CutTest(PushTest):
    tls = False

    def test_cuts_are_survived(self):
        # This registry forgets an upload that is cut in the middle of a request; that others are resumed, and how, is
        # a unit test.
        image = make_image.Image("localhost/large:1")
        image.add_layer(tar_of([(file_entry("data"), os.urandom(40 << 20))]), "none")
        name = self.have(image)
        proxy = CuttingProxy(self.registry.port, [5 << 20, 20 << 20, 18 << 20])
        self.addCleanup(proxy.stop)
        done = self.push(name, f"{proxy.name}/large:1")
        self.assertEqual(proxy.cuts, [])  # all of them happened
        self.assertEqual(self.manifest_at("large:1").encode(), image.manifest_bytes())
        self.assertIn("was cut", done.stderr)

    def test_a_registry_that_stays_away_is_given_up(self):
        proxy = CuttingProxy(self.registry.port, [1] * 1000)
        self.addCleanup(proxy.stop)
        done = self.engine("push", "-q", "--retry", "1", "--tls-verify=false", self.have(small_image()),
                           f"{proxy.name}/small:1", check=False)
        self.assertEqual(done.status, 125, done)
        self.assertIn("Error: ", done.stderr)


class PermissionTest(PushTest):
    def test_who_is_not_known_is_told_to_log_in(self):
        passwords = self.dir / "htpasswd"
        passwords.write_text(subprocess.run(["htpasswd", "-Bbn", "ann", "s3cret"], check=True, text=True,
                                            stdout=subprocess.PIPE).stdout)
        self.registry = self.start_registry("private", htpasswd=passwords)
        name = self.have(small_image())
        result = self.push(name, self.at("app:1"), check=False)
        self.assert_fails(result, 125, "denied", f"engine login {self.registry.name}")
        result = self.push("--creds", "ann:wr0ng", name, self.at("app:1"), check=False)
        self.assert_fails(result, 125, "denied")
        self.assertNotIn("wr0ng", result.stderr)
        self.push("--creds", "ann:s3cret", name, self.at("app:1"))

    def test_a_token_is_asked_for_what_a_push_needs(self):
        tokens = TokenServer(self.dir, self.certificates, {"ann": ("s3cret", ("pull", "push")), "bob": ("b", ("pull",))})
        self.addCleanup(tokens.stop)
        self.registry = self.start_registry("guarded", auth_lines=tokens.registry_lines())
        name = self.have(small_image())
        self.push("--creds", "ann:s3cret", name, self.at("team/app:1"))
        self.assertEqual({(method, user, *scopes) for method, user, scopes in tokens.asked},
                         {("GET", "ann", "repository:team/app:pull,push")})
        for words in ([], ["--creds", "bob:b"]):
            with self.subTest(words=words):
                self.assert_fails(self.push(*words, name, self.at("team/app:2"), check=False), 125, "denied", "login")
        # A refresh token, as other programs keep them, is exchanged by POST.
        auth_file = self.dir / "auth.json"
        auth_file.write_text(json.dumps({"auths": {self.registry.name: {"identitytoken": "refresh-ann"}}}))
        tokens.asked.clear()
        self.push("--authfile", auth_file, name, self.at("team/app:3"))
        self.assertEqual(tokens.asked[0], ("POST", "ann", ["repository:team/app:pull,push"]))

    def test_a_mount_needs_a_token_for_both_repositories(self):
        tokens = TokenServer(self.dir, self.certificates, {"ann": ("s3cret", ("pull", "push"))})
        self.addCleanup(tokens.stop)
        self.registry = self.start_registry("guarded", auth_lines=tokens.registry_lines())
        self.have(small_image(name="localhost/base:1"))
        self.engine("tag", "localhost/base:1", self.at("base:1"))
        self.push("--creds", "ann:s3cret", self.at("base:1"))
        self.push("--creds", "ann:s3cret", self.at("base:1"), self.at("team/app:1"))
        self.assertEqual(self.uploads("team/app"), 1)  # the config
        self.assertIn("repository:base:pull", tokens.asked[-1][2])
