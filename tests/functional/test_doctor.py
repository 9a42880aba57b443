"""doctor and explain, on the host as it is."""

import os

from engine_test import BUSYBOX, EngineTest


class DoctorTest(EngineTest):
    def doctor(self, *words, **options):
        return self.engine("doctor", "--json", *words, check=False, **options).json()

    def found(self, report, name):
        return next(check for check in report["Checks"] if check["Id"] == name)

    def test_every_check_has_an_answer(self):
        report = self.doctor()
        self.assertGreaterEqual(len(report["Checks"]), 40)
        for check in report["Checks"]:
            self.assertIn(check["Status"], ("ok", "note", "warning", "problem"), check)
            self.assertTrue(check["Evidence"], check)
            self.assertNotIn("could not be looked at", check["Evidence"])
        self.assertEqual(self.found(report, "userns")["Status"], "ok")  # else no test here could run a container
        self.assertEqual(self.found(report, "store-owner")["Status"], "ok")

    def test_formats(self):
        shown = self.engine("doctor", "--format", "json", check=False).json()
        self.assertEqual([check["Id"] for check in shown["Checks"]], [check["Id"] for check in self.doctor()["Checks"]])
        self.assert_fails(self.engine("doctor", "--format", "{{.Id}}", check=False), 125, "--format json")

    def test_text_and_exit_code_agree(self):
        report = self.doctor()
        problems = [check for check in report["Checks"] if check["Status"] == "problem"]
        result = self.engine("doctor", check=False)
        self.assertEqual(result.status, 1 if problems else 0)
        good = sum(check["Status"] == "ok" for check in report["Checks"])
        self.assertIn(f"{good} of {len(report['Checks'])} checks are good.", result.stdout)
        self.assertEqual(report["RootScript"] in result.stdout, True)
        self.assertNotIn("\nok: ", result.stdout)
        self.assertIn("ok: ", self.engine("doctor", "--all", check=False).stdout)

    def test_what_is_broken_is_found_and_mended(self):
        folder = self.home / ".config/containers"
        folder.mkdir(parents=True)
        auth = folder / "auth.json"
        auth.write_text('{"auths": {"quay.io": {"auth": "am9lOng="}}}')
        os.chmod(auth, 0o644)
        (folder / "registries.conf").write_text("[[registry]\n")
        report = self.doctor()
        self.assertEqual(self.found(report, "auth-file")["Status"], "warning")
        self.assertEqual(self.found(report, "registries-conf")["Status"], "problem")
        self.assertIn("auth-file", self.doctor("--fix")["Fixed"])
        self.assertEqual(auth.stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.found(self.doctor(), "auth-file")["Status"], "ok")

    def test_a_container(self):
        self.pull_image()
        self.engine("run", "--name", "box", "--network", "none", BUSYBOX, "sh", "-c", "exit 3", check=False)
        report = self.doctor("box")
        self.assertIn("exit code 3", self.found(report, "container-state")["Evidence"])
        source = self.dir / "source"
        source.mkdir()
        self.engine("create", "--name", "bound", "-v", f"{source}:/mnt", BUSYBOX, "true")
        self.assertEqual(self.found(self.doctor("bound"), "container-mounts")["Status"], "ok")
        source.rmdir()
        self.assertIn(str(source), self.found(self.doctor("bound"), "container-mounts")["Evidence"])
        self.assert_fails(self.engine("doctor", "none", check=False), 125, "no container with name or id")


class ExplainTest(EngineTest):
    def explained(self):
        return self.engine("explain", "--format", "json").json()

    def failing(self, *words, status=125):
        result = self.engine(*words, check=False)
        self.assertEqual(result.status, status, result)
        return self.explained()["Id"]

    def test_the_last_failure(self):
        self.assert_fails(self.engine("explain", check=False), 125, "no command has failed")
        self.pull_image()
        self.assertEqual(self.failing("run", "--pull", "never", "localhost/none", "true"), "image-not-known")
        self.assertEqual(self.failing("start", "none"), "no-container")
        self.assertEqual(self.failing("run", "--network", "none", BUSYBOX, "nonesuch", status=127), "command-not-found")
        self.engine("create", "--name", "box", BUSYBOX, "true")
        self.assertEqual(self.failing("create", "--name", "box", BUSYBOX, "true"), "name-in-use")
        self.assertEqual(self.failing("exec", "box", "true"), "container-not-running")
        self.assertEqual(self.failing("rmi", BUSYBOX, status=2), "image-in-use")
        self.assertEqual(self.failing("run", "--rm", "-v", "/nonesuch:/mnt", BUSYBOX, "true"), "no-such-file")
        self.assertEqual(self.failing("pull", "-q", "--tls-verify=false", "127.0.0.1:1/box"), "connection-refused")
        sleeper = self.start_sleeper()
        self.assertEqual(self.failing("rm", sleeper, status=2), "container-running")
        text = self.engine("explain").stdout
        self.assertIn("engine rm failed at ", text)
        self.assertIn("what helps: ", text)

    def test_secrets_of_a_command_line_are_not_kept(self):
        self.pull_image()
        self.engine("run", "-e", "PASSWORD=hunter2", "--pull", "never", "localhost/none", check=False)
        for path in self.runroot.glob("*"):
            if path.is_file():
                self.assertNotIn(b"hunter2", path.read_bytes())

    def test_by_id(self):
        listed = [line.split()[0] for line in self.engine("explain", "--list").stdout.splitlines()[1:]]
        self.assertGreaterEqual(len(listed), 30)
        for name in listed:
            self.assertIn(name + ": ", self.engine("explain", name).stdout)
        self.assert_fails(self.engine("explain", "nonesuch", check=False), 125, "nothing is known")

    def test_a_mount(self):
        shown = self.engine("explain", "mount", self.home).stdout
        self.assertIn("in a container 0:0", shown)
        self.assertIn("nothing is in the way", shown)
        closed = self.home / "closed"
        closed.mkdir(mode=0o000)
        self.addCleanup(os.chmod, closed, 0o700)
        self.assertIn(f"cause: you may not enter {closed}", self.engine("explain", "mount", closed / "below").stdout)
        self.assertIn("cause: it is not there", self.engine("explain", "mount", self.home / "none/below").stdout)
        self.assertIn("which containers of yours do not have", self.engine("explain", "mount", "/etc/passwd").stdout)
        self.assert_fails(self.engine("explain", "mount", "relative", check=False), 125, "not an absolute path")
