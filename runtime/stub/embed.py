#!/usr/bin/env python3
"""Writes a C++ file that holds the bytes of a program: embed.py PROGRAM OUTPUT NAME."""

import pathlib
import sys

program, output, name = sys.argv[1:]
image = pathlib.Path(program).read_bytes()
lines = [", ".join(str(byte) for byte in image[at : at + 24]) for at in range(0, len(image), 24)]
pathlib.Path(output).write_text(
    '#include "runtime/stub/images.hpp"\n\n'
    f"namespace runtime {{\nextern const unsigned char {name}[] = {{\n    " + ",\n    ".join(lines) + "};\n"
    f"const std::size_t {name}_size = sizeof {name};\n}}  // namespace runtime\n"
)
