"""Where lines go: to standard output, or into a file that is there only once it is whole."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import zstandard

from gateway.cli.console import CommandError

COMPRESSED = ".zst"
LEVEL = 9


@contextmanager
def lines_to(path: Path | None) -> Iterator[Callable[[bytes], object]]:
    """What writes the lines: into a file, compressed with zstandard where its name ends so, or to
    standard output.

    Raises:
        CommandError: the file cannot be written; one that was there before is as it was.
    """
    if path is None:
        yield sys.stdout.buffer.write
        sys.stdout.buffer.flush()
        return
    partial = path.with_name(f"{path.name}.partial")
    try:
        with partial.open("wb") as file, _compressed(file, path.suffix == COMPRESSED) as write:
            yield write
        partial.replace(path)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def _compressed(file: BinaryIO, wanted: bool) -> Iterator[Callable[[bytes], object]]:
    if not wanted:
        yield file.write
        return
    compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)
    with compressor.stream_writer(file, closefd=False) as output:
        yield output.write
