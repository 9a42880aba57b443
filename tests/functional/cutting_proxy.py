"""A relay in front of a registry that cuts connections after so many bytes on their way there."""

import socket
import threading


class CuttingProxy:
    """`cuts`: for each cut, how many bytes may pass to the registry since the one before. `passed` counts all bytes."""

    def __init__(self, port, cuts):
        self.port, self.cuts, self.passed, self.left = port, list(cuts), 0, None
        self.lock, self.open = threading.Lock(), []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.name = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.threads = [threading.Thread(target=self._accept)]
        self.threads[0].start()

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self._cut()
        for thread in self.threads:
            thread.join()
        for connection in [self.listener, *self.open]:
            connection.close()

    def _accept(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.port), 60)
            server.settimeout(None)
            self.open += [client, server]
            for source, target, counts in ((client, server, True), (server, client, False)):
                self.threads.append(threading.Thread(target=self._relay, args=(source, target, counts)))
                self.threads[-1].start()

    def _relay(self, source, target, counts):
        try:
            while data := source.recv(65536):
                if counts and self._is_cut(len(data)):
                    self._cut()
                    return
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the other direction was cut

    def _is_cut(self, count):
        with self.lock:
            self.passed += count
            if not self.cuts:
                return False
            self.cuts[0] -= count
            if self.cuts[0] > 0:
                return False
            del self.cuts[0]
            return True

    def _cut(self):
        for connection in self.open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
