"""Writes Quadlet files into a folder, for fuzz_unit_file: one with every key of each kind."""
import re
import sys
from pathlib import Path

KEYS = Path(__file__).resolve().parents[2] / "engine/quadlet_keys.cpp"
VALUES = ['yes', 'a b "c d" \'e\'', './x:/y:z', 'data.volume:/x', '\\x41\\u00e9 \\', '%n ${X} $$', 'A=1 A=2', '']

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
for kind, body in re.findall(r"QuadletKey (\w+)_keys\[\] = \{(.*?)\n\};", KEYS.read_text(), re.S):
    names = re.findall(r'\{"(\w+)",', body)
    for number, value in enumerate(VALUES):
        lines = "".join(f"{name}={value}\n# comment\n" for name in names)
        (folder / f"{kind}{number}").write_text(
            f"[Unit]\nAfter=a.container\n[{kind.capitalize()}]\nImage=i\nYaml=y\nImageTag=t\n{lines}[Install]\nWantedBy=x y\n")
        for name in names:
            (folder / f"{kind}{number}{name}").write_text(f"[{kind.capitalize()}]\nImage=i\n{name}={value}\n[Install]\nAlias=z\n")
