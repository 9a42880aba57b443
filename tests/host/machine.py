"""Boots a host for one job and shuts it down: what both kinds of host have in common."""

import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tree import cache_folder


class Machine:
    """One boot, one job. `share` is /share inside; the job runs as root and its output is passed on as it comes."""

    name = ""
    boots_again = False  # Whether /share/again makes it boot once more from the same disk.
    output_device = ""  # What /dev/… inside leads to our reading end.

    def __init__(self, patience_seconds):
        self.patience_seconds = patience_seconds
        self.state = Path(tempfile.mkdtemp(prefix=f"{self.name}-", dir=cache_folder()))
        self.share = self.state / "share"
        self.share.mkdir()
        self.process = None
        self.started = time.monotonic()

    def prepare(self):
        """Builds what booting needs. @throws Unavailable."""
        raise NotImplementedError

    def boot(self):
        """Starts self.process, a session of its own, and returns the descriptor where the job's output arrives."""
        raise NotImplementedError

    def release(self):
        """Gives back what boot took from the machine."""

    def start(self, command, **options):
        with open(self.state / "console.log", "wb") as console:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                                            start_new_session=True, **options)

    def run(self, job, out=sys.stdout.buffer):
        """Exit status of `job`, a shell script; 125 when the host did not come to run it."""
        (self.share / "job").write_text(job)
        (self.share / "output").write_text(self.output_device + "\n")
        self.started = time.monotonic()
        reader = self.boot()
        try:
            self.relay(reader, out)
        finally:
            os.close(reader)
        try:
            return int((self.share / "status").read_text())
        except (FileNotFoundError, ValueError):
            log = (self.state / "console.log").read_text(errors="replace").splitlines()
            print(f"{self.name} host: it ended before the job did\n" + "\n".join(log[-20:]), file=sys.stderr)
            return 125

    def relay(self, reader, out):
        deadline = self.started + self.patience_seconds
        while True:
            ended = self.process.poll() is not None
            while select.select([reader], [], [], 0 if ended else 0.2)[0]:
                data = os.read(reader, 65536)
                if not data:
                    break
                out.write(data)
                out.flush()
            if ended:
                return
            if time.monotonic() > deadline:
                print(f"{self.name} host: killed after {self.patience_seconds} s", file=sys.stderr)
                return

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        if self.process:
            self.process.wait()
        self.release()
        if os.environ.get("KEEP"):
            print(f"kept: {self.state}")
        else:
            shutil.rmtree(self.state, ignore_errors=True)
