#!/usr/bin/env python3
"""Checks that the tree is as ARCHITECTURE.md and HACKING.md say. One line per finding; exit status 1 when there are any.

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

# Third-party headers and the only sources that may include them; no header may.
THIRD_PARTY = {
    r"CLI/": r"cmd/parser\.cpp",
    r"nlohmann/": r"base/json\.cpp",
    r"toml\+\+/": r"(engine/toml_file|registry/registries_conf)\.cpp",
    r"curl/": r"registry/http\.cpp",
    r"microhttpd\.h": r"registry/http_server\.cpp",
    r"yaml\.h": r"registry/yaml_file\.cpp",
    r"openssl/": r"(base/digest_openssl|registry/(signature|secretbox|sigstore_key))\.cpp",
    r"archive(_entry)?\.h": r"registry/archive_file\.cpp",
    r"zstd\.h": r"storage/(unpack_unzstd|compress_zstd)\.cpp",
    r"zlib\.h": r"storage/(unpack_gunzip_zlib|compress_gzip)\.cpp",
    r"isa-l/": r"storage/unpack_gunzip_isal\.cpp",
    r"seccomp\.h": r"runtime/seccomp_names\.cpp",
}
# The C library, the kernel, the compiler. Whatever else is included in <> must stand in the table above.
SYSTEM_HEADER = re.compile(
    r"(sys|linux|asm|net|netinet|arpa)/[\w.-]+|"
    r"(dirent|elf|fcntl|fnmatch|grp|ifaddrs|poll|sched|stddef|stdint|termios|unistd|cpuid|immintrin)\.h|[a-z_]+")

# Calls and words that belong to one file. The stub is freestanding and has its own.
FORBIDDEN = {
    r"(?<![\w.>:])(?<!void )(?:::)?close\(": r"base/fd\.cpp",
    r"(?<![\w.>:])::?(?:fork|vfork|clone|clone3)\(|SYS_clone3?": r"base/process\.cpp|runtime/init(?:_spawn)?\.cpp|engine/keeper\.cpp|rootless/early_user_namespace\.cpp",
    r"(?<![\w.>])::(?:mount|umount2|umount|pivot_root|fsopen|fsmount|fsconfig|move_mount|open_tree|mount_setattr)\("
    r"|\bSYS_(?:mount|umount2|pivot_root|fsopen|fsmount|fsconfig|move_mount|open_tree|mount_setattr)\b": r"base/mount(_classic)?\.cpp",
    r"\b(?:secure_)?getenv\(": r"rootless/host_facts\.cpp",
    r"(?<![\w.>])(?:std::)?system\(|(?<![\w.>])popen\(": r"$^",
    r"(?<![\w.>])(?:std::|::)?(?:exit|quick_exit)\(": r"$^",
    r"\bdlopen\(|\bgetpw\w+\(|\bgetgr(?:nam|gid|ent|oup)\w*\(|\bgetaddrinfo\(": r"$^",
    r"\bopenat2\b(?!\.h)|\bSYS_openat2\b": r"base/(path_in_root|remove_tree)\.cpp",
    r"#\s*define\b": r"(base/path_in_root|engine/toml_file|registry/registries_conf|runtime/stub_buffer)\.cpp",
}
# As above, but in comments as well.
FORBIDDEN_WORDS = re.compile(r"\b(?:TODO|FIXME|XXX)\b")
# Documents that this tree does not have; what they say belongs into the code or ARCHITECTURE.md.
DOCUMENT = re.compile(r"\b[A-Z][A-Z_-]+[A-Z]\.md\b|\bSECURITY-AND-DESIGN\b")
BANNED_FILE_NAME = re.compile(r"(?:^|_)(?:util|utils|common|misc|helpers)(?:_|$)")


def sources(root):
    for folder in ALLOWED:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in (".cpp", ".hpp", ".c", ".h"):
                yield folder, path


def without_comments(lines):
    """The lines with comments and the content of strings blanked out."""
    in_comment = False
    for line in lines:
        code = "" if in_comment else re.sub(r'"(?:\\.|[^"\\])*"', '""', line)
        if in_comment and "*/" in line:
            code, in_comment = line.split("*/", 1)[1], False
        code = re.sub(r"/\*.*?\*/", "", code).split("//")[0]
        if "/*" in code:
            code, in_comment = code.split("/*", 1)[0], True
        yield code


def check_includes(root, folder, path, lines):
    name = str(path.relative_to(root))
    is_oci = name.startswith("cmd/oci_")
    extra = {"runtime"} if is_oci else set()
    for number, line in enumerate(lines, 1):
        if match := re.match(r'\s*#include "(\w+)/([\w/]*)', line):
            if match[1] not in ALLOWED[folder] | extra | {folder}:
                yield f"{name}:{number}: {folder} may not include {match[1]}"
            if re.match(r"cmd/oci_(?!runtime$)", f"{match[1]}/{match[2]}") and not is_oci:
                yield f"{name}:{number}: only cmd/oci_* may include that, since it includes runtime"
            if folder == "base" and "oci" not in path.parts and match[2].startswith("oci/"):
                yield f"{name}:{number}: base may not include base/oci"
        elif re.match(r'\s*#include "', line):
            yield f"{name}:{number}: headers of our own are included from the root of the tree"
        elif match := re.match(r"\s*#include <([^>]+)>", line):
            allowed = [files for header, files in THIRD_PARTY.items() if re.match(header, match[1])]
            if allowed and not re.fullmatch(allowed[0], name):
                yield f"{name}:{number}: <{match[1]}> belongs to {allowed[0]}"
            if not allowed and not SYSTEM_HEADER.fullmatch(match[1]):
                yield f"{name}:{number}: <{match[1]}> is a third-party header that nobody may include"


def check_calls(root, path, lines):
    name = str(path.relative_to(root))
    for number, (line, code) in enumerate(zip(lines, without_comments(lines)), 1):
        if FORBIDDEN_WORDS.search(line):
            yield f"{name}:{number}: neither finished nor an issue: {line.strip()}"
        for document in DOCUMENT.findall(line):
            if not (root / document).is_file():
                yield f"{name}:{number}: there is no {document}"
        if name.startswith("runtime/stub/"):
            continue
        for pattern, allowed in FORBIDDEN.items():
            if re.search(pattern, code) and not re.fullmatch(allowed, name):
                yield f"{name}:{number}: belongs to another file: {line.strip()}"


def check_name(root, path):
    if BANNED_FILE_NAME.search(path.stem):
        yield f"{path.relative_to(root)}: a name that takes in everything"


def long_blocks(lines, margin):
    """(first, last) line of blocks that end with a lone brace at this margin: functions at 0, methods in classes at 2."""
    first = None
    for number, line in enumerate(lines, 1):
        indent = len(line) - len(line.lstrip())
        if line.rstrip() == " " * margin + "}":
            if first is not None and number - first + 1 > MAX_FUNCTION_LINES:
                yield first, number
            first = None
        elif line.strip() and indent == margin and not line.lstrip().startswith(("#", "//", "/*", "*", "}")):
            first = number


def check_sizes(root, path, lines):
    name = path.relative_to(root)
    if len(lines) > MAX_FILE_LINES:
        yield f"{name}: {len(lines)} lines, more than {MAX_FILE_LINES}"
    functions = list(long_blocks(lines, 0))
    methods = [block for block in long_blocks(lines, 2) if not any(a < block[0] <= b for a, b in functions)]
    for first, last in functions + methods:
        yield f"{name}:{first}: a function of {last - first + 1} lines, more than {MAX_FUNCTION_LINES}"


def check_map(root):
    """Every header has its sentence in ARCHITECTURE.md, under its folder, and every sentence its file."""
    named = {folder: set() for folder in ALLOWED}
    folder = None
    for number, line in enumerate((root / "ARCHITECTURE.md").read_text().splitlines(), 1):
        if heading := re.match(r"#+ (.*)", line):
            folder = heading[1] if heading[1] in ALLOWED else None
        for token in re.findall(r"`([\w/.-]+\.(?:hpp|cpp|h|c|py|sh|md))`", line):
            place = root / folder / token if folder and (root / folder / token).exists() else root / token
            if not place.exists():
                yield f"ARCHITECTURE.md:{number}: there is no {token}"
            elif folder and line.startswith("|"):
                named[folder].add(place)
    for folder, path in sources(root):
        if path not in named[folder] and (path.suffix in (".hpp", ".h") or path.name.endswith("main.cpp")):
            yield f"{path.relative_to(root)}: has no sentence in ARCHITECTURE.md"


def check_build_files(root):
    """Every source is named in its folder's meson.build; one that is not would be compiled by nobody."""
    for folder, path in sources(root):
        if path.suffix not in (".cpp", ".c"):
            continue
        builds = [place / "meson.build" for place in path.parents if (place / "meson.build").is_file() and place != root]
        if not any(re.search(rf"'(?:[\w/]*/)?{re.escape(path.stem)}(?:\{path.suffix})?'", build.read_text()) for build in builds):
            yield f"{path.relative_to(root)}: is in no meson.build"


def types_of(text):
    """Names of the classes that a file defines for others, with their namespaces; none of anonymous ones or within others."""
    text = re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL)
    text = re.sub(r'"(\\.|[^"\\\n])*"', '""', text)
    around, found = [], []
    for token in re.finditer(r"\bnamespace\s*([\w:]*)\s*\{|^\s*(?:struct|class)\s+(?:\[\[\w+\]\]\s*)?(\w+)[^;{()]*\{|[{}]",
                             text, re.MULTILINE):
        if token.group(0) == "}":
            around = around[:-1]
            continue
        if token.group(2) and all(around):
            found.append("::".join([*around, token.group(2)]))
        around.append(token.group(1) or None)
    return found


def check_types(root):
    """Two classes of one name are one to the linker, which then mixes their functions."""
    seen, findings = {}, []
    for _, path in sources(root):
        if path.suffix != ".hpp":
            continue
        for name in types_of(path.read_text()):
            if name in seen:
                findings.append(f"{path.relative_to(root)}: {name} is defined in {seen[name]}, too")
            seen[name] = path.relative_to(root)
    return findings


def check_binary(binary):
    """The static engine calls no NSS function and is static. (glibc links its own dlopen, for iconv; nobody calls it.)"""
    symbols = subprocess.run(["nm", "-C", binary], stdout=subprocess.PIPE, text=True, check=True).stdout
    for name in re.findall(r" [TtWw] (getpw\w+|getgr(?:nam|gid)\w*|getaddrinfo|gethostby\w+|initgroups)$", symbols, re.M):
        yield f"{binary}: links {name}, which needs NSS"
    headers = subprocess.run(["readelf", "-lW", binary], stdout=subprocess.PIPE, text=True, check=True).stdout
    if re.search(r"^\s+INTERP\s", headers, re.M):
        yield f"{binary}: is not static"


def main():
    root = Path(sys.argv[1]).resolve()
    findings = []
    for folder, path in sources(root):
        lines = path.read_text().splitlines()
        findings += check_includes(root, folder, path, lines)
        findings += check_calls(root, path, lines)
        findings += check_name(root, path)
        findings += check_sizes(root, path, lines)
    findings += check_map(root)
    findings += check_types(root)
    findings += check_build_files(root)
    if len(sys.argv) > 2:
        findings += check_binary(sys.argv[2])
    print("\n".join(findings) or "lint: nothing found")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
