#!/usr/bin/env python3
"""Each hostile input of tests/hostile.md names tests, and each of them is there: a function that is
registered, a title of a test in JavaScript, or a file of the corpus. No input is missing."""

import os
import re
import sys

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
EXPECTED = [*range(1, 21), *range(32, 52), *range(72, 95)]


def lacks(reference):
    """Why a reference names no test, or None. `path` or `path: test`."""
    path, _, name = reference.partition(": ")
    full = os.path.join(TESTS, path)
    if not os.path.isfile(full):
        return "there is no such file"
    if not name:
        return None if path.startswith("corpus/") else "says no test"
    text = open(full, encoding="utf-8").read()
    if path.endswith(".c"):
        # Written once as a function, and once in the list of those that run.
        found = len(re.findall(rf"\b{re.escape(name)}\b", text)) >= 2
    else:
        found = re.search(rf"test\(['`]{re.escape(name)}['`,]", text.replace("\\'", "'"))
    return None if found else "the file has no such test"


def main():
    bad, seen, references = [], [], 0
    for line in open(os.path.join(TESTS, "hostile.md"), encoding="utf-8"):
        cells = [c.strip() for c in line.split("|")]
        if len(cells) != 6 or not cells[1].isdigit():
            continue
        seen.append(int(cells[1]))
        named = re.findall(r"`([^`]+)`", cells[4])
        references += len(named)
        if not named:
            bad.append(f"hostile.md: input {cells[1]} has no test")
        bad += [f"hostile.md: input {cells[1]}: {r}: {why}" for r in named if (why := lacks(r))]
    if seen != EXPECTED:
        bad.append(f"hostile.md: inputs {sorted(set(EXPECTED) ^ set(seen))} are missing, too many or "
                   "out of order")
    print("\n".join(bad) or f"{len(seen)} hostile inputs, {references} tests")
    return 1 if bad else 0


sys.exit(main())
