#!/usr/bin/env python3
"""Checks that the tree is as ARCHITECTURE.md and STYLE rules say. One line per finding; exit status 1 when there are any.

    lint.py SOURCE_ROOT [ENGINE_BINARY]
"""

import re
import subprocess
import sys
from pathlib import Path

ALLOWED = {
    "base": set(),
    "storage": {"base"},
    "registry": {"base"},
    "rootless": {"base"},
    "runtime": {"base"},
    "engine": {"base", "storage", "registry", "rootless", "runtime"},
    "cmd": {"base", "engine"},
}
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60

# Third-party headers and the only files that may include them.
THIRD_PARTY = {
    r"<CLI/": r"cmd/parser\.cpp",
    r"<nlohmann/": r"base/json\.cpp",
    r"<toml\+\+/": r"(engine/toml_file|registry/\w+)\.cpp",
    r"<curl/": r"registry/http\w*\.(cpp|hpp)",
    r"<openssl/": r"base/digest_openssl\.cpp",
    r"<archive(_entry)?\.h>": r"(registry/\w*archive\w*|storage/unpack\w*)\.(cpp|hpp)",
    r"<(zstd|zlib|isa-l|igzip_lib)": r"(registry/\w*archive\w*|registry/gzip\w*|storage/unpack\w*)\.(cpp|hpp)",
    r"<seccomp\.h>": r"runtime/seccomp\w*\.(cpp|hpp)",
    r"<doctest/": r"tests/.*",
}

# Calls that belong to one file (STYLE.md, smell 9). The stub is freestanding and has its own calls.
FORBIDDEN = {
    r"(?<![\w.>:])(?<!void )(?:::)?close\(": r"base/fd\.cpp",
    r"(?<![\w.>:])::?(?:fork|vfork|clone|clone3)\(|SYS_clone3?": r"base/process\w*\.cpp|runtime/init\w*\.cpp|engine/launch\.cpp",
    r"(?<![\w.>])::(?:mount|umount2|umount|pivot_root|fsopen|fsmount|fsconfig|move_mount|open_tree|mount_setattr)\(": r"base/mount\w*\.cpp",
    r"\b(?:secure_)?getenv\(": r"rootless/\w+\.cpp|engine/config\.cpp",
    r"(?<![\w.>])(?:std::)?system\(|(?<![\w.>])popen\(": r"$^",
    r"\bdlopen\(|\bgetpw\w+\(|\bgetgr(?:nam|gid|ent|oup)\w*\(|\bgetaddrinfo\(": r"$^",
    r"\bopenat2\b(?!\.h)": r"base/(path_in_root|remove_tree)\.cpp",
    r"\b(?:TODO|FIXME|XXX)\b": r"$^",
    r"#\s*define\b": r"runtime/.*|tests/.*|base/path_in_root\.cpp|engine/toml_file\.cpp|registry/registries_conf\.cpp",
}


def sources(root):
    for folder in ALLOWED:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in (".cpp", ".hpp", ".c", ".h"):
                yield folder, path


def strip_comments(line):
    return re.sub(r'"(?:\\.|[^"\\])*"', '""', line).split("//")[0]


def check_includes(root, folder, path, lines):
    extra = {"runtime"} if folder == "cmd" and path.name.startswith("oci_") else set()
    for number, line in enumerate(lines, 1):
        if match := re.match(r'\s*#include "(\w+)/([\w/]*)', line):
            if match[1] not in ALLOWED[folder] | extra | {folder}:
                yield f"{path.relative_to(root)}:{number}: {folder} may not include {match[1]}"
            if folder == "base" and "oci" not in path.parts and match[0].find("base/oci/") >= 0:
                yield f"{path.relative_to(root)}:{number}: base may not include base/oci"
        for header, allowed in THIRD_PARTY.items():
            if re.search(r"#include " + header, line) and not re.fullmatch(allowed, str(path.relative_to(root))):
                yield f"{path.relative_to(root)}:{number}: this header belongs to {allowed}"


def check_calls(root, path, lines):
    name = str(path.relative_to(root))
    if name.startswith("runtime/stub/"):
        return
    in_comment = False
    for number, line in enumerate(lines, 1):
        if in_comment or line.lstrip().startswith("/*"):
            in_comment = "*/" not in line
            continue
        code = strip_comments(line)
        for pattern, allowed in FORBIDDEN.items():
            if re.search(pattern, code) and not re.fullmatch(allowed, name):
                yield f"{name}:{number}: belongs to another file: {line.strip()}"


def check_sizes(root, path, lines):
    name = path.relative_to(root)
    if len(lines) > MAX_FILE_LINES:
        yield f"{name}: {len(lines)} lines, more than {MAX_FILE_LINES}"
    start = None
    for number, line in enumerate(lines, 1):
        opens = re.match(r"(?!namespace|class|struct|enum|union|extern|using|#|//|}).*\{$", line)
        if start is None and opens and not line.startswith((" ", "}")):
            start = number if not line.rstrip().endswith("= {") else None
        elif start is None and re.match(r"^ {2}(?!\s).*\) (const |noexcept |override )*\{$", line):
            start = -number  # a method inside a class: ends at two blanks and a brace
        elif start is not None and line.rstrip() == ("}" if start > 0 else "  }"):
            length = number - abs(start) + 1
            if length > MAX_FUNCTION_LINES:
                yield f"{name}:{abs(start)}: a function of {length} lines, more than {MAX_FUNCTION_LINES}"
            start = None


def check_map(root):
    """Every header has its sentence in ARCHITECTURE.md."""
    text = (root / "ARCHITECTURE.md").read_text()
    for folder, path in sources(root):
        if path.suffix not in (".hpp", ".h") and not path.name.endswith("_main.cpp"):
            continue
        inside = str(path.relative_to(root / folder))
        if f"`{inside}`" not in text and f"`{path.name}`" not in text:
            yield f"{path.relative_to(root)}: has no sentence in ARCHITECTURE.md"


def check_binary(binary):
    """The static engine calls no NSS function and loads nothing."""
    symbols = subprocess.run(["nm", "-C", binary], stdout=subprocess.PIPE, text=True, check=True).stdout
    for name in re.findall(r" [TtWw] (dlopen|getpw\w+|getgr(?:nam|gid)\w*|getaddrinfo|gethostby\w+|initgroups)$", symbols, re.M):
        yield f"{binary}: links {name}, which needs NSS or the dynamic loader"
    headers = subprocess.run(["readelf", "-lW", binary], stdout=subprocess.PIPE, text=True, check=True).stdout
    if "INTERP" in headers:
        yield f"{binary}: is not static"


def main():
    root = Path(sys.argv[1]).resolve()
    findings = []
    for folder, path in sources(root):
        lines = path.read_text().splitlines()
        findings += check_includes(root, folder, path, lines)
        findings += check_calls(root, path, lines)
        findings += check_sizes(root, path, lines)
    findings += check_map(root)
    if len(sys.argv) > 2:
        findings += check_binary(sys.argv[2])
    print("\n".join(findings) or "lint: nothing found")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
