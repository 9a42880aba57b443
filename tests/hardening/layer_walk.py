#!/usr/bin/env python3
"""Describes trees as the table of layer_archive.py does, inside the user namespace in which their owners are mapped.

    layer_walk.py < FOLDERS.json > DESCRIPTIONS.json
"""

import json
import os
import re
import stat
import sys

USUAL_TIME = 1_600_000_000


def content_of(path):
    with open(path, "rb") as file:
        data = file.read()
    if len(data.replace(b"\0", b"")) <= 16 and b"\0" in data:  # holes, and little beside them
        return " ".join(f"0*{len(part)}" if part[0] == 0 else part.decode("ascii", "backslashreplace")
                        for part in re.findall(rb"\0+|[^\0]+", data))
    return data.decode("ascii", "backslashreplace") if len(data) <= 40 else f"{len(data)} bytes"


def describe(path):
    found = os.lstat(path)
    if stat.S_ISCHR(found.st_mode) and found.st_rdev == 0:
        return "w"
    mode = f"{stat.S_IMODE(found.st_mode):o}"
    if stat.S_ISREG(found.st_mode):
        words = ["f", mode, content_of(path)]
    elif stat.S_ISLNK(found.st_mode):
        words = ["l", os.readlink(path)]
    else:
        words = [{stat.S_IFDIR: "d", stat.S_IFIFO: "p"}.get(stat.S_IFMT(found.st_mode), "?"), mode]
    if (found.st_uid, found.st_gid) != (0, 0):
        words.append(f"{found.st_uid}:{found.st_gid}")
    attributes = {name: os.getxattr(path, name, follow_symlinks=False)
                  for name in sorted(os.listxattr(path, follow_symlinks=False))}
    opaque = attributes.pop("user.overlay.opaque", None) == b"y"
    words += [f"{name}={value.hex()}" for name, value in attributes.items()]
    if found.st_mtime_ns != USUAL_TIME * 10**9:
        seconds, rest = divmod(found.st_mtime_ns, 10**9)
        words.append(f"@{seconds}" if rest == 0 else f"@{seconds}.{rest:09}")
    return " ".join([*words, *(["opaque"] if opaque else [])])


def walk(root):
    entries = {}
    for folder, names, files, fd in os.fwalk(root):
        for name in [*names, *files]:
            # The whole path may be longer than the kernel takes.
            entries[os.path.relpath(os.path.join(folder, name), root)] = describe(f"/proc/self/fd/{fd}/{name}")
    return entries


json.dump({root: walk(root) for root in json.load(sys.stdin)}, sys.stdout)
