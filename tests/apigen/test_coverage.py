#!/usr/bin/env python3
"""docs/api-coverage.md must be what apigen prints for api/*.api.

usage: test_coverage.py APIGEN [--accept]   --accept rewrites it
"""
import glob
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGE = os.path.join(ROOT, "docs", "api-coverage.md")


def main():
    files = sorted(glob.glob(os.path.join(ROOT, "api", "*.api")))
    with tempfile.TemporaryDirectory() as folder:
        out = PAGE if "--accept" in sys.argv else os.path.join(folder, "page.md")
        subprocess.run([sys.argv[1], "--coverage", out] + files, check=True)
        same = open(out).read() == open(PAGE).read()
    if not same:
        print("docs/api-coverage.md is old: run tests/apigen/test_coverage.py "
              "build/api/apigen --accept")
    return 0 if same else 1


sys.exit(main())
