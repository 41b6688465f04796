#!/usr/bin/env python3
"""Checks who includes whom. Bands may include themselves and the bands before them; flow and
services are blind to each other; inside flow a folder may include only the folders to its right."""

import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BANDS = ["base", "platform", "runtime", "aws", "flow", "services", "front", "daemon"]
FLOW = ["verify", "watch", "trigger", "approval", "execution", "stage", "action", "worker", "source", "forge", "batch", "build", "cache",
        "gateway", "plan", "report", "phase", "image", "sandbox", "command", "checkout", "artifact",
        "record", "definition"]


def allowed(from_band, to_band):
    if {from_band, to_band} == {"flow", "services"}:
        return False
    return BANDS.index(to_band) <= BANDS.index(from_band)


def main():
    bad, seen = [], 0
    for folder, _, files in os.walk(os.path.join(ROOT, "src")):
        for name in files:
            if not name.endswith((".c", ".h")):
                continue
            path = os.path.relpath(os.path.join(folder, name), os.path.join(ROOT, "src"))
            parts = path.split(os.sep)
            if parts[0] not in BANDS:
                continue
            text = open(os.path.join(folder, name), encoding="utf-8").read()
            for included in re.findall(r'^#include "([^"]+)"', text, re.M):
                seen += 1
                target = included.split("/")
                if target[0] not in BANDS:
                    continue
                if not allowed(parts[0], target[0]):
                    bad.append(f"src/{path}: {parts[0]} may not include {included}")
                elif parts[0] == target[0] == "flow" and len(parts) > 2 and len(target) > 2:
                    if FLOW.index(target[1]) < FLOW.index(parts[1]):
                        bad.append(f"src/{path}: flow/{parts[1]} may not include {included}")
    told = open(os.path.join(ROOT, "ARCHITECTURE.md"), encoding="utf-8").read()
    if " > ".join(FLOW) not in re.sub(r"\s+", " ", told):
        bad.append("ARCHITECTURE.md: the order of flow's folders is another: " + " > ".join(FLOW))
    unknown = set(os.listdir(os.path.join(ROOT, "src/flow"))) - set(FLOW) - {"meson.build"}
    bad += [f"src/flow/{name}: has no place in the order of flow's folders" for name in unknown]
    print("\n".join(bad) or f"{seen} includes keep to the layers")
    return 1 if bad or seen == 0 else 0


sys.exit(main())
