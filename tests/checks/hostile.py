#!/usr/bin/env python3
"""Each hostile input of tests/hostile.md names tests, and each of them is there: a function that is
registered, a title of a test in JavaScript, or a file of the corpus. No input is missing."""

import sys

from named_tests import lacks, named, rows

EXPECTED = [*range(1, 52), *range(61, 95)]


def main():
    bad, seen, references = [], [], 0
    for number, _, _, cell in rows("hostile.md", 4):
        if not number.isdigit():
            continue
        seen.append(int(number))
        tests = named(cell)
        references += len(tests)
        if not tests:
            bad.append(f"hostile.md: input {number} has no test")
        bad += [f"hostile.md: input {number}: {r}: {why}" for r in tests if (why := lacks(r))]
    if seen != EXPECTED:
        bad.append(f"hostile.md: inputs {sorted(set(EXPECTED) ^ set(seen))} are missing, too many or "
                   "out of order")
    print("\n".join(bad) or f"{len(seen)} hostile inputs, {references} tests")
    return 1 if bad else 0


sys.exit(main())
