"""A batch job in a container: oneself, one's own folders, and the host around."""

import os
import pwd
import unittest

from engine_test import BUSYBOX, EngineTest


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
        self.assertEqual(shown, [str(os.getuid()), pwd.getpwuid(os.getuid()).pw_name, str(self.home), str(self.work),
                                 "mine"])
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


if __name__ == "__main__":
    unittest.main()
