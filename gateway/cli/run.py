"""`supernet run --config FILE`: the daemon alone."""

from __future__ import annotations

import argparse
from pathlib import Path

from gateway.cli.subcommands import Subcommands
from gateway.config import load


def add_parser(commands: Subcommands) -> None:
    parser = commands.add_parser(
        "run",
        description="Run the gateway until SIGINT or SIGTERM, which drain it. SIGHUP has it read "
        "its files again: calls take over what they can, and what waits for a restart is logged.",
    )
    parser.add_argument(
        "--config", type=Path, required=True, metavar="FILE", help="the entry file, gateway.toml"
    )
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    config = load(arguments.config, from_cache=True)
    # The daemon pulls in all of the gateway; the other commands start faster without it, and what
    # is wrong with the configuration is said sooner.
    from gateway import daemon

    return daemon.run(config)
