"""Registries that can only be reached through a proxy, as http_proxy, https_proxy and no_proxy say."""

import base64
import http.client
import http.server
import select
import socket
import threading
from urllib.parse import urlsplit

from test_pull import RealRegistryTest, small_image

# A name that no resolver knows (RFC 6761): whoever asks it directly gets nowhere.
HOST = "registry.invalid"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def note(self):
        self.server.seen.append((self.command, self.path))
        self.server.logins.add(self.headers.get("Proxy-Authorization"))

    def do_GET(self):
        self.note()
        target = urlsplit(self.path)
        connection = http.client.HTTPConnection("127.0.0.1", self.server.registry_port, timeout=60)
        connection.request(self.command, target.path, headers={
            name: value for name, value in self.headers.items() if not name.lower().startswith(("proxy-", "connection"))})
        answer = connection.getresponse()
        body = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "date", "server"):
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        connection.close()

    do_HEAD = do_GET

    def do_CONNECT(self):
        self.note()
        self.close_connection = True
        if not self.server.tunnels:
            self.send_error(405)
            return
        self.send_response(200)
        self.end_headers()
        with socket.create_connection(("127.0.0.1", self.server.registry_port), 60) as registry:
            self.relay(self.connection, registry)

    def relay(self, client, registry):
        other = {client: registry, registry: client}
        while True:
            for source in select.select(list(other), [], [])[0]:
                data = source.recv(65536)
                if not data:
                    return
                other[source].sendall(data)


class Proxy(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, registry_port, tunnels):
        super().__init__(("127.0.0.1", 0), Handler)
        self.registry_port, self.tunnels, self.seen, self.logins = registry_port, tunnels, [], set()
        self.address = f"127.0.0.1:{self.server_address[1]}"
        self.thread = threading.Thread(target=self.serve_forever)
        self.thread.start()

    def stop(self):
        self.shutdown()
        self.thread.join()
        self.server_close()


class ProxyTest(RealRegistryTest):
    def setUp(self):
        super().setUp()
        small_image().write_layout(self.dir / "layout")
        self.name = f"{HOST}:{self.registry.port}/team/app:1"
        self.tool("skopeo", "copy", "-q", "--dest-tls-verify=false", f"oci:{self.dir}/layout",
                  f"docker://{self.registry.name}/team/app:1")

    def start_proxy(self, tunnels):
        proxy = Proxy(self.registry.port, tunnels)
        self.addCleanup(proxy.stop)
        return proxy

    def pull(self, check=True, **variables):
        return self.engine("pull", "-q", "--retry", "0", "--tls-verify=false", self.name, check=check,
                           env={**self.environment, **variables})


class TunnelTest(ProxyTest):
    def test_https_goes_through_a_tunnel(self):
        proxy = self.start_proxy(True)
        self.pull(https_proxy=f"http://{proxy.address}")
        self.assertEqual(set(proxy.seen), {("CONNECT", f"{HOST}:{self.registry.port}")})

    def test_a_proxy_that_wants_a_login(self):
        proxy = self.start_proxy(True)
        self.pull(HTTPS_PROXY=f"http://ann:secret@{proxy.address}")
        self.assertEqual(proxy.logins, {"Basic " + base64.b64encode(b"ann:secret").decode()})

    def test_without_the_proxy_the_registry_is_not_found(self):
        proxy = self.start_proxy(True)
        done = self.pull(check=False, https_proxy=f"http://{proxy.address}", no_proxy=HOST)
        self.assert_fails(done, 125, HOST)
        self.assertEqual(proxy.seen, [])

    def test_a_registry_of_this_machine_needs_no_proxy(self):
        proxy = self.start_proxy(True)
        self.name = f"{self.registry.name}/team/app:1"
        self.pull(https_proxy=f"http://{proxy.address}", all_proxy=f"http://{proxy.address}")
        self.assertEqual(proxy.seen, [])

    def test_a_proxy_that_is_not_there_is_what_is_named(self):
        for proxy, word in (("127.0.0.1:1", "127.0.0.1"), ("proxy.invalid:3128", "proxy.invalid")):
            with self.subTest(proxy=proxy):
                done = self.pull(check=False, https_proxy=f"http://{proxy}")
                self.assert_fails(done, 125, f"the proxy for https://{HOST}", word, "no_proxy")


class PlainTest(ProxyTest):
    tls = False

    def test_http_is_asked_of_the_proxy(self):
        proxy = self.start_proxy(False)
        self.pull(http_proxy=f"http://{proxy.address}", https_proxy=f"http://{proxy.address}")
        asked = [path for method, path in proxy.seen if method != "CONNECT"]
        self.assertTrue(asked)
        self.assertEqual({urlsplit(path).netloc for path in asked}, {f"{HOST}:{self.registry.port}"})
        self.assertTrue(any("/blobs/" in path for path in asked), asked)
