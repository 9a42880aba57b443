"""Variants of a config.json that no runtime should accept: each is the usual one with a few values changed.

A case is a dict from place ("process.user.uid", "mounts.0.type") to value; ABSENT takes the place away, and lists grow by
one. Names are made of the changes, so that the golden list reads by itself.
"""

import copy
import json

ABSENT = object()
LONG = "x" * 5000
EQUAL = {"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}
RULE = {"names": ["mkdir"], "action": "SCMP_ACT_ERRNO"}
DEVICE = {"path": "/dev/x", "type": "c", "major": 1, "minor": 3}
HOOK = {"path": "/bin/true"}
USER_NAMESPACE = [{"type": kind} for kind in ("pid", "mount", "ipc", "uts", "network", "cgroup", "user")]
MAP = [{"containerID": 0, "hostID": 990000, "size": 1000}]
OVERLAP = [{"containerID": 0, "hostID": 990000, "size": 1000}, {"containerID": 999, "hostID": 200000, "size": 10}]

# One place, and values for it of which each is wrong.
ONE_CHANGE = {
    "ociVersion": [ABSENT, None, 5, "", "1", "1.0", "one.0.0", "v1.0.0", "2.0.0", "0.9.0", ["1.0.0"]],
    "root": [ABSENT, None, "rootfs", [], {}],
    "root.path": [None, 5, "", "absent", "/absent/root", "rootfs/guest", "rootfs/../..\0", LONG],
    "root.readonly": ["yes", 1],
    "process": ["sh", []],
    "process.args": [ABSENT, [], "sh", [5], [None], [""], ["a\0b"]],
    "process.env": ["PATH=/bin", {"PATH": "/bin"}, [5], ["A=\0"]],
    "process.cwd": [ABSENT, None, "", "relative", 5, "/a\0b", ["/"]],
    "process.terminal": ["yes", 1, True],
    "process.user": ["root", []],
    "process.user.uid": [-1, "0", 1.5, 4294967295, 4294967296, None],
    "process.user.gid": [-1, "0", 1e30, 4294967295],
    "process.user.umask": [-1, 512, "022"],
    "process.user.additionalGids": [5, [-1], ["0"], [4294967295]],
    "process.noNewPrivileges": ["true", 1],
    "process.oomScoreAdj": [-1001, 1001, "5", 1.5],
    "process.capabilities": [[], "CAP_KILL"],
    "process.capabilities.bounding": ["CAP_KILL", [5], [{}]],
    "process.rlimits": [{}, [5], [{"type": "RLIMIT_NOSUCH", "soft": 1, "hard": 1}], [{"type": "RLIMIT_CPU", "soft": 1}],
                        [{"soft": 1, "hard": 1}], [{"type": "RLIMIT_CPU", "soft": -1, "hard": 1}],
                        [{"type": "RLIMIT_CPU", "soft": 2, "hard": 1}],
                        [{"type": "RLIMIT_CPU", "soft": 1, "hard": 1}, {"type": "RLIMIT_CPU", "soft": 1, "hard": 1}]],
    "process.scheduler": [{}, {"policy": "SCHED_NOSUCH"}, {"policy": "SCHED_OTHER", "nice": 20},
                          {"policy": "SCHED_OTHER", "flags": ["SCHED_FLAG_NOSUCH"]}, {"policy": "SCHED_FIFO", "priority": 100}],
    "process.ioPriority": [{}, {"class": "IOPRIO_CLASS_NOSUCH", "priority": 0}, {"class": "IOPRIO_CLASS_BE"},
                           {"class": "IOPRIO_CLASS_BE", "priority": 8}],
    "process.execCPUAffinity": [{"initial": "x"}, {"final": "3-1"}, {"initial": 5}],
    "hostname": [5, "x" * 65, ["a"]],
    "domainname": [5, "x" * 65],
    "mounts": [{}, "x", [5], [{"type": "tmpfs"}], [{"destination": ""}], [{"destination": 5}]],
    "mounts.0.type": [5, ["proc"], "no-such-file-system"],
    "mounts.0.options": ["ro", [5], {}],
    "mounts.0.source": [5, {}],
    "mounts.0.destination": ["/proc/../..", "a\0b", "../../etc"],
    "mounts.+": [{"destination": "/m", "source": "/absent/source", "options": ["bind"]},
                 {"destination": "/m", "type": "tmpfs", "options": ["no-such-option"]},
                 {"destination": "/m", "source": "/tmp", "options": ["bind", "idmap"]},
                 {"destination": "/m", "source": "/tmp", "options": ["bind", "idmap"], "uidMappings": MAP},
                 {"destination": "/m", "source": "/tmp", "options": ["bind", "idmap"], "gidMappings": MAP},
                 {"destination": "/m", "source": "/tmp", "options": ["bind", "idmap"], "uidMappings": "0", "gidMappings": MAP}],
    "hooks": [[], "x", {"prestart": {}}, {"createRuntime": [5]}],
    "hooks.createRuntime": [[{}], [{"path": "relative"}], [{"path": ""}], [{"path": 5}], [{**HOOK, "timeout": 0}],
                            [{**HOOK, "timeout": "1"}], [{**HOOK, "args": "x"}],
                            [{**HOOK, "env": {"A": "1"}}], [{"path": "/absent/hook"}], [{"path": "/bin/false"}]],
    "hooks.poststop": [[{"path": "relative"}], "x"],
    "annotations": [[], "x", {"": "x"}, {"a": 5}, {"a": None}, {"run.oci.delegate-cgroup": "a/b"},
                    {"run.oci.delegate-cgroup": ".."}, {"run.oci.systemd.subgroup": "../x"},
                    {"run.oci.systemd.subgroup": "a\nb"}],
    "linux": ["x", []],
    "linux.namespaces": ["pid", {}, [5], [{}], [{"type": "nosuch"}], [{"type": 5}], [{"type": "pid"}, {"type": "pid"}]],
    "linux.namespaces.+": [{"type": "network"}, {"type": "user", "path": "relative"}, {"type": "time", "path": "/etc/passwd"},
                           {"type": "user", "path": "/absent/namespace"}],
    "linux.namespaces.4.path": [5, "/etc/passwd", "/proc/self/ns/uts", "proc/self/ns/net", "/absent"],
    "linux.uidMappings": ["x", [5], MAP],
    "linux.devices": [{}, [5], [{**DEVICE, "type": "x"}], [{**DEVICE, "type": ""}], [{**DEVICE, "path": "dev/x"}],
                      [{**DEVICE, "path": "/dev/../../x"}], [{**DEVICE, "major": -1}], [{**DEVICE, "major": "1"}],
                      [{**DEVICE, "fileMode": 4095}], [{**DEVICE, "uid": -1}], [{"path": "/dev/x", "type": "c"}]],
    "linux.sysctl": [[], {"vm.swappiness": "1"}, {"kernel.pid_max": "1"}, {"net.ipv4.ip_forward": 1}, {"": "1"},
                     {"net..ipv4": "1"}, {"../kernel/hostname": "x"}, {"net.ipv4.ip_forward": "1\n2"}, {"net.no.such.key": "1"}],
    "linux.maskedPaths": ["/x", [5], ["relative"], [""]],
    "linux.readonlyPaths": ["/x", [5], ["relative"]],
    "linux.rootfsPropagation": [5, "nosuch"],
    "linux.cgroupsPath": [5, "/a/../../b"],
    "linux.personality": [{}, {"domain": "LINUX64"}, {"domain": "LINUX", "flags": ["NOSUCH"]}],
    "linux.timeOffsets": [[], {"realtime": {"secs": 1}}, {"monotonic": {"secs": "1"}}, {"monotonic": {"nanosecs": 1000000000}},
                          {"monotonic": {"secs": 1}}],
    "linux.memoryPolicy": [{}, {"mode": "MPOL_NOSUCH"}, {"mode": "MPOL_BIND"}, {"mode": "MPOL_BIND", "nodes": "x"},
                           {"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_NOSUCH"]}],
    "linux.netDevices": [[], {"absent0": {}}, {"lo": {"name": "a/b"}}, {"lo": {"name": "x" * 16}}],
    "linux.intelRdt": [[], {"closID": 5}, {"closID": ""}, {"closID": ".."}, {"closID": "a/b"}, {"closID": "info"},
                       {"closID": "a\nb"}, {"memBwSchema": "x"}, {"memBwSchema": "L3:0=f"}, {"memBwSchema": "MB:0=20\nMB:1=2"},
                       {"l3CacheSchema": "MB:0=20"}, {"l3CacheSchema": "L3:0"}, {"l3CacheSchema": "L3:0=f\nMB:0=20"},
                       {"schemata": "L3:0=f"}, {"schemata": ["L3:0=f", "L2:0="]}, {"schemata": ["MB:0=20\n"]},
                       {"enableMonitoring": "yes"}],
    "linux.seccomp": [[], {}, {"defaultAction": "SCMP_ACT_NOSUCH"}, {"defaultAction": 5},
                      {"defaultAction": "SCMP_ACT_ALLOW", "defaultErrnoRet": 1},
                      {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_NOSUCH"]},
                      {"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_NOSUCH"]},
                      {"defaultAction": "SCMP_ACT_ALLOW", "listenerMetadata": "x"},
                      *({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]} for rule in (
                          5, {}, {**RULE, "names": []}, {**RULE, "names": "mkdir"}, {**RULE, "action": "SCMP_ACT_NOSUCH"},
                          {**RULE, "action": "SCMP_ACT_KILL", "errnoRet": 1}, {**RULE, "errnoRet": "1"},
                          {**RULE, "args": [{**EQUAL, "index": 6}]}, {**RULE, "args": [{**EQUAL, "op": "SCMP_CMP_NOSUCH"}]},
                          {**RULE, "args": [{**EQUAL, "value": -1}]}, {**RULE, "action": "SCMP_ACT_NOTIFY"}))],
    "linux.resources": ["x", [], {"memory": {"limit": "1G"}}, {"memory": {"limit": -2}}, {"memory": {"swappiness": 101}},
                        {"cpu": {"shares": -1}}, {"cpu": {"cpus": "0-"}}, {"cpu": {"period": "1"}}, {"pids": {"limit": "5"}},
                        {"devices": [{"access": "rwm"}]}, {"devices": [{"allow": True, "type": "x"}]},
                        {"devices": [{"allow": True, "access": "q"}]}, {"blockIO": {"weight": 5}},
                        {"blockIO": {"weightDevice": [{"major": 8, "minor": 0}]}},
                        {"blockIO": {"throttleReadBpsDevice": [{"major": 8, "minor": 0}]}},
                        {"hugepageLimits": [{"pageSize": "2XB", "limit": 1}]}, {"hugepageLimits": [{"limit": 1}]},
                        {"rdma": {"x": {}}}, {"unified": {"../x": "1"}}, {"unified": {"memory.max": 5}}],
}

# Several places whose values are wrong together.
COMBINATIONS = [
    {"linux.namespaces": USER_NAMESPACE, "linux.uidMappings": MAP},
    {"linux.namespaces": USER_NAMESPACE, "linux.gidMappings": MAP},
    {"linux.namespaces": USER_NAMESPACE, "linux.uidMappings": OVERLAP, "linux.gidMappings": MAP},
    {"linux.namespaces": USER_NAMESPACE, "linux.uidMappings": MAP, "linux.gidMappings": OVERLAP},
    {"linux.namespaces": USER_NAMESPACE, "linux.uidMappings": [{"containerID": 0, "hostID": 1, "size": 0}],
     "linux.gidMappings": MAP},
    {"linux.namespaces": USER_NAMESPACE, "linux.uidMappings": [{"containerID": 4294967290, "hostID": 1, "size": 100}],
     "linux.gidMappings": MAP},
    {"linux.namespaces": USER_NAMESPACE, "linux.uidMappings": [{"containerID": 0, "size": 1}], "linux.gidMappings": MAP},
    {"linux.namespaces": [*USER_NAMESPACE[:6], {"type": "user", "path": "/proc/self/ns/user"}], "linux.uidMappings": MAP,
     "linux.gidMappings": MAP},
    {"linux.namespaces": [{"type": "mount"}], "hostname": "x"},
    {"linux.namespaces": [{"type": "mount"}], "domainname": "x"},
    {"linux.namespaces": [{"type": "mount"}, {"type": "uts"}], "linux.sysctl": {"net.core.somaxconn": "5"}},
    {"linux.namespaces": [{"type": "mount"}, {"type": "uts"}], "linux.sysctl": {"kernel.shmmax": "5"}},
    {"linux.namespaces": [{"type": "pid"}]},
    *({"process.terminal": True, "process.consoleSize": size}
      for size in ("80x25", {"height": 70000, "width": 1}, {"height": 10}, {"height": -1, "width": 1})),
    {"linux": ABSENT, "windows": {"layerFolders": ["x"]}},
]

# Files that are not even a JSON object.
TEXTS = ["", "{", "null", "[]", "{}", '"x"', "\0", "{'a': 1}", '{"ociVersion": "1.0.2",}', '{"a": 1, "a": 2}', "[" * 10_000]


def apply(config, place, value):
    *path, last = place.split(".")
    for key in path:
        config = config[int(key)] if isinstance(config, list) else config.setdefault(key, {})
    if last == "+":
        config.append(value)
    elif value is ABSENT:
        del config[last]
    else:
        config[int(last) if isinstance(config, list) else last] = value


def shown(value):
    text = "absent" if value is ABSENT else json.dumps(value)
    return text if len(text) < 120 else f"{text[:100]}… ({len(text)} bytes)"


def cases(base):
    """(name, text of config.json) of every case."""
    changes = [{place: value} for place, values in ONE_CHANGE.items() for value in values] + COMBINATIONS
    for change in changes:
        config = copy.deepcopy(base)
        for place, value in change.items():
            apply(config, place, copy.deepcopy(value) if value is not ABSENT else value)
        yield ", ".join(f"{place} {shown(value)}" for place, value in change.items()), json.dumps(config)
    for text in TEXTS:
        yield f"the file is {shown(text)}", text
