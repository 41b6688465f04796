#!/usr/bin/env python3
"""Files stay under 800 lines, headers under 350, functions under 100 (counted from the brace that
opens a function at the end of a line in column 0's declaration to the closing brace in column 0)."""

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FILE, HEADER, FUNCTION = 800, 350, 100


def long_functions(path, lines):
    start = None
    for number, line in enumerate(lines, 1):
        if line[:1].isalpha() and line.rstrip().endswith("{") and "(" in line:
            start = number
        elif start is None and line.startswith(" ") and line.rstrip().endswith(") {") and \
                number > 1 and lines[number - 2][:1].isalpha():
            start = number
        elif line.startswith("}") and start is not None:
            if number - start > FUNCTION:
                yield f"{path}:{start}: function of {number - start} lines"
            start = None


def main():
    bad, seen = [], 0
    for folder, _, files in os.walk(os.path.join(ROOT, "src")):
        for name in files:
            if not name.endswith((".c", ".h")):
                continue
            seen += 1
            path = os.path.join(folder, name)
            shown = os.path.relpath(path, ROOT)
            lines = open(path, encoding="utf-8").read().splitlines()
            limit = HEADER if name.endswith(".h") else FILE
            if len(lines) > limit:
                bad.append(f"{shown}: {len(lines)} lines, more than {limit}")
            bad += long_functions(shown, lines)
    print("\n".join(bad) or f"{seen} files keep to the sizes")
    return 1 if bad or seen == 0 else 0


sys.exit(main())
