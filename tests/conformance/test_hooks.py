"""config.md "POSIX-platform Hooks" and runtime.md "Lifecycle": when hooks run, where, what they read, what failure means."""

import json
import os
import time

from runtime_test import RuntimeTest, wait_until

RUNTIME_SIDE = ("prestart", "createRuntime", "poststart", "poststop")
POINTS = ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")
OF_CREATE, OF_START, OF_DELETE = POINTS[:3], POINTS[3:5], POINTS[5:]

# One JSON line per call: name, the state read, the namespaces, whether the host's files are seen, whether the user's
# program has run. {log} is a path of the host for hooks that see the host, /shared/log for startContainer.
SCRIPT = """state=$(cat)
pid=$(printf '%s' "$state" | tr -d ' \\n' | sed 's/.*"pid"://; s/[^0-9].*//')
printf '{{"name": "%s", "state": %s, "mnt": "%s", "net": "%s", "uts": "%s", "container_net": "%s", "host": "%s",' \\
  "{name}" "$(printf '%s' "$state" | tr -d '\\n')" "$(readlink /proc/self/ns/mnt)" "$(readlink /proc/self/ns/net)" \\
  "$(readlink /proc/self/ns/uts)" "$(readlink /proc/$pid/ns/net)" "$(test -e {host} && echo yes)" >> {log}
printf '"ran": "%s", "arg": "%s", "env": "%s"}}\\n' "$(test -e {ran} && echo yes)" "$0" "$(env | grep -c ^EXTRA=)" >> {log}
{end}
"""


class HookTest(RuntimeTest):
    def setUp(self):
        super().setUp()
        self.shared = self.shared_folder()
        self.log = self.shared / "log"
        self.config["process"]["args"] = ["sh", "-c", "echo > /shared/ran; sleep 1000"]
        self.config["hooks"] = {}

    def hook(self, point, name=None, end="true", **more):
        inside = point == "startContainer"
        folder = "/shared" if inside else self.shared
        script = SCRIPT.format(name=name or point, log=f"{folder}/log", ran=f"{folder}/ran",
                               host=self.bundle / "config.json", end=end)
        hook = {"path": "/bin/sh", "args": ["sh", "-c", script, "argument zero"], **more}
        hook.setdefault("env", ["PATH=/bin:/usr/bin", "EXTRA=1"])
        self.config["hooks"].setdefault(point, []).append(hook)

    def calls(self):
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def names(self):
        return [call["name"] for call in self.calls()]

    def live(self):
        """create, start, kill and delete; what had been called after create, start and delete."""
        self.create()
        pid = self.pid()
        seen = [self.names()]
        self.start()
        wait_until((self.shared / "ran").exists, "the program has run")
        seen.append(self.names())
        self.runtime_apart("kill", self.name, "KILL")
        self.wait_exit(pid)
        self.runtime_apart("delete", self.name)
        seen.append(self.names())
        return seen


class OrderTest(HookTest):
    def test_all_points_in_their_order_and_their_operation(self):
        for point in reversed(POINTS):
            self.hook(point, point + " 1")
            self.hook(point, point + " 2")
        after_create, after_start, after_delete = self.live()

        def both(points):
            return [f"{point} {number}" for point in points for number in (1, 2)]
        self.assertEqual(after_create, both(OF_CREATE))
        self.assertEqual(after_start, both(OF_CREATE + OF_START))
        self.assertEqual(after_delete, both(POINTS))

    def test_run_calls_them_all(self):
        for point in POINTS:
            self.hook(point)
        self.run_container("true")
        self.assertEqual(self.names(), list(POINTS))

    def test_only_poststart_and_poststop_come_after_the_program(self):
        for point in POINTS:
            self.hook(point, end="sleep 0.05" if point == "poststart" else "true")
        self.live()
        ran = {call["name"]: call["ran"] for call in self.calls()}
        for point in POINTS[:4]:
            self.assertEqual(ran[point], "", point)
        self.assertEqual(ran["poststop"], "yes")

    def test_poststart_comes_after_the_program_was_executed(self):
        self.config["hooks"]["poststart"] = [{"path": "/bin/sh", "env": ["PATH=/bin:/usr/bin"], "args": [
            "sh", "-c", f"i=0; while [ ! -e {self.shared}/ran ] && [ $i -lt 500 ]; do sleep 0.01; i=$((i+1)); done;"
                        f" ls {self.shared} > {self.log}"]}]
        self.create()
        self.start()
        self.assertIn("ran", self.log.read_text().split())  # and before start returned

    def test_poststop_comes_before_delete_returns_and_the_container_is_gone(self):
        state_root = self.state_root
        self.hook("poststop", end=f"ls {state_root} > {self.shared}/states; ls -d /proc/$pid > {self.shared}/process; sleep 0.05;"
                                  f" echo > {self.shared}/late")
        self.live()
        self.assertTrue((self.shared / "late").exists())
        self.assertEqual((self.shared / "process").read_text(), "")


class WhereTest(HookTest):
    def test_runtime_hooks_run_in_the_runtime_namespaces(self):
        for point in RUNTIME_SIDE:
            self.hook(point)
        self.live()
        for call in self.calls():
            for kind in ("mnt", "net", "uts"):
                self.assertEqual(call[kind], os.readlink(f"/proc/self/ns/{kind}"), call)
            self.assertEqual(call["host"], "yes", call)

    def test_create_container_runs_in_the_container_namespaces_before_pivot_root(self):
        self.hook("createContainer")
        self.live()
        call, = self.calls()
        for kind in ("mnt", "net", "uts"):
            self.assertNotEqual(call[kind], os.readlink(f"/proc/self/ns/{kind}"), call)
        self.assertEqual(call["host"], "yes", "paths of the host are seen")

    def test_create_container_sees_the_mounts_of_the_container(self):
        self.add_mount("/extra", "tmpfs", "tmpfs")
        self.config["hooks"]["createContainer"] = [{
            "path": "/bin/sh", "args": ["sh", "-c", f"cat > /dev/null; cat /proc/self/mountinfo > {self.log}"],
            "env": ["PATH=/bin:/usr/bin"]}]
        self.create()
        self.assertIn("/extra ", self.log.read_text())

    def test_start_container_runs_inside(self):
        self.hook("startContainer")
        self.live()
        call, = self.calls()
        for kind in ("mnt", "net", "uts"):
            self.assertNotEqual(call[kind], os.readlink(f"/proc/self/ns/{kind}"), call)
        self.assertEqual(call["host"], "", "the host's files are not there")

    def test_start_container_takes_its_program_from_the_container(self):
        # /bin/busybox is a program of the bundle, under a name that the host does not have.
        (self.bundle / "rootfs/only-inside").symlink_to("bin/busybox")
        self.config["hooks"]["startContainer"] = [{"path": "/only-inside", "args": ["touch", "/shared/log"]}]
        self.create()
        self.assertFalse(self.log.exists())
        self.start()
        self.assertTrue(self.log.exists())

    def test_the_others_take_their_program_from_the_host(self):
        program = self.dir / "only-outside"
        called = self.shared / "called"
        program.write_text(f"#!/bin/sh\ncat > /dev/null; echo $1 >> {called}\n")
        program.chmod(0o755)
        for point in (*RUNTIME_SIDE, "createContainer"):
            self.config["hooks"][point] = [{"path": str(program), "args": ["only-outside", point]}]
        self.live()
        self.assertEqual(called.read_text().split(), ["prestart", "createRuntime", "createContainer", "poststart",
                                                      "poststop"])

    def test_the_namespaces_exist_when_the_first_hooks_run(self):
        self.hook("prestart")
        self.hook("createRuntime")
        self.live()
        for call in self.calls():
            self.assertTrue(call["container_net"], f"the network namespace cannot be opened: {call}")
            self.assertNotEqual(call["container_net"], call["net"])


class WhatTest(HookTest):
    def test_the_state_comes_over_standard_input(self):
        self.config["annotations"] = {"org.example": "text"}
        for point in POINTS:
            self.hook(point)
        self.create()
        pid = self.pid()
        self.start()
        self.runtime_apart("kill", self.name, "KILL")
        self.wait_exit(pid)
        self.runtime_apart("delete", self.name)
        for call in self.calls():
            state = call["state"]
            self.assertRegex(state["ociVersion"], r"^1\.\d+\.")
            self.assertEqual(state["id"], self.name)
            self.assertEqual(os.path.realpath(state["bundle"]), str(self.bundle))
            self.assertEqual(state["annotations"], {"org.example": "text"})
            if call["name"] in RUNTIME_SIDE[:3]:
                self.assertEqual(state["pid"], pid, call)

    def test_the_status_fits_the_moment(self):
        for point in POINTS:
            self.hook(point)
        self.live()
        status = {call["name"]: call["state"]["status"] for call in self.calls()}
        self.assertEqual(status, {"prestart": "creating", "createRuntime": "creating", "createContainer": "creating",
                                  "startContainer": "created", "poststart": "running", "poststop": "stopped"})

    def test_arguments_and_environment_are_as_configured(self):
        for point in POINTS:
            self.hook(point)
        self.live()
        for call in self.calls():
            self.assertEqual((call["arg"], call["env"]), ("argument zero", "1"), call)

    def test_a_hook_that_does_not_read_its_input_is_fine(self):
        for point in POINTS:
            self.config["hooks"][point] = [{"path": "/bin/true" if point != "startContainer" else "/bin/true"}]
        self.config["annotations"] = {"big": "x" * 200_000}
        self.assertEqual(self.run_container("true").status, 0)


class FailureTest(HookTest):
    def check_failing(self, point, operation):
        self.hook(point, end="exit 3")
        self.hook(point, "later")
        self.hook("poststop", "poststop")
        result = self.create(check=False)
        if operation == "start":
            self.assertEqual(result.status, 0, result)
            pid = self.pid()
            result = self.start(check=False)
            wait_until(lambda: not os.path.exists(f"/proc/{pid}/root/") or "Z" in open(f"/proc/{pid}/stat").read().split(),
                       "the container's process has ended")
        self.assert_error(result)
        self.assertNotIn("later", self.names())
        if point != "poststart":
            self.assertFalse((self.shared / "ran").exists(), "the program ran")
        return result

    def test_failing_hooks_of_create_are_errors_and_nothing_is_left(self):
        for point in OF_CREATE:
            with self.subTest(point=point):
                self.config["hooks"] = {}
                self.log.unlink(missing_ok=True)
                self.check_failing(point, "create")
                self.assert_nothing_left()

    def test_failing_hooks_of_create_lead_to_poststop(self):
        for point in OF_CREATE:
            with self.subTest(point=point):
                self.config["hooks"] = {}
                self.log.unlink(missing_ok=True)
                self.check_failing(point, "create")
                self.assertEqual(self.names(), [point, "poststop"])

    def test_a_failing_start_container_hook_is_an_error_and_the_container_stops(self):
        self.check_failing("startContainer", "start")

    def test_a_failing_start_container_hook_leads_to_the_end_of_the_container(self):
        self.check_failing("startContainer", "start")
        self.runtime_apart("delete", "--force", self.name)
        self.assertEqual(self.names(), ["startContainer", "poststop"])
        self.assert_nothing_left()

    def test_a_failing_poststart_hook_is_an_error_and_the_container_stops(self):
        self.check_failing("poststart", "start")

    def test_a_failing_poststop_hook_is_a_warning_only(self):
        self.hook("poststop", "first", end="exit 3")
        self.hook("poststop", "second")
        self.create("true")
        pid = self.pid()
        self.start()
        self.wait_exit(pid)
        result = self.runtime_apart("delete", self.name)
        self.assertEqual(self.names(), ["first", "second"])
        self.assertTrue(result.stderr.strip(), "no warning")
        self.assert_nothing_left()

    def test_a_hook_that_takes_too_long_is_ended(self):
        self.config["hooks"]["createRuntime"] = [{"path": "/bin/sleep", "args": ["sleep", "1000"], "timeout": 1}]
        begin = time.monotonic()
        result = self.assert_refused()
        self.assertLess(time.monotonic() - begin, 10, result)

    def test_a_program_that_is_not_there_is_an_error(self):
        self.config["hooks"]["createRuntime"] = [{"path": "/absent/hook"}]
        self.assert_refused()

    def test_a_path_that_is_relative_is_an_error(self):
        for point in OF_CREATE:
            with self.subTest(point=point):
                self.config["hooks"] = {point: [{"path": "bin/true"}]}
                self.assert_refused()

    def test_a_hook_without_a_path_is_an_error(self):
        self.config["hooks"] = {"createRuntime": [{"args": ["x"]}]}
        self.assert_refused()

    def test_a_timeout_that_is_not_positive_is_an_error(self):
        for timeout in (0, -1):
            with self.subTest(timeout=timeout):
                self.config["hooks"] = {"createRuntime": [{"path": "/bin/true", "timeout": timeout}]}
                self.assert_refused()
