"""Builds the function's archive. The same input gives the same bytes, on every machine."""

import json
import os
import zipfile

from . import config as configuration

EPOCH = (1980, 1, 1, 0, 0, 0)


def _add(archive, name, data):
    info = zipfile.ZipInfo(name, EPOCH)
    # A function runs as a user of its own, so everyone may read.
    info.external_attr = 0o100644 << 16
    info.create_system = 3
    # Stored: the compressed form depends on the machine's zlib, and the digest is the key.
    info.compress_type = zipfile.ZIP_STORED
    archive.writestr(info, data)


def build(path, output):
    """Writes the archive of this program with the given configuration; returns its size."""
    config = configuration.load(path)
    configuration.tls_context(path, config)
    here = os.path.dirname(os.path.abspath(__file__))
    entries = {}
    for name in sorted(os.listdir(here)):
        if name.endswith(".py"):
            with open(os.path.join(here, name), "rb") as file:
                entries[f"log_shipper/{name}"] = file.read()
    for field, name in (("certificate", "client.crt"), ("key", "client.key")):
        with open(configuration.resolve(path, config[field]), "rb") as file:
            entries[name] = file.read()
        config[field] = name
    entries["config.json"] = json.dumps(config, indent=2, sort_keys=True).encode() + b"\n"

    temporary = f"{output}.part"
    with zipfile.ZipFile(temporary, "w") as archive:
        for name in sorted(entries):
            _add(archive, name, entries[name])
    os.replace(temporary, output)
    return os.path.getsize(output)
