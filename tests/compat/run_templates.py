#!/usr/bin/env python3
"""Runs every template of templates.table through podman and through engine, on the same image, containers and volumes,
and compares what they print, how they exit, and what they say of a template that is wrong.

    ENGINE=build/cmd/engine run_templates.py [PATTERN]    as root; only rows that PATTERN occurs in

Exit status 77: nothing could be compared, and why. Podman runs in a mount namespace with cgroup2 alone.
"""

import re
import sys
from pathlib import Path

import sides

TABLE = Path(__file__).resolve().with_name("templates.table")


def rows(pattern):
    for number, line in enumerate(TABLE.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#") or pattern not in line:
            continue
        words, template, *reason = line.split(" | ", 2)
        yield number, words.replace("IMAGE", sides.IMAGE).split(), template, reason[0] if reason else ""


def error_of(stderr):
    """The part that both must say alike: what is wrong with the template."""
    found = re.search(r"template: .*", stderr)
    return found[0] if found else ""


def prepare(side, archive):
    side.must("load", "-q", "-i", str(archive))
    side.must("tag", sides.IMAGE, "localhost/second:two")
    side.must("volume", "create", "--label", "purpose=test", "data")
    side.must("volume", "create", "plain")
    side.must("secret", "create", "--env", "key", "PATH")
    side.must("create", "--name", "made", "--network", "none", "--label", "a=1", "--label", "b=2", "-e", "FOO=bar",
              "--hostname", "hh", "--workdir", "/tmp", "-v", "data:/data",
              sides.IMAGE, "sh", "-c", "echo one two three")
    side.call("run", "--name", "ended", "--network", "none", sides.IMAGE, "sh", "-c", "exit 3")
    side.must("run", "-d", "--name", "running", "--network", "none", sides.IMAGE, "sleep", "1000")


def answer(side, words, template):
    done = side.call(*words, "--format", template)
    return sides.made_alike(done.stdout), done.returncode, error_of(done.stderr)


def compare(podman, engine, table):
    count, accepted, different = 0, 0, 0
    for number, words, template, reason in table:
        theirs, ours = answer(podman, words, template), answer(engine, words, template)
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


def main():
    table = list(rows("".join(sys.argv[1:])))

    def work(podman, engine, archive):
        prepare(podman, archive)
        prepare(engine, archive)
        return compare(podman, engine, table)
    return sides.compare(work)


if __name__ == "__main__":
    sys.exit(main())
