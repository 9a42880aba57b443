#!/usr/bin/env python3
"""Makes the man pages: engine-<command>.1 from `engine describe` (synopsis, options) and <page>.md (prose).

usage: generate.py DESCRIPTION.json PROSE_FOLDER OUTPUT_FOLDER PAGE...

The prose is a small subset of Markdown: "## HEADING", paragraphs, "- item", four blanks for a literal block, `code`
and **bold**. Options come after the section DESCRIPTION. PAGE... is what the build expects to be written.
"""
import json
import pathlib
import re
import sys


def escape(text):
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("…", "...")
    return re.sub(r"^([.'])", r"\\&\1", text)


def inline(text):
    """`code` and **bold** become bold."""
    parts = re.split(r"(`[^`]+`|\*\*[^*]+\*\*)", text)
    out = ""
    for part in parts:
        if part.startswith("`"):
            out += "\\fB" + escape(part[1:-1]).removeprefix("\\&") + "\\fR"
        elif part.startswith("**"):
            out += "\\fB" + escape(part[2:-2]).removeprefix("\\&") + "\\fR"
        else:
            out += escape(part) if not out else escape(part).removeprefix("\\&")
    return out


def blocks(text):
    """Yields (kind, lines) for every run of lines of one kind: heading, literal, item, paragraph."""
    for block in re.split(r"\n\s*\n", text.strip("\n")):
        lines = block.split("\n")
        if lines[0].startswith("## "):
            yield "heading", [lines[0][3:]]
        elif lines[0].startswith("    "):
            yield "literal", [line[4:] for line in lines]
        elif lines[0].startswith("- "):
            items = []
            for line in lines:
                if line.startswith("- "):
                    items.append(line[2:])
                else:
                    items[-1] += " " + line.strip()
            yield "items", items
        else:
            yield "paragraph", [" ".join(line.strip() for line in lines)]


def roff_of_prose(text):
    """Returns a list of (heading, roff)."""
    sections = []
    for kind, lines in blocks(text):
        if kind == "heading":
            sections.append((lines[0], []))
            continue
        out = sections[-1][1]
        if kind == "literal":
            out += [".PP", ".RS 4", ".nf", *map(escape, lines), ".fi", ".RE"]
        elif kind == "items":
            for item in lines:
                out += [".IP \\(bu 3", inline(item)]
        else:
            out += [".PP", inline(lines[0])]
    return sections


def roff_of_option(option):
    names = f"\\fB{escape('--' + option['name'])}\\fR"
    if option["letter"]:
        names = f"\\fB{escape('-' + option['letter'])}\\fR, {names}"
    if option["kind"] == "optional_text":
        names += f"[=\\fI{escape(option['value'])}\\fR]"
    elif option["value"]:
        names += f" \\fI{escape(option['value'])}\\fR"
    text = option["help"] + "."
    if option["choices"]:
        text += " One of " + ", ".join(f"`{word}`" for word in option["choices"]) + "."
    if option["default"]:
        text += f" The default is `{option['default']}`."
    if option["kind"] == "list":
        text += " May be given several times."
    return [".TP", names, inline(text)]


def options_section(options):
    out = [".SH OPTIONS"]
    for option in sorted(options, key=lambda option: option["name"]):
        out += roff_of_option(option)
    return out + [".TP", f"\\fB{escape('--help')}\\fR", "Print the usage and exit."]


def commands_section(description):
    out = [".SH COMMANDS"]
    for command in description["commands"]:
        if command["hidden"]:
            continue
        page = "engine-" + command["paths"][0].replace(" ", "-")
        out += [".TP", f"\\fB{escape(page)}\\fR(1)", inline(command["summary"] + ".")]
        if len(command["paths"]) > 1:
            out += ["Same as " + ", ".join(f"\\fB{escape('engine ' + path)}\\fR" for path in command["paths"][1:]) + "."]
    return out


def verbs_section(runtime):
    """The commands of `engine runtime`, each with its own options."""
    out = [".SH COMMANDS"]
    for verb in runtime["commands"]:
        out += [".SS " + inline(f"`{verb['usage']}`"), inline(verb["summary"] + ".")]
        for option in verb["options"]:
            out += roff_of_option(option)
    return out


def synopsis(usage):
    words = usage.split(" ")
    plain = [f"\\fB{escape(word)}\\fR" if word.islower() else f"\\fI{escape(word)}\\fR" for word in words]
    return [".SH SYNOPSIS", " ".join(plain)]


def page(name, summary, usages, options, prose, extra, version):
    out = [f'.TH "{name.upper()}" "1" "" "engine {version}" "User Commands"', ".SH NAME", f"{escape(name)} \\- {inline(summary)}"]
    lines = synopsis(usages[0])
    for usage in usages[1:]:
        lines += [".br", *synopsis(usage)[1:]]
    out += lines
    for heading, roff in roff_of_prose(prose):
        out += [f".SH {heading}", *roff]
        if heading == "DESCRIPTION":
            out += options_section(options) + extra
    return "\n".join(out) + "\n"


def main():
    description = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
    prose_folder, output = pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    expected = set(sys.argv[4:])
    version = description["version"]
    pages = {
        "engine": page(
            "engine", "run containers from OCI images, without a daemon and without root",
            ["engine [OPTIONS] COMMAND [ARG...]"], description["options"],
            (prose_folder / "engine.md").read_text(encoding="utf-8"), commands_section(description), version)
    }
    for command in description["commands"]:
        if command["hidden"]:
            continue
        name = "engine-" + command["paths"][0].replace(" ", "-")
        usages = [command["usage"]]
        for path in command["paths"][1:]:
            usages.append(command["usage"].replace("engine " + command["paths"][0], "engine " + path, 1))
        options, extra = command["options"], []
        if command["paths"] == ["runtime"]:
            usages, options = ["engine runtime [OPTIONS] COMMAND [ARG...]"], description["runtime"]["options"]
            usages.append("engine-runtime [OPTIONS] COMMAND [ARG...]")
            extra = verbs_section(description["runtime"])
        pages[name] = page(name, command["summary"][0].lower() + command["summary"][1:], usages, options,
                           (prose_folder / f"{name}.md").read_text(encoding="utf-8"), extra, version)
    if set(pages) != expected:
        sys.exit(f"man/meson.build and the commands differ: {sorted(set(pages) ^ expected)}")
    for name, roff in pages.items():
        (output / f"{name}.1").write_text(roff, encoding="utf-8")


if __name__ == "__main__":
    main()
