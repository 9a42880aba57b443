"""What every conformance test starts from: a bundle, the runtime under test, and what must be true afterwards.

The tests speak runc's command line and the words of the runtime-spec only, so that the same test runs against any
runtime. run.py says which (RUNTIME, a command line), how it is called (RUNTIME_NAME) and where it runs (PLACE):

root   root, with cgroup2 at /sys/fs/cgroup
user   an ordinary user with subordinate ids, in a cgroup2 subtree that is delegated to it
v1     root, with the machine's cgroup v1 hierarchies
"""

import copy
import ctypes
import json
import os
import pwd
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

RUNTIME = shlex.split(os.environ["RUNTIME"])
RUNTIME_NAME = os.environ["RUNTIME_NAME"]
PLACE = os.environ["PLACE"]
GUEST = os.environ["GUEST"]
BUSYBOX = shutil.which("busybox")
PATIENCE_SECONDS = 20
PR_SET_CHILD_SUBREAPER = 36
APPLETS = ("awk cat chmod chown chrt cut dd df dmesg echo env expr false find free getopt grep head hostname id ifconfig "
           "ionice ip kill ln ls mkdir mkfifo mknod mount mv nice nproc od ping printf ps pwd readlink renice rm rmdir sed "
           "seq setsid sh sleep sort stat stty sync tail tee test touch tr true tty umount uname uniq uptime wc which yes"
           ).split()
CAPABILITIES = ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_MKNOD", "CAP_NET_BIND_SERVICE",
                "CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID", "CAP_SYS_CHROOT"]

# Containers are orphans when `create` returns; as their subreaper, like conmon, we see how they end.
ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def only_in(*places):
    return unittest.skipUnless(PLACE in places, f"only for {' and '.join(places)}")


def id_map(file):
    """Container id 0 is the user, 1 and up are its subordinate ids."""
    if PLACE != "user":
        return [{"containerID": 0, "hostID": 100000, "size": 65536}]
    own = os.getuid() if file.endswith("uid") else os.getgid()
    name = pwd.getpwuid(os.getuid()).pw_name
    first, count = re.search(rf"^{re.escape(name)}:(\d+):(\d+)$", Path(file).read_text(), re.M).groups()
    return [{"containerID": 0, "hostID": own, "size": 1}, {"containerID": 1, "hostID": int(first), "size": int(count)}]


def base_config():
    """A container as engines ask for it: everything of its own, no network but loopback."""
    namespaces = [{"type": kind} for kind in ("pid", "mount", "ipc", "uts", "network", "cgroup")]
    linux = {"namespaces": namespaces}
    if PLACE == "user":
        namespaces.append({"type": "user"})
        linux["uidMappings"], linux["gidMappings"] = id_map("/etc/subuid"), id_map("/etc/subgid")
    return {
        "ociVersion": "1.0.2",
        "root": {"path": "rootfs"},
        "process": {
            "user": {"uid": 0, "gid": 0}, "cwd": "/", "args": ["true"], "env": ["PATH=/bin", "HOME=/"],
            "capabilities": {kind: CAPABILITIES for kind in ("bounding", "effective", "permitted")},
        },
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
             "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
            {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
             "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]},
            {"destination": "/dev/shm", "type": "tmpfs", "source": "shm",
             "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]},
        ],
        "linux": linux,
    }


def wait_until(condition, what, seconds=PATIENCE_SECONDS):
    """The first true value of condition()."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain until {what}")
        time.sleep(0.003)
    return value


def own_descendants():
    """The children that still run; those that have ended are reaped. Orphans of the runtime are our children."""
    left = [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]
    return [pid for pid in left if os.waitpid(pid, os.WNOHANG)[0] == 0]


class Result:
    def __init__(self, command, status, stdout, stderr):
        self.command, self.status, self.stdout, self.stderr = command, status, stdout, stderr

    def __str__(self):
        return (f"$ {shlex.join(map(str, self.command))}\nstatus {self.status}\n"
                f"--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}")

    def json(self):
        return json.loads(self.stdout)

    def lines(self):
        return self.stdout.splitlines()


class RuntimeTest(unittest.TestCase):
    counter = 0
    maxDiff = None

    def setUp(self):
        RuntimeTest.counter += 1
        signal.signal(signal.SIGALRM, self.too_long)
        signal.alarm(3 * PATIENCE_SECONDS)
        self.addCleanup(signal.alarm, 0)
        self.dir = Path(tempfile.mkdtemp(prefix="conformance-"))
        os.chmod(self.dir, 0o755)
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.state_root = self.dir / "state"
        self.bundle = self.make_bundle("bundle")
        self.config = base_config()
        self.name = f"conform-{os.getpid()}-{RuntimeTest.counter}"
        self.descriptors = []
        self.addCleanup(self.end_everything)

    def too_long(self, *_):
        raise AssertionError("the test does not end")

    def make_bundle(self, name):
        """A folder with an empty config and a root file system of busybox and the guest."""
        rootfs = self.dir / name / "rootfs"
        for folder in ("bin", "dev", "etc", "proc", "sys", "tmp"):
            (rootfs / folder).mkdir(parents=True)
        shutil.copy(BUSYBOX, rootfs / "bin/busybox")
        shutil.copy(GUEST, rootfs / "guest")
        for applet in APPLETS:
            os.symlink("busybox", rootfs / "bin" / applet)
        return self.dir / name

    def end_everything(self):
        for name in os.listdir(self.state_root) if self.state_root.exists() else ():
            subprocess.run([*RUNTIME, "--root", self.state_root, "delete", "--force", name], stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
        while True:  # what is left are our orphans; the runtime has killed them
            try:
                if os.waitpid(-1, os.WNOHANG)[0] == 0:
                    break
            except ChildProcessError:
                break

    # --- the runtime ---

    def command(self, *words):
        return [*RUNTIME, "--root", str(self.state_root), *map(str, words)]

    def runtime(self, *words, check=True, stdin=None, **options):
        """Runs a verb with its streams in files, which containers may go on writing to. See `output`."""
        command = self.command(*words)
        out, err = self.dir / "stdout", self.dir / "stderr"
        with open(out, "w") as stdout, open(err, "w") as stderr, open(stdin or "/dev/null") as source:
            process = subprocess.Popen(command, stdin=source, stdout=stdout, stderr=stderr, cwd=self.dir, **options)
            try:
                status = process.wait(PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                status = "no end"
        result = Result(command, status, out.read_text(errors="replace"), err.read_text(errors="replace"))
        if status == "no end" or (check and status != 0):
            self.fail(f"unexpected failure:\n{result}")
        return result

    def output(self):
        """What the last create and its container have written so far."""
        return (self.dir / "stdout").read_text()

    def write(self, bundle=None):
        ((bundle or self.bundle) / "config.json").write_text(json.dumps(self.config))

    def run_container(self, *args, **options):
        """`run` of a program, or of shell text when there is one word only, with whatever self.config says."""
        if args:
            self.config["process"]["args"] = list(args) if len(args) > 1 or args[0].startswith("/") else ["sh", "-c", args[0]]
        self.write()
        return self.runtime("run", "--bundle", self.bundle, self.name, **options)

    def says(self, script, **options):
        """The output of shell text in the container, without the last line end."""
        return self.run_container(script, **options).stdout.rstrip("\n")

    def report(self):
        """What the guest sees of itself."""
        return self.run_container("/guest").json()

    def create(self, *args, check=True, words=(), **options):
        if args:
            self.config["process"]["args"] = list(args) if len(args) > 1 or args[0].startswith("/") else ["sh", "-c", args[0]]
        self.write()
        return self.runtime("create", "--bundle", self.bundle, *words, self.name, check=check, **options)

    def start(self, check=True, **options):
        return self.runtime_apart("start", self.name, check=check, **options)

    def runtime_apart(self, *words, check=True, **options):
        """A verb whose streams are not those of the container."""
        done = subprocess.run(self.command(*words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=PATIENCE_SECONDS, cwd=self.dir, **options)
        result = Result(done.args, done.returncode, done.stdout, done.stderr)
        if check and done.returncode != 0:
            self.fail(f"unexpected failure:\n{result}")
        return result

    def state(self):
        return self.runtime_apart("state", self.name).json()

    def pid(self):
        return self.state()["pid"]

    def running(self, script="sleep 1000"):
        """A container that runs; its process id as we see it."""
        self.create(script)
        self.start()
        return self.pid()

    def wait_exit(self, pid):
        """How a container ended that was made by create: status, or 128 and the signal."""
        _, status = os.waitpid(pid, 0)
        return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)

    def exec(self, *args, check=True, words=()):
        args = list(args) if len(args) > 1 else ["sh", "-c", args[0]]
        return self.runtime_apart("exec", *words, self.name, *args, check=check)

    # --- changes to the config ---

    def add_mount(self, destination, source=None, kind=None, options=None, **more):
        entry = {"destination": destination, **more}
        for key, value in (("type", kind), ("source", source), ("options", options)):
            if value is not None:
                entry[key] = str(value) if key == "source" else value
        self.config["mounts"].append(entry)

    def bind(self, source, destination, *options):
        self.add_mount(destination, source, "none", ["rbind", *options])

    def shared_folder(self):
        """A folder of the host that the container has as /shared."""
        folder = self.dir / "shared"
        folder.mkdir(exist_ok=True)
        self.bind(folder, "/shared", "rw")
        return folder

    def namespaces(self):
        return self.config["linux"]["namespaces"]

    def without_namespace(self, kind):
        self.config["linux"]["namespaces"] = [one for one in self.namespaces() if one["type"] != kind]

    def join_namespace(self, kind, path):
        self.without_namespace(kind)
        self.namespaces().append({"type": kind, "path": str(path)})

    def without_mount(self, destination):
        self.config["mounts"] = [one for one in self.config["mounts"] if one["destination"] != destination]

    def with_user_namespace(self):
        if PLACE != "user":
            self.namespaces().append({"type": "user"})
            self.config["linux"]["uidMappings"] = id_map("/etc/subuid")
            self.config["linux"]["gidMappings"] = id_map("/etc/subgid")
            subprocess.run(["chown", "-R", "100000:100000", self.bundle / "rootfs"], check=True)

    # --- assertions ---

    def assert_error(self, result):
        """The operation failed and says why."""
        self.assertNotEqual(result.status, 0, result)
        self.assertTrue(result.stderr.strip(), f"no word about it:\n{result}")

    def assert_nothing_left(self):
        """No container, no state, no cgroup of ours."""
        self.assertNotEqual(self.runtime_apart("state", self.name, check=False).status, 0, "there is still a container")
        left = [name for name in os.listdir(self.state_root)] if self.state_root.exists() else []
        self.assertEqual([name for name in left if self.name in name], [], "state is left")
        self.assertEqual(self.cgroups_of(self.name), [], "cgroups are left")

    def cgroups_of(self, name):
        return [path for path, _, _ in os.walk("/sys/fs/cgroup") if name in os.path.basename(path)]

    def assert_refused(self):
        """create with this config is an error, and it is as if it had never been tried."""
        self.write()
        result = self.runtime("create", "--bundle", self.bundle, self.name, check=False)
        try:
            self.assert_error(result)
            self.assert_nothing_left()
        finally:
            if result.status == 0:  # so that what comes next can use the name
                self.runtime_apart("delete", "--force", self.name, check=False)
        return result

    def modified(self, path, value):
        """A copy of the config with one value changed; path is a list of keys."""
        changed = copy.deepcopy(self.config)
        place = changed
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
        return changed


