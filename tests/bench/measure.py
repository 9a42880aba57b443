"""Times commands of several programs in turn (A B A B) and prints medians, extremes and ratios."""

import json
import os
import shlex
import statistics
import sys
import time
from dataclasses import dataclass, field


class CommandFailed(Exception):
    pass


@dataclass
class Contender:
    """One program's way to do the work. prepare and clean_up run before and after each command and are not timed."""
    name: str
    command: list
    environment: dict
    prepare: object = None
    clean_up: object = None
    seconds: list = field(default_factory=list)
    cpu_seconds: list = field(default_factory=list)  # user and system, waited-for children included
    peak_kib: list = field(default_factory=list)  # resident set of the largest process, waited-for children included
    failure: str = ""


@dataclass
class Goal:
    """`contender` should take at least `times` of what the first contender takes (below 1: may take that share); of
    its CPU time, too, when `cpu` is set."""
    contender: str
    times: float
    aim: float = 0.0
    cpu: bool = False
    peak_mib: float = 0.0


@dataclass
class Benchmark:
    title: str
    contenders: list  # the first is ours; all ratios are to it
    runs: int
    goal: Goal = None


def run_once(command, environment, output):
    """Seconds, CPU seconds and peak KiB of one command. posix_spawn, because a fork of this interpreter costs more than engine."""
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    start = time.perf_counter()
    pid = os.posix_spawn(command[0], command, environment, file_actions=actions)
    _, status, usage = os.wait4(pid, 0)
    seconds = time.perf_counter() - start
    if status != 0:
        with open(output, errors="replace") as said:
            raise CommandFailed(f"{shlex.join(command)}: status {status:#x}: {said.read()[-600:].strip()}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss


class Measurer:
    def __init__(self, folder, settle, progress):
        self.output = str(folder / "output")
        self.settle = settle  # waits until what a command left behind (podman's clean-up) has ended
        self.progress = progress

    def measure(self, benchmark):
        """One unmeasured round to warm caches, then `runs` rounds; every round runs every contender once."""
        for round_number in range(benchmark.runs + 1):
            for contender in benchmark.contenders:
                if not contender.failure:
                    self._turn(contender, keep=round_number > 0)
            if self.progress:
                print(f"\r{benchmark.title}: {round_number}/{benchmark.runs} ", end="", file=sys.stderr, flush=True)
        if self.progress:
            print("\r\033[K", end="", file=sys.stderr, flush=True)

    def _turn(self, contender, keep):
        try:
            if contender.prepare:
                contender.prepare()
            try:
                seconds, cpu_seconds, peak_kib = run_once(contender.command, contender.environment, self.output)
            finally:
                self.settle()
                if contender.clean_up:
                    contender.clean_up()
        except (CommandFailed, OSError) as problem:
            contender.failure = str(problem)
            return
        if keep:
            contender.seconds.append(seconds)
            contender.cpu_seconds.append(cpu_seconds)
            contender.peak_kib.append(peak_kib)


def milliseconds(seconds):
    value = seconds * 1000
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def verdict(benchmark):
    """(text, met) of the goal; met is None when it could not be measured."""
    goal, ours = benchmark.goal, benchmark.contenders[0]
    peer = next((one for one in benchmark.contenders if one.name == goal.contender), None)
    if not ours.seconds or peer is None or not peer.seconds:
        return "not measured", None
    ratio = statistics.median(peer.seconds) / statistics.median(ours.seconds)
    met = ratio >= goal.times
    text = f"{ratio:.2f}x {goal.contender} (want {goal.times:g}x" + (f", aim {goal.aim:g}x)" if goal.aim else ")")
    if goal.cpu:
        ratio = statistics.median(peer.cpu_seconds) / statistics.median(ours.cpu_seconds)
        met = met and ratio >= goal.times
        text += f", {ratio:.2f}x its CPU time"
    if goal.peak_mib:
        peak_mib = max(ours.peak_kib) / 1024
        met = met and peak_mib < goal.peak_mib
        text += f", peak {peak_mib:.1f} MiB (want < {goal.peak_mib:g})"
    return text, met


def print_table(benchmarks):
    row = "  {:<38} {:>4} {:>9} {:>9} {:>9} {:>7} {:>7} {:>9} {:>7} {:>9}"
    for benchmark in benchmarks:
        print(f"\n{benchmark.title}")
        print(row.format("", "runs", "median ms", "min", "max", "ratio", "min/min", "CPU ms", "ratio", "peak MiB"))
        ours = benchmark.contenders[0]
        for one in benchmark.contenders:
            if not one.seconds:
                print(f"  {one.name:<38} failed: {one.failure or 'not run'}")
                continue
            median = statistics.median(one.seconds)
            cpu = statistics.median(one.cpu_seconds)
            ratios = ["-", "-", "-"]
            if ours.seconds:
                ratios = [f"{median / statistics.median(ours.seconds):.2f}", f"{min(one.seconds) / min(ours.seconds):.2f}",
                          f"{cpu / max(statistics.median(ours.cpu_seconds), 1e-6):.2f}"]
            print(row.format(one.name, len(one.seconds), milliseconds(median), milliseconds(min(one.seconds)),
                             milliseconds(max(one.seconds)), *ratios[:2], milliseconds(cpu), ratios[2],
                             f"{max(one.peak_kib) / 1024:.1f}"))
        if benchmark.goal:
            text, met = verdict(benchmark)
            print(f"  => {'met' if met else 'MISSED' if met is not None else 'unknown'}: {text}")


def as_json(benchmarks, facts):
    """Everything that was measured, in seconds and KiB."""
    return json.dumps({"facts": facts, "benchmarks": [{
        "title": benchmark.title,
        "goal": dict(zip(("text", "met"), verdict(benchmark))) if benchmark.goal else None,
        "contenders": [{
            "name": one.name, "command": one.command, "seconds": one.seconds, "cpu_seconds": one.cpu_seconds,
            "peak_kib": one.peak_kib,
            "failure": one.failure, "median_seconds": statistics.median(one.seconds) if one.seconds else None,
        } for one in benchmark.contenders],
    } for benchmark in benchmarks]}, indent=2)
