"""Rows of bench/run about whole builds: by StartBuild to the first command, to the end, many at once,
and the server's memory over many. Times are taken from outside: the build itself says when its first
command ran."""
import glob
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import time

TRUST = json.dumps({"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Principal": {"Service": "codebuild.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
ALLOW = json.dumps({"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Action": "*", "Resource": "*"}]})
SPEC = "version: 0.2\nphases: {build: {commands: ['echo began $EPOCHREALTIME']}}\nenv: {shell: bash}\n"
TARGETS = {"codebuild": "CodeBuild_20161006", "logs": "Logs_20140328"}


class Client:
    """One connection that is kept, signed requests."""

    def __init__(self, server, signed):
        self.server, self.signed = server, signed
        self.socket = socket.create_connection(("127.0.0.1", server.port), 60)

    def exchange(self, request):
        self.socket.sendall(request)
        data = b""
        while b"\r\n\r\n" not in data:
            part = self.socket.recv(65536)
            if not part:
                raise RuntimeError("the server closed the connection")
            data += part
        head, body = data.split(b"\r\n\r\n", 1)
        length = int(re.search(rb"(?i)content-length: (\d+)", head).group(1))
        while len(body) < length:
            body += self.socket.recv(65536)
        if not head.startswith(b"HTTP/1.1 2"):
            raise RuntimeError(body[:300].decode(errors="replace"))
        return body

    def call(self, service, operation, **members):
        headers = {"content-type": "application/x-amz-json-1.1",
                   "x-amz-target": f"{TARGETS[service]}.{operation}"}
        return json.loads(self.exchange(self.signed(
            self.server, service, "POST", "/", json.dumps(members).encode(), headers)) or b"{}")

    def iam(self, action, **members):
        from urllib.parse import urlencode
        body = urlencode({"Action": action, "Version": "2010-05-08", **members}).encode()
        self.exchange(self.signed(self.server, "iam", "POST", "/", body,
                                  {"content-type": "application/x-www-form-urlencoded"}))


def prepared(server, signed):
    client = Client(server, signed)
    client.iam("CreateRole", RoleName="bench", AssumeRolePolicyDocument=TRUST)
    client.iam("PutRolePolicy", RoleName="bench", PolicyName="all", PolicyDocument=ALLOW)
    client.call("codebuild", "CreateProject", name="bench", source={"type": "NO_SOURCE", "buildspec": SPEC},
                artifacts={"type": "NO_ARTIFACTS"}, serviceRole="arn:aws:iam::111111111111:role/bench",
                environment={"type": "LINUX_CONTAINER", "image": "debian-bookworm-build",
                             "computeType": "BUILD_GENERAL1_SMALL"})
    return client


def start(client):
    return client.call("codebuild", "StartBuild", projectName="bench")["build"]["id"]


def wait(client, ids, patience=300, pause=0.002):
    """Until all have ended: when each one's end was seen, by id."""
    ended, until = {}, time.monotonic() + patience
    while len(ended) < len(ids):
        left = [i for i in ids if i not in ended]
        for build in client.call("codebuild", "BatchGetBuilds", ids=left[:100])["builds"]:
            if build["buildComplete"]:
                if build["buildStatus"] != "SUCCEEDED":
                    raise RuntimeError(f"build {build['id']}: {build['buildStatus']}")
                ended[build["id"]] = time.time()
        if time.monotonic() > until:
            raise RuntimeError(f"{len(left)} builds have not ended")
        if len(ended) < len(ids):
            time.sleep(pause)
    return ended


def began(client, build_id):
    """When the first command ran, by the build's own clock (it is ours)."""
    events = client.call("logs", "GetLogEvents", logGroupName="/aws/codebuild/bench", startFromHead=True,
                         logStreamName=build_id.split(":")[1])["events"]
    return next(float(m.group(1)) for e in events if (m := re.match(r"began (\d+\.\d+)", e["message"])))


def alone(client, n, pause=0.0):
    """n builds, one after the other: milliseconds to the first command, and to the end."""
    first, last = [], []
    for _ in range(n):
        begin = time.time()
        build_id = start(client)
        end = wait(client, [build_id])[build_id]
        first.append((began(client, build_id) - begin) * 1000)
        last.append((end - begin) * 1000)
        time.sleep(pause)
    return first, last


def bare_ms(program, n):
    """The runtime's own run of nothing, with the same isolation, in this minute: a median of n."""
    out = subprocess.run([program, str(n)], stdout=subprocess.PIPE, text=True, check=True).stdout
    found = re.search(r"floor +([\d.]+) ms", out)
    return float(found.group(1)) if found else None


class Laminar:
    """A server of laminar's own, where laminard and laminarc are in the PATH: in the same minute, on the
    same disk. Elsewhere the figures that were recorded of it stand for it."""
    recorded_first_ms, recorded_many_s = 11.3, 0.29

    def __init__(self, scratch):
        self.there = bool(shutil.which("laminard") and shutil.which("laminarc"))
        if not self.there:
            return
        self.home = os.path.join(scratch, "laminar")
        self.out = os.path.join(self.home, "out")
        for folder in ("cfg/jobs", "cfg/contexts"):
            os.makedirs(os.path.join(self.home, folder))
        job = os.path.join(self.home, "cfg/jobs/bench.run")
        with open(job, "w", encoding="utf-8") as f:
            f.write(f"#!/bin/bash\necho $EPOCHREALTIME >> {self.out}\n")
        os.chmod(job, 0o755)
        with open(os.path.join(self.home, "cfg/contexts/default.conf"), "w", encoding="utf-8") as f:
            f.write("EXECUTORS=2\n")
        self.environment = {**os.environ, "LAMINAR_HOME": self.home, "LAMINAR_HOST": f"unix:{self.home}/rpc",
                            "LAMINAR_BIND_RPC": f"unix:{self.home}/rpc", "LAMINAR_BIND_HTTP": f"unix:{self.home}/http"}
        self.process = subprocess.Popen(["laminard"], env=self.environment, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 30
        while not os.path.exists(f"{self.home}/rpc"):
            if self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError("laminard does not start")
            time.sleep(0.01)

    def stop(self):
        if self.there:
            self.process.terminate()
            self.process.wait()

    def run(self, n):
        """n jobs, queued by one client: seconds to the last one's first command."""
        begun = self.begun()
        begin = time.time()
        subprocess.run(["laminarc", "queue", *["bench"] * n], env=self.environment, check=True,
                       stdout=subprocess.DEVNULL)
        until = time.monotonic() + 60
        while len(self.begun()) < len(begun) + n:
            if time.monotonic() > until:
                raise RuntimeError("laminar does not run its jobs")
            time.sleep(0.002)
        return max(self.begun()) - begin

    def begun(self):
        if not os.path.exists(self.out):
            return []
        with open(self.out, encoding="utf-8") as f:
            return [float(line) for line in f.read().split("\n")[:-1]]

    def first_ms(self, n):
        times = []
        for _ in range(n if self.there else 0):
            times.append(self.run(1) * 1000)
            time.sleep(0.3)
        return times


def many(client, data, ready):
    """50 builds that are all there before the first ones have ended, when `ready` containers are: seconds to
    the last start, and to the last end. The client asks seldom, as the processors are the builds'."""
    until = time.monotonic() + 60
    while len(glob.glob(os.path.join(data, "pool/*/box/container"))) < ready:
        if time.monotonic() > until:
            raise RuntimeError(f"{ready} containers are not made within a minute")
        time.sleep(0.1)
    time.sleep(1)
    begin = time.time()
    ids = [start(client) for _ in range(50)]
    for i in ids:
        wait(client, [i], pause=0.02)
    end = time.time()
    return max(began(client, i) for i in ids) - begin, end - begin


def alone_row(name, client, laminar, container_start, rounds):
    """Turns of five, as the machine is shared: the bare runtime, laminar, ours."""
    median = statistics.median
    bare, peer, first, last = [], [], [], []
    for _ in range(rounds):
        bare.append(bare_ms(container_start, 5))
        peer += laminar.first_ms(5)
        more_first, more_last = alone(client, 5, 0.3)
        first += more_first
        last += more_last
    beside = median(peer) if peer else Laminar.recorded_first_ms
    print(f"StartBuild to first command, {name:<12} {median(first):7.1f} ms (best {min(first):.1f})   laminar"
          f"{', best ' + format(min(peer), '.1f') + ' ms, median' if peer else ', recorded,'} {beside:.1f} ms: "
          f"{median(first) / beside:.2f}x (goal <= 0.6)\n... to COMPLETED {' ' * 16}{name:<12}{median(last):7.1f} ms (best "
          f"{min(last):.1f})   bare run {median(bare):.1f} ms (best {min(bare):.1f}): {median(last) / median(bare):.2f}x "
          "(goal <= 2 cold)", flush=True)


def many_row(name, client, data, pool, laminar, rounds):
    median = statistics.median
    peer, starts, ends = [], [], []
    for _ in range(rounds):
        if laminar.there:
            peer.append(laminar.run(50))
        start_s, end_s = many(client, data, pool)
        starts.append(start_s)
        ends.append(end_s)
    beside = median(peer) if peer else Laminar.recorded_many_s
    print(f"50 queued, 2 at a time, {name:<12} last start {median(starts):6.2f} s (best {min(starts):.2f}), last end "
          f"{median(ends):6.2f} s   laminar, without isolation"
          f"{', best ' + format(min(peer), '.2f') + ' s, median' if peer else ', recorded,'} {beside:.2f} s: "
          f"{median(starts) / beside:.2f}x (goal <= 1.1)", flush=True)


def builds(start_server, signed, container_start, scratch, rounds):
    laminar = Laminar(scratch)
    try:
        all_builds(start_server, signed, container_start, scratch, rounds, laminar)
    finally:
        laminar.stop()


def all_builds(start_server, signed, container_start, scratch, rounds, laminar):
    for name, pool in (("no pool", 0), ("a pool of 2", 2), ("a pool of 50", 50)):
        data = os.path.join(scratch, f"builds-{pool}")
        os.makedirs(data)
        with open(os.path.join(data, "trunkline.yml"), "w", encoding="utf-8") as f:
            f.write(f"pool: {pool}\nbuilds: 2\n")
        server = start_server(data)
        try:
            client = prepared(server, signed)
            alone(client, 3, 0.5)
            if pool < 50:
                alone_row(name, client, laminar, container_start, rounds)
            many_row(name, client, data, pool, laminar, rounds)
        finally:
            server.stop()


def memory(start_server, signed, resident_mb, scratch, n):
    """The server's memory over n builds; flat means that the second half adds nothing to speak of."""
    server = start_server(os.path.join(scratch, "memory"))
    try:
        client = prepared(server, signed)
        samples = []
        for done in range(0, n, 20):
            wait(client, [start(client) for _ in range(20)])
            samples.append((done + 20, resident_mb(server.process.pid)))
        half = len(samples) // 2
        grown = statistics.mean(m for _, m in samples[-3:]) - statistics.mean(m for _, m in samples[half:half + 3])
        print(f"server's memory over {n} builds: {samples[0][1]:.1f} MB after 20, {samples[half][1]:.1f} MB halfway, "
              f"{samples[-1][1]:.1f} MB at the end: {grown * 1024 / max(1, n // 2):.2f} KiB a build in the second half "
              "(goal: flat)", flush=True)
    finally:
        server.stop()
