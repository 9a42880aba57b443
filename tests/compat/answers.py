"""What a program answered, made comparable: output without ids and times, the keys of JSON, a class of error."""

import json
import re

import sides

# How the output of a row is compared: as it is; JSON by its keys and types; by its first line and number of lines; as
# a set of lines or of words; or not at all.
MODES = ("output", "keys", "shape", "lines", "words", "quiet")

# podman counts the tar archives of layers, engine the files; widths of columns follow what stands in them.
SIZE = re.compile(r"\b\d+(\.\d+)? ?[kMG]?B\b")
COLUMNS = re.compile(r" {2,}")

# The first that matches names the class.
CLASSES = [
    ("conflict", r"already in use|already exists|already (mounted|taken|used)|file .*exists"),
    ("in use", r"in use by|being used by|has dependent|image is in use|volume is in use|used by|depends? on|still in "
               r"use"),
    ("state", r"running or paused|not running|is running|must be (running|stopped|created)|can only (attach|stop|kill|"
              r"pause|exec|rename)|improper state|"
              r"state improper|is (not )?paused|unless it is (running|stopped)|not started|"
              r"cannot (stop|start|pause|attach|kill|exec) "),
    ("unreachable", r"connection refused|no such host|Could not resolve|pinging container registry|failure in name "
                    r"resolution|server misbehaving|cannot reach"),
    ("not found", r"no such|not found|does not exist|no container with|unable to find|not known|no pod with|no secret|"
                  r"no volume|no network|there is no"),
    ("not executable", r"permission denied|is a directory|cannot be executed|closed to us"),
    ("usage", r"unknown|invalid|requires?|accepts|needs|cannot|can't|must |only |unrecognized|not a valid|failed to "
              r"parse|malformed|bad |too (many|few)|expected|not supported|missing|empty|choose|conflict|parsing|"
              r"incorrect|without|no arguments|specify|provide|either|neither|not a |unsupported|between|not an?\b|"
              r"does not|takes no|is not|exclusive|has no |is above|"
              r"no command|may not|not allowed|has not opened|is neither|works inside|excludes"),
]


def error_class(done):
    """Of what kind the failure is; "" when there was none, "program" when the container's program failed."""
    if done.returncode == 0:
        return "warned" if re.search(r"warn|discarded", done.stderr, re.I) else ""
    errors = [line for line in done.stderr.splitlines() if re.match(r"(Error|error)[: ]", line)]
    if not errors:
        return "program" if not done.stderr or not re.search(r"level=error", done.stderr) else "other"
    text = "\n".join(errors)
    for name, pattern in CLASSES:
        if re.search(pattern, text, re.I):
            return name
    return "other"


def is_clear(done):
    """Errors, each in a line, and hints: nothing else. Only engine's own lines are judged."""
    lines = done.stderr.splitlines()
    if not any(line.startswith("Error: ") for line in lines):
        return True
    own = [line for line in lines if re.match(r"Error: |hint: |[a-z]+: |Trying to pull ", line)]
    return len(own) == len(lines) and all(len(line) < 300 for line in own)


def keys_of(value, path=""):
    """Every key with the type below it. null is any type, and an empty list says nothing of its entries."""
    if isinstance(value, dict):
        yield path, "object"
        for key, below in value.items():
            yield from keys_of(below, f"{path}.{key}")
    elif isinstance(value, list):
        yield path, "list"
        for below in value:
            yield from keys_of(below, f"{path}[]")
    elif value is None:
        yield path, "null"
    else:
        yield path, {"bool": "bool", "str": "string"}.get(type(value).__name__, "number")


class Answer:
    """What all steps of a row answered."""

    def __init__(self, mode, done, names):
        self.done = done
        self.output = [self.made_comparable(mode, one.stdout, names) for one in done]
        self.codes = [one.returncode for one in done]
        self.errors = [error_class(one) for one in done]
        self.is_clear = all(map(is_clear, done))

    @staticmethod
    def made_comparable(mode, text, names):
        for long, short in names.items():
            text = text.replace(long, short)
        if mode == "keys":
            try:
                return set(keys_of(json.loads(text)))
            except ValueError:
                return text
        text = COLUMNS.sub("  ", SIZE.sub("<size>", sides.made_alike(text)))
        lines = text.splitlines()
        if mode == "shape":
            return (lines[0].split() if lines else []), len(lines)
        return {"lines": sorted(lines), "words": text.split(), "quiet": ""}.get(mode, text)

    def told(self):
        return "; ".join(f"{one.returncode} {one.stdout[-1500:]!r} {one.stderr[-500:]!r}" for one in self.done)


def missing_keys(theirs, ours):
    """Of one step: keys of podman's JSON that ours lacks, or that hold another type. More keys are no difference."""
    if isinstance(theirs, str) or isinstance(ours, str):
        return [] if theirs == ours else ["no JSON"]
    types = {}
    for path, kind in ours:
        types.setdefault(path, set()).add(kind)
    return sorted(f"{path} {kind}" for path, kind in theirs
                  if path not in types or not (kind in types[path] or kind == "null" or "null" in types[path]))


def differences(mode, theirs, ours):
    """What differs, by aspect: podman's and engine's."""
    found = {}
    if mode == "keys":
        missing = [missing_keys(*both) for both in zip(theirs.output, ours.output)]
        if any(missing):
            found["output"] = (missing, "has not")
    elif theirs.output != ours.output:
        found["output"] = (theirs.output, ours.output)
    if theirs.codes != ours.codes:
        found["code"] = (theirs.codes, ours.codes)
    if theirs.errors != ours.errors:
        found["error"] = (theirs.errors, ours.errors)
    if not ours.is_clear:
        found["line"] = ("", [one.stderr for one in ours.done])
    return found
