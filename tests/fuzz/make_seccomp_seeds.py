"""Writes seccomp profiles of the runtime-spec and of docker into a folder, for fuzz_seccomp."""
import json
import sys
from pathlib import Path

ACTIONS = ("KILL", "KILL_PROCESS", "KILL_THREAD", "TRAP", "ERRNO", "TRACE", "ALLOW", "LOG", "NOTIFY")
OPERATORS = ("NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ")
CALLS = ("read", "clone", "ioctl", "socket", "personality", "openat2", "no_such_call")
FLAGS = ("TSYNC", "LOG", "SPEC_ALLOW", "WAIT_KILLABLE_RECV")


def rule(action, *names, **more):
    return {"names": list(names), "action": f"SCMP_ACT_{action}", **more}


def argument(index, operator, value, value_two=0):
    return {"index": index, "op": f"SCMP_CMP_{operator}", "value": value, "valueTwo": value_two}


PROFILES = {
    "least": {"defaultAction": "SCMP_ACT_ALLOW"},
    "actions": {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "listenerPath": "/run/agent",
                "listenerMetadata": "text", "flags": [f"SECCOMP_FILTER_FLAG_{flag}" for flag in FLAGS],
                "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
                "syscalls": [rule(action, call) for action, call in zip(ACTIONS, CALLS)] + [rule("NOTIFY", "mkdir")]},
    "operators": {"defaultAction": "SCMP_ACT_KILL_PROCESS",
                  "syscalls": [rule("ALLOW", "ioctl", args=[argument(1, operator, 0x541200000000 + number, 7)])
                               for number, operator in enumerate(OPERATORS)]},
    "several": {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
        rule("ALLOW", "socket", args=[argument(0, "EQ", 1), argument(1, "MASKED_EQ", 255, 3)]),
        rule("ERRNO", "socket", errnoRet=22, args=[argument(0, "EQ", 16), argument(2, "NE", 9)]),
        rule("LOG", "socket", args=[argument(0, "EQ", 2), argument(0, "EQ", 10)]),
        rule("ALLOW", "read", "write"), rule("TRAP", "read"), rule("TRACE", "read", errnoRet=3)]},
    "docker": {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1,
               "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]},
                           {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]}],
               "syscalls": [
                   rule("ALLOW", "mount", includes={"caps": ["CAP_SYS_ADMIN"]}, excludes={}, comment="", args=None),
                   rule("ERRNO", "bpf", errnoRet=1, excludes={"caps": ["CAP_BPF"], "arches": ["s390x"]}),
                   {"name": "ptrace", "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8", "arches": ["amd64"]}}]},
}

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
for name, profile in PROFILES.items():
    (folder / name).write_text(json.dumps(profile, separators=(",", ":")))
