#!/usr/bin/env python3
"""Runs the conformance tests against one OCI runtime, as root and as an ordinary user.

    ENGINE=build/cmd/engine tests/conformance/run.py                        engine runtime
    tests/conformance/run.py --runtime crun [--place root|user|v1] [-v] test_hooks test_state.StateTest ...

Started by root it makes the user engine-test with subordinate ids, and gives the tests the cgroup2 view that peers insist
on, in a mount namespace of its own. Started by an ordinary user it runs the tests of that place only. Differences of
peers that are known stand in known_differences.tsv with their reason; they are counted, not hidden.

ENGINE   the engine to test     GUEST   the guest program; looked for in ENGINE's build directory
"""

import argparse
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
SKIPPED = 77  # as meson counts it
PLACES = ("root", "user", "v1")
PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
# Only what concerns cgroups differs between the versions of them.
V1_TESTS = ["test_cgroups"]


def parse_words():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runtime", default="engine", help="engine, or the name or path of a peer [engine]")
    parser.add_argument("--place", action="append", choices=PLACES, help="only this one (repeatable) [all]")
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)  # surroundings are made
    parser.add_argument("tests", nargs="*")
    return parser.parse_args()


def runtime_command(name):
    """The command line that speaks runc's language, and its short name."""
    if name == "engine":
        if "ENGINE" not in os.environ:
            sys.exit("ENGINE must name the engine to test, for example ENGINE=build/cmd/engine")
        return [str(Path(os.environ["ENGINE"]).resolve()), "runtime"], "engine"
    program = shutil.which(name)
    if not program:
        sys.exit(f"{name} is not installed")
    return [program], Path(program).name


def find_guest():
    if "GUEST" in os.environ:
        return Path(os.environ["GUEST"]).resolve()
    if "ENGINE" in os.environ:
        return Path(os.environ["ENGINE"]).resolve().parent.parent / "tests/guest/guest"
    sys.exit("GUEST must name the guest program, for example GUEST=build/tests/guest/guest")


# --- as root: surroundings for each place ---

def run_place(place, words, command, name, guest):
    """The tests in a process of their own, because mount namespace, cgroup and user cannot be left again."""
    import surroundings
    stage = Path(tempfile.mkdtemp(prefix="conformance-stage-", dir="/var/tmp"))
    child = None
    try:
        os.chmod(stage, 0o755)
        for program, target in ((command[0], "runtime-program"), (guest, "guest")):
            shutil.copy(program, stage / target)
            os.chmod(stage / target, 0o755)
        if name == "engine":
            command = [str(stage / "runtime-program"), *command[1:]]
        for source in [*HERE.glob("*.py"), *HERE.glob("*.tsv")]:
            shutil.copy(source, stage)
            os.chmod(stage / source.name, 0o644)
        child = os.fork()
        if child == 0:
            os._exit(run_in_namespace(place, words, command, name, stage, surroundings))
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def run_in_namespace(place, words, command, name, stage, surroundings):
    user = surroundings.make_user("engine-test") if place == "user" else pwd.getpwuid(0)
    try:
        group = surroundings.see_own_cgroup2(user, "engine-conformance") if place != "v1" else None
    except OSError as error:
        return left_out(f"{place}: no view of cgroup version 2 can be made here: {error.strerror}")
    environment = {"PATH": PATH, "HOME": user.pw_dir, "USER": user.pw_name, "LC_ALL": "C.UTF-8",
                   "RUNTIME": " ".join(command), "RUNTIME_NAME": name, "PLACE": place, "GUEST": str(stage / "guest")}
    for kept in ("RUNTIME_SPEC", "WRITE_GOLDEN", "TMPDIR", "ASAN_OPTIONS", "UBSAN_OPTIONS"):
        if kept in os.environ:
            environment[kept] = os.environ[kept]
    python = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
    rest = (["-v"] if words.verbose else []) + words.tests
    try:
        if place == "user":
            runtime_dir = stage / "xdg"
            runtime_dir.mkdir()
            os.chown(runtime_dir, user.pw_uid, user.pw_gid)
            environment["XDG_RUNTIME_DIR"] = str(runtime_dir)
        identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if place == "user" else {}
        return subprocess.run([python, "-B", stage / "run.py", "--inside", *rest], cwd="/", env=environment,
                              stdin=subprocess.DEVNULL, **identity).returncode
    finally:
        if group:
            remove_empty_cgroups()  # peers leave some behind
            surroundings.leave_cgroup(group)


def remove_empty_cgroups():
    for top in Path("/sys/fs/cgroup").glob("conform-*"):
        for folder, _, _ in os.walk(top, topdown=False):
            try:
                os.rmdir(folder)
            except OSError:
                pass  # somebody else's run is in there


def left_out(what):
    print(f"==> left out: {what}", file=sys.stderr)
    return SKIPPED


def has_cgroup_v1():
    return any(" - cgroup " in line for line in Path("/proc/self/mountinfo").read_text().splitlines())


# --- in the place: the tests ---

class Outcome(unittest.TextTestResult):
    """Failures that known_differences.tsv explains are counted apart; one that does not fail any more is a failure."""

    def __init__(self, *words, **more):
        super().__init__(*words, **more)
        self.differences, self.explained, self.seconds = read_differences(), set(), {}

    def startTest(self, test):
        super().startTest(test)
        self.begin = time.monotonic()

    def stopTest(self, test):
        super().stopTest(test)
        self.seconds[test.id()] = time.monotonic() - self.begin

    def _explained(self, test):
        name = test.id() if not hasattr(test, "test_case") else test.test_case.id()
        key = next((key for key in (name, name.rsplit(".", 1)[0]) if key in self.differences), None)
        if key and name not in self.explained:  # once for all its subtests
            self.explained.add(name)
            self.skipped.append((test, "known difference: " + self.differences[key]))
        return key is not None

    def addFailure(self, test, err):
        if not self._explained(test):
            super().addFailure(test, err)

    def addError(self, test, err):
        if not self._explained(test):
            super().addError(test, err)

    def addSubTest(self, test, subtest, err):
        if err is None or not self._explained(test):
            super().addSubTest(test, subtest, err)

    def addSuccess(self, test):
        # One that depends on who is faster begins with "sometimes".
        always = not self.differences.get(test.id(), "sometimes").startswith("sometimes")
        if always and test.id() not in self.explained:
            super().addFailure(test, (AssertionError, AssertionError("this difference is gone; delete its line"), None))
        else:
            super().addSuccess(test)


def read_differences():
    """test -> reason, of this runtime in this place. Columns: runtime, place (* for all), test or class, reason."""
    known = {}
    for line in (HERE / "known_differences.tsv").read_text().splitlines():
        if line and not line.startswith("#"):
            runtime, place, test, reason = line.split("\t")
            if runtime == os.environ["RUNTIME_NAME"] and place in ("*", os.environ["PLACE"]):
                known[test] = reason
    return known


def run_tests(words):
    names = words.tests or (V1_TESTS if os.environ["PLACE"] == "v1" else
                            [path.stem for path in sorted(HERE.glob("test_*.py"))])
    suite = unittest.defaultTestLoader.loadTestsFromNames([name.removesuffix(".py") for name in names])
    print(f"==> {os.environ['RUNTIME_NAME']}, {os.environ['PLACE']}", file=sys.stderr, flush=True)
    result = unittest.TextTestRunner(verbosity=2 if words.verbose else 1, resultclass=Outcome).run(suite)
    if result.explained:
        print(f"{len(result.explained)} of the skipped tests are known differences", file=sys.stderr)
    if words.verbose:
        for seconds, name in sorted(((seconds, name) for name, seconds in result.seconds.items()), reverse=True)[:10]:
            print(f"{seconds:7.2f} s  {name}", file=sys.stderr)
    return 0 if result.wasSuccessful() else 1


def main():
    words = parse_words()
    if words.inside:
        return run_tests(words)
    command, name = runtime_command(words.runtime)
    guest = find_guest()
    if not guest.exists():
        sys.exit(f"{guest} does not exist; build it first")
    if os.getuid() != 0:
        if words.place and "user" not in words.place:
            return left_out(f"{' and '.join(words.place)}: start this as root")
        os.environ.update(RUNTIME=" ".join(command), RUNTIME_NAME=name, PLACE="user", GUEST=str(guest))
        return run_tests(words)
    sys.path.insert(0, str(HERE.parent / "bench"))
    status = 0
    for place in words.place or PLACES:
        if place == "v1" and (name == "crun" or not has_cgroup_v1()):
            left_out("v1: crun refuses both versions side by side" if name == "crun" else "v1: this machine has none")
            status = status or SKIPPED if words.place == ["v1"] else status
            continue
        status |= run_place(place, words, command, name, guest)
    return status


if __name__ == "__main__":
    sys.exit(main())
