"""A registry that attacks: each row of the table is a class of attacks, and the tests that play it.

| attack                                                        | test                                                   |
| ------------------------------------------------------------- | ------------------------------------------------------ |
| lying sizes, ranges and encodings of a blob                   | BlobTest; test_pull_faults, test_resume                |
| credentials led to another origin by a redirect               | RedirectTest.test_credentials_stay_with_their_origin   |
| layers that lie elsewhere ("urls")                            | ManifestTest.test_foreign_layers_are_not_fetched       |
| from https down to http, by redirect or realm                 | TlsTest                                                |
| a token server elsewhere                                      | RealmTest                                              |
| bombs in WWW-Authenticate and in tokens                       | RealmTest.test_challenges_…, test_tokens_…             |
| redirects without end, without aim, with control bytes        | RedirectTest                                           |
| manifests, indexes and configs without end                    | ManifestTest                                           |
| JSON that parsers disagree on                                 | ManifestTest.test_json_that_parsers_disagree_on        |
| documents of two kinds, wrong media types                     | ManifestTest.test_ambiguous_documents                  |
| digests that are paths, or of other algorithms                | ManifestTest.test_digests_that_are_none                |
| names that are paths                                          | NameTest                                               |
| headers without end                                           | HeaderTest                                             |
| answers that never come, or byte by byte                      | SlowTest                                               |
| "come back in ten years"                                      | SlowTest.test_retry_after_of_years                     |
| auth files that name programs                                 | AuthFileTest                                           |

Every pull is measured: whatever the registry sends, the client stays small.
"""

import gzip
import json
import os
import ssl
import subprocess
import threading

from engine_test import PATIENCE_SECONDS, EngineTest, Result
from make_image import sha256
from registry_server import FakeRegistry, make_certificates, send
from test_pull import small_image

MOST_MEMORY_KIB = 160 * 1024
SECRET = "Basic YW5uOnMzY3JldA=="  # ann:s3cret
MANIFEST = "/v2/small/manifests/latest"


class Recorder(FakeRegistry):
    """Notes the headers of every request as (path, {name: value})."""

    def __init__(self, certificates=None):
        super().__init__()
        self.headers = []
        handler = self.server.RequestHandlerClass
        plain = handler.do_GET

        def do_get(request):
            self.headers.append((request.path, {name.lower(): value for name, value in request.headers.items()}))
            plain(request)
        handler.do_GET = handler.do_HEAD = handler.do_POST = do_get
        if certificates:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificates[1], certificates[2])
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                     do_handshake_on_connect=False)

    def authorizations(self):
        return [headers["authorization"] for _, headers in self.headers if "authorization" in headers]


class HostileTest(EngineTest):
    certificates = None

    def setUp(self):
        super().setUp()
        self.registry = self.start_registry()
        self.image = small_image()
        self.registry.add("small", self.image)
        self.blob = self.image.layers[-1][0]
        self.blob_path = f"/v2/small/blobs/{sha256(self.blob)}"

    def start_registry(self):
        registry = Recorder(self.certificates)
        self.addCleanup(registry.stop)
        return registry

    def trust(self):
        return ["--tls-verify=false"]

    def pull(self, *options, name=None, env=None):
        """Like engine(), with the memory that the pull took."""
        command = self.command("pull", "-q", "--retry", "0", *self.trust(), *options,
                               name or f"{self.registry.name}/small")
        with open(self.dir / "out", "w+") as out, open(self.dir / "err", "w+") as err:
            process = subprocess.Popen(["timeout", str(PATIENCE_SECONDS), *command], stdin=subprocess.DEVNULL,
                                       stdout=out, stderr=err, env={**self.environment, **(env or {})}, cwd=self.dir)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            for stream in (out, err):
                stream.seek(0)
            result = Result(command, process.returncode, out.read(), err.read())
        self.assertLess(usage.ru_maxrss, MOST_MEMORY_KIB, result)
        return result

    def assert_pulled(self, *options, **more):
        result = self.pull(*options, **more)
        self.assertEqual(result.status, 0, result)
        return result

    def assert_refused(self, *parts, options=(), **more):
        result = self.pull(*options, **more)
        self.assert_fails(result, 125, *parts)
        self.assertNotIn("s3cret", result.stderr)
        self.assertEqual(self.engine("images", "-aq").stdout, "")
        self.assert_nothing_unfinished()

    def manifest(self):
        return json.loads(self.image.manifest_bytes())

    def publish(self, manifest, media_type=None):
        data = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
        kind = media_type or self.manifest()["mediaType"]
        for path in (MANIFEST, f"/v2/small/manifests/{sha256(data)}"):
            self.registry.answers[path] = lambda request: send(request, 200, data, {"Content-Type": kind})
        return data


def redirect(target, status=307):
    return lambda request: send(request, status, b"", {"Location": target} if target else {})


def stream(request, status, headers, chunk, count):
    """`chunk` so often, as long as somebody listens."""
    request.send_response(status)
    for name, value in {"Transfer-Encoding": "chunked", **headers}.items():
        request.send_header(name, value)
    request.end_headers()
    for _ in range(count):
        request.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
    request.wfile.write(b"0\r\n\r\n")


class BlobTest(HostileTest):
    def test_it_works_without_an_attack(self):
        self.assert_pulled()

    def test_a_part_of_a_blob_that_nobody_asked_for(self):
        def answer(request):
            request.send_response(206)
            request.send_header("Content-Range", f"bytes 0-{len(self.blob) - 1}/{len(self.blob)}")
            request.send_header("Content-Length", str(len(self.blob)))
            request.end_headers()
            request.wfile.write(self.blob)
        self.registry.answers[self.blob_path] = answer
        self.assert_refused("was answered with a part of it")

    def test_another_range_than_the_one_that_was_asked_for(self):
        size = len(self.blob)
        for first, last, total in ((0, size - 1, size), (101, size - 1, size), (100, size - 2, size),
                                   (100, size - 1, size + 1), (100, 99, size)):
            with self.subTest(range=(first, last, total)):
                answers = []

                def answer(request):
                    answers.append(request.headers.get("Range"))
                    if len(answers) == 1:
                        request.send_response(200)
                        request.send_header("Content-Length", str(size))
                        request.end_headers()
                        request.wfile.write(self.blob[:100])
                        request.close_connection = True
                        return
                    send(request, 206, self.blob[100:], {"Content-Range": f"bytes {first}-{last}/{total}"})
                self.registry.answers[self.blob_path] = answer
                result = self.pull("--retry", "1", "--retry-delay", "1ms")
                self.assertEqual(result.status, 125, result)
                self.assertIn("was answered with another range", result.stderr)
                self.assertEqual(answers, [None, "bytes=100-"])
                self.assert_nothing_unfinished()

    def test_a_blob_without_end(self):
        sent = []

        def answer(request):
            for _ in iter(int, 1):
                sent.append(0)
                stream(request, 200, {}, self.blob, 1000)
        self.registry.answers[self.blob_path] = answer
        self.assert_refused("is longer than")

    def test_announced_sizes_that_lie(self):
        for announced in (0, 1, len(self.blob) - 1, len(self.blob) + 1, 1 << 60, -1, "x"):
            with self.subTest(announced=announced):
                def answer(request):
                    request.send_response(200)
                    request.send_header("Content-Length", str(announced))
                    request.end_headers()
                    request.wfile.write(self.blob)
                    request.close_connection = True
                self.registry.answers[self.blob_path] = answer
                result = self.pull()
                if announced in (-1, "x"):  # no size at all: then the bytes decide
                    continue
                self.assert_fails(result, 125, "blob")
        self.assert_nothing_unfinished()

    def test_a_content_encoding_is_never_undone(self):
        bomb = gzip.compress(bytes(200 * 1024 * 1024), 1)
        for path in (MANIFEST, self.blob_path):
            with self.subTest(path=path):
                self.registry.answers.clear()
                self.registry.answers[path] = lambda request: send(
                    request, 200, bomb, {"Content-Encoding": "gzip", "Content-Type": self.manifest()["mediaType"]})
                self.assert_refused()
        self.assertEqual([headers for _, headers in self.registry.headers if "accept-encoding" in headers], [])


class RedirectTest(HostileTest):
    def test_credentials_stay_with_their_origin(self):
        stranger = self.start_registry()
        stranger.add("small", self.image)
        plain = self.registry.answer

        def guarded(request):
            if request.headers.get("Authorization") != SECRET:
                return send(request, 401, b"", {"WWW-Authenticate": 'Basic realm="x"'})
            if request.path == self.blob_path:
                return redirect(f"http://{stranger.name}{self.blob_path}")(request)
            plain(request)
        self.registry.answer = guarded
        self.assert_pulled("--creds", "ann:s3cret")
        self.assertIn(SECRET, self.registry.authorizations())
        self.assertEqual([path for path, _ in stranger.headers], [self.blob_path])
        self.assertEqual(stranger.authorizations(), [])
        self.assertEqual([headers for _, headers in stranger.headers if "cookie" in headers], [])

    def test_a_stranger_that_asks_for_credentials_gets_none(self):
        stranger = self.start_registry()
        stranger.answer = lambda request: send(request, 401, b"", {"WWW-Authenticate": 'Basic realm="x"'})
        self.registry.answers[self.blob_path] = redirect(f"http://{stranger.name}/x")
        self.assert_refused(options=["--creds", "ann:s3cret"])
        self.assertEqual(stranger.authorizations(), [])

    def test_redirects_without_aim(self):
        for target in (None, "", "http://", "ftp://127.0.0.1/x", "file:///etc/passwd", "http://a@127.0.0.1/",
                       "http://127.0.0.1:99999/", "http://127.1/x", "http://0x7f000001/", "http://[::1/",
                       "http://127.0.0.1/ x", "http://127.0.0.1/\x01", "\\\\127.0.0.1\\x", "gopher://x/"):
            with self.subTest(target=target):
                self.registry.answers[MANIFEST] = redirect(target)
                self.assert_refused(self.registry.name)

    def test_a_header_of_its_own_in_a_redirect(self):
        """CR and LF cannot be in a header that arrives; what can is refused or encoded, and never sent on as it is."""
        self.registry.answers[MANIFEST] = redirect("/v2/small/manifests/x%0d%0aX-Injected: 1")
        self.pull()
        self.assertEqual([headers for _, headers in self.registry.headers if "x-injected" in headers], [])

    def test_redirects_without_end(self):
        count = []

        def onward(request):
            count.append(request.path)
            redirect(f"{MANIFEST}?{len(count)}")(request)
        self.registry.answer = onward
        self.assert_refused("redirects more than 10 times")
        self.assertEqual(len(count), 11)

    def test_a_local_service_is_not_reached_by_a_name_that_looks_like_another(self):
        self.registry.answers[MANIFEST] = redirect("http://2130706433/latest")
        self.assert_refused()


class RealmTest(HostileTest):
    def ask_for_token(self, realm, **parameters):
        fields = ",".join(f'{name}="{value}"' for name, value in {"realm": realm, **parameters}.items())

        def guarded(request):
            if request.headers.get("Authorization") == "Bearer good":
                return self.plain(request)
            send(request, 401, b"", {"WWW-Authenticate": f"Bearer {fields}"})
        self.plain = FakeRegistry.answer.__get__(self.registry)
        self.registry.answer = guarded

    def test_a_token_server_beside_the_registry_works(self):
        self.ask_for_token(f"http://{self.registry.name}/token", service="s", scope="repository:other:*")
        self.registry.answers.update({f"/token{query}": lambda request: send(request, 200, b'{"token":"good",'
                                                                            b'"expires_in":-7}')
                                      for query in ("?scope=repository%3asmall%3apull&service=s",)})
        self.assert_pulled()  # and the scope was ours, not the registry's

    def test_realms_that_are_refused(self):
        for realm in ("http://169.254.169.254/latest/meta-data", "http://example.com/token", "ftp://127.0.0.1/",
                      "http://eve:x@127.0.0.1/", "http://127.0.0.1/\\r\\nX: y", "", "/token", "http://",
                      "http://169.254.1/x", "file:///etc/passwd"):
            with self.subTest(realm=realm):
                self.ask_for_token(realm)
                self.assert_refused("token server", options=["--creds", "ann:s3cret"])

    def test_challenges_that_are_bombs(self):
        challenges = {
            "long": "Bearer realm=\"" + "x" * 65536 + "\"",
            "many": ", ".join(f'Scheme{number} a="b"' for number in range(1000)),
            "many parameters": "Bearer " + ",".join(f'a{number}="b"' for number in range(5000)),
            "unbalanced": 'Bearer realm="http://x',
            "backslash": 'Bearer realm="http://x\\',
            "empty": "",
            "nothing known": "Negotiate",
        }
        for name, challenge in challenges.items():
            with self.subTest(name):
                self.registry.answer = lambda request, challenge=challenge: send(
                    request, 401, b"", {"WWW-Authenticate": challenge})
                self.assert_refused()

    def test_tokens_that_are_bombs(self):
        self.ask_for_token(f"http://{self.registry.name}/token")
        path = "/token?scope=repository%3asmall%3apull"
        answers = {
            "endless": lambda request: stream(request, 200, {}, b'{"token":"' + b"x" * 100_000, 10_000),
            "announced": lambda request: send_length(request, 1 << 30),
            "no token": lambda request: send(request, 200, b"{}"),
            "not JSON": lambda request: send(request, 200, b"<html>"),
            "a line end": lambda request: send(request, 200, b'{"token":"a\\r\\nX-Injected: 1"}'),
            "not a text": lambda request: send(request, 200, b'{"token":[1]}'),
            "deep": lambda request: send(request, 200, b'{"token":' + b"[" * 100_000),
            "wrong": lambda request: send(request, 200, b'{"token":"bad"}'),
        }
        for name, answer in answers.items():
            with self.subTest(name):
                self.registry.answers[path] = answer
                self.assert_refused(self.registry.name)
        self.assertEqual([headers for _, headers in self.registry.headers if "x-injected" in headers], [])


def send_length(request, length):
    request.send_response(200)
    request.send_header("Content-Length", str(length))
    request.end_headers()
    request.wfile.write(b"{")
    request.close_connection = True


class ManifestTest(HostileTest):
    def test_foreign_layers_are_not_fetched(self):
        stranger = self.start_registry()
        for kind in ("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
                     "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
                     "application/vnd.oci.image.layer.v1.tar+gzip"):
            with self.subTest(kind):
                manifest = self.manifest()
                manifest["layers"][-1].update(mediaType=kind, urls=[f"http://{stranger.name}/layer"])
                self.publish(manifest)
                del self.registry.blobs[self.blob_path]
                self.assert_refused()
                self.registry.blobs[self.blob_path] = self.blob
        self.assertEqual(stranger.headers, [])

    def test_documents_without_end(self):
        kind = self.manifest()["mediaType"]
        for path in (MANIFEST, f"/v2/small/blobs/{sha256(self.image.config_bytes())}"):
            for name, answer in {
                    "endless": lambda request: stream(request, 200, {"Content-Type": kind}, b" " * 100_000, 10_000),
                    "announced": lambda request: send_length(request, 1 << 40)}.items():
                with self.subTest(path=path, name=name):
                    self.registry.answers.clear()
                    self.registry.answers[path] = answer
                    self.assert_refused()

    def test_a_config_that_says_to_be_huge(self):
        manifest = self.manifest()
        manifest["config"]["size"] = 1 << 50
        self.publish(manifest)
        self.assert_refused("too long")

    def test_too_many_layers_and_entries(self):
        manifest = self.manifest()
        manifest["layers"] = manifest["layers"] * 2000
        self.publish(manifest)
        self.assert_refused("layers")
        entry = {"mediaType": manifest["mediaType"], "digest": "sha256:" + "0" * 64, "size": 1}
        kind = "application/vnd.oci.image.index.v1+json"
        self.publish({"schemaVersion": 2, "mediaType": kind, "manifests": [entry] * 100_000}, kind)
        self.assert_refused("longer than")

    def test_indexes_in_indexes(self):
        kind = "application/vnd.oci.image.index.v1+json"
        data = self.image.manifest_bytes()
        media_type = self.manifest()["mediaType"]
        for depth in range(12):
            data = json.dumps({"schemaVersion": 2, "mediaType": kind, "manifests": [
                {"mediaType": media_type, "digest": sha256(data), "size": len(data)}]}).encode()
            media_type = kind
            self.publish(data, kind)
        self.assert_refused("too deep")
        self.assertLess(len(self.registry.seen), 8)

    def test_json_that_parsers_disagree_on(self):
        text = self.image.manifest_bytes()
        config = json.dumps(self.manifest()["config"]).encode()
        for name, data in {
                "the same key twice": b'{"config":' + config + b"," + text[1:],
                "trailing bytes": text + b"{}",
                "a NUL behind it": text + b"\0",
                "a byte order mark": b"\xef\xbb\xbf" + text,
                "deep": b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"," + text[1:],
                "a huge number": b'{"schemaVersion":1e999,' + text[1:].replace(b'"schemaVersion"', b'"other"'),
                "half a surrogate": text.replace(b'"schemaVersion"', b'"\\ud800":1,"schemaVersion"', 1),
                "no UTF-8": text.replace(b'"schemaVersion"', b'"\xff":1,"schemaVersion"', 1),
                "a comment": b"/* */" + text,
                "NaN": text.replace(b'"schemaVersion"', b'"x":NaN,"schemaVersion"', 1)}.items():
            with self.subTest(name):
                self.assertNotEqual(data, text)
                self.publish(data)
                self.assert_refused()

    def test_ambiguous_documents(self):
        index = "application/vnd.oci.image.index.v1+json"
        manifest = self.manifest()
        both = {**manifest, "manifests": [{"mediaType": manifest["mediaType"], "digest": "sha256:" + "0" * 64,
                                           "size": 1}]}
        for data, kind in ((both, None), (both, index), (manifest, index),
                           ({**manifest, "mediaType": index}, None), ({**manifest, "mediaType": "text/html"}, None)):
            with self.subTest(kind=kind, media_type=data["mediaType"]):
                self.publish(data, kind)
                self.assert_refused()

    def test_digests_that_are_none(self):
        for digest in ("sha256:../../../../etc/passwd", "sha256:" + "A" * 64, "sha256:" + "a" * 63, "sha256:",
                       "sha512:" + "a" * 128, "md5:" + "a" * 32, "", ":", "sha256:sha256:" + "a" * 57,
                       "sha256:" + "a" * 63 + "\0", "sha256:" + "a" * 63 + "/", "a" * 64):
            with self.subTest(digest=digest):
                for place in ("config", "layer"):
                    manifest = self.manifest()
                    (manifest["config"] if place == "config" else manifest["layers"][0])["digest"] = digest
                    self.publish(manifest)
                    self.assert_refused()

    def test_a_digest_that_was_announced_and_does_not_hold(self):
        data = self.image.manifest_bytes()
        self.registry.answers[MANIFEST] = lambda request: send(
            request, 200, data, {"Content-Type": self.manifest()["mediaType"],
                                 "Docker-Content-Digest": "sha256:" + "0" * 64})
        self.assert_refused("was announced")


class NameTest(HostileTest):
    def test_names_that_are_paths(self):
        for name in ("../small", "small/../small", "a//b", "small:" + "t" * 129, "small%2e%2e", "ſmall", "SMALL",
                     "small:1:2", "small@sha256:../x", "small:..", "small:a/b", "small\r\nX: y", ""):
            with self.subTest(name=name):
                self.assert_refused(name=f"{self.registry.name}/{name}")
        self.assertEqual(self.registry.seen, [])


class HeaderTest(HostileTest):
    def test_headers_without_end(self):
        def many(request):
            request.send_response(200)
            for number in range(20_000):
                request.send_header(f"X-{number}", "x" * 100)
            request.end_headers()

        def endless(request):
            request.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
            for _ in range(1000):
                request.wfile.write(b"x" * 100_000)

        def interim(request):
            for _ in range(100_000):
                request.wfile.write(b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n")
        for answer in (many, endless, interim):
            with self.subTest(answer.__name__):
                self.registry.answers[MANIFEST] = answer
                self.assert_refused(self.registry.name)

    def test_answers_that_are_no_http(self):
        for data in (b"", b"\0" * 1000, b"SSH-2.0-x\r\n", b"HTTP/9.9 999\r\n\r\n", b"HTTP/1.1 200 OK\r\n: x\r\n\r\n",
                     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n"):
            with self.subTest(data=data[:20]):
                def answer(request):
                    request.wfile.write(data)
                    request.close_connection = True
                self.registry.answers[MANIFEST] = answer
                self.assert_refused()


class SlowTest(HostileTest):
    def setUp(self):
        super().setUp()
        own = self.dir / "engine.conf"
        own.write_text('[network]\nfirst_byte_timeout = "1s"\nslow_timeout = "1s"\nmin_bytes_per_second = 1000\n')
        self.environment["ENGINE_CONF"] = str(own)
        self.over = threading.Event()
        self.addCleanup(self.over.set)

    def drip(self, request, data):
        """Ten bytes a second, until the client leaves or the test is over."""
        for byte in data:
            request.wfile.write(bytes([byte]))
            request.wfile.flush()
            if self.over.wait(0.1):
                return

    def test_an_answer_that_does_not_come(self):
        self.registry.answers[MANIFEST] = lambda request: self.over.wait(60)
        self.assert_refused("is too slow")

    def test_headers_that_come_byte_by_byte(self):
        self.registry.answers[MANIFEST] = lambda request: self.drip(request, b"HTTP/1.1 200 OK\r\nX: " + b"x" * 10_000)
        self.assert_refused("is too slow")

    def test_a_blob_that_comes_byte_by_byte(self):
        def answer(request):
            request.send_response(200)
            request.send_header("Content-Length", str(len(self.blob)))
            request.end_headers()
            self.drip(request, self.blob)
        self.registry.answers[self.blob_path] = answer
        self.assert_refused("is too slow")

    def test_retry_after_of_years(self):
        for status in (429, 503):
            for after in ("315360000", "9" * 30, "Fri, 31 Dec 2060 23:59:59 GMT"):
                with self.subTest(status=status, after=after):
                    self.registry.seen.clear()
                    self.registry.answers[MANIFEST] = lambda request: send(request, status, b"", {
                        "Retry-After": after, "RateLimit-Limit": "100;w=21600", "Docker-RateLimit-Source": "192.0.2.7"})
                    self.assert_refused("its limit is 100 requests in 6 hours for 192.0.2.7", "more than a year",
                                        options=["--retry", "5"])
                    self.assertEqual(self.registry.seen, [MANIFEST])


class AuthFileTest(HostileTest):
    def test_helpers_that_are_paths(self):
        file = self.dir / "auth.json"
        for name in ("../x", "/bin/sh", "a b", "", "x" * 5000, "a\0b"):
            with self.subTest(name=name):
                file.write_text(json.dumps({"credHelpers": {self.registry.name: name}}))
                self.registry.answer = lambda request: send(request, 401, b"", {"WWW-Authenticate": 'Basic realm="x"'})
                self.assert_refused(options=["--authfile", file])

    def test_files_that_are_bombs(self):
        file = self.dir / "auth.json"
        self.registry.answer = lambda request: send(request, 401, b"", {"WWW-Authenticate": 'Basic realm="x"'})
        for name, text in {"deep": "[" * 100_000, "long": " " * (64 << 20), "not JSON": "{", "twice": '{"auths":1,'
                           '"auths":{}}', "not base64": json.dumps({"auths": {self.registry.name: {"auth": "\x01"}}})
                           }.items():
            with self.subTest(name):
                file.write_text(text)
                self.assert_refused(options=["--authfile", file])


class TlsTest(HostileTest):
    def setUp(self):
        EngineTest.setUp(self)
        self.certificates = make_certificates(self.dir)
        self.folder = self.dir / "certs"
        self.folder.mkdir()
        (self.folder / "ca.crt").write_bytes(self.certificates[0].read_bytes())
        self.registry = self.start_registry()
        self.image = small_image()
        self.registry.add("small", self.image)
        self.blob = self.image.layers[-1][0]
        self.blob_path = f"/v2/small/blobs/{sha256(self.blob)}"
        self.certificates = None
        self.stranger = self.start_registry()
        self.stranger.add("small", self.image)

    def trust(self):
        return ["--cert-dir", self.folder]

    def test_it_works_without_an_attack(self):
        self.assert_pulled()

    def test_a_redirect_to_plain_http(self):
        self.registry.answers[self.blob_path] = redirect(f"http://{self.stranger.name}{self.blob_path}")
        self.assert_refused("redirects to plain HTTP")
        self.assertEqual(self.stranger.headers, [])

    def test_a_realm_in_plain_http(self):
        self.registry.answer = lambda request: send(
            request, 401, b"", {"WWW-Authenticate": f'Bearer realm="http://{self.stranger.name}/token"'})
        self.assert_refused("not as safe as the registry", options=["--creds", "ann:s3cret"])
        self.assertEqual(self.stranger.headers, [])

    def test_another_registry_that_is_insecure_lowers_nothing(self):
        directory = self.home / ".config/containers"
        directory.mkdir(parents=True)
        (directory / "registries.conf").write_text(
            f'[[registry]]\nlocation = "{self.stranger.name}"\ninsecure = true\n')
        self.registry.answers[self.blob_path] = redirect(f"http://{self.stranger.name}{self.blob_path}")
        self.assert_refused("redirects to plain HTTP")
        self.assertEqual(self.stranger.headers, [])
