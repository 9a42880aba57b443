#!/usr/bin/env python3
"""The table requirements.tsv: every sentence of the runtime-spec with MUST, REQUIRED or SHALL, and the test of it.

    requirements.py SPEC_FOLDER     compares the table with the specification: sentences that have no row, rows whose
                                    sentence is gone. Exit status 1 when there are any.

The specification itself is not in this tree; the table quotes it. An id is the file and the number of the sentence in it.
"""

import re
import sys
from pathlib import Path
from typing import NamedTuple

TABLE = Path(__file__).resolve().parent / "requirements.tsv"
FILES = ("bundle", "runtime", "runtime-linux", "config", "config-linux", "features", "features-linux", "glossary", "spec")
KEYWORD = re.compile(r"\b(MUST|REQUIRED|SHALL)\b")
LIST_ITEM = re.compile(r"^\s*([*-]|\d+\.)\s+")
TABLE_ROW = re.compile(r"\s*(\||`[\w ]+`\s+\|)")
SENTENCE_END = re.compile(r"(?<=[.])\s+(?=[A-Z`])")


class Requirement(NamedTuple):
    id: str
    section: str
    text: str
    tests: str


def read_table():
    lines = [line for line in TABLE.read_text().splitlines() if line and not line.startswith("#")]
    return [Requirement(*line.split("\t")) for line in lines]


def plain(text):
    """Without links, anchors and bold type."""
    text = re.sub(r"<a [^>]*/>|<a [^>]*></a>", "", text)
    text = re.sub(r"\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])", r"\1", text)
    return re.sub(r"\s+", " ", text.replace("**", "")).strip()


def paragraphs(lines):
    """(section, text) of every paragraph, list item and table row; code is left out."""
    section, in_code, held = "", False, []
    for line in [*lines, ""]:
        if line.strip().startswith("```"):
            in_code = not in_code
        ends = not line.strip() or line.startswith("#") or LIST_ITEM.match(line) or TABLE_ROW.match(line)
        if held and (ends or in_code):
            yield section, plain(" ".join(held))
            held = []
        if in_code or line.strip().startswith("```"):
            continue
        if line.startswith("#"):
            section = plain(line.lstrip("#"))
        elif TABLE_ROW.match(line):
            yield section, plain(line)
        elif line.strip():
            held.append(LIST_ITEM.sub("", line, count=1))


def sentences(folder, file):
    """(section, sentence) of everything that is demanded."""
    for section, text in paragraphs((Path(folder) / f"{file}.md").read_text().splitlines()):
        for sentence in SENTENCE_END.split(text):
            if KEYWORD.search(sentence):
                yield section, sentence


def compare(folder):
    """One line per difference between the table and the specification."""
    demanded = [(file, *sentence) for file in FILES for sentence in sentences(folder, file)]
    table = [(row.id.rsplit(".", 1)[0], row.section, row.text) for row in read_table()]
    for one in demanded:
        if one not in table:
            yield "no row: " + " | ".join(one)
    for one in table:
        if one not in demanded:
            yield "no such sentence: " + " | ".join(one)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    findings = list(compare(sys.argv[1]))
    print("\n".join(findings) or f"{len(read_table())} requirements, all in the table")
    sys.exit(1 if findings else 0)
