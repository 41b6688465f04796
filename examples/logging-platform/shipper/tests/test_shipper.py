"""Tests of the shipper: standard library and the openssl program only."""

import base64
import contextlib
import gzip
import io
import json
import os
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest
import zipfile
from unittest import mock

from log_shipper import cli, config, handler


def make_pair(folder, name, host="localhost"):
    """A self-signed certificate and its key; returns their paths."""
    certificate = os.path.join(folder, f"{name}.crt")
    key = os.path.join(folder, f"{name}.key")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}",
         "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )
    return certificate, key


def delivery(message_type="DATA_MESSAGE", count=2):
    """An event as CloudWatch Logs hands it to a function."""
    batch = {
        "messageType": message_type, "owner": "222222222222",
        "logGroup": "/logging-platform/development/audit", "logStream": "s",
        "logEvents": [
            {"id": str(i), "timestamp": 1000 + i, "message": f"line {i}\nmore"}
            for i in range(count)
        ],
    }
    packed = gzip.compress(json.dumps(batch).encode())
    return {"awslogs": {"data": base64.b64encode(packed).decode()}}


class Collector(threading.Thread):
    """A TLS server that wants a client certificate and keeps what one client sends."""

    def __init__(self, certificate, key, client):
        super().__init__(daemon=True)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.context.load_verify_locations(client)
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(20)
        self.port = self.listener.getsockname()[1]
        self.received = b""

    def run(self):
        plain, _ = self.listener.accept()
        with contextlib.suppress(OSError), self.context.wrap_socket(plain, server_side=True) as tls:
            while data := tls.recv(65536):
                self.received += data
            tls.unwrap()
        self.listener.close()


class Base(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.certificate, cls.key = make_pair(cls.folder.name, "client")
        cls.other_certificate, cls.other_key = make_pair(cls.folder.name, "other")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def run_cli(self, *arguments):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = cli.main(list(arguments))
        return status, out.getvalue(), err.getvalue()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def setup_config(self, name, **changes):
        values = {
            "environment": "development", "collector": "localhost:6514", "level": "info",
            "certificate": self.certificate, "key": self.key,
        } | changes
        flags = [text for key, value in values.items() for text in (f"--{key}", value)]
        return self.run_cli("setup", "--config", self.path(name), *flags)


class TestConfig(Base):
    def test_what_setup_writes_passes_test_config(self):
        self.assertEqual(self.setup_config("good.json")[0], 0)
        status, out, _ = self.run_cli("test", "config", "--config", self.path("good.json"))
        self.assertEqual(status, 0)
        self.assertIn("are a pair", out)

    def test_show_prints_the_certificate_and_never_the_key(self):
        self.setup_config("show.json")
        _, out, _ = self.run_cli("test", "config", "--config", self.path("show.json"), "--show")
        with open(self.certificate, encoding="ascii") as file:
            self.assertIn(file.read(), out)
        with open(self.key, encoding="ascii") as file:
            self.assertNotIn(file.read().splitlines()[1], out)

    def test_a_key_of_another_certificate_is_refused(self):
        self.setup_config("pair.json", key=self.other_key)
        status, _, err = self.run_cli("test", "config", "--config", self.path("pair.json"))
        self.assertEqual(status, 1)
        self.assertIn("certificate and key cannot be used", err)

    def test_bad_values_are_refused_and_write_nothing(self):
        for name, changes, text in (
            ("c1.json", {"collector": "localhost"}, "not HOST:PORT"),
            ("c2.json", {"collector": "localhost:70000"}, "not a port"),
            ("c3.json", {"level": "loud"}, "level 'loud'"),
            ("c4.json", {"environment": ""}, "field 'environment'"),
        ):
            with self.subTest(name):
                status, _, err = self.setup_config(name, **changes)
                self.assertEqual(status, 1)
                self.assertIn(text, err)
                self.assertFalse(os.path.exists(self.path(name)))

    def test_a_damaged_file_is_named(self):
        for text, reason in (("{", "not JSON"), ("[]", "not a JSON object"),
                             ('{"colector": "x"}', "unknown field 'colector'")):
            with open(self.path("bad.json"), "w", encoding="utf-8") as file:
                file.write(text)
            with self.assertRaisesRegex(config.ConfigError, reason):
                config.load(self.path("bad.json"))


class TestPackage(Base):
    def test_the_archive_is_the_same_twice_and_holds_everything(self):
        self.setup_config("package.json")
        archives = []
        for name in ("one.zip", "two.zip"):
            status, _, err = self.run_cli(
                "package", "--config", self.path("package.json"), "--output", self.path(name))
            self.assertEqual((status, err), (0, ""))
            with open(self.path(name), "rb") as file:
                archives.append(file.read())
        self.assertEqual(archives[0], archives[1])
        with zipfile.ZipFile(self.path("one.zip")) as archive:
            self.assertIn("log_shipper/handler.py", archive.namelist())
            packed = json.loads(archive.read("config.json"))
            with open(self.key, "rb") as file:
                self.assertEqual(archive.read(packed["key"]), file.read())


class TestHandler(Base):
    def test_a_delivery_becomes_one_line_per_event(self):
        lines = handler.decode(delivery())
        self.assertEqual(len(lines), 2)
        self.assertEqual(lines[0].count(b"\n"), 1)
        self.assertEqual(json.loads(lines[1])["message"], "line 1\nmore")

    def test_a_control_message_ships_nothing(self):
        self.assertEqual(handler.decode(delivery("CONTROL_MESSAGE")), [])

    def test_events_arrive_over_mutual_tls(self):
        server_certificate, server_key = make_pair(self.folder.name, "server")
        collector = Collector(server_certificate, server_key, self.certificate)
        collector.start()
        self.setup_config("ship.json", collector=f"localhost:{collector.port}")
        environment = {"SSL_CERT_FILE": server_certificate, "ENVIRONMENT": "development"}
        out = io.StringIO()
        with mock.patch.dict(os.environ, environment), \
                mock.patch.object(handler, "CONFIG", self.path("ship.json")), \
                contextlib.redirect_stdout(out):
            self.assertEqual(handler.handle(delivery(count=3), None), {"shipped": 3})
        collector.join(20)
        self.assertEqual(collector.received.count(b"\n"), 3)
        self.assertEqual(json.loads(out.getvalue())["Errors"], 0)

    def test_a_collector_that_is_away_counts_an_error_and_raises(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        self.setup_config("away.json", collector=f"localhost:{port}")
        out = io.StringIO()
        with mock.patch.dict(os.environ, {"ENVIRONMENT": "production"}), \
                mock.patch.object(handler, "CONFIG", self.path("away.json")), \
                contextlib.redirect_stdout(out), self.assertRaises(OSError):
            handler.handle(delivery(), None)
        line = json.loads(out.getvalue())
        self.assertEqual((line["Errors"], line["Environment"]), (1, "production"))


if __name__ == "__main__":
    unittest.main()
