"""Tests that a page names as `path: test`: a function that is registered, a title of a test in
JavaScript, or a file of the corpus. For the checks beside this file."""

import os
import re

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


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


def rows(page, columns):
    """The cells of each row of a page's table of so many columns, without its head."""
    for line in open(os.path.join(TESTS, page), encoding="utf-8"):
        cells = [c.strip() for c in line.split("|")][1:-1]
        if len(cells) == columns and not set(cells[0]) <= set("-: ") and cells[0] != "what":
            yield cells


def named(cell):
    return re.findall(r"`([^`]+)`", cell)
