"""events: what happened is told in podman's words, in order, and by whoever did it."""

import json
import select
import unittest

from engine_test import BUSYBOX, EngineTest, wait_until


class EventsTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()

    def events(self, *words):
        return self.engine("events", "--stream=false", *words).stdout

    def seen(self, *words):
        """"status name" of all events of containers."""
        return self.events("--filter", "type=container", "--format", "{{.Status}} {{.Name}}", *words).splitlines()

    def test_ids_whole_and_cut(self):
        id = self.engine("create", "--network", "none", BUSYBOX).stdout.strip()
        whole = self.events("--no-trunc", "--filter", "type=container")
        self.assertIn(f" {id} ", whole)
        self.assertEqual(self.events("--filter", "type=container"), whole)
        cut = self.events("--no-trunc=false", "--filter", "type=container")
        self.assertIn(f" {id[:12]} ", cut)
        self.assertNotIn(id, cut)

    def test_the_life_of_a_container_in_the_background(self):
        self.engine("run", "-d", "--network", "none", "--name", "web", BUSYBOX, "sh", "-c", "exit 3")
        self.engine("wait", "web")
        self.engine("rename", "web", "shop")
        self.engine("rm", "shop")
        self.assertEqual(self.seen(), ["create web", "init web", "start web", "died web", "cleanup web", "rename shop",
                                       "remove shop"])
        died = json.loads(self.events("--filter", "event=died", "--format", "json"))
        self.assertEqual(list(died), ["ContainerExitCode", "ID", "Image", "Name", "Status", "Time", "Type", "Attributes"])
        self.assertEqual((died["ContainerExitCode"], died["Image"]), (3, BUSYBOX))

    def test_run_with_rm_in_the_foreground(self):
        self.in_container("--name", "once", BUSYBOX, "true")
        self.assertEqual(self.seen(), [f"{status} once" for status in
                                       ("create", "init", "start", "attach", "died", "remove")])

    def test_the_monitor_tells_the_new_name(self):
        self.start_sleeper("--name", "web", "--label", "a=b c")
        self.engine("exec", "web", "true")
        self.engine("rename", "web", "shop")
        self.engine("kill", "shop")
        lines = self.events("--filter", "container=shop", "--filter", "label=a=b c").splitlines()
        self.assertEqual([line.split()[5] for line in lines], ["rename", "kill", "died", "cleanup"])
        self.assertRegex(lines[2], r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ \+0000 UTC container died [0-9a-f]{64} "
                                   r"\(image=localhost/busybox:latest, name=shop, a=b c\)$")
        self.assertIn("exec_died web", self.seen())

    def test_volumes_that_containers_make(self):
        self.in_container("-v", "data:/data", "-v", "/nameless", BUSYBOX, "true")
        self.in_container("-v", "data:/data", BUSYBOX, "true")
        found = self.events("--filter", "type=volume", "--format", "{{.Status}} {{.Name}}").splitlines()
        nameless = next(line.split()[1] for line in found if line.startswith("remove"))
        self.assertEqual(sorted(found), sorted(["create data", f"create {nameless}", f"remove {nameless}"]))

    def test_images_and_volumes(self):
        self.engine("tag", BUSYBOX, "localhost/x:1")
        self.engine("untag", BUSYBOX, "localhost/x:1")
        self.engine("volume", "create", "data")
        self.engine("volume", "rm", "data")
        self.engine("save", "-q", "-o", self.dir / "x.tar", BUSYBOX)
        self.engine("rmi", BUSYBOX)
        self.engine("load", "-q", "-i", self.dir / "x.tar")
        found = self.events("--filter", "type=image", "--filter", "type=volume", "--format", "{{.Type}} {{.Status}}")
        self.assertEqual(found.splitlines(), ["image pull", "image tag", "image untag", "volume create", "volume remove",
                                              "image save", "image untag", "image remove", "image loadfromarchive"])

    def test_following_shows_what_is_new(self):
        self.engine("create", "--name", "before", BUSYBOX)
        follower = self.start_engine("events", "--format", "{{.Status}} {{.Name}}")
        # It follows once it has shown one of these.
        wait_until(lambda: self.engine("volume", "create") and self.has_shown(follower), "it follows")
        self.engine("create", "--name", "after", BUSYBOX)
        shown = iter(follower.stdout.readline, "")
        self.assertEqual(next(line for line in shown if "before" in line or "after" in line), "create after\n")
        self.engine("rm", "after")
        self.assertEqual(follower.stdout.readline(), "remove after\n")

    def has_shown(self, process):
        return select.select([process.stdout], [], [], 0)[0]

    def test_times(self):
        self.engine("create", "--name", "web", BUSYBOX)
        self.assertEqual(self.events("--since", "2100-01-01T00:00:00Z"), "")
        self.assertEqual(self.engine("events", "--until", "2001-01-01T00:00:00Z").stdout, "")
        self.assertIn("create", self.engine("events", "--since", "1h", "--until", "0s").stdout)
        self.assert_fails(self.engine("events", "--since", "yesterday", check=False), 125, "yesterday")

    def test_wrong_filters(self):
        self.assert_fails(self.engine("events", "--filter", "foo=bar", check=False), 125, "foo=bar")
        self.assert_fails(self.engine("events", "--filter", "type", check=False), 125, '"type"')

    def test_the_log_stays_bounded_and_is_followed_past_its_rotation(self):
        log = self.runroot / "events/events.log"
        first = log.read_text().splitlines()[0]
        log.write_text((first + "\n") * (1_000_000 // len(first)))
        self.engine("create", "--name", "web", "--label", "long=" + "x" * 60_000, BUSYBOX)
        self.assertTrue(log.with_name("events.log.1").exists())
        self.engine("rm", "web")
        self.assertEqual(self.seen(), ["create web", "remove web"])
        self.assertLess(log.stat().st_size, 100_000)

    def test_a_log_that_cannot_be_written_hinders_nothing(self):
        log = self.runroot / "events/events.log"
        log.unlink()
        log.mkdir()
        self.assertEqual(self.in_container(BUSYBOX, "echo", "works").stdout, "works\n")
        self.engine("run", "-d", "--network", "none", "--name", "web", BUSYBOX, "true")
        self.assertEqual(self.engine("wait", "web").stdout, "0\n")

    def test_none_are_kept_when_containers_conf_says_so(self):
        settings = self.home / ".config/containers"
        settings.mkdir(parents=True)
        before = self.events()
        (settings / "containers.conf").write_text('[engine]\nevents_logger = "none"\n')
        self.engine("run", "-d", "--network", "none", "--name", "web", BUSYBOX, "true")
        self.engine("wait", "web")
        self.assertEqual(self.engine("--events-backend", "file", "events", "--stream=false").stdout, before)
        self.engine("--events-backend", "file", "create", "--network", "none", "--name", "noted", BUSYBOX)
        self.assert_fails(self.engine("events", "--stream=false", check=False), 125, 'with the "none" backend')
        self.assertEqual(self.engine("info", "--format", "{{.Host.EventLogger}}").stdout, "none\n")
        (settings / "containers.conf").unlink()
        self.assertEqual(self.seen(), ["create noted"])
        self.assertEqual(self.engine("info", "--format", "{{.Host.EventLogger}}").stdout, "file\n")

    def test_what_a_command_without_them_started_keeps_none_either(self):
        quiet = ["--events-backend", "none", "run", "-d", "--network", "none"]
        gone = self.engine(*quiet, "--rm", BUSYBOX, "true").stdout.strip()
        self.engine(*quiet, "--name", "again", "--restart", "on-failure:1", BUSYBOX, "false")
        self.engine(*quiet, "--name", "web", "--health-cmd", "true", "--health-interval", "100ms", BUSYBOX, "/guest", "wait")
        wait_until(lambda: self.engine("container", "exists", gone, check=False).status == 1, "its removal")
        wait_until(lambda: self.inspect("again")["RestartCount"] == 1 and self.status_of("again") == "exited", "its end")
        wait_until(lambda: len(self.inspect("web")["State"]["Health"].get("Log") or []) > 1, "two checks")
        self.assertEqual(self.seen(), [])

    def test_the_log_is_as_long_as_containers_conf_lets_it_be_also_for_what_a_monitor_executes(self):
        module = self.dir / "small.conf"
        module.write_text('[engine]\nevents_logfile_max_size = "4k"\n')
        logs = [self.runroot / "events" / name for name in ("events.log", "events.log.1")]
        self.engine("--module", module, "run", "-d", "--rm", "--network", "none", "--label", "long=" + "x" * 5000, BUSYBOX, "true")
        wait_until(lambda: logs[1].exists() and '"Status":"remove"' in logs[1].read_text(), "the clean-up's event, rotated")
        self.assertFalse(logs[0].exists())
        module.write_text("[engine]\nevents_logfile_max_size = 0\n")
        logs[0].write_text(logs[1].read_text().splitlines()[0] * 300 + "\n")
        self.engine("--module", module, "create", "--network", "none", BUSYBOX)
        self.assertGreater(logs[0].stat().st_size, 1 << 20)


if __name__ == "__main__":
    unittest.main()
