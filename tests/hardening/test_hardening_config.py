"""config.json as a stranger writes it: every configuration that makes no sense is one line of error, and nothing has run."""

import copy
import json

from hardening_test import BundleTest, row

DEEP = 100_000


def path(*keys):
    """A change that sets config[keys...] to the last argument; None as a list index appends."""
    *way, last, value = keys

    def change(config):
        place = config
        for key in way:
            place = place.setdefault(key, {}) if isinstance(place, dict) else place[key]
        if last is None:
            place.append(value)
        else:
            place[last] = value
    return change


def without(*keys):
    *way, last = keys

    def change(config):
        place = config
        for key in way:
            place = place[key]
        del place[last]
    return change


def mount(**fields):
    return path("mounts", None, {"destination": "/m", "type": "tmpfs", "source": "tmpfs", **fields})


def namespaces(*entries):
    def change(config):
        config["linux"]["namespaces"] = [*config["linux"]["namespaces"], *entries]
    return change


def device(**fields):
    return path("linux", "devices", [{"path": "/dev/x", "type": "c", "major": 1, "minor": 3, **fields}])


def hook(point, **fields):
    return path("hooks", {point: [{"path": "/bin/true", **fields}]})


def rlimits(*entries):
    return path("process", "rlimits", list(entries))


NOFILE = {"type": "RLIMIT_NOFILE", "soft": 10, "hard": 20}
WRONG_TYPES = (None, 1, -1, 1.5, True, "x", [], {}, [1], {"a": 1})


def wrong_types(keys, *right):
    """Every JSON type in place of the right ones."""
    return [path(*keys, value) for value in WRONG_TYPES if not isinstance(value, right) or
            (isinstance(value, bool) and bool not in right)]


INVALID = [
    # The frame.
    without("ociVersion"), path("ociVersion", "banana"), path("ociVersion", "9.0.0"), path("ociVersion", ""),
    path("ociVersion", 1), without("root"), path("root", {}), path("root", "path", 5), path("root", "path", ""),
    path("root", "path", "/does/not/exist"), path("root", "path", "config.json"), path("root", "path", "a\0b"),
    path("root", "readonly", "yes"),
    *wrong_types(("root",), dict), *wrong_types(("process",), dict), *wrong_types(("mounts",), list, type(None)),
    *wrong_types(("linux",), dict), *wrong_types(("hostname",), str, type(None)),
    path("hostname", "x" * 70), path("hostname", "a\0b"),
    # process
    path("process", "args", []), path("process", "args", [1]), path("process", "args", "sh"), path("process", "args", ["a\0b"]),
    without("process", "cwd"), path("process", "cwd", "relative"), path("process", "cwd", ""), path("process", "cwd", "/a\0b"),
    path("process", "env", ["A=\0"]), path("process", "env", [5]), path("process", "env", "A=B"),
    path("process", "user", "uid", -1), path("process", "user", "uid", 2**32), path("process", "user", "uid", 2**32 - 1),
    path("process", "user", "uid", "0"), path("process", "user", "gid", 2**32), path("process", "user", "gid", 1.5),
    path("process", "user", "additionalGids", [-1]), path("process", "user", "additionalGids", [2**32]),
    path("process", "user", "additionalGids", 5), path("process", "user", "umask", -1), path("process", "user", "umask", 2**32),
    path("process", "capabilities", []), 
    path("process", "capabilities", {"bounding": "CAP_CHOWN"}), path("process", "capabilities", {"effective": [5]}),
    path("process", "noNewPrivileges", "true"), path("process", "noNewPrivileges", 1), path("process", "terminal", "no"),
    path("process", "oomScoreAdj", 1001), path("process", "oomScoreAdj", -1001), path("process", "oomScoreAdj", "5"),
    rlimits(NOFILE, NOFILE), rlimits({**NOFILE, "type": "RLIMIT_FROB"}), rlimits({**NOFILE, "type": ""}),
    rlimits({**NOFILE, "soft": 30}), rlimits({**NOFILE, "soft": -1}), rlimits({**NOFILE, "hard": "many"}),
    rlimits({"type": "RLIMIT_NOFILE"}), path("process", "rlimits", {}),
    # mounts
    mount(destination=""), mount(destination="/"), mount(destination="/a/../.."),
    mount(destination="/a\0b"), mount(destination=5), mount(type=5), mount(type="nosuchfs"), mount(source=5),
    mount(type="bind", source=""), mount(type="bind", source="/does/not/exist"), mount(type="bind", source="missing/in/bundle"),
    mount(type="bind", source="/a\0b"), mount(options="ro"), mount(options=[5]), mount(options=["=x"]),
    mount(options=["nosuchoption=1"]), mount(options=["size=banana"]), mount(options=["size=1m", "tmpcopyup", "idmap"]),
    mount(type="bind", source="/tmp", options=["tmpcopyup"]), mount(destination="/proc", type="tmpfs"),
    mount(destination="/proc", type="bind", source="/tmp"), mount(destination="/proc/self", type="tmpfs"),
    mount(type="bind", source="/tmp", options=["idmap"], uidMappings=[{"containerID": 0, "hostID": 0, "size": 1}]),
    mount(type="tmpfs", uidMappings=[{"containerID": 0, "hostID": 0, "size": 1}],
          gidMappings=[{"containerID": 0, "hostID": 0, "size": 1}]),
    mount(destination="/none", type="tmpfs", options=["remount"]), path("mounts", None, "x"), path("mounts", None, {}),
    path("mounts", None, []),
    # namespaces and ids
    path("linux", "namespaces", {}), path("linux", "namespaces", [{"type": "pid"}]), path("linux", "namespaces", []),
    namespaces({"type": "pid"}), namespaces({"type": "user"}), namespaces({"type": "frob"}), namespaces({"type": ""}), namespaces({}),
    namespaces("network"), namespaces({"type": "network", "path": "relative"}), namespaces({"type": "network", "path": "/etc/passwd"}),
    namespaces({"type": "network", "path": "/proc/self/ns/uts"}), namespaces({"type": "network", "path": "/does/not/exist"}),
    namespaces({"type": "network", "path": "/dev/null"}), namespaces({"type": "network", "path": "/tmp"}),
    namespaces({"type": "network", "path": "/proc/self/ns/net\0"}), namespaces({"type": "network", "path": 5}),
    path("linux", "uidMappings", []), path("linux", "gidMappings", []), without("linux", "gidMappings"),
    path("linux", "uidMappings", [{"containerID": 0, "hostID": 0, "size": 0}]),
    path("linux", "uidMappings", [{"containerID": 2**32, "hostID": 0, "size": 1}]), path("linux", "uidMappings", "0 0 1"),
    # devices, masks, sysctls, propagation
    device(path="relative"), device(path=""), device(path="/dev/../../x"), device(path="/a\0b"), device(type="z"), device(type=""),
    device(major=-1), device(minor=2**33), device(fileMode=0o4666), device(fileMode=-1), device(uid=2**32), device(gid=-1),
    device(type="c", major=251, minor=77), path("linux", "devices", [{"path": "/dev/x", "type": "c"}]), path("linux", "devices", {}),
    path("linux", "maskedPaths", ["relative"]), path("linux", "maskedPaths", [""]), path("linux", "maskedPaths", [5]),
    path("linux", "maskedPaths", "/proc/keys"), path("linux", "maskedPaths", ["/a\0b"]), path("linux", "readonlyPaths", ["relative"]),
    path("linux", "readonlyPaths", {"/a": 1}), path("linux", "readonlyPaths", [None]),
    path("linux", "sysctl", {"kernel.core_pattern": "x"}), path("linux", "sysctl", {"net.x\n": "1"}),
    path("linux", "sysctl", {"net.ipv4.ip_forward": "1"}), path("linux", "sysctl", {"kernel.msgmax": 5}),
    path("linux", "sysctl", {"kernel.msgmax": "1\n"}), path("linux", "sysctl", {"kernel.msgmax": "1\0"}),
    path("linux", "sysctl", {"../kernel/msgmax": "1"}), path("linux", "sysctl", ["x"]), path("linux", "sysctl", {"": "1"}),
    path("linux", "rootfsPropagation", "frob"), path("linux", "rootfsPropagation", 5), path("linux", "mountLabel", 5),
    path("linux", "cgroupsPath", 5), path("linux", "cgroupsPath", "a\0b"),
    path("linux", "personality", {"domain": "FROB"}), path("linux", "personality", {}),
    # resources
    path("linux", "resources", []), path("linux", "resources", {"memory": []}), path("linux", "resources", {"memory": {"limit": "x"}}),
    path("linux", "resources", {"pids": {"limit": "x"}}), path("linux", "resources", {"cpu": {"shares": "x"}}),
    path("linux", "resources", {"devices": {}}), path("linux", "resources", {"devices": [{"allow": "x"}]}),
    path("linux", "resources", {"devices": [{"allow": True, "type": "z"}]}),
    # seccomp
    path("linux", "seccomp", []), path("linux", "seccomp", {}), path("linux", "seccomp", {"defaultAction": "SCMP_ACT_FROB"}),
    path("linux", "seccomp", {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_FROB"]}),
    path("linux", "seccomp", {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": {}}),
    path("linux", "seccomp", {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": "x", "action": "SCMP_ACT_KILL"}]}),
    path("linux", "seccomp", {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["read"], "action": "FROB"}]}),
    path("linux", "seccomp", {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["read"], "action": "SCMP_ACT_KILL", "args": [{"index": 6, "value": 1, "op": "SCMP_CMP_EQ"}]}]}),
    path("linux", "seccomp", {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["read"], "action": "SCMP_ACT_KILL", "args": [{"index": 0, "value": 1, "op": "FROB"}]}]}),
    # hooks
    path("hooks", []), path("hooks", {"prestart": {}}), path("hooks", {"prestart": ["x"]}), path("hooks", {"prestart": [{}]}),
    hook("createRuntime", path="relative"), hook("createRuntime", path=""), hook("createRuntime", path=5),
    hook("createRuntime", path="/a\0b"), hook("createContainer", args="x"), hook("createContainer", args=[5]),
    hook("startContainer", env={}), hook("startContainer", env=["A\0"]), hook("poststart", timeout=0), hook("poststart", timeout=-1),
    hook("poststop", timeout="x"), hook("createRuntime", path="/does/not/exist"),
]

RAW = [
    b"", b"x", b"[]", b"null", b"5", b'"x"', b"{", b"{}x", b'{"ociVersion": "1.0.2",}', b'{"a": 1, "a": 2}',
    b"\xef\xbb\xbf{}", b'{"ociVersion": "\xff"}', b'{"ociVersion": "\\ud800"}', b'{"ociVersion": 1e999}', b"{} {}",
    b'{"a": ' + b"[" * DEEP + b"]" * DEEP + b"}", b'{"a": "' + b"x" * (9 << 20) + b'"}', b"\0" * 100,
    b'{"a": "\x00"}', b'{"ociVersion": "1.0.2", "process": ' + b'{"a":' * DEEP + b"1" + b"}" * DEEP + b"}",
]


class ConfigTest(BundleTest):
    def setUp(self):
        super().setUp()
        self.config["process"]["args"] = ["/bin/touch", "/it-ran"]
        self.config["process"].setdefault("capabilities", {})
        self.managers = ()  # resources and cgroupsPath are to be looked at

    def check(self, text, what):
        (self.bundle / "config.json").write_bytes(text)
        result = self.runtime("run", "--bundle", self.bundle, "c", check=False)
        with self.subTest(what=what):
            self.assert_refused(result)
            self.assertLess(len(result.stderr), 2000, result)
            self.assertFalse((self.rootfs / "it-ran").exists(), result)
            left = [entry.name for entry in (self.dir / "states").glob("*")] if (self.dir / "states").exists() else []
            self.assertNotIn("c", left)
        (self.rootfs / "it-ran").unlink(missing_ok=True)
        self.runtime("delete", "--force", "c", check=False)

    @row("bad-config", "R9", "R10")
    def test_the_frame_itself_is_valid(self):
        """Or all below would fail for another reason."""
        self.write_config()
        self.runtime("run", "--bundle", self.bundle, "c")
        self.assertTrue((self.rootfs / "it-ran").exists())

    @row("bad-config", "R9", "R10")
    def test_configurations_that_make_no_sense(self):
        self.assertGreaterEqual(len(INVALID) + len(RAW), 150)
        for number, change in enumerate(INVALID):
            config = copy.deepcopy(self.config)
            change(config)
            difference = {key: config.get(key) for key in {*config, *self.config} if config.get(key) != self.config.get(key)}
            self.check(json.dumps(config).encode(), f"{number}: {json.dumps(difference)[:600]}")

    @row("bad-config", "R9")
    def test_bytes_that_are_no_configuration(self):
        for text in RAW:
            self.check(text, text[:60])

    @row("bad-config", "R9")
    def test_very_many_mounts(self):
        """A million mounts are refused by size, not tried."""
        self.config["mounts"] += [{"destination": f"/m{number}", "type": "tmpfs", "source": "tmpfs"} for number in range(200_000)]
        self.check(json.dumps(self.config).encode(), "200 000 mounts")

    @row("bad-config", "R10")
    def test_ids_of_containers(self):
        self.write_config()
        for name in ("", ".", "..", "../x", "a/b", "/abs", "x" * 1025, "a\nb", "a b", "ä"):
            with self.subTest(name=name):
                self.assertNotEqual(self.runtime("run", "--bundle", self.bundle, "--", name, check=False).status, 0)
                self.assertFalse((self.rootfs / "it-ran").exists())
