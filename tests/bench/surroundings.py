"""What the benchmarks need around them: an ordinary user, a private cgroup view, peers with a home of their own."""

import ctypes
import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

USER = "engine-bench"
CLONE_NEWNS, MS_REC, MS_PRIVATE, MNT_DETACH = 0x00020000, 16384, 1 << 18, 2
PR_SET_CHILD_SUBREAPER = 36
CGROUP = Path("/sys/fs/cgroup")
LIBC = ctypes.CDLL(None, use_errno=True)


def check(result, doing):
    if result != 0:
        raise OSError(ctypes.get_errno(), f"{doing}: {os.strerror(ctypes.get_errno())}")


# --- as root ---

def make_user(name=USER):
    try:
        return pwd.getpwnam(name)
    except KeyError:
        # Images know users from 1000 on.
        subprocess.run(["useradd", "--create-home", "--shell", "/bin/sh", "-K", "UID_MIN=2001", "-K", "GID_MIN=2001", name],
                       check=True)
        return pwd.getpwnam(name)


def has_cgroups():
    return any(line.split()[2] in ("cgroup", "cgroup2") for line in Path("/proc/mounts").read_text().splitlines())


def see_no_cgroups():
    """In a mount namespace of our own, nothing is mounted at /sys/fs/cgroup, which is there."""
    check(LIBC.unshare(CLONE_NEWNS), "unsharing the mount namespace")
    check(LIBC.mount(None, b"/", None, MS_REC | MS_PRIVATE, None), "making mounts private")
    if CGROUP.is_mount():
        check(LIBC.umount2(bytes(CGROUP), MNT_DETACH), "unmounting cgroups")
    elif not CGROUP.is_dir():  # a bare root, without even a sysfs
        check(LIBC.mount(b"sysfs", b"/sys", b"sysfs", 0, None), "mounting sysfs")


def see_only_cgroup2():
    """In a mount namespace of our own, /sys/fs/cgroup is cgroup2 only, whatever was mounted there, if anything was.
    Raises OSError where that is not permitted."""
    see_no_cgroups()
    check(LIBC.mount(b"cgroup2", bytes(CGROUP), b"cgroup2", 0, None), "mounting cgroup2")


def see_all_controllers():
    """The same with every hierarchy that this kernel has, where none is mounted, as in a bare root."""
    legacy = [line.split(":")[1] for line in Path("/proc/self/cgroup").read_text().splitlines()
              if not line.startswith("0::")]
    if not legacy:
        return see_only_cgroup2()
    see_no_cgroups()
    check(LIBC.mount(b"tmpfs", bytes(CGROUP), b"tmpfs", 0, b"mode=755"), "mounting a tmpfs")
    for names, kind, data in [("unified", b"cgroup2", None), *((names, b"cgroup", names.encode()) for names in legacy)]:
        folder = CGROUP / names.removeprefix("name=")
        folder.mkdir()
        options = b"none," + data if names.startswith("name=") else data
        check(LIBC.mount(b"cgroup", bytes(folder), kind, 0, options), f"mounting {names}")


def see_own_cgroup2(user, name=USER):
    """As see_only_cgroup2(), since podman and crun refuse the hybrid view, and this process sits in a group that the
    user may divide. Returns the group's folder, for leave_cgroup()."""
    see_only_cgroup2()
    group = CGROUP / f"{name}-{os.getpid()}"
    (group / "main").mkdir(parents=True)
    for folder in (group, group / "main"):
        os.chown(folder, user.pw_uid, user.pw_gid)
        for file in ("cgroup.procs", "cgroup.subtree_control", "cgroup.threads"):
            os.chown(folder / file, user.pw_uid, user.pw_gid)
    (group / "main/cgroup.procs").write_text(str(os.getpid()))
    return group


def leave_cgroup(group):
    (CGROUP / "cgroup.procs").write_text(str(os.getpid()))
    for folder, _, _ in os.walk(group, topdown=False):
        try:
            os.rmdir(folder)
        except OSError:
            pass  # something still runs there; an empty group costs nothing


# --- as the user ---

def peers_can_run():
    """podman and crun need /sys/fs/cgroup to be cgroup2."""
    return (CGROUP / "cgroup.procs").exists()


def become_subreaper():
    """Orphans (conmon and its clean-up) become our children, so that settle() can wait for them."""
    check(LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "becoming a subreaper")


def own_children():
    text = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    return {int(pid) for pid in text.split()}


class Settler:
    """Waits until no process is left but those that are known to stay."""

    def __init__(self):
        self.known = own_children()

    def accept_present(self):
        """What runs now (registry, podman's pause process, the containers of the exec benchmark) may stay."""
        self.known |= own_children()

    def __call__(self):
        deadline = time.monotonic() + 20
        while left := own_children() - self.known:
            for pid in left:
                try:
                    os.waitpid(pid, os.WNOHANG)
                except ChildProcessError:
                    pass
            if time.monotonic() > deadline:
                self.known |= left
            time.sleep(0.002)


class Registry:
    """Debian's docker-registry on a free loopback port, plain HTTP, its files in `folder`."""

    def __init__(self, folder, environment):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        folder.mkdir()
        (folder / "config.yml").write_text(json.dumps({
            "version": 0.1, "log": {"level": "error", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
            "http": {"addr": f"127.0.0.1:{self.port}"}}))
        self.process = subprocess.Popen(["docker-registry", "serve", folder / "config.yml"], env=environment,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.environment = environment
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
                time.sleep(0.05)

    def name(self, repository):
        return f"127.0.0.1:{self.port}/{repository}:latest"

    def push(self, layout, repository):
        subprocess.run(["skopeo", "copy", "-q", "--dest-tls-verify=false", f"oci:{layout}:latest",
                        "docker://" + self.name(repository)], env=self.environment, check=True)

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Podman:
    """podman with a home, a store and a runtime directory of its own below `folder`."""

    def __init__(self, folder, environment):
        self.home, self.runtime = folder / "home", folder / "runtime"
        settings = self.home / ".config/containers"
        settings.mkdir(parents=True)
        self.runtime.mkdir(mode=0o700)
        (settings / "containers.conf").write_text(
            '[containers]\npids_limit = 0\n[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'
            'runtime = "crun"\n')
        (settings / "storage.conf").write_text(
            f'[storage]\ndriver = "overlay"\ngraphroot = "{folder / "store"}"\nrunroot = "{folder / "run"}"\n')
        self.store = folder / "store"
        self.environment = {**environment, "HOME": str(self.home), "XDG_RUNTIME_DIR": str(self.runtime)}
        self.program = shutil.which("podman")

    def words(self, *words):
        return [self.program, *map(str, words)]

    def call(self, *words):
        done = subprocess.run(self.words(*words), env=self.environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"podman {' '.join(map(str, words))}: {done.stderr.strip()[-600:]}")
        return done.stdout.strip()

    def stop(self):
        """Ends the pause process and removes the store, whose files belong to subordinate ids."""
        subprocess.run(self.words("rm", "-af", "-t", "0"), env=self.environment, capture_output=True)
        subprocess.run(self.words("unshare", "rm", "-rf", self.store), env=self.environment, capture_output=True)
        for file in self.runtime.rglob("pause.pid"):
            os.kill(int(file.read_text()), signal.SIGKILL)


def crun_bundle(podman, image, folder, environment):
    """Bundles like the one that podman makes for `run --network none IMAGE true`, with podman's seccomp profile and
    without: its config.json, in a user namespace with the same map. Returns the two bundle folders."""
    container = podman.call("create", "--network", "none", image, "true")
    podman.call("init", container)
    config = json.loads((podman.store / "overlay-containers" / container / "userdata/config.json").read_text())
    rootfs = folder / "rootfs"
    rootfs.mkdir(parents=True)
    # Files of container root belong to the user, as the map says.
    subprocess.run(f'"{podman.program}" export {container} | tar -x -C "{rootfs}"', shell=True, check=True,
                   env=podman.environment)
    podman.call("rm", "-f", "-t", "0", container)
    config["root"] = {"path": str(rootfs)}
    config["process"]["terminal"] = False
    config.pop("hooks", None)
    config["mounts"] = [one for one in config["mounts"] if one.get("type") != "bind"]
    linux = config["linux"]
    linux.pop("cgroupsPath", None)
    linux.pop("resources", None)
    linux["namespaces"] = [{"type": kind} for kind in ("user", "pid", "mount", "ipc", "uts", "network", "cgroup")]
    for key, file, own in (("uidMappings", "/etc/subuid", os.getuid()), ("gidMappings", "/etc/subgid", os.getgid())):
        linux[key] = id_map(file, own)
    bundles = []
    for name in ("seccomp", "no-seccomp"):
        bundle = folder / name
        bundle.mkdir()
        if name == "no-seccomp":
            linux.pop("seccomp", None)
        (bundle / "config.json").write_text(json.dumps(config))
        bundles.append(bundle)
    return bundles


def id_map(file, own):
    user = pwd.getpwuid(os.getuid()).pw_name
    match = re.search(rf"^{re.escape(user)}:(\d+):(\d+)$", Path(file).read_text(), re.M)
    if not match:
        raise RuntimeError(f"{user} has no range in {file}")
    return [{"containerID": 0, "hostID": own, "size": 1},
            {"containerID": 1, "hostID": int(match[1]), "size": int(match[2])}]
