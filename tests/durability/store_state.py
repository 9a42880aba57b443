"""What a store looks like, but for what chance makes of it: two runs that leave the same state need one look only."""

import hashlib
import os
import re
import stat

CHANCE = [(re.compile(pattern), word) for pattern, word in (
    (r"(staging|trash)/[0-9a-f]{16}", r"\1/random"),
    (r"\.[0-9a-f]{12}\b", ".random"),  # of temporary files
    (r"\bblob-([0-9a-f]{12})-[0-9a-f]{12}\b", r"blob-\1-random"),
    (r"\d{4}-\d\d-\d\dT[0-9:.]+", "time"),
    (r"\b\d{10}\.\d{1,9}\b", "time"),
    (r"\bpid \d+ \([^)]*\)\s*", "holder"),
    (r'("(?:pid|monitor_pid|start_time|process_inode)": ?"?)\d+', r"\1number"))]
LARGE_BYTES = 64 * 1024  # no record is


def container_ids(store):
    """Of those that are listed, and of those that are being made or removed."""
    ids = {path.name.removeprefix(".new-") for path in (store / "root/containers").glob("*")}
    for record in store.glob("root/trash/*/record"):
        ids.update(re.findall(r'"id": ?"([0-9a-f]{64})"', record.read_text(errors="replace")))
    return ids


class StoreState:
    """Tells states apart; the containers in `known` are not chance."""

    def __init__(self, known):
        self.known = known
        self.described = {}  # of files that have not changed since

    def digest(self, store):
        """`store` has root and run; equal for two that no command could tell apart. Times and owners do not count."""
        ids = sorted(container_ids(store) - self.known)
        chance = re.compile("|".join(f"{one}|{one[:12]}" for one in ids)) if ids else None
        before, self.described = self.described, {}
        for top in ("root", "run"):
            self.describe_folder(os.fspath(store / top), top, chance, before)
        return hashlib.sha256("\n".join(sorted(self.described.values())).encode()).hexdigest()

    def describe_folder(self, place, name, chance, before):
        with os.scandir(place) as entries:
            entries = list(entries)
        for entry in entries:
            status = entry.stat(follow_symlinks=False)
            path = f"{name}/{entry.name}"
            # With what chance made differently, the line is another one, too.
            key = (path, status.st_mode, status.st_size, status.st_mtime_ns, status.st_nlink, chance and chance.pattern)
            if not entry.is_dir(follow_symlinks=False):
                self.described[key] = before.get(key) or self.describe(entry.path, path, status, chance)
                continue
            self.described[path] = f"{without_chance(path, chance)} {status.st_mode:o}"
            with readable(entry.path, status.st_mode):
                self.describe_folder(entry.path, path, chance, before)

    def describe(self, place, path, status, chance):
        line = f"{without_chance(path, chance)} {status.st_mode:o}"
        if stat.S_ISLNK(status.st_mode):
            return f"{line} {os.readlink(place)}"
        is_lock = path.endswith("/lock") or path.endswith("/.lock") or path.startswith("root/locks/")
        if not stat.S_ISREG(status.st_mode) or is_lock:  # what a lock file says is only a hint
            return line
        with readable(place, status.st_mode), open(place, "rb") as file:
            content = file.read()
        if len(content) < LARGE_BYTES:  # latin-1 has a character for every byte
            content = without_chance(content.decode("latin-1"), chance).encode("latin-1")
        return f"{line} {status.st_nlink} {hashlib.sha256(content).hexdigest()}"


class readable:
    """Within it the owner may read what is at `place`, whatever its mode."""

    def __init__(self, place, mode):
        self.place, self.mode = place, stat.S_IMODE(mode)
        self.wanted = self.mode | (0o500 if stat.S_ISDIR(mode) else 0o400)

    def __enter__(self):
        if self.wanted != self.mode:
            os.chmod(self.place, self.wanted)

    def __exit__(self, *_):
        if self.wanted != self.mode:
            os.chmod(self.place, self.mode)


def without_chance(text, chance):
    if chance:
        text = chance.sub("chance", text)
    for pattern, word in CHANCE:
        text = pattern.sub(word, text)
    return text
