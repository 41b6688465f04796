#!/usr/bin/env python3
"""Tests tools/apigen: what it prints for golden.api, and what it says about mistakes.

usage: test_apigen.py APIGEN [--accept]     --accept rewrites the golden files
"""
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
HEAD = "service x\nprotocol json1.1\nversion 1\nsigning x\nhost x\n"
MISTAKES = [  # what is behind HEAD (line 6 on), line of the message, words in it
    ("bogus line\n", 6, "unknown line 'bogus'"),
    ("op A B C\n", 6, "expected: op NAME IN -> OUT"),
    ("op A B -> -\n", 6, "there is no struct 'B'"),
    ("op A - -> - ! E\n", 6, "there is no error 'E'"),
    ("op A - -> -\nop A - -> -\n", 7, "is there twice"),
    ("op A - -> -\n  what\n", 7, "unknown line 'what' below op A"),
    ("  stray\n", 6, "needs an op, struct, enum or error above it"),
    ("struct S\n  A str\n", 6, "'S' is not used"),
    ("op A S -> -\nstruct S\n  A str\n  A int\n", 9, "member 'A' is already on line 8"),
    ("op A S -> -\nstruct S\n  fooBar str\n  FooBar int\n", 9, "already on line 8"),
    ("op A S -> -\nstruct S\n  A strong\n", 8, "there is no struct 'strong'"),
    ("op A S -> -\nstruct S\n  A str(5..1)\n", 8, "is empty"),
    ("op A S -> -\nstruct S\n  A str(x..1)\n", 8, "minimum that is no number"),
    ("op A S -> -\nstruct S\n  A bool(1..2)\n", 8, "takes no"),
    ("op A S -> -\nstruct S\n  A list\n", 8, "a type is missing"),
    ("op A S -> -\nstruct S\n  A map int str\n", 8, "map's key must be str or enum"),
    ("op A S -> -\nstruct S\n  A T\n", 8, "there is no struct 'T'"),
    ("op A S -> -\nstruct S\n  A enum T\n", 8, "there is no enum 'T'"),
    ("op A S -> -\nstruct S\n  A str flat\n", 8, "does not belong"),
    ("op A S -> -\nstruct S\n  A str header x-a\n", 8, "only REST protocols"),
    ("op A S -> -\nstruct S\n  A timestamp:epoch\n", 8, "timestamp format"),
    ("op A S -> -\n  iam x:A t/{B}\nstruct S\n  A str\n", 7, "'B' is not a member of S"),
    ("op A S -> -\n  iam x:A t/{A\nstruct S\n  A str\n", 7, "'{' without '}'"),
    ("op A S -> -\n  iam x:A t/{A|up}\nstruct S\n  A str\n", 7, "unknown filter"),
    ("op A S -> -\n  iam x:A t/{L}\nstruct S\n  L list str\n", 7, "'L' is a list"),
    ("op A S -> -\n  iam x:A t/{A*}\nstruct S\n  A str\n", 7, "'A' is not a list"),
    ("op A S -> -\n  iam x:A t if B\nstruct S\n  A str\n", 7, "'B' is not a member of S"),
    ("op A - -> -\n  iam -\n  iam x:A\n", 6, "stands beside a right"),
    ("op A S -> -\n  iam noprefix\nstruct S\n  A str\n", 7, "has no service prefix"),
    ("error E 999\n", 6, "not an HTTP status"),
    ("error E 400 colour=red\n", 6, "is not code="),
    ("error E 400\nerror E 400\n", 7, "'E' is already on line 6"),
    ("op A S -> -\nstruct S\n  A enum K\nenum K\n", 9, "enum 'K' has no values"),
    ("protocol soap\n", 6, "unknown protocol 'soap'"),
    ("op A S -> -\nstruct S\n  L list T\n  M T2\nstruct T\n  A str\nstruct T2\n  A str\n"
     "op B TList -> -\nstruct TList\n  A str\n", 15, "has the name of a list or map"),
]


def run(*argv):
    return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          universal_newlines=True)


def golden(apigen, folder, accept):
    bad = []
    done = run(apigen, os.path.join(HERE, "golden.api"), folder)
    if done.returncode != 0:
        return ["golden.api: " + done.stderr]
    for name in ("golden.h", "golden.c", "golden_serve.c"):
        text = open(os.path.join(folder, name)).read()
        path = os.path.join(HERE, name + ".expected")
        if accept:
            open(path, "w").write(text)
        elif text != open(path).read():
            open(os.path.join(folder, "got"), "w").write(text)
            bad.append(name + " differs:\n" + run("diff", path, os.path.join(folder, "got")).stdout)
    return bad


def mistakes(apigen, folder):
    bad = []
    path = os.path.join(folder, "x.api")
    for text, line, words in MISTAKES:
        open(path, "w").write(HEAD + text)
        done = run(apigen, path, folder)
        start = "%s:%d: error: " % (path, line)
        if done.returncode != 1 or not done.stderr.startswith(start) or words not in done.stderr:
            bad.append("%r\n  wanted line %d, ...%s...\n  got %d: %s" %
                       (text, line, words, done.returncode, done.stderr))
    return bad


def usage(apigen, folder):
    bad = []
    for argv, code in (([], 2), (["--coverage"], 2), (["a"], 2), (["/nonexistent.api", folder], 1)):
        done = run(apigen, *argv)
        if done.returncode != code or not done.stderr:
            bad.append("%s ends with %d, not %d" % (argv, done.returncode, code))
    open(os.path.join(folder, "y.api"), "w").write(HEAD)
    if "must be in x.api" not in run(apigen, os.path.join(folder, "y.api"), folder).stderr:
        bad.append("a file that does not bear its service's name is accepted")
    return bad


def main():
    apigen, accept = sys.argv[1], "--accept" in sys.argv
    with tempfile.TemporaryDirectory() as folder:
        bad = golden(apigen, folder, accept) + mistakes(apigen, folder) + usage(apigen, folder)
    print("\n".join(bad) or "%d mistakes are told, golden files are equal" % len(MISTAKES))
    return 1 if bad else 0


sys.exit(main())
