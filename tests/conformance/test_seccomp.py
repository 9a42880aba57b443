"""config-linux.md "Seccomp" and "The Container Process State"."""

import array
import errno
import fcntl
import json
import os
import select
import signal
import socket
import struct
import threading

from runtime_test import RuntimeTest

NOTIFICATION, RESPONSE = struct.Struct("=QIIiIQ6Q"), struct.Struct("=QqiI")
RECEIVE, SEND = 0xC0502100, 0xC0182101  # SECCOMP_IOCTL_NOTIF_RECV and _SEND
BAD_SYSTEM_CALL = 128 + signal.SIGSYS
# Signals that the shell ignores, sent to itself: the second argument of kill(2) is a number that a test can choose.
SEND_SOME = "trap '' 1 2 10 12; for s in 1 2 10 12; do kill -$s $$ 2>/dev/null || echo $s; done"


class SeccompTest(RuntimeTest):
    def filter(self, *rules, default="SCMP_ACT_ALLOW", **more):
        self.config["linux"]["seccomp"] = {"defaultAction": default, "syscalls": list(rules), **more}

    def rule(self, action, *names, **more):
        return {"names": list(names) or ["mkdir", "mkdirat"], "action": action, **more}


class ActionTest(SeccompTest):
    def mkdir(self):
        result = self.run_container("mkdir /x; echo $?", check=False)
        return result.status, result.stdout.strip(), result.stderr

    def test_a_filter_is_in_force(self):
        self.filter(self.rule("SCMP_ACT_ERRNO"))
        self.assertEqual(self.report()["status"]["Seccomp"], "2")

    def test_without_seccomp_there_is_no_filter(self):
        self.assertEqual(self.report()["status"]["Seccomp"], "0")

    def test_allow_and_log_let_the_call_through(self):
        for action in ("SCMP_ACT_ALLOW", "SCMP_ACT_LOG"):
            with self.subTest(action=action):
                self.filter(self.rule(action))
                self.assertEqual(self.mkdir()[:2], (0, "0"))
                (self.bundle / "rootfs/x").rmdir()

    def test_errno_is_eperm_or_the_one_that_is_named(self):
        self.filter(self.rule("SCMP_ACT_ERRNO"))
        self.assertIn(os.strerror(errno.EPERM), self.mkdir()[2])
        self.filter(self.rule("SCMP_ACT_ERRNO", errnoRet=errno.EXDEV))
        self.assertIn(os.strerror(errno.EXDEV), self.mkdir()[2])

    def test_the_default_has_its_own_errno(self):
        self.filter(self.rule("SCMP_ACT_ALLOW", *ALL_BUT_MKDIR), default="SCMP_ACT_ERRNO", defaultErrnoRet=errno.EXDEV)
        self.assertIn(os.strerror(errno.EXDEV), self.mkdir()[2])

    def test_the_killing_actions_kill(self):
        for action in ("SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_TRAP"):
            with self.subTest(action=action):
                self.filter(self.rule(action))
                status, stdout, _ = self.mkdir()
                self.assertEqual((status, stdout), (0, str(BAD_SYSTEM_CALL)))

    def test_trace_without_a_tracer_is_not_implemented(self):
        self.filter(self.rule("SCMP_ACT_TRACE"))
        self.assertIn(os.strerror(errno.ENOSYS), self.mkdir()[2])

    def test_calls_that_this_kernel_does_not_know_are_fine(self):
        self.filter(self.rule("SCMP_ACT_ERRNO", "mkdir", "mkdirat", "call_of_the_future"))
        self.assertEqual(self.mkdir()[:2], (0, "1"))

    def test_no_errno_where_there_can_be_none(self):
        for rule, more in ((self.rule("SCMP_ACT_KILL", errnoRet=1), {}), (self.rule("SCMP_ACT_ALLOW", errnoRet=1), {}),
                           (self.rule("SCMP_ACT_ERRNO"), {"defaultErrnoRet": 1})):
            with self.subTest(rule=rule, more=more):
                self.filter(rule, **more)
                self.assert_refused()

    def test_what_is_needed_and_known(self):
        good = self.rule("SCMP_ACT_ERRNO")
        argument = {"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}

        def without(thing, key):
            return {name: value for name, value in thing.items() if name != key}
        for bad in (without(good, "names"), without(good, "action"), {**good, "names": []}, {**good, "action": "SCMP_ACT_NOSUCH"},
                    *({**good, "args": [without(argument, key)]} for key in argument),
                    {**good, "args": [{**argument, "op": "SCMP_CMP_NOSUCH"}]}, {**good, "args": [{**argument, "index": 6}]}):
            with self.subTest(bad=bad):
                self.filter(bad)
                self.assert_refused()
        for bad in ({}, {"defaultAction": ""}, {"defaultAction": "SCMP_ACT_NOSUCH"},
                    {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_NOSUCH"]},
                    {"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_NOSUCH"]}):
            with self.subTest(bad=bad):
                self.config["linux"]["seccomp"] = bad
                self.assert_refused()


class ArgumentTest(SeccompTest):
    def refused(self, **argument):
        """Which of the signals 1, 2, 10 and 12 kill(2) refuses."""
        self.filter(self.rule("SCMP_ACT_ERRNO", "kill", args=[{"index": 1, **argument}]))
        return [int(word) for word in self.says(SEND_SOME).split()]

    def test_every_operator(self):
        for operator, value, expected in (
                ("SCMP_CMP_EQ", 10, [10]), ("SCMP_CMP_NE", 10, [1, 2, 12]), ("SCMP_CMP_LT", 10, [1, 2]),
                ("SCMP_CMP_LE", 10, [1, 2, 10]), ("SCMP_CMP_GT", 2, [10, 12]), ("SCMP_CMP_GE", 2, [2, 10, 12])):
            with self.subTest(operator=operator):
                self.assertEqual(self.refused(op=operator, value=value), expected)
        self.assertEqual(self.refused(op="SCMP_CMP_MASKED_EQ", value=8, valueTwo=8), [10, 12])

    def test_all_arguments_of_a_rule_must_match(self):
        both = [{"index": 1, "op": "SCMP_CMP_GE", "value": 2}, {"index": 1, "op": "SCMP_CMP_LE", "value": 10}]
        self.filter(self.rule("SCMP_ACT_ERRNO", "kill", args=[both[0], {"index": 0, "op": "SCMP_CMP_EQ", "value": 1}]))
        self.assertEqual(self.says(SEND_SOME).split(), ["2", "10", "12"])

    def test_one_of_several_rules_is_enough(self):
        self.filter(*(self.rule("SCMP_ACT_ERRNO", "kill", args=[{"index": 1, "op": "SCMP_CMP_EQ", "value": value}])
                      for value in (1, 12)))
        self.assertEqual(self.says(SEND_SOME).split(), ["1", "12"])


class Agent:
    """A seccomp agent: listens at a path, keeps every connection's messages, and answers calls with an errno."""

    def __init__(self, path, answer=None):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.bind(str(path))
        self.socket.listen()
        self.answer = answer
        self.connections, self.calls, self.descriptors = [], [], []
        self.stop_read, self.stop_write = os.pipe()
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        while True:
            ready, _, _ = select.select([self.socket, self.stop_read, *self.descriptors], [], [])
            if self.stop_read in ready:
                return
            if self.socket in ready:
                self.receive()
            for descriptor in [one for one in self.descriptors if one in ready]:
                self.reply(descriptor)

    def receive(self):
        """All messages of one connection, up to its end: (bytes, number of descriptors)."""
        connection, _ = self.socket.accept()
        messages = []
        with connection:
            connection.settimeout(10)
            while True:
                data, descriptors, _, _ = socket.recv_fds(connection, 1 << 20, 8)
                if not data:
                    break
                messages.append((data, len(descriptors)))
                self.descriptors += descriptors
        self.connections.append(messages)

    def reply(self, descriptor):
        buffer = array.array("B", bytes(NOTIFICATION.size))
        try:
            fcntl.ioctl(descriptor, RECEIVE, buffer)
            number = NOTIFICATION.unpack(buffer)[0]
            fcntl.ioctl(descriptor, SEND, RESPONSE.pack(number, 0, -self.answer, 0))
            self.calls.append(number)
        except OSError:  # the process has ended
            self.descriptors.remove(descriptor)
            os.close(descriptor)

    def end(self):
        os.write(self.stop_write, b"x")
        self.thread.join()
        self.socket.close()
        for descriptor in (self.stop_read, self.stop_write, *self.descriptors):
            os.close(descriptor)


class NotifyTest(SeccompTest):
    def setUp(self):
        super().setUp()
        self.agent = Agent(self.dir / "agent", errno.EXDEV)
        self.addCleanup(self.agent.end)

    def notify(self, **more):
        self.filter(self.rule("SCMP_ACT_NOTIFY"), listenerPath=str(self.dir / "agent"), **more)

    def test_the_agent_gets_state_and_descriptor_and_answers(self):
        self.config["annotations"] = {"org.example": "text"}
        self.notify(listenerMetadata="opaque")
        self.create("mkdir /x; sleep 1000")
        pid = self.pid()
        self.start()
        from runtime_test import wait_until
        wait_until(lambda: self.agent.calls, "the agent answered")
        messages, = self.agent.connections
        self.assertEqual([count for _, count in messages][:1], [1])
        self.assertEqual(sum(count for _, count in messages[1:]), 0)
        state = json.loads(b"".join(data for data, _ in messages))
        self.assertRegex(state["ociVersion"], r"^1\.")
        self.assertEqual((state["fds"], state["metadata"]), (["seccompFd"], "opaque"))
        self.assertEqual(state["pid"], pid)
        self.assertEqual(state["state"]["id"], self.name)
        self.assertEqual(os.path.realpath(state["state"]["bundle"]), str(self.bundle))
        self.assertEqual(state["state"]["annotations"], {"org.example": "text"})

    def test_the_answer_of_the_agent_counts(self):
        self.notify()
        self.assertIn(os.strerror(errno.EXDEV), self.run_container("mkdir /x", check=False).stderr)

    def test_exec_sends_its_own_state_over_its_own_connection(self):
        self.notify()
        self.running()
        self.assertIn(os.strerror(errno.EXDEV), self.exec("mkdir /x", check=False).stderr)
        states = [json.loads(b"".join(data for data, _ in messages)) for messages in self.agent.connections]
        self.assertEqual(len(states), 2)
        self.assertNotEqual(states[0]["pid"], states[1]["pid"])

    def test_the_flag_of_killable_waiting(self):
        self.notify(flags=["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"])
        self.assertIn(os.strerror(errno.EXDEV), self.run_container("mkdir /x", check=False).stderr)

    def test_a_listener_that_is_not_there_is_an_error(self):
        self.filter(self.rule("SCMP_ACT_NOTIFY"), listenerPath=str(self.dir / "absent"))
        self.assert_fails_at_last()

    def test_a_listener_of_another_kind_is_an_error(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
            other.bind(str(self.dir / "datagrams"))
            self.filter(self.rule("SCMP_ACT_NOTIFY"), listenerPath=str(self.dir / "datagrams"))
            self.assert_fails_at_last()

    def test_notify_without_a_listener_is_an_error(self):
        self.filter(self.rule("SCMP_ACT_NOTIFY"))
        self.assert_fails_at_last()

    def test_metadata_without_a_listener_is_an_error(self):
        self.filter(self.rule("SCMP_ACT_ERRNO"), listenerMetadata="opaque")
        self.assert_refused()

    def test_a_listener_without_notify_is_ignored(self):
        self.filter(self.rule("SCMP_ACT_ERRNO"), listenerPath=str(self.dir / "absent"))
        self.assertEqual(self.run_container("true").status, 0)

    def assert_fails_at_last(self):
        """In create or in start: the filter may be installed by either."""
        result = self.create("sleep 1000", check=False)
        if result.status == 0:
            result = self.start(check=False)
        self.assert_error(result)


# What a shell needs to run and complain; mkdir is left out.
ALL_BUT_MKDIR = """access arch_prctl brk capget capset chdir clone clone3 close close_range dup dup2 dup3 execve execveat exit
exit_group faccessat faccessat2 fchdir fcntl fstat fstatfs futex getcwd getdents64 getegid geteuid getgid getgroups getpgrp
getpid getppid getpgid getrandom getrlimit getsid gettid gettimeofday getuid ioctl kill lseek lstat madvise mmap mprotect
munmap nanosleep newfstatat newuname uname open openat openat2 pipe pipe2 poll ppoll prctl pread64 prlimit64 read readlink
readlinkat rseq rt_sigaction rt_sigprocmask rt_sigreturn rt_sigsuspend set_robust_list set_tid_address setgid setgroups
setresgid setresuid setsid setuid setpgid sigaltstack stat statfs statx sysinfo tgkill time umask vfork wait4 waitid write
writev fork setrlimit mremap fchown chown fsetxattr clock_gettime clock_nanosleep sendmsg recvmsg recvfrom sendto epoll_create1
epoll_ctl epoll_pwait epoll_wait eventfd2 seccomp unshare mount pivot_root umount2 sched_getaffinity sched_yield""".split()
