"""A file of NDJSON under zstd (RFC 8878), while it is written; and how such files are named."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import zstandard

from gateway.streams.timestamp import rfc_3339

LEVEL = 9


class ArchiveFile:
    """Begun anew at `path`, whatever stands there. All calls may block."""

    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        self.path = path
        self._abandoned = False
        self._file = path.open("wb")
        compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)
        self._stream = compressor.stream_writer(self._file, closefd=False)

    def write(self, lines: bytes) -> int:
        """Add lines; how many octets the file has now.

        Raises:
            OSError: and the file is of no use any more.
        """
        try:
            self._stream.write(lines)
            self._stream.flush(zstandard.FLUSH_BLOCK)
            return self._file.tell()
        except OSError:
            self.abandon()
            raise

    def finish(self) -> None:
        """Complete it, and see it on stable storage.

        Raises:
            OSError: it is of no use, now or since an earlier call.
        """
        if self._abandoned:
            raise OSError("the file could not be written")
        if self._file.closed:
            return
        try:
            self._stream.close()  # type: ignore[no-untyped-call]
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError:
            self.abandon()
            raise
        self._file.close()

    def abandon(self) -> None:
        """It is of no use."""
        self._abandoned = True
        with contextlib.suppress(OSError):
            self._file.close()


def file_name(kind: str, at: float, what: str) -> str:
    """`2026/01/02/messages-20260102T030405.678Z-SM….ndjson.zst`: by the time and the sid of the
    first message in it, so that a file that is written again replaces itself.
    """
    stamp = rfc_3339(at)
    compact = stamp.replace("-", "").replace(":", "")
    return f"{stamp[:10].replace('-', '/')}/{kind}-{compact}-{what}.ndjson.zst"
