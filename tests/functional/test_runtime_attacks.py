"""`engine runtime` against users and callers that want more than is theirs: ids, and containers in odd states."""

import os
import signal
import subprocess
from pathlib import Path

from bundle_test import BundleTest
from engine_test import ENGINE, is_alive, wait_until


class IdTest(BundleTest):
    """An ordinary user's config.json: whatever it maps, no file of somebody else's becomes readable."""

    def setUp(self):
        super().setUp()
        if os.getuid() == 0:
            self.skipTest("root may map all ids")
        self.config["process"]["args"] = ["/busybox", "sh", "-c", "cat /mnt/shadow; id -u; stat -c %u /mnt/passwd"]
        self.config["mounts"].append({"destination": "/mnt", "source": "/etc", "type": "bind", "options": ["rbind"]})
        self.mount = self.config["mounts"][-1]

    def refused(self):
        self.write_config()
        result = self.runtime("run", "--bundle", self.bundle, "one", check=False)
        self.assert_fails(result, 1)
        self.assertEqual(result.stdout, "")
        self.assertEqual(self.runtime("list", "-q").stdout, "")
        return result

    def test_mounts_cannot_be_idmapped_to_ids_of_others(self):
        mine, gid = os.getuid(), os.getgid()
        for host, container, size in ((0, 0, 1), (0, mine, 1), (mine, 0, 1), (0, 0, 65536), (100000, 0, 65536)):
            for option in ("idmap", "ridmap"):
                with self.subTest(host=host, container=container, size=size, option=option):
                    self.mount["options"] = ["rbind", option]
                    self.mount["uidMappings"] = [{"containerID": container, "hostID": host, "size": size}]
                    self.mount["gidMappings"] = [{"containerID": container, "hostID": gid if host == mine else host,
                                                  "size": size}]
                    self.refused()

    def test_mounts_cannot_be_idmapped_by_a_user_namespace_of_their_own(self):
        """There the user is root of the namespace, but not of the one that the file system was mounted in."""
        with subprocess.Popen(["unshare", "--user", "--map-root-user", "sleep", "1000"]) as holder:
            try:
                path = f"/proc/{holder.pid}/ns/user"
                wait_until(lambda: os.readlink(path) != os.readlink("/proc/self/ns/user")
                           and Path(f"/proc/{holder.pid}/uid_map").read_text(), "the namespace is there")
                self.mount["options"] = ["rbind", "idmap"]
                for namespace in self.config["linux"]["namespaces"]:
                    if namespace["type"] == "user":
                        namespace["path"] = path
                self.config["linux"].pop("uidMappings", None)
                self.config["linux"].pop("gidMappings", None)
                self.refused()
            finally:
                holder.kill()

    def test_user_namespaces_hold_no_ids_of_others(self):
        for host, size in ((0, 1), (0, 65536), (1, 1), (65534, 1)):
            with self.subTest(host=host, size=size):
                for kind in ("uidMappings", "gidMappings"):
                    self.config["linux"][kind] = [{"containerID": 0, "hostID": host, "size": size}]
                self.refused()

    def test_a_plain_bind_shows_what_the_user_may_see_anyway(self):
        """What is refused above is refused for its ids."""
        self.write_config()
        result = self.runtime("run", "--bundle", self.bundle, "one", check=False)
        self.assertEqual(result.stdout.splitlines(), ["0", "65534"])  # nothing of /etc/shadow; its owner has no name here


class OddStateTest(BundleTest):
    def test_schemata_are_only_for_who_has_a_group_of_resctrl(self):
        self.start_waiting()
        for option, line in (("--l3-cache-schema", "L3:0=f"), ("--mem-bw-schema", "MB:0=20")):
            result = self.runtime("update", option, line, "one", check=False)
            self.assert_fails(result, 1, "in no resctrl group")

    def test_a_dead_container_takes_no_limits_and_has_no_figures(self):
        pid = self.start_waiting()
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: self.state()["status"] == "stopped", "it stops")
        for words in (["update", "--pids-limit", "5"], ["events", "--stats"], ["pause"], ["resume"], ["exec"], ["ps"]):
            with self.subTest(verb=words[0]):
                more = ["/guest"] if words[0] == "exec" else []
                result = self.runtime(*words, "one", *more, check=False)
                if words[0] == "ps":
                    self.assertEqual(result.stdout.split()[:1], ["UID"], result)
                    self.assertEqual(len(result.stdout.splitlines()), 1, result)
                else:
                    self.assert_fails(result, 255 if words[0] == "exec" else 1, "not running")
        self.runtime("delete", "one")

    def test_killing_the_first_process_of_a_paused_container(self):
        """By somebody who does not ask us: frozen processes of version 2 die at once, and the rest can be deleted."""
        if not any(" - cgroup" in line for line in Path("/proc/self/mountinfo").read_text().splitlines()):
            self.skipTest("no cgroups are mounted here")
        pid = self.start_waiting()
        self.background("exec", "--detach", "--pid-file", self.dir / "pid", "one", "/guest", "wait")
        other = int((self.dir / "pid").read_text())
        if self.runtime("pause", "one", check=False).status != 0:
            self.skipTest("containers cannot be frozen here")
        os.kill(pid, signal.SIGKILL)
        # Of version 2: while it dies, the group is not frozen for a moment.
        wait_until(lambda: self.state()["status"] in ("paused", "stopped"), "it stops, or stays frozen")
        self.runtime("delete", "--force", "one")
        self.assertFalse(is_alive(pid) or is_alive(other))
        self.assertEqual(self.runtime("list", "-q").stdout, "")

    def test_two_that_pause_resume_and_delete_at_once(self):
        if not any(" - cgroup" in line for line in Path("/proc/self/mountinfo").read_text().splitlines()):
            self.skipTest("no cgroups are mounted here")
        for turn in range(5):
            pid = self.start_waiting()
            verbs = [["pause"], ["resume"], ["pause"], ["delete", "--force"]]
            started = [subprocess.Popen([ENGINE, "runtime", "--root", self.dir / "states", *verb, "one"],
                                        env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True) for verb in verbs]
            for process in started:
                _, said = process.communicate(timeout=60)
                with self.subTest(turn=turn, verb=process.args[4]):
                    self.assertIn(process.returncode, (0, 1))
                    self.assertTrue(process.returncode == 0 or said.startswith("Error: "), said)
            self.assertEqual(started[-1].returncode, 0)
            wait_until(lambda: not is_alive(pid), "it is gone")
            self.assertEqual(self.runtime("list", "-q").stdout, "")
