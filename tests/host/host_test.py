"""What the tests inside a host have in common: bundles, the runtime's command line, systemd's view of a scope."""

import json
import os
import shlex
import shutil
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

ENGINE = "/share/engine"
PATIENCE_SECONDS = 120  # A host with its own kernel is slow.
IS_ROOT = os.getuid() == 0
CGROUP_ROOT = Path("/sys/fs/cgroup")
MIB = 1 << 20

# The cgroup of a login session is not its user's own. That of a unit with Delegate=yes is, and only below it does the
# user's systemd leave everything as it finds it; what runs there must be in a cgroup of its own to have others beside it.
DELEGATED = ["systemd-run", "--user", "--scope", "--quiet", "--collect", "--property=Delegate=yes", "sh", "-c",
             'own=/sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup) && mkdir "$own/command" && '
             'echo $$ >"$own/command/cgroup.procs" && exec "$@"', "sh"]


def wait_until(condition, what, seconds=PATIENCE_SECONDS):
    """Polls until condition() is true and returns its value."""
    deadline = time.monotonic() + seconds
    while True:
        if value := condition():
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain: {what}")
        time.sleep(0.05)


def controllers():
    """Those that a container of ours can have."""
    uid = os.getuid()
    place = CGROUP_ROOT if IS_ROOT else CGROUP_ROOT / f"user.slice/user-{uid}.slice/user@{uid}.service"
    return (place / "cgroup.controllers").read_text().split()


class Result:
    def __init__(self, command, done):
        self.command, self.status, self.stdout, self.stderr = command, done.returncode, done.stdout, done.stderr

    def __str__(self):
        return f"$ {shlex.join(self.command)}\nstatus: {self.status}\nstdout: {self.stdout}\nstderr: {self.stderr}"


class HostTest(unittest.TestCase):
    manager = "systemd"

    @classmethod
    def setUpClass(cls):
        if "TEST_HOST" not in os.environ:
            raise AssertionError("these tests run inside a host; see tests/host/run")

    def setUp(self):
        self.dir = Path(tempfile.mkdtemp(prefix="host-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.containers = []
        self.addCleanup(self._delete_all)
        self.bundle = self.dir / "bundle"
        self.rootfs = self.bundle / "rootfs"
        for name in ("bin", "dev", "proc", "sys", "tmp"):
            (self.rootfs / name).mkdir(parents=True)
        shutil.copy("/bin/busybox", self.rootfs / "bin/busybox")
        for name in ("sh", "dd", "sleep", "cat"):
            (self.rootfs / "bin" / name).symlink_to("busybox")
        self.runtime("spec", *([] if IS_ROOT else ["--rootless"]), "--bundle", self.bundle)
        self.config = json.loads((self.bundle / "config.json").read_text())
        self.config["process"].update(terminal=False)
        self.config["root"]["readonly"] = False
        self.config["linux"].pop("resources", None)

    def _delete_all(self):
        for name in self.containers:
            self.runtime("delete", "--force", name, check=False)

    def command(self, *words):
        command = [ENGINE, "runtime", "--root", self.dir / "states", "--cgroup-manager", self.manager, *words]
        if self.manager == "cgroupfs" and not IS_ROOT:
            command = [*DELEGATED, *command]
        return [str(word) for word in command]

    def runtime(self, *words, check=True, environment=None):
        command = self.command(*words)
        # A detached container keeps our output open, so it may not be a pipe that we read to its end.
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, timeout=PATIENCE_SECONDS,
                                  env={**os.environ, **(environment or {})})
            out.seek(0), err.seek(0)
            done.stdout, done.stderr = out.read(), err.read()
        result = Result(command, done)
        if check and result.status != 0:
            self.fail(f"unexpected failure:\n{result}")
        return result

    def write_config(self):
        (self.bundle / "config.json").write_text(json.dumps(self.config))

    def start(self, script, resources=None, name=None, **linux):
        """A detached container that runs `script` with busybox's sh; its name, which no other test uses."""
        name = name or f"{self._testMethodName.removeprefix('test_')[:40]}-{os.getpid()}"
        self.config["process"]["args"] = ["/bin/sh", "-c", script]
        self.config["linux"].update(linux)
        if resources is not None:
            self.config["linux"]["resources"] = resources
        self.write_config()
        self.containers.append(name)
        result = self.runtime("run", "--detach", "--bundle", self.bundle, name)
        self.assertEqual(result.stderr, "")
        return name

    def need(self, *names):
        missing = set(names) - set(controllers())
        if missing:
            self.skipTest(f"this host has no {', '.join(sorted(missing))} controller in cgroup v2")

    def statistics(self, name):
        return json.loads(self.runtime("events", "--stats", name).stdout)["data"]

    def state(self, name):
        return json.loads(self.runtime("state", name).stdout)

    def cgroup_of(self, name):
        """The v2 folder of the container's first process."""
        line = Path(f"/proc/{self.state(name)['pid']}/cgroup").read_text().splitlines()[-1]
        self.assertTrue(line.startswith("0::/"), line)
        return CGROUP_ROOT / line.removeprefix("0::/")

    def systemctl(self, *words):
        user = [] if IS_ROOT else ["--user"]
        return subprocess.run(["systemctl", *user, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=PATIENCE_SECONDS, check=True).stdout

    def properties(self, unit, *names):
        lines = self.systemctl("show", unit, *(f"--property={name}" for name in names)).splitlines()
        return dict(line.split("=", 1) for line in lines)

    def assert_unit_is_gone(self, unit):
        self.assertEqual(self.properties(unit, "LoadState", "ActiveState"),
                         {"LoadState": "not-found", "ActiveState": "inactive"})
