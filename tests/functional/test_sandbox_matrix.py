"""Every surroundings of the table in engine-modes(7): `engine run IMAGE echo ok` works, and the mode is what the page says.

Run by root, which makes the surroundings; the engine runs as an ordinary user. The table is read from the page, so that the
two cannot disagree.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import traceback
import unittest
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import make_image
import sandbox
from engine_test import BUSYBOX, ENGINE, PATIENCE_SECONDS
from run import USER, make_user, mount

PAGE = Path(__file__).resolve().parents[2] / "man/engine-modes.7.md"
PARTS = ("ids", "rootfs", "namespaces", "cgroup", "network")
USUAL = "nothing missing"
ERROR, UNCHANGED = "error: ", "-"
MODE = re.compile(r"(\w+)=(\S+)(?: \((?:[^()]|\([^()]*\))*\))?")


def table():
    """(surroundings, {part: value}, or the hint of the error) of every line."""
    lines = PAGE.read_text().splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("    SURROUNDINGS "))
    for line in lines[first + 1:]:
        if not line.strip():
            return
        name, *values = re.split(r"  +", line.strip())
        if values[0].startswith(ERROR):
            yield name, values[0].removeprefix(ERROR)
        else:
            yield name, dict(zip(PARTS, values, strict=True))


@dataclass
class Case:
    """One run: folders of its own, and what is changed for it."""
    stage: Path
    home: Path
    runtime: Path
    environment: dict


@dataclass
class Row:
    """How surroundings are made, by root between fork and exec; and a shell command that fails where they are not."""
    prepare: Callable[[Case], None]
    proof: str
    unset: str = ""  # a variable


def hide_fuse(case):
    sandbox.hide("/dev/fuse", case.stage)


def put_home_on_overlay(case):
    sandbox.put_on_overlay(case.home, case.stage)


def without_overlay_and_fuse(case):
    put_home_on_overlay(case)
    hide_fuse(case)


def cover_all(*paths):
    def prepare(_):
        for path in paths:
            if os.path.exists(path):
                sandbox.cover(path)
    return prepare


def limit(name):
    return lambda _: sandbox.enter_user_namespace({name: "0"})


def without_cgroup(_):
    mount("tmpfs", "/sys/fs/cgroup", b"tmpfs", sandbox.MS_RDONLY)


def with_hybrid_cgroup(_):
    mount("tmpfs", "/sys/fs/cgroup", b"tmpfs")
    os.mkdir("/sys/fs/cgroup/unified")
    mount("cgroup2", "/sys/fs/cgroup/unified", b"cgroup2")


def with_noexec_tmp(_):
    mount("tmpfs", "/tmp", b"tmpfs", sandbox.MS_NOEXEC)


ROWS = {
    USUAL: Row(lambda _: None, "true"),
    "no newuidmap": Row(cover_all(*filter(None, map(shutil.which, ("newuidmap", "newgidmap")))),
                        '! test -f "$(readlink -f /usr/bin/newuidmap)"'),
    "no line in /etc/subuid": Row(cover_all("/etc/subuid", "/etc/subgid"), "! test -s /etc/subuid"),
    "no /dev/fuse": Row(hide_fuse, "! test -w /dev/fuse"),
    "no overlay": Row(put_home_on_overlay, 'test "$(stat -f -c %T $HOME)" = overlayfs'),
    "no overlay, no /dev/fuse": Row(without_overlay_and_fuse, '! test -w /dev/fuse && test "$(stat -f -c %T $HOME)" = overlayfs'),
    "no network namespaces": Row(limit("max_net_namespaces"), "! unshare -Urn true 2>/dev/null"),
    "no pid namespaces": Row(limit("max_pid_namespaces"), "! unshare -Urpf true 2>/dev/null"),
    "read-only /sys": Row(lambda _: sandbox.make_read_only("/sys", True), "grep -q ' /sys/fs/cgroup ro' /proc/self/mountinfo"),
    "masked /proc": Row(cover_all("/proc/interrupts", "/proc/keys"), "grep -q ' /proc/interrupts ' /proc/self/mountinfo"),
    "read-only /proc/sys": Row(lambda _: sandbox.make_read_only("/proc/sys"), "grep -q ' /proc/sys ro' /proc/self/mountinfo"),
    "no cgroup": Row(without_cgroup, "! test -e /sys/fs/cgroup/cgroup.procs"),
    "hybrid cgroup": Row(with_hybrid_cgroup, "test -e /sys/fs/cgroup/unified/cgroup.procs"),
    "no XDG_RUNTIME_DIR": Row(lambda _: None, 'test -z "$XDG_RUNTIME_DIR"', unset="XDG_RUNTIME_DIR"),
    "read-only HOME": Row(lambda case: sandbox.make_read_only(case.home), '! touch "$HOME/x" 2>/dev/null'),
    "no /dev/net/tun": Row(lambda case: sandbox.hide("/dev/net/tun", case.stage), "! test -w /dev/net/tun"),
    # The run folder is in /tmp then.
    "noexec /tmp": Row(with_noexec_tmp, "cp /bin/true /tmp/exec-$$ && ! /tmp/exec-$$ 2>/dev/null",
                       unset="XDG_RUNTIME_DIR"),
    "user namespaces off": Row(limit("max_user_namespaces"), "! unshare -U true 2>/dev/null"),
}
# As root.
WITHOUT_RIGHTS = "container without rights"
ROWS[WITHOUT_RIGHTS] = Row(lambda _: sandbox.lose_rights(),
                           "! unshare -U true 2>/dev/null && ! mount --bind / /mnt 2>/dev/null && test $(id -u) = 0")
OUTER = ("container of podman", "bubblewrap")


@unittest.skipUnless(os.getuid() == 0, "only root can make these surroundings")
class SandboxMatrixTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.user = make_user(USER, True)
        place = os.environ.get("TMPDIR", "/var/tmp")
        kind = subprocess.run(["stat", "-f", "-c", "%T", place], stdout=subprocess.PIPE, text=True, check=True).stdout
        # Nothing else would have an overlay where that is one itself.
        cls.stage = Path(tempfile.mkdtemp(prefix="engine-sandbox-", dir="/dev/shm" if "overlay" in kind else place))
        cls.addClassCleanup(cls.remove_stage)
        cls.stage.chmod(0o755)
        for program in (Path(ENGINE), Path(os.environ["ENGINE_TRANSFER"])):
            shutil.copy(program, cls.stage / program.name)
        make_image.busybox_image(BUSYBOX).write_archive(cls.stage / "image.tar")
        (cls.stage / "image.tar").chmod(0o644)
        cls.cgroup = sandbox.Cgroup(cls.user)
        cls.addClassCleanup(cls.cgroup.remove)

    @classmethod
    def remove_stage(cls):
        shutil.rmtree(cls.stage, ignore_errors=True)

    def case(self, name):
        folder = self.stage / re.sub(r"\W+", "-", name)
        case = Case(folder, folder / "home", folder / "run", {})
        folder.mkdir()
        for place in (case.home, case.runtime):
            place.mkdir(mode=0o700)
            os.chown(place, self.user.pw_uid, self.user.pw_gid)
        case.environment.update(PATH="/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", LC_ALL="C.UTF-8", USER=self.user.pw_name,
                                HOME=str(case.home), XDG_RUNTIME_DIR=str(case.runtime))
        return case

    def run_in(self, case, prepare, words, as_user=True):
        errors = os.dup(2)
        self.addCleanup(os.close, errors)

        def between():
            try:
                sandbox.make_usual(case.stage, self.cgroup)
                prepare(case)
                if as_user:
                    sandbox.become(self.user)
            except BaseException:
                os.write(errors, traceback.format_exc().encode())  # subprocess would not say what it was
                raise
        return subprocess.run(words, env=case.environment, cwd="/", preexec_fn=between, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=PATIENCE_SECONDS)

    def as_root(self, case):
        """The engine with a store below the stage, where root would have one of the machine's."""
        os.chown(case.runtime, 0, 0)
        return f"{self.stage / Path(ENGINE).name} --root {case.stage}/store --runroot {case.runtime}/engine"

    def in_chroot(self, name, script, prepare=None):
        """A shell script of root without rights; `engine` in it is the engine, with the image in its store."""
        case = self.case(name)
        return self.run_in(case, prepare or ROWS[WITHOUT_RIGHTS].prepare, ["sh", "-c", (
            f"engine() {{ {self.as_root(case)} \"$@\"; }}; engine pull -q oci-archive:{self.stage}/image.tar >/dev/null || exit; {script}")],
            as_user=False)

    def script(self, proof="true", engine=None):
        engine = engine or self.stage / Path(ENGINE).name
        return (f"{proof} || {{ echo the surroundings are not what they should be >&2; exit 99; }}; {engine} image exists {BUSYBOX} "
                f"2>/dev/null || {engine} pull -q oci-archive:{self.stage}/image.tar >/dev/null || exit; "
                f"{engine} --log-level info run --rm {BUSYBOX} echo ok")

    def mode_in(self, done):
        line = next((line for line in done.stderr.splitlines() if "mode: " in line), None)
        self.assertIsNotNone(line, done)
        return {name: value for name, value in MODE.findall(line.partition("mode: ")[2]) if name in PARTS}

    def test_the_table_is_complete(self):
        self.assertEqual(sorted(name for name, _ in table()), sorted([*ROWS, *OUTER]))

    def test_nothing_is_proved_where_nothing_is_missing(self):
        """What follows could not fail otherwise."""
        case = self.case("usual-proofs")
        proofs = "".join(f"if {row.proof}; then echo '{name}'; fi; " for name, row in ROWS.items())
        done = self.run_in(case, ROWS[USUAL].prepare, ["sh", "-c", proofs])
        self.assertEqual(done.stdout, f"{USUAL}\n", done)

    def test_life_in_a_chroot(self):
        done = self.in_chroot("chroot life", f"""
            set -e
            engine run -d --name box {BUSYBOX} sh -c 'echo out; echo err >&2; trap "exit 9" TERM; while :; do sleep 0.1; done' >/dev/null 2>&1
            until test "$(engine logs box 2>&1 | wc -l)" = 2; do sleep 0.05; done
            engine ps --format '{{{{.Names}}}} {{{{.Status}}}}' | grep -q '^box Up'
            engine exec box sh -c 'echo inside > /made; id -u; pwd; ls -d /bin; ls -di / | cut -d" " -f1'
            ls -di / | tr -s ' ' | sed 's/^ *//' | cut -d' ' -f1
            engine exec --user 1000 box sh -c 'id -u; touch /bin/x 2>/dev/null || echo refused'
            engine exec -t box sh -c 'test -t 1 && echo terminal'
            engine exec box nosuch 2>/dev/null || echo status $?
            engine cp box:/made - 2>/dev/null >/dev/null || echo not while it runs
            engine stop box >/dev/null; engine inspect -f '{{{{.State.ExitCode}}}}' box
            engine cp box:/made - | tar -xO
            engine start box >/dev/null; engine exec box cat /made; engine rm -f -t 0 box >/dev/null; engine ps -aq
            """)
        lines = done.stdout.replace("\r", "").split("\n")
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(lines[:3], ["0", "/", "/bin"], done)
        self.assertNotEqual(lines[3], lines[4], "exec is in the root directory of the surroundings")
        self.assertEqual(lines[5:], ["1000", "refused", "terminal", "status 127", "not while it runs", "9", "inside", "inside", ""], done)

    def test_what_a_chroot_takes_away(self):
        done = self.in_chroot("chroot rights", f"""
            for words in "chroot / true" "mknod /block b 8 0" "ls /proc/1" "cat {self.stage}/image.tar"; do
                engine run --rm {BUSYBOX} $words >/dev/null 2>&1 && echo done: $words
            done
            engine run --rm --security-opt seccomp=unconfined {BUSYBOX} chroot / true 2>/dev/null && echo done: unconfined
            engine run --rm {BUSYBOX} sh -c 'cd ../../..; cd ..; test -e {self.stage}' 2>/dev/null && echo done: up
            engine run --rm {BUSYBOX} sh -c 'echo > /etc/hosts; touch /here' 2>/dev/null || echo not written
            test -s /etc/hosts || echo done: hosts
            """)
        self.assertEqual(done.stdout, "", done)

    def test_what_is_not_possible_in_a_chroot_is_one_line(self):
        options = ("-v /tmp:/tmp", "--tmpfs /t", "--mount type=tmpfs,destination=/t", "--network none", "-p 8080:80", "--privileged",
                   "--read-only", "--cap-add SYS_CHROOT", "--pid private", "--hostname x", "--userns keep-id", "--require full",
                   "--require namespaces")
        done = self.in_chroot("chroot refusals", "".join(
            f"engine run --rm {option} {BUSYBOX} true || echo $?; " for option in options) + "engine unshare true || echo $?; engine ps -aq")
        self.assertEqual(done.stdout.split(), ["125"] * (len(options) + 1), done)
        errors = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
        self.assertEqual(len(errors), len(options) + 1, done)

    def test_devices_of_a_chroot(self):
        """Of root that may make them: it has engine.conf say so."""
        def prepare(case):
            conf = case.home / ".config/containers"
            conf.mkdir(parents=True)
            (conf / "engine.conf").write_text('[mode]\nwithout = ["user"]\n')
        done = self.in_chroot("chroot devices", f"""
            for turn in 1 2; do
                engine run --name box --replace {BUSYBOX} sh -c 'echo x > /dev/null; test -c /dev/null; cat /dev/null; head -c 3 /dev/zero | wc -c; stat -c %a /dev/null'
            done; engine start -a box""", prepare)
        self.assertEqual(done.stdout.split(), ["3", "666"] * 3, done)

    def test_a_chroot_is_left_as_soon_as_something_better_can_be_had(self):
        """What was found out at the same place when there was less is not believed."""
        case = self.case("chroot left")
        kind = f"{self.as_root(case)} info --format '{{{{.Mode.namespaces.kind}}}}'"
        limit = "/proc/sys/user/max_user_namespaces"
        done = self.run_in(case, lambda _: sandbox.enter_user_namespace({}), ["sh", "-ec", (
            f"before=$(cat {limit}); echo 0 > {limit}; setpriv --bounding-set=-sys_admin {kind}; "
            f"echo $before > {limit}; setpriv --bounding-set=-sys_admin {kind}")], as_user=False)
        self.assertEqual(done.stdout.split(), ["chroot", "all"], done)

    def test_a_limit_that_is_reached_just_now_brings_no_chroot(self):
        """Another time there would be namespaces, and what was asked for was a container."""
        case = self.case("limit reached")
        limit = "/proc/sys/user/max_user_namespaces"
        image = f"oci-archive:{self.stage}/image.tar"
        engine = f"setpriv --bounding-set=-sys_admin {self.as_root(case)}"
        done = self.run_in(case, lambda _: sandbox.enter_user_namespace({}), ["sh", "-ec", (
            f"{engine} pull -q {image} >/dev/null; echo 1 > {limit}; unshare -U sleep 1000 >/dev/null 2>&1 & holder=$!; "
            f"while unshare -U true 2>/dev/null; do :; done; "
            f"{engine} run --rm {BUSYBOX} echo as a chroot || echo $?; kill $holder")], as_user=False)
        self.assertEqual(done.stdout, "125\n", done)
        self.assertIn("user.max_user_namespaces", done.stderr)

    def test_who_can_have_namespaces_is_given_no_chroot(self):
        case = self.case("no chroot")
        conf = case.home / ".config/containers"
        conf.mkdir(parents=True)
        (conf / "engine.conf").write_text('[mode]\nwithout = ["user"]\n')
        done = self.run_in(case, ROWS[USUAL].prepare, ["sh", "-c", self.script()])  # not even when it is asked for
        self.assertIn("for root only", done.stderr, done)
        self.assertEqual((done.stdout, done.returncode), ("", 125), done)

    def run_row(self, name):
        case = self.case(name)
        if name == "read-only HOME":  # images that are there are used
            self.run_in(case, ROWS[USUAL].prepare, ["sh", "-c", self.script()])
        if name == "container of podman":
            return self.run_in_podman(case)
        if name == "bubblewrap":
            return self.run_in(case, ROWS[USUAL].prepare, [
                "bwrap", "--unshare-all", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--bind",
                case.home, case.home, "--bind", case.runtime, case.runtime, "sh", "-c", self.script("! test -e /dev/fuse")])
        if name == WITHOUT_RIGHTS:
            return self.run_in(case, ROWS[name].prepare, ["sh", "-c", self.script(ROWS[name].proof, self.as_root(case))],
                               as_user=False)
        case.environment.pop(ROWS[name].unset, None)
        return self.run_in(case, ROWS[name].prepare, ["sh", "-c", self.script(ROWS[name].proof)])

    def run_in_podman(self, case):
        # Not below the stage, through which its /proc could be seen without masks.
        root = Path(tempfile.mkdtemp(prefix="engine-podman-", dir=self.stage.parent))
        self.addCleanup(shutil.rmtree, root, ignore_errors=True)
        root.chmod(0o755)
        for name in ("usr", "tmp", "etc", "root", "proc", "sys", "dev", "store"):
            (root / name).mkdir(parents=True)
        for name in ("bin", "sbin", "lib", "lib64"):
            (root / name).symlink_to(f"usr/{name}")
        os.chown(case.home, 0, 0)
        runroot = tempfile.mkdtemp(prefix="pod-", dir="/tmp")  # podman wants it short
        self.addCleanup(shutil.rmtree, runroot, ignore_errors=True)
        words = ["podman", "--root", case.stage / "podman", "--runroot", runroot, "--cgroup-manager", "cgroupfs",
                 "run", "--rm", "--network", "none", "--cgroups", "disabled", "--pids-limit", "0", "--ulimit", "nofile=1024:1024",
                 "--ulimit", "nproc=4096:4096", "-v", "/usr:/usr:ro", "-v", f"{self.stage}:{self.stage}:ro", "-v",
                 f"{case.home}:/var/lib/engine", "--rootfs", root, "sh", "-c", self.script("! test -e /dev/fuse")]
        return self.run_in(case, ROWS[USUAL].prepare, words, as_user=False)

    def test_every_row(self):
        rows = dict(table())
        has_tun = os.path.exists("/dev/net/tun")
        for name, expected in rows.items():
            with self.subTest(surroundings=name):
                done = self.run_row(name)
                if isinstance(expected, str):
                    self.assertEqual(done.returncode, 125, done)
                    self.assertRegex(done.stderr, rf"\AError: [^\n]*\nhint: {re.escape(expected)}\n\Z", done)
                    continue
                self.assertEqual((done.stdout, done.returncode), ("ok\n", 0), done)
                wanted = {part: rows[USUAL][part] if value == UNCHANGED else value for part, value in expected.items()}
                if not has_tun:
                    wanted["network"] = "none"
                self.assertEqual(self.mode_in(done), wanted, done)


if __name__ == "__main__":
    sys.exit("run it with run.py")
