"""Options of run and create that scripts meet now and then: --attach, --pidfile, --requires, --rmi, --hosts-file …"""

import ctypes
import grp
import json
import os
import pwd
import struct
import unittest

from engine_test import BUSYBOX, EngineTest, wait_until

BOTH = ("sh", "-c", "echo out; echo err >&2")


def names_made_in(folder, work):
    """Every name that appears there meanwhile, in order (inotify(7))."""
    libc = ctypes.CDLL(None, use_errno=True)
    watcher = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    in_moved_to, in_create = 0x80, 0x100
    if libc.inotify_add_watch(watcher, str(folder).encode(), in_moved_to | in_create) < 0:
        raise OSError(ctypes.get_errno(), "inotify_add_watch")
    work()
    data, names = os.read(watcher, 1 << 16), []
    os.close(watcher)
    while data:
        length = struct.unpack_from("iIII", data)[3]
        names.append(data[16:16 + length].rstrip(b"\0").decode())
        data = data[16 + length:]
    return names


class RunMoreTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()

    def run_box(self, *options, words=("true",), check=True):
        return self.engine("run", "--rm", "--network", "none", *options, BUSYBOX, *words, check=check)

    def sleeper(self, name, *options):
        return self.engine("run", "-d", "--network", "none", "--name", name, *options, BUSYBOX, "sleep",
                           "1000").stdout.strip()

    def test_attach_chooses_streams(self):
        for streams, shown in ((("stdout",), ("out\n", "")), (("stderr",), ("", "err\n")), (("stdin",), ("", "")),
                               (("stdout", "stderr"), ("out\n", "err\n")), (("stdout,stderr",), ("out\n", "err\n"))):
            with self.subTest(streams=streams):
                words = [word for stream in streams for word in ("-a", stream)]
                done = self.run_box(*words, words=BOTH)
                self.assertEqual((done.stdout, done.stderr), shown)
        self.assertEqual(self.run_box("--attach=stderr", words=("sh", "-c", "exit 7"), check=False).status, 7)
        refused = self.run_box("-a", "stdnonsense", check=False)
        self.assert_fails(refused, 125, 'invalid stream "stdnonsense" for --attach')
        self.assert_no_containers()

    def test_what_is_not_attached_is_in_the_log(self):
        self.engine("run", "--name", "box", "--network", "none", "-a", "stderr", BUSYBOX, *BOTH)
        self.assertEqual(self.engine("logs", "box").stdout, "out\n")

    def test_pid_files_are_written_at_each_start(self):
        box = self.sleeper("box", "--pidfile", "process.pid", "--conmon-pidfile", f"{self.dir}/monitor.pid")
        state = self.inspect(box)["State"]
        self.assertEqual((self.dir / "process.pid").read_text(), str(state["Pid"]))
        self.assertEqual((self.dir / "monitor.pid").read_text(), str(state["ConmonPid"]))
        self.assertEqual(self.inspect(box)["PidFile"], f"{self.dir}/process.pid")
        self.engine("restart", "-t", "0", box)
        self.assertEqual((self.dir / "process.pid").read_text(), str(self.inspect(box)["State"]["Pid"]))
        self.assertNotEqual(self.inspect(box)["State"]["Pid"], state["Pid"])
        self.assert_fails(self.run_box("--pidfile", "/nowhere/pid", check=False), 125, "/nowhere/pid")
        self.engine("rm", "-f", "-t", "0", box)
        self.assert_no_containers()

    def test_required_containers_are_started_first(self):
        for name, options in (("base", ()), ("middle", ("--requires", "base"))):
            self.engine("create", "--network", "none", "--name", name, *options, BUSYBOX, "sleep", "1000")
        self.assert_fails(self.run_box("--requires", "absent", check=False), 125, '"absent"')
        self.assertEqual(self.run_box("--requires", "middle").status, 0)
        self.assertEqual({self.status_of(name) for name in ("base", "middle")}, {"running"})
        self.engine("stop", "-t", "0", "base", "middle")
        self.engine("start", "middle")
        self.assertEqual(self.status_of("base"), "running")
        self.assertEqual(self.inspect("middle")["Dependencies"], [self.inspect("base")["Id"]])
        self.assert_fails(self.engine("rm", "-f", "-t", "0", "base", check=False), 125, "dependent containers")
        self.engine("rm", "-f", "-t", "0", "--depend", "base")
        self.assert_no_containers()

    def test_files_of_etc(self):
        (self.dir / "hosts").write_text("192.0.2.1\tfirst.example\n")
        text = self.run_box("--hosts-file", f"{self.dir}/hosts", words=("cat", "/etc/hosts")).stdout
        self.assertIn("first.example", text)
        text = self.run_box("--hosts-file", "none", "--add-host", "one:192.0.2.2", words=("cat", "/etc/hosts")).stdout
        self.assertIn("192.0.2.2\tone", text)
        self.assertIn("127.0.0.1\tlocalhost\n::1\tlocalhost\n", text)
        self.assert_fails(self.run_box("--hosts-file", "/nowhere", check=False), 125, "/nowhere")
        self.assert_fails(self.run_box("--hosts-file", "image", check=False), 125, "--no-hosts")
        script = "for f in hosts hostname resolv.conf; do echo x >> /etc/$f || echo closed; done"
        self.assertEqual(self.run_box(words=("sh", "-c", script)).stdout, "")
        self.assertEqual(self.run_box("--read-only", words=("sh", "-c", script)).stdout, "closed\n" * 3)
        with_file = self.run_box("-h", "named", words=("cat", "/etc/hostname")).stdout
        without = self.run_box("-h", "named", "--no-hostname", words=("cat", "/etc/hostname"), check=False).stdout
        self.assertEqual(with_file, "named\n")
        self.assertNotEqual(without, "named\n")
        domain = self.run_box("--domainname", "lan.example", words=("cat", "/proc/sys/kernel/domainname")).stdout
        self.assertEqual(domain, "lan.example\n")

    def test_hosts_files_that_are_none(self):
        os.mkfifo(self.dir / "fifo")
        (self.dir / "folder").mkdir()
        (self.dir / "huge").write_text("# " + "x" * (1 << 20))
        (self.dir / "full").write_text("192.0.2.7 full.example\n".ljust(1 << 20, "#"))
        (self.dir / "closed").write_text("")
        (self.dir / "closed").chmod(0)
        (self.dir / "loop").symlink_to("loop")
        (self.dir / "link").symlink_to("full")
        for name, why in (("fifo", "not a regular file"), ("folder", "not a regular file"), ("huge", "1048576"),
                          ("closed", "Permission denied"), ("loop", "symbolic links")):
            with self.subTest(name=name):
                self.assert_fails(self.run_box("--hosts-file", f"{self.dir}/{name}", check=False), 125, name, why)
        self.assert_fails(self.run_box("--hosts-file", "/dev/zero", check=False), 125, "not a regular file")
        self.assert_no_containers()
        for name in ("full", "link"):
            text = self.run_box("--hosts-file", f"{self.dir}/{name}", words=("cat", "/etc/hosts")).stdout
            self.assertTrue(text.startswith("192.0.2.7 full.example\n"), name)

    def test_lines_for_the_group_and_for_users_of_the_host(self):
        me = pwd.getpwuid(os.getuid())
        other = pwd.getpwnam("nobody")  # unlike the caller's, maybe, its number is not one of the image's
        text = self.run_box("--hostuser", other.pw_name, words=("grep", other.pw_name, "/etc/passwd")).stdout
        self.assertEqual(text.split(":")[0], other.pw_name)
        self.assertEqual(text.split(":")[2], str(other.pw_uid))
        self.assert_fails(self.run_box("--hostuser", "nobody-at-all", check=False), 125, "nobody-at-all")
        if os.getgid() in (0, 1, 1000, 1001):
            return  # the image has this group
        last = ("tail", "-n", "1", "/etc/group")
        self.assertEqual(self.run_box("--userns", "keep-id", "--group-entry", "team:*:$GID:$USERLIST", words=last).stdout,
                         f"team:*:{os.getgid()}:{me.pw_name}\n")
        self.assertEqual(self.run_box("--userns", "keep-id", "--group-entry", "$GROUPNAME:*:$GID:", words=last).stdout,
                         f"{grp.getgrgid(os.getgid()).gr_name}:*:{os.getgid()}:\n")

    def test_a_host_name_needs_a_namespace_of_its_own(self):
        self.assert_fails(self.run_box("--uts", "host", "-h", "named", check=False), 125,
                          "cannot set hostname when running in the host UTS namespace")

    def test_rmi_removes_the_image(self):
        self.engine("tag", BUSYBOX, "localhost/other:1")
        self.engine("run", "--rmi", "--network", "none", "localhost/other:1", "true")
        self.assertEqual(self.engine("image", "exists", "localhost/other:1", check=False).status, 1)
        self.engine("image", "exists", BUSYBOX)
        refused = self.engine("run", "-d", "--rmi", BUSYBOX, "true", check=False)
        self.assert_fails(refused, 125, "--rmi and --detach")
        self.engine("create", "--network", "none", BUSYBOX)
        kept = self.engine("run", "--rmi", "--network", "none", BUSYBOX, "sh", "-c", "exit 3", check=False)
        self.assertEqual(kept.status, 3)
        self.assertIn("the image stays", kept.stderr)
        self.engine("image", "exists", BUSYBOX)

    def test_volumes_of_the_image(self):
        self.pull_image("localhost/with-volume", Volumes={"/kept": {}})
        for mode, kind in (("bind", "volume"), ("anonymous", "volume"), ("tmpfs", "tmpfs"), ("ignore", None)):
            with self.subTest(mode=mode):
                box = self.engine("create", "--network", "none", "--image-volume", mode, "localhost/with-volume",
                                  "true").stdout.strip()
                mounts = [mount["Type"] for mount in self.inspect(box)["Mounts"] if mount["Destination"] == "/kept"]
                config = json.loads((self.root / "containers" / box / "config.json").read_text())
                types = [mount["type"] for mount in config["mounts"] if mount["destination"] == "/kept"]
                self.assertEqual((mounts, types), {"volume": (["volume"], ["bind"]), "tmpfs": (mounts, ["tmpfs"]),
                                                   None: ([], [])}[kind])
        self.assert_fails(self.run_box("--image-volume", "nonsense", check=False), 125, "bind")

    def test_the_log_of_health_checks(self):
        folder = self.dir / "checks"
        folder.mkdir()
        box = self.sleeper("box", "--health-cmd", "echo 0123456789", "--health-interval", "disable",
                           "--health-max-log-count", "2", "--health-max-log-size", "4", "--health-log-destination",
                           str(folder))
        for _ in range(3):
            self.engine("healthcheck", "run", box)
        log = self.inspect(box)["State"]["Health"]["Log"]
        self.assertEqual([entry["Output"] for entry in log], ["0123", "0123"])
        written = json.loads((folder / f"{box}-healthcheck.log").read_text())
        self.assertEqual(len(written["Log"]), 2)
        config = self.inspect(box)["Config"]
        self.assertEqual((config["HealthLogDestination"], config["HealthcheckMaxLogCount"],
                          config["HealthcheckMaxLogSize"]), (str(folder), 2, 4))
        self.assert_fails(self.run_box("--health-log-destination", "here", check=False), 125, "absolute path")

    def test_a_group_that_is_a_number_has_a_line(self):
        for user, line in (("4242:4243", "4243:x:4243:4242"), ("4242:0", None), ("4242", None)):
            with self.subTest(user=user):
                text = self.run_box("-u", user, words=("cat", "/etc/group")).stdout
                self.assertEqual([one for one in text.splitlines() if one.startswith("424")], [line] if line else [])

    def test_ps_shows_sizes_and_namespaces(self):
        box = self.sleeper("box")
        self.engine("exec", box, "dd", "if=/dev/zero", "of=/file", "bs=1024", "count=1000")
        self.engine("create", "--network", "none", "--name", "small", BUSYBOX)
        sizes = {one["Names"][0]: one["Size"] for one in self.engine("ps", "-a", "-s", "--format", "json").json()}
        self.assertGreater(sizes["box"]["rwSize"], 1_000_000)
        self.assertGreater(sizes["box"]["rootFsSize"], sizes["box"]["rwSize"])
        self.assertLess(sizes["small"]["rwSize"], 1_000_000)
        self.assertRegex(self.engine("ps", "-s").stdout, r"SIZE *\n.*MB \(virtual .*B\)")
        names = self.engine("ps", "-a", "--sort", "size", "--format", "{{.Names}}").stdout.split()
        self.assertEqual(names, ["small", "box"])
        inspected = self.engine("inspect", "--size", "--format", "{{.SizeRw}} {{.SizeRootFs}}", box).stdout.split()
        self.assertEqual([int(number) for number in inspected], [sizes["box"]["rwSize"], sizes["box"]["rootFsSize"]])
        own = self.engine("exec", box, "readlink", "/proc/self/ns/uts").stdout.strip()
        self.assertIn(own[len("uts:["):-1], self.engine("ps", "--ns").stdout)
        self.assertEqual(f"uts:[{self.engine('ps', '--format', '{{.UTS}}').stdout.strip()}]", own)
        self.assert_fails(self.engine("ps", "-q", "-s", check=False), 125, "mutually exclusive")

    def test_ps_filters_by_time_of_creation_and_by_pattern(self):
        for name in ("first", "second", "third"):
            self.engine("create", "--network", "none", "--name", name, "--label", f"turn={name}", BUSYBOX, "sleep", "1")

        def names(*filters):
            words = [word for one in filters for word in ("--filter", one)]
            return self.engine("ps", "-a", "--format", "{{.Names}}", *words).stdout.split()

        self.assertEqual(names("before=second"), ["first"])
        self.assertEqual(names("since=second"), ["third"])
        self.assertEqual(names("since=first", "before=third"), ["second"])
        self.assertEqual(names("until=0s"), ["first", "second", "third"])
        self.assertEqual(names("until=1h"), [])
        self.assertEqual(names("name=^s"), ["second"])
        self.assertEqual(names("name=ir.t?", "name=con"), ["first", "second", "third"])
        self.assertEqual(names("label!=turn=first", "command=sleep"), ["second", "third"])
        self.assert_fails(self.engine("ps", "--filter", "before=absent", check=False), 125, '"absent"')
        self.assert_fails(self.engine("ps", "--filter", "name=(", check=False), 125, "regular expression")

    def test_what_update_changes_holds_and_a_clone_has_it(self):
        self.engine("create", "--network", "none", "--name", "box", "--restart", "on-failure:2", "--health-cmd", "true",
                    "--log-opt", "max-size=20kb", "--log-opt", "tag={{.Name}}", BUSYBOX, "sleep", "1000")
        self.engine("update", "--restart", "always", "--health-interval", "disable", "--health-retries", "9", "box")
        self.engine("container", "clone", "box", "other")
        for name in ("box", "other"):
            with self.subTest(name=name):
                found = self.inspect(name)
                self.assertEqual(found["HostConfig"]["RestartPolicy"], {"Name": "always", "MaximumRetryCount": 0})
                check = found["Config"]["Healthcheck"]
                self.assertEqual((check["Test"], check["Retries"]), (["CMD-SHELL", "true"], 9))
                self.assertEqual(found["HostConfig"]["LogConfig"]["Tag"], "{{.Name}}")
        self.engine("update", "--no-healthcheck", "--restart", "no", "box")
        self.assertEqual(self.inspect("box")["Config"]["Healthcheck"]["Test"], ["NONE"])
        self.assert_fails(self.engine("update", "--restart", "sometimes", "box", check=False), 125, "sometimes")
        self.engine("create", "--rm", "--network", "none", "--name", "gone", BUSYBOX)
        self.assert_fails(self.engine("update", "--restart", "always", "gone", check=False), 125, "--rm")
        bad = self.engine("create", "--network", "none", "--log-opt", "tag={{.Name", BUSYBOX, check=False)
        self.assert_fails(bad, 125, "template")

    def test_a_restart_of_what_goes_when_it_ends_is_refused_and_ends_nothing(self):
        box = self.sleeper("box", "--rm")
        pid = self.inspect(box)["State"]["Pid"]
        self.assert_fails(self.engine("restart", "-t", "0", box, check=False), 125, "made with --rm", "engine stop")
        self.assertEqual(self.inspect(box)["State"]["Pid"], pid)

    def test_a_running_container_gets_a_policy_and_loses_it(self):
        def end(name):
            self.engine("exec", name, "kill", "-9", "1", check=False)
            self.engine("exec", name, "touch", "/end", check=False)
        wait_for_end = ("sh", "-c", "rm -f /end; while ! test -e /end; do sleep 0.02; done; exit 3")
        for name, options in (("plain", ()), ("limited", ("--pids-limit", "100"))):
            self.engine("run", "-d", "--network", "none", "--name", name, *options, BUSYBOX, *wait_for_end)
            first = self.inspect(name)["State"]["Pid"]
            self.engine("update", "--restart", "on-failure:5", name)
            end(name)
            wait_until(lambda: self.inspect(name)["State"]["Pid"] not in (0, first), "it was started again")
            self.assertEqual(self.inspect(name)["RestartCount"], 1)
            self.engine("update", "--restart", "no", name)
            end(name)
            wait_until(lambda: self.status_of(name) == "exited", "it ended for good")
            self.assertEqual((self.inspect(name)["State"]["ExitCode"], self.inspect(name)["RestartCount"]), (3, 1))
            self.engine("start", name)
            self.engine("update", "--restart", "always", name)
            self.engine("stop", "-t", "0", name)  # which is wanted
            self.assertEqual(self.status_of(name), "exited")

    def test_a_running_container_uses_the_new_check(self):
        box = self.sleeper("box", "--health-cmd", "false", "--health-retries", "1", "--health-interval", "disable")
        self.assertEqual(self.engine("healthcheck", "run", box, check=False).status, 1)
        self.engine("update", "--health-cmd", "true", box)
        self.assertEqual(self.engine("healthcheck", "run", box).status, 0)

    def test_an_overlay_over_a_folder_keeps_the_folder(self):
        folder = self.dir / "folder"
        folder.mkdir(mode=0o750)
        (folder / "file").write_text("old\n")
        script = "cat /d/file; echo new > /d/file; echo more > /d/other; cat /d/file; stat -c %a /d"
        done = self.run_box("-v", f"{folder}:/d:O", words=("sh", "-c", script))
        self.assertEqual(done.stdout, "old\nnew\n750\n")
        flags = self.run_box("-v", f"{folder}:/d:O", words=("sh", "-c", "grep ' /d ' /proc/mounts")).stdout.split()[3]
        self.assertLessEqual({"nosuid", "nodev"}, set(flags.split(",")))
        self.assertEqual((folder / "file").read_text(), "old\n")
        self.assertFalse((folder / "other").exists())
        self.assert_fails(self.run_box("-v", "named:/d:O", check=False), 125, "folder of the host")
        self.assert_fails(self.run_box("-v", f"{folder},x:/d:O", check=False), 125, "its path")
        self.assert_no_containers()

    def test_what_was_written_over_a_folder_goes_when_the_container_ends(self):
        folder = self.dir / "folder"
        folder.mkdir(mode=0o777)
        script = "stat -c %a /d; echo a >> /d/new; mkdir /d/deep; chown 1000 /d/deep; touch /d/deep/file; cat /d/new"
        options = ("--network", "none", "--name", "box", "-v", f"{folder}:/d:O", BUSYBOX)
        fresh = f"{folder.stat().st_mode & 0o777:o}\na\n"
        self.assertEqual(self.engine("run", *options, "sh", "-c", script).stdout, fresh)
        self.assertEqual(self.engine("start", "-a", "box").stdout, fresh)
        self.engine("run", "-d", "--replace", *options, "sh", "-c", script + "; sleep 1000")
        self.wait_for_log("box", "a\n")
        for end in ("stop", "restart"):
            self.engine("exec", "box", "ls", "/d/deep/file")
            self.engine(end, "-t", "0", "box")
            if end == "stop":
                self.assertNotEqual(self.engine("cp", "box:/d/new", "-", check=False).status, 0)
                self.engine("start", "box")
            wait_until(lambda: self.engine("exec", "box", "cat", "/d/new", check=False).stdout == "a\n", "it runs anew")
        self.engine("rm", "-f", "-t", "0", "box")
        self.assert_nothing_unfinished()

    def test_the_note_of_that_appears_at_once(self):
        """Under no other name before: kill -9 at that moment would leave a file that no clean-up knows."""
        folder = self.dir / "folder"
        folder.mkdir(mode=0o777)
        self.engine("create", "--network", "none", "--name", "box", "-v", f"{folder}:/d:O", BUSYBOX, "true")
        (container,) = (self.root / "containers").iterdir()
        names = names_made_in(container, lambda: self.engine("start", "-a", "box"))
        self.assertEqual([name for name in names if "after-end" in name], ["after-end"])

    def test_init_of_the_host(self):
        init = self.dir / "init"
        init.write_text('#!/bin/sh\necho "init for $2"\nshift\nexec "$@"\n')
        init.chmod(0o755)
        done = self.run_box("--init", "--init-path", init, words=("cat", "/proc/1/comm"))
        self.assertEqual(done.stdout, "init for cat\ncat\n")
        box = self.sleeper("box", "--init", "--init-path", str(init))
        self.wait_for_log(box, "init for sleep")
        self.assertEqual(self.inspect(box)["Args"], ["1000"])
        self.assertEqual(self.run_box("--init-path", "/nowhere").status, 0)  # without --init nothing comes of it
        self.engine("rm", "-f", "-t", "0", box)
        for path in ("/nowhere", self.dir, "/etc/passwd"):
            self.assert_fails(self.run_box("--init", "--init-path", path, check=False), 125, "--init-path", str(path))
        self.assert_no_containers()

    def test_folders_with_the_names_of_hosts(self):
        show = ("sh", "-c", "cmp /etc/hosts /a/etc/hosts && cmp /etc/hostname /b/c/etc/hostname && "
                "cmp /etc/resolv.conf /a/etc/resolv.conf && echo alike")
        self.assertEqual(self.run_box("--chrootdirs", "/a,/b/c", words=show).stdout, "alike\n")
        self.assertEqual(self.run_box("--chrootdirs", "/a", "--no-hosts", words=("ls", "/a/etc")).stdout,
                         "hostname\nresolv.conf\n")
        self.assert_fails(self.run_box("--chrootdirs", "a", check=False), 125, "--chrootdirs", "not an absolute path")

    def test_memory_for_systemd_and_for_everybody(self):
        sizes = ("sh", "-c", "grep -E ' (/run|/run/lock|/tmp|/var/log/journal) ' /proc/mounts | grep -c size=2048k; "
                 "grep ' /dev/shm ' /proc/mounts | grep -o size=[0-9]*k")
        done = self.run_box("--systemd", "always", "--shm-size-systemd", "2m", "--shm-size", "3m", words=sizes)
        self.assertEqual(done.stdout, "4\nsize=3072k\n")
        self.assertEqual(self.run_box("--shm-size-systemd", "0", "--systemd", "always", words=sizes).stdout,
                         "0\nsize=65536k\n")
        self.assert_fails(self.run_box("--shm-size-systemd", "much", check=False), 125, "--shm-size-systemd")
        for mode in ("host", "none"):
            self.assert_fails(self.run_box("--ipc", mode, "--shm-size", "1m", check=False), 125, "--shm-size")

    def test_terminals_of_its_own(self):
        words = ("sh", "-c", "ls /p; stat -f -c %T /p || true; grep ' /p ' /proc/mounts")
        text = self.run_box("--mount", "type=devpts,dst=/p,mode=0600", words=words).stdout
        self.assertIn("ptmx\n", text)
        self.assertRegex(text, r"devpts .*mode=600")
        refused = self.run_box("--mount", "type=devpts,src=/dev/pts,dst=/p", check=False)
        self.assert_fails(refused, 125, "a devpts has no source")


if __name__ == "__main__":
    unittest.main()
