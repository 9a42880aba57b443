"""containerd's ctr --runc-binary engine-runtime, as root, with a containerd of our own."""

import signal
import subprocess

from peer_test import ENGINE_RUNTIME, WORK, PeerTest, busybox_archive, needs, wait_until

FOLDER = WORK / "containerd"


@needs("containerd", "ctr")
class CtrTest(PeerTest):
    @classmethod
    def setUpClass(cls):
        FOLDER.mkdir()
        (FOLDER / "config.toml").write_text(
            f'version = 2\nroot = "{FOLDER}/root"\nstate = "{FOLDER}/state"\n'
            'disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]\n'
            f'[grpc]\naddress = "{FOLDER}/socket"\n[ttrpc]\naddress = "{FOLDER}/ttrpc"\n')
        with open(FOLDER / "log", "w") as log:
            cls.daemon = subprocess.Popen(["containerd", "--config", FOLDER / "config.toml"], stdout=log, stderr=log)
        cls.ctr_words = ["ctr", "--address", f"{FOLDER}/socket"]
        try:
            wait_until(lambda: subprocess.run([*cls.ctr_words, "version"], stdout=subprocess.DEVNULL,
                                              stderr=subprocess.DEVNULL).returncode == 0, "containerd answers", 20)
            subprocess.run([*cls.ctr_words, "images", "import", "--snapshotter", "native", "--base-name", "localhost/busybox",
                            busybox_archive()], check=True, stdout=subprocess.DEVNULL)
        except BaseException:
            cls.tearDownClass()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.daemon.send_signal(signal.SIGTERM)
        cls.daemon.wait()

    def ctr(self, *words, **options):
        return self.call(*self.ctr_words, *words, **options)

    def image(self):
        return self.ctr("images", "list", "-q").stdout.split()[0]

    def run_one(self, *words, options=("--rm",), name="one", **more):
        return self.ctr("run", "--snapshotter", "native", "--runtime", "io.containerd.runc.v2", "--runc-binary", ENGINE_RUNTIME,
                        *options, self.image(), name, *words, **more)

    def end(self, name):
        self.ctr("tasks", "kill", "-s", "KILL", name, check=False)
        self.ctr("tasks", "rm", "-f", name, check=False)
        self.ctr("containers", "rm", name, check=False)

    def test_run(self):
        self.assertEqual(self.run_one("echo", "hello").stdout, "hello\n")

    def test_exit_codes(self):
        for code in (0, 1, 42):
            self.assertEqual(self.run_one("sh", "-c", f"exit {code}", check=False).returncode, code)
        self.assertNotEqual(self.run_one("no-such-program", name="two", check=False).returncode, 0)
        self.end("two")

    def test_the_life_of_a_task(self):
        self.addCleanup(self.end, "sleeper")
        self.run_one("sleep", "1000", options=("-d",), name="sleeper")
        self.assertIn("RUNNING", self.ctr("tasks", "list").stdout)
        self.assertEqual(self.ctr("tasks", "exec", "--exec-id", "e1", "sleeper", "echo", "inside").stdout, "inside\n")
        self.assertEqual(self.ctr("tasks", "exec", "--exec-id", "e2", "sleeper", "sh", "-c", "exit 6", check=False).returncode, 6)
        self.assertEqual(len(self.ctr("tasks", "ps", "sleeper").stdout.split("\n")), 3)
        self.ctr("tasks", "pause", "sleeper")
        self.assertIn("PAUSED", self.ctr("tasks", "list").stdout)
        self.ctr("tasks", "resume", "sleeper")
        self.assertIn("RUNNING", self.ctr("tasks", "list").stdout)
        self.ctr("tasks", "kill", "-s", "KILL", "sleeper")
        wait_until(lambda: "STOPPED" in self.ctr("tasks", "list").stdout, "the task has stopped")
        self.ctr("tasks", "rm", "sleeper", check=False)
        self.ctr("containers", "rm", "sleeper")
        self.assertEqual(self.ctr("containers", "list", "-q").stdout, "")

    def test_what_the_process_sees(self):
        said = self.run_one("sh", "-c", "id -u; echo $$; ls /dev/null").stdout.split()
        self.assertEqual(said[:3], ["0", "1", "/dev/null"])
