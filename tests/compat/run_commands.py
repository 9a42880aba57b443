#!/usr/bin/env python3
"""Runs the command lines of the *.commands tables through podman and engine, side by side, and compares what they
print, the keys of their JSON, how they exit, and what kind of error they name, in one clear line.

    ENGINE=build/cmd/engine run_commands.py [--sample] [--show] [PATTERN]    as root

--sample runs one row in SAMPLE_EVERY, always the same ones; --show prints every answer; a PATTERN chooses rows by their
text or table. Exit status 77: nothing could be compared, and why. The tables' form is in README.md.
"""

import argparse
import os
import shlex
import subprocess
import sys
import threading
from pathlib import Path

import answers
import sides

HERE = Path(__file__).resolve().parent
SAMPLE_EVERY = 9
ASPECTS = ("output", "code", "error", "line")
# No network of its own, unless a row asks for one: that is what most of a start would cost.
SETTINGS = '[containers]\nnetns = "none"\npids_limit = 0\n'
# What rows name with CONTAINERS_CONF=FOLDER/containers.conf.
CONFIGURED = SETTINGS + """annotations = ["a=conf", "b=conf"]
default_capabilities = ["CHOWN", "KILL"]
default_sysctls = ["net.ipv4.ip_forward=1", "kernel.shm_rmid_forced=1"]
default_ulimits = ["nofile=500:600"]
devices = ["/dev/null:/dev/configured"]
dns_searches = ["conf.example"]
dns_servers = ["192.0.2.9"]
env = ["A=conf", "PATH=/conf"]
tz = "Asia/Tokyo"
umask = "0077"
volumes = ["FOLDER/source:/configured"]
[engine]
events_logger = "none"
"""


class Row:
    """One line of a table: steps, how their output is compared, and which differences are accepted, by aspect."""

    def __init__(self, place, text):
        self.place, self.text = place, text
        words, *reasons = text.split(" ## ")
        self.mode = "output"
        mode, colon, rest = words.partition(": ")
        if colon and mode in answers.MODES:
            self.mode, words = mode, rest
        self.steps = words.split(" ;; ")
        self.reasons, self.depends = {}, set()  # accepted differences; those of them that depend on the host
        for aspect, reason in (reason.split(": ", 1) for reason in reasons):
            self.reasons[aspect.rstrip("?")] = reason
            if aspect.endswith("?"):
                self.depends.add(aspect.rstrip("?"))
        if unknown := set(self.reasons) - set(ASPECTS):
            raise SystemExit(f"{place}: what is accepted must be one of {', '.join(ASPECTS)}, not {unknown}")


class Scene:
    """A table: what its rows find, and the rows, none of which needs another one."""

    def __init__(self, path):
        self.name, self.needs, self.setup, self.rows = path.stem, None, [], []
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if line.startswith("needs: "):
                self.needs = line.removeprefix("needs: ")
            elif line.startswith("setup"):
                self.setup.append(line)
            elif line.strip() and not line.startswith("#"):
                self.rows.append(Row(f"{path.name}:{number}", line))

    def choose(self, pattern, sample):
        self.rows = [row for row in self.rows if pattern in row.text or pattern in row.place]
        if sample:
            self.rows = self.rows[::SAMPLE_EVERY]


class Player:
    """Runs steps on one side. NEW in a step is a name that only this row has, FOLDER a folder of this side."""

    def __init__(self, side, folder):
        self.side, self.folder = side, folder
        folder.mkdir()
        (folder / "env").write_text("# comment\nONE=1\nTWO=a b \nHOME_TOO\n\nQUOTED=\"q\"\nEMPTY=\n")
        (folder / "bad-env").write_text("=nothing\n")
        (folder / "labels").write_text("# comment\nfrom=file\nplain\n")
        (folder / "source").mkdir()
        (folder / "source/file").write_text("content\n")
        (folder / "source").chmod(0o777)
        (folder / "containers.conf").write_text(CONFIGURED.replace("FOLDER", str(folder)))

    def step(self, text, new):
        words = shlex.split(text.replace("NEW", new).replace("FOLDER", str(self.folder)).replace("IMAGE", sides.IMAGE))
        stdin = ""
        if "<<<" in words:
            stdin, words = words[words.index("<<<") + 1] + "\n", words[:words.index("<<<")]
        environment = {}
        while words and "=" in words[0]:
            name, _, environment[name] = words.pop(0).partition("=")
        try:
            return self.side.call(*words, environment=environment, stdin=stdin)
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(words, "hangs", "", "")

    def row(self, row):
        new = "n" + "".join(letter if letter.isalnum() else "-" for letter in row.place.replace(".commands", ""))
        done = [self.step(step, new) for step in row.steps]
        return answers.Answer(row.mode, done, {str(self.folder): "FOLDER", new: "NEW"})

    def play(self, scenes, results):
        for scene in scenes:
            for step in scene.setup:
                may_fail, _, words = step.partition(": ")
                done = self.step(words, "new")
                if done.returncode != 0 and may_fail != "setup?":
                    raise RuntimeError(f"{self.side.program} {step}: {done.stderr.strip()[-500:]}")
            for row in scene.rows:
                results[row.place] = self.row(row)
            for words in (("rm", "-a", "-f", "-t", "0"), ("volume", "prune", "-f"), ("secret", "rm", "-a")):
                self.side.call(*words)


def play_both(players, scenes):
    results, failures = [{}, {}], []

    def play(player, result):
        try:
            player.play(scenes, result)
        except Exception as failure:  # a thread's end is not seen otherwise
            failures.append(failure)
    threads = [threading.Thread(target=play, args=both) for both in zip(players, results)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return results


def judge(row, theirs, ours):
    """What is to be said of a row: nothing when it is alike, or differs as it says."""
    found = answers.differences(row.mode, theirs, ours)
    lines = [f"  {aspect}: podman {their!r}\n  {' ' * len(aspect)}  engine {our!r}"
             for aspect, (their, our) in found.items() if aspect not in row.reasons]
    lines += [f"  {aspect}: alike, and so no accepted difference any more" for aspect in row.reasons
              if aspect not in found and aspect not in row.depends]
    return lines, bool(found)


def report(rows, podman, engine, show):
    different, accepted = 0, 0
    for row in rows:
        lines, differs = judge(row, podman[row.place], engine[row.place])
        different += bool(lines)
        accepted += differs and not lines
        if lines or show:
            print(f"{row.place}: {row.text}", *lines, sep="\n")
        if show or (lines and not os.environ.get("SHORT")):
            print(f"  podman: {podman[row.place].told()}\n  engine: {engine[row.place].told()}")
    print(f"{len(rows)} command lines: {len(rows) - accepted - different} alike, {accepted} accepted differences, "
          f"{different} different")
    return 1 if different or not rows else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", action="store_true")
    parser.add_argument("--show", action="store_true")
    parser.add_argument("pattern", nargs="?", default="")
    options = parser.parse_args()
    scenes = [Scene(path) for path in sorted(HERE.glob("*.commands"))]
    for scene in scenes:
        scene.choose(options.pattern, options.sample)
    scenes = [scene for scene in scenes if scene.rows]

    def work(podman, engine, archive):
        absent = [scene for scene in scenes if scene.needs and not os.access(scene.needs, os.R_OK | os.W_OK)]
        for scene in absent:
            print(f"{scene.name}: {len(scene.rows)} command lines need {scene.needs}, which is closed to this user")
        played = [scene for scene in scenes if scene not in absent]
        players = []
        for side, folder in ((podman, Path("podman-files")), (engine, Path("engine-files"))):
            settings = Path(side.environment["HOME"]) / ".config/containers/containers.conf"
            settings.parent.mkdir(parents=True, exist_ok=True)
            rest = settings.read_text().replace("[containers]\npids_limit = 0\n", "") if settings.exists() else ""
            settings.write_text(SETTINGS + rest)
            players.append(Player(side, folder.resolve()))
            side.must("load", "-q", "-i", str(archive))
        podman_answers, engine_answers = play_both(players, played)
        return report([row for scene in played for row in scene.rows], podman_answers, engine_answers, options.show)
    return sides.compare(work)


if __name__ == "__main__":
    sys.exit(main())
