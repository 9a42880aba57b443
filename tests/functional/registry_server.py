"""Registries on the loopback interface: a real docker-registry, and one of our own that misbehaves on demand."""

import http.client
import http.server
import json
import socket
import ssl
import subprocess
import threading
from pathlib import Path

from engine_test import wait_until
from make_image import sha256


def make_certificates(directory: Path):
    """An authority of our own and a server certificate for 127.0.0.1 and localhost: (ca, certificate, key)."""
    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=directory, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", "/CN=test authority", "-keyout", "ca.key", "-out", "ca.crt")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost",
            "-keyout", "server.key", "-out", "server.csr")
    (directory / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", "names", "-out", "server.crt")
    return directory / "ca.crt", directory / "server.crt", directory / "server.key"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class RealRegistry:
    """Debian's docker-registry in a folder of its own; HTTPS with the `certificates` of make_certificates.

    `auth_lines`: how its configuration says who may do what, when htpasswd is not it."""

    def __init__(self, directory: Path, certificates=None, htpasswd=None, auth_lines=(), deletes=False):
        directory.mkdir()
        self.port = free_port()
        self.name = f"127.0.0.1:{self.port}"
        self.log = directory / "log"
        self.ca = certificates and certificates[0]
        lines = ["version: 0.1", "log:", "  accesslog:", "    disabled: false", "storage:", "  filesystem:",
                 f"    rootdirectory: {directory}/data", "  delete:", f"    enabled: {str(deletes).lower()}",
                 "http:", f"  addr: {self.name}"]
        if certificates:
            lines += ["  tls:", f"    certificate: {certificates[1]}", f"    key: {certificates[2]}"]
        if htpasswd:
            lines += ["auth:", "  htpasswd:", "    realm: test", f"    path: {htpasswd}"]
        lines += auth_lines
        (directory / "config.yml").write_text("\n".join(lines) + "\n")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(["docker-registry", "serve", directory / "config.yml"],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(self._answers, f"docker-registry listens on {self.name}")

    def _answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"docker-registry ended: {self.log.read_text()}")
        with socket.socket() as connection:
            return connection.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        self.process.kill()
        self.process.wait()

    def requests(self, part):
        """How many requests so far named `part`."""
        return sum(1 for line in self.log.read_text().splitlines() if "HTTP/" in line and part in line)

    def connect(self):
        if not self.ca:
            return http.client.HTTPConnection(self.name, timeout=60)
        return http.client.HTTPSConnection(self.name, timeout=60, context=ssl.create_default_context(cafile=self.ca))

    def push(self, repository, tag, image, headers=None, docker=False):
        """Uploads an image as the distribution specification says; docker: with a Docker schema 2 manifest."""
        manifest = image.manifest_bytes(docker)
        for blob in [image.config_bytes(), *(layer[0] for layer in image.layers)]:
            self._upload(repository, blob, headers or {})
        self.put_manifest(repository, tag, manifest, headers)
        return sha256(manifest)

    def put_manifest(self, repository, tag, manifest, headers=None):
        self._request("PUT", f"/v2/{repository}/manifests/{tag}", manifest, 201,
                      {"Content-Type": json.loads(manifest)["mediaType"], **(headers or {})})

    def _upload(self, repository, blob, headers):
        location = self._request("POST", f"/v2/{repository}/blobs/uploads/", b"", 202, headers)["location"]
        path = location.split(self.name, 1)[-1]
        self._request("PUT", path + ("&" if "?" in path else "?") + "digest=" + sha256(blob), blob, 201,
                      {"Content-Type": "application/octet-stream", **headers})

    def _request(self, method, path, body, expected, headers):
        connection = self.connect()
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        if answer.status != expected:
            raise AssertionError(f"{method} {path}: {answer.status} {text[:500]}")
        return {name.lower(): value for name, value in answer.getheaders()}


class FakeRegistry:
    """A registry of one image per repository, in threads of this process.

    `answers` maps a path to a function of the request handler that answers in its place: how a test misbehaves.
    `seen` lists the paths that were asked for.
    """

    def __init__(self):
        registry = self
        self.manifests, self.blobs, self.answers, self.seen = {}, {}, {}, []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                registry.seen.append(self.path)
                try:
                    registry.answers.get(self.path, registry.answer)(self)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            do_HEAD = do_GET

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.name = f"127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def add(self, repository, image, tag="latest"):
        manifest = image.manifest_bytes()
        for blob in image.blobs():
            self.blobs[f"/v2/{repository}/blobs/{sha256(blob)}"] = blob
        for name in (tag, sha256(manifest)):
            self.manifests[f"/v2/{repository}/manifests/{name}"] = manifest

    def answer(self, request):
        if request.path == "/v2/":
            send(request, 200, b"{}")
        elif request.path in self.manifests:
            manifest = self.manifests[request.path]
            send(request, 200, manifest, {"Content-Type": json.loads(manifest)["mediaType"],
                                          "Docker-Content-Digest": sha256(manifest)})
        elif request.path in self.blobs:
            send(request, 200, self.blobs[request.path])
        else:
            send(request, 404, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}')


def send(request, status, body, headers=None):
    request.send_response(status)
    for name, value in {"Content-Type": "application/octet-stream", **(headers or {})}.items():
        request.send_header(name, value)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(body)


class Pause:
    """An answer that sends `body` up to `offset`, and then nothing more until the test lets go."""

    def __init__(self, body, offset):
        self.body, self.offset = body, offset
        self.reached, self.go_on = threading.Event(), threading.Event()

    def __call__(self, request):
        request.send_response(200)
        request.send_header("Content-Length", str(len(self.body)))
        request.end_headers()
        request.wfile.write(self.body[:self.offset])
        request.wfile.flush()
        self.reached.set()
        self.go_on.wait(120)
        request.wfile.write(self.body[self.offset:])
