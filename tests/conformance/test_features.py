"""features.md and features-linux.md: what the runtime says of itself is true."""

import re

from runtime_test import PLACE, RuntimeTest

TOP = {"ociVersionMin", "ociVersionMax", "hooks", "mountOptions", "linux", "annotations", "potentiallyUnsafeConfigAnnotations"}
LINUX = {"namespaces", "capabilities", "cgroup", "seccomp", "apparmor", "selinux", "intelRdt", "memoryPolicy",
         "mountExtensions", "netDevices"}
MUST_OPTIONS = set(
    "async atime bind defaults dev diratime dirsync exec iversion lazytime loud noatime nodev nodiratime noexec noiversion "
    "nolazytime norelatime nostrictatime nosuid private rbind relatime remount ro rprivate rshared rslave runbindable rw "
    "shared silent slave strictatime suid sync unbindable".split())

IN_ORDER = ["CAP_" + name for name in (
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE "
    "NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN "
    "SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE "
    "MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE").split()]


def version_of(text):
    return tuple(map(int, re.match(r"(\d+)\.(\d+)\.(\d+)", text).groups()))


class FeaturesTest(RuntimeTest):
    def setUp(self):
        super().setUp()
        self.features = self.runtime("features").json()
        self.linux = self.features["linux"]

    def test_only_properties_of_the_specification(self):
        self.assertEqual(set(self.features) - TOP, set())
        self.assertEqual(set(self.linux) - LINUX, set())

    def test_both_versions_are_accepted_and_in_order(self):
        low, high = self.features["ociVersionMin"], self.features["ociVersionMax"]
        self.assertLessEqual(version_of(low), version_of(high))
        for version in (low, high):
            self.config["ociVersion"] = version
            self.assertEqual(self.run_container("true").status, 0)

    def test_hooks_are_supported(self):
        self.assertEqual(set(self.features["hooks"]), {"prestart", "createRuntime", "createContainer", "startContainer",
                                                       "poststart", "poststop"})
        shared = self.shared_folder()
        for point in self.features["hooks"]:
            folder = "/shared" if point == "startContainer" else shared
            self.config.setdefault("hooks", {})[point] = [
                {"path": "/bin/sh", "args": ["sh", "-c", f"cat > /dev/null; echo > {folder}/{point}"]}]
        self.run_container("true")
        self.assertEqual({path.name for path in shared.iterdir()}, set(self.features["hooks"]))

    def test_mount_options_are_recognized(self):
        self.assertLessEqual(MUST_OPTIONS, set(self.features["mountOptions"]))
        for option in self.features["mountOptions"]:
            if option in ("idmap", "ridmap", "remount", "bind", "rbind"):
                continue  # what they need besides is in test_mounts
            with self.subTest(option=option):
                mounts, self.config["mounts"] = self.config["mounts"], list(self.config["mounts"])
                self.add_mount("/m", "tmpfs", "tmpfs", [option])
                result = self.run_container("true", check=False)
                self.config["mounts"] = mounts
                # A word that went to the file system as data would be refused by tmpfs.
                self.assertEqual(result.status, 0, result)

    def test_namespaces_are_recognized(self):
        for kind in self.linux["namespaces"]:
            with self.subTest(kind=kind):
                if kind not in [one["type"] for one in self.namespaces()] and kind != "user":
                    self.namespaces().append({"type": kind})
                self.assertEqual(self.run_container("true").status, 0)

    def test_capabilities_are_recognized(self):
        names = self.linux["capabilities"]
        self.assertLessEqual(set(IN_ORDER), set(names))
        self.config["process"]["capabilities"] = {"bounding": names, "effective": names, "permitted": names}
        warned = set(re.findall(r"CAP_\w+", self.run_container("true").stderr))
        held = next(int(line.split()[1], 16) for line in open("/proc/self/status") if line.startswith("CapBnd"))
        # The numbers of capabilities are in this order in the kernel as well.
        missing = {name for number, name in enumerate(IN_ORDER) if not held >> number & 1}
        self.assertLessEqual(warned, missing if PLACE != "user" else set())

    def run_with_seccomp(self, **seccomp):
        self.config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", **seccomp}
        return self.run_container("true", check=False)

    def test_seccomp_actions_are_recognized(self):
        for action in self.linux["seccomp"]["actions"]:
            with self.subTest(action=action):
                extra = {"listenerPath": str(self.dir / "absent")} if action == "SCMP_ACT_NOTIFY" else {}
                result = self.run_with_seccomp(syscalls=[{"names": ["acct"], "action": action}], **extra)
                if action == "SCMP_ACT_NOTIFY":  # it is known: what fails is to connect
                    self.assertRegex(result.stderr, "(?i)connect|No such file|absent|listener")
                else:
                    self.assertEqual(result.status, 0, result)

    def test_seccomp_operators_are_recognized(self):
        for operator in self.linux["seccomp"]["operators"]:
            with self.subTest(operator=operator):
                result = self.run_with_seccomp(syscalls=[{"names": ["acct"], "action": "SCMP_ACT_ERRNO", "args": [
                    {"index": 0, "value": 1, "valueTwo": 2, "op": operator}]}])
                self.assertEqual(result.status, 0, result)

    def test_seccomp_architectures_are_recognized(self):
        for architecture in self.linux["seccomp"]["archs"]:
            with self.subTest(architecture=architecture):
                result = self.run_with_seccomp(architectures=[architecture],
                                               syscalls=[{"names": ["acct"], "action": "SCMP_ACT_ERRNO"}])
                self.assertEqual(result.status, 0, result)

    def test_seccomp_flags_are_recognized_and_the_supported_ones_work(self):
        seccomp = self.linux["seccomp"]
        known, supported = seccomp.get("knownFlags") or [], seccomp.get("supportedFlags") or []
        self.assertLessEqual(set(supported), set(known))
        for flag in supported:
            with self.subTest(flag=flag):
                if flag == "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV":
                    continue  # needs a listener: test_seccomp
                result = self.run_with_seccomp(flags=[flag], syscalls=[{"names": ["acct"], "action": "SCMP_ACT_ERRNO"}])
                self.assertEqual(result.status, 0, result)

    def test_memory_policies_are_recognized(self):
        policy = self.linux.get("memoryPolicy") or {}
        for mode in policy.get("modes") or []:
            with self.subTest(mode=mode):
                wants_nodes = mode not in ("MPOL_DEFAULT", "MPOL_LOCAL")
                self.config["linux"]["memoryPolicy"] = {"mode": mode, **({"nodes": "0"} if wants_nodes else {})}
                result = self.run_container("true", check=False)
                if result.status != 0:  # an older kernel, or one without NUMA
                    self.assertRegex(result.stderr, "Invalid argument|not implemented")
        for flag in policy.get("flags") or []:
            with self.subTest(flag=flag):
                self.config["linux"]["memoryPolicy"] = {"mode": "MPOL_BIND", "nodes": "0", "flags": [flag]}
                result = self.run_container("true", check=False)
                if result.status != 0:
                    self.assertRegex(result.stderr, "Invalid argument|not implemented")

    def test_annotations_are_a_map_of_texts(self):
        for key, value in (self.features.get("annotations") or {}).items():
            self.assertTrue(key)
            self.assertIsInstance(value, str)

    def test_id_mapped_mounts_are_told(self):
        self.assertIn((self.linux.get("mountExtensions") or {}).get("idmap", {}).get("enabled"), (True, False))
        self.assertTrue(self.linux["mountExtensions"]["idmap"]["enabled"])
