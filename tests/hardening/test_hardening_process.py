"""What a container can reach of the engine itself: its file, its memory, its descriptors, its terminal, its keys."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import make_image
from hardening_test import ENGINE, Attacker, BundleTest, HardeningTest, row, wait_until
from terminal import Terminal

EXECS = 120


def checksum(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


class EngineFileTest(HardeningTest):
    """CVE-2019-5736 and CVE-2016-9962: the engine's own file and processes, as seen from inside."""

    def setUp(self):
        super().setUp()
        # A copy that the user owns, as one in ~/.local would be: only then could a container overwrite it.
        self.copy = self.dir / "bin" / "engine"
        self.copy.parent.mkdir()
        shutil.copy(ENGINE, self.copy)
        shutil.copy(Path(ENGINE).parent / "engine-transfer", self.copy.parent)
        os.chmod(self.copy, 0o755)
        self.before_attack = checksum(self.copy)

    def command(self, *words):
        return [str(self.copy), *super().command(*words)[1:]]

    def tearDown(self):
        self.assertEqual(checksum(self.copy), self.before_attack, "the engine's file was overwritten")
        super().tearDown()

    @row("R5", "CVE-2016-9962", "CVE-2019-5736")
    def test_processes_of_exec_cannot_be_opened(self):
        image = self.hostile_image([])
        for options in ([], ["--cap-add", "all"], ["--privileged"]):
            with self.subTest(options=options):
                container = self.engine("run", "-d", "--network", "none", *options, image, "/attacker", "steal").stdout.strip()
                self.wait_for_log(container, "ready")
                for _ in range(EXECS // 3):
                    self.engine("exec", container, "/guest", "exit", "0")
                self.engine("kill", "--signal", "TERM", container)
                self.engine("wait", container)
                printed = self.engine("logs", container).stdout.partition("once\n")[2]
                lines = printed.splitlines()
                # Not even the sealed last stage, which has all capabilities for a while, with CAP_SYS_PTRACE.
                own = ("/attacker", "/guest", "/bin/")
                for line in lines[2:]:
                    kind, _, target = line.partition(" ")
                    if kind in ("exe", "mem", "writable"):
                        self.assertTrue(target.startswith(own), line)
                    if kind == "overwritten":
                        self.assertTrue(target.startswith(own), line)
                    self.assertNotIn(str(self.dir), line)
                    self.assertNotIn("unreachable", line)
                counts = dict(line.split() for line in lines[:2])
                # Each is there for a millisecond, so a busy machine lets the attacker see fewer.
                self.assertGreater(int(counts["seen"]), EXECS // 24, printed)
                self.assertGreater(int(counts["refused"]), 0, printed)
                self.engine("rm", container)

    @row("R5", "CVE-2019-5736")
    def test_entry_points_that_mean_the_engine_itself(self):
        """#!/proc/self/exe, a link to it, and a program whose loader it is: none runs the engine's file inside."""
        elf = bytearray(Path("/bin/busybox").read_bytes()[:64])
        loader = b"/proc/self/exe\0"
        # One PT_INTERP header, and one PT_LOAD that maps this very file.
        elf[32:40] = (64).to_bytes(8, "little")
        elf[56:58] = (2).to_bytes(2, "little")
        interpreter = (3).to_bytes(4, "little") + (4).to_bytes(4, "little") + b"".join(
            number.to_bytes(8, "little") for number in (176, 0x400000 + 176, 0x400000 + 176, len(loader), len(loader), 1))
        load = (1).to_bytes(4, "little") + (5).to_bytes(4, "little") + b"".join(
            number.to_bytes(8, "little") for number in (0, 0x400000, 0x400000, 192, 192, 4096))
        image = self.hostile_image([
            (make_image.file_entry("shebang", 0o755), b"#!/proc/self/exe\n"),
            (make_image.link_entry("link", "/proc/self/exe"), b""),
            (make_image.file_entry("loader", 0o755), bytes(elf) + interpreter + load + loader),
            (make_image.link_entry("fd", "/proc/self/fd/3"), b"")])
        container = self.engine("run", "-d", "--network", "none", image, "/attacker", "steal").stdout.strip()
        self.wait_for_log(container, "ready")
        for entry in ("/shebang", "/link", "/loader", "/fd", "/proc/self/exe", "/proc/1/exe", "/proc/self/fd/4"):
            with self.subTest(entry=entry):
                for words in (["run", "--rm", "--network", "none", image, entry, "--help"],
                              ["exec", container, entry, "--help"]):
                    result = self.engine(*words, check=False, timeout=30)
                    self.assertNotEqual(result.status, 0, result)
                    self.assertNotIn("Usage: engine", result.stdout + result.stderr, result)
        self.engine("kill", container)

    @row("R5", "docker-2015")
    def test_the_last_stage_is_sealed(self):
        """If a container does get hold of the last stage, it cannot change it for the next one."""
        image = self.hostile_image([(make_image.file_entry("shebang", 0o755), b"#!/proc/self/exe\n")])
        for _ in range(3):
            first = self.engine("run", "--rm", "--network", "none", image, "/guest", "exit", "7", check=False)
            self.assertEqual(first.status, 7)
            self.engine("run", "--rm", "--network", "none", image, "/shebang", check=False)


class DescriptorTest(HardeningTest):
    @row("R5", "CVE-2024-21626")
    def test_working_directories_through_descriptors(self):
        image = self.hostile_image([(make_image.link_entry(f"fd{number}", f"/proc/self/fd/{number}"), b"")
                                    for number in range(3, 12)])
        container = self.start_sleeper(image=image)
        for number in range(3, 12):
            for place in (f"/proc/self/fd/{number}", f"/fd{number}", f"/proc/1/fd/{number}", f"/proc/thread-self/fd/{number}/.."):
                with self.subTest(place=place):
                    for words in (["run", "--rm", "--network", "none", "--workdir", place, image],
                                  ["exec", "--workdir", place, container]):
                        result = self.engine(*words, "sh", "-c", "pwd; cat ../../../../../../../..{} 2>/dev/null".format(
                            self.canary / "file"), check=False)
                        self.assertNotIn("alive", result.stdout, result)
                        self.assertTrue(result.status != 0 or result.stdout.startswith("/"), result)

    @row("R5", "CVE-2024-21626")
    def test_working_directory_of_an_image_through_descriptors(self):
        for number in (3, 5, 7, 8, 9):
            image = self.hostile_image([], name=f"localhost/hostile:{number}", WorkingDir=f"/proc/self/fd/{number}")
            self.assertNotEqual(self.in_container(image, "pwd", check=False).status, 0)

    @row("R5", "CVE-2024-21626", "docker-2015")
    def test_no_descriptor_of_ours_is_left(self):
        """Under every way to start a process: the three standard ones, and what it was given."""
        image = self.hostile_image([])
        usual = ["0", "1", "2"]
        for options in ([], ["--pid=host"], ["--init"], ["--network=none", "--read-only"], ["-i"], ["--privileged"],
                        ["--security-opt", "seccomp=unconfined"], ["--user", "1000"]):
            with self.subTest(options=options):
                report = self.report(*options, image=image)
                self.assertEqual(sorted(report["fds"]), usual)
                for target in report["fds"].values():
                    self.assertTrue(target.startswith(("pipe:", "/dev/null", "socket:")), report["fds"])
        container = self.start_sleeper(image=image)
        report = self.engine("exec", container, "/guest").json()
        self.assertEqual(sorted(report["fds"]), usual)
        self.engine("exec", "-d", container, "sh", "-c", "ls -l /proc/self/fd > /listed")
        listed = wait_until(lambda: self.engine("exec", container, "cat", "/listed", check=False).stdout, "the list is there")
        self.assertNotIn(str(self.dir), listed)

    @row("R5", "R8")
    def test_every_descriptor_is_born_close_on_exec(self):
        """strace sees no call that makes one without, in any process of a run."""
        if not shutil.which("strace"):
            self.skipTest("strace is not installed")
        image = self.hostile_image([])
        trace = self.dir / "trace"
        calls = "open,openat,openat2,socket,socketpair,pipe,pipe2,dup,dup2,dup3,memfd_create,epoll_create1,eventfd2,signalfd4,"\
                "timerfd_create,accept,accept4,fsopen,fsmount,open_tree,pidfd_open,inotify_init1"
        done = subprocess.run(["strace", "-f", "-qq", "-e", f"trace={calls}", "-o", trace,
                               *self.command("run", "--rm", "--network", "none", image, "/guest")],
                              env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=60)
        if "ptrace" in done.stderr and done.returncode != 0:
            self.skipTest("tracing is not permitted here")
        # The helpers newuidmap and newgidmap and the container's own program open what they like.
        ours = [line for line in trace.read_text().splitlines() if "CLOEXEC" not in line and " = -1 " not in line]
        ours = [line for line in ours if "unfinished" not in line and "resumed" not in line and "dup2(" not in line
                and "dup3(" not in line and "ld.so" not in line]
        self.assertEqual([line for line in ours if str(self.root) in line or "/proc/" in line and "O_PATH" in line], [])

    @row("CVE-2021-43784", "R9")
    def test_lengths_beyond_sixteen_bits(self):
        """Plans from parent to child are 64 bits wide: 70 000 words, and one word of 100 000 bytes."""
        image = self.hostile_image([])
        many = [f"v{number}" for number in range(70_000)]
        result = self.in_container(image, "sh", "-c", "echo $#", "sh", *many)
        self.assertEqual(result.stdout, "70000\n")
        long = "x" * 100_000
        result = self.in_container("-e", f"LONG={long}", image, "sh", "-c", "echo ${#LONG} $LONG")
        self.assertEqual(result.stdout, f"100000 {long}\n")


class SessionTest(HardeningTest):
    @row("R6", "CVE-2017-5226")
    def test_nothing_is_typed_into_the_callers_terminal(self):
        image = self.hostile_image([])
        for options in (["-it"], ["-t"], ["-i"], []):
            with self.subTest(options=options):
                terminal = Terminal(self, "run", "--rm", "--network", "none", *options, image, "/attacker", "inject")
                terminal.end()
                for name in ("TIOCSTI", "TIOCSTI with high bits", "TIOCLINUX", "TIOCLINUX with high bits"):
                    self.assertNotIn(f"{name} done", terminal.shown)
                self.assertIn("TIOCSTI with high bits Operation not permitted", terminal.shown)
                os.set_blocking(terminal.slave, False)
                with self.assertRaises(BlockingIOError):  # nothing was put into the terminal's input
                    os.read(terminal.slave, 1)
                terminal.hang_up()

    @row("R6", "keyring")
    def test_keys_of_the_caller_are_not_found(self):
        """Added to the caller's session keyring, looked for inside; and the other way round."""
        image = self.hostile_image([])
        name = f"engine-test-{os.getpid()}"
        found = self.in_container("--security-opt", "seccomp=unconfined", image, "/attacker", "key", name).stdout
        self.assertNotIn("found", found)
        script = f"{Path(os.environ['GUEST']).parent}/attacker keep-key {name} && exec \"$@\""
        done = subprocess.run(["/bin/sh", "-c", script, "sh", *self.command(
            "run", "--rm", "--network", "none", "--security-opt", "seccomp=unconfined", image, "/attacker", "key", name)],
            env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            timeout=60)
        if not done.stdout.startswith("kept"):
            self.skipTest(f"keys cannot be made here: {done.stdout}")
        self.assertNotIn("found", done.stdout)
        self.assertIn("session nothing", done.stdout)

    @row("R6", "keyring")
    def test_containers_do_not_share_a_session_keyring(self):
        image = self.hostile_image([])
        name = f"engine-test-{os.getpid()}-b"
        both = f"/attacker keep-key {name}; /attacker key {name}"
        inside = self.in_container("--security-opt", "seccomp=unconfined", image, "sh", "-c", both).stdout
        if not inside.startswith("kept"):
            self.skipTest(f"keys cannot be made here: {inside}")
        self.assertIn("session found", inside)  # or the test below would prove nothing
        other = self.in_container("--security-opt", "seccomp=unconfined", image, "/attacker", "key", name).stdout
        self.assertNotIn("session found", other)


class HostileProgramsTest(HardeningTest):
    @row("CVE-2022-1227", "R13")
    def test_nothing_of_the_image_runs_for_our_own_work(self):
        """ps, nsenter, tar and the like of an image are traps; no command but exec may spring one."""
        trap = b"#!/bin/sh\n/bin/busybox touch /sprung\n"
        names = ["ps", "nsenter", "tar", "unpigz", "xz", "mount", "sh-init", "newuidmap", "pidof", "kill", "cp", "id", "getent"]
        entries = [(make_image.file_entry(f"{folder}/{name}", 0o755), trap)
                   for folder in ("usr/bin", "bin", "usr/local/bin", "sbin") for name in names]
        entries += [(make_image.file_entry(f"lib/libnss_{name}.so.2", 0o755), b"trap") for name in ("files", "dns")]
        image = self.hostile_image(entries)
        container = self.start_sleeper(image=image)
        for words in (["ps"], ["inspect", container], ["top", container], ["logs", container], ["stats", "--no-stream", container],
                      ["cp", f"{container}:/etc/passwd", self.dir / "copied"], ["export", "-o", self.dir / "exported", container],
                      ["diff", container], ["exec", container, "/guest", "exit", "0"], ["kill", "--signal", "CONT", container],
                      ["pause", container], ["unpause", container]):
            self.engine(*words, check=False)
        inside = self.engine("exec", container, "/bin/busybox", "ls", "/").stdout
        self.assertNotIn("sprung", inside)
        self.assertIn("guest", inside)


class StealerControlTest(BundleTest):
    @row("R5")
    def test_the_thief_does_find_what_is_open_to_it(self):
        """The check of the check: an ordinary process of the same user is readable to the attacker."""
        victim = subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        with Attacker("steal") as thief:
            self.assertEqual(thief.process.stdout.readline(), "looked at all once\n")
        victim.communicate(timeout=30)
        self.assertRegex(thief.output, "exe /.*(cat|coreutils|busybox)")

