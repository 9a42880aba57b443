"""update: which limits are taken, and what is said where they cannot be kept. That the kernel keeps them: tests/host."""

import unittest

from engine_test import BUSYBOX, EngineTest


class UpdateTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()

    def test_what_is_refused(self):
        id = self.engine("create", BUSYBOX).stdout.strip()
        self.assert_fails(self.engine("update", "--memory", "much", id, check=False), 125, "--memory")
        self.assert_fails(self.engine("update", "--cpus", "-1", id, check=False), 125, "--cpus")
        self.assert_fails(self.engine("update", "--cpu-shares", "x", id, check=False), 125, "--cpu-shares")
        self.assert_fails(self.engine("update", "--cpus", "1", "nothing", check=False), 125, '"nothing"')
        self.assert_fails(self.engine("update", check=False), 125, "CONTAINER")

    def test_a_limit_that_cannot_be_kept_is_an_error(self):
        """No controller of memory is delegated here, whatever else is."""
        id = self.start_sleeper()
        done = self.engine("update", "--memory", "64m", id, check=False)
        self.assert_fails(done, 125, "updating")
        self.assertEqual(self.status_of(id), "running")


if __name__ == "__main__":
    unittest.main()
