"""Damaged records and abandoned containers: what runs is still seen, stopped and removed, and one failure stops no other."""

import fcntl
import os
import shutil
import signal
import struct
import subprocess
from pathlib import Path

from engine_test import BUSYBOX, EngineTest, is_alive, wait_until


F_OFD_SETLK = 37  # fcntl.h of Linux; Python has no name for it


def parent_of(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


class DamageTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()

    def folder(self, container):
        return self.root / "containers" / container

    def kill_monitor(self, pid):
        monitor = parent_of(pid)
        subprocess.run(["kill", "-9", str(monitor)], check=True)
        wait_until(lambda: not is_alive(monitor), "the monitor is gone")


class DamagedStateTest(DamageTest):
    def damage(self, container, kind):
        state = self.folder(container) / "state"
        state.unlink()
        if kind == "a folder":
            state.mkdir()
        elif kind != "missing":
            state.write_text(kind)

    def running_with_damage(self, kind, *options):
        container = self.start_sleeper(*options)
        pid = self.inspect(container)["State"]["Pid"]
        self.damage(container, kind)
        return container, pid

    def test_it_is_seen_and_stopped(self):
        for kind in ("missing", "", "{", "\0\0\0", "a folder"):
            with self.subTest(state=kind):
                container, pid = self.running_with_damage(kind)
                self.assertEqual(self.engine("ps", "-q", "--no-trunc").stdout, container + "\n")
                state = self.inspect(container)["State"]
                self.assertEqual((state["Status"], state["Pid"], state["Running"]), ("running", pid, True))
                self.assertEqual(self.engine("exec", container, "echo", "here").stdout, "here\n")
                self.assert_fails(self.engine("rm", container, check=False), 2, "is running")
                self.engine("stop", "-t", "0", container)
                wait_until(lambda: not is_alive(pid), "the container is stopped")
                state = self.inspect(container)["State"]
                self.assertEqual((state["Status"], state["ExitCode"]), ("exited", 137))
                if kind != "a folder":  # nothing replaces a folder by a file
                    self.engine("start", container)
                    self.assertEqual(self.status_of(container), "running")
                self.engine("rm", "-f", "-t", "0", container)
                self.assert_no_containers()

    def test_it_is_killed_and_removed(self):
        for words in (["kill"], ["rm", "-f", "-t", "0"]):
            for kind in ("missing", "{"):
                with self.subTest(words=words, state=kind):
                    container, pid = self.running_with_damage(kind)
                    self.engine(*words, container)
                    wait_until(lambda: not is_alive(pid), "the container is gone")
                    self.engine("rm", "-f", "-t", "0", container)
                    self.assert_no_containers()
                    self.assert_nothing_unfinished()

    def test_also_without_its_monitor(self):
        container, pid = self.running_with_damage("{")
        self.kill_monitor(pid)
        self.assertIn(container[:12], self.engine("ps").stdout)
        self.engine("stop", "-t", "0", container)
        wait_until(lambda: not is_alive(pid), "the container is stopped")
        self.engine("rm", container)
        self.assert_no_containers()

    def test_also_when_its_record_is_damaged_too(self):
        container, pid = self.running_with_damage("{")
        (self.folder(container) / "record").write_text("{")
        self.engine("stop", "-t", "0", container)
        wait_until(lambda: not is_alive(pid), "the container is stopped")
        self.engine("rm", "-f", container)
        self.assert_no_containers()
        self.assert_nothing_unfinished()

    def test_also_in_the_foreground(self):
        process = self.start_engine("run", "--rm", "--name", "box", "--network", "none", BUSYBOX, "/guest", "wait")
        self.assertEqual(process.stdout.readline(), "ready\n")
        container = self.inspect("box")["Id"]
        self.damage(container, "missing")
        self.assertEqual(self.status_of("box"), "running")
        self.engine("kill", "box")
        self.assertEqual(process.wait(60), 137)
        self.assert_no_containers()

    def test_a_note_of_an_earlier_run_is_not_believed(self):
        container, pid = self.running_with_damage("missing")
        self.engine("stop", "-t", "0", container)
        (self.folder(container) / "exit").unlink()
        state = self.inspect(container)["State"]
        self.assertEqual((state["Status"], state["Running"], state["ExitCode"]), ("exited", False, 255))


class AbandonedTest(DamageTest):
    """`run --rm` killed between making the container and starting it."""

    def abandon(self, *options):
        """A container that its `run` made and never started, because it was killed."""
        def folder():
            return next(self.root.glob("containers/[0-9a-f]*"), None)
        for _ in range(400):
            process = self.start_engine("run", "--rm", "--network", "none", *options, BUSYBOX, "/guest", "wait")
            wait_until(lambda: folder() or process.poll() is not None, "the container is made")
            process.send_signal(signal.SIGSTOP)
            found = folder() and not (folder() / "state").exists()
            process.kill()
            process.wait()
            if found:
                return
            self.engine("rm", "-fa", "-t", "0")
        self.fail("the moment was never met")

    def made_only(self, name):
        """What such a kill leaves, made from a container that was only created."""
        container = self.engine("create", "--rm", "--name", name, "--network", "none", BUSYBOX, "true").stdout.strip()
        record = self.folder(container) / "record"
        text = record.read_text()
        # The name is a link to the same file, so it is written in place.
        record.write_text(text.replace('"auto_remove":true', '"auto_remove":true,"only_for_run":true'))
        self.assertIn("only_for_run", record.read_text())
        return container

    def test_ps_does_not_list_it(self):
        self.made_only("box")
        self.assertEqual(self.engine("ps", "-aq").stdout, "")
        self.assertEqual(list((self.root / "containers").iterdir()), [])
        self.assertEqual(list((self.root / "names").iterdir()), [])
        self.assert_nothing_unfinished()

    def test_its_name_is_free(self):
        self.made_only("box")
        self.assertEqual(self.in_container("--name", "box", BUSYBOX, "echo", "new").stdout, "new\n")
        self.assert_no_containers()

    def test_a_name_that_belongs_to_nobody_goes_away(self):
        container = self.engine("create", "--name", "box", "--network", "none", BUSYBOX, "true").stdout.strip()
        record = (self.folder(container) / "record").read_text()
        (self.root / "names" / "stale").write_text(record.replace(container, "f" * 64))
        self.assertEqual(self.engine("ps", "-aq", "--no-trunc").stdout, container + "\n")
        self.assertEqual(self.engine("container", "exists", "stale", check=False).status, 1)
        self.assertEqual([path.name for path in (self.root / "names").iterdir()], ["box"])

    def test_its_image_can_be_removed(self):
        self.made_only("box")
        self.engine("rmi", BUSYBOX)
        self.assertEqual(self.engine("images", "-aq").stdout, "")

    def test_a_container_that_is_only_created_stays(self):
        container = self.engine("create", "--rm", "--network", "none", BUSYBOX, "true").stdout.strip()
        self.assertEqual(self.engine("ps", "-aq", "--no-trunc").stdout, container + "\n")

    def test_one_that_ended_while_nobody_watched(self):
        container = self.start_sleeper("--rm")
        pid = self.inspect(container)["State"]["Pid"]
        self.kill_monitor(pid)
        self.assertEqual(self.engine("ps", "-aq", "--no-trunc").stdout, container + "\n")
        self.engine("kill", container)
        self.assert_no_containers()
        self.assert_nothing_unfinished()

    def test_one_that_ended_is_not_started_again(self):
        """`start` waits for a monitor that is about to end; what it gets then belongs to the clean-up. Its upper directory
        was mounted "volatile": the kernel would refuse it."""
        container = self.start_sleeper("--rm")
        pid = self.inspect(container)["State"]["Pid"]
        self.kill_monitor(pid)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not is_alive(pid), "the container has ended")
        with open(self.folder(container) / "alive", "r+") as monitor:  # we are the monitor now
            whole_file = struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            fcntl.fcntl(monitor, F_OFD_SETLK, whole_file)
            starting = self.start_engine("start", container)
            self.assertIn("waiting for lock", starting.stderr.readline())
        self.assertIn("has ended and is being removed", starting.communicate(timeout=60)[1])
        self.assertNotEqual(starting.returncode, 0)
        self.assert_no_containers()
        self.assert_nothing_unfinished()

    def test_a_real_kill_leaves_nothing_listed(self):
        self.abandon("--name", "box")
        wait_until(lambda: self.engine("ps", "-aq").stdout == "", "nothing is listed")
        self.assert_nothing_unfinished()


class RecordTest(DamageTest):
    """Records that cannot be read."""

    def make(self, name, *options):
        words = ["create", *options, "--name", name, "--network", "none", BUSYBOX, "true"]
        return self.engine(*words).stdout.strip()

    def test_ps_lists_the_others_and_says_that_it_is_not_all(self):
        sound, damaged = self.make("sound"), self.make("damaged")
        (self.folder(damaged) / "record").write_text("{")
        listed = self.engine("ps", "-aq", "--no-trunc", check=False)
        self.assertEqual((listed.status, listed.stdout), (125, sound + "\n"))
        self.assertRegex(listed.stderr, f"^engine: warning: container {damaged[:12]}: .*\n$")

    def test_a_rm_container_that_power_loss_took_the_record_of(self):
        """Its record was never flushed: nobody may refuse to go on because of it."""
        for words in (["ps", "-aq"], ["container", "prune", "-f"], ["rm", "-fa"]):
            for left in ("", "\0" * 100):
                with self.subTest(words=words, left=left):
                    container = self.make("box", "--rm")
                    (self.folder(container) / "record").write_text(left)
                    self.engine("system", "prune", "-f", "--dry-run")
                    self.assertEqual(self.engine(*words).stdout, "")
                    self.assert_no_containers()
                    self.make("box", "--rm")  # the name is free
                    self.engine("rm", "-fa")


class AllTest(DamageTest):
    """--all goes on after a failure."""

    def setUp(self):
        super().setUp()
        self.containers = sorted(self.start_sleeper() for _ in range(3))

    def test_rm_all(self):
        """The first is running, which is an error without --force."""
        for container in self.containers[1:]:
            self.engine("kill", container)
        done = self.engine("rm", "-a", check=False)
        self.assert_fails(done, 2, "is running")
        self.assertEqual(done.stdout.split(), self.containers[1:])
        self.assertEqual(self.engine("ps", "-aq", "--no-trunc").stdout.split(), self.containers[:1])

    def test_rm_all_with_damaged_records(self):
        for container in self.containers:
            self.engine("kill", container)
        (self.folder(self.containers[0]) / "record").write_text("{")
        done = self.engine("rm", "-a", check=False)
        self.assertEqual(done.status, 125, done)
        self.assertEqual(done.stdout.split(), self.containers[1:])
        self.engine("rm", "-af")
        self.assertEqual(list((self.root / "containers").iterdir()), [])

    def test_stop_all_and_kill_all_and_start_all(self):
        shutil.copy(self.folder(self.containers[0]) / "state", self.dir / "state")
        state = (self.folder(self.containers[0]) / "state")
        (self.folder(self.containers[0]) / "alive").unlink()
        state.write_text('{"version":99}')  # a newer engine's: what it means is not known
        for words, left in ((["kill", "-a"], "exited"), (["start", "--all"], "running"),
                            (["stop", "-a", "-t", "0"], "exited")):
            with self.subTest(words=words):
                done = self.engine(*words, check=False)
                self.assertEqual(done.status, 125, done)
                self.assertIn("newer engine", done.stderr)
                self.assertEqual(done.stdout.split(), self.containers[1:])
                for container in self.containers[1:]:
                    self.assertEqual(self.status_of(container), left)
        shutil.copy(self.dir / "state", state)

    def test_several_names(self):
        done = self.engine("stop", "-t", "0", "nothere", *self.containers, check=False)
        self.assertEqual(done.status, 125, done)
        self.assertEqual(done.stdout.split(), self.containers)
        done = self.engine("start", "nothere", *self.containers, check=False)
        self.assertEqual(done.stdout.split(), self.containers)
        done = self.engine("kill", "nothere", *self.containers, check=False)
        self.assertEqual(done.stdout.split(), self.containers)
        done = self.engine("rm", "nothere", *self.containers, check=False)
        self.assertEqual((done.status, done.stdout.split()), (1, self.containers), done)

    def test_rmi_all(self):
        other = self.archive(self.guest_image("localhost/other:1", env=["A=1"]), "other.tar")
        self.engine("pull", "-q", other)
        done = self.engine("rmi", "-a", check=False)
        self.assert_fails(done, 2, "is used by container")
        self.assertIn("localhost/other:1", done.stdout)
        self.assertEqual(len(self.engine("images", "-q").stdout.split()), 1)
