"""Configuration: reading, checking, writing. Knows nothing of the network or of AWS."""

import json
import os
import re
import ssl
import tempfile

LEVELS = ("debug", "info", "warning", "error")
FIELDS = ("environment", "collector", "level", "certificate", "key")


class ConfigError(Exception):
    """What is wrong, with the file and the field."""


def split_collector(value):
    """Returns (host, port) of 'HOST:PORT'; ValueError says what is wrong."""
    host, colon, port = value.rpartition(":")
    if not colon or not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", host):
        raise ValueError(f"'{value}' is not HOST:PORT")
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) < 65536:
        raise ValueError(f"'{port}' is not a port")
    return host, int(port)


def _check(path, config):
    if not isinstance(config, dict):
        raise ConfigError(f"{path}: not a JSON object")
    for name in config:
        if name not in FIELDS:
            raise ConfigError(f"{path}: unknown field '{name}'")
    for name in FIELDS:
        if not isinstance(config.get(name), str) or not config[name]:
            raise ConfigError(f"{path}: field '{name}' is missing or not a text")
    if config["level"] not in LEVELS:
        raise ConfigError(f"{path}: level '{config['level']}' is none of {', '.join(LEVELS)}")
    try:
        split_collector(config["collector"])
    except ValueError as error:
        raise ConfigError(f"{path}: collector: {error}") from error


def load(path):
    """Returns the configuration of the file, checked but for certificate and key."""
    try:
        with open(path, encoding="utf-8") as file:
            config = json.load(file)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{path}: not JSON: {error}") from error
    _check(path, config)
    return config


def resolve(path, name):
    """Relative names in a configuration are relative to its folder."""
    return os.path.join(os.path.dirname(os.path.abspath(path)), name)


def tls_context(path, config):
    """A client context with the configuration's certificate and key, which have to be a pair."""
    context = ssl.create_default_context()
    certificate = resolve(path, config["certificate"])
    key = resolve(path, config["key"])
    for name in (certificate, key):
        if not os.path.isfile(name):
            raise ConfigError(f"{path}: {name} does not exist")
    try:
        # An encrypted key would otherwise ask on the terminal.
        context.load_cert_chain(certificate, key, password=lambda: b"")
    except (ssl.SSLError, ValueError, OSError) as error:
        reason = getattr(error, "reason", None) or error
        raise ConfigError(f"{path}: certificate and key cannot be used: {reason}") from error
    return context


def save(path, config):
    """Writes the configuration in one step: a reader sees the old file or the new one."""
    _check(path, config)
    folder = os.path.dirname(os.path.abspath(path))
    os.makedirs(folder, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=".config-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(config, file, indent=2, sort_keys=True)
            file.write("\n")
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
