"""`engine runtime` as root: limits that the kernel keeps, and checkpoints. run.py runs these as root when it is root."""

import array
import json
import os
import shutil
import socket
import subprocess
import threading
import unittest
from pathlib import Path

from bundle_test import BundleTest
from engine_test import BUSYBOX, ENGINE, EngineTest, is_alive, wait_until

# criu knows no mixture of cgroup versions.
ONLY_CGROUP2 = ["unshare", "-m", "sh", "-c",
                'umount -R /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec "$@"', "sh"]


@unittest.skipIf(os.getuid() != 0, "needs root")
class RootTest(BundleTest):
    prefix = []

    def setUp(self):
        super().setUp()
        self.runtime("spec", "--bundle", self.bundle, "--config", "root.json")
        self.config = json.loads((self.bundle / "root.json").read_text())
        self.config["process"].update(args=["/guest", "wait"], terminal=False)
        self.name = f"root-{os.getpid()}"

    def runtime(self, *words, check=True, program=None):
        return super().runtime(*words, check=check,
                               program=[*self.prefix, ENGINE, "runtime", "--root", self.dir / "states"])

    def run_detached(self, *words, stdout):
        subprocess.run([*self.prefix, ENGINE, "runtime", "--root", self.dir / "states", *words], check=True,
                       timeout=120, env=self.environment, stdin=subprocess.DEVNULL, stdout=stdout,
                       stderr=subprocess.PIPE if stdout == subprocess.PIPE else stdout)


def has_cgroups():
    return any(line.split()[2] in ("cgroup", "cgroup2") for line in Path("/proc/mounts").read_text().splitlines())


def cgroup_of(pid):
    """Where a process is in version 2, as the host sees it."""
    lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    return next((line[3:] for line in lines if line.startswith("0::")), None)


@unittest.skipUnless(has_cgroups() and cgroup_of("self"), "no cgroup of version 2 is mounted here")
class DelegatedCgroupTest(RootTest):
    """Annotation run.oci.delegate-cgroup: limits above, and below a cgroup that is the container's own affair."""

    def setUp(self):
        super().setUp()
        self.config["linux"]["cgroupsPath"] = f"/{self.name}"
        self.config["annotations"] = {"run.oci.delegate-cgroup": "inner"}

    def start(self):
        self.write_config()
        self.background("run", "--detach", "--bundle", self.bundle, "one")
        return self.state()["pid"]

    def test_the_process_is_below_and_the_namespace_begins_above(self):
        pid = self.start()
        self.assertEqual(cgroup_of(pid), f"/{self.name}/inner")
        inside = self.runtime("exec", "one", "/busybox", "cat", "/proc/self/cgroup").stdout
        self.assertIn("0::/inner\n", inside)  # exec follows, and sees the tree from the limited cgroup on
        self.assertIn(pid, self.runtime("ps", "--format", "json", "one").json())

    def test_it_is_frozen_and_deleted_with_the_one_above(self):
        pid = self.start()
        self.runtime("pause", "one")
        self.assertEqual(self.state()["status"], "paused")
        self.runtime("resume", "one")
        self.runtime("delete", "--force", "one")
        self.assertFalse(is_alive(pid))
        folders = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()
                   if " - cgroup2 " in line]
        self.assertEqual([folder for folder in folders if os.path.exists(f"{folder}/{self.name}")], [])

    def test_it_belongs_to_the_containers_user(self):
        self.config["linux"]["namespaces"].append({"type": "user"})
        for kind in ("uidMappings", "gidMappings"):
            self.config["linux"][kind] = [{"containerID": 0, "hostID": 300000, "size": 65536}]
        pid = self.start()
        folder = next(path for path in (Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup"))
                      if (path / "cgroup.procs").exists()) / self.name
        self.assertEqual((folder / "inner").stat().st_uid, 300000)
        self.assertEqual((folder / "inner/cgroup.procs").stat().st_uid, 300000)
        self.assertEqual(folder.stat().st_uid, 0)
        self.assertTrue(is_alive(pid))


class DelegatedAttackTest(RootTest):
    """What a container may do from the inside to the cgroup above the one that it was given."""
    prefix = ONLY_CGROUP2

    def test_it_manages_its_own_and_cannot_touch_what_limits_it(self):
        self.config["linux"]["cgroupsPath"] = f"/{self.name}"
        self.config["linux"]["namespaces"].append({"type": "user"})
        for kind in ("uidMappings", "gidMappings"):
            self.config["linux"][kind] = [{"containerID": 0, "hostID": 300000, "size": 65536}]
        self.config["annotations"] = {"run.oci.delegate-cgroup": "inner"}
        for mount in self.config["mounts"]:
            if mount["type"] == "cgroup":
                mount["options"] = ["nosuid", "noexec", "nodev", "rw"]
        script = ("cd /sys/fs/cgroup; mkdir inner/mine && echo $$ > inner/mine/cgroup.procs && echo managed;"
                  "for deed in 'echo 1 > cgroup.freeze' 'echo 0 > cgroup.max.descendants' 'echo $$ > cgroup.procs'"
                  " 'mkdir beside' 'rmdir inner' 'echo 1 > ../cgroup.freeze' 'mv inner outer'; do"
                  " (eval \"$deed\") 2>/dev/null && echo \"$deed\"; done; cat /proc/self/cgroup")
        self.config["process"]["args"] = ["/busybox", "sh", "-c", script]
        self.write_config()
        result = self.runtime("run", "--bundle", self.bundle, self.name, check=False)
        if "mounting cgroup2" in result.stderr or "cgroup2" in result.stderr:
            self.skipTest(result.stderr)
        lines = [line for line in result.stdout.splitlines() if not line[:1].isdigit() or line.startswith("0::")]
        self.assertEqual(lines, ["managed", "0::/inner/mine"], result)


@unittest.skipUnless(has_cgroups(), "no cgroups are mounted here")
class LimitTest(RootTest):
    def start(self):
        self.write_config()
        self.background("run", "--detach", "--bundle", self.bundle, self.name)
        result = self.runtime("update", "--memory", "64m", "--pids-limit", "30", self.name, check=False)
        if result.status != 0 and "does not have the" in result.stderr:
            self.skipTest(result.stderr.splitlines()[0])
        self.assertEqual((result.status, result.stderr), (0, ""))

    def limits(self):
        data = self.runtime("events", "--stats", self.name).json()["data"]
        return data["memory"]["usage"]["limit"], data["pids"]["limit"]

    def test_update_by_options_and_by_file(self):
        self.start()
        self.assertEqual(self.limits(), (64 << 20, 30))
        (self.dir / "limits.json").write_text('{"memory": {"limit": 33554432}, "pids": {"limit": 40}}')
        self.runtime("update", "--resources", self.dir / "limits.json", self.name)
        self.assertEqual(self.limits(), (32 << 20, 40))
        self.tool(*[ENGINE, "runtime", "--root", self.dir / "states", "update", "-r", "-", self.name],
                  input='{"pids": {"limit": 50}}')
        self.assertEqual(self.limits(), (32 << 20, 50))
        self.assert_fails(self.runtime("update", "--cpu-shares", "-7", self.name, check=False), 1, "shares")

    def test_an_oom_kill_is_an_event(self):
        self.start()
        self.runtime("delete", "--force", self.name)
        self.config["linux"]["resources"] = {"memory": {"limit": 16 << 20}}
        self.config["process"]["args"] = ["/busybox", "sh", "-c", "read go; x=a; while :; do x=$x$x; done"]
        self.write_config()
        with subprocess.Popen([ENGINE, "runtime", "--root", self.dir / "states", "run", "--bundle", self.bundle, "--keep",
                               self.name], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                              env=self.environment) as running:
            wait_until(lambda: self.name in self.runtime("list", "-q").stdout
                       and self.state(self.name)["status"] == "running", "it runs")
            with subprocess.Popen([ENGINE, "runtime", "--root", self.dir / "states", "events", "--interval", "20ms",
                                   self.name], stdout=subprocess.PIPE, env=self.environment) as watching:
                self.assertEqual(json.loads(watching.stdout.readline())["type"], "stats")
                running.stdin.write(b"\n")
                running.stdin.close()
                types = [json.loads(line)["type"] for line in watching.stdout]
                self.assertIn("oom", types)
                self.assertEqual(watching.wait(60), 0)
            self.assertEqual(running.wait(60), 128 + 9)


class SharedPathTest(RootTest):
    def test_deleting_what_has_stopped_spares_who_has_its_cgroups_now(self):
        self.config["linux"]["cgroupsPath"] = f"/engine-shared-{os.getpid()}"
        self.write_config()
        self.background("run", "--detach", "--bundle", self.bundle, "one")
        self.runtime("kill", "one", "KILL")
        wait_until(lambda: self.state("one")["status"] == "stopped", "it stops")
        self.background("run", "--detach", "--bundle", self.bundle, "two")
        pid = self.state("two")["pid"]
        self.runtime("delete", "one")
        self.assertTrue(is_alive(pid))
        self.assertEqual(self.state("two")["status"], "running")
        self.assertIn(pid, self.runtime("ps", "--format", "json", "two").json())
        self.runtime("delete", "--force", "two")
        self.assertFalse(is_alive(pid))


@unittest.skipUnless(has_cgroups(), "no cgroups are mounted here")
@unittest.skipUnless(shutil.which("strace"), "strace is not installed")
class KilledTest(RootTest):
    def cgroups(self):
        return [path for path, _, _ in os.walk("/sys/fs/cgroup") if os.path.basename(path) == self.name]

    def create_under(self, *options):
        return subprocess.run(["strace", "-o", self.dir / "trace", *options, ENGINE, "runtime", "--root",
                               self.dir / "states", "create", "--bundle", self.bundle, self.name],
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60,
                              env=self.environment, check=False).returncode

    def test_a_create_that_is_killed_at_any_step_of_making_its_cgroups_leaves_none(self):
        self.write_config()
        self.background("create", "--bundle", self.bundle, self.name)  # what is made only once is made now
        self.runtime("delete", "--force", self.name)
        self.assertEqual(self.create_under("-e", "trace=mkdirat,fchmodat,renameat2,renameat,clone3"), 0)
        lines = (self.dir / "trace").read_text().splitlines()
        self.runtime("delete", "--force", self.name)
        self.assertEqual(self.cgroups(), [])
        mine = [number for number, line in enumerate(lines) if f'"{self.name}"' in line]
        left = 0
        for call in ("mkdirat", "fchmodat", "renameat"):
            numbered = [number for number, line in enumerate(lines) if line.startswith(call + "(")]
            for turn, number in enumerate(numbered, 1):
                if mine[0] <= number <= mine[-1] + 2:
                    with self.subTest(call=call, turn=turn):
                        self.assertNotEqual(self.create_under("-e", f"inject={call}:signal=KILL:when={turn}"), 0)
                        left += len(self.cgroups())
                        again = ["create", "--bundle", self.bundle] if turn % 2 else ["delete", "--force"]
                        self.background(*again, self.name)
                        self.runtime("delete", "--force", self.name)
                        self.assertEqual(self.cgroups(), [])
        self.assertGreater(left, 0, "it was never killed between making a cgroup and the end")

    def test_nor_does_one_that_is_killed_while_it_delegates_one(self):
        self.config["annotations"] = {"run.oci.delegate-cgroup": "inner"}
        self.write_config()
        self.background("create", "--bundle", self.bundle, self.name)
        self.runtime("delete", "--force", self.name)
        calls = ("mkdirat", "fchmodat", "write", "renameat")
        self.assertEqual(self.create_under("-e", "trace=" + ",".join(calls)), 0)
        lines = (self.dir / "trace").read_text().splitlines()
        self.runtime("delete", "--force", self.name)
        if not any(line.startswith("mkdirat(") and '"inner"' in line for line in lines):
            self.skipTest("no cgroup of version 2 is mounted here")
        first = next(number for number, line in enumerate(lines) if '"inner"' in line)
        for call in calls:
            numbered = [number for number, line in enumerate(lines) if line.startswith(call + "(")]
            for turn, number in enumerate(numbered, 1):
                if number >= first:
                    with self.subTest(call=call, turn=turn):
                        self.assertNotEqual(self.create_under("-e", f"inject={call}:signal=KILL:when={turn}"), 0)
                        pids = [int(pid) for folder in self.cgroups() for inner in ("", "/inner")
                                if os.path.exists(folder + inner)
                                for pid in Path(folder + inner, "cgroup.procs").read_text().split()]
                        self.runtime("delete", "--force", self.name)
                        self.assertEqual(self.cgroups(), [])
                        self.assertEqual([pid for pid in pids if is_alive(pid)], [])


class ManagerTest(RootTest):
    def test_systemd_beside_controllers_of_version_1_is_one_clear_line(self):
        """Whoever answers as systemd does is believed to be it, so this needs none."""
        if not Path("/sys/fs/cgroup/memory").is_dir():
            self.skipTest("this machine has no memory controller in version 1")
        (self.dir / "systemd").mkdir()
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(self.dir / "systemd/private"))
            listener.listen()

            def answer():
                with listener.accept()[0] as connection:
                    connection.sendall(b"DATA\r\nOK 0\r\nAGREE_UNIX_FD\r\n")
                    while connection.recv(4096):
                        pass
            thread = threading.Thread(target=answer)
            thread.start()
            self.write_config()
            self.environment["XDG_RUNTIME_DIR"] = str(self.dir)
            result = self.runtime("--rootless", "true", "--systemd-cgroup", "create", "--bundle", self.bundle, self.name,
                                  check=False)
            thread.join()
        self.assert_fails(result, 1, "needs cgroup version 2")
        self.assertIn("--cgroup-manager=cgroupfs", result.stderr)
        self.assertEqual(self.runtime("list", "-q").stdout, "")


class NoCheckpointTest(RootTest):
    """What is clear before criu is asked, or when it cannot: one line, and the container goes on."""

    def test_a_terminal_of_its_own_cannot_be_kept(self):
        self.config["process"]["terminal"] = True
        self.config["process"]["args"] = ["/guest", "wait"]
        self.write_config()
        with socket.socket(socket.AF_UNIX) as console:
            console.bind(str(self.dir / "console"))
            console.listen()
            self.background("run", "--detach", "--console-socket", self.dir / "console", "--bundle", self.bundle, "one")
            with console.accept()[0] as connection:
                _, ancillary, _, _ = connection.recvmsg(256, socket.CMSG_SPACE(4))
        master = array.array("i", ancillary[0][2])[0]
        self.addCleanup(os.close, master)
        result = self.runtime("checkpoint", "--image-path", self.dir / "image", "one", check=False)
        self.assert_fails(result, 1, "has a terminal, which a checkpoint cannot keep")
        self.assertEqual(self.state()["status"], "running")

    def test_nor_can_one_be_given_at_the_restore(self):
        result = self.runtime("restore", "--console-socket", self.dir / "console", "--bundle", self.bundle, "one",
                              check=False)
        self.assert_fails(result, 1, "--console-socket is not supported")
        self.assertEqual(self.runtime("list", "-q").stdout, "")

    def test_a_criu_that_cannot_work_here_is_one_clear_line(self):
        if not shutil.which("criu") or subprocess.run(["criu", "check"], capture_output=True, check=False).returncode == 0:
            self.skipTest("criu is not installed, or works on this kernel")
        self.config["process"]["args"] = ["/guest", "wait"]
        self.write_config()
        self.background("run", "--detach", "--bundle", self.bundle, "one")
        result = self.runtime("checkpoint", "--image-path", self.dir / "image", "one", check=False)
        self.assert_fails(result, 1, "criu dump failed")
        self.assertIn("dump.log", result.stderr)
        self.assertEqual(self.state()["status"], "running")
        self.assert_fails(self.runtime("restore", "--image-path", self.dir / "image", "--bundle", self.bundle, "two",
                                       check=False), 1, "criu restore failed")
        self.assertEqual(self.runtime("list", "-q").stdout, "one\n")


class CheckpointTest(RootTest):
    prefix = ONLY_CGROUP2

    def setUp(self):
        if not shutil.which("criu"):
            self.skipTest("criu is not installed")
        checked = subprocess.run(["criu", "check"], capture_output=True, text=True, check=False)
        if checked.returncode != 0:
            self.skipTest("this criu cannot work on this kernel: " + checked.stderr.strip().splitlines()[-1])
        super().setUp()
        self.config["process"]["args"] = [
            "/busybox", "sh", "-c", "i=0; while :; do i=$((i+1)); echo $i; /busybox sleep 0.05; done"]
        self.write_config()

    def start_counting(self, *words):
        """Runs a command whose container counts into a pipe; the pipe."""
        read_end, write_end = os.pipe()
        self.addCleanup(os.close, read_end)
        self.run_detached(*words, stdout=write_end)
        os.close(write_end)
        return read_end

    def last_number(self, pipe):
        text = b""
        while text.count(b"\n") < 3:
            text += os.read(pipe, 65536)
        return int(text.split(b"\n")[-2])

    def test_a_container_goes_on_where_it_was(self):
        counting = self.start_counting("run", "--detach", "--bundle", self.bundle, self.name)
        self.assertGreater(self.last_number(counting), 2)
        self.runtime("checkpoint", "--image-path", self.dir / "image", "--work-path", self.dir / "work", self.name)
        self.assertEqual(self.runtime("list", "-q").stdout, "")
        reached = int((b"\n" + os.read(counting, 65536)).split(b"\n")[-2] or 0)
        again = self.start_counting("restore", "--detach", "--bundle", self.bundle, "--image-path", self.dir / "image",
                                    "--pid-file", self.dir / "pid", self.name)
        number = self.last_number(again)
        self.assertGreater(number, reached)
        self.assertLess(number, reached + 1000)
        state = self.state(self.name)
        self.assertEqual((state["status"], state["pid"]), ("running", int((self.dir / "pid").read_text())))
        self.assertEqual(self.runtime("exec", self.name, "/guest", "exit", "3", check=False).status, 3)
        self.runtime("delete", "--force", self.name)
        self.assertFalse(is_alive(state["pid"]))

    def test_it_can_be_left_running(self):
        counting = self.start_counting("run", "--detach", "--bundle", self.bundle, self.name)
        self.runtime("checkpoint", "--leave-running", "--image-path", self.dir / "image", self.name)
        self.assertEqual(self.state(self.name)["status"], "running")
        self.assertGreater(self.last_number(counting), 0)

    def test_a_restore_that_fails_leaves_nothing(self):
        counting = self.start_counting("run", "--detach", "--bundle", self.bundle, self.name)
        self.last_number(counting)
        self.runtime("checkpoint", "--image-path", self.dir / "image", self.name)
        for image in Path(self.dir / "image").glob("core-*.img"):
            image.write_bytes(b"")
        result = self.runtime("restore", "--bundle", self.bundle, "--image-path", self.dir / "image", self.name,
                              check=False)
        self.assertEqual(result.status, 1, result)
        self.assertIn("criu restore failed", result.stderr)
        self.assertEqual(self.runtime("list", "-q").stdout, "")
        self.assertEqual(sorted(path.name for path in (self.dir / "states").iterdir()), ["~lock"])


@unittest.skipIf(os.getuid() != 0, "needs root")
class VolumesTest(EngineTest):
    """`engine run` as root, whose file systems can be idmapped."""

    def setUp(self):
        super().setUp()
        self.pull_image()
        (self.dir / "shared").mkdir()
        (self.dir / "shared/file").touch()
        os.chown(self.dir / "shared/file", 1000, 1001)

    def owner(self, option, *options):
        return self.in_container(*options, "-v", f"{self.dir}/shared:/there:{option}", BUSYBOX, "stat", "-c", "%u %g",
                                 "/there/file").stdout

    def test_idmapped_binds(self):
        auto = ("--userns", "auto:size=2000")
        self.assertEqual(self.owner("rw", *auto), "999 1000\n")  # its 0 is 1 here
        self.assertEqual(self.owner("idmap", *auto), "1000 1001\n")
        self.assertEqual(self.owner("ro,idmap=uids=1000-7-1;gids=1001-8-2"), "7 8\n")
        self.assertEqual(self.owner("idmap=uids=@1000-7-1;gids=@1000-8-10", *auto), "7 9\n")
        self.assertEqual(self.in_container(*auto, "--mount", f"type=bind,src={self.dir}/shared,dst=/there,idmap", BUSYBOX,
                                           "stat", "-c", "%u", "/there/file").stdout, "1000\n")
