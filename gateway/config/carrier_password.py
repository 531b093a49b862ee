"""The password that a carrier wants of us: in the file, or in the environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from gateway.config.source import Source
from gateway.config.toml_lines import KeyPath


class HasPassword(Protocol):
    """A table of carriers.toml with these two keys."""

    @property
    def password(self) -> str | None: ...

    @property
    def password_env(self) -> str: ...


def password_of(
    source: Source, table: HasPassword, at: KeyPath, environ: Mapping[str, str], length_max: int
) -> str:
    """
    Raises:
        ConfigError: it is in both, in neither, or longer than `length_max`.
    """
    if (table.password is None) == (not table.password_env):
        raise source.table_error(at, "expected either password or password_env")
    if table.password is not None:
        return table.password
    where = (*at, "password_env")
    password = environ.get(table.password_env)
    if password is None:
        raise source.error(where, f"the environment has no variable {table.password_env}")
    if len(password) > length_max:
        text = f"expected at most {length_max} characters in {table.password_env}"
        raise source.error(where, f"{text}, got {len(password)}")
    return password
