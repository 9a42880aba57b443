"""runtime.md: state, and the operations create, start, kill and delete; bundle.md."""

import json
import os
import re
import shutil
import signal
import subprocess

from runtime_test import RuntimeTest, wait_until


class StateTest(RuntimeTest):
    def check_schema(self, state):
        """schema/state-schema.json: these properties with these types; others may be there."""
        for key in ("ociVersion", "id", "status", "bundle"):
            self.assertIsInstance(state[key], str, state)
        self.assertRegex(state["ociVersion"], r"^\d+\.\d+\.\d+")
        self.assertIn(state["status"], ("creating", "created", "running", "stopped"))
        if state["status"] in ("created", "running"):
            self.assertIsInstance(state["pid"], int)
        self.assertGreaterEqual(state.get("pid", 0), 0)
        annotations = state.get("annotations") or {}
        self.assertTrue(all(isinstance(text, str) for pair in annotations.items() for text in pair), annotations)

    def test_every_status_has_a_state_that_fits_the_schema(self):
        self.config["annotations"] = {"org.example.key": "value", "other": ""}
        self.create("read line < /tmp/never || sleep 1000")
        seen = [self.state()]
        self.start()
        seen.append(self.state())
        self.runtime_apart("kill", self.name, "KILL")
        self.wait_exit(seen[0]["pid"])
        seen.append(self.state())
        self.assertEqual([state["status"] for state in seen], ["created", "running", "stopped"])
        for state in seen:
            self.check_schema(state)
            self.assertEqual(state["id"], self.name)
            self.assertEqual(os.path.realpath(state["bundle"]), str(self.bundle))
            self.assertTrue(state["bundle"].startswith("/"))
            self.assertEqual(state["annotations"], {"org.example.key": "value", "other": ""})
        self.assertEqual(seen[0]["pid"], seen[1]["pid"])

    def test_the_version_in_the_state_is_one_that_exists(self):
        self.create("true")
        major, minor, _ = self.state()["ociVersion"].split(".", 2)
        self.assertEqual((major, minor.isdigit()), ("1", True))

    def test_the_pid_is_that_of_the_container_process(self):
        pid = self.running("echo $$; sleep 1000")
        wait_until(lambda: self.output() == "1\n", "the container wrote its pid")
        inner = [line.split() for line in open(f"/proc/{pid}/status") if line.startswith("NSpid:")][0]
        self.assertEqual(inner[1:], [str(pid), "1"])

    def test_a_bundle_given_by_a_relative_path_is_absolute_in_the_state(self):
        self.write()
        self.runtime("create", "--bundle", "bundle", self.name)
        self.assertEqual(os.path.realpath(self.state()["bundle"]), str(self.bundle))
        self.assertTrue(self.state()["bundle"].startswith("/"))

    def test_the_state_of_nobody_and_of_no_name_is_an_error(self):
        self.assert_error(self.runtime("state", check=False))
        self.assert_error(self.runtime("state", self.name, check=False))
        self.create("true")
        self.assert_error(self.runtime_apart("state", self.name + "x", check=False))

    def test_list_knows_every_container_of_its_root(self):
        self.create("true")
        listed = self.runtime_apart("list", "--format", "json").json()
        self.assertEqual([(one["id"], one["status"]) for one in listed], [(self.name, "created")])

    def test_all_operations_work_on_a_container_of_this_runtime(self):
        self.create("sleep 1000")
        self.state()
        self.start()
        self.runtime_apart("kill", self.name, "KILL")
        wait_until(lambda: self.state()["status"] == "stopped", "it has stopped")
        self.runtime_apart("delete", self.name)
        self.assert_nothing_left()


class CreateTest(RuntimeTest):
    def test_create_needs_an_id_and_a_bundle(self):
        self.write()
        self.assert_error(self.runtime("create", "--bundle", self.bundle, check=False))
        self.assert_error(self.runtime("create", "--bundle", self.dir / "absent", self.name, check=False))
        (self.dir / "empty").mkdir()
        self.assert_error(self.runtime("create", "--bundle", self.dir / "empty", self.name, check=False))
        self.assert_nothing_left()

    def test_the_current_directory_is_the_bundle_when_none_is_named(self):
        self.config["process"]["args"] = ["true"]
        self.write()
        subprocess.run(self.command("create", self.name), cwd=self.bundle, check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.assertEqual(self.state()["status"], "created")

    def test_config_json_is_looked_for_in_the_root_of_the_bundle_under_that_name(self):
        self.write()
        os.rename(self.bundle / "config.json", self.bundle / "Config.json")
        self.assert_error(self.runtime("create", "--bundle", self.bundle, self.name, check=False))
        (self.bundle / "rootfs/config.json").write_text((self.bundle / "Config.json").read_text())
        self.assert_error(self.runtime("create", "--bundle", self.bundle, self.name, check=False))
        self.assert_nothing_left()

    def test_a_bundle_works_wherever_it_is_moved(self):
        self.write()
        (self.dir / "deeper").mkdir()
        moved = shutil.move(self.bundle, self.dir / "deeper/other")
        self.assertEqual(self.runtime("run", "--bundle", moved, self.name).status, 0)

    def test_an_id_that_is_taken_is_refused_and_its_owner_unharmed(self):
        pid = self.running()
        before = self.state()
        self.assert_error(self.runtime_apart("create", "--bundle", self.bundle, self.name, check=False))
        self.assert_error(self.runtime_apart("run", "--bundle", self.bundle, self.name, check=False))
        self.assertEqual(self.state(), before)
        os.kill(pid, 0)

    def test_ids_that_are_no_file_names_are_refused(self):
        self.write()
        for name in ("", ".", "..", "../x", "a/b", "/x", "a b", "a\nb", "ä", "a\\b", "$(x)", "x" * 2000):
            with self.subTest(name=name):
                self.assert_error(self.runtime("create", "--bundle", self.bundle, name, check=False))
                self.assertFalse((self.dir / "x").exists())
        self.assert_nothing_left()

    def test_ids_may_have_letters_digits_and_a_few_signs(self):
        self.write()
        for name in ("a", "A-b_c+d.e", "0", "x" * 60):
            with self.subTest(name=name):
                self.runtime("create", "--bundle", self.bundle, name)
                self.runtime("delete", "--force", name)

    def test_create_does_not_run_the_program_and_start_does(self):
        shared = self.shared_folder()
        self.create("touch /shared/ran")
        pid = self.pid()
        self.assertEqual(self.state()["status"], "created")
        self.assertFalse((shared / "ran").exists())
        self.start()
        self.assertEqual(self.wait_exit(pid), 0)
        self.assertTrue((shared / "ran").exists())

    def test_the_environment_exists_before_start(self):
        self.config["hostname"] = "before-start"
        (self.bundle / "rootfs/mounted").mkdir()
        self.add_mount("/mounted", "tmpfs", "tmpfs")
        self.create("true")
        pid = self.pid()
        own = {name: os.readlink(f"/proc/self/ns/{name}") for name in ("pid", "mnt", "net", "uts", "ipc")}
        for name, link in own.items():
            theirs = subprocess.run(["readlink", f"/proc/{pid}/ns/{'pid_for_children' if name == 'pid' else name}"],
                                    stdout=subprocess.PIPE, text=True).stdout.strip()
            self.assertTrue(theirs, f"{name} namespace of a created container cannot be opened by its creator")
            self.assertNotEqual(theirs, link, name)
        targets = [line.split()[4] for line in open(f"/proc/{pid}/mountinfo")]
        self.assertTrue(any(target.endswith("/mounted") for target in targets), targets)

    def test_config_json_may_change_or_go_after_create(self):
        shared = self.shared_folder()
        self.create("echo first > /shared/said; sleep 1000")
        self.config["process"]["args"] = ["sh", "-c", "echo second > /shared/said"]
        self.config["process"]["cwd"] = "/absent"
        self.write()
        self.start()
        wait_until(lambda: (shared / "said").exists() and (shared / "said").read_text(), "the program spoke")
        self.assertEqual((shared / "said").read_text(), "first\n")
        os.unlink(self.bundle / "config.json")
        self.assertEqual(self.state()["status"], "running")
        self.assertEqual(self.exec("echo still").stdout, "still\n")
        self.runtime_apart("delete", "--force", self.name)
        self.assert_nothing_left()

    def test_what_cannot_be_applied_is_an_error_and_leaves_nothing(self):
        for change in ({"destination": "/x", "type": "no-such-fs", "source": "x"},
                       {"destination": "/x", "type": "none", "source": "/absent/source", "options": ["bind"]}):
            with self.subTest(change=change):
                config = self.config
                self.config = self.modified(["mounts"], [*config["mounts"], change])
                self.assert_refused()
                self.config = config

    def test_the_pid_file_names_the_process_as_we_see_it(self):
        self.create("true", words=["--pid-file", self.dir / "pid"])
        self.assertEqual((self.dir / "pid").read_text(), str(self.pid()))


class StartTest(RuntimeTest):
    def test_start_needs_an_id(self):
        self.assert_error(self.runtime("start", check=False))
        self.assert_error(self.runtime("start", self.name, check=False))

    def test_only_a_created_container_can_be_started(self):
        shared = self.shared_folder()
        self.create("echo x >> /shared/runs; sleep 1000")
        self.start()
        pid = self.pid()
        wait_until(lambda: (shared / "runs").exists(), "the program runs")
        self.assert_error(self.start(check=False))
        self.assertEqual(self.state()["status"], "running")
        self.runtime_apart("kill", self.name, "KILL")
        self.wait_exit(pid)
        self.assert_error(self.start(check=False))
        self.assertEqual(self.state()["status"], "stopped")
        self.assertEqual((shared / "runs").read_text(), "x\n")

    def test_without_a_process_create_works_and_start_does_not(self):
        del self.config["process"]
        self.write()
        created = self.runtime("create", "--bundle", self.bundle, self.name, check=False)
        if created.status != 0:  # "process" is required when start is called; to be told earlier is fine
            self.assert_error(created)
            self.assert_nothing_left()
        else:
            self.assert_error(self.start(check=False))

    def test_the_program_runs_as_process_says(self):
        self.create("/bin/sh", "-c", "echo $0 $# $1 $HOME; exit 7", "zero", "one two")
        pid = self.pid()
        self.start()
        self.assertEqual(self.wait_exit(pid), 7)
        self.assertEqual(self.output(), "zero 1 one two /\n")

    def test_a_program_that_is_not_there_is_an_error(self):
        self.config["process"]["args"] = ["/absent"]
        self.write()
        result = self.runtime("create", "--bundle", self.bundle, self.name, check=False)
        if result.status == 0:
            result = self.start(check=False)
        self.assert_error(result)

    def test_what_has_stopped_is_told_apart_from_what_runs(self):
        self.create("true")
        pid = self.pid()
        self.start()
        self.wait_exit(pid)
        self.assertEqual(self.state()["status"], "stopped")


class KillTest(RuntimeTest):
    def test_kill_needs_an_id(self):
        self.assert_error(self.runtime("kill", check=False))
        self.assert_error(self.runtime("kill", self.name, "KILL", check=False))

    def test_the_signal_arrives_by_name_short_name_or_number(self):
        shared = self.shared_folder()
        self.running("for s in USR1 USR2 HUP INT; do trap \"echo $s >> /shared/got\" $s; done; echo ready > /shared/got;"
                     " while :; do sleep 0.01; done")
        got = shared / "got"
        wait_until(lambda: got.exists() and got.read_text() == "ready\n", "traps are set")
        expected = "ready\n"
        for word, name in (("SIGUSR1", "USR1"), ("USR2", "USR2"), (str(int(signal.SIGHUP)), "HUP"), ("int", "INT")):
            expected += name + "\n"
            self.runtime_apart("kill", self.name, word)
            wait_until(lambda: got.read_text() == expected, f"{word} arrived")

    def test_the_default_signal_ends_a_process_that_listens(self):
        pid = self.running("trap 'exit 9' TERM; while :; do sleep 0.01; done")
        wait_until(lambda: re.search(r"SigCgt:\s+0*[1-9a-f]", open(f"/proc/{pid}/status").read()), "the trap is set")
        self.runtime_apart("kill", self.name)
        self.assertEqual(self.wait_exit(pid), 9)

    def test_a_created_container_can_be_killed(self):
        self.create("true")
        pid = self.pid()
        self.runtime_apart("kill", self.name, "KILL")
        self.assertEqual(self.wait_exit(pid), 128 + signal.SIGKILL)
        self.assertEqual(self.state()["status"], "stopped")

    def test_a_stopped_container_cannot_be_killed(self):
        self.create("true")
        pid = self.pid()
        self.start()
        self.wait_exit(pid)
        before = self.state()
        self.assert_error(self.runtime_apart("kill", self.name, "KILL", check=False))
        self.assertEqual(self.state(), before)

    def test_a_word_that_is_no_signal_is_refused(self):
        pid = self.running()
        for word in ("NOSUCH", "-1", "0x9", "999", ""):
            with self.subTest(word=word):
                self.assertNotEqual(self.runtime_apart("kill", self.name, word, check=False).status, 0)
        os.kill(pid, 0)

    def test_all_processes_can_be_killed(self):
        self.running("sleep 1000 & sleep 1001")
        pid = self.pid()
        self.runtime_apart("kill", "--all", self.name, "KILL")
        self.assertEqual(self.wait_exit(pid), 128 + signal.SIGKILL)


class DeleteTest(RuntimeTest):
    def test_delete_needs_an_id(self):
        self.assert_error(self.runtime("delete", check=False))
        self.assert_error(self.runtime("delete", self.name, check=False))

    def test_a_running_container_is_not_deleted(self):
        pid = self.running()
        self.assert_error(self.runtime_apart("delete", self.name, check=False))
        os.kill(pid, 0)
        self.assertEqual(self.state()["status"], "running")

    def test_a_created_container_is_not_deleted(self):
        self.create("true")
        pid = self.pid()
        self.assert_error(self.runtime_apart("delete", self.name, check=False))
        os.kill(pid, 0)
        self.assertEqual(self.state()["status"], "created")

    def test_force_ends_whatever_runs(self):
        pid = self.running("trap '' TERM; sleep 1000 & sleep 1001")
        self.runtime_apart("delete", "--force", self.name)
        self.assertEqual(self.wait_exit(pid), 128 + signal.SIGKILL)
        self.assert_nothing_left()

    def test_force_of_what_is_not_there_is_no_error(self):
        self.assertEqual(self.runtime("delete", "--force", self.name).status, 0)

    def test_what_create_made_is_gone_and_what_was_there_is_not(self):
        shared = self.shared_folder()
        (shared / "kept").write_text("kept")
        mounts = open("/proc/self/mountinfo").read()
        self.create("echo written > /shared/written; echo > /in-rootfs")
        pid = self.pid()
        self.start()
        self.wait_exit(pid)
        self.runtime_apart("delete", self.name)
        self.assert_nothing_left()
        self.assertEqual(open("/proc/self/mountinfo").read(), mounts)
        self.assertEqual((shared / "kept").read_text(), "kept")
        self.assertTrue((shared / "written").exists())
        self.assertTrue((self.bundle / "rootfs/in-rootfs").exists())
        self.assertTrue((self.bundle / "config.json").exists())

    def test_an_id_can_be_used_again(self):
        for _ in range(2):
            self.assertEqual(self.run_container("true").status, 0)

    def test_after_an_attached_run_nothing_is_left(self):
        self.assertEqual(self.run_container("exit 3", check=False).status, 3)
        self.assert_nothing_left()


class TwoRootsTest(RuntimeTest):
    def test_the_same_id_in_two_roots_is_two_containers(self):
        pid = self.running()
        self.state_root, first = self.dir / "state2", self.state_root
        self.config["linux"]["cgroupsPath"] = f"{self.name}-second"
        other = self.make_bundle("bundle2")
        self.write(other)
        self.runtime("create", "--bundle", other, self.name)
        self.assertNotEqual(self.pid(), pid)
        self.runtime_apart("delete", "--force", self.name)
        self.state_root = first
        self.assertEqual(json.loads(self.runtime_apart("state", self.name).stdout)["pid"], pid)
