"""Every config of invalid_configs.py is refused in one clear line, and leaves no process, no state and no cgroup.

invalid_configs.tsv is the golden list: case, what engine says, and which of the peers accept the case. To make it anew
after a change: WRITE_GOLDEN=FILE tests/conformance/run.py --place root test_invalid_configs.
"""

import os
from pathlib import Path

import invalid_configs
from runtime_test import PLACE, RUNTIME_NAME, RuntimeTest, base_config, own_descendants

GOLDEN = Path(__file__).resolve().parent / "invalid_configs.tsv"
AT_LEAST = 150


def read_golden():
    """Case -> (line, the peers that accept it)."""
    lines = [line.split("\t") for line in GOLDEN.read_text().splitlines() if line and not line.startswith("#")]
    return {case: (line, accepted.split() if accepted != "-" else []) for case, line, accepted in lines}


class InvalidConfigTest(RuntimeTest):
    def refuse(self, text):
        """The one line that the runtime says, or "" when it accepts the config."""
        (self.bundle / "config.json").write_text(text)
        result = self.runtime("create", "--bundle", self.bundle, self.name, check=False)
        if result.status == 0:
            self.runtime_apart("delete", "--force", self.name, check=False)
            own_descendants()
            return ""
        lines = result.stderr.replace(str(self.dir), "DIR").replace(self.name, "ID").splitlines()
        if RUNTIME_NAME == "engine":
            self.assertEqual(result.status, 1, result)
            self.assertTrue(lines and lines[0].startswith("Error: "), result)
            self.assertTrue(len(lines) == 1 or (len(lines) == 2 and lines[1].startswith("hint: ")), result)
            self.assertLess(len(lines[0]), 400, result)
            self.assertEqual(own_descendants(), [], f"a process is left:\n{result}")
            left = os.listdir(self.state_root) if self.state_root.exists() else []
            self.assertEqual([name for name in left if self.name in name], [], f"state is left:\n{result}")
        return lines[0] if lines else "(nothing)"

    def test_every_config_is_refused_in_its_own_words(self):
        found, golden = {}, read_golden() if GOLDEN.exists() else {}
        for case, text in invalid_configs.cases(base_config()):
            with self.subTest(case=case):
                found[case] = self.refuse(text)
                if RUNTIME_NAME == "engine":
                    self.assertTrue(found[case], "accepted")
                    if PLACE == "root" and "WRITE_GOLDEN" not in os.environ:
                        self.assertEqual(found[case], golden[case][0])
                elif PLACE == "root" and "WRITE_GOLDEN" not in os.environ:
                    self.assertEqual(found[case] == "", RUNTIME_NAME in golden[case][1])
        self.assertEqual(self.cgroups_of(self.name), [])
        self.assertGreaterEqual(len(found), AT_LEAST)
        if "WRITE_GOLDEN" in os.environ:
            Path(os.environ["WRITE_GOLDEN"]).write_text("".join(f"{case}\t{line}\n" for case, line in found.items()))
        elif PLACE == "root":
            self.assertEqual(set(golden) - set(found), set(), "cases of the golden list that are not tried any more")

    def test_the_usual_config_is_accepted(self):
        """What is refused above is refused for its change."""
        self.assertEqual(self.run_container("true").status, 0)
