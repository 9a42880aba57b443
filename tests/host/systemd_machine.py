"""systemd as process 1 of namespaces of its own, at native speed, on the machine's kernel.

It has those controllers of cgroup v2 that the machine has not bound to v1, and it is no security boundary.
"""

import os
import signal
import subprocess
import time
from pathlib import Path

from machine import Machine
from tree import HERE, Unavailable, build_tree, need_program

UNSHARE = ["unshare", "--kill-child", "--mount", "--propagation=private", "--cgroup", "--pid", "--net", "--ipc", "--uts",
           "--fork"]


def cgroup2_folder():
    """Where the machine has mounted cgroup v2; mounting it once more could change the options of all its mounts."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        if after.startswith("cgroup2 "):
            return Path(before.split()[4])
    raise Unavailable("cgroup v2 is not mounted on this machine")


class SystemdMachine(Machine):
    name = "systemd"
    boots_again = True
    output_device = "/dev/output"

    def prepare(self):
        need_program("unshare", "util-linux")
        probe = subprocess.run([*UNSHARE, "mount", "-t", "tmpfs", "probe", "/mnt"], stdin=subprocess.DEVNULL,
                               capture_output=True, text=True)
        if probe.returncode != 0:
            raise Unavailable(f"no namespaces can be made: {probe.stderr.strip()}")
        self.tree = build_tree()
        top = cgroup2_folder()
        for controller in (top / "cgroup.controllers").read_text().split():
            try:
                (top / "cgroup.subtree_control").write_text("+" + controller)
            except OSError:
                pass  # Fewer controllers inside; tests that need one look for it.
        self.cgroup = top / f"engine-test-host-{os.getpid()}"
        try:
            self.cgroup.mkdir()
        except OSError as error:
            raise Unavailable(f"no cgroup can be made: {error}") from error

    def boot(self):
        for folder in ("root", "scratch"):
            (self.state / folder).mkdir()
        os.mkfifo(self.state / "pipe")
        # Opened for both, so that it never reports an end of file between two writers.
        reader = os.open(self.state / "pipe", os.O_RDWR | os.O_CLOEXEC)
        members = str(self.cgroup / "cgroup.procs")
        # The cgroup namespace begins where its first process is; unshare must be in the cgroup before. The disk is a tmpfs
        # that all boots see.
        script = ('again=$1 && shift && echo $$ >"$0" && mount -t tmpfs -o mode=755 scratch "$1/scratch" && shift && '
                  'while rm -f "$again" && "$@"; test -e "$again"; do :; done')
        self.start(["unshare", "--kill-child", "--fork", "--mount", "--propagation=private", "sh", "-c", script, members,
                    str(self.share / "again"), str(self.state),
                    *UNSHARE, "sh", str(HERE / "enter.sh"), str(self.tree), str(self.state)])
        return reader

    def release(self):
        if not hasattr(self, "cgroup") or not self.cgroup.is_dir():
            return
        for _ in range(100):
            for folder, _, _ in os.walk(self.cgroup, topdown=False):
                self.end_processes(Path(folder))
                self.remove(Path(folder))
            if not self.cgroup.is_dir():
                return
            time.sleep(0.1)

    @staticmethod
    def end_processes(folder):
        try:
            for pid in (folder / "cgroup.procs").read_text().split():
                os.kill(int(pid), signal.SIGKILL)
        except (FileNotFoundError, ProcessLookupError):
            pass  # It ended by itself.

    @staticmethod
    def remove(folder):
        try:
            folder.rmdir()
        except OSError:
            pass  # Still in use; there will be another round.
