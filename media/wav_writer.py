"""Recordings on the disk, written by a thread of their own: a slow disk stops no call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from media import wav

# Chunks of one recording that may wait for the disk.
WAITING_MAX = 16


class WavWriter:
    """One file, which must not be there yet; its head is right after each chunk. `on_failed` is
    told once if the disk does not take it, or not in time: nothing is written then any more."""

    def __init__(
        self, path: Path, channels: int, thread: ThreadPoolExecutor, on_failed: Callable[[], object]
    ) -> None:
        self._path = path
        self._channels = channels
        self._thread = thread
        self._on_failed = on_failed
        self._loop = asyncio.get_running_loop()
        self._written = 0
        self._waiting = 0
        self._has_failed = False
        self._hand_over(self._create)

    def write(self, chunk: bytes) -> None:
        if not chunk or self._has_failed:
            return
        if self._waiting == WAITING_MAX:
            self._fail()
            return
        self._hand_over(partial(self._write, self._written, chunk))
        self._written += len(chunk)

    def _hand_over(self, work: Callable[[], None]) -> None:
        self._waiting += 1
        self._loop.run_in_executor(self._thread, work).add_done_callback(self._wrote)

    def _create(self) -> None:
        with self._path.open("xb") as file:
            file.write(wav.head(0, self._channels))

    def _write(self, written: int, chunk: bytes) -> None:
        with self._path.open("r+b") as file:
            file.seek(wav.HEAD_OCTETS + written)
            file.write(chunk)
            file.seek(0)
            file.write(wav.head(written + len(chunk), self._channels))

    def _wrote(self, done: asyncio.Future[None]) -> None:
        self._waiting -= 1
        if not done.cancelled() and done.exception() is not None:
            self._fail()

    def _fail(self) -> None:
        if not self._has_failed:
            self._has_failed = True
            self._on_failed()
