"""The function: decodes what CloudWatch Logs delivers and sends it to the collector.

Every outcome is counted in the metric 'Errors' of namespace LoggingPlatform, by a log line in
CloudWatch's embedded metric format, so the function needs no permission to write metrics.
"""

import base64
import gzip
import io
import json
import os
import socket
import time

from . import config as configuration

CONFIG = os.environ.get(
    "LOG_SHIPPER_CONFIG",
    os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "config.json"),
)
MAX_BYTES = 32 * 1024 * 1024


def decode(event):
    """Returns the log events of one delivery as lines (bytes); [] for a control message."""
    packed = base64.b64decode(event["awslogs"]["data"], validate=True)
    with gzip.GzipFile(fileobj=io.BytesIO(packed)) as stream:
        text = stream.read(MAX_BYTES + 1)
    if len(text) > MAX_BYTES:
        raise ValueError("the delivery is larger than a function can take")
    batch = json.loads(text)
    if batch.get("messageType") != "DATA_MESSAGE":
        return []
    lines = []
    for item in batch["logEvents"]:
        line = {
            "account": batch["owner"],
            "group": batch["logGroup"],
            "stream": batch["logStream"],
            "id": item["id"],
            "time": item["timestamp"],
            "message": item["message"],
        }
        lines.append(json.dumps(line, separators=(",", ":")).encode() + b"\n")
    return lines


def metric(environment, errors, now=None):
    """The embedded-metric log line that reports a number of errors."""
    return json.dumps(
        {
            "_aws": {
                "Timestamp": int((time.time() if now is None else now) * 1000),
                "CloudWatchMetrics": [
                    {
                        "Namespace": "LoggingPlatform",
                        "Dimensions": [["Environment"]],
                        "Metrics": [{"Name": "Errors", "Unit": "Count"}],
                    }
                ],
            },
            "Environment": environment,
            "Errors": errors,
        }
    )


def send(lines, path, config):
    """Sends all lines over one TLS connection; an exception means that some may be missing."""
    host, port = configuration.split_collector(config["collector"])
    context = configuration.tls_context(path, config)
    with socket.create_connection((host, port), timeout=10) as plain:
        with context.wrap_socket(plain, server_hostname=host) as secured:
            secured.sendall(b"".join(lines))
            # The orderly end tells that the collector has read everything.
            secured.unwrap()


def handle(event, _context):
    """The function's entry point. A failed delivery raises, and CloudWatch Logs sends it again."""
    environment = os.environ.get("ENVIRONMENT", "unknown")
    try:
        config = configuration.load(CONFIG)
        lines = decode(event)
        if lines:
            send(lines, CONFIG, config)
    except Exception:
        print(metric(environment, 1))
        raise
    print(metric(environment, 0))
    return {"shipped": len(lines)}
