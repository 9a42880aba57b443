"""A registry whose blobs break off where a test says, and which counts every byte of them that it sent."""

import threading

from registry_server import FakeRegistry


class CuttingRegistry(FakeRegistry):
    """`cuts` maps a path to a list: how many bytes each of its next answers brings before the connection is closed.

    None in that list, or its end: everything. `holds` is like it, but the connection stays open and silent until `let_go`
    is set. `sent` counts bytes of bodies by path; `starts` notes from which byte on each answer began.
    """

    has_ranges = True

    def __init__(self):
        super().__init__()
        self.cuts, self.holds, self.sent, self.starts = {}, {}, {}, {}
        self.let_go = threading.Event()
        self.lock = threading.Lock()

    def stop(self):
        self.let_go.set()
        super().stop()

    def answer(self, request):
        if request.path not in self.blobs:
            return super().answer(request)
        body = self.blobs[request.path]
        wanted = request.headers.get("Range")
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.has_ranges else 0
        request.send_response(206 if start else 200)
        if start:
            request.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        request.send_header("Content-Length", str(len(body) - start))
        request.end_headers()
        with self.lock:
            self.starts.setdefault(request.path, []).append(start)
            hold = self.holds[request.path].pop(0) if self.holds.get(request.path) else None
            cut = self.cuts[request.path].pop(0) if self.cuts.get(request.path) else None
        limit = hold if hold is not None else cut
        part = body[start:] if limit is None else body[start:start + limit]
        for offset in range(0, len(part), 65536):
            request.wfile.write(part[offset:offset + 65536])
            with self.lock:
                self.sent[request.path] = self.sent.get(request.path, 0) + len(part[offset:offset + 65536])
        request.wfile.flush()
        if hold is not None:
            self.let_go.wait(60)
        if limit is not None:
            request.close_connection = True
