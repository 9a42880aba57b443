"""A batch job in a container: oneself, one's own folders, and the host around."""

import json
import os
import pwd
import subprocess
import unittest

from engine_test import BUSYBOX, ENGINE, EngineTest


class HpcTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()
        self.work = self.dir / "work"
        self.work.mkdir()

    def job(self, *words, **options):
        return self.engine("run", "--rm", "--hpc", *words, cwd=self.work, **options)

    def test_who_and_where_one_is(self):
        (self.home / "note").write_text("mine\n")
        shown = self.job(BUSYBOX, "sh", "-c", 'id -u; id -un; echo "$HOME"; pwd; cat ~/note; echo $JOB > result',
                         env={"JOB": "42"}).stdout.splitlines()
        of_image = self.engine("run", "--rm", "--network", "none", BUSYBOX, "awk", "-F:", f"$3 == {os.getuid()} {{print $1}}",
                               "/etc/passwd").stdout.strip()
        name = of_image or pwd.getpwuid(os.getuid()).pw_name
        self.assertEqual(shown, [str(os.getuid()), name, str(self.home), str(self.work), "mine"])
        result = self.work / "result"
        self.assertEqual((result.read_text(), result.stat().st_uid), ("42\n", os.getuid()))

    def test_there_is_one_id_only(self):
        shown = self.job(BUSYBOX, "cat", "/proc/self/uid_map").stdout.split()
        self.assertEqual(shown, [str(os.getuid()), str(os.getuid()), "1"])

    def test_the_host_is_around_it(self):
        for name in ("net", "pid", "ipc", "uts"):
            with self.subTest(name):
                self.assertEqual(self.job(BUSYBOX, "readlink", f"/proc/self/ns/{name}").stdout.strip(),
                                 os.readlink(f"/proc/self/ns/{name}"))

    def test_the_image_is_only_read(self):
        failed = self.job(BUSYBOX, "touch", "/bin/new", check=False)
        self.assertNotEqual(failed.status, 0, failed)
        self.assertIn("Read-only file system", failed.stderr)

    def test_options_of_the_user_win(self):
        shown = self.job("--tmpfs", str(self.home), "-w", "/etc", "--hostname", "mine", BUSYBOX, "sh", "-c",
                         "ls -A ~; pwd; hostname").stdout.split()
        self.assertEqual(shown, ["/etc", "mine"])

    def test_created_and_started(self):
        self.engine("create", "--hpc", "--name", "job", BUSYBOX, "sh", "-c", "pwd; id -u", cwd=self.work)
        self.assertEqual(self.engine("start", "-a", "job").stdout.split(), [str(self.work), str(os.getuid())])

    def test_devices_of_vendors(self):
        """As nvidia-ctk writes them: nodes, a variable, libraries of the host, and a hook that looks for the root file system."""
        folder, specs = self.dir / "vendor", self.dir / "cdi"
        folder.mkdir()
        specs.mkdir()
        (folder / "library").write_text("bytes")
        edits = {"env": ["GPU=all"], "deviceNodes": [{"path": "/dev/vendor0", "hostPath": "/dev/null"}],
                 "mounts": [{"hostPath": str(folder), "containerPath": "/opt/vendor", "options": ["ro", "nosuid", "nodev", "rbind"]}],
                 "hooks": [{"hookName": "createContainer", "path": "/bin/sh",
                            "args": ["sh", "-c", f"cat > {folder}/state"]}]}
        (specs / "vendor.json").write_text(json.dumps(
            {"cdiVersion": "0.6.0", "kind": "vendor.com/gpu", "devices": [{"name": "all", "containerEdits": edits}]}))
        shown = self.job("--cdi-spec-dir", str(specs), "--device", "vendor.com/gpu=all", BUSYBOX, "sh", "-c",
                         "echo $GPU; test -c /dev/vendor0 && echo gone > /dev/vendor0; cat /opt/vendor/library; id -u; "
                         "! touch /opt/vendor/x 2>/dev/null && test -e /dev/null")
        self.assertEqual(shown.stdout.split(), ["all", f"bytes{os.getuid()}"])
        self.assertEqual(json.loads((folder / "state").read_text())["status"], "creating")
        shown = self.job("--cdi-spec-dir", str(specs), BUSYBOX, "sh", "-c", "echo $GPU; ls /dev/vendor0", check=False)
        self.assertEqual(shown.stdout, "\n")

    def test_images_in_another_store(self):
        """What one pulls once on a shared file system, while containers are on the node's own disk."""
        images, local = self.dir / "images", self.dir / "local"
        command = [ENGINE, "--root", str(local), "--runroot", str(self.runroot), "--imagestore", str(images)]
        self.tool(*command, "pull", "-q", self.archive(self.guest_image(), "again.tar"))
        try:
            done = subprocess.run([*command, "run", "--rm", "--hpc", BUSYBOX, "sh", "-c", "id -u; pwd; echo kept > result"],
                                  cwd=self.work, env=self.environment, stdout=subprocess.PIPE, text=True, check=True)
            self.assertEqual(done.stdout.split(), [str(os.getuid()), str(self.work)])
            self.assertEqual((self.work / "result").read_text(), "kept\n")
            self.assertTrue(list(images.glob("refs/*")))
            self.assertFalse(list(local.glob("refs/*")))  # only the layers for the one id are the node's own
        finally:
            self.engine("unshare", "rm", "-rf", str(images), str(local))

    def test_exec_is_where_the_job_is(self):
        self.engine("run", "-d", "--hpc", "--name", "job", "-e", "OWN=word", BUSYBOX, "/guest", "wait", cwd=self.work,
                    env={"JOB": "42"})
        self.wait_for_log("job", "ready")
        shown = self.engine("exec", "job", "sh", "-c", 'id -u; id -g; pwd; echo "$HOME" "$JOB" "$OWN" "$PATH"; touch made; '
                            "grep NoNewPrivs /proc/self/status", cwd=self.home).stdout.splitlines()
        self.assertEqual(shown[:3], [str(os.getuid()), str(os.getgid()), str(self.work)])
        self.assertEqual(shown[3].split(" ", 3)[:3], [str(self.home), "42", "word"])
        self.assertIn("/bin", shown[3])
        self.assertEqual(shown[4].split(), ["NoNewPrivs:", "1"])
        self.assertEqual((self.work / "made").stat().st_uid, os.getuid())
        self.assertEqual(self.engine("exec", "-w", "/", "-e", "JOB=7", "job", "sh", "-c", "pwd; echo $JOB").stdout, "/\n7\n")
        self.engine("rm", "-f", "-t", "0", "job")


if __name__ == "__main__":
    unittest.main()
