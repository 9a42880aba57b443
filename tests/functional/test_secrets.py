"""secret: kept for the user alone, given to containers in memory, and never told to anybody else."""

import os
import signal
import subprocess

from engine_test import BUSYBOX, EngineTest

DATA = "correct horse battery staple"


class SecretsTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()

    def create(self, name="key", data=DATA, *options):
        return self.engine("secret", "create", *options, name, "-", input=data).stdout.strip()

    def run_in(self, *words, check=True):
        return self.engine("run", "--rm", "--network", "none", *words, check=check)

    def test_a_secret_is_created_listed_inspected_and_removed(self):
        id = self.create("key", DATA, "--label", "a=b")
        self.assertRegex(id, r"^[0-9a-f]{25}$")
        self.assertEqual(self.engine("secret", "ls", "--format", "{{.ID}} {{.Name}} {{.Driver}}").stdout,
                         f"{id} key file\n")
        found = self.engine("secret", "inspect", "key").json()
        self.assertEqual(found[0]["Spec"]["Name"], "key")
        self.assertEqual(found[0]["Spec"]["Labels"], {"a": "b"})
        self.assertEqual(sorted(found[0]), ["CreatedAt", "ID", "Spec", "UpdatedAt"])
        shown = self.engine("secret", "inspect", "--showsecret", "--format", "{{.SecretData}}", "key").stdout
        self.assertEqual(shown, DATA + "\n")
        self.engine("secret", "exists", id[:8])
        self.assertEqual(self.engine("secret", "rm", id[:8]).stdout.strip(), id)
        self.assertEqual(self.engine("secret", "exists", "key", check=False).status, 1)
        self.assertEqual(self.engine("secret", "ls", "-q").stdout, "")

    def test_driver_options_are_kept_and_shown(self):
        self.create("key", DATA, "--driver", "file", "--driver-opts", "a=1,b=2")
        driver = self.engine("secret", "inspect", "key").json()[0]["Spec"]["Driver"]
        self.assertEqual((driver["Name"], driver["Options"]["a"], driver["Options"]["b"]), ("file", "1", "2"))
        shown = self.engine("secret", "inspect", "--pretty", "key").stdout
        self.assertRegex(shown, r"(?m)^Name: +key$")
        self.assertRegex(shown, r"(?m)^Driver: +file$")
        self.assertNotIn(DATA, shown)

    def test_several_are_removed(self):
        ids = {self.create(name) for name in ("one", "two", "three")}
        failed = self.engine("secret", "rm", "nope", "one", check=False)
        self.assertEqual(failed.status, 125, failed)
        self.assertEqual(self.engine("secret", "rm", "--ignore", "nope").stdout, "")
        left = set(self.engine("secret", "rm", "--all").stdout.split())
        self.assertTrue(left <= ids and len(left) == 2, left)
        self.assertEqual(self.engine("secret", "ls", "-q").stdout, "")

    def test_names_sizes_sources_and_drivers_are_checked(self):
        for name in ("a b", "a,b", "a=b", "a/b", ".dot", "", "é", "a" * 65, "end-"):
            done = self.engine("secret", "create", name, "-", input=DATA, check=False)
            self.assertEqual(done.status, 125, done)
            self.assertIn("invalid secret name", done.stderr)
        for data in ("", "x" * 512000):
            done = self.engine("secret", "create", "key", "-", input=data, check=False)
            self.assertIn("larger than 0 and less than 512000 bytes", done.stderr)
        self.create("largest", "x" * 511999)
        self.assertIn("/nope", self.engine("secret", "create", "key", "/nope", check=False).stderr)
        self.assertIn("not set", self.engine("secret", "create", "--env", "key", "NOPE", check=False).stderr)
        self.engine("secret", "create", "--env", "key", "MINE", env={"MINE": DATA})
        self.assertEqual(self.engine("secret", "create", "--env", "key", "MINE", env={"MINE": "x"},
                                     check=False).status, 125)
        self.assertIn("file is the only one",
                      self.engine("secret", "create", "-d", "pass", "other", "-", input="x", check=False).stderr)

    def test_replace_keeps_the_id_and_ignore_keeps_the_secret(self):
        id = self.create()
        self.assertEqual(self.create("key", "other", "--ignore"), id)
        self.assertEqual(self.run_in("--secret", "key", BUSYBOX, "cat", "/run/secrets/key").stdout, DATA)
        self.assertEqual(self.create("key", "other", "--replace"), id)
        self.assertEqual(self.run_in("--secret", "key", BUSYBOX, "cat", "/run/secrets/key").stdout, "other")

    def test_a_container_has_it_as_a_file_in_memory(self):
        self.create()
        done = self.run_in("--secret", "key", BUSYBOX, "sh", "-c",
                           "cat /run/secrets/key; stat -c ' %a %u %g' /run/secrets/key; ls /run/secrets")
        self.assertEqual(done.stdout, DATA + " 444 0 0\nkey\n")
        denied = self.run_in("--secret", "key", BUSYBOX, "sh", "-c", "echo x > /run/secrets/key", check=False)
        self.assertNotEqual(denied.status, 0)

    def test_owner_mode_and_target(self):
        self.create()
        done = self.run_in("--secret", "key,uid=5,gid=6,mode=0400,target=sub/bar", BUSYBOX, "stat", "-c", "%a %u %g",
                           "/run/secrets/sub/bar")
        self.assertEqual(done.stdout, "400 5 6\n")
        self.assertEqual(self.run_in("--secret", "source=key,target=/tmp/x/bar", BUSYBOX, "cat", "/tmp/x/bar").stdout,
                         DATA)
        self.assertEqual(self.run_in("--secret", "key,target=../../../etc/x", BUSYBOX, "cat",
                                     "/run/secrets/etc/x").stdout, DATA)
        for word in ("key,bad=1", "key,type=nope", "key,mode=abc", "key,uid=x", "key,type=env,mode=0400", "", "nope"):
            done = self.run_in("--secret", word, BUSYBOX, "true", check=False)
            self.assertEqual(done.status, 125, done)
            self.assertIn("secret", done.stderr)
        self.assert_no_containers()

    def test_as_a_variable_for_run_and_exec_and_nowhere_else(self):
        self.create()
        id = self.engine("run", "-d", "--network", "none", "--secret", "key,type=env,target=PASS", BUSYBOX, "sh", "-c",
                         'echo "$PASS"; sleep 1000').stdout.strip()
        self.wait_for_log(id, DATA)
        self.assertEqual(self.engine("exec", id, "sh", "-c", 'echo "$PASS"').stdout, DATA + "\n")
        self.assertNotIn(DATA, self.engine("inspect", id).stdout)
        self.assertNotIn(DATA, self.engine("events", "--stream=false", check=False).stdout)
        self.assertNotIn(DATA, (self.root / "containers" / id / "config.json").read_text())
        self.assertNotIn(DATA, (self.root / "containers" / id / "record").read_text())

    def test_a_container_keeps_its_copy_and_inspect_tells_the_name(self):
        id = self.create()
        self.engine("create", "--name", "web", "--network", "none", "--secret", "key,uid=3", BUSYBOX, "cat",
                    "/run/secrets/key")
        self.engine("secret", "rm", "key")
        for _ in range(2):
            self.assertEqual(self.engine("start", "-a", "web").stdout, DATA)
        self.assertEqual(self.inspect("web")["Config"]["Secrets"],
                         [{"Name": "key", "ID": id, "UID": 3, "GID": 0, "Mode": 0o444}])
        self.assertEqual(self.inspect("web")["Mounts"], [])
        self.engine("rm", "web")
        self.assertEqual(list((self.runroot / "secrets").iterdir()), [])

    def test_with_keep_id_it_belongs_to_the_containers_root(self):
        self.create()
        done = self.run_in("--userns", "keep-id", "--secret", "key,mode=0440", BUSYBOX, "stat", "-c", "%u %g %a",
                           "/run/secrets/key")
        self.assertEqual(done.stdout, "0 0 440\n")

    def test_files_are_the_users_alone_and_what_is_half_written_goes(self):
        self.create()
        folder = self.root / "secrets"
        for file in folder.iterdir():
            self.assertEqual(file.stat().st_mode & 0o777, 0o600, file)
        (folder / ".other.1234").write_text("left by a killed command")
        self.create("second")
        self.assertEqual(sorted(one.name for one in folder.iterdir() if one.name != ".lock"), ["key", "second"])

    def test_killed_at_any_moment_there_is_all_of_it_or_none(self):
        self.create()
        for i in range(12):
            process = self.start_engine("secret", "create", "--replace", "key", "-", stdin=subprocess.PIPE)
            process.stdin.write(f"new {i}")
            process.stdin.close()
            process.stdin = None
            if i % 3:
                os.kill(process.pid, signal.SIGKILL)
            process.wait()
            shown = self.engine("secret", "inspect", "--showsecret", "key").json()[0]["SecretData"]
            self.assertRegex(shown, rf"^(new \d+|{DATA})$")
        self.assertEqual(self.engine("system", "check").status, 0)

    def test_check_names_a_damaged_one_and_reset_removes_all(self):
        self.create()
        self.create("good")
        (self.root / "secrets" / "key").write_text("{")
        done = self.engine("system", "check", check=False)
        self.assertIn("secret key", done.stdout + done.stderr)
        self.assertEqual(self.engine("secret", "ls", "--format", "{{.Name}}").stdout, "good\n")
        self.engine("system", "reset", "--force")
        self.assertEqual(self.engine("secret", "ls", "-q").stdout, "")
