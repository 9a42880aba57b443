"""requirements.tsv is complete and true: see requirements.py."""

import importlib
import os
import unittest
from pathlib import Path

import requirements

HERE = Path(__file__).resolve().parent
REASON_AT_LEAST = 20  # bytes; a reason is more than a word


class RequirementsTest(unittest.TestCase):
    def setUp(self):
        self.table = requirements.read_table()

    def exists(self, name):
        module, group, test = name.split(".")
        return hasattr(getattr(importlib.import_module(module), group, None), test)

    def test_every_test_in_the_table_exists(self):
        for row in self.table:
            names = [word for word in row.tests.split() if word.startswith("test_")]
            self.assertEqual([name for name in names if not self.exists(name)], [], row)

    def test_every_requirement_has_a_test_or_a_reason(self):
        for row in self.table:
            if row.tests.startswith("-: "):
                self.assertTrue(row.tests == "-: not for Linux" or len(row.tests) > REASON_AT_LEAST, row)
            else:
                self.assertTrue(row.tests.split() and all(word.startswith("test_") for word in row.tests.split()), row)

    def test_most_requirements_have_a_test(self):
        untested = [row for row in self.table if row.tests.startswith("-: ")]
        self.assertLess(len(untested), len(self.table) / 5)

    def test_ids_are_unique_and_count_up_without_a_gap(self):
        for file in requirements.FILES:
            numbers = [int(row.id.rsplit(".", 1)[1]) for row in self.table if row.id.rsplit(".", 1)[0] == file]
            self.assertEqual(numbers, list(range(1, len(numbers) + 1)), file)
            self.assertTrue(numbers, file)

    def test_every_demand_of_the_specification_is_in_the_table(self):
        folder = os.environ.get("RUNTIME_SPEC")
        if not folder:
            # Without the text, what was quoted from it is counted: a row that is lost is noticed.
            self.assertEqual(len(self.table), 324)
            return
        self.assertEqual(list(requirements.compare(folder)), [])

    def test_known_differences_are_about_tests_that_exist(self):
        for line in (HERE / "known_differences.tsv").read_text().splitlines():
            if line and not line.startswith("#"):
                runtime, place, name, reason = line.split("\t")
                self.assertIn(place, ("*", "root", "user", "v1"), line)
                self.assertGreater(len(reason), REASON_AT_LEAST, line)
                parts = name.split(".")
                group = getattr(importlib.import_module(parts[0]), parts[1], None)
                self.assertTrue(group and (len(parts) == 2 or hasattr(group, parts[2])), line)
                self.assertTrue(runtime)
