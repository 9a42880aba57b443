"""Every row of README.md has a test, and every test is for a row."""

import ast
import re
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent


def rows_of_readme():
    """{row: [(file, test)] elsewhere}"""
    rows = {}
    for line in (HERE / "README.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("| ") else []
        if len(cells) < 2 or cells[0] in ("row", "---"):
            continue
        rows[cells[0]] = re.findall(r"`(\w+\.py)` (\w+)\.(\w+)", cells[2]) if len(cells) > 2 else []
    return rows


def tests_of(path):
    """(class, test, [rows]) of every test in a file."""
    for thing in ast.parse(path.read_text()).body:
        if not isinstance(thing, ast.ClassDef):
            continue
        for entry in thing.body:
            if isinstance(entry, ast.FunctionDef) and entry.name.startswith("test_"):
                marks = [mark for mark in entry.decorator_list
                         if isinstance(mark, ast.Call) and getattr(mark.func, "id", "") == "row"]
                yield thing.name, entry.name, [word.value for mark in marks for word in mark.args]


class RowsTest(unittest.TestCase):
    def test_rows_and_tests_agree(self):
        rows = rows_of_readme()
        self.assertGreater(len(rows), 45)
        covered = set()
        for path in sorted(HERE.glob("test_hardening_*.py")):
            if path.name == Path(__file__).name:
                continue
            for where, name, marks in tests_of(path):
                self.assertTrue(marks, f"{path.name}: {where}.{name} is for no row")
                self.assertLessEqual(set(marks), set(rows), f"{path.name}: {where}.{name} names a row that is not there")
                covered |= set(marks)
        for row, elsewhere in rows.items():
            for file, where, name in elsewhere:
                place = next((folder / file for folder in (HERE, HERE.parent / "functional") if (folder / file).exists()), None)
                self.assertIsNotNone(place, f"{row}: there is no {file}")
                self.assertIn((where, name), [(entry[0], entry[1]) for entry in tests_of(place)], f"{row}: {file}")
                covered.add(row)
        self.assertEqual(sorted(set(rows) - covered), [], "rows without a test")
