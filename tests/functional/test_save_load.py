"""save, load and import: archives that we write and read, alone and with skopeo, podman, buildah and umoci."""

import bz2
import gzip
import hashlib
import http.server
import json
import lzma
import os
import shutil
import signal
import subprocess
import tarfile
import threading
import unittest
from pathlib import Path

import make_image
from engine_test import BUSYBOX, EngineTest

SMALL = "localhost/small:1"
FORMATS = ("docker-archive", "oci-archive", "oci-dir", "docker-dir")
SCHEMAS = os.environ.get("OCI_SCHEMAS", "")


def small_image(name=SMALL, content=b"hello\n", **config):
    """Two layers, of which the second replaces a file of the first."""
    image = make_image.Image(name, {"Cmd": ["/x"], **config})
    image.add_layer(make_image.tar_of([(make_image.directory_entry("etc"), b""), ("etc/motd", b"old\n")]))
    return image.add_layer(make_image.tar_of([("etc/motd", content)]), "none")


def needs(*programs):
    missing = [program for program in programs if not shutil.which(program)]
    return unittest.skipIf(missing, f"not installed: {' '.join(missing)}")


class SaveLoadTest(EngineTest):
    def load_small(self, **more):
        self.load(small_image(**more))

    def load(self, image):
        self.archive(image, "loaded.tar")
        self.engine("load", "-q", "-i", "loaded.tar")

    def digest(self, name=SMALL):
        return self.inspect_image(name)["Digest"]

    def inspect_image(self, name=SMALL):
        return self.engine("image", "inspect", name).json()[0]

    def forget(self):
        self.engine("rmi", "--all")

    def members(self, path):
        with tarfile.open(path) as tar:
            return {member.name: tar.extractfile(member).read() if member.isreg() else member.linkname
                    for member in tar}

    def peer(self, *words, check=True, **options):
        done = subprocess.run([str(word) for word in words], env=self.environment, cwd=self.dir, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
        if check and done.returncode != 0:
            self.fail(f"$ {words}\nstatus {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def policy(self):
        folder = self.home / ".config/containers"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')


class FormatsTest(SaveLoadTest):
    def test_an_image_goes_to_every_format_and_comes_back(self):
        self.load_small()
        id, digest = self.inspect_image()["Id"], self.digest()
        for format in FORMATS:
            with self.subTest(format=format):
                target = self.dir / format
                self.engine("save", "-q", "--format", format, "-o", target, SMALL)
                self.forget()
                loaded = self.engine("load", "-i", target).stdout
                expected = f"sha256:{id}" if format == "docker-dir" else SMALL
                self.assertEqual(loaded, f"Loaded image: {expected}\n")
                self.assertEqual(self.inspect_image(id)["Id"], id)
                if format.startswith("oci"):
                    self.assertEqual(self.digest(), digest)
                self.forget()
                self.load_small()

    def test_a_loaded_image_runs(self):
        self.pull_image()
        self.engine("save", "-o", "busybox.tar", BUSYBOX)
        self.forget()
        self.engine("load", "-i", "busybox.tar")
        self.assertEqual(self.engine("run", "--rm", BUSYBOX, "/guest", "exit", "0", check=False).status, 0)

    def test_pull_push_and_run_know_every_transport(self):
        self.load_small()
        digest = self.digest()
        for transport in ("oci", "oci-archive", "docker-archive", "dir"):
            with self.subTest(transport=transport):
                place = f"{transport}:{self.dir}/at-{transport}"
                self.engine("push", "-q", SMALL, place)
                self.forget()
                id = self.engine("pull", "-q", place).stdout.strip()
                if transport != "docker-archive":
                    self.assertEqual(self.digest(id), digest)
                self.load_small()

    def test_files_have_the_modes_that_the_callers_umask_leaves(self):
        self.load_small()
        for mask in (0o022, 0o027):
            for format, options in (("docker-archive", ()), ("oci-archive", ("--format", "oci-archive")),
                                    ("oci-dir", ("--format", "oci-dir"))):
                saved, pushed = self.dir / f"saved-{format}-{mask}", self.dir / f"pushed-{format}-{mask}"
                transport = format.removesuffix("-dir")
                for words in (("save", "-q", *options, "-o", saved, SMALL),
                              ("push", "-q", SMALL, f"{transport}:{pushed}")):
                    self.tool("sh", "-c", f"umask {mask:03o}; exec \"$@\"", "sh", *self.command(*words))
                for path in (saved, pushed):
                    with self.subTest(path=path.name):
                        for one in [path, *path.rglob("*")]:
                            mode = (0o755 if one.is_dir() else 0o644) & ~mask
                            self.assertEqual(oct(one.stat().st_mode & 0o777), oct(mode), one)

    def test_a_docker_archive_is_what_docker_writes(self):
        self.load_small()
        self.engine("save", "-o", "a.tar", SMALL)
        files = self.members(self.dir / "a.tar")
        [entry] = json.loads(files["manifest.json"])
        self.assertEqual(entry["RepoTags"], [SMALL])
        config = json.loads(files[entry["Config"]])
        self.assertEqual(entry["Config"], hashlib.sha256(files[entry["Config"]]).hexdigest() + ".json")
        self.assertEqual(["sha256:" + hashlib.sha256(files[name]).hexdigest() for name in entry["Layers"]],
                         config["rootfs"]["diff_ids"])
        top = json.loads(files["repositories"])["localhost/small"]["1"]
        self.assertEqual(files[f"{top}/layer.tar"], "../" + entry["Layers"][-1])
        self.engine("save", "-o", "b.tar", SMALL)
        self.assertEqual((self.dir / "a.tar").read_bytes(), (self.dir / "b.tar").read_bytes())

    def test_an_archive_of_docker_25_has_both_layouts(self):
        image = small_image("docker.io/library/small:1")
        names = ["blobs/sha256/" + hashlib.sha256(data).hexdigest() for data in image.blobs()]
        files = dict(image.files())
        index = json.loads(files["index.json"])
        index["manifests"][0]["annotations"] = {"io.containerd.image.name": image.name,
                                                "org.opencontainers.image.ref.name": "1"}
        files["index.json"] = json.dumps(index).encode()
        files["manifest.json"] = json.dumps([{"Config": names[0], "RepoTags": ["small:1"],
                                              "Layers": names[2:]}]).encode()
        (self.dir / "docker.tar").write_bytes(make_image.tar_of(files.items()))
        self.assertEqual(self.engine("load", "-i", "docker.tar").stdout, f"Loaded image: {image.name}\n")
        self.assertEqual(self.digest("small:1"), image.descriptor()["digest"])

    def test_layers_are_compressed_on_request(self):
        self.load_small()
        id = self.inspect_image()["Id"]
        for compress, expected in ((), {"tar.gzip", "diff.tar"}), (("--compress",), {"tar.gzip"}):
            self.engine("save", "-q", "--format", "docker-dir", *compress, "-o", "folder", SMALL)
            manifest = json.loads((self.dir / "folder/manifest.json").read_text())
            self.assertEqual({".".join(layer["mediaType"].split(".")[-2:]) for layer in manifest["layers"]}, expected)
            self.assertEqual(len(os.listdir(self.dir / "folder")), 5)
            self.forget()
            self.engine("load", "-i", "folder")
            self.assertEqual(self.inspect_image(id)["Id"], id)
            self.forget()
            self.load_small()

    def test_names_and_images_of_one_archive(self):
        self.load_small()
        self.engine("tag", SMALL, "localhost/other:2")
        self.pull_image()
        self.engine("save", "-o", "names.tar", SMALL, "third")
        self.assertEqual(json.loads(self.members(self.dir / "names.tar")["manifest.json"])[0]["RepoTags"],
                         [SMALL, "localhost/third:latest"])
        for format in ("docker-archive", "oci-archive", "oci-dir"):
            with self.subTest(format=format):
                target = self.dir / f"many-{format}"
                self.engine("save", "-m", "--format", format, "-o", target, SMALL, BUSYBOX, "localhost/other:2")
                self.forget()
                lines = self.engine("load", "-i", target).stdout.splitlines()
                self.assertEqual(sorted(lines), sorted(f"Loaded image: {name}"
                                                       for name in (SMALL, BUSYBOX, "localhost/other:2")))

    def test_what_is_removed_while_it_is_saved_goes_with_the_save(self):
        self.pull_image()
        saving = self.start_engine("save", BUSYBOX, stdout=subprocess.PIPE, text=False)
        begin = os.read(saving.stdout.fileno(), 1)  # the rest is more than the pipe holds
        self.engine("rmi", BUSYBOX)
        blobs = self.root / "blobs/sha256"
        self.assertNotEqual([path for path in blobs.glob("*/*")], [], "what is being read stays")
        (self.dir / "saved.tar").write_bytes(begin + saving.communicate(timeout=60)[0])
        self.assertEqual(saving.returncode, 0)
        self.assertEqual([path for path in blobs.glob("*/*")], [])
        self.assertIn(BUSYBOX, self.engine("load", "-i", "saved.tar").stdout)

    def save_both_ways(self, name):
        """The same image by two manifests: its docker-archive and its oci-archive."""
        self.load_small(name=name)
        for format in ("docker-archive", "oci-archive"):
            self.engine("save", "--format", format, "-o", f"{format}.tar", name)
        self.forget()

    def rows(self):
        return [line.split()[:3] for line in self.engine("images", "--noheading").stdout.splitlines()]

    def records(self):
        return len(os.listdir(self.root / "images"))

    def test_an_image_that_comes_by_another_manifest_stays_one_image(self):
        self.save_both_ways(SMALL)
        self.engine("load", "-q", "-i", "docker-archive.tar")
        by_docker = self.digest()
        self.engine("load", "-q", "-i", "oci-archive.tar")
        self.assertNotEqual(by_docker, self.digest(), "this has to be another manifest for the test to say anything")
        (row,) = self.rows()
        self.assertEqual(row[:2], SMALL.split(":"))
        self.assertEqual(self.inspect_image(row[2])["RepoTags"], [SMALL])
        self.assertEqual(self.engine("images", "-q", "--filter", "dangling=true").stdout, "")
        self.assertEqual(self.engine("image", "prune", "-f").stdout, "", "no image goes, only a manifest")
        self.assertEqual(self.records(), 1)
        self.engine("load", "-q", "-i", "docker-archive.tar")
        container = self.engine("create", SMALL).stdout.strip()
        self.engine("load", "-q", "-i", "oci-archive.tar")
        self.assertEqual(self.engine("rmi", SMALL, check=False).status, 2, "a container is made of this image")
        self.engine("rm", container)
        self.engine("rmi", row[2])
        self.assertEqual((self.rows(), self.records()), ([], 0))

    def test_names_of_one_image_by_two_manifests_go_one_by_one(self):
        self.save_both_ways(SMALL)
        self.engine("load", "-q", "-i", "docker-archive.tar")
        self.engine("tag", SMALL, "localhost/other:2")
        self.engine("load", "-q", "-i", "oci-archive.tar")
        (image,) = self.engine("images", "-q").stdout.split()
        self.assertEqual([row[2] for row in self.rows()], [image] * 2)
        (told,) = self.engine("images", "--format", "json").json()
        self.assertEqual(told["Names"], ["localhost/other:2", SMALL])
        self.assertEqual(self.engine("rmi", "localhost/other:2").stdout, "Untagged: localhost/other:2\n")
        self.assertEqual(self.records(), 1, "a manifest without a name is not kept beside one with a name")
        self.assertIn("Deleted: ", self.engine("rmi", SMALL).stdout)
        self.assertEqual((self.rows(), os.listdir(self.root / "layers")), ([], []))

    def test_streams_of_every_kind_are_loaded(self):
        self.load_small()
        archive = self.engine("save", SMALL, text=False).stdout
        kinds = {"plain": archive, "gzip": gzip.compress(archive), "xz": lzma.compress(archive),
                 "bzip2": bz2.compress(archive), "zstd": make_image.compress(archive, "zstd")}
        for kind, data in kinds.items():
            with self.subTest(kind=kind):
                self.forget()
                self.assertEqual(self.engine("load", input=data, text=False).stdout, f"Loaded image: {SMALL}\n".encode())

    def test_nothing_is_left_of_what_failed_or_was_stopped(self):
        self.load_small()
        self.engine("save", "-o", "kept.tar", SMALL)
        before = (self.dir / "kept.tar").read_bytes()
        victim = next(path for path in self.root.glob("blobs/sha256/*/*") if path.read_bytes()[:4] == b"etc/")
        victim.chmod(0o600)
        victim.write_bytes(b"x" * victim.stat().st_size)
        entries = sorted(os.listdir(self.dir))
        for format in FORMATS:
            self.assert_fails(self.engine("save", "-q", "--format", format, "-o", f"new-{format}", SMALL, check=False),
                              125, "is not what its digest says")
        self.assert_fails(self.engine("save", "-q", "-o", "kept.tar", SMALL, check=False), 125)
        self.assertEqual(sorted(os.listdir(self.dir)), entries)
        self.assertEqual((self.dir / "kept.tar").read_bytes(), before)

    def test_ctrl_c_leaves_nothing(self):
        image = make_image.Image(SMALL)
        for number in range(4):
            image.add_layer(make_image.tar_of([(f"big{number}", os.urandom(1 << 20) * 60)]), "none")
        self.load(image)
        (self.dir / "out").mkdir()
        for format in ("docker-archive", "oci-dir"):
            with self.subTest(format=format):
                saving = self.start_engine("save", "--format", format, "-o", "out/x", SMALL)
                self.assertIn("done", saving.stderr.readline())  # the first layer of four
                saving.send_signal(signal.SIGINT)
                self.assertEqual(saving.wait(60), 130)
                self.assertEqual(os.listdir(self.dir / "out"), [])

    def test_what_cannot_be_done_is_one_line(self):
        self.load_small()
        (self.dir / "mine").mkdir()
        (self.dir / "mine/precious").write_text("x")
        (self.dir / "no-image.tar").write_bytes(make_image.tar_of([("etc/motd", b"x")]))
        for words, part in (
                (["save", "-o", "x.tar", "nosuch"], "not"),
                (["save", "--format", "oci-dir", SMALL], "writes to a folder"),
                (["save", "--compress", "-o", "x.tar", SMALL], "--compress can only be set"),
                (["save", "--format", "oci-dir", "-o", "mine", SMALL], "holds other files"),
                (["save", "-o", "mine", SMALL], "is a folder"),
                (["save", "-o", "nosuch/x.tar", SMALL], "No such file"),
                (["load", "-i", "nosuch.tar"], "No such file"),
                (["load", "-i", "no-image.tar"], "holds no image"),
                (["load", "-i", "mine"], "holds no image"),
                (["import", "nosuch.tar"], "No such file"),
                (["import", "--change", "FOO x", "no-image.tar"], "invalid instruction FOO")):
            with self.subTest(words=words):
                self.assert_fails(self.engine(*words, check=False), 125, part)
        self.assertEqual(os.listdir(self.dir / "mine"), ["precious"])


class ImportTest(SaveLoadTest):
    def setUp(self):
        super().setUp()
        self.tar = make_image.tar_of([(make_image.directory_entry("etc"), b""), ("etc/motd", b"hi\n")])
        (self.dir / "root.tar").write_bytes(self.tar)

    def test_a_tar_becomes_an_image_with_its_changes(self):
        id = self.engine("import", "-q", "-m", "by hand", "-c", 'CMD ["/x"]', "-c", "ENV A=1 B=2", "-c", "EXPOSE 80",
                         "-c", "LABEL a=b", "-c", "USER 5", "-c", "VOLUME /data", "-c", "WORKDIR /w", "--arch", "arm64",
                         "--variant", "v8", "root.tar", "made:1").stdout.strip()
        self.assertRegex(id, "^sha256:[0-9a-f]{64}$")
        image = self.inspect_image("localhost/made:1")
        self.assertEqual(image["Config"], {
            "User": "5", "ExposedPorts": {"80/tcp": {}}, "Env": ["A=1", "B=2"], "Cmd": ["/x"],
            "Volumes": {"/data": {}}, "WorkingDir": "/w", "Labels": {"a": "b"}})
        self.assertEqual((image["Architecture"], image["Os"], image["Comment"]), ("arm64", "linux", "by hand"))
        diff_id = hashlib.sha256(self.tar).hexdigest()
        self.assertEqual(image["RootFS"]["Layers"], [f"sha256:{diff_id}"])
        [line] = self.engine("history", "--format", "json", "made:1").json()
        self.assertEqual((line["comment"], line["CreatedBy"]),
                         ("by hand", f"/bin/sh -c #(nop) ADD file:{diff_id} in /"))

    def test_compressed_tars_streams_and_urls(self):
        diff_id = "sha256:" + hashlib.sha256(self.tar).hexdigest()
        for kind, data in {"gzip": gzip.compress(self.tar), "xz": lzma.compress(self.tar),
                           "zstd": make_image.compress(self.tar, "zstd")}.items():
            with self.subTest(kind=kind):
                id = self.engine("import", "-q", "-", input=data, text=False).stdout.decode().strip()
                self.assertEqual(self.inspect_image(id)["RootFS"]["Layers"], [diff_id])
        server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), lambda *words: http.server.SimpleHTTPRequestHandler(*words, directory=self.dir))
        server.RequestHandlerClass.log_message = lambda *words: None
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        self.engine("import", "-q", f"{url}/root.tar", "net:1")
        self.assertEqual(self.inspect_image("net:1")["RootFS"]["Layers"], [diff_id])
        self.assert_fails(self.engine("import", f"{url}/nosuch", check=False), 125, "404")


class PeersTest(SaveLoadTest):
    @needs("skopeo")
    def test_skopeo_reads_what_we_write_and_we_what_skopeo_writes(self):
        self.policy()
        self.load_small()
        digest = self.digest()
        transports = {"docker-archive": "docker-archive", "oci-archive": "oci-archive", "oci-dir": "oci",
                      "docker-dir": "dir"}
        for format, transport in transports.items():
            with self.subTest(format=format):
                ours, theirs = self.dir / f"ours-{format}", self.dir / f"theirs-{format}"
                self.engine("save", "-q", "--format", format, "-o", ours, SMALL)
                name = f":{SMALL}" if transport.startswith("oci") else ""
                tag = "" if transport == "dir" else f":{SMALL}"
                keep = ["--preserve-digests"] if transport.startswith("oci") else []  # else it compresses layers
                self.peer("skopeo", "copy", "-q", *keep, f"{transport}:{ours}{name}", f"oci:{self.dir}/copy-{format}:x")
                self.peer("skopeo", "copy", "-q", *keep, f"{transport}:{ours}{name}", f"{transport}:{theirs}{tag}")
                self.forget()
                loaded = self.engine("load", "-i", theirs).stdout.split()[-1]
                if format.startswith("oci"):
                    self.assertEqual(self.digest(loaded), digest)
                self.load_small()

    @needs("podman")
    def test_podman_loads_what_we_save_and_we_what_podman_saves(self):
        self.policy()
        podman = ["podman", "--root", self.dir / "p/root", "--runroot", self.dir / "p/run", "--storage-driver", "vfs",
                  "--cgroup-manager", "cgroupfs", "--events-backend", "file"]
        if subprocess.run([*map(str, podman), "images"], env=self.environment, cwd=self.dir,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("podman images fails here")
        self.addCleanup(self.peer, "podman", "unshare", "rm", "-rf", self.dir / "p", check=False)
        self.load_small()
        id, digest = self.inspect_image()["Id"], self.digest()
        for format in FORMATS:
            with self.subTest(format=format):
                ours, theirs = self.dir / f"ours-{format}", self.dir / f"theirs-{format}"
                self.engine("save", "-q", "--format", format, "-o", ours, SMALL)
                self.peer(*podman, "load", "-q", "-i", ours)
                seen = json.loads(self.peer(*podman, "image", "inspect", id))[0]
                self.assertEqual(seen["Id"], id)
                if format.startswith("oci"):
                    self.assertEqual(seen["Digest"], digest)
                self.peer(*podman, "tag", id, SMALL)
                self.peer(*podman, "save", "-q", "--format", format, "-o", theirs, SMALL)
                self.peer(*podman, "rmi", "-f", id)
                self.forget()
                self.engine("load", "-q", "-i", theirs)
                self.assertEqual(self.inspect_image(id)["Id"], id)
                self.load_small()

    @needs("buildah")
    def test_buildah_takes_our_image_and_we_what_buildah_commits(self):
        self.policy()
        buildah = ["buildah", "--root", self.dir / "b/root", "--runroot", self.dir / "b/run", "--storage-driver", "vfs"]
        if subprocess.run([*map(str, buildah), "images"], env=self.environment, cwd=self.dir,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("buildah images fails here")
        self.addCleanup(self.peer, "buildah", "unshare", "rm", "-rf", self.dir / "b", check=False)
        self.load_small()
        id, digest = self.inspect_image()["Id"], self.digest()
        self.engine("save", "-q", "--format", "oci-archive", "-o", "ours.tar", SMALL)
        self.assertEqual(self.peer(*buildah, "pull", "-q", "oci-archive:ours.tar").strip(), id)
        container = self.peer(*buildah, "from", "--pull-never", id).strip()
        self.peer(*buildah, "config", "--label", "made-by=buildah", "--cmd", "/y", container)
        changed = self.peer(*buildah, "commit", "-q", container, "localhost/changed:1").strip()
        self.peer(*buildah, "push", "-q", "--digestfile", "digest", changed, "oci-archive:theirs.tar:localhost/changed:1")
        self.engine("load", "-q", "-i", "theirs.tar")
        seen = self.inspect_image("localhost/changed:1")
        self.assertEqual((seen["Id"], seen["Config"]["Cmd"], seen["Config"]["Labels"]["made-by"]),
                         (changed, ["/y"], "buildah"))
        self.assertEqual(seen["Digest"], (self.dir / "digest").read_text().strip())
        self.assertEqual(self.digest(), digest, "ours is what it was")

    @needs("umoci")
    def test_umoci_changes_a_layout_of_ours(self):
        self.load_small()
        self.engine("save", "-q", "--format", "oci-dir", "-o", "layout", SMALL)
        index = json.loads((self.dir / "layout/index.json").read_text())
        index["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"] = "one"  # umoci wants bare tags
        (self.dir / "layout/index.json").write_text(json.dumps(index))
        self.assertEqual(self.peer("umoci", "list", "--layout", "layout"), "one\n")
        self.peer("umoci", "config", "--image", "layout:one", "--tag", "two", "--config.user", "7")
        self.forget()
        self.engine("pull", "-q", "oci:layout:two")
        [image] = self.engine("images", "--format", "json").json()
        self.assertEqual(self.inspect_image(image["Id"])["Config"]["User"], "7")

    def test_a_layout_of_ours_fits_the_schemas(self):
        if not SCHEMAS:
            self.skipTest("OCI_SCHEMAS names no folder with the schemas of image-spec")
        try:
            import jsonschema
        except ImportError:
            self.skipTest("python3-jsonschema is not installed")
        self.load_small()
        self.pull_image()
        self.engine("save", "-m", "-q", "--format", "oci-dir", "-o", "layout", SMALL, BUSYBOX)
        schemas = {path.name: json.loads(path.read_text()) for path in Path(SCHEMAS).glob("*.json")}
        store = {schema["id"]: schema for schema in schemas.values() if "id" in schema}
        for folder in ("", "image/", "image/descriptor/"):
            store.update({f"https://opencontainers.org/schema/{folder}{name}": schema
                          for name, schema in schemas.items()})

        def check(path, schema):
            document = json.loads((self.dir / "layout" / path).read_text())
            resolver = jsonschema.RefResolver(schemas[schema].get("id", ""), schemas[schema], store=store)
            jsonschema.Draft4Validator(schemas[schema], resolver=resolver).validate(document)
            return document

        check("oci-layout", "image-layout-schema.json")
        for entry in check("index.json", "image-index-schema.json")["manifests"]:
            manifest = check("blobs/sha256/" + entry["digest"][7:], "image-manifest-schema.json")
            check("blobs/sha256/" + manifest["config"]["digest"][7:], "config-schema.json")

    @needs("oci-image-tool")
    def test_oci_image_tool_finds_no_fault(self):
        self.load_small()
        # Of archives it reads none, neither ours nor podman's: "end of walk".
        self.engine("save", "-q", "--format", "oci-dir", "-o", "layout", SMALL)
        self.peer("oci-image-tool", "validate", "--type", "image", "--ref", f"name={SMALL}", "layout")
