"""What an exchange of images must not do: fill a disk, lead into private networks, make us known to strangers, believe
what lies in a folder, or leave something behind."""

import json
import lzma
import os
import signal
import ssl
import sys

import make_image
from engine_test import EngineTest
from make_image import sha256, tar_of
from registry_server import FakeRegistry, Pause, RealRegistry, make_certificates, send
from test_pull import small_image

ENGINE_CONF = ".config/containers/engine.conf"


class LimitsTest(EngineTest):
    def set_limits(self, text):
        file = self.home / ENGINE_CONF
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


class SpoolTest(LimitsTest):
    """load and import put what is compressed, or comes from a pipe, into a file without a name first."""

    def setUp(self):
        super().setUp()
        self.spool = self.dir / "spool"
        self.spool.mkdir()
        self.tar = tar_of([("zeros", bytes(3_000_000))])

    def with_tmpdir(self, *words, folder=None, **more):
        return self.engine(*words, env={"TMPDIR": str(folder or self.spool)}, text=False, check=False, **more)

    def test_tmpdir_and_containers_conf_say_where(self):
        nowhere = self.dir / "nowhere"
        conf = self.home / ".config/containers/containers.conf"
        conf.parent.mkdir(parents=True, exist_ok=True)
        conf.write_text(f'[engine]\nimage_copy_tmp_dir = "{nowhere}"\n')
        environment = dict(self.environment)
        self.environment.pop("TMPDIR", None)
        self.assert_fails(self.engine("import", "-q", "-", input=self.tar.decode("latin1"), check=False), 125,
                          str(nowhere), "hint: TMPDIR")
        self.environment = environment
        done = self.with_tmpdir("import", "-q", "-", input=self.tar)  # the environment comes first
        self.assertEqual(done.status, 0, done)
        done = self.with_tmpdir("import", "-q", "-", input=self.tar, folder=self.dir / "missing")
        self.assertEqual((done.status, b"missing" in done.stderr), (125, True), done)
        conf.write_text('[engine]\nimage_copy_tmp_dir = "storage"\n')
        self.environment.pop("TMPDIR", None)
        self.engine("import", "-q", "-", input=self.tar, text=False)
        self.assertEqual(os.listdir(self.spool), [])

    def test_no_more_than_the_limits_is_written(self):
        archive = self.dir / "bomb.tar.xz"
        archive.write_bytes(lzma.compress(self.tar))
        for conf, part in (("max_unpacked_bytes = 100000\n", b"longer than 100000"),
                           ("max_ratio = 10\nratio_after_bytes = 1000\n", b"more than 10 times")):
            self.set_limits("[unpack]\n" + conf)
            for words in (["import", "-q", archive], ["load", "-q", "-i", archive]):
                with self.subTest(words=words[0], conf=conf):
                    done = self.with_tmpdir(*words)
                    self.assertEqual((done.status, part in done.stderr), (125, True), done)
        self.set_limits("[unpack]\nmax_unpacked_bytes = 100000\n")
        done = self.with_tmpdir("import", "-q", "-", input=self.tar)
        self.assertEqual((done.status, b"longer than 100000" in done.stderr), (125, True), done)
        self.assertEqual(os.listdir(self.spool), [])

    def test_what_is_compressed_more_than_once_is_refused(self):
        for name, data in (("twice", lzma.compress(lzma.compress(self.tar))),
                           ("bz-xz", lzma.compress(make_image.compress(self.tar, "gzip")))):
            file = self.dir / name
            file.write_bytes(data)
            for words in (["import", "-q", file], ["load", "-q", "-i", file]):
                done = self.with_tmpdir(*words)
                self.assertEqual((done.status, b"compressed more than once" in done.stderr), (125, True), done)
        self.assertEqual(os.listdir(self.spool), [])

    def test_a_full_disk_is_said_early_and_nothing_is_left(self):
        """The folder is a small tmpfs; the file could never fit."""
        script = f"""
            mount -t tmpfs -o size=8m none '{self.spool}' || exit 99
            export TMPDIR='{self.spool}'
            "$@"; status=$?
            ls -A '{self.spool}'; stat -f -c 'free %f of %b' '{self.spool}'
            exit $status"""
        large = self.dir / "large.tar.xz"
        large.write_bytes(lzma.compress(os.urandom(9_000_000), preset=0))
        done = self.tool("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh",
                         *self.command("import", "-q", large), check=False)
        self.assert_fails(done, 125, "has no room for", "hint: TMPDIR")
        free, total = done.stdout.split()[-3], done.stdout.split()[-1]
        self.assertEqual((free, len(done.stdout.splitlines())), (total, 1), done)


class PrivateRedirectTest(LimitsTest):
    """A registry on the internet, as far as a network namespace of our own goes, that redirects to private addresses."""

    SERVER = r'''
import http.server, json, subprocess, sys, threading
PUBLIC, PRIVATE = "203.0.113.7", "10.11.12.13"
for address in (PUBLIC, "203.0.113.8", PRIVATE):
    subprocess.run(["ip", "address", "add", address + "/32", "dev", "lo"], check=True)
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
seen, manifest = [], sys.argv[1].encode()
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        here = self.server.server_address[0]
        seen.append(here)
        path = self.path.split("/")
        if here == START[0] and path[-2:-1] == ["manifests"]:
            return self.answer(307, b"", {"Location": "http://%s:5000/there" % TARGET[0]})
        self.answer(200, b"{}" if self.path == "/v2/" else manifest, {"Content-Type": "application/vnd.oci.image.manifest.v1+json"})
    do_HEAD = do_GET
    def answer(self, status, body, headers):
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)
    def log_message(self, *words):
        pass
START, TARGET, results = [None], [None], []
for address in (PUBLIC, "203.0.113.8", PRIVATE, "127.0.0.1"):
    server = http.server.ThreadingHTTPServer((address, 5000), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
for START[0], TARGET[0] in ((PUBLIC, PRIVATE), (PUBLIC, "127.0.0.1"), (PUBLIC, "localhost"), (PUBLIC, "203.0.113.8"),
                            (PRIVATE, "127.0.0.1"), ("127.0.0.1", PRIVATE)):
    seen.clear()
    done = subprocess.run(sys.argv[2:] + ["%s:5000/team/small:1" % START[0]], capture_output=True, text=True)
    at = {"localhost": "127.0.0.1"}.get(TARGET[0], TARGET[0])
    results.append([START[0], TARGET[0], done.returncode, at in seen, done.stderr])
print(json.dumps(results))
'''

    def ask_all(self):
        script = self.dir / "server.py"
        script.write_text(self.SERVER)
        done = self.tool("unshare", "--user", "--map-root-user", "--net", sys.executable, script, small_image().manifest_bytes().decode(),
                         *self.command("digest", "--tls-verify=false", "--retry", "0"), check=False)
        if done.status != 0 and "Operation not permitted" in done.stderr:
            self.skipTest("no network namespace can be made here")
        self.assertEqual(done.status, 0, done)
        return json.loads(done.stdout)

    def test_only_who_is_on_the_internet_is_kept_from_private_networks(self):
        wanted = {("203.0.113.7", "10.11.12.13"): False, ("203.0.113.7", "127.0.0.1"): False,
                  ("203.0.113.7", "localhost"): False, ("203.0.113.7", "203.0.113.8"): True,
                  ("10.11.12.13", "127.0.0.1"): True, ("127.0.0.1", "10.11.12.13"): True}
        for start, target, status, was_reached, errors in self.ask_all():
            with self.subTest(start=start, target=target):
                self.assertEqual(was_reached, wanted[start, target], errors)
                self.assertEqual(status, 0 if wanted[start, target] else 125, errors)
                if status:
                    self.assertIn("private network", errors)
                    self.assertIn("hint: if that is meant: private_redirects", errors)

    def test_it_can_be_allowed(self):
        self.set_limits("[network]\nprivate_redirects = true\n")
        for start, target, status, was_reached, errors in self.ask_all():
            self.assertEqual((status, was_reached), (0, True), (start, target, errors))


class CertificateTest(EngineTest):
    """Two servers that ask for a client's certificate; the first redirects to the second."""

    def setUp(self):
        super().setUp()
        self.ca, certificate, key = make_certificates(self.dir)
        self.certificates = {}
        self.elsewhere, self.registry = (self.start_server(name, certificate, key) for name in ("elsewhere", "registry"))
        self.trust = self.dir / "trust"
        self.trust.mkdir()
        (self.trust / "ca.crt").write_bytes(self.ca.read_bytes())
        (self.trust / "client.cert").write_bytes(certificate.read_bytes())  # signed by the same authority
        (self.trust / "client.key").write_bytes(key.read_bytes())

    def start_server(self, name, certificate, key):
        registry = FakeRegistry()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        context.load_verify_locations(self.ca)
        context.verify_mode = ssl.CERT_OPTIONAL
        plain = registry.server.RequestHandlerClass.do_GET

        def note(request):
            self.certificates.setdefault(name, set()).add(bool(request.connection.getpeercert()))
            plain(request)
        registry.server.RequestHandlerClass.do_GET = registry.server.RequestHandlerClass.do_HEAD = note
        registry.server.socket = context.wrap_socket(registry.server.socket, server_side=True,
                                                     do_handshake_on_connect=False)
        self.addCleanup(registry.stop)
        return registry

    def test_it_is_shown_to_the_registry_and_not_to_where_that_redirects(self):
        image = small_image()
        self.registry.add("small", image)
        layer = image.layers[1][0]
        path = f"/v2/small/blobs/{sha256(layer)}"
        self.elsewhere.blobs["/there"] = layer
        self.registry.answers[path] = lambda request: send(
            request, 307, b"", {"Location": f"https://{self.elsewhere.name}/there"})
        self.engine("copy", "-q", "--src-cert-dir", self.trust, f"{self.registry.name}/small", f"dir:{self.dir}/copy")
        self.assertEqual(self.certificates, {"registry": {True}, "elsewhere": {False}})


class LogTest(EngineTest):
    def test_the_address_of_an_upload_is_logged_without_its_query(self):
        """The query of docker-registry's addresses is a signed state: who has it may write."""
        registry = RealRegistry(self.dir / "registry")
        self.addCleanup(registry.stop)
        done = self.engine("--log-level", "debug", "copy", "-q", "--tls-verify=false", self.archive(small_image()),
                           f"{registry.name}/small:1")
        self.assertIn("/v2/small/blobs/uploads/", done.stderr)
        self.assertNotIn("_state", done.stderr)
        self.assertIn("_state", registry.log.read_text(errors="replace"))  # it is there to be hidden


class FolderTest(EngineTest):
    """Copies to a folder where somebody else wrote before."""

    def setUp(self):
        super().setUp()
        self.image = small_image()
        self.source = self.archive(self.image)
        self.layer = self.image.layers[1][0]
        self.target = self.dir / "layout"

    def copy(self, **more):
        return self.engine("copy", "-q", self.source, f"oci:{self.target}:1", **more)

    def blob(self):
        return self.target / "blobs/sha256" / sha256(self.layer)[7:]

    def test_a_blob_is_believed_only_when_its_bytes_are_right(self):
        self.copy()
        self.blob().write_bytes(bytes(len(self.layer)))  # the size is right
        self.copy()
        self.assertEqual(self.blob().read_bytes(), self.layer)
        before = self.blob().stat()
        self.copy()
        self.assertEqual(self.blob().stat().st_ino, before.st_ino, "what is right is not written again")

    def test_no_link_is_believed_or_followed(self):
        self.copy()
        victim = self.dir / "victim"
        victim.write_bytes(self.layer)
        self.blob().unlink()
        self.blob().symlink_to(victim)
        self.copy()
        self.assertFalse(self.blob().is_symlink())
        self.assertEqual(self.blob().read_bytes(), self.layer)
        outside = self.dir / "outside"
        (self.target / "blobs/sha256").rename(outside)
        (self.target / "blobs/sha256").symlink_to(outside)
        self.blob().unlink()
        kept = sorted(os.listdir(outside))
        self.assert_fails(self.copy(check=False), 125, "blobs/sha256")
        self.assertEqual(sorted(os.listdir(outside)), kept)


class InterruptedCopyTest(EngineTest):
    def test_signals_and_errors_leave_nothing(self):
        registry = FakeRegistry()
        self.addCleanup(registry.stop)
        image = small_image()
        registry.add("small", image)
        path = f"/v2/small/blobs/{sha256(image.layers[1][0])}"
        out = self.dir / "out"
        out.mkdir()
        for transport in ("dir", "oci", "oci-archive", "docker-archive"):
            for number in (signal.SIGINT, signal.SIGTERM, None):
                with self.subTest(transport=transport, signal=number):
                    name = "" if transport == "dir" else ":localhost/x:1"
                    words = ["copy", "-q", "--tls-verify=false", "--retry-times", "0", f"{registry.name}/small",
                             f"{transport}:{out}/x{name}"]
                    if number is None:
                        registry.answers[path] = lambda request: send(request, 500, b"{}")
                        self.assert_fails(self.engine(*words, check=False), 125)
                    else:
                        pause = registry.answers[path] = Pause(image.layers[1][0], 100)
                        process = self.start_engine(*words)
                        self.assertTrue(pause.reached.wait(60))
                        process.send_signal(number)
                        self.assertEqual(process.wait(60), -number)
                        pause.go_on.set()
                    self.assertEqual(os.listdir(out), [])
