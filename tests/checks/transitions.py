#!/usr/bin/env python3
"""Each state and each transition that CodePipeline documents has a row in tests/transitions.md, and each
row end-to-end tests that are there. The states are those of the service model, as api/codepipeline.api
has them; the transitions are listed here, so that no row goes by accident."""

import os
import re
import sys

from named_tests import TESTS, lacks, named, rows

# Of which enum of the service model the states are.
ENUMS = {"execution": "PipelineExecutionStatus", "stage": "StageExecutionStatus",
         "action": "ActionExecutionStatus", "condition": "ConditionExecutionStatus",
         "rule": "RuleExecutionStatus", "job": "JobStatus"}
# A job is queued in the moment in which it is made: nobody sees it before.
NEVER_SEEN = {("job", "Created")}
# EventBridge's states, as the user guide lists them (SKIPPED of a stage is ours: docs/limits.md).
EVENTS = {
    "execution event": "CANCELED FAILED RESUMED STARTED STOPPED STOPPING SUCCEEDED SUPERSEDED",
    "stage event": "CANCELED FAILED RESUMED STARTED STOPPED STOPPING SUCCEEDED",
    "action event": "ABANDONED CANCELED FAILED STARTED SUCCEEDED",
}
TRANSITIONS = {
    "execution": "->InProgress, InProgress>Succeeded, InProgress>Failed, InProgress>Superseded, "
                 "InProgress>Stopping, InProgress>Cancelled, InProgress>InProgress, Stopping>Stopped, "
                 "Stopping>Stopping, Stopping>Cancelled, Failed>InProgress, Stopped>InProgress",
    "stage": "->InProgress, InProgress>Succeeded, InProgress>Failed, InProgress>Skipped, "
             "InProgress>Stopping, InProgress>Cancelled, Stopping>Stopped, Stopping>Cancelled, "
             "Failed>InProgress, Stopped>InProgress",
    "action": "->InProgress, InProgress>Succeeded, InProgress>Failed, InProgress>Abandoned, "
              "Failed>InProgress, Abandoned>InProgress, Succeeded>InProgress",
    "approval": "->waiting, waiting>approved, waiting>rejected, waiting>over its time, waiting>dropped, "
                "rejected>waiting, over its time>waiting, dropped>waiting",
    "job": "->Queued, Queued>Dispatched, Dispatched>Queued, Dispatched>InProgress, InProgress>Queued, "
           "InProgress>Succeeded, InProgress>Failed, InProgress>TimedOut",
    "transition": "->enabled, enabled>disabled, disabled>enabled",
    "condition": "->InProgress, InProgress>Succeeded, InProgress>Failed, InProgress>Errored, "
                 "InProgress>Overridden, InProgress>Abandoned, InProgress>Cancelled, "
                 "Failed>Overridden, Errored>InProgress",
    "rule": "->InProgress, InProgress>Succeeded, InProgress>Failed, InProgress>Abandoned",
}


def model():
    """The states of each enum, from the service's facts."""
    path = os.path.join(os.path.dirname(TESTS), "api", "codepipeline.api")
    found = dict(re.findall(r"^enum (\w+) (.+(?:\n +.+)*)", open(path, encoding="utf-8").read(), re.M))
    return {what: found[name].split() for what, name in ENUMS.items()}


def expected():
    all_of = {(what, *pair.strip().rsplit(">", 1)) for what, text in TRANSITIONS.items()
              for pair in text.split(",")}
    return all_of | {(what, "-", state) for what, text in EVENTS.items() for state in text.split()}


def main():
    bad, seen, references = [], set(), 0
    for what, before, after, _, cell in rows("transitions.md", 5):
        if what == "of":
            continue
        seen.add((what, before, after))
        tests = named(cell)
        references += len(tests)
        place = f"transitions.md: {what} {before} > {after}"
        if not tests:
            bad.append(f"{place} has no test")
        bad += [f"{place}: {r}: {why}" for r in tests if (why := lacks(r))]
        bad += [f"{place}: {r} is no end-to-end test" for r in tests if not r.startswith("e2e/")]
    bad += [f"transitions.md: {' '.join(row)}: there is no such row" for row in sorted(expected() - seen)]
    bad += [f"transitions.md: {' '.join(row)}: this check knows no such transition"
            for row in sorted(seen - expected())]
    for what, states in model().items():
        reached = {after for w, _, after in seen if w == what}
        bad += [f"transitions.md: nothing reaches {what} {s}" for s in states
                if s not in reached and (what, s) not in NEVER_SEEN]
        bad += [f"transitions.md: {what} has no state {s}" for s in sorted(reached - set(states))]
    print("\n".join(bad) or f"{len(seen)} transitions, {references} tests")
    return 1 if bad else 0


sys.exit(main())
