"""podman and engine beside each other: an ordinary user's two homes, a private cgroup2 view, answers made alike."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "bench"), str(HERE.parent / "functional")]
import surroundings  # noqa: E402
from run import open_tun  # noqa: E402

USER = "engine-compat"
IMAGE = "localhost/busybox:latest"
SKIPPED = 77
PATIENCE_SECONDS = 60
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin", "LC_ALL": "C.UTF-8",
               "TERM": "xterm", "TZ": "UTC"}

# What is alike in meaning but never in bytes.
ALIKE = [
    (re.compile(r"\b[0-9a-f]{64}\b"), "<id>"),
    (re.compile(r"\b[0-9a-f]{25}\b"), "<secret id>"),
    (re.compile(r"\b[0-9a-f]{12}\b"), "<short id>"),
    (re.compile(r"\b2\d{3}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( \+0000 UTC|Z)"), "<time>"),
    (re.compile(r"\b1[79]\d{8}\b"), "<seconds>"),
    (re.compile(r"\b(\d+ (milli)?seconds?|Less than a second|About a minute|\d+ minutes?)( ago)?"), "<while>"),
    (re.compile(r"(/[\w.-]+)+/volumes"), "<volumes>"),
    (re.compile(r"(/[\w.-]+)+/(store|storage|share/engine)\b"), "<store>"),
]


def made_alike(text):
    for pattern, name in ALIKE:
        text = pattern.sub(name, text)
    return text


class CannotRun(Exception):
    """The peer, and why."""


class Side:
    """One of the two programs with its environment."""

    def __init__(self, program, environment):
        self.program, self.environment = program, environment

    def call(self, *words, environment=None, stdin=""):
        return subprocess.run([self.program, *words], env={**self.environment, **(environment or {})}, input=stdin,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
                              timeout=PATIENCE_SECONDS)

    def must(self, *words):
        done = self.call(*words)
        if done.returncode != 0:
            raise RuntimeError(f"{self.program} {' '.join(words)}: {done.stderr.strip()[-500:]}")


def skip(why):
    print(f"skipped: {why}")
    return SKIPPED


def stage(program, folder):
    """A copy of engine, with engine-transfer beside it, where the user can execute it: a checkout may lie in /root."""
    place = folder / "bin"
    place.mkdir(mode=0o755)
    for path in (Path(program), Path(program).with_name("engine-transfer")):
        shutil.copy(path, place)
        os.chmod(place / path.name, 0o755)
    return str(place / Path(program).name)


@contextlib.contextmanager
def podman_side(folder):
    peer = surroundings.Podman(folder / "podman", ENVIRONMENT)
    try:
        yield Side(peer.program, peer.environment)
    finally:
        peer.stop()


def as_user(folder, engine_program, open_peer, work):
    """The exit status of work(peer, engine, folder); both sides are empty before and after."""
    os.chdir(folder)
    home = folder / "engine"
    (home / "run").mkdir(parents=True, mode=0o700)
    engine = Side(engine_program, {**ENVIRONMENT, "HOME": str(home), "XDG_RUNTIME_DIR": str(home / "run")})
    with open_peer(folder) as peer:
        try:
            return work(peer, engine, folder)
        finally:
            engine.call("rm", "-f", "-a", "-t", "0")
            engine.call("system", "reset", "--force")


def worker(user, folder, program, open_peer, work):
    """Never returns: becomes the user and ends with the status of the work."""
    code = 1
    try:
        os.setgroups([])
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)
        code = as_user(folder, program, open_peer, work)
    except Exception:  # this process ends here, so nobody else would print it
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


def compare(work):
    """Runs work(podman, engine, archive of IMAGE) as USER with podman in a mount namespace with cgroup2 alone; the status
    to exit with, or SKIPPED with the reason on stdout."""
    if not shutil.which("podman"):
        return skip("podman is not installed")
    return compare_with(podman_side, lambda podman, engine, folder: work(podman, engine, folder / "busybox.tar"))


def compare_with(open_peer, work, prepare=lambda folder: contextlib.nullcontext()):
    """The same with any peer: a context of open_peer(folder), which belongs to the user. What prepare(folder) opens is
    open meanwhile, as root in that mount namespace."""
    engine = os.environ.get("ENGINE", "")
    if not engine:
        raise SystemExit("ENGINE must name the engine to test")
    if os.getuid() != 0:
        return skip("only root can give the peer a cgroup2 view of its own")
    user = surroundings.make_user(USER)
    folder = Path(tempfile.mkdtemp(prefix="engine-compat-", dir="/dev/shm"))
    os.chown(folder, user.pw_uid, user.pw_gid)
    subprocess.run([sys.executable, HERE.parent / "functional/make_image.py", "--busybox", folder / "busybox.tar"],
                   check=True)
    program = stage(os.path.abspath(engine), folder)
    child = os.fork()
    if child == 0:
        group = surroundings.see_own_cgroup2(user, USER)
        open_tun(folder)
        code = with_prepared(folder, prepare, lambda: worker(user, folder, program, open_peer, work))
        surroundings.leave_cgroup(group)
        os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    shutil.rmtree(folder, ignore_errors=True)
    return code


def with_prepared(folder, prepare, work):
    try:
        with prepare(folder):
            sys.stdout.flush()
            below = os.fork()
            if below == 0:
                work()
            return os.waitstatus_to_exitcode(os.waitpid(below, 0)[1])
    except CannotRun as why:
        status = skip(why)
        sys.stdout.flush()
        return status
