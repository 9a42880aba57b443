"""A token server as the distribution project describes it, for docker-registry: users, scopes, refresh tokens."""

import base64
import http.server
import json
import ssl
import subprocess
import threading
import time
import urllib.parse
from pathlib import Path

SERVICE, ISSUER = "test registry", "test issuer"


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class TokenServer:
    """Speaks HTTPS with `certificates`. `users` maps a name to (password, actions it may do); `asked` lists what was
    asked for: (method, user, scopes). A refresh token of "refresh-NAME" stands for that user."""

    def __init__(self, directory: Path, certificates, users):
        self.directory, self.users, self.asked = directory, users, []
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
                kind, _, encoded = self.headers.get("Authorization", "").partition(" ")
                user, _, password = base64.b64decode(encoded).decode().partition(":")
                known = kind == "Basic" and server.users.get(user, (None,))[0] == password
                self.answer(user if known else "", kind == "Basic" and not known, query.get("scope", []))

            def do_POST(self):
                length = int(self.headers["Content-Length"])
                form = urllib.parse.parse_qs(self.rfile.read(length).decode())
                user = form.get("refresh_token", [""])[0].removeprefix("refresh-")
                scopes = form.get("scope", [""])[0].split()
                self.answer(user, user not in server.users, scopes)

            def answer(self, user, is_refused, scopes):
                server.asked.append((self.command, user, scopes))
                body = {"details": "no"} if is_refused else {"token": server.token(user, scopes), "expires_in": 300}
                text = json.dumps(body).encode()
                self.send_response(401 if is_refused else 200)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self._make_key()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates[1], certificates[2])
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def registry_lines(self):
        """What docker-registry's configuration says about it."""
        return ["auth:", "  token:", f"    realm: https://127.0.0.1:{self.server.server_address[1]}/token",
                f"    service: {SERVICE}", f"    issuer: {ISSUER}", f"    rootcertbundle: {self.directory}/token.crt"]

    def _make_key(self):
        self._openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=tokens", "-keyout",
                      "token.key", "-out", "token.crt")
        self.certificate = base64.b64encode(self._openssl("x509", "-in", "token.crt", "-outform", "DER")).decode()

    def _openssl(self, *words, input=None):
        return subprocess.run(["openssl", *words], cwd=self.directory, check=True, input=input, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL).stdout

    def token(self, user, scopes):
        """What the user may do of what was asked for, signed."""
        allowed = self.users.get(user, (None, ()))[1]
        access = []
        for scope in filter(None, scopes):
            kind, name, actions = scope.split(":")
            access.append({"type": kind, "name": name, "actions": [a for a in actions.split(",") if a in allowed]})
        now = int(time.time())
        claims = {"iss": ISSUER, "sub": user, "aud": SERVICE, "exp": now + 300, "nbf": now - 10, "iat": now,
                  "jti": str(now), "access": access}
        header = {"typ": "JWT", "alg": "RS256", "x5c": [self.certificate]}
        signed = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
        return signed + "." + base64url(self._openssl("dgst", "-sha256", "-sign", "token.key", input=signed.encode()))
