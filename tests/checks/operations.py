#!/usr/bin/env python3
"""Each operation of CodePipeline and CodeBuild that is built is called by an end-to-end test through
the AWS SDK, and each error that they may answer is expected by one. What is built is what
api/*.api says, of which docs/api-coverage.md is made. Operations of CodeBuild are called by
tests/e2e/codebuild_*, subject by subject, not only by the scenarios."""

import os
import re
import sys

from named_tests import TESTS

# Errors that nothing here can bring about, and why.
NEVER = {
    "codepipeline": {
        "ConcurrentModificationException": "writes are one after the other; the later one counts",
        "ConflictException": "a pipeline is never too busy to answer",
        "InvalidArnException": "the pattern of the model refuses such ARNs before",
        "InvalidJobException": "a third party's job that is not one is not found",
        "ThrottlingException": "nobody is throttled",
    },
    "codebuild": {"OAuthProviderException": "no host is called"},
}


def facts(service):
    """(operations that are built, errors) of api/SERVICE.api."""
    path = os.path.join(os.path.dirname(TESTS), "api", service + ".api")
    built, errors, last = [], [], None
    for line in open(path, encoding="utf-8"):
        words = line.split()
        if line.startswith("op "):
            last = words[1]
            built.append(last)
        elif line.startswith("error "):
            errors.append(words[1])
        elif words == ["unimplemented"] and last in built:
            built.remove(last)
    return built, errors


def sources():
    """The text of every file of the end-to-end tests, by its path below tests/e2e."""
    root = os.path.join(TESTS, "e2e")
    found = {}
    for folder, folders, files in os.walk(root):
        folders[:] = [f for f in folders if f != "node_modules"]
        for name in files:
            if name.endswith(".js"):
                path = os.path.join(folder, name)
                found[os.path.relpath(path, root)] = open(path, encoding="utf-8").read()
    return found


def calls(text, operation):
    """Is the command made, with or without its package's name: not only imported."""
    return re.search(rf"\bnew (?:\w+\.)?{operation}Command\(|\b\w+\.{operation}Command\b|"
                     rf"\(\s*{operation}Command\b", text)


def main():
    bad, count, errors_seen = [], 0, 0
    texts = sources()
    everything = "\n".join(texts.values())
    own = {"codepipeline": everything,
           "codebuild": "\n".join(t for p, t in texts.items() if re.match(r"codebuild_.*\.test\.js$", p))}
    for service, text in own.items():
        built, errors = facts(service)
        where = "tests/e2e" if service == "codepipeline" else "tests/e2e/codebuild_*.test.js"
        count += len(built)
        bad += [f"{service}: {op} is called by nothing in {where}" for op in built if not calls(text, op)]
        for error in errors:
            expects = re.search(rf"\b{error}\b", everything)
            errors_seen += bool(expects)
            if not expects and error not in NEVER[service]:
                bad.append(f"{service}: nothing in tests/e2e expects {error}")
            if expects and error in NEVER[service] and not shared(error, service):
                bad.append(f"checks/operations.py: {error} of {service} is expected somewhere: "
                           "it does not belong into NEVER")
    if count < 80:
        bad.append(f"only {count} operations were found in api/*.api")
    print("\n".join(bad) or f"{count} operations are called, {errors_seen} errors expected")
    return 1 if bad else 0


def shared(error, service):
    """Does another service have an error of that name, which a test may mean?"""
    folder = os.path.join(os.path.dirname(TESTS), "api")
    return any(re.search(rf"^error {error}\b", open(os.path.join(folder, f), encoding="utf-8").read(), re.M)
               for f in os.listdir(folder) if f.endswith(".api") and f != service + ".api")


sys.exit(main())
