"""File systems for stores to lie on, mounted by root in the mount namespace of the tests (test_store_places.py).

What this kernel or machine has not is left out, and the tests of it are skipped.
"""

import os
import subprocess
from pathlib import Path

IMAGE_BYTES = 256 << 20


def try_to_run(*words):
    try:
        return subprocess.run([str(word) for word in words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def make_image_file(path):
    with open(path, "wb") as file:
        file.truncate(IMAGE_BYTES)
    return path


def mount_overlay(place, scratch, user):
    for name in ("lower", "upper", "work"):
        (scratch / name).mkdir()
    options = f"lowerdir={scratch}/lower,upperdir={scratch}/upper,workdir={scratch}/work"
    return try_to_run("mount", "-t", "overlay", "overlay", "-o", options, place)


def mount_loop(kind):
    def mount(place, scratch, user):
        file = make_image_file(scratch / "disk")
        return try_to_run(f"mkfs.{kind}", "-q", file) and try_to_run("mount", "-o", "loop", file, place)
    return mount


def mount_exfat(place, scratch, user):
    """No owners, modes or links, as on a memory stick; by FUSE, because few kernels of test machines have it."""
    file = make_image_file(scratch / "disk")
    if not try_to_run("mkfs.exfat", file):
        return False
    options = f"uid={user.pw_uid},gid={user.pw_gid},umask=077,allow_other"
    found = subprocess.run(["losetup", "--find", "--show", file], capture_output=True, text=True)
    device = found.stdout.strip()
    try:
        return found.returncode == 0 and try_to_run("mount.exfat-fuse", "-o", options, device, place)
    finally:
        try_to_run("losetup", "--detach", device)  # when it is not used any more


def mount_kind(kind):
    return lambda place, scratch, user: try_to_run("mount", "-t", kind, kind, place)


PLACES = {
    "tmpfs": mount_kind("tmpfs"),
    "ramfs": mount_kind("ramfs"),  # no extended attributes
    "overlay": mount_overlay,
    "ext4": mount_loop("ext4"),
    "exfat": mount_exfat,
}


def make_places(parent, user):
    """Called as root. parent/<name> is writable for the user; "read-only" shows what is in "tmpfs"."""
    disks = parent / "disks"
    disks.mkdir(parents=True)
    os.chmod(parent, 0o755)
    if not try_to_run("mount", "-t", "tmpfs", "tmpfs", disks):
        return
    for name, mount in PLACES.items():
        place, scratch = parent / name, disks / name
        place.mkdir()
        scratch.mkdir()
        if not mount(place, scratch, user):
            place.rmdir()
        elif name != "exfat":
            os.chown(place, user.pw_uid, user.pw_gid)
            os.chmod(place, 0o700)
    read_only = parent / "read-only"
    read_only.mkdir()
    if not (try_to_run("mount", "--bind", parent / "tmpfs", read_only)
            and try_to_run("mount", "-o", "remount,ro,bind", read_only)):
        raise OSError("a read-only place cannot be mounted")
