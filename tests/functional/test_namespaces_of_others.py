"""container:NAME: the namespaces of another container, whose user namespace comes along."""

import os

from engine_test import BUSYBOX, EngineTest


class NamespacesOfOthersTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()
        self.engine("run", "-d", "--name", "web", "--network", "none", "--hostname", "webhost", BUSYBOX, "sleep", "1000")

    def joined(self, *words, check=True):
        return self.engine("run", "--rm", "--network", "none", *words, check=check)

    def link_of(self, kind):
        return self.engine("exec", "web", "readlink", f"/proc/self/ns/{kind}").stdout

    def test_each_namespace_is_the_others_and_so_is_the_user_namespace(self):
        for option, kind in (("--pid", "pid"), ("--ipc", "ipc"), ("--uts", "uts"), ("--cgroupns", "cgroup"),
                             ("--userns", "user")):
            with self.subTest(option=option):
                done = self.joined(option, "container:web", BUSYBOX, "readlink", f"/proc/self/ns/{kind}")
                self.assertEqual(done.stdout, self.link_of(kind))
                done = self.joined(option, "container:web", BUSYBOX, "readlink", "/proc/self/ns/user")
                self.assertEqual(done.stdout, self.link_of("user"))
                done = self.joined(option, "container:web", BUSYBOX, "readlink", "/proc/self/ns/mnt")
                self.assertNotEqual(done.stdout, self.link_of("mnt"))

    def test_the_others_processes_and_host_name_are_seen(self):
        done = self.joined("--pid", "container:web", BUSYBOX, "ps")
        self.assertIn("sleep 1000", done.stdout)
        self.assertEqual(self.joined("--uts", "container:web", BUSYBOX, "hostname").stdout, "webhost\n")

    def test_all_at_once_and_detached(self):
        id = self.engine("run", "-d", "--network", "none", "--pid", "container:web", "--ipc", "container:web", "--uts",
                         "container:web", BUSYBOX, "sleep", "2000").stdout.strip()
        self.assertIn("sleep 2000", self.engine("exec", "web", "ps").stdout)
        self.assertIn("sleep 1000", self.engine("exec", id, "ps").stdout)
        self.engine("stop", "-t", "0", id)
        self.assertNotIn("sleep 2000", self.engine("exec", "web", "ps").stdout)
        host = self.inspect(id)["HostConfig"]
        web = self.inspect("web")["Id"]
        self.assertEqual([host["PidMode"], host["IpcMode"], host["UTSMode"]], [f"container:{web}"] * 3)

    def test_a_start_starts_the_other_and_says_when_it_is_gone(self):
        self.engine("create", "--name", "joiner", "--network", "none", "--pid", "container:web", BUSYBOX, "ps")
        self.engine("stop", "-t", "0", "web")
        self.assertIn("sleep 1000", self.engine("start", "-a", "joiner").stdout)
        self.engine("system", "reset", "-f")
        self.assert_no_containers()

    def test_who_is_needed_is_removed_last(self):
        joiner = self.engine("create", "--name", "joiner", "--network", "none", "--pid", "container:web", BUSYBOX).stdout
        third = self.engine("create", "--network", "container:joiner", BUSYBOX, check=False)
        self.assertEqual(third.status, 0, third)
        for words in (("rm", "web"), ("rm", "-f", "web"), ("rm", "-f", self.inspect("web")["Id"][:12])):
            result = self.engine(*words, check=False)
            self.assert_fails(result, 125, "has dependent containers which must be removed before it", joiner.strip())
        self.engine("kill", "web")
        self.engine("wait", "web")
        removed = self.engine("rm", "--depend", "web").stdout.split()
        self.assertEqual(removed, [third.stdout.strip(), joiner.strip(), removed[-1]])
        self.assert_no_containers()

    def test_all_and_prune_remove_them_in_the_right_order(self):
        for words in (("rm", "-f", "-t", "0", "--all"), ("container", "prune", "-f")):
            self.engine("create", "--replace", "--name", "shop", "--network", "none", BUSYBOX)
            for name in ("one", "two"):
                self.engine("create", "--name", name, "--network", "none", "--ipc", "container:shop", BUSYBOX)
            self.engine(*words)
            self.assertEqual(self.engine("ps", "-aq", "--filter", "status=created").stdout, "", words)

    def test_one_that_is_gone_is_needed_by_nobody(self):
        self.joined("--pid", "container:web", BUSYBOX, "true")
        self.engine("rm", "-f", "-t", "0", "web")
        self.assert_no_containers()

    def test_what_cannot_be_had_is_said(self):
        self.engine("run", "-d", "--name", "shop", "--network", "none", BUSYBOX, "sleep", "1000")
        for words, part in ((("--pid", "container:web", "--ipc", "container:shop"), "two containers"),
                            (("--pid", "container:web", "--userns", "keep-id"), "cannot be had together"),
                            (("--pid", "container:nope"), "no such container"),
                            (("--uts", "container:web", "--hostname", "x"), "--hostname")):
            done = self.joined(*words, BUSYBOX, "true", check=False)
            self.assertEqual(done.status, 125, done)
            self.assertIn(part, done.stderr)

    def test_the_ids_are_the_others(self):
        self.engine("run", "-d", "--name", "kept", "--userns", "keep-id", "--network", "none", BUSYBOX, "sleep", "1000")
        own = self.engine("exec", "kept", "cat", "/proc/self/uid_map").stdout
        self.assertEqual(self.joined("--userns", "container:kept", BUSYBOX, "cat", "/proc/self/uid_map").stdout, own)

    def test_the_ipc_namespace_comes_with_its_shared_memory(self):
        self.engine("exec", "web", "sh", "-c", "echo from web > /dev/shm/note")
        done = self.joined("--ipc", "container:web", BUSYBOX, "sh", "-c",
                           "cat /dev/shm/note; echo back > /dev/shm/answer; grep ' /dev/shm ' /proc/mounts")
        self.assertTrue(done.stdout.startswith("from web\nshm /dev/shm tmpfs rw,nosuid,nodev,noexec"), done)
        self.assertEqual(self.engine("exec", "web", "cat", "/dev/shm/answer").stdout, "back\n")
        # Another one may be had, and goes through who joined.
        self.assertEqual(self.joined("--ipc", "container:web", "--tmpfs", "/dev/shm", BUSYBOX, "ls", "/dev/shm").stdout, "")
        self.joined("-d", "--name", "second", "--ipc", "container:web", BUSYBOX, "sleep", "1000")
        self.assertEqual(self.joined("--ipc", "container:second", BUSYBOX, "cat", "/dev/shm/answer").stdout, "back\n")

    def test_a_start_finds_the_shared_memory_of_the_start(self):
        self.engine("create", "--name", "joiner", "--network", "none", "--ipc", "container:web", BUSYBOX, "ls", "/dev/shm")
        self.engine("exec", "web", "touch", "/dev/shm/old")
        self.assertEqual(self.engine("start", "-a", "joiner").stdout, "old\n")
        self.engine("stop", "-t", "0", "web")
        self.assertEqual(self.engine("start", "-a", "joiner").stdout, "")

    def test_who_shares_no_ipc(self):
        for mode, parts in (("private", ("non-shareable IPC", "--ipc shareable")), ("host", ("the host's", "--ipc host"))):
            self.engine("run", "-d", "--name", mode, "--network", "none", "--ipc", mode, BUSYBOX, "sleep", "1000")
            done = self.joined("--ipc", f"container:{mode}", BUSYBOX, "true", check=False)
            self.assert_fails(done, 125, *parts)
        self.engine("run", "-d", "--name", "none", "--network", "none", "--ipc", "none", BUSYBOX, "sleep", "1000")
        done = self.joined("--ipc", "container:none", BUSYBOX, "grep", " /dev/shm ", "/proc/mounts")
        self.assertIn("tmpfs", done.stdout)

    def test_what_a_hostile_owner_shows_instead_of_its_shared_memory_is_not_taken(self):
        self.engine("run", "-d", "--name", "bad", "--privileged", "--network", "none", "-v", f"{self.home}:/given", BUSYBOX,
                    "sleep", "1000")
        for attack in ("umount /dev/shm", "rmdir /dev/shm; ln -s /given /dev/shm", "rm /dev/shm; ln -s /tmp /dev/shm; "
                       "mount -t tmpfs tmpfs /tmp", "rm /dev/shm; mkdir /dev/shm; mount --bind /given /dev/shm"):
            self.engine("exec", "bad", "sh", "-c", attack)
            done = self.joined("--ipc", "container:bad", BUSYBOX, "ls", "/dev/shm", check=False)
            self.assert_fails(done, 125, "the other container's /dev/shm")
        # A tmpfs of its own it may show; what makes programs dangerous is taken away.
        self.engine("exec", "bad", "sh", "-c", "umount /dev/shm; mount -t tmpfs tmpfs /dev/shm")
        done = self.joined("--ipc", "container:bad", BUSYBOX, "grep", " /dev/shm ", "/proc/mounts")
        self.assertIn("rw,nosuid,nodev,noexec", done.stdout)

    def test_a_user_namespace_at_a_path(self):
        self.engine("run", "-d", "--name", "kept", "--userns", "keep-id", "--network", "none", BUSYBOX, "sleep", "1000")
        own = self.engine("exec", "kept", "cat", "/proc/self/uid_map").stdout
        path = f"/proc/{self.running_pid('kept')}/ns/user"
        show = ("sh", "-c", "cat /proc/self/uid_map; readlink /proc/self/ns/user; stat -c %u /bin")
        self.assertEqual(self.joined("--userns", f"ns:{path}", BUSYBOX, *show).stdout,
                         own + self.engine("exec", "kept", "readlink", "/proc/self/ns/user").stdout + "0\n")
        for words, part in ((("--userns", "ns:/nope"), "/nope"), (("--userns", "ns:nope"), "not an absolute path"),
                            (("--userns", "ns:/proc/self/ns/net"), "not a user namespace"),
                            (("--userns", "ns:/proc/self/ns/user"), "cannot be joined"),
                            (("--userns", "ns:/proc/1/ns/user"), "/proc/1/ns/user"),
                            (("--pid", "container:web", "--userns", f"ns:{path}"), "cannot be had together")):
            self.assert_fails(self.joined(*words, BUSYBOX, "true", check=False), 125, part)

    def test_a_user_namespace_below_another(self):
        inner = self.start_engine("unshare", "unshare", "--user", "--map-root-user", "sh", "-c", "echo $$; exec sleep 1000")
        pid = inner.stdout.readline().strip()
        done = self.joined("--userns", f"ns:/proc/{pid}/ns/user", BUSYBOX, "sh", "-c",
                           "readlink /proc/self/ns/user; stat -c %u /bin; touch /made")
        self.assertEqual(done.stdout, os.readlink(f"/proc/{pid}/ns/user") + "\n0\n", done)

    def test_other_ids_than_it_was_made_for_are_refused(self):
        link = self.dir / "link"
        self.engine("run", "-d", "--name", "kept", "--userns", "keep-id", "--network", "none", BUSYBOX, "sleep", "1000")
        link.symlink_to(f"/proc/{self.running_pid('kept')}/ns/user")
        self.engine("create", "--name", "joiner", "--network", "none", "--userns", f"ns:{link}", BUSYBOX, "echo", "up")
        self.assertEqual(self.engine("start", "-a", "joiner").stdout, "up\n")
        link.unlink()
        link.symlink_to(f"/proc/{self.running_pid('web')}/ns/user")
        self.assert_fails(self.engine("start", "-a", "joiner", check=False), 125, "has other ids")

    def test_without_shared_memory(self):
        self.assertNotIn("/dev/shm", self.joined("--ipc", "none", BUSYBOX, "mount").stdout)
