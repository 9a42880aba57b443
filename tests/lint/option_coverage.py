#!/usr/bin/env python3
"""Checks that every option that help shows is given in a test that runs the real binary. One line per option that is
not; exit status 1 when there are any.

    option_coverage.py SOURCE_ROOT ENGINE_BINARY

Looked at are the command lines in tests/functional, tests/hardening, tests/host and the tables of tests/compat. What a
test says of an option's effect no program can judge: that is for whoever writes it.
"""

import ast
import json
import shlex
import subprocess
import sys
from pathlib import Path

FOLDERS = ("functional", "hardening", "host")
# Methods of tests that run engine with their words; those that call them with words of their own are found.
RUNNERS = {"engine", "start_engine", "command"}
# Images: what follows them belongs to the container.
IMAGES = {"BUSYBOX", "IMAGE", "HOSTILE"}
# These commands have one table of options, declared by the same functions, and one struct behind it.
ONE_TABLE = {"create": "run", "run": "create"}

# Commands on images, artifacts, registries and units: not looked at yet.
OTHERS = ("append", "artifact", "auto-update", "blob", "bundle", "copy", "delete", "digest", "image", "import", "load", "login",
          "logout", "manifest", "mutate", "push", "quadlet", "save", "search", "serve", "sync", "system check", "tags")
# No effect by design, and their documentation says so.
NO_EFFECT = {}


class Commands:
    """What `engine describe` says: which options a command has."""

    def __init__(self, description):
        self.first_name, self.options, self.letters, self.takes_value = {}, {}, {}, {}
        for command in description["commands"]:
            if command["hidden"]:
                continue
            first = command["paths"][0]
            for path in command["paths"]:
                self.first_name[tuple(path.split())] = first
            self.options[first] = [option["name"] for option in command["options"] if option["name"] != "help"]
            self.letters[first] = {option["letter"]: option for option in command["options"] if option["letter"]}
        self.globals = [option["name"] for option in description["options"]]

    def named_by(self, words):
        """The command that these words name, and what follows it; the longest path counts."""
        for length in (3, 2, 1):
            if first := self.first_name.get(tuple(words[:length])):
                return first, words[length:]
        return None, words

    def given(self, command, words):
        """Names of the options of a command among these words."""
        for word in words:
            if word.startswith("--"):
                name = word[2:].partition("=")[0]
                if name in self.options[command]:
                    yield name
            elif word.startswith("-"):
                for letter in word[1:]:
                    option = self.letters[command].get(letter)
                    if not option:
                        break
                    yield option["name"]
                    if option["kind"] != "flag":
                        break


def before_image(words):
    return words[:words.index("IMAGE")] if "IMAGE" in words else words


class Coverage:
    def __init__(self, commands):
        self.commands, self.seen = commands, {name: set() for name in commands.options}

    def line(self, words):
        """A whole command line without the program; returns the command that it names."""
        for start, word in enumerate(words):
            command, rest = self.commands.named_by(words[start:])
            if command:
                self.add(command, rest)
                return command
        return None

    def add(self, command, words):
        self.seen[command].update(self.commands.given(command, words))

    def missing(self):
        for command, options in self.commands.options.items():
            if command in OTHERS or command.split()[0] in OTHERS:
                continue
            also = self.seen.get(ONE_TABLE.get(command), set())
            for name in options:
                if name not in self.seen[command] | also and (command, name) not in NO_EFFECT:
                    yield command, name


class Names(ast.NodeVisitor):
    """What the names of one file may stand for: every value that is assigned to them or that they go through."""

    def __init__(self):
        self.values = {}

    def visit_FunctionDef(self, node):
        for below in ast.walk(node):
            if isinstance(below, ast.Return) and below.value:
                self.values.setdefault(node.name, []).append(below.value)
        self.generic_visit(node)

    def bind(self, target, value):
        for name in ast.walk(target):
            if isinstance(name, ast.Name):
                self.values.setdefault(name.id, []).append(value)
            elif isinstance(name, ast.Attribute):
                self.values.setdefault(name.attr, []).append(value)

    def visit_Assign(self, node):
        for target in node.targets:
            self.bind(target, node.value)
        self.generic_visit(node)

    def visit_For(self, node):
        self.bind(node.target, node.iter)
        self.generic_visit(node)

    def visit_comprehension(self, node):
        self.bind(node.target, node.iter)
        self.generic_visit(node)


def words_in(node, names, depth=0):
    """The words that an expression may have, in order."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, ast.JoinedStr):
        text = "".join(part.value if isinstance(part, ast.Constant) else "\0" for part in node.values)
        return [text]
    if isinstance(node, ast.Name) and node.id in IMAGES:
        return ["IMAGE"]
    if isinstance(node, (ast.Name, ast.Attribute)):
        name = node.id if isinstance(node, ast.Name) else node.attr
        values = names.get(name, []) if depth < 3 else []
        return [word for value in values for word in words_in(value, names, depth + 1)]
    if isinstance(node, ast.Call):
        is_method = isinstance(node.func, ast.Attribute)
        is_split = is_method and node.func.attr == "split"
        returned = names.get(name_of_call(node), []) if depth < 3 else []
        parts = [*([node.func.value] if is_split else []), *node.args, *returned]
        words = [word for part in parts for word in words_in(part, names, depth + 1)]
        return [piece for word in words for piece in word.split()] if is_split else words
    return [word for child in ast.iter_child_nodes(node) for word in words_in(child, names, depth)]


def name_of_call(node):
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def is_engine_list(nodes):
    """[ENGINE, "run", …]: the program, and what it is called with."""
    return bool(nodes) and isinstance(nodes[0], ast.Name) and nodes[0].id == "ENGINE"


class TestFile:
    """One Python source: its command lines, and its functions that pass words on to engine."""

    def __init__(self, path):
        self.path, self.tree = path, ast.parse(path.read_text())
        names = Names()
        names.visit(self.tree)
        self.names = names.values

    def calls(self, node, helpers):
        """(words, nodes) of every call of engine, or of a helper, below a node. words begins with the helper's own."""
        for call in ast.walk(node):
            if isinstance(call, ast.Call):
                name = name_of_call(call)
                if name in RUNNERS or is_engine_list(call.args):
                    yield [], call.args
                for own in helpers.get(name, ()):
                    yield list(own), [*call.args, *[keyword.value for keyword in call.keywords]]
            elif isinstance(call, (ast.List, ast.Tuple)) and is_engine_list(call.elts):
                yield [], call.elts

    def words(self, own, nodes):
        return own + [word for node in nodes for word in words_in(node, self.names)]

    def lines(self, own, nodes):
        """Every command line that a call may make: a name in it that goes through commands stands for one at a time."""
        for place, node in enumerate(nodes):
            choices = words_in(node, self.names) if isinstance(node, ast.Name) and node.id not in IMAGES else []
            if len(choices) > 1 and not any(word.startswith("-") for word in choices):
                for choice in choices:
                    yield self.words(own, nodes[:place]) + [choice] + self.words([], nodes[place + 1:])
                return
        yield self.words(own, nodes)

    def helpers(self, known):
        """{function: the words that it puts in front of those of its parameters, when it calls engine with both}."""
        found = {}
        makers = {node: one.name for one in ast.walk(self.tree) if isinstance(one, ast.ClassDef)
                  for node in one.body if isinstance(node, ast.FunctionDef) and node.name == "__init__"}
        for function in ast.walk(self.tree):
            if not isinstance(function, ast.FunctionDef) or function.name in RUNNERS:
                continue
            arguments = function.args
            parameters = {one.arg for one in [*arguments.args, *arguments.kwonlyargs, arguments.vararg] if one} - {"self"}
            for own, nodes in self.calls(function, known):
                passed = [node for node in nodes if parameters & {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}]
                if passed:
                    words = self.words(own, [node for node in nodes if node not in passed])
                    found.setdefault(makers.get(function, function.name), set()).add(tuple(before_image(words)))
        return found


def lines_of_scripts(file, coverage):
    """Lines of shell scripts within a test: "engine …"."""
    texts = {node.value for node in ast.walk(file.tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    notes = {ast.get_docstring(node, clean=False) for node in ast.walk(file.tree)
             if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))}
    for line in "\n".join(texts - notes).splitlines():
        words = line.replace(";", " ; ").split()
        if words[:1] == ["engine"]:
            coverage.line(words[1:])


def lines_of_python(root, coverage):
    for folder in FOLDERS:
        files = [TestFile(path) for path in sorted((root / "tests" / folder).glob("*.py"))]
        bases = [TestFile(path) for path in sorted((root / "tests/functional").glob("*_test.py"))]
        shared = {}
        for _ in range(3):  # a helper may call a helper
            for base in [*bases, *[file for file in files if not file.path.name.startswith("test_")]]:
                for name, found in base.helpers(shared).items():
                    shared.setdefault(name, set()).update(found)
        for file in files:
            helpers = dict(shared)
            for _ in range(3):
                helpers = {**helpers, **file.helpers(helpers)}
            lines_of_scripts(file, coverage)
            for own, nodes in file.calls(file.tree, helpers):
                for line in file.lines(own, nodes):
                    coverage.line(before_image(line))


def lines_of_tables(root, coverage):
    for path in sorted((root / "tests/compat").glob("*.commands")):
        for line in path.read_text().splitlines():
            line = line.split(" ## ")[0].partition("setup: ")[2] or line.split(" ## ")[0]
            for step in line.split(" ;; "):
                try:
                    words = shlex.split(step)
                except ValueError:
                    continue
                coverage.line(before_image(words))
    for line in (root / "tests/compat/templates.table").read_text().splitlines():
        coverage.line([*line.partition(" | ")[0].split(), "--format"])


def main():
    root, binary = Path(sys.argv[1]), sys.argv[2]
    commands = Commands(json.loads(subprocess.run([binary, "describe"], stdout=subprocess.PIPE, check=True).stdout))
    coverage = Coverage(commands)
    lines_of_python(root, coverage)
    lines_of_tables(root, coverage)
    missing = list(coverage.missing())
    print("\n".join(f"{command} --{name}: no test gives it" for command, name in missing) or "options: each is tested")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
