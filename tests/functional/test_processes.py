"""What runs in a container, and running it again: top and restart."""

import os

from engine_test import BUSYBOX, EngineTest, wait_until

# Ends with 0 at SIGTERM; process 1 hears only signals that it handles.
PATIENT = "trap 'exit 0' TERM; echo up; while :; do read -t 1 line < /dev/zero; done"


class ContainerTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()

    def run_detached(self, name, *words, options=()):
        return self.engine("run", "-d", "--network", "none", "--name", name, *options, BUSYBOX, *words).stdout.strip()

    def rows(self, *words):
        lines = self.engine("top", *words).stdout.splitlines()
        return lines[0].split(), [line.split() for line in lines[1:]]


class TopTest(ContainerTest):
    def test_the_usual_columns(self):
        self.run_detached("web", "/guest", "wait")
        headings, rows = self.rows("web")
        self.assertEqual(headings, ["USER", "PID", "PPID", "%CPU", "ELAPSED", "TTY", "TIME", "COMMAND"])
        self.assertEqual(len(rows), 1)
        user, pid, parent, share, elapsed, terminal, spent, *command = rows[0]
        self.assertEqual((user, pid, parent, terminal, command), ("root", "1", "0", "?", ["/guest", "wait"]))
        self.assertRegex(share, r"^\d+\.\d{3}$")
        self.assertRegex(elapsed, r"^\d[\d.hm]*(ns|µs|ms|s)$")
        self.assertRegex(spent, r"^\d+s$")

    def test_processes_of_exec_are_there_too(self):
        self.run_detached("web", "/guest", "wait")
        self.start_engine("exec", "web", "/guest", "wait")

        def both():
            rows = self.rows("web", "pid,ppid")[1]
            return rows if len(rows) == 2 else None
        found = wait_until(both, "both processes are shown")
        self.assertEqual(found[0], ["1", "0"])
        self.assertEqual(found[1][1], "0", "its parent is outside")

    def test_ids_inside_and_on_the_host(self):
        self.run_detached("web", "/guest", "wait", options=("--user", "1"))
        headings, rows = self.rows("web", "pid", "hpid", "user,huser", "rgroup")
        self.assertEqual(headings, ["PID", "HPID", "USER", "HUSER", "RGROUP"])
        host_pid = self.running_pid("web")
        self.assertEqual(rows[0][:2], ["1", str(host_pid)])
        self.assertEqual(rows[0][2], self.engine("exec", "web", "id", "-un").stdout.strip())
        with open(f"/proc/{host_pid}/status") as status:
            uid = next(line.split()[1] for line in status if line.startswith("Uid:"))
        self.assertIn(rows[0][3], (uid, self.host_name(uid)))

    def host_name(self, uid):
        with open("/etc/passwd") as accounts:
            return next((line.split(":")[0] for line in accounts if line.split(":")[2] == uid), uid)

    def test_capabilities_and_seccomp(self):
        self.run_detached("web", "/guest", "wait", options=("--cap-drop", "all", "--cap-add", "kill"))
        _, rows = self.rows("web", "capeff", "capinh", "seccomp", "state")
        self.assertEqual(rows[0][:3], ["KILL", "none", "filter"])
        self.assertIn(rows[0][3], "RSD")

    def test_a_hostile_name_of_a_process_stays_one_cell(self):
        self.run_detached("web", "sh", "-c", r"""exec -a "$(printf 'a)\033[2J b\nc')" /guest wait""")
        wait_until(lambda: "[2J" in self.engine("top", "web", "args").stdout, "it runs under that name")
        text = self.engine("top", "web", "pid", "args").stdout
        self.assertEqual(len(text.splitlines()), 2, text)
        self.assertNotIn("\033", text)

    def test_words_for_ps_go_to_the_containers_ps(self):
        self.run_detached("web", "/guest", "wait")
        text = self.engine("top", "web", "-o", "pid,args").stdout
        self.assertIn("/guest wait", text)
        self.assertIn("ps -o pid,args", text)

    def test_the_newest_container(self):
        self.run_detached("web", "/guest", "wait")
        self.assertEqual(self.rows("--latest", "pid", "comm"), (["PID", "COMMAND"], [["1", "guest"]]))

    def test_what_does_not_run_has_no_processes(self):
        self.engine("create", "--name", "idle", "--network", "none", BUSYBOX, "true")
        self.assert_fails(self.engine("top", "idle", check=False), 125, "idle", "not running")
        self.assert_fails(self.engine("top", "nobody", check=False), 125, "nobody")
        self.assert_fails(self.engine("top", check=False), 125, "CONTAINER")


class RestartTest(ContainerTest):
    def test_a_running_container_gets_a_new_process(self):
        self.run_detached("web", "sh", "-c", PATIENT)
        self.wait_for_log("web", "up")
        first = self.running_pid("web")
        self.assertEqual(self.engine("restart", "web").stdout, "web\n")
        second = self.running_pid("web")
        self.assertNotEqual(first, second)
        self.assertFalse(os.path.exists(f"/proc/{first}"))
        self.assertEqual(self.status_of("web"), "running")

    def test_what_does_not_run_is_started(self):
        self.engine("create", "--name", "idle", "--network", "none", BUSYBOX, "/guest", "wait")
        self.engine("restart", "idle")
        self.assertEqual(self.status_of("idle"), "running")

    def test_only_those_that_run(self):
        self.engine("create", "--name", "idle", "--network", "none", BUSYBOX, "true")
        container = self.run_detached("web", "/guest", "wait")
        self.assertEqual(self.engine("restart", "--running").stdout, container + "\n")
        self.assertEqual(self.status_of("idle"), "created")

    def test_a_process_that_ignores_the_signal_is_killed_in_time(self):
        self.run_detached("deaf", "sleep", "1000000")
        first = self.running_pid("deaf")
        self.engine("restart", "-t", "0", "deaf")
        self.assertNotEqual(self.running_pid("deaf"), first)

    def test_with_rm_nothing_is_stopped(self):
        self.run_detached("once", "/guest", "wait", options=("--rm",))
        first = self.running_pid("once")
        self.assert_fails(self.engine("restart", "once", check=False), 125, "--rm")
        self.assertEqual(self.running_pid("once"), first)

    def test_one_that_is_missing_stops_no_other(self):
        self.run_detached("web", "/guest", "wait")
        first = self.running_pid("web")
        result = self.engine("restart", "nobody", "web", check=False)
        self.assertEqual((result.status, result.stdout), (125, "web\n"))
        self.assertIn("nobody", result.stderr)
        self.assertNotEqual(self.running_pid("web"), first)
