"""--log-driver journald, where there is a journal."""

import json
import subprocess
import unittest

from host_test import ENGINE, IS_ROOT, PATIENCE_SECONDS, wait_until
from units_test import UnitsTest


class Boxes(UnitsTest):
    def box(self, name, script, *options):
        self.addCleanup(self.engine, "rm", "--force", "--time", "0", name, check=False)
        return self.engine("run", "-d", "--name", name, "--network", "none", "--log-driver", "journald", *options,
                           "--rootfs", self.rootfs, "sh", "-c", script).stdout.strip()


@unittest.skipUnless(IS_ROOT, "this host's journal is root's to read")
class JournalTest(Boxes):
    def in_journal(self, box):
        lines = self.call("journalctl", "--quiet", "--no-pager", "--output=json", f"CONTAINER_ID_FULL={box}").stdout
        return [json.loads(line) for line in lines.splitlines()]

    def wait_for_messages(self, box, count):
        return wait_until(lambda: len(found := self.in_journal(box)) >= count and found, f"{count} messages in the journal")

    def test_what_is_written_can_be_read(self):
        box = self.box("j-words", "echo one; echo two >&2; printf three", "--log-opt", "tag=its-{{.Name}}")
        self.engine("wait", "j-words")
        found = self.wait_for_messages(box, 3)
        self.assertEqual(sorted((line["MESSAGE"], line["PRIORITY"]) for line in found),
                         [("one", "6"), ("three", "6"), ("two", "3")])
        self.assertEqual({line["CONTAINER_NAME"] for line in found}, {"j-words"})
        self.assertEqual({line["CONTAINER_TAG"] for line in found}, {"its-j-words"})
        logs = self.engine("logs", "j-words")
        self.assertEqual((logs.stdout.split(), logs.stderr.split()), (["one", "three"], ["two"]))
        self.assertEqual(self.engine("logs", "--tail", "1", "j-words").stdout.rstrip("\n"), "three")

    def test_a_follower_sees_what_comes_later(self):
        box = self.box("j-later", "seq 1 3; while test ! -e /go; do sleep 0.1; done; seq 4 6")
        self.wait_for_messages(box, 3)
        with subprocess.Popen([ENGINE, "logs", "--follow", "--tail", "2", "j-later"], stdout=subprocess.PIPE, text=True,
                              stdin=subprocess.DEVNULL) as follower:
            self.addCleanup(follower.kill)
            self.assertEqual([follower.stdout.readline(), follower.stdout.readline()], ["2\n", "3\n"])
            (self.rootfs / "go").touch()
            rest, _ = follower.communicate(timeout=PATIENCE_SECONDS)
        self.assertEqual(rest, "4\n5\n6\n")

    def test_long_lines_come_in_one_piece_again(self):
        self.box("j-long", "head -c 100000 /dev/zero | tr '\\0' x; echo; echo end")
        self.engine("wait", "j-long")
        wait_until(lambda: self.engine("logs", "j-long").stdout.endswith("end\n"), "the last line")
        self.assertEqual([len(line) for line in self.engine("logs", "j-long").stdout.splitlines()], [100_000, 3])


@unittest.skipIf(IS_ROOT, "root may read it")
class UnreadableJournalTest(Boxes):
    def test_what_cannot_be_read_is_not_taken_for_nothing(self):
        self.box("j-secret", "echo one")
        self.engine("wait", "j-secret")
        for words in ((), ("--follow",)):
            logs = self.engine("logs", *words, "j-secret", check=False)
            self.assertEqual(logs.status, 125, logs)
            self.assertIn("journalctl could not read the journal", logs.stderr)
            self.assertIn("systemd-journal", logs.stderr)
