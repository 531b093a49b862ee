"""A configuration file with the lines of its keys, so that a mistake can be pointed at."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import msgspec

from gateway.config import mistakes
from gateway.config.toml_lines import KeyPath, key_lines
from gateway.errors import ConfigError

T = TypeVar("T")

SYNTAX_ERROR = re.compile(r"(?P<what>.*) \(at line (?P<line>\d+), column (?P<column>\d+)\)")


@dataclass(frozen=True)
class Source:
    """One TOML file as it was read. Its lines are looked for when there is a mistake to show."""

    path: Path
    text: str
    data: dict[str, object]

    @cached_property
    def lines(self) -> dict[KeyPath, int]:
        return key_lines(self.text)

    def error(self, where: KeyPath, text: str) -> ConfigError:
        """`file:line: [table] key: text` for the key at `where`."""
        return self._at(where, mistakes.of_key(where, text))

    def table_error(self, where: KeyPath, text: str) -> ConfigError:
        """`file:line: [table] text`, for what is wrong with the table and not with one key."""
        return self._at(where, mistakes.of_table(where, text))

    def convert(self, schema: type[T]) -> T:
        """The file as a value of type `schema`.

        Raises:
            ConfigError: the first key, in the order of the file, that does not fit.
        """
        try:
            return msgspec.convert(self.data, schema)
        except msgspec.ValidationError as error:
            raise self._at(*mistakes.explain(error, schema, self.data)) from None

    def _at(self, where: KeyPath, text: str) -> ConfigError:
        line = self.lines.get(where)
        return ConfigError(f"{self.path}:{line}: {text}" if line else f"{self.path}: {text}")


def read(path: Path) -> Source:
    """Read one TOML file.

    Raises:
        ConfigError: it cannot be read, or is not TOML.
    """
    return parse(path, read_octets(path))


def read_octets(path: Path) -> bytes:
    """What stands in a file. ConfigError: it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: {reason(error)}") from None


def parse(path: Path, octets: bytes) -> Source:
    """What a file says. ConfigError: it is not TOML."""
    try:
        text = octets.decode()
        return Source(path, text, tomllib.loads(text))
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: expected UTF-8 text") from None
    except RecursionError:
        raise ConfigError(f"{path}: arrays or tables are nested too deeply") from None
    except ValueError as error:
        raise ConfigError(_syntax_error(path, str(error))) from None


class Once:
    """Values that may stand once in a file."""

    def __init__(self, source: Source, what: str) -> None:
        self._source = source
        self._what = what
        self._used: dict[str, KeyPath] = {}

    def add(self, value: str, at: KeyPath) -> None:
        if value in self._used:
            line = self._source.lines[self._used[value]]
            text = f"{self._what} {mistakes.got(value)} is already on line {line}"
            raise self._source.error(at, text)
        self._used[value] = at


def reason(error: OSError) -> str:
    """Why a file cannot be read, as the operating system says it."""
    return (error.strerror or str(error)).lower()


def _syntax_error(path: Path, complaint: str) -> str:
    if found := SYNTAX_ERROR.fullmatch(complaint):
        what = found["what"][0].lower() + found["what"][1:]
        return f"{path}:{found['line']}: not TOML: {what} (column {found['column']})"
    return f"{path}: not TOML: {complaint[0].lower()}{complaint[1:]}"
