"""logs of several containers: by time, with --tail, --since, --names and --follow."""

import unittest

from engine_test import BUSYBOX, EngineTest, wait_until

TURNS = 'for turn in 1 2 3; do while ! test -e /t/$0-$turn; do sleep 0.02; done; echo $0 $turn; : > /t/done-$0-$turn; done'


class LogsTogetherTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()
        self.turns = self.dir / "turns"
        self.turns.mkdir()

    def start(self, name, *words):
        return self.engine("run", "-d", "--network", "none", "--name", name, "-v", f"{self.turns}:/t", BUSYBOX,
                           *words).stdout.strip()

    def take_turn(self, name, turn):
        (self.turns / f"{name}-{turn}").touch()
        wait_until(lambda: (self.turns / f"done-{name}-{turn}").exists(), f"{name} takes turn {turn}")
        self.wait_for_log(name, f"{name} {turn}")

    def take_all_turns(self):
        for turn in (1, 2, 3):
            for name in ("two", "one"):
                self.take_turn(name, turn)

    def test_lines_come_by_time(self):
        for name in ("one", "two"):
            self.start(name, "sh", "-c", TURNS, name)
        self.take_all_turns()
        expected = [f"{name} {turn}" for turn in (1, 2, 3) for name in ("two", "one")]
        ids = {name: self.inspect(name)["Id"][:12] for name in ("one", "two")}
        by_id = [f"{ids[line.split()[0]]} {line}" for line in expected]

        def shown(*words):
            return self.engine("logs", *words).stdout.splitlines()

        self.assertEqual(shown("one", "two"), by_id)
        self.assertEqual(shown("two", "one"), by_id)
        self.assertEqual(shown("--names", "one", "two"), [f"{line.split()[0]} {line}" for line in expected])
        self.assertEqual(shown("--names", "one"), ["one 1", "one 2", "one 3"])
        self.assertEqual(shown("--tail", "1", "one", "two"), by_id[-2:])
        self.assertEqual(shown("--tail", "2", "one", "two"), by_id[-4:])
        times = [line.split()[1] for line in shown("-t", "one", "two")]
        self.assertEqual(times, sorted(times))
        self.assertEqual(shown("--since", times[2], "one", "two"), by_id[2:])
        self.assertEqual(shown("--until", times[2], "one", "two"), by_id[:3])
        self.assertEqual(shown("--until", "1h", "one", "two"), by_id)
        coloured = shown("--color", "--names", "--tail", "1", "two", "one")
        self.assertEqual(coloured, ["\x1b[37mtwo two 3\x1b[0m", "\x1b[31mone one 3\x1b[0m"])

    def test_followers_see_all_of_them_until_the_last_ends(self):
        for name in ("one", "two"):
            self.start(name, "sh", "-c", TURNS, name)
        self.take_turn("one", 1)
        self.engine("run", "--name", "over", "--network", "none", BUSYBOX, "echo", "over")
        follower = self.start_engine("logs", "-f", "--names", "--tail", "5", "one", "two", "over")
        self.assertEqual([follower.stdout.readline() for _ in range(2)], ["one one 1\n", "over over\n"])
        for name, turn in (("two", 1), ("two", 2), ("one", 2), ("two", 3)):
            self.take_turn(name, turn)
            self.assertEqual(follower.stdout.readline(), f"{name} {name} {turn}\n")
        self.engine("wait", "two")
        self.take_turn("one", 3)
        rest, _ = follower.communicate(timeout=60)
        self.assertEqual((rest, follower.returncode), ("one one 3\n", 0))

    def test_followers_end_at_a_time_that_was_given(self):
        self.start("one", "sh", "-c", "echo said; exec sleep 1000")
        self.wait_for_log("one", "said")
        self.assertEqual(self.engine("logs", "-f", "--until", "1s", "one").stdout, "said\n")
        self.assertEqual(self.status_of("one"), "running")

    def test_one_without_a_log_is_refused_before_anything_is_shown(self):
        self.engine("run", "--name", "kept", "--network", "none", BUSYBOX, "echo", "kept")
        self.engine("run", "--name", "none", "--log-driver", "none", "--network", "none", BUSYBOX, "echo", "lost")
        result = self.engine("logs", "kept", "none", check=False)
        self.assert_fails(result, 125, "keeps no log")
        self.assertEqual(result.stdout, "")


if __name__ == "__main__":
    unittest.main()
