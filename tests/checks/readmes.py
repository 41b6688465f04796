#!/usr/bin/env python3
"""Every folder of src with sources has a README.md with the six headings that names each file."""

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HEADINGS = ["Purpose", "Place in the flow", "Files", "Invariants", "How to add",
            "What it does not do"]


def check(folder, files, bad):
    shown = os.path.relpath(folder, ROOT)
    sources = [f for f in files if f.endswith((".c", ".h", ".sql", ".def", ".sh", ".css", ".js"))]
    if not sources:
        return 0
    if "README.md" not in files:
        bad.append(f"{shown}: has no README.md")
        return 1
    text = open(os.path.join(folder, "README.md"), encoding="utf-8").read()
    bad += [f"{shown}/README.md: has no heading '{h}'" for h in HEADINGS if f"# {h}" not in text]
    for name in sources:
        stem = name.rsplit(".", 1)[0]
        if name not in text and stem + ".{c,h}" not in text and stem + ".{h,c}" not in text:
            bad.append(f"{shown}/README.md: does not name {name}")
    if text.count("\n") > 70:
        bad.append(f"{shown}/README.md: longer than 70 lines")
    return 1


def main():
    bad, seen = [], 0
    for folder, _, files in os.walk(os.path.join(ROOT, "src")):
        seen += check(folder, files, bad)
    print("\n".join(bad) or f"{seen} folders are described")
    return 1 if bad or seen == 0 else 0


sys.exit(main())
