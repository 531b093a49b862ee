"""The CSV file of `supernet send --csv`: one message a row, under a header."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.cli.console import CommandError

COLUMNS = ("to", "from", "body")
# Each message that is followed to its final state takes some 150 octets here.
ROWS_MAX = 1_000_000


@dataclass(frozen=True, slots=True)
class Row:
    """One message. `line` is where its row begins, from 1."""

    line: int
    to: str
    sender: str
    body: str


def count_rows(path: Path) -> int:
    """The number of messages, once all of the file has been read and found right.

    Raises:
        CommandError: the first thing that is wrong, with its line.
    """
    count = 0
    for row in read_rows(path):
        count += 1
        if count > ROWS_MAX:
            raise CommandError(f"{path}:{row.line}: expected at most {ROWS_MAX} rows; split it")
    if not count:
        raise CommandError(f"{path}: expected a row under the header")
    return count


def read_rows(path: Path) -> Iterator[Row]:
    """The messages one by one; a row may go over several lines, and blank lines are passed over.

    Raises:
        CommandError: the first thing that is wrong, with its line.
    """
    line = 1
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = _header(path, next(reader, []))
            line = reader.line_num + 1
            for fields in reader:
                if fields:
                    yield _row(path, line, header, fields)
                line = reader.line_num + 1
    except OSError as error:
        raise CommandError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    except UnicodeDecodeError:
        raise CommandError(f"{path}: expected UTF-8 text (after line {line - 1})") from None
    except csv.Error as error:
        raise CommandError(f"{path}:{line}: not CSV: {error}") from None


def _header(path: Path, fields: list[str]) -> dict[str, int]:
    names = [field.strip().lower() for field in fields]
    if sorted(names) != sorted(COLUMNS):
        wanted = ",".join(COLUMNS)
        raise CommandError(f"{path}:1: expected the header {wanted}, got {','.join(fields)[:60]!r}")
    return {name: at for at, name in enumerate(names)}


def _row(path: Path, line: int, header: dict[str, int], fields: list[str]) -> Row:
    if len(fields) != len(COLUMNS):
        raise CommandError(f"{path}:{line}: expected {len(COLUMNS)} columns, got {len(fields)}")
    to, sender, body = (fields[header[name]] for name in COLUMNS)
    for name, value in zip(COLUMNS, (to, sender, body), strict=True):
        if not value.strip():
            raise CommandError(f"{path}:{line}: {name} is empty")
    return Row(line, to.strip(), sender.strip(), body)
