"""Which containers a command is about when no name says so: --latest, --cidfile, --filter, --all. The others stay alone."""

import json
import unittest

from engine_test import BUSYBOX, ENGINE, EngineTest, wait_until
from test_pause import can_divide


class ChoosingTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()
        self.ids = {name: self.engine("create", "-i", "--name", name, "--network", "none", "--stop-timeout", "0", "--cidfile",
                                      self.dir / f"{name}.id", BUSYBOX, "/guest", "wait").stdout.strip()
                    for name in ("first", "last")}
        self.first, self.last = self.ids.values()

    def says(self, *words):
        """The ids that a command prints, as a set: in any order."""
        return set(self.engine(*words).stdout.split())

    def statuses(self):
        return [self.status_of(name) for name in self.ids]

    def start_both(self):
        self.engine("start", "first", "last")

    def test_the_latest_is_started_stopped_killed_and_removed(self):
        self.assertEqual(self.says("init", "-l"), {self.last})
        self.assertEqual(self.statuses(), ["created", "initialized"])
        self.assertEqual(self.says("start", "--latest"), {self.last})
        self.assertEqual(self.statuses(), ["created", "running"])
        self.assertEqual(self.says("stop", "-l"), {self.last})
        self.start_both()
        pid = self.running_pid("first")
        self.assertEqual(self.says("restart", "-l"), {self.last})
        self.assertEqual(self.running_pid("first"), pid)
        self.assertEqual(self.says("kill", "-l"), {self.last})
        self.assertEqual(self.engine("wait", "-l").stdout, "137\n")
        self.assertEqual(self.statuses(), ["running", "exited"])
        self.assertEqual(self.says("container", "cleanup", "-l"), {self.last})
        self.assertEqual(self.says("rm", "-l"), {self.last})
        self.assertEqual(self.says("ps", "-aq", "--no-trunc"), {self.first})

    def test_the_latest_is_looked_at(self):
        self.start_both()
        self.assertEqual(self.engine("exec", "-l", "cat", "/proc/sys/kernel/hostname").stdout, self.last[:12] + "\n")
        self.assertEqual(self.engine("container", "inspect", "-l").json()[0]["Name"], "last")
        self.assertEqual(self.engine("stats", "-l", "--no-stream", "--no-trunc", "--format", "{{.Name}} {{.ID}}").stdout,
                         f"last {self.last}\n")
        self.assertEqual(self.engine("stats", "--no-stream", "--format", "{{.Name}} {{.ID}}", "first").stdout,
                         f"first {self.first[:12]}\n")
        self.engine("exec", "-l", "touch", "/tmp/new")
        changes = self.engine("container", "diff", "-l", "--format", "json").json()
        self.assertIn("/tmp/new", changes["added"])
        self.assertNotIn("/tmp/new", self.engine("diff", "first").stdout)
        self.engine("update", "-l", "--restart", "on-failure:3")
        policies = [self.inspect(name)["HostConfig"]["RestartPolicy"]["MaximumRetryCount"] for name in self.ids]
        self.assertEqual(policies, [0, 3])

    def test_the_latest_is_attached_to(self):
        self.engine("rm", "last")
        box = self.engine("run", "-di", "--network", "none", "--name", "cat", BUSYBOX, "cat").stdout.strip()
        self.assertEqual(self.engine("attach", "-l", input="typed\n").stdout, "typed\n")
        wait_until(lambda: self.status_of(box) == "exited", "the end of its input ends it")
        self.assertEqual(self.status_of("first"), "created")

    def test_the_one_in_a_file(self):
        self.start_both()
        pid = self.running_pid("first")
        file = self.dir / "last.id"
        self.assertEqual(self.engine("exec", "--cidfile", file, "cat", "/proc/sys/kernel/hostname").stdout,
                         self.last[:12] + "\n")
        before = self.running_pid("last")
        self.assertEqual(self.says("restart", "--cidfile", file), {self.last})
        self.assertNotEqual(self.running_pid("last"), before)
        self.assertEqual(self.says("kill", "--cidfile", file), {self.last})
        self.assertEqual(self.running_pid("first"), pid)
        self.engine("wait", "last")
        self.start_both()
        self.assertEqual(self.says("stop", "--cidfile", file), {self.last})
        self.assertEqual(self.says("rm", "--cidfile", file), {self.last})
        self.assertEqual(self.says("ps", "-q", "--no-trunc"), {self.first})
        for verb in ("exec", "restart", "kill", "stop", "rm", "pause", "unpause"):
            words = ["true"] if verb == "exec" else []
            self.assert_fails(self.engine(verb, "--cidfile", "/nowhere", *words, check=False), 125, "/nowhere")

    def test_all(self):
        self.assertEqual(self.says("init", "--all"), set(self.ids.values()))
        self.assertEqual(self.says("start", "--all"), set(self.ids.values()))
        self.assertEqual(self.says("restart", "--all"), set(self.ids.values()))
        self.assertEqual(self.statuses(), ["running", "running"])
        self.engine("stop", "first")
        self.assertEqual(self.says("restart", "--running"), {self.last})
        self.assertEqual(self.statuses(), ["exited", "running"])
        self.start_both()
        self.assertEqual(self.says("kill", "--all", "--signal", "KILL"), set(self.ids.values()))
        self.engine("wait", "first", "last")
        self.assertEqual(self.says("container", "cleanup", "--all"), set(self.ids.values()))
        self.assertEqual(self.says("rm", "--all"), set(self.ids.values()))
        self.assert_no_containers()

    def test_cleaning_up_with_the_image(self):
        self.engine("rm", "first")
        self.engine("start", "last")
        self.engine("stop", "last")
        self.engine("container", "cleanup", "--rm", "last")
        self.assert_no_containers()
        self.engine("create", "--name", "other", BUSYBOX, "true")
        self.engine("start", "-a", "other")
        self.engine("container", "cleanup", "--rmi", "--rm", "other")
        self.assertEqual(self.engine("image", "exists", BUSYBOX, check=False).status, 1)

    @unittest.skipUnless(can_divide(), "this user has no cgroup to divide")
    def test_standing_still(self):
        self.start_both()
        for words in (("-l",), ("--cidfile", self.dir / "last.id"), ("--filter", "name=last")):
            with self.subTest(words=words):
                self.assertEqual(self.says("pause", *words), {self.last})
                self.assertEqual(self.statuses(), ["running", "paused"])
                self.engine("pause", "first")
                self.assertEqual(self.says("unpause", *words), {self.last})
                self.assertEqual(self.statuses(), ["paused", "running"])
                self.engine("unpause", "first")

    def test_mounts(self):
        """A script in engine unshare, where alone a mount is seen."""
        script = """set -e
            engine() { "$0" "$@"; }
            engine mount --latest >latest
            engine mount --format json >json
            engine mount >short
            engine mount --no-trunc >whole
            engine unmount -l >gone
            engine mount --all >all
            engine unmount --force first >forced
            engine mount --format json >one
            engine unmount --all
            engine mount >none
            """
        self.engine("unshare", "sh", "-c", script.replace('"$0"', f'"$0" --root {self.root} --runroot {self.runroot}'), ENGINE)
        said = {name: (self.dir / name).read_text()
                for name in ("latest", "json", "short", "whole", "gone", "all", "forced", "one", "none")}
        self.assertTrue(said["latest"].strip().startswith("/"), said)
        self.assertEqual([one["id"] for one in json.loads(said["json"])], [self.last])
        self.assertEqual(said["short"].split()[0], self.last[:12])
        self.assertEqual(said["whole"].split()[0], self.last)
        self.assertIn(self.last[:12], said["gone"])
        self.assertEqual(len(said["all"].splitlines()), 2)
        self.assertEqual([one["id"] for one in json.loads(said["one"])], [self.last])
        self.assertEqual(said["none"], "")


if __name__ == "__main__":
    unittest.main()
