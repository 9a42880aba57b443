"""Values of limits that cannot be meant are refused before anything is made, with a line that names option and value."""

from engine_test import BUSYBOX, EngineTest

REFUSED = [
    ("--memory", "5q"), ("--memory", "-1"), ("--memory-swap", "5q"), ("--memory-reservation", "abc"),
    ("--memory-swappiness", "x"), ("--memory-swappiness", "101"), ("--cpus", "abc"), ("--cpus", "-1"),
    ("--cpu-period", "abc"), ("--cpu-quota", "abc"), ("--cpu-shares", "-1"), ("--cpu-rt-period", "abc"),
    ("--cpu-rt-runtime", "abc"), ("--cpuset-cpus", "abc"), ("--cpuset-cpus", "3-1"), ("--cpuset-mems", "abc"),
    ("--blkio-weight", "abc"), ("--blkio-weight", "5"), ("--blkio-weight-device", "/dev/null"),
    ("--blkio-weight-device", "/dev/null:5"), ("--blkio-weight-device", "null:100"),
    ("--device-read-bps", "/dev/null"), ("--device-read-bps", "/dev/null:abc"), ("--device-read-bps", "null:1mb"),
    ("--device-read-iops", "/dev/null:1mb"), ("--device-read-iops", "/dev/null:-1"),
    ("--device-write-bps", "/dev/nope:1mb"), ("--device-write-iops", "/dev/null:x"), ("--pids-limit", "abc"),
    ("--shm-size", "abc"), ("--shm-size", "-5"), ("--ulimit", "abc"), ("--ulimit", "nofile=a"),
    ("--ulimit", "nofile=10:5"), ("--ulimit", "foo=5"), ("--oom-score-adj", "abc"), ("--oom-score-adj", "2000"),
    ("--stop-timeout", "abc"), ("--stop-timeout", "-1"), ("--stop-signal", "XX"), ("--timeout", "abc"),
    ("--cgroup-conf", "abc"), ("--device-cgroup-rule", "abc"), ("--umask", "999"), ("--umask", "77777"),
    ("--tz", "nope/nope"), ("--tz", "../../etc/passwd"), ("--systemd", "foo"), ("--sdnotify", "foo"),
    ("--personality", "foo"), ("--annotation", "abc"), ("--pid", "foo"), ("--ipc", "foo"), ("--uts", "foo"),
    ("--cgroupns", "foo"), ("--pid", "container:nope"), ("--pid", "container:"), ("--pid", "ns:relative"),
    ("--device", "/dev/null:abc"), ("--device", "/dev/null:/dev/x:rz"), ("--device", "/etc/passwd"),
    ("--device", "/dev/nope"), ("--env-merge", "foo"), ("--expose", "nonsense"),
]
ACCEPTED = [
    ("--memory", "10.5m"), ("--memory", "10MiB"), ("--memory", "0"), ("--memory", ""), ("--memory-swap", "-1"),
    ("--cpus", "1.5"), ("--cpus", "0"), ("--cpu-quota", "-1"), ("--cpuset-cpus", "0-1,3"), ("--blkio-weight", "100"),
    ("--pids-limit", "-1"), ("--ulimit", "nofile=-1"), ("--ulimit", "host"), ("--umask", "0"), ("--umask", "7777"),
    ("--shm-size", "5k"), ("--sdnotify", "conmon"), ("--cgroupns", "private"), ("--ipc", "shareable"),
    ("--device-read-bps", "/dev/null:1mb"), ("--device", "/dev/null:r"),
]


class OptionsRefusedTest(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()

    def test_bad_values_make_nothing_and_are_named(self):
        for option, value in REFUSED:
            with self.subTest(option=option, value=value):
                done = self.engine("create", "--network", "none", option, value, BUSYBOX, "true", check=False)
                self.assertEqual((done.stdout, done.status), ("", 125), done)
                lines = [line for line in done.stderr.splitlines() if line.startswith("Error:")]
                self.assertEqual(len(lines), 1, done.stderr)
                self.assertIn(option.lstrip("-") if option != "--stop-signal" else "signal", lines[0])
                self.assertIn(value.split(":")[-1], lines[0])
        self.assertEqual(self.engine("ps", "-aq").stdout, "")

    def test_a_hint_has_the_accepted_form(self):
        done = self.engine("run", "--memory", "5q", BUSYBOX, "true", check=False)
        self.assertEqual(done.stderr.splitlines()[0], 'Error: --memory: "5q" is not a size')
        self.assertIn("512m", done.stderr)

    def test_cpus_excludes_quota_and_period(self):
        for option in ("--cpu-quota", "--cpu-period"):
            done = self.engine("create", "--cpus", "1", option, "1000", BUSYBOX, check=False)
            self.assertIn(f"{option} and --cpus cannot be set together", done.stderr)

    def test_good_values_are_taken(self):
        for option, value in ACCEPTED:
            with self.subTest(option=option, value=value):
                self.engine("create", "--network", "none", option, value, BUSYBOX, "true")

    def test_gpus_leads_to_cdi(self):
        done = self.engine("run", "--gpus", "all", BUSYBOX, "true", check=False)
        self.assertIn("--device nvidia.com/gpu=all", done.stderr)
