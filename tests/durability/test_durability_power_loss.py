"""The power fails after any call: only what was flushed is there, and yet nothing that was reported done is lost.

Each command is recorded once with all that it writes; then for every prefix of the record the trees that a disk may
have kept (storage_log.py) are built, checked, repaired and used.
"""

import os
import shutil
import sys
import unittest

import storage_log
from durability_test import BOX, EXTRA, NEW, OTHER, RUN, DurabilityTest, content_of
from storage_log import SYNCS, TRACE, Storage

SAMPLE = int(os.environ.get("POWER_LOSS_SAMPLE", "12"))  # states of each operation; 0: all
CHOSEN = os.environ.get("POWER_LOSS_OPERATIONS", "")
WAYS = (("least", 0), ("zeroes", 0), ("empty", 0), ("some", 1), ("some", 2), ("some", 3))


def is_flush_of(event, folder):
    return event.call == "fsync" and event.path.endswith(f"/root/{folder}")


@unittest.skipUnless(shutil.which("strace"), "strace is not installed")
class PowerLossTest(DurabilityTest):
    def setUp(self):
        name = self._testMethodName.removeprefix("test_").replace("_", "-")
        if CHOSEN and name not in CHOSEN.split(","):
            self.skipTest("not chosen")
        super().setUp()
        self.prepare_store()

    def record(self, *words):
        """The store before, and what the command did to it."""
        self.restore()
        trace = self.dir / "trace"
        before = Storage(self.root)
        done = self.traced([*TRACE, "-o", trace], *words)
        self.assertEqual(done.status, 0, done)
        events = storage_log.events_in(trace, str(self.root))
        trace.unlink()
        self.assert_record_is_true(before, events)
        return events

    def assert_record_is_true(self, before, events):
        """What the record says is what the disk has; else nothing that follows would mean anything."""
        for event in events:
            before.apply(event)

        def essence(storage):
            return {path: (kind, data) for path, (kind, _, _, data) in storage.as_it_is().items()
                    if not path.startswith("/locks/") and "/upper/" not in path and "/work/" not in path}
        recorded, real = essence(before), essence(Storage(self.root))
        self.assertEqual(sorted(recorded), sorted(real))
        self.assertEqual([path for path in real if recorded[path] != real[path]], [])

    def states(self, events):
        """(what was last done, how the disk lost the rest, the tree), each tree once, and whether all was done."""
        self.restore()
        storage = Storage(self.root)
        seen, found = set(), []
        for place, event in enumerate(events):
            storage.apply(event)
            for how, seed in WAYS:
                state = storage.after_loss(how, seed * 1000 + place)
                digest = storage_log.digest_of(state)
                is_last = place == len(events) - 1
                if digest not in seen or is_last:
                    seen.add(digest)
                    found.append((f"{place} {event}", f"{how} {seed}", state, is_last))
        return found

    def chosen(self, states):
        if SAMPLE == 0 or len(states) <= SAMPLE:
            return states
        last = [state for state in states if state[3]][:2]
        return [states[place * len(states) // SAMPLE] for place in range(SAMPLE)] + last

    def bring_back(self, state):
        self.shell("rm -rf root run; mkdir run; chmod 700 run")
        storage_log.build(state, self.root)

    def try_all(self, name, *words):
        events = self.record(*words)
        states = self.states(events)
        chosen = self.chosen(states)
        for event, how, state, is_last in chosen:
            with self.subTest(operation=name, event=event, how=how):
                self.bring_back(state)
                self.assert_survived()
                if name == "pull":
                    self.engine(*words)
                    self.assertEqual(self.check("--deep"), ([], False))
                if is_last:
                    self.assert_result(name)
                if name in ("rmi", "prune"):
                    self.assert_pulled_whole(state)
        print(f"\n{name}: {len(chosen)} of {len(states)} states after {len(events)} calls", end=" ", file=sys.stderr,
              flush=True)
        return events

    def assert_pulled_whole(self, state):
        """A pull takes for whole what it finds; what was removed may not be there in part."""
        self.bring_back(state)
        for archive in self.archives:
            self.engine("pull", "-q", archive)
        found, _ = self.check("--deep")
        self.assertEqual([one for one in found if one.startswith(("damage layer", "damage blob"))], [])

    def assert_survived(self):
        self.assert_no_false_promise()
        done = self.engine("system", "check", "--deep", "--repair", check=False)
        self.assertEqual(done.status, 0, done)
        self.assertEqual(self.check("--deep"), ([], False))
        self.assert_volume_kept()
        self.assert_keeper_kept()
        listed = self.images()
        self.assertLessEqual({BOX, OTHER}, set(listed))
        for name in {NEW, EXTRA}.intersection(listed):
            self.assertIn(self.engine(*RUN, "--rm", name, "cat", "/word").stdout, (content_of(name), content_of(BOX)))

    def assert_no_false_promise(self):
        """What is listed is whole before any repair: a name never stands for what was not flushed. That a container
        ran is not flushed (run would wait for the disk), so its state may be lost, and a repair says so."""
        found, _ = self.check("--deep")
        found = [one for one in found if not one.startswith("damage container-state")]
        self.assertEqual([one for one in found if one.startswith("damage")], [])

    def assert_result(self, name):
        if name in ("pull", "tag"):
            self.assertIn(NEW, self.images())
        elif name == "rmi":
            self.assertNotIn(EXTRA, self.images())
        elif name == "rm":
            self.assertNotIn("victim", self.containers())
        elif name == "create":
            self.assertIn("fresh", self.containers())
            self.assertEqual(self.engine("start", "-a", "fresh").stdout, "hi\n")

    def test_pull(self):
        events = self.try_all("pull", "pull", "-q", self.new_archive)
        self.assert_can_fail([event for event in events if event.call not in SYNCS])
        last = max(place for place, event in enumerate(events) if event.call == "syncfs")
        self.assert_can_fail(events[:last] + events[last + 1:], events[last])

    def assert_can_fail(self, events, what="anything", archives=(), ways=("least", "zeroes", "empty")):
        """Damage is found in a record in which something was not flushed, if not at once then after other pulls, which
        take for whole what they find."""
        for _, how, state, _ in reversed(self.states(events)):
            if how.split()[0] not in ways:
                continue
            self.bring_back(state)
            if self.check("--deep")[1]:
                return
            for archive in archives or [self.new_archive]:
                self.engine("pull", "-q", archive, check=False)
            if self.check("--deep")[1]:
                return
        self.fail(f"no damage is found without {what}")

    def test_tag(self):
        events = self.try_all("tag", "tag", BOX, NEW)
        self.assert_can_fail([event for event in events if event.call not in SYNCS])

    def test_rmi(self):
        events = self.try_all("rmi", "rmi", EXTRA)
        self.assert_can_fail([event for event in events if not is_flush_of(event, "layers")], "the flush of layers",
                             self.archives, ways=["some"])

    def test_create(self):
        self.try_all("create", "create", "--pull", "never", "--network", "none", "--name", "fresh", BOX, "echo", "hi")

    def test_run_d(self):
        self.try_all("run-d", *RUN, "-d", "--name", "fresh", BOX, "echo", "hi")

    def test_rm(self):
        events = self.try_all("rm", "rm", "victim")
        self.assert_can_fail([event for event in events if not is_flush_of(event, "containers")],
                             "the flush of containers", ways=["some"])

    def test_prune(self):
        self.try_all("prune", "image", "prune", "-af")
