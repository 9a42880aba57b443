"""A person at a terminal: a command on a pseudo-terminal of its own, what it shows, and what is typed."""

import fcntl
import os
import select
import struct
import termios
import time


class Terminal:
    """Starts `words` of engine in a new session on a new terminal."""

    def __init__(self, test, *words, rows=24, columns=80):
        self.test, self.shown, self.seen = test, "", 0
        self.master, self.slave = os.openpty()
        test.addCleanup(self.hang_up)
        self.resize(rows, columns)
        self.before = termios.tcgetattr(self.slave)

        def take_terminal():
            fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)
        self.process = test.start_engine(*words, stdin=self.slave, stdout=self.slave, stderr=self.slave,
                                         start_new_session=True, preexec_fn=take_terminal)

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def hang_up(self):
        """The window is closed."""
        for fd in {self.master, self.slave} - {-1}:
            os.close(fd)
        self.master = self.slave = -1

    def send(self, text):
        os.write(self.master, text.encode())

    def _read(self, seconds):
        if select.select([self.master], [], [], seconds)[0]:
            self.shown += os.read(self.master, 65536).decode(errors="replace")

    def expect(self, text, seconds=60):
        """Waits until `text` is shown after what was expected before, and returns what came up to its end."""
        deadline = time.monotonic() + seconds
        while (at := self.shown.find(text, self.seen)) < 0:
            if time.monotonic() > deadline:
                self.test.fail(f"{text!r} was not shown within {seconds} s. The screen:\n{self.shown}")
            self._read(0.1)
        start, self.seen = self.seen, at + len(text)
        return self.shown[start:self.seen]

    def end(self, seconds=60):
        """Waits for the command's end; its status. All that it showed is in `shown`."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None:
            if time.monotonic() > deadline:
                self.test.fail(f"no end within {seconds} s. The screen:\n{self.shown}")
            self._read(0.1)
        while select.select([self.master], [], [], 0)[0]:  # a read gives 4 KiB at most
            self._read(0)
        return self.process.returncode

    def assert_restored(self):
        """The terminal is as it was before the command."""
        names = ("iflag", "oflag", "cflag", "lflag")
        after = termios.tcgetattr(self.slave)
        for name, old, new in zip(names, self.before, after):
            self.test.assertEqual(new, old, f"{name} of the terminal changed. The screen:\n{self.shown}")
        self.test.assertFalse(os.get_blocking(self.slave) is False, "the terminal was left non-blocking")


def run_on_terminal(test, *words):
    """Runs a short command on a terminal: (status, what was shown)."""
    terminal = Terminal(test, *words)
    status = terminal.end()
    return status, terminal.shown
