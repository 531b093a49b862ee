"""`supernet`: the daemon and its tools, one file a command."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version

from gateway.cli import accounts, check_config, demo, replay, route, run, send, store, text
from gateway.cli.console import complain
from gateway.errors import ConfigError, GatewayError

EXIT_TROUBLE = 1
# As argparse has it for wrong arguments: nothing was started, the user's text is to be changed.
EXIT_WRONG_INPUT = 2
EXIT_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return the exit code of the process."""
    arguments = parser().parse_args(argv)
    command: Callable[[argparse.Namespace], int] = arguments.command
    try:
        return command(arguments)
    except ConfigError as error:
        complain(str(error))
        return EXIT_WRONG_INPUT
    except GatewayError as error:
        complain(str(error))
        return EXIT_TROUBLE
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has enough of it. Nothing may be flushed there at the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_TROUBLE


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="supernet",
        description="The Super Network gateway: REST and SMPP in, carriers out, every status back.",
    )
    top.add_argument("--version", action="version", version=version("super-network-gateway"))
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (run, demo, send, check_config, accounts, text, route, replay, store):
        command.add_parser(commands)
    return top
