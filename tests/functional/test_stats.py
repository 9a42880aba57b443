"""stats: what containers use, in podman's columns and JSON."""

import unittest

from engine_test import BUSYBOX, EngineTest
from test_pause import can_divide

HEADINGS = ["ID", "NAME", "CPU %", "MEM USAGE / LIMIT", "MEM %", "NET IO", "BLOCK IO", "PIDS", "CPU TIME", "AVG CPU %"]


class StatsTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()

    def test_what_runs(self):
        id = self.start_sleeper("--name", "web")
        self.engine("create", "--name", "made", BUSYBOX)
        lines = self.engine("stats", "--no-stream").stdout.splitlines()
        for heading in HEADINGS:
            self.assertIn(heading, lines[0])
        self.assertEqual([line.split()[:2] for line in lines[1:]], [[id[:12], "web"]])
        [found] = self.engine("stats", "--no-stream", "--format", "json", "web").json()
        self.assertEqual(list(found), ["id", "name", "cpu_time", "cpu_percent", "avg_cpu", "mem_usage", "mem_percent",
                                       "net_io", "block_io", "pids"])
        self.assertEqual((found["id"], found["pids"], found["net_io"]), (id[:12], "1", "0B / 0B"))
        self.assertRegex(found["mem_usage"], r"^[1-9][\d.]*[kM]B / [1-9][\d.]*[GT]B$")

    def test_what_does_not_run_is_all_zero_as_in_podman(self):
        id = self.engine("create", "--name", "made", BUSYBOX).stdout.strip()
        template = "{{.ID}} {{.Name}} {{.MemUsage}} {{.CPUPerc}} {{.MemPerc}} {{.NetIO}} {{.BlockIO}} {{.PIDS}} {{.CPU}}"
        shown = self.engine("stats", "--no-stream", "--format", template, "made").stdout
        self.assertEqual(shown, f"{id[:12]} made 0B / 0B 0.00% 0.00% 0B / 0B 0B / 0B 0 0\n")
        self.assertIn("made", self.engine("container", "stats", "--no-stream", "--all").stdout)
        self.assertNotIn("made", self.engine("stats", "--no-stream").stdout)

    def test_again_and_again(self):
        self.start_sleeper("--name", "web")
        process = self.start_engine("stats", "--interval", "1", "--no-reset", "--format", "{{.Name}}")
        self.assertEqual([process.stdout.readline() for _ in range(2)], ["web\n", "web\n"])

    def test_what_is_not_there(self):
        self.assert_fails(self.engine("stats", "--no-stream", "nothing", check=False), 125, '"nothing"')


class WithoutCgroupTest(EngineTest):
    @unittest.skipIf(can_divide(), "this user has a cgroup to divide")
    def test_what_needs_one_says_so_and_changes_nothing(self):
        self.pull_image()
        id = self.start_sleeper()
        for words in (["pause"], ["update", "--cpus", "1"]):
            self.assert_fails(self.engine(*words, id, check=False), 125, "no cgroup of its own here")
        self.assertEqual(self.status_of(id), "running")
        self.assertEqual(self.engine("exec", id, "echo", "works").stdout, "works\n")


if __name__ == "__main__":
    unittest.main()
