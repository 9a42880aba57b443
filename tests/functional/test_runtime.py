"""The OCI runtime command line: the same bundle under `engine runtime` and under crun gives the same process view."""

import getpass
import json
import os
import shutil
import signal
import subprocess
import unittest
from pathlib import Path

from bundle_test import BundleTest
from engine_test import ENGINE, is_alive, wait_until

# What the kernel counts, or what is different for every process, however alike they are.
COUNTERS = ("Vm", "Rss", "voluntary", "nonvoluntary", "Speculation", "Cpus", "Mems", "SigQ", "Pid", "Tgid", "NSpid",
            "NStgid", "NSpgid", "NSsid", "Ngid", "HugetlbPages")

SAME = ("uid", "gid", "euid", "egid", "groups", "pid", "session", "process_group", "umask", "cwd", "hostname", "args",
        "env", "limits", "uid_map", "gid_map", "oom_score_adj", "terminal")


def cgroup2_is_all():
    return Path("/sys/fs/cgroup/cgroup.controllers").exists()


def normalized(report):
    """The parts of the guest's report that the bundle decides."""
    view = {name: report[name] for name in SAME}
    view["fds"] = sorted(report["fds"])
    view["interfaces"] = [line.split(":")[0].strip() for line in report["interfaces"]]
    view["status"] = {name: value for name, value in report["status"].items() if not name.startswith(COUNTERS)}
    view["own namespaces"] = {name: report["namespaces"][name] != os.readlink(f"/proc/self/ns/{name}")
                              for name in report["namespaces"]}
    view["mounts"], targets = {}, set()
    for line in report["mounts"]:
        before, _, after = line.partition(" - ")
        target, options = before.split()[4:6]
        # Below /sys: crun leaves submounts of a read-only bind writable. Masks: their flags are each runtime's own.
        if target.startswith("/sys/") and target != "/sys/firmware":
            continue
        targets.add(target)
        if target.startswith("/dev/") and after.startswith("devtmpfs") or target.startswith(("/proc/", "/sys/")):
            continue
        view["mounts"][target] = [after.split()[0], sorted(options.split(","))]
    view["targets"] = sorted(targets)
    return view


class ComparisonTest(BundleTest):
    def setUp(self):
        super().setUp()
        if not shutil.which("crun"):
            self.skipTest("crun is not installed")
        if not cgroup2_is_all():
            self.skipTest("crun refuses hosts with cgroup v1; run.py hides it when it is started by root")

    def assert_same_view(self):
        self.write_config()
        views = [normalized(self.runtime("run", "--bundle", self.bundle, "same", program=program).json())
                 for program in (None, self.crun())]
        self.assertEqual(*views)
        return views[0]

    def test_the_usual_bundle(self):
        self.assert_same_view()

    def test_process_settings(self):
        process = self.config["process"]
        process.update(env=["PATH=/", "A=b c", "EMPTY="], cwd="/work", noNewPrivileges=False, oomScoreAdj=500)
        process["user"]["umask"] = 0o027
        process["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 64, "hard": 128},
                              {"type": "RLIMIT_CORE", "soft": 0, "hard": 0}]
        self.config["hostname"] = "another.name"
        view = self.assert_same_view()
        self.assertEqual(view["limits"]["nofile"], [64, 128])

    def test_capability_sets(self):
        some = ["CAP_CHOWN", "CAP_KILL", "CAP_NET_RAW"]
        self.config["process"]["capabilities"] = {"bounding": some, "permitted": some, "inheritable": some[:2],
                                                  "effective": some[:2], "ambient": some[:1]}
        self.assert_same_view()
        del self.config["process"]["capabilities"]
        self.assert_same_view()

    def test_mounts(self):
        (self.dir / "shared").mkdir()
        self.config["root"]["readonly"] = False
        self.config["mounts"] += [
            {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs",
             "options": ["nosuid", "nodev", "noexec", "size=1m", "mode=1777"]},
            {"destination": "/work", "type": "bind", "source": str(self.dir / "shared"),
             "options": ["rbind", "ro", "nodev"]},
            {"destination": "/made/here", "type": "bind", "source": str(self.dir / "shared"),
             "options": ["bind", "noexec"]}]
        self.assert_same_view()

    def test_fewer_namespaces(self):
        for kind in ("uts", "ipc", "cgroup"):
            with self.subTest(without=kind):
                saved = self.config["linux"]["namespaces"]
                self.config["linux"]["namespaces"] = [space for space in saved if space["type"] != kind]
                if kind == "uts":
                    hostname = self.config.pop("hostname")
                if kind == "ipc":
                    self.config["mounts"] = [mount for mount in self.config["mounts"] if mount["type"] != "mqueue"]
                self.assert_same_view()
                self.config["linux"]["namespaces"] = saved
                if kind == "uts":
                    self.config["hostname"] = hostname

    def test_a_network_namespace(self):
        self.config["linux"]["namespaces"].append({"type": "network"})
        self.assert_same_view()

    def test_another_user_under_a_full_map(self):
        ranges = {}
        for kind in ("uid", "gid"):
            lines = [line.split(":") for line in Path(f"/etc/sub{kind}").read_text().splitlines()]
            ranges[kind] = next((line[1:] for line in lines if line[0] == getpass.getuser()), None)
            if not ranges[kind]:
                self.skipTest(f"no range in /etc/sub{kind}")
            self.config["linux"][f"{kind}Mappings"].append(
                {"containerID": 1, "hostID": int(ranges[kind][0]), "size": min(int(ranges[kind][1]), 65535)})
        self.config["process"]["user"] = {"uid": 1000, "gid": 1001, "additionalGids": [5, 6, 1001]}
        os.chmod(self.bundle / "rootfs", 0o755)
        for directory in (self.dir, self.bundle):
            os.chmod(directory, 0o755)  # another user must reach the root file system
        self.assert_same_view()

    def test_a_system_call_filter(self):
        self.config["linux"]["seccomp"] = {
            "defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"],
            "syscalls": [{"names": ["uname"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1}]}
        self.assertEqual(self.assert_same_view()["hostname"], "")

    def test_exit_codes_and_output(self):
        for words, status in ((["/guest", "exit", "7"], 7), (["/busybox", "sh", "-c", "kill -9 1; exit 3"], 3)):
            self.config["process"]["args"] = words
            self.write_config()
            for program in (None, self.crun()):
                self.assertEqual(self.runtime("run", "--bundle", self.bundle, "same", program=program,
                                              check=False).status, status)


class LifecycleTest(BundleTest):
    """create, state, start, kill, delete: the order that conmon and containerd's shim use."""

    def test_from_create_to_delete(self):
        self.config["process"]["args"] = ["/guest", "wait"]
        self.write_config()
        self.background("create", "--bundle", self.bundle, "--pid-file", self.dir / "pid", "one")
        state = self.state()
        self.assertEqual((state["id"], state["status"], state["bundle"]), ("one", "created", str(self.bundle)))
        self.assertEqual((self.dir / "output").read_text(), "")  # nothing of the user's has run
        pid = int((self.dir / "pid").read_text())
        self.assertEqual(state["pid"], pid)
        self.background("start", "one")
        wait_until(lambda: (self.dir / "output").read_text() == "ready\n", "it runs")
        self.assertEqual(self.state()["status"], "running")
        self.assert_fails(self.runtime("start", "one", check=False), 1, "one")
        self.assert_fails(self.runtime("delete", "one", check=False), 1, "one")
        self.runtime("kill", "one", "KILL")
        wait_until(lambda: self.state()["status"] == "stopped", "it has stopped")
        self.assertFalse(is_alive(pid))
        self.runtime("delete", "one")
        self.assert_fails(self.runtime("state", "one", check=False), 1, "one")

    def test_an_id_is_taken_once_and_force_deletes_what_runs(self):
        self.config["process"]["args"] = ["/guest", "wait"]
        self.write_config()
        self.background("create", "--bundle", self.bundle, "one")
        self.assert_fails(self.runtime("create", "--bundle", self.bundle, "one", check=False), 1, "one")
        pid = self.state()["pid"]
        self.runtime("delete", "--force", "one")
        wait_until(lambda: not is_alive(pid), "its process is gone")

    def test_exec_joins(self):
        self.config["process"]["args"] = ["/guest", "wait"]
        self.write_config()
        self.background("run", "--detach", "--bundle", self.bundle, "one")
        report = self.runtime("exec", "one", "/guest").json()
        self.assertEqual(report["hostname"], self.config["hostname"])
        self.assertEqual(sorted(report["fds"]), ["0", "1", "2"])
        self.assertEqual(self.runtime("exec", "one", "/guest", "exit", "9", check=False).status, 9)
        self.runtime("delete", "--force", "one")

    def test_home_comes_from_the_passwd_file_of_the_container(self):
        etc = self.bundle / "rootfs/etc"
        etc.mkdir(exist_ok=True)
        self.config["process"].update(args=["/guest", "wait"], env=["PATH=/bin"])
        self.write_config()
        self.background("run", "--detach", "--bundle", self.bundle, "one")

        def homes():
            self.config["process"]["args"] = ["/guest"]
            self.write_config()
            reports = (self.runtime("exec", "one", "/guest").json(),
                       self.runtime("run", "--bundle", self.bundle, "two").json())
            return {line for report in reports for line in report["env"] if line.startswith("HOME=")}

        self.assertEqual(homes(), {"HOME=/"})
        passwd = etc / "passwd"
        long_path = "/" + "x" * 5000
        for text, home in (("bad line\nroot:x:0:0:root:/roots/home:/bin/sh\n", "/roots/home"), ("x:x:0:0::home:", "/"),
                           (f"x:x:0:0::{long_path}:", "/"), ("\0:\0" * 100_000 + "\nx:x:0:0::/late:", "/late"),
                           ("#" * (1 << 20) + "\nx:x:0:0::/too/late:", "/")):
            with self.subTest(text=text[:40]):
                passwd.write_text(text)
                self.assertEqual(homes(), {f"HOME={home}"})
        passwd.unlink()
        for what, make in (("a FIFO", os.mkfifo), ("a directory", os.mkdir), ("endless", lambda at: at.symlink_to("/dev/zero")),
                           ("a descriptor of the stage", lambda at: at.symlink_to("/proc/self/fd/3"))):
            with self.subTest(what=what):
                target = etc / what
                make(target)
                target.rename(passwd)
                self.assertEqual(homes(), {"HOME=/"})
                passwd.rmdir() if passwd.is_dir() and not passwd.is_symlink() else passwd.unlink()
        self.runtime("delete", "--force", "one")

    def test_exec_sets_the_oom_score_outside(self):
        self.config["process"]["args"] = ["/guest", "wait"]
        self.write_config()
        self.background("run", "--detach", "--bundle", self.bundle, "one")
        process = dict(self.config["process"], args=["/guest"], oomScoreAdj=777)
        (self.bundle / "process.json").write_text(json.dumps(process))
        report = self.runtime("exec", "--process", self.bundle / "process.json", "one").json()
        self.assertEqual(report["oom_score_adj"], ["777"])
        process["oomScoreAdj"] = -1000
        (self.bundle / "process.json").write_text(json.dumps(process))
        result = self.runtime("exec", "--process", self.bundle / "process.json", "one", check=False)
        if os.getuid() != 0:
            self.assert_fails(result, 255, "setting process.oomScoreAdj: Permission denied")
        self.runtime("delete", "--force", "one")

    @unittest.skipUnless(shutil.which("strace"), "strace is not installed")
    def test_an_exec_that_fails_late_leaves_no_process_that_nobody_knows_of(self):
        self.config["process"]["args"] = ["/guest", "wait"]
        self.write_config()
        self.background("run", "--detach", "--bundle", self.bundle, "one")
        pid = self.state()["pid"]

        def inside():
            found = []
            for folder in Path("/proc").glob("[0-9]*"):
                try:
                    found += [folder.name] * (os.readlink(folder / "ns/pid") == os.readlink(f"/proc/{pid}/ns/pid"))
                except OSError:  # another user's, or gone
                    pass
            return found

        failed = 0
        for call in ("pidfd_open", "clone3", "pipe2", "memfd_create", "wait4", "waitid"):
            for turn in range(1, 9):
                command = [ENGINE, "runtime", "--root", str(self.dir / "states"), "exec", "--detach", "one", "/guest", "wait"]
                status = subprocess.run(["strace", "-o", self.dir / "trace", "-e",
                                         f"inject={call}:error=EMFILE:when={turn}", *command], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=self.environment,
                                        timeout=60, check=False).returncode
                if status == 0:  # there is no such call, or it is not needed
                    for number in set(inside()) - {str(pid)}:
                        os.kill(int(number), signal.SIGKILL)
                    wait_until(lambda: inside() == [str(pid)], "the process of the exec is gone")
                    if "(INJECTED)" not in (self.dir / "trace").read_text():
                        break
                    continue
                failed += 1
                self.assertEqual(inside(), [str(pid)], (call, turn))
        self.assertGreater(failed, 3)
        self.runtime("delete", "--force", "one")

    def test_errors_are_one_line(self):
        self.write_config()
        for words in (["state", "absent"], ["start", "absent"], ["kill", "absent"], ["delete", "absent"],
                      ["create", "x", "--bundle", "/nowhere"],
                      ["frobnicate"], ["create", "--bundle", self.bundle, "../x"]):
            with self.subTest(words=words):
                self.assert_fails(self.runtime(*words, check=False), 1, str(words[-1]))
