"""pause and unpause: everything in a container stands still, where the user has a cgroup to divide (run.py sees to it)."""

import unittest
from pathlib import Path

from engine_test import BUSYBOX, EngineTest, wait_until


def can_divide():
    """Whether the cgroup that we are in lies in one of ours."""
    try:
        path = next(line[3:] for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::"))
        with open(f"/sys/fs/cgroup{path}/cgroup.procs", "a", encoding="ascii"):
            return True
    except (OSError, StopIteration):
        return False


class PauseTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()

    def counter(self, *options):
        """A container whose file /tmp/count grows, by several processes; its id."""
        script = "(while :; do echo >> /tmp/count; sleep 0.01; done) & while :; do sleep 0.01; done"
        return self.engine("run", "-d", "--network", "none", *options, BUSYBOX, "sh", "-c", script).stdout.strip()


@unittest.skipUnless(can_divide(), "this user has no cgroup to divide")
class DelegatedTest(PauseTest):
    def times(self, pid):
        """How often its first process has been given a CPU, and has left it."""
        status = Path(f"/proc/{pid}/status").read_text()
        return [line for line in status.splitlines() if "ctxt_switches" in line]

    def test_what_is_paused_stands_still_and_goes_on(self):
        id = self.counter()
        self.assertEqual(self.engine("pause", id).stdout, id + "\n")
        state = self.inspect(id)["State"]
        self.assertEqual((state["Status"], state["Paused"], state["Running"]), ("paused", True, True))
        times = self.times(state["Pid"])
        self.assertEqual(self.engine("ps", "-q").stdout, "")
        self.assertEqual(self.engine("ps", "-a", "--format", "{{.Status}}").stdout, "Paused\n")
        self.assertEqual(self.times(state["Pid"]), times)
        self.assertEqual(self.engine("unpause", id).stdout, id + "\n")
        self.assertEqual(self.status_of(id), "running")
        before = int(self.engine("exec", id, "wc", "-l", "/tmp/count").stdout.split()[0])
        wait_until(lambda: int(self.engine("exec", id, "wc", "-l", "/tmp/count").stdout.split()[0]) > before,
                   "it counts again")
        self.engine("pause", id)
        self.engine("unpause", "--all")
        self.engine("rm", "-f", "-t", "0", id)

    def test_what_cannot_be_done_to_it(self):
        id = self.counter()
        self.engine("container", "pause", id)
        self.assert_fails(self.engine("pause", id, check=False), 125, "is paused, not running")
        self.assert_fails(self.engine("stop", id, check=False), 125, "is paused")
        self.assert_fails(self.engine("exec", id, "true", check=False), 125, "is paused")
        self.assert_fails(self.engine("start", id, check=False), 125, "is paused")
        self.assert_fails(self.engine("rm", id, check=False), 2, "running")
        self.engine("container", "unpause", id)
        self.assert_fails(self.engine("unpause", id, check=False), 125, "is running, not paused")

    def test_it_can_be_killed_and_removed(self):
        first, second = self.counter(), self.counter("--rm")
        self.assertEqual(len(self.engine("pause", "--all").stdout.split()), 2)
        self.engine("kill", first)
        self.assertEqual(self.status_of(first), "exited")
        self.engine("rm", "-f", second)
        self.engine("start", first)
        self.assertEqual(self.status_of(first), "running")
        self.engine("rm", "-f", "-t", "0", first)
        self.assert_no_containers()
        left = [path for path in Path("/sys/fs/cgroup").rglob(f"*{first}*")]
        self.assertEqual(left, [])

    def test_its_events(self):
        id = self.counter("--name", "web")
        self.engine("pause", id)
        self.engine("unpause", id)
        seen = self.engine("events", "--stream=false", "--format", "{{.Status}}", "--filter", "container=web").stdout
        self.assertEqual(seen.split()[-2:], ["pause", "unpause"])


class NotPossibleTest(PauseTest):
    def test_what_does_not_run(self):
        id = self.engine("create", BUSYBOX).stdout.strip()
        self.assert_fails(self.engine("pause", id, check=False), 125, "is created, not running")
        self.assert_fails(self.engine("unpause", id, check=False), 125, "is created, not paused")
        self.assert_fails(self.engine("pause", "nothing", check=False), 125, '"nothing"')
        self.assertEqual(self.engine("pause", "--all").stdout, "")


if __name__ == "__main__":
    unittest.main()
