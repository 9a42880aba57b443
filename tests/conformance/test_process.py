"""config.md "Process": who the program is, and what it may."""

import os
import socket
import threading

from runtime_test import CAPABILITIES, PLACE, RuntimeTest, only_in

# Numbers of the kernel; source: capabilities(7).
CAPABILITY_BITS = {"CAP_CHOWN": 0, "CAP_DAC_OVERRIDE": 1, "CAP_FOWNER": 3, "CAP_FSETID": 4, "CAP_KILL": 5,
                   "CAP_SETGID": 6, "CAP_SETUID": 7, "CAP_SETPCAP": 8, "CAP_NET_BIND_SERVICE": 10, "CAP_NET_RAW": 13,
                   "CAP_SYS_CHROOT": 18, "CAP_MKNOD": 27, "CAP_SETFCAP": 31}


def mask(names):
    return sum(1 << CAPABILITY_BITS[name] for name in names)


class IdentityTest(RuntimeTest):
    def process(self, **changes):
        self.config["process"].update(changes)

    def test_user_and_groups_are_as_configured(self):
        self.process(user={"uid": 1000, "gid": 1001, "additionalGids": [5, 6]})
        seen = self.report()
        self.assertEqual((seen["uid"], seen["euid"], seen["gid"], seen["egid"]), (1000, 1000, 1001, 1001))
        self.assertEqual(sorted(set(seen["groups"]) - {1001}), [5, 6])

    def test_without_additional_groups_there_are_none_of_the_callers(self):
        self.process(user={"uid": 1000, "gid": 1001})
        self.assertEqual(set(self.report()["groups"]) - {1001}, set())

    def test_the_umask_is_as_configured(self):
        self.process(user={"uid": 0, "gid": 0, "umask": 0o27})
        self.assertEqual(self.report()["umask"], 0o27)

    def test_arguments_and_environment_are_as_configured(self):
        self.process(env=["A=1", "B=two words", "EMPTY=", "PATH=/bin"])
        seen = self.run_container("/guest", "x", "", "y z").json()
        self.assertEqual(seen["args"], ["/guest", "x", "", "y z"])
        self.assertEqual([line for line in seen["env"] if not line.startswith("HOME=")],
                         ["A=1", "B=two words", "EMPTY=", "PATH=/bin"])

    def test_the_program_is_looked_for_in_the_path_of_the_container(self):
        (self.bundle / "rootfs/own").mkdir()
        os.rename(self.bundle / "rootfs/guest", self.bundle / "rootfs/own/found-by-name")
        self.process(env=["PATH=/bin:/own"], args=["found-by-name"])
        self.write()
        seen = self.runtime("run", "--bundle", self.bundle, self.name).json()
        self.assertEqual(seen["args"], ["found-by-name"])

    def test_the_working_directory_is_as_configured(self):
        (self.bundle / "rootfs/deep/er").mkdir(parents=True)
        self.process(cwd="/deep/er")
        self.assertEqual(self.report()["cwd"], "/deep/er")

    def test_a_working_directory_is_needed_and_absolute(self):
        for cwd in ("relative", "", None):
            with self.subTest(cwd=cwd):
                self.process(cwd=cwd)
                if cwd is None:
                    del self.config["process"]["cwd"]
                self.assert_refused()

    def test_at_least_one_argument_is_needed(self):
        for args in ([], None):
            with self.subTest(args=args):
                self.process(args=args)
                if args is None:
                    del self.config["process"]["args"]
                self.assert_refused()

    def test_user_and_group_are_needed(self):
        for user in ({"uid": 0}, {"gid": 0}):
            with self.subTest(user=user):
                self.process(user=user)
                self.assert_refused()

    def test_only_the_standard_streams_are_open(self):
        self.assertEqual(sorted(self.report()["fds"]), ["0", "1", "2"])


class LimitsTest(RuntimeTest):
    def set_limits(self, *entries):
        self.config["process"]["rlimits"] = [dict(zip(("type", "soft", "hard"), entry)) for entry in entries]

    def test_limits_are_exactly_as_configured(self):
        hard = min(4096, 1 << 62)
        self.set_limits(("RLIMIT_NOFILE", 1000, hard), ("RLIMIT_CORE", 0, 0), ("RLIMIT_STACK", 1 << 20, 1 << 21),
                        ("RLIMIT_CPU", 100, 200))
        seen = self.report()["limits"]
        self.assertEqual((seen["nofile"], seen["core"], seen["stack"], seen["cpu"]),
                         ([1000, hard], [0, 0], [1 << 20, 1 << 21], [100, 200]))

    def test_every_limit_of_the_kernel_is_known(self):
        current = self.report()["limits"]
        for name in ("AS", "CORE", "CPU", "DATA", "FSIZE", "LOCKS", "MEMLOCK", "MSGQUEUE", "NICE", "NOFILE", "NPROC", "RSS",
                     "RTPRIO", "RTTIME", "SIGPENDING", "STACK"):
            soft, hard = (value if value >= 0 else 2**64 - 1 for value in current[name.lower()])
            with self.subTest(name=name):
                self.set_limits((f"RLIMIT_{name}", soft, hard))
                self.assertEqual(self.report()["limits"][name.lower()], current[name.lower()])

    def test_what_is_no_limit_is_an_error(self):
        for name in ("RLIMIT_NOSUCH", "NOFILE", "rlimit_nofile", ""):
            with self.subTest(name=name):
                self.set_limits((name, 1, 1))
                self.assert_refused()

    def test_a_limit_that_stands_twice_is_an_error(self):
        self.set_limits(("RLIMIT_NOFILE", 100, 100), ("RLIMIT_NOFILE", 200, 200))
        self.assert_refused()

    def test_all_three_properties_are_needed(self):
        for missing in ("type", "soft", "hard"):
            with self.subTest(missing=missing):
                entry = {"type": "RLIMIT_NOFILE", "soft": 10, "hard": 10}
                del entry[missing]
                self.config["process"]["rlimits"] = [entry]
                self.assert_refused()

    def test_a_limit_that_cannot_be_set_is_an_error(self):
        self.set_limits(("RLIMIT_NOFILE", 2**62, 2**62))  # above fs.nr_open
        self.write()
        result = self.runtime("run", "--bundle", self.bundle, self.name, check=False)
        self.assert_error(result)
        self.assert_nothing_left()


class CapabilityTest(RuntimeTest):
    def sets(self):
        status = self.report()["status"]
        return {name: int(status[key], 16) for name, key in (
            ("bounding", "CapBnd"), ("effective", "CapEff"), ("inheritable", "CapInh"), ("permitted", "CapPrm"),
            ("ambient", "CapAmb"))}

    def test_each_set_is_as_configured(self):
        some = ["CAP_CHOWN", "CAP_KILL", "CAP_SETUID"]
        self.config["process"]["capabilities"] = {
            "bounding": some, "effective": ["CAP_KILL", "CAP_CHOWN"], "permitted": some, "inheritable": ["CAP_KILL", "CAP_CHOWN"],
            "ambient": ["CAP_KILL"]}
        self.config["process"]["user"] = {"uid": 1000, "gid": 1000}
        sets = self.sets()
        self.assertEqual(sets["bounding"], mask(some))
        self.assertEqual(sets["inheritable"], mask(["CAP_KILL", "CAP_CHOWN"]))
        self.assertEqual(sets["ambient"], mask(["CAP_KILL"]))
        self.assertEqual(sets["effective"], mask(["CAP_KILL"]))  # what execve leaves of it for a user

    def test_root_gets_the_bounding_set(self):
        self.assertEqual(self.sets()["effective"], mask(CAPABILITIES))

    def test_without_capabilities_there_are_none(self):
        self.config["process"]["capabilities"] = {}
        self.assertEqual(set(self.sets().values()), {0})

    def test_a_capability_that_cannot_be_granted_is_a_warning(self):
        sets = self.config["process"]["capabilities"] = {
            kind: [*CAPABILITIES, "CAP_FROM_THE_FUTURE"] for kind in ("bounding", "effective", "permitted")}
        result = self.run_container("true", check=False)
        self.assertEqual(result.status, 0, result)
        self.assertIn("CAP_FROM_THE_FUTURE", result.stderr)
        self.assertTrue(sets)

    def test_no_new_privileges(self):
        self.assertEqual(self.report()["status"]["NoNewPrivs"], "0")
        self.config["process"]["noNewPrivileges"] = True
        self.assertEqual(self.report()["status"]["NoNewPrivs"], "1")


class OomScoreTest(RuntimeTest):
    def own(self):
        return open("/proc/self/oom_score_adj").read().strip()

    def test_the_score_is_as_configured(self):
        score = int(self.own()) + 100
        self.config["process"]["oomScoreAdj"] = score
        self.assertEqual(self.report()["oom_score_adj"], [str(score)])

    def test_without_one_it_is_the_callers(self):
        self.assertEqual(self.report()["oom_score_adj"], [self.own()])


class SchedulingTest(RuntimeTest):
    def stat(self, index):
        return int(self.says("cat /proc/$$/stat").rpartition(")")[2].split()[index - 3])

    def test_policy_and_nice_value_are_as_configured(self):
        self.config["process"]["scheduler"] = {"policy": "SCHED_BATCH", "nice": 5}
        self.assertEqual((self.stat(41), self.stat(19)), (3, 5))

    def test_idle_policy(self):
        self.config["process"]["scheduler"] = {"policy": "SCHED_IDLE"}
        self.assertEqual(self.stat(41), 5)

    def test_a_policy_is_needed_and_known(self):
        for scheduler in ({"nice": 1}, {"policy": "SCHED_NOSUCH"}, {"policy": ""}):
            with self.subTest(scheduler=scheduler):
                self.config["process"]["scheduler"] = scheduler
                self.assert_refused()

    def test_io_priority_is_as_configured(self):
        self.config["process"]["ioPriority"] = {"class": "IOPRIO_CLASS_BE", "priority": 6}
        self.assertEqual(self.says("ionice -p $$"), "best-effort: prio 6")
        self.config["process"]["ioPriority"] = {"class": "IOPRIO_CLASS_IDLE", "priority": 0}
        self.assertTrue(self.says("ionice -p $$").startswith("idle"))

    def test_class_and_priority_of_io_are_needed_and_known(self):
        for priority in ({"priority": 1}, {"class": "IOPRIO_CLASS_NOSUCH", "priority": 1},
                         {"class": "IOPRIO_CLASS_BE", "priority": 8}, {"class": "IOPRIO_CLASS_BE", "priority": -1}):
            with self.subTest(priority=priority):
                self.config["process"]["ioPriority"] = priority
                self.assert_refused()

    def test_exec_runs_on_the_processors_that_are_named(self):
        last = max(os.sched_getaffinity(0))
        self.config["process"]["execCPUAffinity"] = {"initial": "0", "final": str(last)}
        self.running()
        self.assertEqual(self.exec("grep Cpus_allowed_list /proc/$$/status").stdout.split()[1], str(last))


class TerminalTest(RuntimeTest):
    def create_with_console(self, *args):
        """create; the terminal that came over the console socket, and its name as the runtime sent it."""
        received = []
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(self.dir / "console"))
            listener.listen()
            listener.settimeout(10)

            def accept():
                connection, _ = listener.accept()
                with connection:
                    name, descriptors, _, _ = socket.recv_fds(connection, 4096, 4)
                received.extend([name, *descriptors])
            thread = threading.Thread(target=accept)
            thread.start()
            self.create(*args, words=["--console-socket", self.dir / "console"])
            thread.join()
        self.assertEqual(len(received), 2, "one descriptor came")
        self.addCleanup(os.close, received[1])
        return received[1], received[0]

    def read_all(self, terminal):
        text = b""
        try:
            while part := os.read(terminal, 4096):
                text += part
        except OSError:  # hung up
            pass
        return text.decode().replace("\r\n", "\n")

    def test_a_terminal_is_the_standard_streams_and_the_console(self):
        self.config["process"]["terminal"] = True
        self.config["process"]["consoleSize"] = {"height": 17, "width": 71}
        terminal, _ = self.create_with_console(
            "tty; for fd in 0 1 2; do test -t $fd && echo $fd; done; stty size; "
            "stat -c %F /dev/console; echo hello > /dev/console; cat /proc/self/mountinfo | grep -c ' /dev/console '")
        self.start()
        lines = self.read_all(terminal).splitlines()
        self.assertTrue(lines[0].startswith("/dev/"), lines)
        self.assertEqual(lines[1:], ["0", "1", "2", "17 71", "character special file", "hello", "1"])

    def test_without_a_terminal_the_console_size_means_nothing(self):
        self.config["process"]["consoleSize"] = {"height": 17, "width": 71}
        for terminal in (False, None):
            with self.subTest(terminal=terminal):
                self.config["process"]["terminal"] = terminal
                if terminal is None:
                    del self.config["process"]["terminal"]
                self.assertEqual(self.says("tty; test -e /dev/console || echo none"), "not a tty\nnone")

    def test_height_and_width_are_both_needed(self):
        self.config["process"]["terminal"] = True
        for size in ({"height": 10}, {"width": 10}):
            with self.subTest(size=size):
                self.config["process"]["consoleSize"] = size
                self.assert_refused()

    def test_a_terminal_needs_somebody_to_have_it(self):
        self.config["process"]["terminal"] = True
        self.assert_refused()


class PersonalityTest(RuntimeTest):
    def test_linux32_shows_a_32_bit_machine(self):
        self.config["linux"]["personality"] = {"domain": "LINUX32"}
        self.assertRegex(self.says("uname -m"), "^(i.86|arm|armv.*)$")

    def test_linux_is_the_usual_one(self):
        self.config["linux"]["personality"] = {"domain": "LINUX"}
        self.assertEqual(self.says("uname -m"), os.uname().machine)

    def test_a_domain_is_needed_and_known(self):
        for personality in ({}, {"domain": "SOLARIS"}, {"domain": "LINUX", "flags": ["ADDR_NO_RANDOMIZE"]}):
            with self.subTest(personality=personality):
                self.config["linux"]["personality"] = personality
                self.assert_refused()


class MemoryPolicyTest(RuntimeTest):
    @only_in("root", "user")
    def test_the_policy_is_as_configured(self):
        if not os.path.exists("/proc/self/numa_maps"):
            self.skipTest("the kernel is built without NUMA")
        self.config["linux"]["memoryPolicy"] = {"mode": "MPOL_BIND", "nodes": "0"}
        self.assertIn("bind:0", self.says("cat /proc/self/numa_maps"))

    def test_a_mode_is_needed_and_known(self):
        for policy in ({"nodes": "0"}, {"mode": "MPOL_NOSUCH"}, {"mode": "MPOL_BIND"}, {"mode": "MPOL_DEFAULT", "nodes": "0"},
                       {"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_NOSUCH"]}, {"mode": "MPOL_BIND", "nodes": "x"}):
            with self.subTest(policy=policy):
                self.config["linux"]["memoryPolicy"] = policy
                self.assert_refused()


class LabelTest(RuntimeTest):
    def test_a_label_that_the_kernel_does_not_have_is_an_error(self):
        if not os.path.exists("/sys/module/apparmor/parameters/enabled"):
            self.config["process"]["apparmorProfile"] = "no-such-profile"
            self.assert_refused()
            del self.config["process"]["apparmorProfile"]
        if not os.path.exists("/sys/fs/selinux/enforce"):
            self.config["process"]["selinuxLabel"] = "system_u:system_r:container_t:s0"
            self.assert_refused()
        self.assertIn(PLACE, ("root", "user", "v1"))
