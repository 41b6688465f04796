#!/usr/bin/env python3
"""Passes requests on to a server and writes them, with the answers, as a case for tests/wire/run.c.

What changes from run to run (ids, times) is written as '*'. Bodies that are not text are left out,
with a comment in their place.
"""
import argparse
import http.client
import http.server
import re
import threading
import urllib.parse

KEPT = ("content-type", "x-amz-target", "range", "if-match", "if-none-match", "expect")
DROPPED = ("x-amz-date", "x-amz-security-token", "x-amz-content-sha256")
VOLATILE = (
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+0000)",
    r"\b1[6-9]\d{8}(\.\d+)?\b",
    r"\b1[6-9]\d{11}\b",
    r"\bAVRLA[A-Za-z0-9+/=]+",
    r"\bA(KIA|SIA|ROA|IDA|NPA)[A-Z0-9]{12,}\b",
)


def kept(name):
    name = name.lower()
    return name in KEPT or (name.startswith("x-amz-") and name not in DROPPED)


def text_of(body):
    try:
        return body.decode().strip()
    except UnicodeDecodeError:
        return None


class Recorder(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def pass_on(self):
        sent = self.body()
        upstream = http.client.HTTPConnection(self.server.upstream)
        upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in ("transfer-encoding", "content-length", "expect"):
                upstream.putheader(name, value)
        upstream.putheader("Content-Length", str(len(sent)))
        upstream.endheaders(sent)
        answer = upstream.getresponse()
        got = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "date"):
                self.send_header(name, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(got))
        self.send_header("Content-Length", length or "0")
        self.end_headers()
        self.wfile.write(got)
        with self.server.lock:
            self.write_case(sent, answer, got)

    def write_case(self, sent, answer, got):
        out = self.server.out
        scope = re.search(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/", self.headers.get("Authorization", ""))
        out.write(f"> {self.command} {self.path} {scope.group(1) if scope else '-'}\n")
        for name, value in self.headers.items():
            if kept(name) and not (sent != sent.strip() and "checksum" in name.lower()):
                out.write(f"{name}: {value}\n")
        out.write("\n" + (text_of(sent) or "") + "\n")
        if text_of(sent) is None:
            out.write("# the body was not text\n")
        want = text_of(got)
        for pattern in VOLATILE:
            want = re.sub(pattern, "*", want or "")
        out.write(f"< {answer.status}\n\n{want}\n\n")
        out.flush()

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = pass_on

    def log_message(self, *args):
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listen", type=int, required=True)
    parser.add_argument("--upstream", required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", args.listen), Recorder)
    server.upstream = urllib.parse.urlsplit(args.upstream).netloc
    server.lock = threading.Lock()
    with open(args.out, "w", encoding="utf-8") as server.out:
        server.serve_forever()


if __name__ == "__main__":
    main()
