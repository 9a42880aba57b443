"""Writes the templates of the golden file into a folder, for fuzz_template."""
import json
import sys
from pathlib import Path

GOLDEN = Path(__file__).resolve().parents[1] / "unit/engine/templates/golden.json"

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
for number, (template, _, _) in enumerate(json.loads(GOLDEN.read_text())["cases"]):
    (folder / f"{number:04}").write_text("{{range .}}" + template + "{{end}}")
