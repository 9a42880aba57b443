"""What the tests of peers share: running their commands, and waiting."""

import os
import shlex
import shutil
import subprocess
import time
import unittest
from pathlib import Path

import make_image

WORK = Path(os.environ["WORK"])
ENGINE_RUNTIME = os.environ["ENGINE_RUNTIME"]
BUSYBOX = "localhost/busybox:latest"
PATIENCE_SECONDS = 60


def needs(*programs):
    missing = [program for program in programs if not shutil.which(program)]
    return unittest.skipIf(missing, f"not installed: {' '.join(missing)}")


def busybox_archive():
    """The path of an oci-archive with busybox, made once."""
    path = WORK / "busybox.tar"
    if not path.exists():
        make_image.busybox_image(BUSYBOX).write_archive(path)
    return path


def wait_until(condition, what, seconds=PATIENCE_SECONDS):
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain until {what}")
        time.sleep(0.01)
    return value


class PeerTest(unittest.TestCase):
    maxDiff = None

    def call(self, *words, environment=None, check=True, input=None):
        """Runs a peer's command; its status, standard output and error."""
        words = list(map(str, words))
        done = subprocess.run(words, env=environment or os.environ, input=input, text=True, timeout=PATIENCE_SECONDS,
                              stdin=subprocess.DEVNULL if input is None else None, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if check and done.returncode != 0:
            self.fail(f"$ {shlex.join(words)}\nstatus {done.returncode}\n{done.stdout}{done.stderr}")
        return done
