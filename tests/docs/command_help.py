"""What each command says of itself with `--help`."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable, Sequence
from unittest.mock import patch

from carriers_sim.cli import main as carriers_sim
from gateway.cli import main as supernet

SUPERNET = (
    (),
    ("run",),
    ("demo",),
    ("send",),
    ("check-config",),
    ("accounts",),
    ("accounts", "list"),
    ("accounts", "hash-secret"),
    ("accounts", "new-key"),
    ("text",),
    ("route",),
    ("replay",),
    ("replay", "list"),
    ("replay", "messages"),
    ("replay", "account"),
    ("store",),
    ("store", "verify"),
    ("store", "dump"),
    ("store", "backup"),
    ("store", "restore"),
    ("store", "compact"),
)
CARRIERS_SIM = ((), ("run",))
WIDTH = "88"


def command_help() -> str:
    texts = [_section("supernet", supernet, command) for command in SUPERNET]
    texts += [_section("carriers-sim", carriers_sim, command) for command in CARRIERS_SIM]
    return "\n" + "\n".join(texts) + "\n"


def _section(name: str, main: Callable[[list[str]], int], command: Sequence[str]) -> str:
    said = io.StringIO()
    with (
        patch.dict(os.environ, {"COLUMNS": WIDTH, "NO_COLOR": "1"}),
        contextlib.redirect_stdout(said),
        contextlib.suppress(SystemExit),
    ):
        main([*command, "--help"])
    title = " ".join((name, *command))
    return f"### `{title}`\n\n```text\n{said.getvalue().strip()}\n```\n"
