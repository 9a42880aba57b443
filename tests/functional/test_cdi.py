"""--device VENDOR/CLASS=NAME: what CDI files say is what the container gets."""

import json
import os
import signal

from engine_test import BUSYBOX, EngineTest, is_alive, wait_until

SPEC = {
    "cdiVersion": "0.6.0", "kind": "vendor.com/net",
    "containerEdits": {"env": ["ALL=1"]},
    "devices": [
        {"name": "one", "containerEdits": {
            "env": ["ONE=yes"],
            "deviceNodes": [{"path": "/dev/vendor0", "hostPath": "/dev/null", "permissions": "rw"}]}},
        {"name": "two", "containerEdits": {"env": ["TWO=yes"]}}],
}
YAML = """\
cdiVersion: "0.5.0"
kind: example.org/gpu
devices:
  - name: all
    containerEdits:
      env:
        - GPU=all
      mounts:
        - hostPath: {folder}
          containerPath: /opt/vendor
          options: [ro, nosuid, nodev, bind]
      hooks:
        - hookName: createContainer
          path: /bin/sh
          args: [sh, -c, "cat > {folder}/state"]
"""


class CdiTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()
        self.cdi = self.dir / "cdi"
        self.cdi.mkdir()
        (self.cdi / "vendor.json").write_text(json.dumps(SPEC))

    def run_with(self, *words, check=True):
        devices = [part for word in words[0] for part in ("--device", word)]
        return self.engine("run", "--rm", "--network", "none", "--cdi-spec-dir", str(self.cdi), *devices, BUSYBOX,
                           *words[1:], check=check)

    def test_env_and_nodes_of_two_devices_of_one_file(self):
        done = self.run_with(["vendor.com/net=one", "vendor.com/net=two"], "sh", "-c",
                             "echo $ALL $ONE $TWO; echo gone > /dev/vendor0; test -c /dev/vendor0")
        self.assertEqual(done.stdout, "1 yes yes\n")
        done = self.run_with(["vendor.com/net=two"], "sh", "-c", "echo $ALL $ONE $TWO; ls /dev/vendor0", check=False)
        self.assertEqual(done.stdout, "1 yes\n")

    def test_yaml_with_mounts_and_hooks(self):
        folder = self.dir / "vendor"
        folder.mkdir()
        (folder / "library").write_text("bytes")
        (self.cdi / "example.yaml").write_text(YAML.format(folder=folder))
        done = self.run_with(["example.org/gpu=all"], "sh", "-c", "echo $GPU; cat /opt/vendor/library; touch /opt/vendor/x",
                             check=False)
        self.assertEqual(done.stdout, "all\nbytes")
        self.assertNotEqual(done.status, 0)
        self.assertEqual(json.loads((folder / "state").read_text())["status"], "creating")

    def test_poststop_hooks_run_once_after_each_end(self):
        ends = self.dir / "ends"
        (self.cdi / "stop.json").write_text(json.dumps({
            "cdiVersion": "0.6.0", "kind": "example.org/end", "devices": [{"name": "told", "containerEdits": {"hooks": [
                {"hookName": "poststop", "path": "/bin/false"},
                {"hookName": "poststop", "path": "/bin/sleep", "args": ["sleep", "0.2"]},
                {"hookName": "poststop", "path": "/bin/sh", "args": ["sh", "-c", f"cat >> {ends}; echo >> {ends}"]}]}}]}))
        options = ("--network", "none", "--cdi-spec-dir", str(self.cdi), "--device", "example.org/end=told")

        def told():
            lines = ends.read_text().splitlines() if ends.exists() else []
            ends.unlink(missing_ok=True)
            return [json.loads(line)["status"] for line in lines]
        for words in (("--rm",), ("--rm", "-i"), ()):
            self.engine("run", *options, *words, BUSYBOX, "true")
            wait_until(lambda: ends.exists() and ends.read_text().endswith("\n"), "the hook has run")
            self.assertEqual(told(), ["stopped"], words)
        self.engine("run", "-d", "--name", "box", *options, BUSYBOX, "sleep", "1000")
        self.assertEqual(told(), [])
        self.engine("stop", "-t", "0", "box")
        self.assertEqual(told(), ["stopped"])
        self.engine("start", "box")
        monitor = self.inspect("box")["State"]["ConmonPid"]
        os.kill(monitor, signal.SIGKILL)  # nobody sees the end
        wait_until(lambda: not is_alive(monitor), "the monitor is gone")
        self.engine("kill", "box")
        self.assertEqual(told(), ["stopped"])
        self.engine("start", "box")
        os.kill(monitor := self.inspect("box")["State"]["ConmonPid"], signal.SIGKILL)
        wait_until(lambda: not is_alive(monitor), "the monitor is gone")
        self.engine("exec", "box", "kill", "-9", "1", check=False)
        self.engine("rm", "-f", "-t", "0", "box")
        self.assertEqual(told(), ["stopped"])
        failing = self.engine("run", "--rm", *options, BUSYBOX, "/nope", check=False)
        self.assertEqual((failing.status, told()), (127, ["stopped"]))
        failing = self.engine("run", "--name", "bad", *options, BUSYBOX, "/nope", check=False)
        self.assertEqual((failing.status, told()), (127, ["stopped"]))
        self.engine("rm", "bad")
        self.assertEqual(told(), [])

    def test_poststop_hooks_and_a_restart_policy(self):
        ends = self.dir / "ends"
        (self.cdi / "stop.json").write_text(json.dumps({
            "cdiVersion": "0.6.0", "kind": "example.org/end", "devices": [{"name": "told", "containerEdits": {"hooks": [
                {"hookName": "poststop", "path": "/bin/sh", "args": ["sh", "-c", f"echo end >> {ends}"]}]}}]}))
        self.engine("run", "-d", "--name", "box", "--network", "none", "--cdi-spec-dir", str(self.cdi), "--device",
                    "example.org/end=told", "--restart", "on-failure:2", BUSYBOX, "false")
        wait_until(lambda: ends.exists() and ends.read_text() == "end\n" * 3, "three ends")

    def test_what_is_missing_or_damaged_is_named_with_its_file(self):
        done = self.run_with(["vendor.com/net=three"], "true", check=False)
        self.assertEqual(done.status, 125)
        self.assertIn('unresolvable CDI device "vendor.com/net=three"', done.stderr)
        for damage in ('{"cdiVersion": "0.6.0", "kind": "a.b/c", "devices": [{"name": "-"}]}', "{",
                       '{"cdiVersion": "9.9", "kind": "a.b/c", "devices": []}'):
            (self.cdi / "broken.json").write_text(damage)
            done = self.run_with(["a.b/c=x"], "true", check=False)
            self.assertEqual(done.status, 125, done)
            self.assertIn("broken.json", done.stderr)
            self.run_with(["vendor.com/net=two"], "true")  # another vendor's is no matter
        self.assert_no_containers()

    def test_two_files_that_have_the_same_device_are_both_named(self):
        (self.cdi / "again.json").write_text(json.dumps(SPEC))
        done = self.run_with(["vendor.com/net=one"], "true", check=False)
        self.assertIn("again.json", done.stderr)
        self.assertIn("vendor.json", done.stderr)

    def test_devices_of_the_host_in_all_forms(self):
        done = self.engine("run", "--rm", "--network", "none", "--device", "/dev/null:/dev/foo", "--device",
                           "/dev/zero:rw", "--device", "/dev/full:/dev/bar:rwm", BUSYBOX, "sh", "-c",
                           "test -c /dev/foo && test -c /dev/zero && test -c /dev/bar && echo there")
        self.assertEqual(done.stdout, "there\n")
