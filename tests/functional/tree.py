#!/usr/bin/env python3
"""Describes root file systems, inside the user namespace of containers, where owners read as they are meant.

    tree.py walk DIRECTORY                  everything about every entry, as JSON
    tree.py extract DIRECTORY LAYER.tar …   unpacks layers one over the other with GNU tar, whiteouts applied
    tree.py bsdtar DIRECTORY LAYER.tar …    the same with libarchive's tar
"""

import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
import tarfile
from pathlib import Path

WHITEOUT, OPAQUE = ".wh.", ".wh..wh..opq"
MOUNTED = ("proc", "sys", "dev")  # the container's own
KINDS = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "link", stat.S_IFIFO: "fifo",
         stat.S_IFCHR: "character device", stat.S_IFBLK: "block device", stat.S_IFSOCK: "socket"}


def digest_of(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def describe(path):
    found = os.lstat(path)
    kind = KINDS[stat.S_IFMT(found.st_mode)]
    entry = {"kind": kind, "owner": [found.st_uid, found.st_gid], "mode": oct(stat.S_IMODE(found.st_mode)),
             "mtime": found.st_mtime_ns}
    attributes = {name: os.getxattr(path, name, follow_symlinks=False).hex()
                  for name in os.listxattr(path, follow_symlinks=False)
                  if name.startswith(("user.", "security.capability"))}
    if attributes:
        entry["xattrs"] = attributes
    if kind == "file":
        entry.update(size=found.st_size, digest=digest_of(path), sparse=found.st_blocks * 512 < found.st_size // 2)
    elif kind == "link":
        entry["target"] = os.readlink(path)
    return entry, (found.st_dev, found.st_ino) if kind == "file" and found.st_nlink > 1 else None


def walk(root):
    entries, same = {}, {}
    for directory, names, files in os.walk(root):
        relative = os.path.relpath(directory, root)
        if relative == ".":
            names[:] = [name for name in names if name not in MOUNTED]
        for name in [*names, *files]:
            path = os.path.normpath(os.path.join(relative, name))
            entries[path], identity = describe(os.path.join(directory, name))
            if identity:
                same.setdefault(identity, []).append(path)
    for paths in same.values():
        for path in paths if len(paths) > 1 else ():  # the others may be hidden by a higher layer
            entries[path]["same file as"] = sorted(paths)
    return entries


def apply_whiteouts(root, layer):
    with tarfile.open(layer) as tar:
        for member in tar:
            directory, name = os.path.split(os.path.normpath(member.name))
            if name == OPAQUE:
                for entry in (Path(root) / directory).iterdir():
                    remove(entry)
            elif name.startswith(WHITEOUT):
                remove(Path(root) / directory / name[len(WHITEOUT):])


def remove(path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def extract(root, layers, program):
    os.makedirs(root)
    for layer in layers:
        apply_whiteouts(root, layer)
        if program == "bsdtar":
            subprocess.run(["bsdtar", "-x", "-p", "--xattrs", "--acls", "--numeric-owner", "-f", layer, "-C", root,
                            f"--exclude={WHITEOUT}*", "--exclude=./dev/*", "--exclude=dev/*"], check=True)
            continue
        subprocess.run(["tar", "--extract", "--file", layer, "--directory", root, "--same-permissions", "--same-owner",
                        "--delay-directory-restore",
                        "--numeric-owner", "--xattrs", "--xattrs-include=*", "--wildcards", f"--exclude={WHITEOUT}*",
                        "--exclude=./dev/*", "--exclude=dev/*"], check=True)


if __name__ == "__main__":
    if sys.argv[1] == "walk":
        json.dump(walk(sys.argv[2]), sys.stdout)
    else:
        extract(sys.argv[2], sys.argv[3:], "bsdtar" if sys.argv[1] == "bsdtar" else "tar")
