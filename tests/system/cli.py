#!/usr/bin/env python3
"""The command line against a real server and real builds: a repository made by `init` is released,
approved, stopped, retried; builds run without a server. Everything lies in one temporary folder.

usage: cli.py TRUNKLINE     ends with 77 (skipped) where builds can not run
"""
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

TRUNKLINE = os.path.abspath(sys.argv[1])


class Failed(Exception):
    pass


def check(condition, what):
    if not condition:
        raise Failed(what)


class Bench:
    def __init__(self, folder):
        self.folder = folder
        self.data = os.path.join(folder, "data")
        self.tree = os.path.join(folder, "hello")
        self.env = dict(os.environ, TRUNKLINE_DATA=self.data, HOME=folder, GIT_CONFIG_NOSYSTEM="1",
                        TMPDIR=os.path.join(folder, "tmp"))
        for name in ("TRUNKLINE_URL", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
            self.env.pop(name, None)
        os.mkdir(self.env["TMPDIR"])
        os.mkdir(self.tree)
        self.server = None

    def run(self, *argv, want=0, cwd=None, timeout=180, **kwargs):
        done = subprocess.run([TRUNKLINE, *argv], cwd=cwd or self.tree, env=self.env, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout,
                              **kwargs)
        said = f"trunkline {' '.join(argv)}: {done.returncode}\n{done.stdout}{done.stderr}"
        check(want is None or done.returncode == want, f"wanted status {want} of {said}")
        return done

    def json(self, *argv, **kwargs):
        return json.loads(self.run(*argv, "--json", **kwargs).stdout)

    def git(self, *argv):
        subprocess.run(["git", "-c", "user.name=Ada Lovelace", "-c", "user.email=ada@example.org",
                        *argv], cwd=self.tree, env=self.env, check=True,
                       stdout=subprocess.DEVNULL)

    def commit(self, subject, **files):
        for name, text in files.items():
            open(os.path.join(self.tree, name), "w", encoding="utf-8").write(text)
        self.git("add", "-A")
        self.git("commit", "-qm", subject)

    def serve(self):
        self.server = subprocess.Popen([TRUNKLINE, "serve", "--listen", "127.0.0.1:0",
                                        "--allow-notify-to", "127.0.0.0/8"], env=self.env, stdout=subprocess.PIPE, text=True)
        line = self.server.stdout.readline()
        check(line.startswith("trunkline: ready http://127.0.0.1:"), f"ready line: {line!r}")

    def end(self):
        if self.server:
            self.server.terminate()
            self.server.wait(20)


def wait_for(what, fn, seconds=30):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = fn()
        if found:
            return found
        time.sleep(0.1)
    raise Failed(f"{what}: not within {seconds} s")


def without_a_server(b):
    done = b.run("status", want=5)
    check("start one: trunkline serve" in done.stderr, done.stderr)
    check(b.run("lgos", want=2).stderr.startswith("trunkline: there is no verb 'lgos'"), "usage")


def init_and_lint(b):
    b.git("init", "-q", "-b", "main")
    b.run("init")
    b.run("lint", "release.yml", "accounts.yml", "buildspec.yml", "buildspec.test.yml")
    bad = b.json("lint", "-", want=1, input="version: 0.2\nphases: 7\n")
    check(bad["valid"] is False and bad["errors"][0]["line"] == 2, bad)
    # Quick builds: this is about the command line.
    spec = os.path.join(b.tree, "buildspec.yml")
    text = open(spec, encoding="utf-8").read()
    open(spec, "w", encoding="utf-8").write(re.sub("aws --profile deploy .*", "test ! -f bad", text))
    plan = b.json("apply")
    check([s["name"] for s in plan["pipeline"]["stages"]] ==
          ["Source", "Test", "Development", "Pre_Production", "Production-Approve", "Production"],
          plan)
    # A pipeline named beside a buildspec says which secondary artifacts can be asked for.
    build = next(a for s in plan["pipeline"]["stages"] for a in s["actions"]
                 if a["actionTypeId"]["provider"] == "CodeBuild")
    build["outputArtifacts"] = [{"name": "docs"}]
    files = [os.path.join(b.folder, name) for name in ("pipeline.json", "secondary.yml")]
    with open(files[0], "w", encoding="utf-8") as f:
        json.dump(plan["pipeline"], f)
    with open(files[1], "w", encoding="utf-8") as f:
        f.write("version: 0.2\nphases: {}\nartifacts:\n  files: [a]\n  secondary-artifacts:\n"
                "    docs: {files: [b]}\n    other: {files: [c]}\n")
    both = b.json("lint", *files)
    check([(w["code"], w["line"]) for w in both[1]["warnings"]] == [("secondary-unreachable", 7)], both)


def run_alone(b):
    os.makedirs(os.path.join(b.tree, "cache"), exist_ok=True)
    for name, text in ((".gitignore", "cache/\n"), ("cache/large", "x")):
        open(os.path.join(b.tree, name), "w").write(text)
    open(os.path.join(b.folder, "list.yml"), "w").write(
        "version: 0.2\nphases: {build: {commands: [find . -type f | sort]}}\n")
    listed = b.run("run", "--buildspec", os.path.join(b.folder, "list.yml")).stdout
    check("./buildspec.yml" in listed and "./cache" not in listed and "./.git/" not in listed, listed)
    done = b.run("run", "--env", "development")
    check("hello from development" in done.stdout, done.stdout)
    check("SUCCEEDED" in done.stderr and "SUMMARY=1 parameter deployed to development" in done.stderr,
          done.stderr)
    open(os.path.join(b.folder, "fail.yml"), "w").write(
        "version: 0.2\nphases: {build: {commands: [echo before, exit 7, echo after]}}\n")
    done = b.run("run", "--buildspec", os.path.join(b.folder, "fail.yml"), want=1)
    check("exit status 7" in done.stderr and "after" not in done.stdout.split("Running")[-1],
          done.stderr)
    check("reason  Error while executing command: exit 7" in done.stderr, done.stderr)


def run_interrupted(b):
    open(os.path.join(b.folder, "slow.yml"), "w").write(
        "version: 0.2\nphases: {build: {commands: [echo begun, sleep 600]}}\n")
    process = subprocess.Popen([TRUNKLINE, "run", "--buildspec",
                                os.path.join(b.folder, "slow.yml")], cwd=b.tree, env=b.env,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while "begun" != (line := process.stdout.readline()).strip():
        check(line, "the build's first words")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=90)
    check(process.returncode == 3, f"status {process.returncode} after an interrupt")


def nothing_is_left(b):
    check(os.listdir(b.env["TMPDIR"]) == [], f"left: {os.listdir(b.env['TMPDIR'])}")
    check(b.env["TMPDIR"] not in open("/proc/mounts").read(), "a mount is left")


def release(b):
    b.commit("Say hello")
    b.serve()
    made = b.run("account", "setup", "accounts.yml").stdout
    check(re.search(r"role +hello-pipeline +created", made), made)
    again = b.json("account", "setup", "accounts.yml")
    check({s["done"] for s in again["steps"]} == {"kept"}, again)
    done = b.json("apply", "--yes")
    check(done["execution"] and {c["done"] for c in done["changes"]} <= {"created", "kept"}, done)
    check(b.run("apply").stdout.endswith("Nothing to change.\n"), "a second apply changes nothing")
    lines = b.run("watch", want=4).stdout
    check("Source                succeeded" in lines and "waits for a person" in lines, lines)
    card = b.json("show")
    check(card["revision"]["author"] == "Ada Lovelace" and card["waitsForApproval"], card)
    check([c["subject"] for c in card["commits"]] == ["Say hello"], card["commits"])
    dev = next(s for s in card["stages"] if s["name"] == "Development")
    check(dev["actions"][0]["build"]["exportedVariables"] ==
          {"SUMMARY": "1 parameter deployed to development"}, dev)
    check(card["times"]["engineMs"] >= 0 and card["times"]["totalMs"] > 0, card["times"])
    b.run("approve", "--summary", "fine")
    b.run("watch", want=0)
    check("Succeeded" in b.run("show", "--times").stdout, "the card of a release that is over")
    check("hello from production" in b.run("logs").stdout, "logs")
    check("nothing waits" in b.run("approve", want=1).stderr, "an approval twice")


def lint_of_an_account(b):
    """Parameters as each environment of release.yml names them; secrets; a file that is mended."""
    spec = os.path.join(b.folder, "lint.yml")
    open(spec, "w", encoding="utf-8").write(
        "version: 0.2\nenv:\n  variables:\n    A: $ENV\n  parameter-store:\n    ROLE: /lint/$ENV/role\n"
        "    HERE: /lint/here\n    GONE: /lint/gone\n  secrets-manager: {S: lint/secret:key}\n"
        "phases: {}\n")
    accounts = os.path.join(b.folder, "lint-accounts.yml")
    open(accounts, "w", encoding="utf-8").write(
        'accounts:\n  shared-services:\n    id: "111111111111"\n    region: eu-west-2\n'
        "    parameters: lint.env\n")
    open(os.path.join(b.folder, "lint.env"), "w", encoding="utf-8").write(
        "/lint/development/role=a\n/lint/production/role=b\n/lint/here=c\n")
    b.run("account", "setup", accounts)
    said = b.json("lint", "--account", "shared-services", spec)
    found = [(w["line"], w["message"].split("'")[1]) for w in said["warnings"]
             if w["code"] == "parameter-missing"]
    check(found == [(6, "/lint/pre-production/role"), (8, "/lint/gone"), (9, "lint/secret:key")],
          said["warnings"])
    said = b.json("lint", "--account", "shared-services", "--env", "development", spec)
    check(len([w for w in said["warnings"] if w["code"] == "parameter-missing"]) == 2, said)
    said = b.json("lint", "--fix", spec)
    check(said["fixed"][0]["code"] == "literal-variable" and not said["warnings"], said)
    check("A: ${ENV}" in open(spec, encoding="utf-8").read(), "the file is written")


def failing_and_retried(b):
    before = b.json("history")["executions"][0]["id"]
    b.commit("Break it", bad="x")
    newest = wait_for("the watcher", lambda: (
        lambda e: e["id"] if e["id"] != before else None)(b.json("history")["executions"][0]))
    done = b.run("watch", newest[:8], want=1)
    check("Development failed in Build" in done.stdout and "test ! -f bad" in done.stdout,
          done.stdout)
    b.run("retry")
    b.run("watch", want=1)
    check("attempt 2" in b.run("show").stdout, "the second attempt is told")


def stopped_and_closed(b):
    os.remove(os.path.join(b.tree, "bad"))
    before = b.json("history")["executions"][0]["id"]
    b.run("disable", "Development", "--reason", "freeze")
    b.commit("Mend it")
    wait_for("the watcher", lambda: b.json("history")["executions"][0]["id"] != before)
    wait_for("the closed way", lambda: "the way into Development is closed: freeze" in b.run("status").stdout and
             "waiting" in b.run("status").stdout)
    b.run("stop", "--reason", "no longer needed")
    b.run("watch", want=3)
    b.run("enable", "Development")


def changed(b):
    path = os.path.join(b.tree, "release.yml")
    text = open(path, encoding="utf-8").read()
    open(path, "w", encoding="utf-8").write(
        text.replace("    account: production\n", "    account: production\n    timeout: 30\n"))
    done = b.run("apply")
    check("+ timeoutInMinutes: 30" in done.stdout or
          re.search(r"~ timeoutInMinutes: \d+ -> 30", done.stdout), done.stdout)
    check("Nothing to change." in b.run("apply").stdout, "and then nothing more")


def told(b):
    out = os.path.join(b.folder, "received.jsonl")
    receiver = subprocess.Popen([TRUNKLINE, "dev", "receive", "--out", out], env=b.env,
                                stdout=subprocess.PIPE, text=True)
    try:
        url = receiver.stdout.readline().strip().removeprefix("trunkline: receiving at ")
        path = os.path.join(b.tree, "release.yml")
        text = open(path, encoding="utf-8").read()

        def notify(hook, on):
            open(path, "w", encoding="utf-8").write(
                text + f'notify: [{{webhook: "{hook}", on: [{on}]}}]\n')
            return b.run("apply").stdout

        check(re.search(r"webhook .* new", notify(url, "approval")), "a new webhook")
        wait_for("the confirmation", lambda: os.path.exists(out) and
                 "SubscriptionConfirmation" in open(out).read())
        wait_for("the subscription", lambda: "is not confirmed yet" not in b.run("apply").stdout)
        check("~ on:" in notify(url, "approval, failed"), "what it is told of changes")
        check("Nothing to change." in b.run("apply").stdout, "and then nothing more")
        check(re.search(r"webhook .* removed", notify(url + "other", "alarm")), "the old one goes")
        check("removed" not in b.run("apply").stdout, "and is gone")
    finally:
        receiver.terminate()
        check(receiver.wait(10) == 0, "the receiver ends well")


def environment(b):
    text = b.run("env", "production").stdout
    check("export AWS_ACCESS_KEY_ID='AKIA" in text and "export AWS_ENDPOINT_URL='http" in text, text)
    check("there are: shared-services, development" in b.run("env", "moon", want=1).stderr, "names")
    check(len(b.json("account", "list")["accounts"]) == 4, "accounts")
    check("/console/sign-in?link=" in b.run("console").stdout, "console")


def main():
    doctor = subprocess.run([TRUNKLINE, "doctor"], stdout=subprocess.PIPE, text=True)
    if doctor.returncode != 0:
        print("SKIP: builds can not run here: " +
              " ".join(l for l in doctor.stdout.splitlines() if l.startswith("missing")))
        return 77
    with tempfile.TemporaryDirectory(prefix="trunkline-cli-") as folder:
        b = Bench(folder)
        try:
            for test in (without_a_server, init_and_lint, run_alone, run_interrupted,
                         nothing_is_left, release, lint_of_an_account, failing_and_retried, stopped_and_closed,
                         changed, told, environment):
                began = time.monotonic()
                test(b)
                print(f"ok  {test.__name__}  {time.monotonic() - began:.1f} s", flush=True)
        except Failed as why:
            print(f"FAIL {test.__name__}: {why}")
            return 1
        finally:
            b.end()
    return 0


sys.exit(main())
