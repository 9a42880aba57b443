#!/usr/bin/env python3
"""Runs every template of templates.table through podman and through engine, on the same image, containers and volumes,
and compares what they print, how they exit, and what they say of a template that is wrong.

    ENGINE=build/cmd/engine run_templates.py [PATTERN]    as root; only rows that PATTERN occurs in

Exit status 77: nothing could be compared, and why. Podman runs in a mount namespace with cgroup2 alone.
"""

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

USER = "engine-compat"
IMAGE = "localhost/busybox:latest"
SKIPPED = 77
PATIENCE_SECONDS = 60

# What is alike in meaning but never in bytes.
ALIKE = [
    (re.compile(r"\b[0-9a-f]{64}\b"), "<id>"),
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


def rows(pattern):
    for number, line in enumerate((HERE / "templates.table").read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#") or pattern not in line:
            continue
        words, template, *reason = line.split(" | ", 2)
        yield number, words.replace("IMAGE", IMAGE).split(), template, reason[0] if reason else ""


def error_of(stderr):
    """The part that both must say alike: what is wrong with the template."""
    found = re.search(r"template: .*", stderr)
    return found[0] if found else ""


class Side:
    def __init__(self, program, environment):
        self.program, self.environment = program, environment

    def call(self, *words):
        return subprocess.run([self.program, *words], env=self.environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=PATIENCE_SECONDS)

    def must(self, *words):
        done = self.call(*words)
        if done.returncode != 0:
            raise RuntimeError(f"{self.program} {' '.join(words)}: {done.stderr.strip()[-500:]}")

    def prepare(self, archive):
        self.must("load", "-q", "-i", str(archive))
        self.must("tag", IMAGE, "localhost/second:two")
        self.must("volume", "create", "--label", "purpose=test", "data")
        self.must("volume", "create", "plain")
        self.must("secret", "create", "--env", "key", "PATH")
        self.must("create", "--name", "made", "--network", "none", "--label", "a=1", "--label", "b=2", "-e", "FOO=bar",
                  "--hostname", "hh", "--workdir", "/tmp", "-v", "data:/data", IMAGE, "sh", "-c", "echo one two three")
        self.call("run", "--name", "ended", "--network", "none", IMAGE, "sh", "-c", "exit 3")
        self.must("run", "-d", "--name", "running", "--network", "none", IMAGE, "sleep", "1000")

    def answer(self, words, template):
        done = self.call(*words, "--format", template)
        return made_alike(done.stdout), done.returncode, error_of(done.stderr)


def compare(podman, engine, table):
    count, accepted, different = 0, 0, 0
    for number, words, template, reason in table:
        theirs, ours = podman.answer(words, template), engine.answer(words, template)
        count += 1
        if theirs == ours:
            if reason:
                print(f"line {number}: alike, and so no accepted difference any more")
                different += 1
            continue
        if reason:
            accepted += 1
            continue
        different += 1
        print(f"line {number}: {' '.join(words)} --format '{template}'\n  podman {theirs!r}\n  engine {ours!r}")
    print(f"{count} templates: {count - accepted - different} alike, {accepted} accepted differences, "
          f"{different} different")
    return 1 if different or not count else 0


def run_as_user(folder, engine_program, table):
    os.chdir(folder)
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin", "LC_ALL": "C.UTF-8",
                   "TERM": "xterm", "TZ": "UTC"}
    archive = folder / "busybox.tar"
    peer = surroundings.Podman(folder / "podman", environment)
    podman = Side(peer.program, peer.environment)
    home = folder / "engine"
    (home / "run").mkdir(parents=True, mode=0o700)
    engine = Side(engine_program, {**environment, "HOME": str(home), "XDG_RUNTIME_DIR": str(home / "run")})
    try:
        podman.prepare(archive)
        engine.prepare(archive)
        return compare(podman, engine, table)
    finally:
        engine.call("rm", "-f", "-a", "-t", "0")
        engine.call("system", "reset", "--force")
        peer.stop()


def stage(program, folder):
    """A copy of engine, with engine-transfer beside it, where the user can execute it: a checkout may lie in /root."""
    place = folder / "bin"
    place.mkdir(mode=0o755)
    for path in (Path(program), Path(program).with_name("engine-transfer")):
        shutil.copy(path, place)
        os.chmod(place / path.name, 0o755)
    return str(place / Path(program).name)


def skip(why):
    print(f"skipped: {why}")
    return SKIPPED


def main():
    engine = os.environ.get("ENGINE", "")
    if not engine:
        raise SystemExit("ENGINE must name the engine to test")
    if os.getuid() != 0:
        return skip("only root can give podman a cgroup2 view of its own")
    if not shutil.which("podman"):
        return skip("podman is not installed")
    user = surroundings.make_user(USER)
    folder = Path(tempfile.mkdtemp(prefix="engine-compat-", dir="/dev/shm"))
    os.chown(folder, user.pw_uid, user.pw_gid)
    subprocess.run([sys.executable, HERE.parent / "functional/make_image.py", "--busybox", folder / "busybox.tar"],
                   check=True)
    program, table = stage(os.path.abspath(engine), folder), list(rows("".join(sys.argv[1:])))
    child = os.fork()
    if child == 0:
        group = surroundings.see_own_cgroup2(user, USER)
        worker = os.fork()
        if worker == 0:
            os.setgroups([])
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)
            code = 1
            try:
                code = run_as_user(folder, program, table)
            except Exception:  # this process ends here, so nobody else would print it
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1])
        surroundings.leave_cgroup(group)
        os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    shutil.rmtree(folder, ignore_errors=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
