"""`supernet`: the daemon and its tools, one file a command."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.metadata import version

from gateway.cli.console import complain
from gateway.errors import ConfigError, GatewayError

# What each is for. Its module is `gateway.cli.NAME`.
COMMANDS = {
    "run": "run the gateway",
    "demo": "run the gateway with simulated carriers",
    "send": "send messages over the REST API",
    "check-config": "check a configuration",
    "accounts": "list accounts, make their secrets",
    "text": "show the encoding and the segments of a text",
    "route": "explain where a message goes",
    "replay": "list callbacks that were given up, send them again",
    "store": "verify, dump, back up, restore and compact the store",
}
EXIT_TROUBLE = 1
# As argparse has it for wrong arguments: nothing was started, the user's text is to be changed.
EXIT_WRONG_INPUT = 2
EXIT_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return the exit code of the process."""
    words = sys.argv[1:] if argv is None else argv
    arguments = parser(next((word for word in words if word in COMMANDS), "")).parse_args(words)
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


def parser(wanted: str) -> argparse.ArgumentParser:
    """Of the command that is wanted. No other is imported: some bring an HTTP client, others the
    store, and the daemon is to start, and whoever asks for help to read, without them."""
    top = argparse.ArgumentParser(
        prog="supernet",
        description="The Super Network gateway: REST and SMPP in, carriers out, every status back.",
    )
    top.add_argument("--version", action="version", version=version("super-network-gateway"))
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, what in COMMANDS.items():
        if name == wanted:
            import_module(f"gateway.cli.{name.replace('-', '_')}").add_parser(commands)
        else:
            commands.add_parser(name, help=what)
    return top
