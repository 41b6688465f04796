"""Rows of bench/run about releases: the engine alone, on the disk, a thousand of them, and what a long
history costs whoever looks at a pipeline."""
import json
import os
import statistics
import subprocess
from urllib.parse import urlencode

TRUST = json.dumps({"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Principal": {"Service": "codepipeline.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
ROLE = "arn:aws:iam::111111111111:role/bench"
LOOKS = (("GetPipelineState", "name"), ("ListPipelineExecutions", "pipelineName"))
FEW, MANY = 10, 10000


def printed(argv):
    return json.loads(subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True).stdout)


def engine(program, scratch, rounds):
    steps = statistics.median(printed([program, "memory"])["rate"] for _ in range(rounds))
    print(f"{'engine steps, in memory':<44} {steps:>9.0f}/s")
    turns = []
    for n in range(rounds):
        folder = os.path.join(scratch, f"durable{n}")
        os.mkdir(folder)
        turns.append(printed([program, "durable", folder]))
    one, eight, floor = (statistics.median(t[k] for t in turns) for k in ("one", "eight", "floor"))
    print(f"{'events of releases, durable, 1 thread':<44} {one:>9.1f}/s   the same rows by SQLite alone "
          f"{floor:.1f}/s: {one / floor:.2f}x")
    print(f"{'... 8 pipelines at once, synced in groups':<44} {eight:>9.1f}/s   {eight / floor:.2f}x "
          f"(goal >= 0.8)")
    folder = os.path.join(scratch, "thousand")
    os.mkdir(folder)
    print(f"{'1,000 releases, 6 stages of empty actions':<44} "
          f"{printed([program, 'thousand', folder])['seconds']:>9.2f} s")


def pipeline(name):
    def action(stage, category, provider, **more):
        return {"name": stage, "actions": [{"name": "Act", "actionTypeId": {
            "category": category, "owner": "AWS", "provider": provider, "version": "1"}, **more}]}
    source = action("Source", "Source", "CodeStarSourceConnection", outputArtifacts=[{"name": "s"}],
                    configuration={"ConnectionArn": "arn:aws:codestar-connections:eu-west-2:111111111111:"
                                   "connection/11111111-2222-3333-4444-555555555555",
                                   "FullRepositoryId": "local/bench", "BranchName": "main",
                                   "DetectChanges": "false"})
    builds = [action(f"Stage{n}", "Build", "CodeBuild", inputArtifacts=[{"name": "s"}],
                     configuration={"ProjectName": "bench"}) for n in range(1, 6)]
    return {"name": name, "roleArn": ROLE, "pipelineType": "V2",
            "artifactStore": {"type": "S3", "location": "bench-artifacts"}, "stages": [source, *builds]}


def make_role(server, signed, ask):
    body = urlencode({"Action": "CreateRole", "Version": "2010-05-08", "RoleName": "bench",
                      "AssumeRolePolicyDocument": TRUST}).encode()
    ask(server, signed(server, "iam", "POST", "/", body,
                       {"content-type": "application/x-www-form-urlencoded"}))


def ask_for(server, json_call, operation, key, name):
    return json_call(server, "codepipeline", f"CodePipeline_20150709.{operation}",
                     {key: name, **({"maxResults": FEW} if operation.startswith("List") else {})})


def looks(start, signed, json_call, ask, load, program, scratch, args):
    data = os.path.join(scratch, "history")
    server = start(data)
    try:
        make_role(server, signed, ask)
        for name in ("few", "many"):
            ask(server, json_call(server, "codepipeline", "CodePipeline_20150709.CreatePipeline",
                                  {"pipeline": pipeline(name)}))
    finally:
        server.stop()
    for name, count in (("few", FEW), ("many", MANY)):
        subprocess.run([program, "fill", os.path.join(data, "trunkline.db"), name, str(count)], check=True)
    server = start(data)
    try:
        for operation, key in LOOKS:
            times = {"few": [], "many": []}
            for _ in range(args.rounds):
                for name, kept in times.items():
                    request = ask_for(server, json_call, operation, key, name)
                    ask(server, request)
                    kept.append(1000 / load(server, request, 1, args.seconds)["rate"])
            few, many = (statistics.median(times[n]) for n in ("few", "many"))
            print(f"{operation + f', {MANY:,} executions':<44} {many:>9.2f} ms   with {FEW} {few:.2f} ms: "
                  f"{many / few:.2f}x (goal <= 1.5)", flush=True)
    finally:
        server.stop()
