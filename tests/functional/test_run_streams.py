"""What goes in and comes out of `engine run`: exit codes, names, --rm, standard streams, signals."""

import os

from engine_test import BUSYBOX, EngineTest, wait_until


class LifeTest(EngineTest):
    """Names, ids, labels, --rm, and the exit code."""

    def setUp(self):
        super().setUp()
        self.pull_image()

    def test_exit_codes(self):
        for words, status in (
                (["sh", "-c", "exit 0"], 0), (["sh", "-c", "exit 7"], 7), (["/guest", "exit", "255"], 255),
                (["sh", "-c", "sh -c 'kill -9 $$'; exit $?"], 137), (["sh", "-c", "kill -KILL 1; exit 4"], 4),
                (["/no/such/program"], 127), (["no-such-word"], 127), (["/etc/passwd"], 126), (["/etc"], 126)):
            for options in ([], ["-i"]):
                with self.subTest(words=words, options=options):
                    self.assertEqual(self.in_container(*options, BUSYBOX, *words, check=False).status, status)
        self.assert_no_containers()

    def test_death_by_a_signal_is_128_and_its_number(self):
        self.assertEqual(self.in_container("--init", BUSYBOX, "sh", "-c", "kill -9 $$", check=False).status, 137)
        for name, number in (("KILL", 9), ("SEGV", 11), ("TERM", 15)):
            container = self.start_sleeper("--init")  # process 1 itself is deaf to signals that it does not handle
            self.wait_for_log(container, "ready")
            self.engine("kill", "--signal", name, container)
            self.assertEqual(self.engine("wait", container).stdout, f"{128 + number}\n")

    def test_a_program_that_is_missing_is_named(self):
        self.assert_fails(self.in_container(BUSYBOX, "no-such-word", check=False), 127, "no-such-word")
        self.assert_fails(self.in_container(BUSYBOX, "/etc/passwd", check=False), 126, "/etc/passwd")

    def test_rm_leaves_nothing(self):
        for options in ([], ["-i"], ["-d"]):
            with self.subTest(options=options):
                self.engine("run", "--rm", "--network", "none", *options, BUSYBOX, "/guest")
                wait_until(lambda: self.engine("ps", "-aq").stdout == "", "the container is removed")
        containers = self.root / "containers"
        left = [str(path) for path in containers.rglob("*") if path.is_dir() and len(path.name) == 64]
        self.assertEqual(left, [])
        self.assert_nothing_unfinished()

    def test_without_rm_the_container_stays_with_its_exit_code_and_files(self):
        self.engine("run", "--name", "kept", "--network", "none", BUSYBOX, "sh", "-c", "echo data > /file; exit 3",
                    check=False)
        state = self.inspect("kept")["State"]
        self.assertEqual((state["Status"], state["ExitCode"]), ("exited", 3))
        self.assertEqual(self.engine("ps", "-q").stdout, "")
        self.assertEqual(len(self.engine("ps", "-a", "-q").stdout.split()), 1)
        self.assertEqual(self.engine("start", "-a", "kept", check=False).status, 3)

    def test_labels_name_and_cidfile_can_be_seen_again(self):
        labels = self.dir / "labels"
        labels.write_text("# comment\nfrom=file\nboth=file\n")
        container = self.engine("create", "--network", "none", "--name", "named", "-l", "a=b", "--label", "empty",
                                "-l", "both=option", "--label-file", labels,
                                "--cidfile", self.dir / "cid", BUSYBOX).stdout.strip()
        self.assertEqual((self.dir / "cid").read_text().strip(), container)
        shown = self.inspect("named")
        self.assertEqual(shown["Id"], container)
        self.assertEqual(shown["Config"]["Labels"], {"a": "b", "empty": "", "both": "option", "from": "file"})
        self.assertEqual(shown["Name"].lstrip("/"), "named")

    def test_a_name_is_taken_once(self):
        first = self.engine("create", "--network", "none", "--name", "one", BUSYBOX).stdout.strip()
        self.assert_fails(self.engine("create", "--network", "none", "--name", "one", BUSYBOX, check=False), 125, "one")
        self.assert_fails(self.in_container("--name", "one", BUSYBOX, "true", check=False), 125, "one")
        self.assertEqual(self.engine("ps", "-aq", "--no-trunc").stdout.split(), [first])
        second = self.engine("create", "--network", "none", "--replace", "--name", "one", BUSYBOX).stdout.strip()
        self.assertEqual(self.engine("ps", "-aq", "--no-trunc").stdout.split(), [second])
        self.engine("rm", "one")
        self.engine("create", "--network", "none", "--name", "one", BUSYBOX)

    def test_pull_policies(self):
        self.in_container("--pull", "never", BUSYBOX, "true")
        self.in_container("--pull", "missing", BUSYBOX, "true")
        # "always" asks the registry of the name, which is not there.
        result = self.in_container("-q", "--pull", "always", "127.0.0.1:1/none/busybox", "true", check=False)
        self.assert_fails(result, 125, "127.0.0.1:1")


class StdinTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()

    def test_input_reaches_the_container_only_with_i(self):
        self.assertEqual(self.in_container("-i", BUSYBOX, "cat", input="hello\n").stdout, "hello\n")
        self.assertEqual(self.in_container(BUSYBOX, "cat", input="hello\n").stdout, "")
        self.assertEqual(self.engine("run", "-i", "--network", "none", "--name", "kept", BUSYBOX, "cat",
                                     input="x").stdout, "x")

    def test_ten_megabytes_arrive_whole(self):
        data = os.urandom(1024) * 10240
        for options in (["--rm"], []):
            done = self.engine("run", "-i", "--network", "none", *options, BUSYBOX, "cat", input=data, text=False)
            self.assertEqual(done.stdout == data, True, f"{len(done.stdout)} bytes came back")

    def test_a_closed_input_is_seen_while_output_goes_on(self):
        """The container reads to the end of its input and only then answers."""
        done = self.in_container("-i", BUSYBOX, "sh", "-c", "wc -c; echo after; exit 5", input="12345", check=False)
        self.assertEqual((done.stdout, done.status), ("5\nafter\n", 5))

    def test_a_container_that_does_not_read_its_input_still_ends(self):
        done = self.in_container("-i", BUSYBOX, "true", input="x" * 1_000_000)
        self.assertEqual(done.status, 0)

    def test_the_container_ends_while_the_input_stays_open(self):
        read_end, write_end = os.pipe()
        process = self.start_engine("run", "-i", "--rm", "--network", "none", BUSYBOX, "/guest", "exit", "6",
                                    stdin=read_end)
        os.close(read_end)
        process.communicate(timeout=60)
        os.close(write_end)
        self.assertEqual(process.returncode, 6)

    def test_standard_error_stays_apart(self):
        done = self.in_container("-i", BUSYBOX, "sh", "-c", "echo out; echo err >&2")
        self.assertEqual((done.stdout, done.stderr), ("out\n", "err\n"))

    def test_a_reader_that_goes_away_ends_the_writer(self):
        process = self.start_engine("run", "--rm", "--network", "none", BUSYBOX, "yes")
        self.assertEqual(process.stdout.readline(), "y\n")
        process.stdout.close()
        process.wait(timeout=60)
        self.assertNotEqual(process.returncode, 0)
        self.assert_no_containers()


class SignalTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()

    def test_signals_are_passed_on(self):
        script = "trap 'echo got it; exit 9' TERM; echo ready; while :; do read -t 1 x < /dev/zero; done"
        for options in (["--rm"], ["--rm", "-i"]):
            with self.subTest(options=options):
                process = self.start_engine("run", *options, "--network", "none", BUSYBOX, "sh", "-c", script)
                self.assertEqual(process.stdout.readline(), "ready\n")
                process.terminate()
                stdout, _ = process.communicate(timeout=60)
                self.assertEqual((stdout, process.returncode), ("got it\n", 9))
