"""Surroundings that lack something, made by root around one command of an ordinary user.

Everything is done between fork and exec, in a mount namespace of the command's own, so that it is gone with the command.
"""

import ctypes
import os
import subprocess
from pathlib import Path

from run import mount, open_fuse, open_tun, unshare_mounts

MS_RDONLY, MS_BIND, MS_REC, MS_REMOUNT = 1, 4096, 16384, 32
MS_NOEXEC = 8
CLONE_NEWUSER = 0x10000000
ALL_IDS = "0 0 4294967295"


def hide(path, stage):
    """What is there is closed to all but root, as where it is absent."""
    if not os.path.exists(path):
        return
    closed = stage / "closed"
    closed.touch(mode=0o600)
    mount(closed, path, None, MS_BIND)


def cover(path):
    """As container engines mask files."""
    mount("/dev/null", path, None, MS_BIND)


def make_read_only(path, recursive=False):
    mount(path, path, None, MS_BIND | (MS_REC if recursive else 0))
    places = [path]
    if recursive:
        places += sorted({line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()
                          if line.split()[4].startswith(f"{path}/")})
    for place in places:
        if os.path.exists(place):  # not below another mount
            mount(None, place, None, MS_BIND | MS_REMOUNT | MS_RDONLY)


def put_on_overlay(path, stage):
    """An overlay cannot be the upper directory of another one."""
    layers = stage / f"layers-{path.name}"
    layers.mkdir()
    mount("tmpfs", layers, b"tmpfs")
    for name in ("lower", "upper", "work"):
        (layers / name).mkdir()
    owner = path.stat()
    os.chown(layers / "upper", owner.st_uid, owner.st_gid)
    words = f"lowerdir={layers}/lower,upperdir={layers}/upper,workdir={layers}/work"
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", words, path], check=True)


def enter_user_namespace(sysctls):
    """One with all ids, in which limits of user_namespaces(7) are set; who has it around is left to map its ids."""
    pid = os.getpid()
    wake, waker = os.pipe()
    helper = os.fork()
    if helper == 0:
        os.close(waker)
        os.read(wake, 1)
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{pid}/{name}").write_text(ALL_IDS)
        os._exit(0)
    if ctypes.CDLL(None).unshare(CLONE_NEWUSER) != 0:
        raise OSError("unsharing the user namespace failed")
    os.write(waker, b"x")
    if os.waitpid(helper, 0)[1] != 0:
        raise OSError("mapping all ids failed")
    for name, value in sysctls.items():
        Path("/proc/sys/user", name).write_text(value)


class Cgroup:
    """A group of version 2 that is the user's, as a session of systemd brings it."""

    def __init__(self, user):
        self.user, self.name = user, f"engine-sandbox-{os.getpid()}"

    def enter(self):
        mount("cgroup2", "/sys/fs/cgroup", b"cgroup2")
        group = Path("/sys/fs/cgroup") / self.name
        (group / "main").mkdir(parents=True, exist_ok=True)
        for folder in (group, group / "main"):
            os.chown(folder, self.user.pw_uid, self.user.pw_gid)
            for file in ("cgroup.procs", "cgroup.subtree_control", "cgroup.threads"):
                os.chown(folder / file, self.user.pw_uid, self.user.pw_gid)
        (group / "main/cgroup.procs").write_text(str(os.getpid()))

    def remove(self):
        for root in (Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup")):
            for folder, _, _ in os.walk(root / self.name, topdown=False):
                try:
                    os.rmdir(folder)
                except OSError:
                    pass  # processes that are about to end


def make_usual(stage, cgroup):
    """All that containers can use, whatever this machine has."""
    unshare_mounts()
    for node in ("fuse", "tun"):
        (stage / node).unlink(missing_ok=True)
    open_fuse(stage)
    open_tun(stage)
    cgroup.enter()


USUAL_CAPABILITIES = (0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31)  # of a container of docker, by capability.h
PR_CAPBSET_DROP = 24


def lose_rights():
    """Root of a container that was given nothing, in which no user namespace can be made either: capabilities are lost at the exec."""
    enter_user_namespace({"max_user_namespaces": "0"})
    libc = ctypes.CDLL(None)
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    for capability in range(last + 1):
        if capability not in USUAL_CAPABILITIES and libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            raise OSError("dropping a capability failed")


def become(user):
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
