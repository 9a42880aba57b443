#!/usr/bin/env python3
"""Prints one closing line for runs of `meson test`: N passed, N failed, N skipped (single test cases, not programs).

    summary.py LOG_FOLDER...
"""

import json
import re
import sys
from pathlib import Path

DOCTEST = re.compile(r"test cases:\s+\d+ \|\s+(\d+) passed \|\s+(\d+) failed \|\s+(\d+) skipped")
UNITTEST = re.compile(r"^Ran (\d+) tests? in", re.M)
UNITTEST_RESULT = re.compile(r"^(?:OK|FAILED)(?: \((.*)\))?$", re.M)


def counts(test):
    """(passed, failed, skipped) of one program."""
    text = test.get("stdout", "") + test.get("stderr", "")
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
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
        total = [total[0] + passed, total[1] + failed, total[2] + skipped]
    print(f"{total[0]} passed, {total[1]} failed, {total[2]} skipped")
    return 1 if total[1] or not total[0] else 0


if __name__ == "__main__":
    sys.exit(main())
