"""`engine systemd install`, a restart of the user's manager, and a second boot from the same disk ($BOOT says which)."""

import os
import unittest
from pathlib import Path

from host_test import IS_ROOT, wait_until
from units_test import HOME, QUADLETS, UNITS, UnitsTest

BOOT = os.environ.get("BOOT")
HAS_TWO = Path("/share/two-boots").exists()
FIRST_JOB_STATUS = Path("/var/lib/engine-status")  # The last that the first boot writes before it is shut down.
STOP_TIMEOUT_SECONDS = 90  # Of systemd, for what does not end by SIGTERM.
OWN = ("engine-restart.service", "engine-auto-update.service", "engine-auto-update.timer")
LINKS = ("default.target.wants/engine-restart.service", "timers.target.wants/engine-auto-update.timer")
# What stays until the second boot lies beside the user's own files, not in a folder of the test.
ROOTFS = HOME / "boot-rootfs"
IDLE = ("sh", "-c", "trap 'exit 0' TERM; while true; do sleep 0.1; done")


class BootUnitsTest(UnitsTest):
    def tearDown(self):
        self.engine("systemd", "install", "--uninstall", check=False)

    def test_units_are_installed_once_verified_and_taken_away(self):
        plan = self.engine("systemd", "install", "--dry-run").stdout
        self.assertEqual([name for name in OWN if (UNITS / name).exists()], [])
        told = self.engine("systemd", "install")
        self.assertEqual(told.stdout.splitlines(), [f"wrote {UNITS}/{name}" for name in
                                                    (OWN[0], LINKS[0], OWN[1], OWN[2], LINKS[1])])
        self.assertEqual(told.stderr, "")  # the user lingers
        for name in OWN:
            self.assertIn((UNITS / name).read_text(), plan)
        again = self.engine("systemd", "install").stdout
        self.assertEqual(again, told.stdout.replace("wrote", "kept"))
        for name in (OWN[0], OWN[2]):
            self.assertEqual(self.systemctl("is-enabled", name).stdout, "enabled\n")
        self.assert_active(OWN[2])
        words = ["--system"] if IS_ROOT else ["--user"]
        verified = self.call("systemd-analyze", *words, "--man=no", "verify", *(UNITS / name for name in OWN), check=False)
        complaints = [line for line in verified.stderr.splitlines() if "engine-" in line]
        self.assertEqual((complaints, verified.status), ([], 0), verified.stderr)
        self.engine("systemd", "install", "--uninstall")
        self.assertEqual([name for name in (*OWN, *LINKS) if os.path.lexists(UNITS / name)], [])
        self.assertEqual(self.show(OWN[0], "LoadState"), "not-found")
        self.assertEqual(self.engine("systemd", "install", "--uninstall").stdout, "")

    def test_the_unit_starts_and_stops_what_has_a_restart_policy(self):
        for name, policy in (("i-always", "always"), ("i-unless", "unless-stopped"), ("i-stopped", "unless-stopped"),
                             ("i-never", "no")):
            self.engine("create", "--name", name, "--restart", policy, "--network", "none", "--rootfs", self.rootfs, *IDLE)
            self.addCleanup(self.engine, "rm", "-f", name, check=False)
        self.engine("start", "i-stopped")
        self.engine("stop", "i-stopped")
        self.engine("systemd", "install")
        for _ in range(2):  # the second time shows that stopping was not taken for the user's will
            self.start_units(OWN[0])
            self.assertEqual(set(self.engine("ps", "--format", "{{.Names}}").stdout.split()), {"i-always", "i-unless"})
            self.systemctl("stop", OWN[0])
            self.assertEqual(self.show(OWN[0], "Result"), "success")
            self.assertEqual(self.engine("ps", "--format", "{{.Names}}").stdout, "")
            for name in ("i-always", "i-unless"):
                self.assertEqual(self.engine("inspect", "--format", "{{.State.ExitCode}}", name).stdout, "0\n")


@unittest.skipUnless(IS_ROOT, "restarts the manager of an ordinary user")
class ManagerTest(UnitsTest):
    def as_tester(self, script, check=True):
        return self.call("runuser", "-l", "tester", "-c", script, check=check)

    def test_a_quadlet_runs_again_after_its_manager_was_restarted(self):
        self.as_tester("mkdir -p ~/.config/containers/systemd ~/manager/bin ~/manager/proc ~/manager/dev ~/manager/sys && "
                       "cp /bin/busybox ~/manager/bin/sh && printf '[Container]\\nRootfs=/home/tester/manager\\nNetwork=none\\n"
                       "Exec=sh -c \"trap \\\\\"exit 0\\\\\" TERM; while true; do sleep 0.1; done\"\\n"
                       "[Install]\\nWantedBy=default.target\\n' >~/.config/containers/systemd/m-web.container && "
                       "systemctl --user daemon-reload && systemctl --user start m-web.service")
        self.addCleanup(self.as_tester, "systemctl --user stop m-web.service; rm -rf ~/manager "
                                        "~/.config/containers/systemd/m-web.container; systemctl --user daemon-reload", False)
        pid = "systemctl --user show --value --property=MainPID m-web.service"
        before = self.as_tester(pid).stdout
        self.call("systemctl", "restart", "user@1000.service")
        wait_until(lambda: self.as_tester("systemctl --user is-active m-web.service", False).stdout == "active\n",
                   "the container runs again", 60)
        self.assertNotIn(self.as_tester(pid).stdout, (before, "0\n"))
        self.assertEqual(self.as_tester("/share/engine exec systemd-m-web sh -c 'echo ok'").stdout, "ok\n")


@unittest.skipUnless(BOOT == "1" and HAS_TWO, "the first of two boots")
class FirstBoot(UnitsTest):
    def test_what_is_left_for_the_second(self):
        self.call("cp", "-a", self.rootfs, ROOTFS)
        ROOTFS.chmod(0o755)
        for name, policy in (("b-always", "always"), ("b-unless", "unless-stopped"), ("b-stopped", "unless-stopped")):
            self.engine("run", "-d", "--name", name, "--restart", policy, "--network", "none", "--rootfs", ROOTFS, *IDLE)
        self.engine("stop", "b-stopped")
        self.engine("create", "--name", "b-never", "--network", "none", "--rootfs", ROOTFS, *IDLE)
        QUADLETS.mkdir(parents=True, exist_ok=True)
        (QUADLETS / "b-web.container").write_text(
            f"[Container]\nRootfs={ROOTFS}\nNetwork=none\nExec=sh -c 'trap \"exit 0\" TERM; while true; do sleep 0.1; done'\n"
            "[Install]\nWantedBy=default.target\n")
        self.systemctl("daemon-reload")
        self.systemctl("start", "b-web.service")
        self.engine("systemd", "install")
        self.systemctl("start", OWN[0])  # so that it also stops them; the timer is active by itself


def start_of_this_boot():
    """Seconds since the epoch, of process 1."""
    clock = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime "))
    ticks = Path("/proc/1/stat").read_text().rpartition(")")[2].split()[19]
    return int(clock.split()[1]) + int(ticks) / os.sysconf("SC_CLK_TCK")


@unittest.skipUnless(BOOT == "2", "the second boot")
class SecondBoot(UnitsTest):
    def test_nothing_held_up_the_end_of_the_first(self):
        seconds = start_of_this_boot() - FIRST_JOB_STATUS.stat().st_mtime
        self.assertLess(seconds, STOP_TIMEOUT_SECONDS / 2)

    def test_containers_and_quadlets_run_again(self):
        for unit in ("b-web.service", OWN[0], OWN[2]):
            self.wait_for_state(unit, "active")
        names = set(self.engine("ps", "--format", "{{.Names}}").stdout.split())
        self.assertEqual(names, {"b-always", "b-unless", "systemd-b-web"})
        for name in ("b-always", "b-unless"):
            self.assertEqual(self.engine("exec", name, "echo", "ok").stdout, "ok\n")
        self.assertEqual(self.engine("system", "check").status, 0)
