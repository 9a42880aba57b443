"""Where output goes: files and their rotation, a path of the user's, the caller's own streams, or nowhere."""

import json
import subprocess

from engine_test import BUSYBOX, EngineTest, wait_until


class LogDriverTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()

    def run_to_end(self, *options, script):
        box = self.engine("run", "-d", "--network", "none", *options, BUSYBOX, "sh", "-c", script).stdout.strip()
        self.engine("wait", box)
        return box

    def log_config(self, box):
        return json.loads(self.engine("inspect", box).stdout)[0]["HostConfig"]["LogConfig"]

    def test_json_file_is_k8s_file_by_another_name(self):
        box = self.run_to_end("--log-driver", "json-file", script="echo one; echo two >&2; printf three")
        logs = self.engine("logs", box)
        self.assertEqual((logs.stdout.rstrip("\n"), logs.stderr), ("one\nthree", "two\n"))
        self.assertEqual(self.log_config(box)["Type"], "json-file")
        with open(self.log_config(box)["Path"]) as log:
            self.assertRegex(log.readline(), r"^\d{4}-\S+Z stdout F one\n$")

    def test_rotation_keeps_so_many_files_and_logs_reads_them_in_order(self):
        box = self.run_to_end("--log-opt", "max-size=20kb", "--log-opt", "max-file=3", script="seq 1 2000")
        lines = self.engine("logs", box).stdout.split()
        self.assertEqual(lines, [str(number) for number in range(int(lines[0]), 2001)])
        self.assertGreater(len(lines), 800)   # more than two files of 20 kB have
        self.assertGreater(int(lines[0]), 1)  # and the first are gone
        self.assertEqual(self.engine("logs", "--tail", "700", box).stdout.split(), lines[-700:])
        folder = self.root / "containers" / box
        self.assertEqual(sorted(path.name for path in folder.glob("log*")), ["log", "log.1", "log.2"])
        self.assertTrue(all(path.stat().st_size <= 20_480 for path in folder.glob("log*")))

    def test_followers_see_what_is_rotated(self):
        box = self.engine("run", "-d", "-i", "--network", "none", "--log-opt", "max-size=10kb", "--log-opt",
                          "max-file=50", BUSYBOX, "sh", "-c", "seq 1 500; cat; seq 501 1000").stdout.strip()
        follower = self.start_engine("logs", "-f", box)
        seen = [follower.stdout.readline() for _ in range(500)]
        self.engine("attach", box, input="", check=False)
        rest, _ = follower.communicate(timeout=60)
        self.assertEqual([int(word) for word in "".join(seen).split() + rest.split()], list(range(1, 1001)))

    def test_a_path_of_the_users_own(self):
        path = self.dir / "its.log"
        box = self.run_to_end("--log-opt", f"path={path}", script="echo hello")
        self.assertIn(" stdout F hello\n", path.read_text())
        self.assertEqual(self.engine("logs", box).stdout, "hello\n")
        self.assertEqual(self.log_config(box)["Path"], str(path))
        missing = self.engine("run", "-d", "--log-opt", "path=/no/such/folder/log", BUSYBOX, "true", check=False)
        self.assertEqual(missing.status, 125)
        self.assertIn("/no/such/folder", missing.stderr)

    def test_passthrough_gives_it_our_streams(self):
        done = self.engine("run", "--name", "box", "--network", "none", "--log-driver", "passthrough", BUSYBOX, "sh", "-c",
                           "read line; echo got $line; echo bad >&2; exit 4", input="word\n", check=False)
        self.assertEqual((done.stdout, done.stderr, done.status), ("got word\n", "bad\n", 4))
        logs = self.engine("logs", "box", check=False)
        self.assertEqual(logs.status, 125)
        self.assertIn("passthrough", logs.stderr)
        path = self.dir / "output"
        with open(path, "w") as output:
            subprocess.run(self.command("run", "-d", "--name", "late", "--network", "none", "--log-driver", "passthrough",
                                        BUSYBOX, "echo", "later"), stdout=output, stderr=subprocess.DEVNULL,
                           stdin=subprocess.DEVNULL, env=self.environment, cwd=self.dir, check=True, timeout=60)
        wait_until(lambda: "later\n" in path.read_text(), "its output in our file")

    def test_no_log_at_all(self):
        box = self.run_to_end("--log-driver", "none", script="echo lost")
        self.assertEqual(self.engine("logs", box, check=False).status, 125)

    def test_a_host_without_a_journal_says_so(self):
        try:
            with open("/run/systemd/journal/socket"):
                pass
        except FileNotFoundError:
            done = self.engine("run", "-d", "--log-driver", "journald", BUSYBOX, "true", check=False)
            self.assertEqual(done.status, 125)
            self.assertIn("--log-driver k8s-file", done.stderr)
        except OSError:
            self.skipTest("this host has a journal")

    def test_drivers_and_options_that_are_none(self):
        for words in (["--log-driver", "syslog"], ["--log-opt", "max-size=much"], ["--log-opt", "max-file=0"],
                      ["--log-opt", "path=here"], ["--log-opt", "colour=red"],
                      ["--log-driver", "passthrough", "-t"]):
            self.assertEqual(self.engine("create", *words, BUSYBOX, check=False).status, 125, words)

    def test_the_configuration_chooses_where_nobody_does(self):
        folder = self.home / ".config/containers"
        folder.mkdir(parents=True)
        (folder / "containers.conf").write_text('[containers]\nlog_driver = "none"\nlog_size_max = 1000000\n')
        self.engine("create", "--name", "a", BUSYBOX)
        self.assertEqual(self.log_config("a"), {"Type": "none", "Config": None, "Path": "", "Tag": "", "Size": "1MB"})
        self.engine("create", "--name", "b", "--log-driver", "k8s-file", BUSYBOX)
        self.assertEqual(self.log_config("b")["Type"], "k8s-file")
