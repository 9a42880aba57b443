"""Every option of a limit, of create, update and clone: what is shown of it, and what the kernel is to be told."""

import json
import unittest

from engine_test import BUSYBOX, EngineTest

MIB = 1 << 20
NULL = [{"Path": "/dev/null", "Rate": 1024}]
# Words, what HostConfig shows, and what is in linux.resources of config.json.
LIMITS = (
    (("--blkio-weight", "300"), {"BlkioWeight": 300}, {"blockIO": {"weight": 300}}),
    (("--blkio-weight-device", "/dev/null:200"), {"BlkioWeightDevice": [{"Path": "/dev/null", "Weight": 200}]},
     {"blockIO": {"weightDevice": [{"major": 1, "minor": 3, "weight": 200}]}}),
    (("--cpu-period", "50000"), {"CpuPeriod": 50000}, {"cpu": {"period": 50000}}),
    (("--cpu-quota", "20000"), {"CpuQuota": 20000}, {"cpu": {"quota": 20000}}),
    (("--cpu-rt-period", "900000"), {"CpuRealtimePeriod": 900000}, {"cpu": {"realtimePeriod": 900000}}),
    (("--cpu-rt-runtime", "400000"), {"CpuRealtimeRuntime": 400000}, {"cpu": {"realtimeRuntime": 400000}}),
    (("--cpu-shares", "300"), {"CpuShares": 300}, {"cpu": {"shares": 300}}),
    (("--cpus", "0.5"), {"NanoCpus": 500_000_000, "CpuQuota": 50000}, {"cpu": {"quota": 50000, "period": 100000}}),
    (("--cpuset-cpus", "0"), {"CpusetCpus": "0"}, {"cpu": {"cpus": "0"}}),
    (("--cpuset-mems", "0"), {"CpusetMems": "0"}, {"cpu": {"mems": "0"}}),
    (("--memory", "64m"), {"Memory": 64 * MIB, "MemorySwap": 128 * MIB},
     {"memory": {"limit": 64 * MIB, "swap": 128 * MIB}}),
    (("--memory-reservation", "32m"), {"MemoryReservation": 32 * MIB}, {"memory": {"reservation": 32 * MIB}}),
    (("--memory", "64m", "--memory-swap", "96m"), {"MemorySwap": 96 * MIB}, {"memory": {"swap": 96 * MIB}}),
    (("--memory-swappiness", "7"), {"MemorySwappiness": 7}, {"memory": {"swappiness": 7}}),
    (("--device-read-bps", "/dev/null:1k"), {"BlkioDeviceReadBps": NULL},
     {"blockIO": {"throttleReadBpsDevice": [{"major": 1, "minor": 3, "rate": 1024}]}}),
    (("--device-write-bps", "/dev/null:1k"), {"BlkioDeviceWriteBps": NULL},
     {"blockIO": {"throttleWriteBpsDevice": [{"major": 1, "minor": 3, "rate": 1024}]}}),
)
# podman-container-clone(1) has not these.
NOT_OF_CLONES = (
    (("--pids-limit", "55"), {"PidsLimit": 55}, {"pids": {"limit": 55}}),
    (("--device-read-iops", "/dev/null:1024"), {"BlkioDeviceReadIOps": NULL},
     {"blockIO": {"throttleReadIOPSDevice": [{"major": 1, "minor": 3, "rate": 1024}]}}),
    (("--device-write-iops", "/dev/null:1024"), {"BlkioDeviceWriteIOps": NULL},
     {"blockIO": {"throttleWriteIOPSDevice": [{"major": 1, "minor": 3, "rate": 1024}]}}),
)


class LimitOptions(EngineTest):
    def setUp(self):
        super().setUp()
        self.pull_image()

    def create(self, *options):
        return self.engine("create", "--network", "none", *options, BUSYBOX, "true").stdout.strip()

    def resources(self, id):
        config = json.loads((self.root / "containers" / id / "config.json").read_text())
        return config["linux"].get("resources", {})

    def assert_limited(self, id, shown, told):
        host = self.inspect(id)["HostConfig"]
        self.assertEqual({name: host[name] for name in shown}, shown)
        found = self.resources(id)
        for group, values in told.items():
            self.assertEqual({name: found.get(group, {}).get(name) for name in values}, values, found)

    def test_of_create(self):
        for words, shown, told in LIMITS + NOT_OF_CLONES:
            with self.subTest(words=words):
                self.assert_limited(self.create(*words), shown, told)

    def test_of_update(self):
        for words, shown, told in LIMITS + NOT_OF_CLONES:
            with self.subTest(words=words):
                id = self.create("--memory", "80m", "--cpu-shares", "99")
                self.assertEqual(self.engine("update", *words, id).stdout.strip(), id)
                self.assert_limited(id, shown, told)
                if "--cpu-shares" not in words:  # what was there before stays
                    self.assert_limited(id, {"CpuShares": 99}, {"cpu": {"shares": 99}})

    def test_of_clone(self):
        source = self.create("--memory", "80m", "--cpu-shares", "99", "--pids-limit", "44")
        for words, shown, told in LIMITS:
            with self.subTest(words=words):
                id = self.engine("container", "clone", *words, "--name", "-".join(["clone", *words[::2]]), source).stdout.strip()
                self.assert_limited(id, shown, told)
                self.assert_limited(id, {"PidsLimit": 44}, {"pids": {"limit": 44}})
        self.assert_limited(source, {"Memory": 80 * MIB, "CpuShares": 99}, {"memory": {"limit": 80 * MIB}})

    def test_control_files_and_killing(self):
        id = self.create("--cgroup-conf", "memory.high=1048576", "--cgroup-conf", "cpu.idle=1")
        self.assert_limited(id, {"CgroupConf": {"memory.high": "1048576", "cpu.idle": "1"}},
                            {"unified": {"memory.high": "1048576", "cpu.idle": "1"}})
        id = self.create("--memory", "64m", "--oom-kill-disable")
        self.assert_limited(id, {"OomKillDisable": True}, {"memory": {"disableOOMKiller": True}})

    def test_modes_of_cgroups(self):
        """no-conmon is what happens anyway: a monitor of ours is never in a container's cgroup. Of split test_limits tells."""
        for mode in ("enabled", "no-conmon", "disabled", "split"):
            with self.subTest(mode=mode):
                done = self.engine("run", "--rm", "--network", "none", "--cgroups", mode, BUSYBOX, "cat", "/proc/self/cgroup")
                self.assertTrue(done.stdout)
                id = self.create("--cgroups", mode)
                self.assertEqual(self.inspect(id)["HostConfig"]["Cgroups"],
                                 "disabled" if mode == "disabled" else "default")
        self.assert_fails(self.engine("create", "--cgroups", "some", BUSYBOX, check=False), 125, "--cgroups")


if __name__ == "__main__":
    unittest.main()
