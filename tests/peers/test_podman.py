"""podman --runtime engine-runtime does what podman does with crun; buildah too."""

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

from peer_test import BUSYBOX, ENGINE_RUNTIME, WORK, PeerTest, busybox_archive, needs, wait_until

RUNTIMES = ("engine", "crun")
SETTINGS = WORK / ".config/containers"


def prepare():
    """A home for podman and buildah, once: cgroups by file, no pids limit (that controller may not be there)."""
    if SETTINGS.exists():
        return
    SETTINGS.mkdir(parents=True)
    (WORK / "xdg").mkdir(mode=0o700)
    (SETTINGS / "containers.conf").write_text(
        '[containers]\npids_limit = 0\n[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n')
    (SETTINGS / "storage.conf").write_text(
        f'[storage]\ndriver = "overlay"\ngraphroot = "{WORK / "store"}"\nrunroot = "{WORK / "run"}"\n')
    (SETTINGS / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
    (SETTINGS / "registries.conf").write_text('unqualified-search-registries = []\n')


class OwnHomeTest(PeerTest):
    @classmethod
    def setUpClass(cls):
        prepare()
        cls.environment = {**os.environ, "XDG_RUNTIME_DIR": str(WORK / "xdg")}

    def runtime_of(self, name):
        return ENGINE_RUNTIME if name == "engine" else shutil.which(name)

    def podman(self, *words, runtime="engine", **options):
        return self.call("podman", "--runtime", self.runtime_of(runtime), *words, environment=self.environment, **options)


@needs("podman", "crun")
class PodmanTest(OwnHomeTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        subprocess.run(["podman", "load", "-q", "-i", busybox_archive()], env=cls.environment, check=True,
                       stdout=subprocess.DEVNULL)

    @classmethod
    def tearDownClass(cls):
        subprocess.run(["podman", "rm", "-af", "-t", "0"], env=cls.environment, stdout=subprocess.DEVNULL)
        subprocess.run(["podman", "unshare", "rm", "-rf", WORK / "store"], env=cls.environment)
        for file in Path(cls.environment["XDG_RUNTIME_DIR"]).rglob("pause.pid"):
            os.kill(int(file.read_text()), signal.SIGKILL)

    def setUp(self):
        self.addCleanup(self.podman, "rm", "-af", "-t", "0")

    def run_one(self, *words, runtime="engine", check=True):
        return self.podman("run", "--rm", "--network", "none", *words, runtime=runtime, check=check)

    def both(self, *words):
        """(status, output) with engine and with crun, which must be equal."""
        for _ in range(3):  # podman 4.3 now and then loses the output of a process that ends at once
            results = [self.run_one(*words, runtime=runtime, check=False) for runtime in RUNTIMES]
            seen = [(done.returncode, done.stdout) for done in results]
            if seen[0] == seen[1]:
                break
        self.assertEqual(seen[0], seen[1], results[0].stderr)
        return seen[0]

    def sleeper(self, *options, name="sleeper"):
        self.podman("run", "-d", "--network", "none", "--name", name, *options, BUSYBOX, "sleep", "1000")
        return name

    def status(self, name):
        return self.podman("inspect", "--format", "{{.State.Status}}", name).stdout.strip()

    def test_podman_takes_it_for_a_runtime(self):
        info = json.loads(self.podman("info", "--format", "json").stdout)
        self.assertEqual(info["host"]["ociRuntime"]["path"], ENGINE_RUNTIME)
        self.assertTrue(info["host"]["ociRuntime"]["version"])

    def test_exit_codes_are_those_of_crun(self):
        for expected, words in ((0, ("true",)), (1, ("false",)), (7, ("sh", "-c", "exit 7")), (126, ("/etc",)),
                                (127, ("no-such-program",)), (127, ("/no/such/program",)), (137, ("sh", "-c", "sh -c 'kill -9 $$'; exit $?"))):
            with self.subTest(words=words):
                self.assertEqual(self.both(BUSYBOX, *words)[0], expected)

    def test_what_the_process_sees_is_what_it_sees_with_crun(self):
        for words in (("id",), ("pwd",), ("cat", "/proc/self/uid_map"),
                      ("grep", "-E", "Cap|NoNew|Seccomp:", "/proc/self/status"),
                      ("sh", "-c", "ulimit -a"), ("stat", "-c", "%A %U %N", "/dev/fd", "/dev/stdin", "/dev/ptmx"), ("ls", "/"),
                      ("sh", "-c", "umask; cat /proc/self/oom_score_adj"), ("ls", "/proc/self/fd"),
                      ("sh", "-c", "cat /proc/keys /proc/timer_list | wc -c")):
            with self.subTest(words=words):
                self.both(BUSYBOX, *words)

    def test_options_have_their_effect(self):
        for options, words in ((("--user", "1000:1000"), ("id",)), (("-e", "A=b", "-w", "/tmp"), ("sh", "-c", "echo $A $PWD")),
                               (("--hostname", "other"), ("hostname",)), (("--read-only",), ("touch", "/x")),
                               (("--cap-drop", "all"), ("grep", "CapEff", "/proc/self/status")),
                               (("--privileged",), ("grep", "CapEff", "/proc/self/status")),
                               (("--ulimit", "nofile=100:200"), ("sh", "-c", "ulimit -n")), (("--init",), ("true",)),
                               (("--tmpfs", "/t:size=64k"), ("sh", "-c", "df /t | tail -1 | awk '{print $2}'")),
                               (("--sysctl", "net.ipv4.ip_forward=1"), ("cat", "/proc/sys/net/ipv4/ip_forward")),
                               (("--security-opt", "no-new-privileges"), ("grep", "NoNewPrivs", "/proc/self/status")),
                               (("--pid", "host"), ("true",)), (("--uts", "host"), ("hostname",)), (("-t",), ("tty",)),
                               (("--security-opt", "seccomp=unconfined"), ("grep", "Seccomp:", "/proc/self/status"))):
            with self.subTest(options=options):
                self.both(*options, BUSYBOX, *words)

    def test_standard_input_goes_in(self):
        done = self.podman("run", "--rm", "-i", "--network", "none", BUSYBOX, "wc", "-c", input="x" * 100_000)
        self.assertEqual(done.stdout.strip(), "100000")

    def test_a_network(self):
        if not shutil.which("slirp4netns") or not os.path.exists("/dev/net/tun"):
            self.skipTest("podman's network needs slirp4netns and /dev/net/tun")
        seen = [self.podman("run", "--rm", BUSYBOX, "ls", "/sys/class/net", runtime=runtime, check=False) for runtime in RUNTIMES]
        if seen[1].returncode != 0:
            self.skipTest(f"it does not work with crun either: {seen[1].stderr.strip()}")
        self.assertEqual(seen[0].stdout.split(), ["lo", "tap0"], seen[0].stderr)

    def test_the_life_of_a_container(self):
        name = self.sleeper()
        self.assertIn(name, self.podman("ps", "--format", "{{.Names}}").stdout.split())
        self.assertEqual(self.podman("exec", name, "echo", "inside").stdout, "inside\n")
        self.assertEqual(self.podman("exec", name, "sh", "-c", "exit 5", check=False).returncode, 5)
        self.assertEqual(self.podman("exec", name, "no-such-program", check=False).returncode, 127)
        self.assertEqual(self.podman("exec", "--user", "1000", "-w", "/tmp", "-e", "A=b", name, "sh", "-c", "id -u; pwd; echo $A"
                                     ).stdout.split(), ["1000", "/tmp", "b"])
        self.assertIn("sleep", self.podman("top", name).stdout)
        self.podman("stop", "-t", "0", name)
        self.assertEqual(self.status(name), "exited")
        self.podman("start", name)
        self.assertEqual(self.status(name), "running")
        self.podman("restart", "-t", "0", name)
        self.assertEqual(self.status(name), "running")
        self.podman("rm", "-f", "-t", "0", name)
        self.assertEqual(self.podman("ps", "-aq").stdout, "")

    def test_exec_exit_codes_are_those_of_crun(self):
        seen = []
        for runtime in RUNTIMES:
            self.podman("run", "-d", "--network", "none", "--name", runtime, BUSYBOX, "sleep", "1000", runtime=runtime)
            seen.append([self.podman("exec", runtime, *words, runtime=runtime, check=False).returncode for words in (
                ("true",), ("false",), ("/etc",), ("absent",), ("sh", "-c", "kill -9 $$"))])
        self.assertEqual(seen[0], seen[1])

    def test_pause_and_unpause(self):
        name = self.sleeper()
        self.podman("pause", name)
        self.assertEqual(self.status(name), "paused")
        self.podman("unpause", name)
        self.assertEqual(self.status(name), "running")

    def test_kill_and_wait(self):
        name = self.sleeper()
        self.podman("kill", "-s", "KILL", name)
        self.assertEqual(self.podman("wait", name).stdout.strip(), "137")

    def test_logs(self):
        self.podman("run", "-d", "--network", "none", "--name", "talker", BUSYBOX, "sh", "-c", "echo out; echo err >&2")
        self.podman("wait", "talker")
        done = self.podman("logs", "talker")
        self.assertEqual((done.stdout, done.stderr), ("out\n", "err\n"))

    def test_create_init_and_start(self):
        self.podman("create", "--network", "none", "--name", "made", BUSYBOX, "sh", "-c", "exit 3")
        self.podman("init", "made")
        self.assertEqual(self.status("made"), "initialized")
        self.assertEqual(self.podman("start", "-a", "made", check=False).returncode, 3)

    def test_update(self):
        if "hugetlb" not in Path("/sys/fs/cgroup/cgroup.controllers").read_text() or not self.has("update"):
            self.skipTest("podman 4.3 and the pids controller are needed")
        name = self.sleeper()
        self.podman("update", "--pids-limit", "50", name)

    def has(self, command):
        """Whether this podman has the command, and the user's cgroup the controller that it would set."""
        group = Path("/proc/self/cgroup").read_text().split("::")[1].strip()
        controllers = (Path("/sys/fs/cgroup" + os.path.dirname(group)) / "cgroup.controllers").read_text().split()
        return self.podman(command, "--help", check=False).returncode == 0 and "pids" in controllers

    def test_a_pod(self):
        self.podman("pod", "create", "--name", "pod", "--network", "none", "--infra-image", BUSYBOX,
                    "--infra-command", "/bin/sleep 1000")
        seen = []
        for member in ("first", "second"):
            self.podman("run", "-d", "--pod", "pod", "--name", member, BUSYBOX, "sleep", "1000")
            seen.append([self.podman("exec", member, "readlink", f"/proc/self/ns/{kind}").stdout for kind in ("net", "ipc", "uts")])
        self.assertEqual(seen[0], seen[1])
        self.podman("pod", "rm", "-f", "-t", "0", "pod")

    def test_a_health_check(self):
        name = self.sleeper("--health-cmd", "true", "--health-interval", "disable")
        self.assertEqual(self.podman("healthcheck", "run", name).returncode, 0)

    def test_containers_end_and_their_state_goes(self):
        for _ in range(3):
            self.run_one(BUSYBOX, "true")
        root = Path(self.environment["XDG_RUNTIME_DIR"])
        wait_until(lambda: not [path for path in root.rglob("state.json")], "no state of a runtime is left")


@needs("buildah")
class BuildahTest(OwnHomeTest):
    def buildah(self, *words, **options):
        return self.call("buildah", *words, environment=self.environment, **options)

    def setUp(self):
        self.container = self.buildah("from", "--pull=false", f"oci-archive:{busybox_archive()}").stdout.strip()
        self.addCleanup(self.buildah, "rm", "-a")

    def run_in(self, *words, runtime="engine", **options):
        return self.buildah("run", "--runtime", self.runtime_of(runtime), "--network", "none", self.container, "--", *words,
                            **options)

    def test_run(self):
        self.assertEqual(self.run_in("echo", "hello").stdout, "hello\n")
        self.run_in("touch", "/made")
        self.assertIn("made", self.run_in("ls", "/").stdout.split())

    def test_exit_codes(self):
        for words in (("false",), ("sh", "-c", "exit 9"), ("absent-program",)):
            with self.subTest(words=words):
                codes = [self.run_in(*words, runtime=runtime, check=False).returncode
                         for runtime in RUNTIMES if shutil.which("crun") or runtime == "engine"]
                self.assertEqual(len(set(codes)), 1, codes)
                self.assertNotEqual(codes[0], 0)

    def test_bud(self):
        folder = WORK / "context"
        folder.mkdir(exist_ok=True)
        (folder / "Containerfile").write_text(
            f"FROM oci-archive:{busybox_archive()}\nRUN echo built > /built && id -u > /id\nWORKDIR /tmp\nRUN pwd > /pwd\n")
        self.buildah("bud", "--runtime", ENGINE_RUNTIME, "--network", "none", "-t", "localhost/built", folder)
        container = self.buildah("from", "--pull=false", "localhost/built").stdout.strip()
        said = self.buildah("run", "--runtime", ENGINE_RUNTIME, "--network", "none", container, "cat", "/built", "/id", "/pwd")
        self.assertEqual(said.stdout.split(), ["built", "0", "/tmp"])
