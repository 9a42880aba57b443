"""A real Debian root file system in several layers, made once by mmdebstrap and kept under /var/tmp."""

import io
import os
import subprocess
import tarfile
from pathlib import Path

from make_image import directory_entry, file_entry, tar_of

CACHE = Path("/var/tmp/engine-test-cache/debian-bookworm.tar")


def make_debian(cache=CACHE):
    """Makes the tar if it is absent, from a Debian mirror; an ordinary user needs subordinate ids for it."""
    if cache.exists():
        return cache
    cache.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    partial = cache.with_suffix(f".{os.getpid()}.tar")
    try:
        subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", "bookworm", partial], check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        partial.chmod(0o644)
        partial.rename(cache)
    finally:
        partial.unlink(missing_ok=True)
    return cache


def debian_tar(test):
    """The tar, made if need be."""
    try:
        return make_debian(CACHE if CACHE.exists() or os.access(CACHE.parent, os.W_OK)
                           else Path(f"/var/tmp/engine-test-{os.getuid()}/debian.tar"))
    except (OSError, subprocess.CalledProcessError) as error:
        test.skipTest(f"mmdebstrap cannot make a Debian root file system: {getattr(error, 'stdout', error)}")


def debian_layers(test):
    """Four layers: /usr/share, the rest, removals, and files that replace others."""
    cache = debian_tar(test)
    share, rest = io.BytesIO(), io.BytesIO()
    with (tarfile.open(cache) as source, tarfile.open(fileobj=share, mode="w", format=tarfile.PAX_FORMAT) as share_tar,
          tarfile.open(fileobj=rest, mode="w", format=tarfile.PAX_FORMAT) as rest_tar):
        for member in source:
            name = member.name.removeprefix("./")
            if name.startswith("dev/"):  # an ordinary user cannot make devices
                continue
            data = source.extractfile(member) if member.isreg() else None
            if name in (".", "usr", "usr/share"):  # parents belong to every layer that holds something of theirs
                share_tar.addfile(member)
            (share_tar if name.startswith("usr/share/") else rest_tar).addfile(member, data)
        parents = {name: source.getmember("./" + name) for name in ("usr", "usr/share", "usr/share/doc", "etc", "var",
                                                                    "var/cache")}
    removals = tar_of([(parents["usr"], b""), (parents["usr/share"], b""), (file_entry("usr/share/.wh.man"), b""),
                       (parents["usr/share/doc"], b""), (file_entry("usr/share/doc/.wh..wh..opq"), b""),
                       (file_entry("usr/share/doc/README"), b"removed to save space\n"),
                       (parents["var"], b""), (file_entry("var/.wh.cache"), b"")])
    changes = tar_of([(parents["etc"], b""), (file_entry("etc/motd", 0o640, 0, 4), b"changed\n"),
                      (file_entry("etc/hostname"), b"debian\n"), (directory_entry("srv", 0o2775, 33, 33), b""),
                      (file_entry("srv/data", 0o600, 33, 33), b"data\n")])
    return [share.getvalue(), rest.getvalue(), removals, changes]
