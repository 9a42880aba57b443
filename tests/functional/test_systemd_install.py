"""`engine systemd install` where no systemd runs: the files, what is said, and the line for cron."""

import os
import shutil
import unittest

from engine_test import BUSYBOX, EngineTest

FILES = ("engine-restart.service", "default.target.wants/engine-restart.service", "engine-auto-update.service",
         "engine-auto-update.timer", "timers.target.wants/engine-auto-update.timer")


class SystemdInstallTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.units = self.home / ".config/systemd/user"

    def install(self, *words, **how):
        return self.engine("systemd", "install", *words, **how)

    def there(self):
        return [name for name in FILES if os.path.lexists(self.units / name)]

    def test_a_plan_changes_nothing(self):
        plan = self.install("--dry-run").stdout
        self.assertEqual(self.there(), [])
        self.assertIn(f"# {self.units}/engine-restart.service\n[Unit]\n", plan)
        self.assertIn(f" --root={self.root} --runroot={self.runroot} start --all --filter should-start-on-boot=true\n", plan)
        self.assertTrue(plan.endswith("systemctl --user enable --now engine-auto-update.timer\n"), plan)

    def test_files_are_written_kept_and_removed(self):
        wrote = self.install("--reload-systemd=false")
        self.assertEqual(wrote.stdout.splitlines(), [f"wrote {self.units}/{name}" for name in FILES])
        self.assertIn("loginctl enable-linger", wrote.stderr)
        self.assertEqual(os.readlink(self.units / FILES[1]), "../engine-restart.service")
        self.assertEqual(self.install("--reload-systemd=false").stdout, wrote.stdout.replace("wrote", "kept"))
        (self.units / FILES[0]).write_text("changed\n")
        self.assertIn(f"wrote {self.units}/{FILES[0]}\nkept ", self.install("--reload-systemd=false").stdout)
        removed = self.install("--uninstall", "--reload-systemd=false").stdout
        self.assertEqual(len(removed.splitlines()), len(FILES), removed)
        self.assertEqual(self.there(), [])
        self.assertEqual(self.install("--uninstall", "--reload-systemd=false").stdout, "")

    @unittest.skipUnless(shutil.which("systemd-analyze"), "systemd-analyze is not installed")
    def test_systemd_has_nothing_to_say_against_them(self):
        self.install("--reload-systemd=false")
        result = self.tool("systemd-analyze", "--user", "--man=no", "verify",
                           *(self.units / name for name in FILES if "/" not in name), check=False)
        self.assertEqual([line for line in result.stderr.splitlines() if "engine-" in line], [])

    @unittest.skipIf(os.path.exists("/run/systemd/system"), "systemd runs here")
    def test_without_systemd_another_way_is_told(self):
        self.assert_fails(self.install(check=False), 125, "systemd does not run here", "engine systemd install --cron")
        self.assertEqual(self.there(), [])
        line = self.install("--cron").stdout
        self.assertRegex(line, r"^@reboot /\S+/engine --root=\S+ --runroot=\S+ start --all "
                               r"--filter should-start-on-boot=true\n$")

    def test_the_line_for_cron_starts_what_it_should(self):
        self.pull_image()
        for name, policy in (("a", "always"), ("u", "unless-stopped"), ("n", "no")):
            self.engine("create", "--name", name, "--restart", policy, "--network", "none", BUSYBOX, "/guest", "wait")
        command = self.install("--cron").stdout.removeprefix("@reboot ")
        self.tool("sh", "-c", command)
        self.assertEqual(sorted(self.engine("ps", "--format", "{{.Names}}").stdout.split()), ["a", "u"])
        self.engine("_shutdown")
        self.engine("_restart", self.engine("ps", "-aq", "--no-trunc", "--filter", "name=^a$").stdout.strip())  # a late one
        self.assertEqual(self.engine("ps", "-q").stdout, "")
        names = self.engine("ps", "-a", "--filter", "should-start-on-boot=true", "--format", "{{.Names}}").stdout.split()
        self.assertEqual(sorted(names), ["a", "u"])
        self.engine("start", "u")
        self.engine("stop", "-t", "0", "u")
        self.tool("sh", "-c", command)
        self.assertEqual(self.engine("ps", "--format", "{{.Names}}").stdout, "a\n")
