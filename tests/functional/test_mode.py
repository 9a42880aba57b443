"""The mode of a run: shown, held on to with --require, forced by engine.conf; and what a single id makes of root."""

import re

from engine_test import BUSYBOX, EngineTest

OWNERS = "touch /tmp/x; chown 100:100 /tmp/x && echo chowned; chgrp 7 /tmp/x && echo grouped; mknod /tmp/null c 1 3 && echo made"
REFUSED = "--root-emulation=false"


class ModeTest(EngineTest):
    def conf(self, text):
        folder = self.home / ".config/containers"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "engine.conf").write_text(f"[mode]\n{text}\n")

    def single(self):
        self.conf('ids = "single"')
        self.pull_image()

    def mode(self):
        return self.engine("info", "--format", "{{json .Mode}}").json()

    def test_a_single_id_seems_to_be_many(self):
        self.single()
        done = self.in_container(BUSYBOX, "sh", "-c", OWNERS + "; stat -c %u:%g /tmp/x; test -e /tmp/null || echo none")
        self.assertEqual(done.stdout.split(), ["chowned", "grouped", "made", "0:0", "none"])
        self.assertIn("root-emulation", self.mode()["line"])

    def test_without_emulation_it_fails(self):
        self.single()
        for words in ((REFUSED,), ("--cap-drop", "CHOWN")):
            done = self.in_container(*words, BUSYBOX, "sh", "-c", "touch /tmp/x; chown 100:100 /tmp/x", check=False)
            self.assertEqual(done.status, 1, done)
        done = self.in_container(REFUSED, BUSYBOX, "sh", "-c", "mknod /tmp/null c 1 3", check=False)
        self.assertIn("Operation not permitted", done.stderr)
        for words in (("--cap-drop", "mknod"), ("--cap-drop", "all")):
            done = self.in_container(*words, BUSYBOX, "sh", "-c", "mknod /tmp/null c 1 3", check=False)
            self.assertIn("Operation not permitted", done.stderr)
        self.conf('ids = "single"\nroot_emulation = false')
        self.assertNotIn("root-emulation", self.mode()["line"])
        done = self.in_container(BUSYBOX, "sh", "-c", "touch /tmp/x; chown 100:100 /tmp/x", check=False)
        self.assertEqual(done.status, 1, done)

    def test_becoming_another_user_seems_to_work(self):
        self.single()
        script = "import os; os.setgroups([1, 2]); os.setgid(100); os.setuid(100); os.setresuid(0, 0, 0); print(os.getuid())"
        python = ["-v", "/usr:/usr:ro", "-v", "/lib:/lib:ro", "-v", "/lib64:/lib64:ro", BUSYBOX, "/usr/bin/python3", "-c"]
        self.assertEqual(self.in_container(*python, script).stdout, "0\n")
        for call in ("os.setgroups([1, 2])", "os.setgid(100)", "os.setuid(100)", "os.setresuid(0, 7, 0)", "os.chown('/', 1, 0)"):
            self.assertIn("Error", self.in_container(REFUSED, *python, f"import os; {call}", check=False).stderr)
            self.assertEqual(self.in_container(*python, f"import os; {call}").stdout, "")

    def test_who_is_not_root_does_not_seem_to_be(self):
        self.single()
        for owner in ("7", "0", "7:7"):
            done = self.in_container("--userns", "keep-id", BUSYBOX, "sh", "-c", f"touch /tmp/x; chown {owner} /tmp/x", check=False)
            self.assertEqual(done.status, 1, done)
        done = self.in_container("--userns", "keep-id", BUSYBOX, "mknod", "/tmp/null", "c", "1", "3", check=False)
        self.assertIn("Operation not permitted", done.stderr)

    def test_what_works_is_left_to_the_kernel(self):
        self.single()
        done = self.in_container(BUSYBOX, "sh", "-c", "chown 0:0 /nonesuch; mkfifo /tmp/f && test -p /tmp/f && echo fifo",
                                 check=False)
        self.assertIn("No such file", done.stderr)
        self.assertEqual(done.stdout, "fifo\n")

    def test_apt_is_told_not_to_become_another_user(self):
        self.single()
        done = self.in_container(BUSYBOX, "sh", "-c", 'cat "$APT_CONFIG"')
        self.assertEqual(done.stdout, 'APT::Sandbox::User "root";\n')
        self.assertEqual(self.in_container("-e", "APT_CONFIG=mine", BUSYBOX, "sh", "-c", "echo $APT_CONFIG").stdout, "mine\n")
        self.assertEqual(self.in_container(REFUSED, BUSYBOX, "sh", "-c", "echo $APT_CONFIG").stdout, "\n")

    def test_privileged_and_exec_too(self):
        self.single()
        done = self.in_container("--privileged", BUSYBOX, "sh", "-c", OWNERS)
        self.assertEqual(done.stdout.split(), ["chowned", "grouped", "made"])
        container = self.start_sleeper()
        self.assertEqual(self.engine("exec", container, "sh", "-c", OWNERS).stdout.split(), ["chowned", "grouped", "made"])
        for user in ("5", "0:5"):  # it would be root, with all capabilities
            done = self.engine("exec", "--user", user, container, "true", check=False)
            self.assertIn("is not the one that this container has", done.stderr)
        self.assertEqual(self.engine("exec", "--user", "root", container, "id", "-u").stdout, "0\n")

    def test_several_ids_are_never_emulated(self):
        self.pull_image()
        self.assertEqual(self.in_container("--root-emulation", BUSYBOX, "sh", "-c", "touch /x; chown 7 /x; stat -c %u /x").stdout,
                         "7\n")

    def test_require(self):
        self.single()
        for word in ("ids", "full", "network,ids"):
            done = self.in_container("--require", word, BUSYBOX, "true", check=False)
            self.assert_fails(done, 125, f"--require {word}", "ids=single (engine.conf says so)", "engine doctor")
        self.in_container("--require", "rootfs", BUSYBOX, "true")
        self.assert_fails(self.in_container("--require", "all", BUSYBOX, "true", check=False), 125, "not a part of the mode")
        self.conf('require = ["namespaces"]\nwithout = ["uts"]')
        self.assert_fails(self.in_container(BUSYBOX, "true", check=False), 125, "namespaces=no-uts (engine.conf says so)")
        self.assert_no_containers()

    def test_a_required_driver(self):
        self.pull_image()
        self.driver = "copy"
        self.assert_fails(self.in_container("--require", "rootfs", BUSYBOX, "true", check=False), 125, "rootfs=copy")

    def test_namespaces_that_are_taken_away(self):
        self.pull_image()
        self.conf('without = ["network", "pid", "ipc", "uts", "cgroup"]')
        done = self.engine("run", "--rm", BUSYBOX, "/guest")
        self.assertIn("namespaces=no-network,no-pid,no-ipc,no-uts,no-cgroup", done.stderr)
        each = "cd /proc/self/ns; for name in net pid ipc uts cgroup; do readlink $name; done"
        theirs = self.engine("run", "--rm", BUSYBOX, "sh", "-c", each).stdout
        ours = self.tool("sh", "-c", each).stdout
        self.assertEqual(theirs, ours)
        self.assertNotEqual(self.in_container(BUSYBOX, "readlink", "/proc/self/ns/net").stdout.strip(), ours.split()[0])

    def test_the_outer_proc(self):
        self.pull_image()
        self.conf('without = ["proc"]')
        done = self.in_container(BUSYBOX, "sh", "-c", "readlink /proc/self; echo $$; echo x > /proc/sys/kernel/domainname; ls /sys")
        outer, inner = done.stdout.split()[:2]
        self.assertNotEqual(outer, inner)
        self.assertRegex(done.stderr, "domainname.*Read-only file system")

    def test_one_line_says_it_all(self):
        self.pull_image()
        line = self.mode()["line"]
        self.assertRegex(line, r"^ids=subordinate rootfs=\S+ .*namespaces=all .*cgroup=\S+ .*network=\S+")
        told = self.in_container(BUSYBOX, "true")
        self.assertEqual(told.stderr, "")
        told = self.tool(*self.command("--log-level", "info", "run", "--rm", "--network", "none", BUSYBOX, "true")).stderr
        self.assertEqual(re.findall("mode: (.*)", told), [line])
        self.assertIn(f"line: {line}\n", self.engine("info").stdout)

    def test_nonsense_in_engine_conf(self):
        for text in ('ids = "many"', 'without = ["time"]', 'require = ["all"]', "root_emulation = 1"):
            self.conf(text)
            self.assert_fails(self.engine("ps", check=False), 125, "engine.conf")
