#!/usr/bin/env python3
"""docs/trunkline.1 and docs/lint.md must be what the program prints, and the program's help must fit a terminal.

usage: manual.py TRUNKLINE [--accept]   --accept rewrites them
"""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGE = os.path.join(ROOT, "docs", "trunkline.1")
CODES = os.path.join(ROOT, "docs", "lint.md")


def output(*argv):
    return subprocess.run([sys.argv[1], *argv], stdout=subprocess.PIPE, check=True,
                          text=True).stdout


def main():
    bad = []
    for path, page in ((PAGE, output("dev", "manual")), (CODES, output("lint", "--codes"))):
        if "--accept" in sys.argv:
            open(path, "w", encoding="utf-8").write(page)
        if open(path, encoding="utf-8").read() != page:
            bad.append(f"{os.path.relpath(path, ROOT)} is not current: "
                       "tests/checks/manual.py build/trunkline --accept")
    listed = re.findall(r"^  ([a-z][a-z-]*(?: [a-z-]+)?) {2,}", output("--help"), re.M)
    for verb in listed:
        text = output(*verb.split(), "--help")
        if not text.startswith("usage: trunkline " + verb):
            bad.append(f"trunkline {verb} --help does not begin with its usage")
        bad += [f"trunkline {verb} --help: longer than 100 characters: {line}"
                for line in text.splitlines() if len(line) > 100]
    print("\n".join(bad) or f"the manual is current, {len(listed)} verbs have help")
    return 1 if bad or len(listed) < 20 else 0


sys.exit(main())
