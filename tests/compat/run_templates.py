#!/usr/bin/env python3
"""Runs every template of templates.table through podman and through engine, on the same image, containers and volumes,
and compares what they print, how they exit, and what they say of a template that is wrong.

    ENGINE=build/cmd/engine run_templates.py [--docker] [PATTERN]    as root; only rows that PATTERN occurs in

--docker compares with docker instead, on templates-docker.table: its words of an error, not its exit status.
Exit status 77: nothing could be compared, and why. The peer runs in a mount namespace with cgroup2 alone.
"""

import re
import sys
from pathlib import Path

import docker_side
import make_image
import sides

HERE = Path(__file__).resolve().parent


def rows(table, pattern):
    for number, line in enumerate((HERE / table).read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#") or pattern not in line:
            continue
        words, template, *reason = line.split(" | ", 2)
        yield number, words.replace("IMAGE", sides.IMAGE).split(), template, reason[0] if reason else ""


def error_of(stderr):
    """The part that both must say alike: what is wrong with the template."""
    found = re.search(r"template: .*", stderr)
    return found[0] if found else ""


def fault_of(stderr):
    """What is wrong and where, alike for two programs that name their templates, fields' types and parse errors so or so."""
    if at := re.search(r"at (<.*)", stderr):
        return re.sub(r"map has no entry for key \"(\w+)\"|can't evaluate field (\w+) in type .*", r"no field \1\2", at[1])
    found = re.search(r"template: [^:]*:\d+: (.*)", stderr)
    return found[1] if found else ""


def prepare(side, archive):
    side.must("load", "-q", "-i", str(archive))
    side.must("secret", "create", "--env", "key", "PATH")
    prepare_objects(side)


def prepare_objects(side):
    side.must("tag", sides.IMAGE, "localhost/second:two")
    side.must("volume", "create", "--label", "purpose=test", "data")
    side.must("volume", "create", "plain")
    side.must("create", "--name", "made", "--network", "none", "--label", "a=1", "--label", "b=2", "-e", "FOO=bar",
              "--hostname", "hh", "--workdir", "/tmp", "-v", "data:/data",
              sides.IMAGE, "sh", "-c", "echo one two three")
    side.call("run", "--name", "ended", "--network", "none", sides.IMAGE, "sh", "-c", "exit 3")
    side.must("run", "-d", "--name", "running", "--network", "none", sides.IMAGE, "sleep", "1000")


def answer(side, words, template):
    done = side.call(*words, "--format", template)
    return sides.made_alike(done.stdout), done.returncode, error_of(done.stderr)


def loose_answer(side, words, template):
    done = side.call(*words, "--format", template)
    printed = "" if done.returncode else sides.made_alike(done.stdout)  # docker ends what it had begun with a newline
    return printed, done.returncode != 0, fault_of(done.stderr)


def compare(name, peer, engine, table, ask):
    count, accepted, different = 0, 0, 0
    for number, words, template, reason in table:
        theirs, ours = ask(peer, words, template), ask(engine, words, template)
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
        print(f"line {number}: {' '.join(words)} --format '{template}'\n  {name} {theirs!r}\n  engine {ours!r}")
    print(f"{count} templates: {count - accepted - different} alike, {accepted} accepted differences, "
          f"{different} different")
    return 1 if different or not count else 0


def beside_podman(table):
    def work(podman, engine, archive):
        prepare(podman, archive)
        prepare(engine, archive)
        return compare("podman", podman, engine, table, answer)
    return sides.compare(work)


def beside_docker(table):
    def work(docker, engine, folder):
        archive = folder / "docker-archive.tar"
        make_image.busybox_image().write_docker_archive(archive)
        for side in (docker, engine):
            side.must("load", "-q", "-i", str(archive))
            prepare_objects(side)
        return compare("docker", docker, engine, table, loose_answer)
    return sides.compare_with(docker_side.side, work, docker_side.daemon)


def main():
    words = sys.argv[1:]
    if words[:1] == ["--docker"]:
        return beside_docker(list(rows("templates-docker.table", "".join(words[1:]))))
    return beside_podman(list(rows("templates.table", "".join(words))))


if __name__ == "__main__":
    sys.exit(main())
