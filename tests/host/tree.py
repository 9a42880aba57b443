"""The root file system that both hosts boot: Debian with systemd, D-Bus, Python and an ordinary user who lingers.

Built once with mmdebstrap and kept in $XDG_CACHE_HOME/engine-test-host, named after everything that goes into it.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
INSIDE = HERE / "inside"
SUITE = "bookworm"
USER = "tester"
PACKAGES = ["systemd", "systemd-sysv", "dbus", "dbus-user-session", "libpam-systemd", "util-linux", "procps", "kmod",
            "iproute2", "uidmap", "passwd", "busybox-static", "python3",
            # A registry, and what engine-transfer is linked with.
            "docker-registry", "libarchive13", "libcurl4", "libisal2", "libmicrohttpd12", "libssl3", "libyaml-0-2"]
# What needs devices, a disk that stays, the network, or the kernel beneath to itself.
MASKED = ["systemd-udevd.service", "systemd-udevd-kernel.socket", "systemd-udevd-control.socket",
          "systemd-udev-trigger.service", "systemd-udev-settle.service", "systemd-hwdb-update.service",
          "systemd-random-seed.service", "systemd-pstore.service", "systemd-binfmt.service",
          "proc-sys-fs-binfmt_misc.automount", "systemd-timesyncd.service", "systemd-remount-fs.service",
          "systemd-journal-flush.service", "systemd-journal-catalog-update.service", "systemd-firstboot.service",
          "systemd-boot-system-token.service", "systemd-machine-id-commit.service", "systemd-sysctl.service",
          "systemd-ask-password-wall.path", "systemd-ask-password-console.path", "systemd-update-utmp.service",
          "systemd-update-utmp-runlevel.service", "getty@tty1.service", "console-getty.service", "tmp.mount",
          "dev-hugepages.mount", "sys-kernel-debug.mount", "sys-kernel-tracing.mount", "apt-daily.timer",
          "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "fstrim.timer", "e2scrub_all.timer"]


class Unavailable(Exception):
    """This machine cannot boot a host; the text says why."""


def cache_folder():
    base = os.environ.get("XDG_CACHE_HOME") or Path(os.environ.get("HOME", "/root")) / ".cache"
    folder = Path(base) / "engine-test-host"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def need_program(program, package):
    """Installs the Debian package of a program that is missing."""
    if shutil.which(program):
        return
    if not shutil.which("apt-get"):
        raise Unavailable(f"{program} is not installed, and there is no apt-get to install {package}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update", "-q"], ["install", "-qy", "--no-install-recommends", package]):
        done = subprocess.run(["apt-get", *words], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0 or not shutil.which(program):
        raise Unavailable(f"{package} cannot be installed: {(done.stderr.strip().splitlines() or ['apt-get failed'])[-1]}")


def fingerprint():
    parts = [SUITE, USER, *PACKAGES, *MASKED, Path(__file__).read_text()]
    parts += [path.name + path.read_text() for path in sorted(INSIDE.iterdir())]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def build_tree():
    """The folder of the built tree. Takes one to two minutes the first time."""
    tree = cache_folder() / f"tree-{fingerprint()}"
    with building_alone():
        return tree if tree.is_dir() else make_tree(tree)


@contextlib.contextmanager
def building_alone():
    """Two runs at once must not build the same thing, nor remove what the other one builds from."""
    with open(cache_folder() / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def make_tree(tree):
    need_program("mmdebstrap", "mmdebstrap")
    print("building the root file system of the test hosts (once; one to two minutes)", flush=True)
    work = Path(tempfile.mkdtemp(prefix="build-", dir=cache_folder()))
    try:
        command = ["mmdebstrap", "--quiet", "--variant=apt", "--mode=root", "--include=" + ",".join(PACKAGES),
                   '--aptopt=Apt::Install-Recommends "false"', SUITE, str(work / "tree")]
        command[1:1] = [f"--dpkgopt=path-exclude=/usr/share/{kind}/*" for kind in ("doc", "man", "locale", "info")]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            raise Unavailable("mmdebstrap failed: " + " / ".join(done.stderr.strip().splitlines()[-3:]))
        configure(work / "tree")
        forget_older_trees()
        os.rename(work / "tree", tree)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return tree


def forget_older_trees():
    for path in cache_folder().iterdir():
        if path.name.startswith("tree-"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def configure(tree):
    """The ordinary user, the masks, and the service that runs the job."""
    subprocess.run(["chroot", tree, "useradd", "-m", "-u", "1000", "-s", "/bin/bash", USER], check=True)
    for name in ("subuid", "subgid"):
        (tree / "etc" / name).write_text(f"{USER}:100000:65536\n")
    for folder in ("var/lib/systemd/linger", "etc/systemd/system/multi-user.target.wants", "usr/lib/engine-host", "share"):
        (tree / folder).mkdir(parents=True, exist_ok=True)
    (tree / "var/lib/systemd/linger" / USER).touch()
    (tree / "etc/hostname").write_text("engine-host\n")
    (tree / "etc/hosts").write_text("127.0.0.1 localhost engine-host\n::1 localhost\n")
    (tree / "etc/fstab").write_text("")
    (tree / "etc/machine-id").write_text(os.urandom(16).hex() + "\n")
    # The kernel's OOM killer is what the tests are about; swap and its accounting stay as they are.
    (tree / "etc/modules-load.d/engine-host.conf").write_text("overlay\nfuse\n")
    # /tmp is new at each boot, and shared with nobody: nothing to clean.
    (tree / "etc/tmpfiles.d/tmp.conf").symlink_to("/dev/null")
    units = tree / "etc/systemd/system"
    for name in MASKED:
        (units / name).unlink(missing_ok=True)
        (units / name).symlink_to("/dev/null")
    for source in INSIDE.iterdir():
        if source.suffix == ".service":
            shutil.copy(source, units)
            (units / "multi-user.target.wants" / source.name).symlink_to(f"../{source.name}")
        else:
            shutil.copy(source, tree / "usr/lib/engine-host")
            (tree / "usr/lib/engine-host" / source.name).chmod(0o755)
    for folder in ("var/cache/apt", "var/lib/apt/lists", "dev"):
        for path in (tree / folder).iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
