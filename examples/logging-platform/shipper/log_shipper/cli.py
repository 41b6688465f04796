"""The command line: version, setup, test config, package."""

import argparse
import os
import sys

from . import VERSION
from . import config as configuration
from . import package


def _setup(arguments):
    configuration.save(
        arguments.config,
        {name: getattr(arguments, name) for name in configuration.FIELDS},
    )
    print(f"wrote {arguments.config}")


def _test_config(arguments):
    config = configuration.load(arguments.config)
    configuration.tls_context(arguments.config, config)
    if arguments.show:
        for name in configuration.FIELDS:
            print(f"{name}: {config[name]}")
        with open(
            configuration.resolve(arguments.config, config["certificate"]), encoding="ascii"
        ) as file:
            sys.stdout.write(file.read())
    print(f"{arguments.config}: valid; certificate and key are a pair")


def _package(arguments):
    size = package.build(arguments.config, arguments.output)
    print(f"wrote {arguments.output}, {size} bytes")


def _parser():
    parser = argparse.ArgumentParser(prog="log-shipper", allow_abbrev=False)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    verbs.add_parser("version", help="print the version").set_defaults(
        run=lambda _: print(f"log-shipper {VERSION}")
    )

    setup = verbs.add_parser("setup", help="write a configuration")
    setup.add_argument("--config", required=True, metavar="FILE")
    setup.add_argument("--environment", required=True, metavar="NAME")
    setup.add_argument("--collector", required=True, metavar="HOST:PORT")
    setup.add_argument("--level", default="info", metavar="LEVEL")
    setup.add_argument("--certificate", required=True, metavar="FILE")
    setup.add_argument("--key", required=True, metavar="FILE")
    setup.set_defaults(run=_setup)

    test = verbs.add_parser("test", help="check something without using it")
    things = test.add_subparsers(dest="thing", required=True, metavar="THING")
    config = things.add_parser("config", help="check a configuration, its certificate and key")
    config.add_argument("--config", required=True, metavar="FILE")
    config.add_argument("--show", action="store_true", help="print it, but for the key")
    config.set_defaults(run=_test_config)

    packaging = verbs.add_parser("package", help="build the function's archive")
    packaging.add_argument("--config", required=True, metavar="FILE")
    packaging.add_argument("--output", required=True, metavar="FILE")
    packaging.set_defaults(run=_package)
    return parser


def main(arguments=None):
    """Runs one verb; returns the exit status: 0 done, 1 failed, 2 wrong usage."""
    parsed = _parser().parse_args(arguments)
    try:
        parsed.run(parsed)
    except configuration.ConfigError as error:
        print(f"log-shipper: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        name = os.fspath(error.filename) if error.filename else "system"
        print(f"log-shipper: {name}: {error.strerror}", file=sys.stderr)
        return 1
    return 0
