"""Health checks by the monitor's clock: states, what inspect, ps, events and wait tell of them, what a failure does."""

import json

from engine_test import BUSYBOX, EngineTest, wait_until

OFTEN = ("--health-interval", "200ms")


class HealthTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()

    def run_checked(self, *options, words=("/guest", "wait")):
        return self.engine("run", "-d", "--network", "none", *options, BUSYBOX, *words).stdout.strip()

    def inspected(self, container):
        return json.loads(self.engine("inspect", container).stdout)[0]

    def health(self, container):
        return self.inspected(container)["State"]["Health"]

    def test_a_container_becomes_healthy_and_unhealthy(self):
        box = self.run_checked(*OFTEN, "--health-retries", "2", "--health-cmd", "test ! -e /tmp/ill && echo well")
        self.assertEqual(self.engine("wait", "--condition", "healthy", box).status, 0)
        self.assertIn("(healthy)", self.engine("ps").stdout)
        self.assertEqual(self.engine("ps", "-q", "--no-trunc", "--filter", "health=healthy").stdout.strip(), box)
        self.assertEqual(self.engine("inspect", "--format", "{{.State.Healthcheck.Status}}", box).stdout, "healthy\n")
        self.assertEqual(self.engine("ps", "-q", "--filter", "health=unhealthy").stdout, "")
        first = self.health(box)
        self.assertEqual((first["Status"], first["FailingStreak"]), ("healthy", 0))
        self.assertEqual((first["Log"][-1]["ExitCode"], first["Log"][-1]["Output"].strip()), (0, "well"))
        self.engine("exec", box, "touch", "/tmp/ill")
        self.engine("wait", "--condition", "unhealthy", box)
        ill = self.health(box)
        self.assertGreaterEqual(ill["FailingStreak"], 2)
        self.assertIn("(unhealthy)", self.engine("ps").stdout)
        wait_until(lambda: len(self.health(box)["Log"]) == 5, "no more than five entries")
        events = self.engine("events", "--stream=false", "--filter", "event=health_status").stdout
        self.assertIn("health_status=healthy", events)
        self.assertIn("health_status=unhealthy", events)

    def test_a_check_by_hand(self):
        box = self.run_checked("--health-interval", "disable", "--health-retries", "1", "--health-cmd", "test -e /tmp/up")
        self.assertEqual(self.health(box)["Status"], "starting")
        failed = self.engine("healthcheck", "run", box, check=False)
        self.assertEqual((failed.status, failed.stdout), (1, "unhealthy\n"))
        self.engine("exec", box, "touch", "/tmp/up")
        done = self.engine("healthcheck", "run", box)
        self.assertEqual((done.status, done.stdout, self.health(box)["Status"]), (0, "", "healthy"))

    def test_a_container_without_a_check_has_none(self):
        box = self.run_checked()
        done = self.engine("healthcheck", "run", box, check=False)
        self.assertEqual(done.status, 125)
        self.assertIn("has no defined healthcheck", done.stderr)
        self.assertEqual(self.health(box)["Status"], "")
        self.engine("stop", "-t", "0", box)

    def test_a_check_that_hangs_is_ended(self):
        box = self.run_checked("--health-interval", "disable", "--health-retries", "1", "--health-timeout", "1s",
                               "--health-cmd", '["/guest", "wait"]')
        self.assertEqual(self.engine("healthcheck", "run", box, check=False).status, 1)
        self.assertEqual(self.health(box)["Log"][-1]["ExitCode"], -1)
        wait_until(lambda: self.engine("top", box, "pid").stdout.count("\n") == 2, "only its own process")

    def test_failures_in_the_start_period_do_not_count(self):
        box = self.run_checked("--health-interval", "disable", "--health-retries", "1", "--health-start-period", "1h",
                               "--health-cmd", "false")
        done = self.engine("healthcheck", "run", box, check=False)
        self.assertEqual((done.status, done.stdout), (1, "starting\n"))
        self.assertEqual(self.health(box)["FailingStreak"], 0)

    def test_the_startup_check_comes_first(self):
        box = self.run_checked(*OFTEN, "--health-cmd", "true", "--health-startup-cmd", "test -e /tmp/up",
                               "--health-startup-interval", "200ms", "--health-startup-success", "2")
        wait_until(lambda: self.health(box)["Log"], "a startup check")
        self.assertEqual(self.health(box)["Status"], "starting")
        self.engine("exec", box, "touch", "/tmp/up")
        self.engine("wait", "--condition", "healthy", box)

    def test_each_option_is_shown_and_can_be_changed(self):
        box = self.engine("create", *self.checks(1), BUSYBOX, "true").stdout.strip()
        self.assert_checks(box, 1)
        self.engine("update", *self.checks(2), box)
        self.assert_checks(box, 2)
        other = self.engine("container", "clone", box).stdout.strip()
        self.assert_checks(other, 2)

    @staticmethod
    def checks(number):
        return ("--health-cmd", f"test {number}", "--health-interval", f"{number}1s", "--health-retries", f"{number}2",
                "--health-start-period", f"{number}3s", "--health-start-interval", f"{number}4s", "--health-timeout",
                f"{number}5s", "--health-on-failure", ("kill", "stop")[number - 1], "--health-startup-cmd",
                f"test {number}0", "--health-startup-interval", f"{number}6s", "--health-startup-retries", f"{number}7",
                "--health-startup-success", f"{number}8", "--health-startup-timeout", f"{number}9s")

    def assert_checks(self, box, number):
        config = self.inspected(box)["Config"]
        second = 10**9
        self.assertEqual(config["Healthcheck"], {
            "Test": ["CMD-SHELL", f"test {number}"], "Interval": (number * 10 + 1) * second, "Retries": number * 10 + 2,
            "StartPeriod": (number * 10 + 3) * second, "StartInterval": (number * 10 + 4) * second,
            "Timeout": (number * 10 + 5) * second})
        self.assertEqual(config["HealthcheckOnFailureAction"], ("kill", "stop")[number - 1])
        self.assertEqual(config["StartupHealthCheck"], {
            "Test": ["CMD-SHELL", f"test {number}0"], "Interval": (number * 10 + 6) * second,
            "Retries": number * 10 + 7, "Successes": number * 10 + 8, "Timeout": (number * 10 + 9) * second})

    def test_a_startup_check_that_hangs_is_ended(self):
        box = self.run_checked("--health-interval", "1h", "--health-cmd", "true", "--health-startup-cmd",
                               '["/guest", "wait"]', "--health-startup-interval", "200ms", "--health-startup-timeout", "1s")
        wait_until(lambda: self.health(box)["Log"], "the startup check has ended")
        self.assertEqual((self.health(box)["Log"][0]["ExitCode"], self.health(box)["Status"]), (-1, "starting"))

    def test_checks_come_sooner_in_the_start_period(self):
        """The ordinary interval is an hour: only --health-start-interval makes the second check come."""
        box = self.run_checked("--health-interval", "1h", "--health-start-period", "1h", "--health-start-interval", "200ms",
                               "--health-cmd", "false")
        wait_until(lambda: len(self.health(box)["Log"] or ()) >= 2, "a second check")
        self.assertEqual(self.health(box)["Status"], "starting")

    def test_an_unhealthy_container_is_killed_stopped_or_restarted(self):
        check = (*OFTEN, "--health-retries", "1", "--health-cmd", "test ! -e /tmp/ill", "--stop-timeout", "0")
        for action in ("kill", "stop"):
            box = self.run_checked(*check, "--health-on-failure", action)
            self.engine("exec", box, "touch", "/tmp/ill", check=False)
            wait_until(lambda: self.status_of(box) == "exited", f"its end by {action}")
            self.assertEqual(self.inspected(box)["Config"]["HealthcheckOnFailureAction"], action)
        box = self.run_checked(*check, "--health-on-failure", "restart", "--tmpfs", "/tmp")
        before = self.inspected(box)["State"]["StartedAt"]
        self.engine("exec", box, "touch", "/tmp/ill", check=False)
        wait_until(lambda: self.inspected(box)["State"]["StartedAt"] != before and self.status_of(box) == "running",
                   "its restart")

    def test_the_check_of_the_image(self):
        image = self.pull_image("localhost/checked:latest",
                                Healthcheck={"Test": ["CMD-SHELL", "true"], "Interval": 10**9, "Retries": 7})
        box = self.engine("run", "-d", "--network", "none", image, "/guest", "wait").stdout.strip()
        config = self.inspected(box)["Config"]["Healthcheck"]
        self.assertEqual((config["Test"], config["Interval"], config["Retries"]), (["CMD-SHELL", "true"], 10**9, 7))
        self.engine("wait", "--condition", "healthy", box)
        none = self.engine("run", "-d", "--network", "none", "--no-healthcheck", image, "/guest", "wait").stdout.strip()
        self.assertEqual(self.health(none)["Status"], "")

    def test_values_that_cannot_be_meant(self):
        for words in (["--health-retries", "0"], ["--health-timeout", "10ms"], ["--health-interval", "often"],
                      ["--health-on-failure", "shout"], ["--health-startup-retries", "2"], ["--sdnotify", "healthy"]):
            check = [] if "--sdnotify" in words else ["--health-cmd", "true"]
            self.assertEqual(self.engine("create", *check, *words, BUSYBOX, check=False).status, 125, words)
