"""serve: engine, podman, skopeo and bare HTTP against the store as a registry; hostile clients; the pull-through cache."""

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket

from engine_test import BUSYBOX, EngineTest
from make_image import sha256
from registry_server import FakeRegistry, make_certificates, send
from test_pull import small_image


NAME = "docker.io/library/busybox:latest"


class ServerTest(EngineTest):
    def serve(self, *words):
        """Starts the server; (process, "127.0.0.1:PORT")."""
        process = self.start_engine("serve", "--addr", "127.0.0.1:0", *words)
        url = process.stdout.readline().strip()
        self.assertRegex(url, r"^https?://127\.0\.0\.1:\d+$", "the first line is the URL")
        return process, url.split("//")[1]

    def ask(self, place, path, method="GET", headers=None):
        connection = http.client.HTTPConnection(place, timeout=30)
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer, body


class ServeTest(ServerTest):
    def setUp(self):
        super().setUp()
        self.image = self.guest_image()
        self.engine("pull", "-q", self.archive(self.image))
        self.engine("tag", BUSYBOX, NAME)
        self.engine("untag", BUSYBOX, BUSYBOX)
        self.digest = sha256(self.image.manifest_bytes())
        self.layer = sha256(self.image.layers[0][0])

    def other_store(self):
        """The words that make engine use another store, as another user would."""
        return ["--root", self.dir / "other", "--runroot", self.dir / "other-run"]

    def engine_of_another(self, *words, **more):
        self.addCleanup(self.forget_other)
        return self.tool(self.command()[0], *self.other_store(), *words, **more)

    def forget_other(self):
        self.engine("unshare", "rm", "-rf", self.dir / "other", check=False)
        shutil.rmtree(self.dir / "other", ignore_errors=True)

    def test_another_engine_pulls_and_runs(self):
        _, place = self.serve()
        self.engine_of_another("pull", "-q", "--tls-verify=false", f"{place}/library/busybox")
        done = self.engine_of_another("run", "--rm", "--network", "none", f"{place}/library/busybox", "echo", "shared")
        self.assertEqual(done.stdout, "shared\n")
        found = self.engine_of_another("digest", f"store:{place}/library/busybox").stdout
        self.assertEqual(found, self.digest + "\n")

    def test_skopeo_copies_by_every_name(self):
        _, place = self.serve()
        for name in ("docker.io/library/busybox", "library/busybox", "busybox"):
            with self.subTest(name=name):
                raw = self.tool("skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{place}/{name}:latest")
                self.assertEqual(raw.stdout.encode(), self.image.manifest_bytes())
        self.tool("skopeo", "copy", "-q", "--src-tls-verify=false", f"docker://{place}/busybox", f"dir:{self.dir}/copy")
        self.assertEqual((self.dir / "copy" / self.layer[7:]).read_bytes(), self.image.layers[0][0])

    def test_podman_pulls(self):
        _, place = self.serve()
        storage = self.dir / "podman"
        self.addCleanup(shutil.rmtree, storage, True)
        done = self.tool("podman", "--root", storage / "root", "--runroot", storage / "run", "--storage-driver", "vfs",
                         "pull", "-q", "--tls-verify=false", f"{place}/busybox", check=False)
        if done.status != 0 and "hybrid" in done.stderr:
            self.skipTest("podman does not work with this machine's cgroups")
        self.assertEqual(done.stdout.strip(), sha256(self.image.config_bytes())[7:], done)

    def test_the_pull_part_of_the_distribution_specification(self):
        _, place = self.serve()
        answer, body = self.ask(place, "/v2/")
        self.assertEqual((answer.status, body), (200, b"{}"))
        for name in ("latest", self.digest):
            for method in ("GET", "HEAD"):
                answer, body = self.ask(place, f"/v2/busybox/manifests/{name}", method)
                self.assertEqual(answer.status, 200)
                self.assertEqual(answer.headers["Docker-Content-Digest"], self.digest)
                self.assertEqual(answer.headers["Content-Type"], "application/vnd.oci.image.manifest.v1+json")
                self.assertEqual(int(answer.headers["Content-Length"]), len(self.image.manifest_bytes()))
                self.assertEqual(body, self.image.manifest_bytes() if method == "GET" else b"")
        layer = self.image.layers[0][0]
        path = f"/v2/busybox/blobs/{self.layer}"
        self.assertEqual(self.ask(place, path)[1], layer)
        answer, body = self.ask(place, path, "HEAD")
        self.assertEqual((answer.status, int(answer.headers["Content-Length"]), body), (200, len(layer), b""))
        answer, body = self.ask(place, path, headers={"Range": "bytes=5-99"})
        self.assertEqual((answer.status, answer.headers["Content-Range"], body),
                         (206, f"bytes 5-99/{len(layer)}", layer[5:100]))
        answer, _ = self.ask(place, path, headers={"Range": f"bytes={len(layer)}-"})
        self.assertEqual((answer.status, answer.headers["Content-Range"]), (416, f"bytes */{len(layer)}"))
        self.assertEqual(json.loads(self.ask(place, "/v2/busybox/tags/list")[1]), {"name": "busybox", "tags": ["latest"]})
        self.assertEqual(json.loads(self.ask(place, "/v2/_catalog")[1]), {"repositories": ["docker.io/library/busybox"]})
        answer, body = self.ask(place, f"/v2/busybox/referrers/{self.digest}")
        self.assertEqual((answer.headers["Content-Type"], json.loads(body)["manifests"]),
                         ("application/vnd.oci.image.index.v1+json", []))

    def test_what_is_not_there_is_404_with_a_code(self):
        _, place = self.serve()
        nothing = sha256(b"nothing")
        for path, code in ((f"/v2/busybox/blobs/{nothing}", "BLOB_UNKNOWN"),
                           (f"/v2/busybox/manifests/{nothing}", "MANIFEST_UNKNOWN"),
                           ("/v2/busybox/manifests/9", "MANIFEST_UNKNOWN"), ("/v2/none/manifests/9", "MANIFEST_UNKNOWN"),
                           ("/v2/none/tags/list", "NAME_UNKNOWN"), ("/", "NOT_FOUND"),
                           ("/v2/../../etc/passwd", "NOT_FOUND"), ("/v2/%2e%2e/blobs/x", "NOT_FOUND")):
            answer, body = self.ask(place, path)
            self.assertEqual((answer.status, json.loads(body)["errors"][0]["code"]), (404, code), path)
        for method in ("PUT", "POST", "DELETE", "PATCH"):
            answer, _ = self.ask(place, "/v2/busybox/manifests/latest", method)
            self.assertEqual((answer.status, answer.headers["Allow"]), (405, "GET, HEAD"))
        self.assertEqual(self.engine("images", "-q").stdout.count("\n"), 1)

    def test_images_without_a_name_are_nobody_s(self):
        _, place = self.serve()
        self.assertEqual(self.ask(place, f"/v2/busybox/blobs/{self.layer}")[0].status, 200)
        self.engine("tag", NAME, "localhost/new:1")
        self.assertEqual(self.ask(place, "/v2/new/manifests/1")[0].status, 200)  # a new name counts at once
        self.engine("untag", NAME)  # from all of its names
        _, place = self.serve()
        self.assertEqual(self.ask(place, f"/v2/busybox/blobs/{self.layer}")[0].status, 404)
        self.assertEqual(json.loads(self.ask(place, "/v2/_catalog")[1]), {"repositories": []})

    def test_a_repository_has_only_what_is_its_own(self):
        other = small_image("another", name="localhost/other:1")
        self.engine("pull", "-q", self.archive(other, "other.tar"))
        _, place = self.serve()
        layer, manifest = sha256(other.layers[0][0]), sha256(other.manifest_bytes())
        self.assertEqual(self.ask(place, f"/v2/other/blobs/{layer}")[0].status, 200)
        self.assertEqual(self.ask(place, f"/v2/other/manifests/{manifest}")[0].status, 200)
        for path in (f"blobs/{layer}", f"blobs/{manifest}", f"manifests/{manifest}"):
            self.assertEqual(self.ask(place, f"/v2/busybox/{path}")[0].status, 404, path)

    def test_referrers_and_their_kinds(self):
        subject = sha256(self.image.manifest_bytes())
        for tag, kind in (("sig", "application/vnd.example.signature"), ("sbom", "application/vnd.example.sbom")):
            # An image all the same, since only images are pulled into the store.
            image = small_image(tag, name=f"docker.io/library/busybox:{tag}")
            manifest = json.loads(image.manifest_bytes())
            manifest.update(artifactType=kind, annotations={"kind": tag},
                            subject={"mediaType": manifest["mediaType"], "digest": subject, "size": 1})
            image.manifest_bytes = lambda docker=False, text=json.dumps(manifest).encode(): text
            self.engine("pull", "-q", self.archive(image, f"{tag}.tar"))
        _, place = self.serve()
        path = f"/v2/busybox/referrers/{subject}"
        answer, body = self.ask(place, path)
        self.assertEqual(answer.headers["OCI-Filters-Applied"], None)
        self.assertEqual({entry["annotations"]["kind"] for entry in json.loads(body)["manifests"]}, {"sig", "sbom"})
        answer, body = self.ask(place, path + "?artifactType=application/vnd.example.sbom")
        self.assertEqual(answer.headers["OCI-Filters-Applied"], "artifactType")
        (only,) = json.loads(body)["manifests"]
        self.assertEqual((only["artifactType"], only["annotations"]["kind"]), ("application/vnd.example.sbom", "sbom"))
        answer, body = self.ask(place, f"/v2/busybox/manifests/{only['digest']}")
        self.assertEqual((answer.status, len(body)), (200, only["size"]))

    def test_one_address_cannot_take_all_connections(self):
        _, place = self.serve("--connections", "32", "--connections-per-address", "3")
        host, port = place.split(":")
        with contextlib.ExitStack() as held:
            for _ in range(3):
                idle = held.enter_context(socket.create_connection((host, int(port)), timeout=20))
                idle.sendall(b"GET /v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
                self.assertIn(b"200 OK", idle.recv(1000))
            with socket.create_connection((host, int(port)), timeout=20) as refused:
                with contextlib.suppress(ConnectionError):
                    refused.sendall(b"GET /v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    self.assertEqual(refused.recv(1000), b"")

    def test_tags_over_several_pages(self):
        for tag in ("a", "b", "c"):
            self.engine("tag", NAME, f"localhost/many:{tag}")
        _, place = self.serve()
        answer, body = self.ask(place, "/v2/many/tags/list?n=2")
        self.assertEqual(json.loads(body)["tags"], ["a", "b"])
        following = re.match(r"<(.*)>; rel=\"next\"", answer.headers["Link"])[1]
        self.assertEqual(json.loads(self.ask(place, following)[1])["tags"], ["c"])
        self.assertEqual(self.engine("tags", "--tls-verify=false", f"{place}/many").stdout, "a\nb\nc\n")
        for query, tags in (("n=0", []), ("last=a", ["b", "c"]), ("n=1&last=a", ["b"]), ("last=bb", ["c"]),
                            ("last=c", []), ("n=99", ["a", "b", "c"])):
            answer, body = self.ask(place, f"/v2/many/tags/list?{query}")
            self.assertEqual((answer.status, json.loads(body)["tags"]), (200, tags), query)
        self.assertEqual(self.ask(place, "/v2/many/tags/list?n=some")[0].status, 400)

    def test_tls(self):
        _, certificate, key = make_certificates(self.dir)
        _, place = self.serve("--cert", certificate, "--key", key)
        trust = self.dir / "certs"
        trust.mkdir()
        (trust / "ca.crt").write_bytes((self.dir / "ca.crt").read_bytes())
        self.assertEqual(self.engine("digest", "--cert-dir", trust, f"{place}/busybox").stdout, self.digest + "\n")
        host, port = place.split(":")
        with socket.create_connection((host, int(port))) as plain:
            plain.sendall(b"GET /v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.assertNotIn(b"200 OK", plain.recv(1000))
        self.assert_fails(self.engine("serve", "--cert", certificate, check=False), 125, "--key")

    def test_an_interrupt_ends_it_also_with_clients_connected(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            process, place = self.serve()
            host, port = place.split(":")
            with socket.create_connection((host, int(port))) as idle:
                idle.sendall(b"GET /v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
                self.assertIn(b"200 OK", idle.recv(1000))
                process.send_signal(number)
                self.assertEqual(process.wait(20), 0)
            self.assertEqual(process.stderr.read(), "")

    def test_hostile_clients_do_not_stop_the_others(self):
        process, place = self.serve("--connections", "8")
        host, port = place.split(":")
        attacks = [b"\x00" * 1000, b"GET /" + b"a" * 70000, b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x00\xff" * 50,
                   b"GET /v2/ HTTP/1.1\r\n" + b"X: y\r\n" * 20000, b"POST /v2/ HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                   b"GET /v2/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n"]
        for attack in attacks:
            with socket.create_connection((host, int(port)), timeout=20) as connection:
                try:
                    connection.sendall(attack)
                    connection.shutdown(socket.SHUT_WR)
                    connection.recv(1000)
                except (ConnectionError, BrokenPipeError):
                    pass
        # Half of the places taken by clients that say nothing: the others are served.
        silent = [socket.create_connection((host, int(port))) for _ in range(4)]
        self.assertEqual(self.ask(place, "/v2/")[0].status, 200)
        for connection in silent:
            connection.close()
        self.assertIsNone(process.poll())

    def test_a_page_of_another_host_cannot_read_it(self):
        """Its name may be made to mean 127.0.0.1; the browser sends the name all the same."""
        _, place = self.serve()
        port = place.split(":")[1]
        for host, status in ((place, 200), (f"localhost:{port}", 200), ("[::1]", 200), (f"evil.example:{port}", 421),
                             ("127.0.0.1.evil.example", 421)):
            self.assertEqual(self.ask(place, "/v2/_catalog", headers={"Host": host})[0].status, status, host)

    def test_addresses_that_cannot_be(self):
        _, place = self.serve()
        self.assert_fails(self.engine("serve", "--addr", place, check=False), 125, "taken", "hint: ")
        for address in ("nowhere", "127.0.0.1:99999", "256.1.1.1:80", "example.com:80"):
            self.assert_fails(self.engine("serve", "--addr", address, check=False), 125)


class PullThroughTest(ServerTest):
    def setUp(self):
        super().setUp()
        self.upstream = FakeRegistry()
        self.addCleanup(self.upstream.stop)
        self.image = small_image()
        self.upstream.add("team/small", self.image, "1")
        self.digest = sha256(self.image.manifest_bytes())
        self.layer_path = f"/v2/team/small/blobs/{sha256(self.image.layers[1][0])}"
        self.cache = self.dir / "cache"

    def through(self, *words):
        return self.serve("--pull-through", self.upstream.name, "--cache", self.cache, "--tls-verify=false",
                          "--retry", "0", *words)

    def fetched(self):
        return sum("/blobs/" in path for path in self.upstream.seen)

    def test_what_was_fetched_once_is_not_fetched_again(self):
        process, place = self.through()
        for number in range(2):
            self.engine("copy", "-q", "--tls-verify=false", f"{place}/team/small:1", f"dir:{self.dir}/copy{number}")
            self.assertEqual((self.dir / f"copy{number}" / "manifest.json").read_bytes(), self.image.manifest_bytes())
        self.assertEqual(self.fetched(), 3)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(20), 0)

        self.upstream.stop()
        _, place = self.through()  # the registry is gone, what was kept is not
        self.engine("copy", "-q", "--tls-verify=false", f"{place}/team/small:1", f"dir:{self.dir}/copy3")
        self.assert_fails(self.engine("digest", "--tls-verify=false", "--retry", "0", f"{place}/team/small:2",
                                      check=False), 125)

    def test_a_wrong_blob_is_neither_given_whole_nor_kept(self):
        right = self.upstream.blobs[self.layer_path]
        self.upstream.blobs[self.layer_path] = bytes(len(right))
        _, place = self.through()
        result = self.engine("copy", "-q", "--tls-verify=false", "--retry-times", "0", f"{place}/team/small:1",
                             f"dir:{self.dir}/copy", check=False)
        self.assertEqual(result.status, 125)
        connection = http.client.HTTPConnection(place, timeout=30)
        self.addCleanup(connection.close)
        connection.request("GET", self.layer_path)
        with connection.getresponse() as answer, self.assertRaises((http.client.IncompleteRead, ConnectionError)):
            answer.read()
        self.assertFalse((self.cache / "blobs" / self.layer_path.rsplit(":")[-1]).exists())
        self.upstream.blobs[self.layer_path] = right
        self.assertEqual(self.ask(place, self.layer_path)[1], right)

    def test_a_moved_tag_is_noticed(self):
        _, place = self.through()
        name = f"{place}/team/small:1"
        self.assertEqual(self.engine("digest", "--tls-verify=false", name).stdout, self.digest + "\n")
        other = small_image("other")
        self.upstream.add("team/small", other, "1")
        self.assertEqual(self.engine("digest", "--tls-verify=false", name).stdout,
                         sha256(other.manifest_bytes()) + "\n")

    def test_the_user_s_credentials_stay_with_the_user(self):
        seen = []
        answer = self.upstream.answer

        def private(request):
            seen.append(request.headers.get("Authorization"))
            if request.headers.get("Authorization"):
                return answer(request)
            return send(request, 401, b"{}", {"WWW-Authenticate": 'Basic realm="test"'})
        self.upstream.answers["/v2/team/small/manifests/1"] = private
        auth = self.home / ".config" / "containers"
        auth.mkdir(parents=True)
        (auth / "auth.json").write_text(json.dumps({"auths": {self.upstream.name: {"auth": "YW5uOnMzY3JldA=="}}}))
        _, place = self.through()
        self.assertEqual(self.ask(place, "/v2/team/small/manifests/1")[0].status, 403)
        self.assertEqual(set(seen), {None})

    def test_what_the_store_has_is_not_shown_to_who_knows_its_digest(self):
        private = small_image("private", name="localhost/private:1")
        self.engine("pull", "-q", self.archive(private, "private.tar"))
        _, place = self.through()
        for path in (f"blobs/{sha256(private.layers[1][0])}", f"blobs/{sha256(private.config_bytes())}",
                     f"manifests/{sha256(private.manifest_bytes())}"):
            for method in ("GET", "HEAD"):
                self.assertEqual(self.ask(place, f"/v2/team/small/{path}", method)[0].status, 404, path)
        # What has its name from that registry is the registry's, and need not be fetched.
        self.engine("tag", "localhost/private:1", f"{self.upstream.name}/team/tagged:1")
        _, place = self.serve("--pull-through", self.upstream.name, "--cache", self.dir / "other", "--tls-verify=false")
        answer, body = self.ask(place, f"/v2/team/tagged/blobs/{sha256(private.layers[1][0])}")
        self.assertEqual((answer.status, body), (200, private.layers[1][0]))

    def test_what_one_repository_has_another_one_has_only_by_the_registry_s_word(self):
        _, place = self.through()
        digest = self.layer_path.rsplit("/")[-1]
        self.assertEqual(self.ask(place, self.layer_path)[0].status, 200)
        self.assertEqual(self.ask(place, f"/v2/team/small/manifests/{self.digest}")[0].status, 200)
        self.assertEqual(self.ask(place, f"/v2/team/other/blobs/{digest}")[0].status, 404)
        self.assertEqual(self.ask(place, f"/v2/team/other/manifests/{self.digest}")[0].status, 404)
        self.upstream.blobs[f"/v2/team/other/blobs/{digest}"] = b"its length is all that is asked for"
        answer, body = self.ask(place, f"/v2/team/other/blobs/{digest}")
        self.assertEqual((answer.status, body), (200, self.upstream.blobs[self.layer_path]))

    def lying_manifest(self, repository):
        """Says that the layer is short."""
        manifest = json.loads(self.image.manifest_bytes())
        manifest["layers"][1]["size"] = 7
        text = json.dumps(manifest).encode()
        self.upstream.manifests[f"/v2/{repository}/manifests/lie"] = text
        self.upstream.manifests[f"/v2/{repository}/manifests/{sha256(text)}"] = text

    def test_a_lie_about_a_size_harms_nobody_else(self):
        self.lying_manifest("evil/image")
        self.lying_manifest("team/small")
        _, place = self.through()
        self.assertEqual(self.ask(place, "/v2/evil/image/manifests/lie")[0].status, 200)
        self.assertEqual(self.ask(place, self.layer_path)[1], self.upstream.blobs[self.layer_path])
        shutil.rmtree(self.cache)
        _, place = self.through()
        self.assertEqual(self.ask(place, "/v2/team/small/manifests/lie")[0].status, 200)
        with self.assertRaises((http.client.IncompleteRead, ConnectionError)):  # of the same repository: once
            self.ask(place, self.layer_path)
        self.assertEqual(self.ask(place, self.layer_path)[1], self.upstream.blobs[self.layer_path])

    def test_the_cache_stays_within_its_size(self):
        limit = 20_000
        _, place = self.through("--cache-size", str(limit))
        images = [self.image, small_image("two"), small_image("three"), small_image("four")]
        paths = []
        for number, image in enumerate(images):
            self.upstream.add(f"team/{number}", image, "1")
            paths.append(f"/v2/team/{number}/blobs/{sha256(image.layers[1][0])}")
            self.assertEqual(self.ask(place, paths[-1])[1], image.layers[1][0])
            kept = list((self.cache / "blobs").iterdir())
            self.assertLessEqual(sum(file.stat().st_size for file in kept), limit)
            self.assertEqual(set(os.listdir(self.cache / "owners")), {file.name for file in kept})
        seen = len(self.upstream.seen)
        self.assertEqual(self.ask(place, paths[-1])[0].status, 200)  # the last is still there, the first is not
        self.assertEqual(len(self.upstream.seen), seen)
        self.assertEqual(self.ask(place, paths[0])[1], images[0].layers[1][0])
        self.assertGreater(len(self.upstream.seen), seen)
        self.upstream.blobs["/v2/team/large/blobs/" + sha256(bytes(limit + 1))] = bytes(limit + 1)
        self.assertEqual(self.ask(place, "/v2/team/large/blobs/" + sha256(bytes(limit + 1)))[0].status, 507)
        self.assertEqual(list((self.cache / "incoming").iterdir()), [])

    def test_one_server_a_cache(self):
        self.through()
        result = self.engine("serve", "--addr", "127.0.0.1:0", "--pull-through", self.upstream.name, "--cache",
                             self.cache, check=False)
        self.assert_fails(result, 125, "another process", "hint: ")

