"""What a command did to its store, as strace saw it, and what may be left of that when the power fails.

A file's bytes are safe once it was fsynced, a name once its directory was, and everything after a syncfs. Nothing else
is taken for granted: not that a rename waits for the bytes, nor that a file's fsync brings its name along.
"""

import hashlib
import os
import random
import re
import stat
from dataclasses import dataclass, field

CALLS = ("openat", "mkdirat", "renameat", "renameat2", "linkat", "symlinkat", "unlinkat", "write", "pwrite64",
         "ftruncate", "lseek", "fsync", "fdatasync", "syncfs", "fchmod", "fchmodat", "utimensat")
# With these on a file of the store, what is recorded would not be what happened.
UNKNOWN = ("writev", "pwritev", "pwritev2", "copy_file_range", "sendfile", "splice", "fallocate", "mknodat", "openat2",
           "rename", "link", "unlink", "mkdir", "creat", "truncate", "io_uring_setup")
TRACE = ("strace", "-f", "-y", "-xx", "-s", "300000", "-e", "trace=" + ",".join(CALLS + UNKNOWN))
SYNCS = ("fsync", "fdatasync", "syncfs")


@dataclass
class Node:
    """A file, directory or link now, and what of it is safe."""
    kind: str
    mode: int
    data: bytes = b""
    names: dict = field(default_factory=dict)
    mtime: int | None = None
    position: int = 0
    safe_data: bytes | None = None  # None: its bytes were never flushed
    safe_names: dict = field(default_factory=dict)

    def flush(self):
        self.safe_data, self.safe_names = bytes(self.data), dict(self.names)


@dataclass
class Event:
    call: str
    words: list
    path: str  # of the first descriptor

    def __str__(self):
        return f"{self.call} {self.path} {[word for word in self.words[1:] if len(word) < 200]}"


def decode(text):
    """strace -xx writes each byte as \\xNN."""
    return bytes.fromhex(text.replace("\\x", "")).decode("utf-8", "surrogateescape")


WORD = re.compile(r'(?P<fd>-?\w+)<(?P<path>(?:\\x[0-9a-f]{2})*|[^>]*)>(?P<deleted>\(deleted\))?|"(?P<text>(?:\\x..)*)"'
                  r'|(?P<times>\[.*?\])|(?P<other>[^,\s][^,]*)')


def split_words(text):
    """The arguments of a call as ("fd", path), ("text", bytes as latin-1) or ("other", words)."""
    words = []
    for match in WORD.finditer(text):
        if match["path"] is not None:
            path = decode(match["path"]) if match["path"].startswith("\\x") else match["path"]
            words.append("" if match["deleted"] else path)
        elif match["text"] is not None:
            words.append(decode(match["text"]))
        else:
            words.append(match["times"] or match["other"])
    return words


def events_in(trace, root):
    """The calls that succeeded and concern the store, in the order in which they ended."""
    unfinished, events = {}, []
    for line in trace.read_text(errors="replace").splitlines():
        pid, _, rest = line.partition(" ")
        rest = rest.strip()
        if rest.endswith("<unfinished ...>"):
            unfinished[pid] = rest.removesuffix("<unfinished ...>")
            continue
        if match := re.match(r"<\.\.\. \w+ resumed>(.*)", rest):
            rest = unfinished.pop(pid, "") + match[1]
        match = re.match(r"(\w+)\((.*)\) += (\d+)", rest)
        if not match:
            continue
        words = split_words(match[2])
        inside = [word for word in words if word == root or word.startswith(root + "/")]
        if not inside:
            continue
        if match[1] == "openat2" and "O_RDONLY" in match[2]:
            continue
        if match[1] in UNKNOWN:
            raise AssertionError(f"the recorder does not know what this does: {match[1]}{words}")
        events.append(Event(match[1], words + [match[3]] if match[1] == "lseek" else words, words[0]))
    return events


class Storage:
    """A store in memory."""

    def __init__(self, root):
        self.path = str(root)
        self.root = self._read(self.path)

    def _read(self, path):
        status = os.lstat(path)
        mode, mtime = stat.S_IMODE(status.st_mode), int(status.st_mtime)
        if stat.S_ISDIR(status.st_mode):
            names = os.listdir(path) if mode & 0o400 else []  # overlay's own folder has mode 000
            node = Node("dir", mode, names={name: self._read(f"{path}/{name}") for name in names})
        elif stat.S_ISLNK(status.st_mode):
            node = Node("link", mode, os.readlink(path).encode())
        else:
            with open(path, "rb") as file:
                node = Node("file", mode, file.read())
        node.mtime = mtime
        node.flush()
        return node

    def find(self, path):
        node = self.root
        for part in self._parts(path):
            node = node.names[part]
        return node

    def _parts(self, path):
        if path != self.path and not path.startswith(self.path + "/"):
            raise KeyError(path)
        return [part for part in path[len(self.path):].split("/") if part]

    def _place(self, folder, name):
        """(directory, last name)"""
        parts = self._parts(name if name.startswith("/") else f"{folder}/{name}")
        return self.find("/".join([self.path, *parts[:-1]])), parts[-1]

    def apply(self, event):
        getattr(self, "_" + event.call)(*event.words)

    def _openat(self, folder, name, flags, mode="0"):
        if "O_CREAT" in flags:
            parent, last = self._place(folder, name)
            node = parent.names.setdefault(last, Node("file", int(mode, 8)))
        elif "O_TRUNC" in flags or "O_WRONLY" in flags or "O_RDWR" in flags:
            node = self.find(f"{folder}/{name}")
        else:
            return
        if "O_TRUNC" in flags:
            node.data = b""
        node.position = len(node.data) if "O_APPEND" in flags else 0

    def _mkdirat(self, folder, name, mode):
        parent, last = self._place(folder, name)
        parent.names[last] = Node("dir", int(mode, 8))

    def _symlinkat(self, target, folder, name):
        parent, last = self._place(folder, name)
        parent.names[last] = Node("link", 0o777, os.fsencode(target))
        parent.names[last].flush()

    def _linkat(self, folder, name, to_folder, to_name, _flags):
        parent, last = self._place(folder, name)
        to_parent, to_last = self._place(to_folder, to_name)
        to_parent.names[to_last] = parent.names[last]

    def _renameat(self, folder, name, to_folder, to_name, flags="0"):
        parent, last = self._place(folder, name)
        to_parent, to_last = self._place(to_folder, to_name)
        if "EXCHANGE" in flags:
            parent.names[last], to_parent.names[to_last] = to_parent.names[to_last], parent.names[last]
        else:
            to_parent.names[to_last] = parent.names.pop(last)

    _renameat2 = _renameat

    def _unlinkat(self, folder, name, _flags):
        if folder:  # else it lay in a directory that is deleted itself
            parent, last = self._place(folder, name)
            del parent.names[last]

    def _write(self, path, text, _size):
        node = self.find(path)
        self._put(node, text, node.position)
        node.position += len(os.fsencode(text))

    def _lseek(self, path, _offset, _whence, result):
        self.find(path).position = int(result)

    def _pwrite64(self, path, text, _size, offset):
        self._put(self.find(path), text, int(offset))

    def _put(self, node, text, offset):
        bytes_ = os.fsencode(text)
        node.data = node.data[:offset].ljust(offset, b"\0") + bytes_ + node.data[offset + len(bytes_):]

    def _ftruncate(self, path, size):
        node = self.find(path)
        node.data = node.data[:int(size)].ljust(int(size), b"\0")

    def _fchmod(self, path, mode):
        self.find(path).mode = int(mode, 8)

    def _fchmodat(self, folder, name, mode, *_):
        parent, last = self._place(folder, name)
        parent.names[last].mode = int(mode, 8)

    def _utimensat(self, folder, name, times, *_):
        node = self.find(folder) if name == "NULL" else self.find(f"{folder}/{name}")
        if seconds := re.findall(r"tv_sec=(\d+)", times):
            node.mtime = int(seconds[-1])

    def _fsync(self, path):
        self.find(path).flush()

    _fdatasync = _fsync

    def _syncfs(self, _path):
        self._flush_all(self.root)

    def _flush_all(self, node):
        node.flush()
        for child in node.names.values():
            self._flush_all(child)

    # --- what is left ---

    def as_it_is(self):
        return self._list(self.root, "", lambda node: node.names, lambda node: node.data)

    def after_loss(self, how, seed=0):
        """path: (kind, mode, mtime, bytes). how: "least", only what is safe; "zeroes" and "empty", every name but of
        each file only what is safe, and else zeroes, or nothing; "some", a part of the names."""
        chance = random.Random(seed)

        def names(node):
            if how == "least":
                return node.safe_names
            if how != "some":
                return node.names
            both = {**node.safe_names, **node.names}
            return {name: child for name in sorted(both)
                    if (child := (node.names if chance.random() < 0.5 else node.safe_names).get(name))}

        def data(node):
            if node.safe_data is not None:
                return node.safe_data
            return bytes(len(node.data)) if how == "zeroes" else b""
        return self._list(self.root, "", names, data)

    def _list(self, node, path, names_of, data_of):
        """A directory that two names lead to, because half of its rename is lost, is listed once."""
        listed, seen = {}, set()

        def walk(node, path):
            if node.kind == "dir" and id(node) in seen:
                return
            seen.add(id(node))
            listed[path] = (node.kind, node.mode, node.mtime, b"" if node.kind == "dir" else data_of(node))
            if node.kind == "dir":
                for name, child in sorted(names_of(node).items()):
                    walk(child, f"{path}/{name}")
        walk(node, path)
        return listed


def digest_of(listed):
    """The same for two states that no command could tell apart; times of directories do not count."""
    digest = hashlib.sha256()
    for path, (kind, mode, _, data) in listed.items():
        digest.update(repr((path, kind, mode)).encode("utf-8", "surrogateescape") + hashlib.sha256(data).digest())
    return digest.digest()


def build(listed, target):
    """Writes a state to the disk, where nothing may be."""
    for path, (kind, mode, _, data) in listed.items():
        place = os.fspath(target) + path
        if kind == "dir":
            os.mkdir(place, 0o700)
        elif kind == "link":
            os.symlink(os.fsdecode(data), place)
        else:
            with open(place, "xb") as file:
                file.write(data)
            os.chmod(place, mode)
    for path, (kind, mode, mtime, _) in reversed(listed.items()):
        place = os.fspath(target) + path
        if kind == "dir":
            os.chmod(place, mode)
        if mtime is not None:
            os.utime(place, (mtime, mtime), follow_symlinks=False)
