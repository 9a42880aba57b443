#!/usr/bin/env python3
"""Closes runs of `meson test`: what failed, each with the first lines of why, and then one line: N passed, N failed,
N skipped (single test cases, not programs). Whoever sees only the end of a long log sees this.

    summary.py LOG_FOLDER...
"""

import json
import re
import sys
from pathlib import Path

DOCTEST = re.compile(r"test cases:\s+\d+ \|\s+(\d+) passed \|\s+(\d+) failed \|\s+(\d+) skipped")
UNITTEST = re.compile(r"^Ran (\d+) tests? in", re.M)
UNITTEST_RESULT = re.compile(r"^(?:OK|FAILED)(?: \((.*)\))?$", re.M)
# What unittest prints of one failure: its name, a line, and the traceback up to the next line of dashes.
UNITTEST_FAILURE = re.compile(r"^={70}\n(?:FAIL|ERROR): (.*)\n(?:.*\n)*?-{70}\n((?:.*\n)*?)(?=={70}$|-{70}$|\Z)", re.M)
EXCEPTION = re.compile(r"^\w[\w.]*(?:: |$)", re.M)
DOCTEST_FAILURE = re.compile(r"^.*(?:ERROR|FATAL ERROR): .*\n(?:.*\n){,3}", re.M)
MOST_REASONS, MOST_LINES_OF_ONE, MOST_LINES_OF_END = 8, 10, 20


def output(test):
    return re.sub(r"\x1b\[[0-9;]*m", "", test.get("stdout", "") + test.get("stderr", ""))


def last_exception(traceback):
    """Its lines: what led to it stands before, indented or of an earlier one."""
    begins = [found.start() for found in EXCEPTION.finditer(traceback) if not found.group().startswith("Traceback")]
    after_frames = traceback.rfind("\n  File ")
    return traceback[next((begin for begin in begins if begin > after_frames), 0):]


def reasons(text):
    """(name, lines) of each failed case in what a program has printed; at least one."""
    found = [(name, last_exception(traceback)) for name, traceback in UNITTEST_FAILURE.findall(text)]
    found = found or [("", failure) for failure in DOCTEST_FAILURE.findall(text)]
    if not found:
        return [("", text.splitlines()[-MOST_LINES_OF_END:])]
    return [(name, [line for line in why.splitlines() if line.strip("=")][:MOST_LINES_OF_ONE]) for name, why in found]


def print_failure(test):
    found = reasons(output(test))
    print(f"\n{test['result']}: {test['name']}")
    for name, lines in found[:MOST_REASONS]:
        print("\n    ".join([f"  {name}", *lines] if name else ["", *lines]).lstrip("\n"))
    if len(found) > MOST_REASONS:
        print(f"  and {len(found) - MOST_REASONS} more")


def counts(test):
    """(passed, failed, skipped) of one program."""
    plain = output(test)
    if found := DOCTEST.search(plain):
        return tuple(int(number) for number in found.groups())
    if runs := UNITTEST.findall(plain):  # one for each user, where several run the same tests
        words = re.findall(r"(failures|errors|skipped)=(\d+)", " ".join(UNITTEST_RESULT.findall(plain)))
        skipped = sum(int(count) for word, count in words if word == "skipped")
        failed = sum(int(count) for word, count in words if word != "skipped")
        return sum(map(int, runs)) - failed - skipped, failed, skipped
    return (1, 0, 0) if test["result"] == "OK" else (0, 0, 1) if test["result"] == "SKIP" else (0, 1, 0)


def main():
    total = [0, 0, 0]
    logs = [Path(folder) / "testlog.json" for folder in sys.argv[1:]]
    for line in "".join(log.read_text() for log in logs).splitlines():
        test = json.loads(line)
        passed, failed, skipped = counts(test)
        if test["result"] not in ("OK", "SKIP") and failed == 0:
            failed = 1  # it crashed or timed out before it could count
        if failed:
            print_failure(test)
        total = [total[0] + passed, total[1] + failed, total[2] + skipped]
    print(f"{total[0]} passed, {total[1]} failed, {total[2]} skipped")
    return 1 if total[1] or not total[0] else 0


if __name__ == "__main__":
    sys.exit(main())
