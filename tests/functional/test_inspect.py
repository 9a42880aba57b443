"""`inspect` of a container: scripts that were written for podman find what they look for."""

import os
from pathlib import Path

from engine_test import BUSYBOX, EngineTest

DEFAULT_CAPABILITIES = ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_NET_BIND_SERVICE",
                        "CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID", "CAP_SYS_CHROOT"]
# Every key of podman 4.3's HostConfig for `podman run -d --network none IMAGE sleep 100`, with its value.
PLAIN_HOST_CONFIG = {
    "Binds": [], "CgroupMode": "private", "ContainerIDFile": "", "NetworkMode": "none", "PortBindings": {},
    "RestartPolicy": {"Name": "", "MaximumRetryCount": 0}, "AutoRemove": False, "VolumeDriver": "", "VolumesFrom": None,
    "CapAdd": [], "CapDrop": [], "Dns": [], "DnsOptions": [], "DnsSearch": [], "ExtraHosts": [], "GroupAdd": [],
    "IpcMode": "shareable", "Cgroup": "", "Cgroups": "default", "Links": None, "OomScoreAdj": 0, "PidMode": "private",
    "Privileged": False, "PublishAllPorts": False, "ReadonlyRootfs": False, "SecurityOpt": [], "Tmpfs": {},
    "UTSMode": "private", "UsernsMode": "", "Runtime": "oci", "ConsoleSize": [0, 0], "Isolation": "",
    "CpuShares": 0, "Memory": 0, "NanoCpus": 0, "CgroupParent": "", "BlkioWeight": 0, "CpuPeriod": 0, "CpuQuota": 0,
    "CpuRealtimePeriod": 0, "CpuRealtimeRuntime": 0, "CpusetCpus": "", "CpusetMems": "", "Devices": [], "DiskQuota": 0,
    "KernelMemory": 0, "MemoryReservation": 0, "MemorySwap": 0, "MemorySwappiness": 0, "OomKillDisable": False,
    "PidsLimit": 0, "CgroupConf": None}


class InspectTest(EngineTest):
    def created(self, *options, image=BUSYBOX, words=()):
        name = self.engine("create", *options, image, *words).stdout.strip()
        return self.inspect(name)

    def test_a_plain_container(self):
        self.pull_image()
        seen = self.created("--network", "none", words=["sleep", "100"])
        host = seen["HostConfig"]
        self.assertEqual({key: host.get(key, "absent") for key in PLAIN_HOST_CONFIG}, PLAIN_HOST_CONFIG)
        self.assertEqual(host["LogConfig"]["Type"], "k8s-file")
        self.assertEqual(Path(host["LogConfig"]["Path"]).parent.name, seen["Id"])
        self.assertEqual((seen["EffectiveCaps"], seen["BoundingCaps"]), (DEFAULT_CAPABILITIES, DEFAULT_CAPABILITIES))
        self.assertEqual((seen["Path"], seen["Args"]), ("sleep", ["100"]))
        config = seen["Config"]
        self.assertEqual((config["Cmd"], config["Entrypoint"]), (["sleep", "100"], None))
        self.assertEqual((config["Labels"], config["User"], config["WorkingDir"]), (None, "", "/"))
        self.assertEqual((config["Tty"], config["OpenStdin"], config["StopSignal"]), (False, False, "SIGTERM"))
        self.assertEqual(seen["Mounts"], [])

    def test_command_and_entrypoint(self):
        self.pull_image()
        self.pull_image("localhost/entry:1", Entrypoint=["/bin/sh", "-c"], Cmd=["echo hi"])
        for image, options, words, entrypoint, command in (
                (BUSYBOX, [], [], None, ["sh"]),
                (BUSYBOX, [], ["a", "b"], None, ["a", "b"]),
                (BUSYBOX, ["--entrypoint", "top"], [], ["top"], None),
                (BUSYBOX, ["--entrypoint", '["a","b"]'], ["c"], ["a", "b"], ["c"]),
                ("localhost/entry:1", [], [], ["/bin/sh", "-c"], ["echo hi"]),
                ("localhost/entry:1", [], ["true"], ["/bin/sh", "-c"], ["true"]),
                ("localhost/entry:1", ["--entrypoint", ""], ["true"], None, ["true"])):
            with self.subTest(image=image, options=options, words=words):
                config = self.created("--network", "none", *options, image=image, words=words)["Config"]
                self.assertEqual((config["Entrypoint"], config["Cmd"]), (entrypoint, command))

    def test_what_the_user_asked_for(self):
        self.pull_image()
        (self.dir / "data").mkdir()
        cidfile = self.dir / "id"
        seen = self.created(
            "--network", "none", "--rm", "--cap-add", "net_admin", "--cap-drop", "chown", "-v", f"{self.dir}/data:/x:ro",
            "-v", "vol:/vv", "--tmpfs", "/t:size=1m", "--ulimit", "nofile=100:200", "--read-only", "--security-opt",
            "no-new-privileges", "--security-opt", "seccomp=unconfined", "-u", "5", "--label", "a=b", "--hostname", "hh",
            "-w", "/tmp", "--group-add", "7", "--add-host", "q:1.1.1.1", "--shm-size", "1m", "--stop-signal", "INT",
            "--pid", "host", "--device", "/dev/null:/dev/nothing", "--cidfile", cidfile)
        host = seen["HostConfig"]
        expected = {
            "AutoRemove": True, "CapAdd": ["CAP_NET_ADMIN"], "CapDrop": ["CAP_CHOWN"], "ContainerIDFile": str(cidfile),
            "ReadonlyRootfs": True, "SecurityOpt": ["no-new-privileges", "seccomp=unconfined"], "PidMode": "host",
            "ShmSize": 1048576, "GroupAdd": ["7"], "ExtraHosts": ["q:1.1.1.1"],
            "Devices": [{"PathOnHost": "/dev/null", "PathInContainer": "/dev/nothing", "CgroupPermissions": ""}]}
        self.assertEqual({key: host[key] for key in expected}, expected)
        self.assertIn({"Name": "RLIMIT_NOFILE", "Soft": 100, "Hard": 200}, host["Ulimits"])
        self.assertIn("size=1m", host["Tmpfs"]["/t"])
        binds = sorted(bind.split(":")[:2] for bind in host["Binds"])
        self.assertEqual(binds, [[f"{self.dir}/data", "/x"], ["vol", "/vv"]])
        self.assertTrue(all(bind.split(":")[2].startswith(("ro,rprivate", "rw,rprivate")) for bind in host["Binds"]))
        mounts = {mount["Destination"]: mount for mount in seen["Mounts"]}
        self.assertEqual((mounts["/x"]["Type"], mounts["/x"]["RW"], mounts["/x"]["Source"]),
                         ("bind", False, f"{self.dir}/data"))
        self.assertEqual((mounts["/vv"]["Type"], mounts["/vv"]["RW"], mounts["/vv"]["Name"]), ("volume", True, "vol"))
        self.assertNotIn("ro", mounts["/x"]["Options"])
        self.assertEqual(seen["EffectiveCaps"], ["CAP_NET_ADMIN"])
        self.assertNotIn("CAP_CHOWN", seen["BoundingCaps"])
        config = seen["Config"]
        self.assertEqual((config["Labels"], config["User"], config["Hostname"], config["WorkingDir"],
                          config["StopSignal"]), ({"a": "b"}, "5", "hh", "/tmp", "SIGINT"))

    def test_a_privileged_container(self):
        self.pull_image()
        seen = self.created("--network", "host", "--privileged", "-i", "-t", "--init")
        host = seen["HostConfig"]
        self.assertEqual((host["Privileged"], host["CapAdd"], host["CapDrop"], host["NetworkMode"], host["Init"]),
                         (True, [], [], "host", True))
        self.assertIn("CAP_SYS_ADMIN", seen["EffectiveCaps"])
        self.assertEqual(seen["EffectiveCaps"], seen["BoundingCaps"])
        self.assertEqual((seen["Config"]["Tty"], seen["Config"]["OpenStdin"]), (True, True))

    def test_the_state_of_a_running_container(self):
        self.pull_image()
        state = self.inspect(self.start_sleeper())["State"]
        self.assertTrue(state["Running"])
        parent = int(Path(f"/proc/{state['Pid']}/stat").read_text().rpartition(")")[2].split()[1])
        self.assertEqual(state["ConmonPid"], parent)
        self.assertEqual(state["FinishedAt"], "0001-01-01T00:00:00Z")
        os.kill(state["Pid"], 0)
