"""Writes configs that between them have every key of the runtime-spec into a folder, for fuzz_spec."""
import json
import sys
from pathlib import Path

HOOK = {"path": "/bin/hook", "args": ["hook", "x"], "env": ["A=b"], "timeout": 5}
NAMESPACES = ("pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time")
ID_MAP = {"containerID": 0, "hostID": 100000, "size": 65536}
OWN = {"namespaces": [{"type": name} for name in NAMESPACES], "uidMappings": [ID_MAP], "gidMappings": [ID_MAP]}
PROCESS = {
    "terminal": True, "consoleSize": {"height": 25, "width": 80}, "cwd": "/", "args": ["sh", "-c", "true"],
    "user": {"uid": 1, "gid": 2, "umask": 63, "additionalGids": [5, 6]}, "env": ["PATH=/bin", "TERM=xterm"],
    "capabilities": {kind: ["CAP_CHOWN", "CAP_KILL"]
                     for kind in ("bounding", "permitted", "inheritable", "effective", "ambient")},
    "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 512}], "noNewPrivileges": True,
    "apparmorProfile": "profile", "selinuxLabel": "a:b:c", "oomScoreAdj": 100,
    "scheduler": {"policy": "SCHED_DEADLINE", "flags": ["SCHED_FLAG_RECLAIM"],
                  "runtime": 1000000, "deadline": 2000000, "period": 3000000},
    "ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 4}, "execCPUAffinity": {"initial": "7", "final": "0-3,7"},
}
RESOURCES = {
    "devices": [{"allow": False, "access": "rwm"}, {"allow": True, "type": "c", "major": 1, "minor": 3, "access": "r"}],
    "memory": {"limit": 536870912, "reservation": 1, "swap": -1, "kernel": -1, "kernelTCP": -1, "swappiness": 0,
               "disableOOMKiller": False, "useHierarchy": True, "checkBeforeUpdate": True},
    "cpu": {"shares": 1024, "quota": 1000000, "burst": 10, "period": 500000, "realtimeRuntime": 1, "realtimePeriod": 2,
            "cpus": "0-1,3", "mems": "0", "idle": 0},
    "pids": {"limit": 32771}, "unified": {"memory.high": "1", "io.weight": "default 3"},
    "blockIO": {"weight": 10, "leafWeight": 10, "weightDevice": [{"major": 8, "minor": 0, "weight": 500}],
                "throttleReadBpsDevice": [{"major": 8, "minor": 0, "rate": 600}],
                "throttleWriteIOPSDevice": [{"major": 8, "minor": 16, "rate": 300}]},
    "hugepageLimits": [{"pageSize": "2MB", "limit": 9223372036854772000}],
    "network": {"classID": 1048577, "priorities": [{"name": "eth0", "priority": 500}]},
    "rdma": {"mlx5_1": {"hcaHandles": 3, "hcaObjects": 10000}},
}
LINUX = {
    **OWN, "timeOffsets": {"monotonic": {"secs": 1, "nanosecs": 2}},
    "devices": [{"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229, "fileMode": 438, "uid": 0, "gid": 0}],
    "cgroupsPath": "/my/group", "resources": RESOURCES, "rootfsPropagation": "rslave", "sysctl": {"net.core.somaxconn": "1"},
    "maskedPaths": ["/proc/kcore"], "readonlyPaths": ["/proc/sys"], "mountLabel": "a:b:c:s0",
    "seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": []}, "personality": {"domain": "LINUX32"},
    "netDevices": {"eth0": {"name": "inside"}},
    "intelRdt": {"closID": "gold", "l3CacheSchema": "L3:0=7f0;1=1f", "memBwSchema": "MB:0=20", "schemata": ["L2:0=f"],
                 "enableMonitoring": True},
    "memoryPolicy": {"mode": "MPOL_INTERLEAVE", "nodes": "0-1", "flags": ["MPOL_F_STATIC_NODES"]},
}
MOUNTS = [
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=65536k"]},
    {"destination": "/data", "type": "bind", "source": "volume", "options": ["rbind", "ro", "rslave", "rro"]},
    {"destination": "/copy", "type": "tmpfs", "options": ["tmpcopyup", "noexec"]},
    {"destination": "/mapped", "source": "/x", "options": ["bind", "idmap"], "uidMappings": [ID_MAP], "gidMappings": [ID_MAP]},
]
HOOK_POINTS = ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")
FULL = {"ociVersion": "1.2.0", "process": PROCESS, "root": {"path": "rootfs", "readonly": True}, "hostname": "h",
        "domainname": "d", "mounts": MOUNTS, "hooks": {point: [HOOK] for point in HOOK_POINTS},
        "annotations": {"org.example.key": "value", "run.oci.systemd.subgroup": "x"}, "linux": LINUX}

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
seeds = {"full": FULL, "least": {"ociVersion": "1.0.0", "root": {"path": "/r"}, "linux": OWN}}
seeds["joined"] = {**seeds["least"], "linux": {"namespaces": [{"type": "mount"}, {"type": "time", "path": "/proc/1/ns/time"}]}}
for key in FULL:
    seeds[f"without-{key}"] = {name: value for name, value in FULL.items() if name != key}
for key, value in PROCESS.items():
    seeds[f"process-{key}"] = {**seeds["least"], "process": {"cwd": "/", "args": ["x"], "user": {"uid": 0, "gid": 0}, key: value}}
for key, value in LINUX.items():
    seeds[f"linux-{key}"] = {**seeds["least"], "linux": {**OWN, key: value}}
for key, value in RESOURCES.items():
    seeds[f"resources-{key}"] = {**seeds["least"], "linux": {**OWN, "resources": {key: value}}}
for name, config in seeds.items():
    (folder / name).write_text(json.dumps(config, separators=(",", ":")))
