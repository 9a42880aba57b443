"""A host with a kernel of its own: Debian's user-mode Linux, a kernel that is an ordinary program and needs no KVM.

It has cgroup v2 with cpu, memory and pids whatever the machine has; one CPU, and system calls are several times slower.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from machine import Machine
from tree import Unavailable, build_tree, building_alone, cache_folder, need_program

MODULES = Path("/usr/lib/uml/modules")
MEMORY_MIB = 1024


class KernelMachine(Machine):
    name = "kernel"
    output_device = "/dev/ttyS0"

    def prepare(self):
        need_program("linux.uml", "user-mode-linux")
        need_program("mke2fs", "e2fsprogs")
        tree = build_tree()
        versions = sorted(MODULES.iterdir()) if MODULES.is_dir() else []
        if not versions:
            raise Unavailable(f"no kernel modules in {MODULES}")
        self.image = tree.with_name(f"{tree.name}-{versions[-1].name}.ext4")
        with building_alone():
            if not self.image.exists():
                self.make_image(tree, versions[-1])

    def make_image(self, tree, modules):
        """The tree and the kernel's modules as a sparse disk image."""
        print("making the disk image of the host with its own kernel (once)", flush=True)
        work = Path(tempfile.mkdtemp(prefix="build-", dir=cache_folder()))
        try:
            subprocess.run(["cp", "-a", tree, work / "tree"], check=True)
            (work / "tree/usr/lib/modules").mkdir(exist_ok=True)
            subprocess.run(["cp", "-a", modules, work / "tree/usr/lib/modules"], check=True)
            subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-O", "^has_journal", "-m", "0", "-d", work / "tree",
                            work / "image", "4G"], check=True, stdout=subprocess.DEVNULL)
            os.rename(work / "image", self.image)
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def boot(self):
        (self.state / "memory").mkdir()
        reader, writer = os.pipe()
        # Its memory is a file that must be executable: a tmpfs that only it sees.
        mount = 'mount -t tmpfs -o "mode=700,size=$1m" memory "$0/memory" && cd "$0" && shift && exec "$@"'
        kernel = ["linux.uml", f"mem={MEMORY_MIB}M", f"ubd0={self.state}/changes.cow,{self.image}", "root=/dev/ubda", "rw",
                  "quiet", "umid=engine", f"uml_dir={self.state}/", "con=null", "con0=null,fd:1", "ssl=null",
                  f"ssl0=null,fd:{writer}", "systemd.unified_cgroup_hierarchy=1", "systemd.show_status=0",
                  f"engine.share={self.share}"]
        self.start(["unshare", "--mount", "--propagation", "private", "sh", "-c", mount, str(self.state),
                    str(MEMORY_MIB + 64), *kernel],
                   env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TMPDIR": str(self.state / "memory")},
                   pass_fds=(writer,))
        os.close(writer)
        return reader
