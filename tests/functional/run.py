#!/usr/bin/env python3
"""Runs functional tests as an ordinary user.

    ENGINE=build/cmd/engine tests/functional/run.py [-v] test_run test_pull.RegistryTest ...
    ENGINE=build/cmd/engine tests/functional/run.py [-v] hardening          the attack tests of tests/hardening

Started by root, it makes the users engine-test (with subordinate ids) and engine-nosub (without), copies what the tests
need to a folder they can read, and drops to the user. Started by an ordinary user, it runs as that user.

ENGINE            the engine to test
ENGINE_TRANSFER   its other program; looked for beside ENGINE
GUEST             the guest program; looked for in ENGINE's build directory
KEEP=1            keep the stores
"""

import contextlib
import ctypes
import fcntl
import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from debian import make_debian
from store_places import make_places

HERE = Path(__file__).resolve().parent
HARDENING = HERE.parent / "hardening"
DURABILITY = HERE.parent / "durability"
USER, USER_WITHOUT_SUBIDS = "engine-test", "engine-nosub"
PASSED_ON = ("KEEP", "OCI_SCHEMAS", "RACE_SECONDS", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TMPDIR")
CGROUP_PREFIX = "engine-functional-"
CLONE_NEWNS = 0x00020000
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18


def find_programs():
    if "ENGINE" not in os.environ:
        sys.exit("ENGINE must name the engine to test, for example ENGINE=build/cmd/engine")
    engine = Path(os.environ["ENGINE"]).resolve()
    guests = engine.parent.parent / "tests/guest"
    only_some_need = {
        "ATTACKER": Path(os.environ.get("ATTACKER", guests / "attacker")).resolve(),
        "DENY": Path(os.environ.get("DENY", guests / "deny")).resolve(),
    }
    return {
        **{name: path for name, path in only_some_need.items() if path.exists()},
        "ENGINE": engine,
        "ENGINE_TRANSFER": Path(os.environ.get("ENGINE_TRANSFER", engine.parent / "engine-transfer")).resolve(),
        "GUEST": Path(os.environ.get("GUEST", guests / "guest")).resolve(),
    }


def sources():
    """All that is imported or read by tests; names are unique, so that they can lie in one folder."""
    yield from HERE.glob("*.py")
    if (recipes := HERE.parents[1] / "man/engine-ci.7.md").exists():
        yield recipes
    if HARDENING.is_dir():
        yield from HARDENING.glob("*.py")
        yield HARDENING / "README.md"
    if DURABILITY.is_dir():
        yield from DURABILITY.glob("*.py")


@contextlib.contextmanager
def alone(what):
    """Several of these programs run at the same time."""
    with open(f"/run/engine-test-{what}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def make_user(name, with_subids):
    with alone("users"):
        return make_user_alone(name, with_subids)


def make_user_alone(name, with_subids):
    try:
        pwd.getpwnam(name)
    except KeyError:
        subprocess.run(["useradd", "--create-home", "--shell", "/bin/sh", "-K", "UID_MIN=2001", "-K", "GID_MIN=2001", name], check=True)
    for path, option in (("/etc/subuid", "--del-subuids"), ("/etc/subgid", "--del-subgids")):
        ranges = [line.split(":") for line in Path(path).read_text().splitlines() if line.startswith(name + ":")]
        if with_subids and not ranges:
            sys.exit(f"{name} has no range in {path}")
        if not with_subids:
            for _, first, count in ranges:
                subprocess.run(["usermod", option, f"{first}-{int(first) + int(count) - 1}", name], check=True)
    return pwd.getpwnam(name)


def mount(source, target, kind, flags=0):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(source and os.fsencode(source), os.fsencode(target), kind, flags, None) != 0:
        raise OSError(ctypes.get_errno(), f"mounting on {target}: {os.strerror(ctypes.get_errno())}")


def unshare_mounts():
    """A mount namespace of our own, so that what is changed for the tests is gone with them."""
    if ctypes.CDLL(None).unshare(CLONE_NEWNS) != 0:
        raise OSError("unsharing the mount namespace failed")
    mount(None, "/", None, MS_REC | MS_PRIVATE)


def open_fuse(stage):
    """/dev/fuse for everybody, as udev makes it; machines without udev keep it for root."""
    if not os.path.exists("/dev/fuse") or os.stat("/dev/fuse").st_mode & 0o006 == 0o006:
        return
    node = stage / "fuse"
    os.mknod(node, stat.S_IFCHR, os.stat("/dev/fuse").st_rdev)
    os.chmod(node, 0o666)
    mount(node, "/dev/fuse", None, MS_BIND)


def open_tun(stage):
    """/dev/net/tun for everybody, as udev makes it; the helpers of networks need it."""
    if not os.path.exists("/dev/net/tun") or os.stat("/dev/net/tun").st_mode & 0o006 == 0o006:
        return
    node = stage / "tun"
    os.mknod(node, stat.S_IFCHR, os.stat("/dev/net/tun").st_rdev)
    os.chmod(node, 0o666)
    mount(node, "/dev/net/tun", None, MS_BIND)


def see_own_cgroup2(user):
    """/sys/fs/cgroup is cgroup2, since crun refuses to start where both versions are, and the tests are in a group that
    is the user's, as in a session of systemd."""
    mount("cgroup2", "/sys/fs/cgroup", b"cgroup2")
    group = Path("/sys/fs/cgroup") / f"{CGROUP_PREFIX}{os.getppid()}"
    (group / "main").mkdir(parents=True)
    for folder in (group, group / "main"):
        os.chown(folder, user.pw_uid, user.pw_gid)
        for file in ("cgroup.procs", "cgroup.subtree_control", "cgroup.threads"):
            os.chown(folder / file, user.pw_uid, user.pw_gid)
    (group / "main/cgroup.procs").write_text(str(os.getpid()))


def remove_cgroups():
    """Those of see_own_cgroup2, from outside of its mount namespace."""
    for root in ("/sys/fs/cgroup/unified", "/sys/fs/cgroup"):
        for folder, _, _ in os.walk(f"{root}/{CGROUP_PREFIX}{os.getpid()}", topdown=False):
            try:
                os.rmdir(folder)
            except OSError:
                pass  # something has not ended yet


def run_as_user(user, programs, words, prepare=None):
    """Copies everything to a folder that the user can read, and runs this script there. Returns its exit status."""
    def become():
        unshare_mounts()
        open_fuse(stage)
        if any(word.startswith("test_network") for word in words):
            open_tun(stage)
        if prepare:
            prepare()
        if any(word.startswith("test_store_places") for word in words):
            make_places(stage / "places", user)
        os.setgroups([])
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)

    stage = Path(tempfile.mkdtemp(prefix="engine-stage-", dir="/var/tmp"))
    try:
        os.chmod(stage, 0o755)
        environment = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin", "HOME": user.pw_dir,
                       "USER": user.pw_name, "LOGNAME": user.pw_name, "LC_ALL": "C.UTF-8",
                       "ENGINE_PLACES": str(stage / "places")}
        for name in os.environ:
            if name in PASSED_ON or name.startswith(("EVERY_CALL_", "POWER_LOSS_", "SOAK_", "LIFECYCLE_")):
                environment[name] = os.environ[name]
        # The programs keep their names and stay side by side: that is how the one finds the other.
        for variable, path in programs.items():
            name = variable.lower().replace("_", "-")
            shutil.copy(path, stage / name)
            os.chmod(stage / name, 0o755)
            environment[variable] = str(stage / name)
        for source in sources():
            shutil.copy(source, stage)
            os.chmod(stage / source.name, 0o644)
        # Root's own python3 may live where nobody else can look.
        python = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
        return subprocess.run([python, "-B", stage / "run.py", *words], cwd=user.pw_dir, env=environment,
                              preexec_fn=become, stdin=subprocess.DEVNULL).returncode
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def prepare_debian():
    """What a user without subordinate ids cannot make itself; that it is missing is then said by the test."""
    try:
        make_debian()
    except (OSError, subprocess.CalledProcessError):
        pass


def run_here(words):
    sys.path[:0] = [str(HERE), str(HARDENING), str(DURABILITY)]
    os.environ.update({name: str(path) for name, path in find_programs().items()})
    names = [word.removesuffix(".py") for word in words]
    program = unittest.main(module=None, argv=["run.py", *names], exit=False)
    return 0 if program.result.wasSuccessful() else 1


def main():
    words = sys.argv[1:]
    if all(word.startswith("-") for word in words):
        words += [path.stem for path in sorted(HERE.glob("test_*.py"))]
    if "hardening" in words:
        place = words.index("hardening")
        words[place:place + 1] = sorted(path.stem for path in sources() if path.stem.startswith("test_hardening_"))
    if os.getuid() != 0:
        return run_here(words)
    programs = find_programs()
    for path in programs.values():
        if not path.exists():
            sys.exit(f"{path} does not exist; build it first")
    options = [word for word in words if word.startswith("-")]
    status = 0
    # Most files run together; some need other surroundings, and one is about root.
    single = [word for word in words if word.startswith("test_single_id")]
    root = [word for word in words if word.startswith(("test_runtime_root", "test_external_runtime_root", "test_rootfs_root", "test_sandbox_matrix", "test_install"))]
    divided = ("test_runtime", "test_pause", "test_update", "test_limits", "test_choosing")
    runtime = [word for word in words if word.startswith(divided) and word not in root]
    usual = [word for word in words if word not in options + single + root + runtime]
    if usual:
        status |= run_as_user(make_user(USER, True), programs, options + usual)
    if runtime:
        user = make_user(USER, True)
        status |= run_as_user(user, programs, options + runtime, prepare=lambda: see_own_cgroup2(user))
        remove_cgroups()
    if root:
        status |= run_here(options + root)
    if single:
        if any(word.startswith("test_single_id_packages") for word in single):
            prepare_debian()
        status |= run_as_user(make_user(USER_WITHOUT_SUBIDS, False), programs, options + single)
    return status


if __name__ == "__main__":
    sys.exit(main())
