"""--filter instead of names: start, stop, restart, pause, rm; wait for what is not there."""

from engine_test import BUSYBOX, EngineTest


class FilterTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()
        self.ids = {name: self.engine("create", "--name", name, "--label", f"kind={kind}", "--network", "none", BUSYBOX,
                                      "sleep", "1000").stdout.strip()
                    for name, kind in (("one", "a"), ("two", "a"), ("three", "b"))}

    def chosen(self, *words):
        return set(self.engine(*words).stdout.split())

    def statuses(self):
        return {name: self.status_of(name) for name in self.ids}

    def test_what_matches_is_meant_and_nothing_else(self):
        both = {self.ids["one"], self.ids["two"]}
        self.assertEqual(self.chosen("start", "--filter", "label=kind=a"), both)
        self.assertEqual(self.statuses(), {"one": "running", "two": "running", "three": "created"})
        self.assertEqual(self.chosen("restart", "-t", "0", "-f", "status=running"), both)
        self.assertEqual(self.chosen("stop", "-t", "0", "-f", "name=one"), {self.ids["one"]})
        self.assertEqual(self.statuses(), {"one": "exited", "two": "running", "three": "created"})
        self.assertEqual(self.chosen("rm", "--filter", "status=exited", "--filter", "label=kind=a"), {self.ids["one"]})
        self.assertEqual(self.chosen("rm", "-f", "-t", "0", "--filter", "label=kind=a"), {self.ids["two"]})
        self.assertEqual(self.chosen("stop", "--filter", "label=kind=c"), set())
        self.engine("container", "exists", "three")

    def test_refusals(self):
        for verb in ("start", "stop", "restart", "pause", "unpause", "rm"):
            result = self.engine(verb, "--filter", "label=kind=a", "three", check=False)
            self.assert_fails(result, 125, "--filter takes no arguments")
            self.assert_fails(self.engine(verb, "--filter", "colour=red", check=False), 125, "colour")
        self.assertEqual(set(self.statuses().values()), {"created"})

    def test_wait_looks_as_often_as_is_said(self):
        """An hour is no reason to hear of the end an hour later."""
        self.engine("start", "one")
        waiting = self.start_engine("wait", "--interval", "1h", "one")
        self.engine("kill", "one")
        self.assertEqual(waiting.stdout.readline(), "137\n")
        self.assertEqual(self.engine("wait", "-i", "10ms", "one").stdout, "137\n")
        self.assert_fails(self.engine("wait", "-i", "often", "one", check=False), 125, "often")

    def test_what_runs_has_no_exit_code(self):
        self.engine("start", "one")
        self.assertEqual(self.engine("wait", "--condition", "running", "one", timeout=30).stdout, "-1\n")
        self.assertEqual(self.engine("wait", "--condition", "created", "two", timeout=30).stdout, "-1\n")

    def test_wait_tells_of_what_is_not_there_when_it_shall(self):
        self.assertEqual(self.engine("wait", "--ignore", "nothing", "one").stdout, "-1\n0\n")
        self.assert_fails(self.engine("wait", "one", "nothing", check=False), 125, '"nothing"')
