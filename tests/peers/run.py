#!/usr/bin/env python3
"""Runs real containers through podman, buildah and containerd with engine as their OCI runtime.

    ENGINE=build/cmd/engine tests/peers/run.py [-v] test_podman test_containerd.CtrTest ...

podman and buildah run as the ordinary user engine-test, in a cgroup2 view of their own and with homes and stores below a
temporary folder; containerd runs as root with state folders and a socket there. Needs root to prepare that.
"""

import ctypes
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
AS_ROOT = ("test_containerd",)
SKIPPED = 77  # as meson counts it
PR_SET_CHILD_SUBREAPER = 36


def run_as(user, words, engine):
    sys.path[:0] = [str(HERE.parent / "bench")]
    import surroundings
    stage = Path(tempfile.mkdtemp(prefix="engine-peers-", dir="/var/tmp"))
    try:
        group = surroundings.see_own_cgroup2(user, "engine-peers") if user.pw_uid else None
        if not group and not surroundings.has_cgroups():  # root keeps all controllers
            surroundings.see_all_controllers()
    except OSError as error:
        print(f"left out: no view of cgroups can be made here: {error.strerror}", file=sys.stderr)
        shutil.rmtree(stage)
        return SKIPPED
    try:
        os.chmod(stage, 0o755)
        # The name by which peers call it: a runtime is a path to them, not a command with words.
        shutil.copy(engine, stage / "engine")
        os.symlink("engine", stage / "engine-runtime")
        for source in (*HERE.glob("*.py"), HERE.parent / "functional/make_image.py"):
            shutil.copy(source, stage)
        work = stage / "work"
        work.mkdir()
        os.chown(work, user.pw_uid, user.pw_gid)
        environment = {"PATH": PATH, "HOME": str(work), "USER": user.pw_name, "LC_ALL": "C.UTF-8", "WORK": str(work),
                       "ENGINE_RUNTIME": str(stage / "engine-runtime")}
        python = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
        identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user.pw_uid else {}
        return subprocess.run([python, "-B", stage / "run.py", *words], cwd=work, env=environment, umask=0o022,
                              stdin=subprocess.DEVNULL, **identity).returncode
    finally:
        if group:
            surroundings.leave_cgroup(group)
        shutil.rmtree(stage, ignore_errors=True)


def run_here(words):
    # What podman leaves behind (conmon, its pause process) becomes our child and ends with us.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    return 0 if unittest.main(module=None, argv=["run.py", *words], exit=False).result.wasSuccessful() else 1


def main():
    words = sys.argv[1:]
    if "ENGINE_RUNTIME" in os.environ:
        return run_here(words)
    if "ENGINE" not in os.environ:
        sys.exit("ENGINE must name the engine to test, for example ENGINE=build/cmd/engine")
    if os.getuid() != 0:
        print("left out: the cgroup views of peers are prepared by root", file=sys.stderr)
        return SKIPPED
    engine = Path(os.environ["ENGINE"]).resolve()
    options = [word for word in words if word.startswith("-")]
    names = [word.removesuffix(".py") for word in words if not word.startswith("-")]
    names = names or [path.stem for path in sorted(HERE.glob("test_*.py"))]
    statuses = []
    for user, chosen in (("engine-test", [name for name in names if name.split(".")[0] not in AS_ROOT]),
                         ("root", [name for name in names if name.split(".")[0] in AS_ROOT])):
        if not chosen:
            continue
        child = os.fork()  # a mount namespace cannot be left again
        if child == 0:
            sys.path[:0] = [str(HERE.parent / "bench")]
            import surroundings
            os._exit(run_as(pwd.getpwnam("root") if user == "root" else surroundings.make_user(user), options + chosen, engine))
        statuses.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    failed = any(status not in (0, SKIPPED) for status in statuses)
    return 1 if failed else max(statuses, default=0)


if __name__ == "__main__":
    sys.exit(main())
