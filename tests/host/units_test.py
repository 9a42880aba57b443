"""What tests of units and Quadlet files have in common: a root file system, a folder, the caller's systemd."""

import os
import subprocess
from pathlib import Path

from host_test import ENGINE, IS_ROOT, PATIENCE_SECONDS, HostTest, Result, wait_until

SYSTEMCTL = ["systemctl"] if IS_ROOT else ["systemctl", "--user"]
HOME = Path(os.environ.get("HOME", "/root"))
QUADLETS = Path("/etc/containers/systemd") if IS_ROOT else HOME / ".config/containers/systemd"
UNITS = Path("/etc/systemd/system") if IS_ROOT else HOME / ".config/systemd/user"
GENERATOR = f"/etc/systemd/{'system' if IS_ROOT else 'user'}-generators/engine-{'system' if IS_ROOT else 'user'}-generator"


class UnitsTest(HostTest):
    def setUp(self):
        super().setUp()
        os.chmod(self.dir, 0o755)
        for name in ("test", "id", "true", "false", "echo", "kill", "ls", "stat", "hostname", "ulimit", "touch", "rm", "seq", "head", "tr", "printf"):
            if not (self.rootfs / "bin" / name).exists():
                (self.rootfs / "bin" / name).symlink_to("busybox")
        self.started, self.files = [], []
        self.addCleanup(self._remove_files)

    def _remove_files(self):
        if self.started:
            self.systemctl("stop", *self.started, check=False)
            self.systemctl("reset-failed", *self.started, check=False)
        for path in self.files:
            path.unlink(missing_ok=True)
        if self.files:
            self.systemctl("daemon-reload")

    def call(self, *words, check=True, environment=None):
        command = [str(word) for word in words]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_SECONDS,
                              env={**os.environ, **(environment or {})})
        result = Result(command, done)
        if check and result.status != 0:
            self.fail(f"unexpected failure:\n{result}")
        return result

    def engine(self, *words, check=True):
        return self.call(ENGINE, *words, check=check)

    def systemctl(self, *words, check=True):
        return self.call(*SYSTEMCTL, *words, check=check)

    def write(self, folder, name, text):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
        self.files.append(folder / name)

    def show(self, unit, name):
        return self.systemctl("show", "--value", f"--property={name}", unit).stdout.strip()

    def start_units(self, *units):
        self.started += units
        result = self.systemctl("start", *units, check=False)
        if result.status != 0:
            self.fail(self.why_failed(units))

    def why_failed(self, units):
        """Which of them are not active, each with the end of its own journal."""
        journal = [] if IS_ROOT else ["--user"]
        failed = [unit for unit in units if self.show(unit, "ActiveState") != "active"]
        parts = [f"not active: {', '.join(failed)}"]
        for unit in failed[:3]:
            properties = self.systemctl("show", "--property=ActiveState,Result,ExecMainCode,ExecMainStatus", unit).stdout
            lines = self.call("journalctl", *journal, "--no-pager", "--output=cat", f"--unit={unit}", "-n", 8, check=False)
            parts += [f"{unit}: {properties.replace(chr(10), ' ')}", lines.stdout.rstrip()]
        return "\n".join(parts)

    def assert_active(self, unit):
        self.assertEqual(self.show(unit, "ActiveState"), "active", unit)

    def assert_gone(self, *containers):
        left = self.engine("ps", "--all", "--format", "{{.Names}}").stdout.split()
        self.assertEqual([name for name in containers if name in left], [])

    def wait_for_state(self, unit, state):
        wait_until(lambda: self.show(unit, "ActiveState") == state, f"{unit} is {state}", 60)
