#!/usr/bin/env python3
"""Makes a man page without options from prose as generate.py understands it.

usage: prose_page.py PAGE.md NAME SECTION SUMMARY VERSION OUTPUT
"""
import pathlib
import sys

from generate import escape, inline, roff_of_prose


GROUPS = {"5": "File Formats", "7": "Miscellanea"}


def main():
    source, name, section, summary, version, output = sys.argv[1:]
    out = [f'.TH "{name.upper()}" "{section}" "" "engine {version}" "{GROUPS[section]}"',
           ".SH NAME", f"{escape(name)} \\- {inline(summary)}"]
    for heading, roff in roff_of_prose(pathlib.Path(source).read_text(encoding="utf-8")):
        out += [f".SH {heading}", *roff]
    pathlib.Path(output).write_text("\n".join(out) + "\n", encoding="utf-8")


main()
