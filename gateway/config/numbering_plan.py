"""Reads the numbering plan, the one file of the configuration that is CSV."""

from __future__ import annotations

from pathlib import Path

from gateway.errors import ConfigError
from routing.numbering_plan import NumberingPlan


def read_plan(path: Path) -> NumberingPlan:
    """The numbering plan.

    Raises:
        ConfigError: the file cannot be read, or a line of it cannot.
    """
    try:
        return NumberingPlan.parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from None
