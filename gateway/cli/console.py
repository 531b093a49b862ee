"""What a command says to its user: results on standard output, trouble on standard error."""

from __future__ import annotations

import sys

from gateway.errors import GatewayError


class CommandError(GatewayError):
    """A command cannot do what it was asked; the text is one line that says why."""


def say(text: str = "") -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def complain(text: str) -> None:
    sys.stderr.write(f"supernet: {text}\n")
    sys.stderr.flush()
