"""The shortest story: pull from an archive, run, exec, stop, rm. Also run against the sanitizer build."""

from engine_test import BUSYBOX, EngineTest, wait_until


class SmokeTest(EngineTest):
    def test_pull_run_exec_stop_remove(self):
        image_id = self.engine("pull", "-q", self.archive()).stdout
        self.assertRegex(image_id, r"^[0-9a-f]{64}\n$")
        self.assertEqual(self.in_container(BUSYBOX, "id", "-u").stdout, "0\n")

        self.engine("run", "-d", "--name", "box", "--network", "none", BUSYBOX, "/guest", "wait")
        self.wait_for_log("box", "ready")
        self.assertEqual(self.engine("exec", "box", "hostname").stdout.strip(), self.inspect("box")["Id"][:12])
        self.engine("stop", "--time", "0", "box")
        wait_until(lambda: self.status_of("box") == "exited", "the container has exited")
        self.engine("rm", "box")
        self.assert_no_containers()
        self.engine("rmi", BUSYBOX)
        self.assertEqual(self.engine("images", "-q").stdout, "")
        self.assert_nothing_unfinished()

    def test_a_failure_is_one_line(self):
        self.assert_fails(self.engine("run", "--pull", "never", "localhost/absent", check=False), 125, "absent")
