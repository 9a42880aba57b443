"""Registries that lie, stop, or are not there: one clear line, status 125, and nothing left in the store."""

import gzip
import json
import signal

import make_image
from engine_test import EngineTest, wait_until
from make_image import sha256, tar_of
from registry_server import FakeRegistry, Pause, free_port, send
from test_pull import small_image


class FaultTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.registry = FakeRegistry()
        self.addCleanup(self.registry.stop)
        self.image = small_image()
        self.registry.add("small", self.image)
        self.blob = self.image.layers[-1][0]
        self.blob_path = f"/v2/small/blobs/{sha256(self.blob)}"

    def pull(self, name="small", **options):
        return self.engine("pull", "-q", "--retry", "0", "--tls-verify=false", f"{self.registry.name}/{name}",
                           **options)

    def assert_refused(self, *parts):
        self.assert_fails(self.pull(check=False), 125, *parts)
        self.assertEqual(self.engine("images", "-aq").stdout, "")
        self.assert_nothing_unfinished()

    def publish(self, manifest):
        """Offers changed manifest bytes under the tag, with a digest that fits them."""
        data = json.dumps(manifest).encode()
        self.registry.manifests["/v2/small/manifests/latest"] = data
        self.registry.manifests[f"/v2/small/manifests/{sha256(data)}"] = data

    def manifest(self):
        return json.loads(self.image.manifest_bytes())

    def test_the_registry_is_sound_without_a_fault(self):
        self.pull()
        self.assertEqual(len(self.engine("images", "-q").stdout.split()), 1)

    def test_a_layer_with_other_bytes(self):
        self.registry.blobs[self.blob_path] = self.blob[:-1] + bytes([self.blob[-1] ^ 1])
        self.assert_refused(sha256(self.blob))

    def test_a_layer_that_is_longer_or_shorter_than_announced(self):
        for blob in (self.blob + b"x", self.blob[:-1]):
            with self.subTest(size=len(blob)):
                self.registry.blobs[self.blob_path] = blob
                self.assert_refused(sha256(self.blob))

    def test_a_connection_that_breaks_in_the_middle_of_a_layer(self):
        def break_off(request):
            request.send_response(200)
            request.send_header("Content-Length", str(len(self.blob)))
            request.end_headers()
            request.wfile.write(self.blob[:len(self.blob) // 2])
            request.close_connection = True
        self.registry.answers[self.blob_path] = break_off
        self.assert_refused(self.registry.name)

    def test_a_layer_whose_content_is_not_what_the_configuration_says(self):
        other = make_image.Image().add_layer(tar_of([("surprise", b"x")])).layers[0][0]
        manifest = self.manifest()
        manifest["layers"][-1].update(digest=sha256(other), size=len(other))
        self.registry.blobs[f"/v2/small/blobs/{sha256(other)}"] = other
        self.publish(manifest)
        self.assert_refused(self.image.layers[-1][2])  # the diff id that was promised

    def test_a_layer_that_is_not_a_tar_or_not_gzip(self):
        for data in (b"not compressed at all" * 100, gzip.compress(b"not a tar" * 1000),
                     self.blob[:len(self.blob) // 2]):
            with self.subTest(data=data[:8]):
                manifest = self.manifest()
                manifest["layers"][-1].update(digest=sha256(data), size=len(data))
                self.registry.blobs[f"/v2/small/blobs/{sha256(data)}"] = data
                self.publish(manifest)
                self.assert_refused(sha256(data)[7:19])

    def test_a_configuration_with_other_bytes(self):
        config = self.image.config_bytes()
        self.registry.blobs[f"/v2/small/blobs/{sha256(config)}"] = config.replace(b"linux", b"plan9")
        self.assert_refused(sha256(config))

    def test_a_manifest_with_other_bytes_than_the_digest_that_was_asked_for(self):
        digest = sha256(self.image.manifest_bytes())
        self.registry.manifests[f"/v2/small/manifests/{digest}"] = self.image.manifest_bytes() + b" "
        self.assert_fails(self.pull(f"small@{digest}", check=False), 125, digest)

    def test_manifests_that_make_no_sense(self):
        def without(name):
            manifest = self.manifest()
            del manifest[name]
            return manifest

        def with_layer(**fields):
            manifest = self.manifest()
            manifest["layers"][0].update(fields)
            return manifest
        media_type = self.manifest()["mediaType"]
        for manifest in (
                without("layers"), without("config"), with_layer(digest="sha256:12"),
                with_layer(digest="md5:" + "0" * 32),
                with_layer(size=-1), with_layer(size="1"), with_layer(mediaType="text/html"),
                with_layer(digest=f"../../{'0' * 64}"),
                {"mediaType": media_type, "schemaVersion": 1}, {"mediaType": media_type}):
            with self.subTest(manifest=manifest):
                self.publish(manifest)
                self.assert_refused()

    def test_a_manifest_that_is_not_json_or_far_too_large(self):
        for body in (b"<html>", b"", b'{"schemaVersion":2' + b" " * 64 * 1024 * 1024):
            with self.subTest(body=body[:8]):
                self.registry.answers["/v2/small/manifests/latest"] = lambda request, body=body: send(
                    request, 200, body, {"Content-Type": self.manifest()["mediaType"]})
                self.assert_refused()

    def test_answers_that_are_errors(self):
        for status in (401, 403, 404, 429, 500, 503):
            with self.subTest(status=status):
                self.registry.answers["/v2/small/manifests/latest"] = lambda request, status=status: send(
                    request, status, b'{"errors":[{"code":"X","message":"said by the registry"}]}')
                self.assert_refused(self.registry.name)

    def test_a_failure_that_passes_is_tried_again(self):
        failures = []

        def fail_once(request):
            if not failures:
                failures.append(request.path)
                send(request, 503, b"", {"Retry-After": "0"})
            else:
                self.registry.answer(request)
        self.registry.answers[self.blob_path] = fail_once
        self.engine("pull", "-q", "--retry", "2", "--tls-verify=false", f"{self.registry.name}/small")
        self.assertEqual(self.registry.seen.count(self.blob_path), 2)

    def test_an_interrupted_pull_leaves_nothing(self):
        for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            with self.subTest(signal=number):
                pause = Pause(self.blob, len(self.blob) // 2)
                self.registry.answers[self.blob_path] = pause
                process = self.start_engine("pull", "--tls-verify=false", f"{self.registry.name}/small")
                self.assertTrue(pause.reached.wait(60))
                process.send_signal(number)
                process.wait(60)
                pause.go_on.set()
                self.assertIn(process.returncode, (status, -number))
                self.assert_nothing_unfinished()
        del self.registry.answers[self.blob_path]
        self.pull()

    def test_two_pulls_at_once_fetch_a_layer_once(self):
        pause = Pause(self.blob, len(self.blob) // 2)
        self.registry.answers[self.blob_path] = pause
        first = self.start_engine("pull", "-q", "--tls-verify=false", f"{self.registry.name}/small")
        self.assertTrue(pause.reached.wait(60))
        del self.registry.answers[self.blob_path]
        second = self.start_engine("pull", "-q", "--tls-verify=false", f"{self.registry.name}/small")
        wait_until(lambda: self.registry.seen.count("/v2/small/manifests/latest") == 2 or second.poll() is not None,
                   "the second has begun")
        pause.go_on.set()
        self.assertEqual([process.wait(60) for process in (first, second)], [0, 0])
        self.assertEqual(first.stdout.read(), second.stdout.read())
        self.assertEqual(self.registry.seen.count(self.blob_path), 1)
        self.assert_nothing_unfinished()

    def test_the_holder_of_a_lock_is_named_and_waiting_can_be_ended(self):
        pause = Pause(self.blob, len(self.blob) // 2)
        self.registry.answers[self.blob_path] = pause
        first = self.start_engine("pull", "-q", "--tls-verify=false", f"{self.registry.name}/small")
        self.assertTrue(pause.reached.wait(60))
        for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            second = self.start_engine("pull", "-q", "--tls-verify=false", f"{self.registry.name}/small")
            said = second.stderr.readline()
            self.assertRegex(said, rf'waiting for lock "locks/pull-..", held by "pid {first.pid} \(engine-transfer\)"')
            second.send_signal(number)
            self.assertIn(second.wait(60), (status, -number))
        pause.go_on.set()
        self.assertEqual(first.wait(60), 0)
        self.assertEqual(self.registry.seen.count(self.blob_path), 1)
        self.assert_nothing_unfinished()

    def test_pulls_of_two_images_at_once_fetch_what_they_share_once(self):
        other = small_image(name="localhost/other:latest")
        other.layers = [*self.image.layers, *other.layers[-1:]]
        self.registry.add("small/other", other)
        pause = Pause(self.blob, len(self.blob) // 2)
        self.registry.answers[self.blob_path] = pause
        first = self.start_engine("pull", "-q", "--tls-verify=false", f"{self.registry.name}/small")
        self.assertTrue(pause.reached.wait(60))
        second = self.start_engine("pull", "-q", "--tls-verify=false", f"{self.registry.name}/small/other")
        second.stderr.readline()  # it waits
        pause.go_on.set()
        self.assertEqual([process.wait(60) for process in (first, second)], [0, 0])
        for layer in self.image.layers:
            fetched = [path for path in self.registry.seen if path.endswith("/blobs/" + sha256(layer[0]))]
            self.assertEqual(len(fetched), 1, fetched)
        self.assert_nothing_unfinished()

    def test_a_layer_that_an_image_has_twice_is_fetched_once(self):
        """Also where compressed layers are not kept."""
        own = self.dir / "engine.conf"
        for text in ("[pull]\nkeep_blobs = false\n", ""):
            with self.subTest(text=text):
                own.write_text(text)
                image = small_image(text="twice" + text, name="localhost/twice:latest")
                image.layers.insert(0, image.layers[-1])
                image.layers.append(image.layers[-1])
                self.registry.add("twice", image)
                self.pull("twice", env={"ENGINE_CONF": str(own)})
                path = f"/v2/twice/blobs/{sha256(image.layers[0][0])}"
                self.assertEqual(self.registry.seen.count(path), 1)
                self.assertEqual((self.root / "blobs/sha256" / path[-64:-62] / path[-64:]).exists(), not text)
                self.assert_nothing_unfinished()

    def test_an_image_or_a_tag_that_does_not_exist(self):
        self.assert_fails(self.pull("absent", check=False), 125, "absent")
        self.assert_fails(self.pull("small:nine", check=False), 125, "nine")

    def test_a_registry_that_cannot_be_reached(self):
        name = f"127.0.0.1:{free_port()}/small"
        for options in ([], ["--tls-verify=false"]):
            result = self.engine("pull", "-q", "--retry", "0", *options, name, check=False)
            self.assert_fails(result, 125, name.split("/")[0])
            self.assertIn("hint: ", result.stderr)
