"""Pulling from a real docker-registry, over TLS and plain HTTP, and what is fetched, shown and refused."""

import json
import os
import subprocess
from pathlib import Path

import make_image
from engine_test import BUSYBOX, EngineTest
from make_image import directory_entry, file_entry, sha256, tar_of
from registry_server import RealRegistry, make_certificates
from terminal import run_on_terminal


def small_image(text="hello", compression="gzip", name="localhost/small:latest", **config):
    """Two layers; no program in it, for tests that only pull."""
    image = make_image.Image(name, config)
    image.add_layer(tar_of([(directory_entry("etc"), b""), (file_entry("etc/issue"), text.encode())]), compression)
    return image.add_layer(tar_of([(file_entry("data"), os.urandom(3000) * 30)]), compression)


class RealRegistryTest(EngineTest):
    tls = True

    def setUp(self):
        super().setUp()
        self.certificates = make_certificates(self.dir) if self.tls else None
        self.registry = self.start_registry("registry")

    def start_registry(self, name, **options):
        registry = RealRegistry(self.dir / name, self.certificates, **options)
        self.addCleanup(registry.stop)
        return registry

    def trust(self):
        """The words that make engine accept the test's certificate authority."""
        directory = self.dir / "certs"
        directory.mkdir(exist_ok=True)
        (directory / "ca.crt").write_bytes(self.certificates[0].read_bytes())
        return ["--cert-dir", directory]

    def pull(self, name, *options, **more):
        trust = self.trust() if self.tls else ["--tls-verify=false"]
        return self.engine("pull", *trust, *options, f"{self.registry.name}/{name}", **more)

    def image_ids(self):
        return self.engine("images", "-q", "--no-trunc").stdout.split()


class TlsTest(RealRegistryTest):
    def test_a_certificate_of_our_own_authority_is_accepted_where_named(self):
        image = small_image()
        self.registry.push("team/small", "1", image)
        name = f"{self.registry.name}/team/small:1"
        self.assert_fails(self.engine("pull", "-q", "--retry", "0", name, check=False), 125, "certificate")
        self.assertEqual(self.engine("images", "-q").stdout, "")

        self.assertEqual(self.engine("pull", "-q", *self.trust(), name).stdout, sha256(image.config_bytes())[7:] + "\n")
        self.assertIn("team/small", self.engine("images").stdout)

    def test_certs_d_of_the_user_is_read(self):
        self.registry.push("small", "1", small_image())
        directory = self.home / ".config/containers/certs.d" / self.registry.name
        directory.mkdir(parents=True)
        (directory / "ca.crt").write_bytes(self.certificates[0].read_bytes())
        self.engine("pull", "-q", f"{self.registry.name}/small:1")

    def test_tls_verify_false_accepts_any_certificate(self):
        self.registry.push("small", "1", small_image())
        self.engine("pull", "-q", "--tls-verify=false", f"{self.registry.name}/small:1")

    def test_run_pulls_an_image_that_is_absent(self):
        self.registry.push("box", "1", self.guest_image())
        done = self.engine("run", "--rm", "--network", "none", *self.trust(), f"{self.registry.name}/box:1", "echo",
                           "ran")
        self.assertEqual(done.stdout, "ran\n")  # progress goes to standard error
        again = self.engine("run", "--rm", "--network", "none", f"{self.registry.name}/box:1", "echo", "again")
        self.assertEqual((again.stdout, again.stderr), ("again\n", ""))

    def test_basic_authentication(self):
        passwords = self.dir / "htpasswd"
        passwords.write_text(subprocess.run(["htpasswd", "-Bbn", "ann", "s3cret"], check=True, text=True,
                                            stdout=subprocess.PIPE).stdout)
        self.registry = self.start_registry("private", htpasswd=passwords)
        self.registry.push("small", "1", small_image(), {"Authorization": "Basic YW5uOnMzY3JldA=="})  # ann:s3cret
        for options in ([], ["--creds", "ann:wrong"]):
            with self.subTest(options=options):
                result = self.pull("small:1", "-q", *options, check=False)
                self.assert_fails(result, 125, self.registry.name)
                self.assertNotIn("wrong", result.stderr)
        self.pull("small:1", "-q", "--creds", "ann:s3cret")
        auth_file = self.dir / "auth.json"
        auth_file.write_text(json.dumps({"auths": {self.registry.name: {"auth": "YW5uOnMzY3JldA=="}}}))
        self.pull("small:1", "-q", "--authfile", auth_file)


class PlainHttpTest(RealRegistryTest):
    tls = False

    def setUp(self):
        super().setUp()
        self.registry.push("small", "1", small_image())

    def test_plain_http_is_used_only_when_allowed(self):
        name = f"{self.registry.name}/small:1"
        before = self.registry.requests("/v2/")
        result = self.engine("pull", "-q", "--retry", "0", name, check=False)
        self.assert_fails(result, 125, self.registry.name)
        self.assertIn("hint: ", result.stderr)
        self.assertEqual(self.registry.requests("/v2/"), before)
        self.engine("pull", "-q", "--tls-verify=false", name)

    def test_registries_conf_can_mark_a_registry_as_insecure(self):
        directory = self.home / ".config/containers"
        directory.mkdir(parents=True)
        (directory / "registries.conf").write_text(
            f'[[registry]]\nlocation = "{self.registry.name}"\ninsecure = true\n')
        self.engine("pull", "-q", f"{self.registry.name}/small:1")

    def test_skopeo_pushed_images(self):
        """What another program uploads is what a user has: the same bytes come back."""
        self.guest_image().write_layout(self.dir / "box")
        for format in ("oci", "v2s2"):
            with self.subTest(format=format):
                self.tool("skopeo", "copy", "-q", "--format", format, "--dest-tls-verify=false", f"oci:{self.dir}/box",
                          f"docker://{self.registry.name}/box:{format}")
                done = self.engine("run", "-q", "--rm", "--network", "none", "--tls-verify=false",
                                   f"{self.registry.name}/box:{format}", "echo", format)
                self.assertEqual(done.stdout, format + "\n")


class FormatsTest(RealRegistryTest):
    tls = False

    def test_every_compression_of_layers(self):
        for compression in ("gzip", "zstd", "none"):
            with self.subTest(compression=compression):
                self.registry.push("box", compression, self.guest_image().add_layer(
                    tar_of([(file_entry("how"), compression.encode())]), compression))
                name = f"{self.registry.name}/box:{compression}"
                self.pull(f"box:{compression}", "-q")
                self.assertEqual(self.in_container(name, "cat", "/how").stdout, compression)

    def test_docker_manifests_and_lists(self):
        image = small_image()
        self.registry.push("small", "docker", image, docker=True)
        self.registry.put_manifest("small", "list", make_image.index_bytes([image.descriptor(docker=True)],
                                                                           docker=True))
        self.assertEqual(self.pull("small:docker", "-q").stdout, self.pull("small:list", "-q").stdout)

    def test_an_index_gives_the_image_of_the_platform(self):
        images = {}
        for architecture in ("s390x", "amd64", "arm64"):
            images[architecture] = small_image(architecture)
            images[architecture].architecture = architecture
            self.registry.push("multi", architecture, images[architecture])
        self.registry.put_manifest("multi", "all", make_image.index_bytes([image.descriptor()
                                                                           for image in images.values()]))
        ours = make_image.Image().architecture
        for options, architecture in (
                ([], ours), (["--platform", "linux/s390x"], "s390x"), (["--arch", "arm64"], "arm64")):
            with self.subTest(options=options):
                self.assertEqual(self.pull("multi:all", "-q", *options).stdout,
                                 sha256(images[architecture].config_bytes())[7:] + "\n")
        self.assert_fails(self.pull("multi:all", "-q", "--platform", "linux/riscv64", check=False), 125, "riscv64")

    def test_an_image_without_index_is_taken_for_any_platform_with_a_warning(self):
        image = small_image()
        image.architecture = "s390x"
        self.registry.push("other", "1", image)
        for options, count in ((["--platform", "linux/riscv64"], 1), (["--platform", "linux/s390x"], 0), ([], 0)):
            with self.subTest(options=options):
                warned = self.pull("other:1", "-q", *options).stderr
                self.assertEqual(warned.count("image platform (linux/s390x) does not match the expected platform"),
                                 count, warned)

    def test_a_digest_names_one_image(self):
        digest = self.registry.push("small", "1", small_image())
        self.pull(f"small@{digest}", "-q")
        self.assert_fails(self.pull("small@sha256:" + "0" * 64, "-q", check=False), 125, "0" * 64)


class FetchingTest(RealRegistryTest):
    tls = False

    def test_layers_that_are_present_are_not_fetched(self):
        first = small_image()
        second = make_image.Image("x", {"Cmd": ["different"]})
        second.layers = first.layers + make_image.Image().add_layer(tar_of([(file_entry("more"), b"x")])).layers
        self.registry.push("small", "1", first)
        self.registry.push("small", "2", second)
        blobs = [f"GET /v2/small/blobs/{sha256(data)}" for data, _, _ in second.layers]

        def fetched():
            return [self.registry.requests(blob) for blob in blobs]
        self.pull("small:1", "-q")
        self.assertEqual(fetched(), [1, 1, 0])
        self.pull("small:1", "-q")
        self.assertEqual(fetched(), [1, 1, 0])
        self.pull("small:2", "-q")
        self.assertEqual(fetched(), [1, 1, 1])

    def test_what_a_digest_names_is_fetched_once(self):
        image = small_image()
        index = make_image.index_bytes([image.descriptor()])
        self.registry.push("small", "1", image)
        self.registry.put_manifest("small", "list", index)
        paths = [f"GET /v2/small/blobs/{sha256(image.config_bytes())}",
                 f"GET /v2/small/manifests/{sha256(image.manifest_bytes())}"]
        for _ in range(3):
            self.pull("small:list", "-q")
        self.assertEqual([self.registry.requests(path) for path in paths], [1, 1])

    def test_a_rehearsal_says_what_would_be_fetched(self):
        first, second = small_image(), small_image("second")
        second.layers[0] = first.layers[0]
        self.registry.push("small", "1", first)
        self.registry.push("small", "2", second)
        self.pull("small:1", "-q")
        lines = self.pull("small:2", "-q", "--dry-run").stdout.splitlines()
        self.assertEqual(lines[0], f"{sha256(first.layers[0][0])} already exists")
        self.assertIn(f"{sha256(second.layers[1][0])} would be fetched: ", lines[1])
        self.assertIn(": 1 of 2 layers, ", lines[2])
        self.assertEqual(len(self.image_ids()), 1)
        self.assertEqual(self.registry.requests(f"GET /v2/small/blobs/{sha256(second.layers[1][0])}"), 0)

    def test_progress_for_programs(self):
        image = small_image()
        self.registry.push("small", "1", image)
        events = [json.loads(line) for line in self.pull("small:1", "--progress=json").stderr.splitlines()]
        layer = f"layer {sha256(image.layers[0][0])[7:19]}"
        mine = [event for event in events if event.get("item") == layer]
        self.assertEqual([event["event"] for event in mine], ["begin", "end"])
        self.assertEqual((mine[0]["total"], mine[-1]["outcome"]), (len(image.layers[0][0]), "done"))
        self.assertIn("note", {event["event"] for event in events})

    def test_output_is_for_scripts_and_progress_for_people(self):
        image = small_image()
        self.registry.push("small", "1", image)
        image_id = sha256(image.config_bytes())[7:]
        loud = self.pull("small:1")
        self.assertEqual(loud.stdout, image_id + "\n")
        for data, _, _ in image.layers:
            self.assertIn(sha256(data)[7:19], loud.stderr)
        self.assertNotIn("\r", loud.stderr)
        self.assertNotIn("\033", loud.stderr)
        quiet = self.pull("small:1", "-q")
        self.assertEqual((quiet.stdout, quiet.stderr), (image_id + "\n", ""))

    def test_bars_on_a_terminal(self):
        image = small_image()
        self.registry.push("small", "1", image)
        status, shown = run_on_terminal(self, "pull", "--tls-verify=false", f"{self.registry.name}/small:1")
        self.assertEqual(status, 0, shown)
        self.assertIn("\033[", shown)  # lines are drawn over
        self.assertIn(sha256(image.config_bytes())[7:], shown)

    def test_policies(self):
        self.registry.push("small", "1", small_image("old"))
        old = self.pull("small:1", "-q").stdout
        new = small_image("new")
        self.registry.push("small", "1", new)
        self.assertEqual(self.pull("small:1", "-q", "--policy", "missing").stdout, old)
        self.assertEqual(self.pull("small:1", "-q").stdout, sha256(new.config_bytes())[7:] + "\n")

    def test_removing_the_last_name_removes_the_image(self):
        self.registry.push("small", "1", small_image())
        self.pull("small:1", "-q")
        self.engine("rmi", f"{self.registry.name}/small:1")
        self.assertEqual(self.engine("images", "-aq").stdout, "")
        self.pull("small:1", "-q")
        self.assertEqual(len(self.image_ids()), 1)


class ArchiveTest(EngineTest):
    def test_pull_from_a_layout_and_both_archives(self):
        image = self.guest_image()
        image.write_layout(self.dir / "layout")
        image.write_archive(self.dir / "oci.tar")
        image.write_docker_archive(self.dir / "docker.tar")
        expected = sha256(image.config_bytes())[7:] + "\n"
        for source in (f"oci:{self.dir}/layout", f"oci-archive:{self.dir}/oci.tar",
                       f"docker-archive:{self.dir}/docker.tar"):
            with self.subTest(source=source):
                self.assertEqual(self.engine("pull", "-q", source).stdout, expected)
        self.assertEqual(self.in_container(BUSYBOX, "echo", "fine").stdout, "fine\n")

    def test_a_compressed_docker_archive_is_read(self):
        self.guest_image().write_docker_archive(self.dir / "docker.tar")
        self.tool("gzip", self.dir / "docker.tar")
        self.engine("pull", "-q", f"docker-archive:{self.dir}/docker.tar.gz")

    def test_what_skopeo_writes(self):
        self.guest_image().write_layout(self.dir / "layout")
        self.tool("skopeo", "copy", "-q", f"oci:{self.dir}/layout",
                  f"docker-archive:{self.dir}/docker.tar:localhost/from-skopeo:1")
        self.engine("pull", "-q", f"docker-archive:{self.dir}/docker.tar")
        self.assertEqual(self.in_container("localhost/from-skopeo:1", "echo", "fine").stdout, "fine\n")
