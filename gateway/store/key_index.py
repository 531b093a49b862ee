"""Which message an idempotency key has made: an index that is derived from the jobs.

A key is looked up for `window_s` seconds after its message was accepted. The index is a row of
files, each begun a quarter of the window after the one before, and dropped whole once its newest
key is too old. Only the newest file is written, and the one before was flushed first: so after a
power cut the files hold all keys up to a message id, which `open` answers, and the jobs above it
are added again. For the same reason a file that is damaged takes all newer ones with it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

from gateway.errors import StoreError
from gateway.store.data_directory import sync_directory
from gateway.store.interface import SeenKey
from gateway.store.key_generation import DamagedError, KeyEntry, KeyGeneration

log = logging.getLogger(__name__)

GENERATIONS = 4
FILE_NAME = "keys-{:08}.db"
FILE_PATTERN = re.compile(r"keys-(\d{8})\.db\Z")


class KeyIndex:
    """`find` is called on the reader's thread, everything else on the writer's.

    After a StoreError of `add` it is closed and opened anew. `durable=False` leaves out the
    flushes; `vfs` names the SQLite file layer.
    """

    def __init__(
        self, directory: Path, window_s: float, *, durable: bool = True, vfs: str | None = None
    ) -> None:
        self._directory = directory
        self._window_s = window_s
        self._generation_s = window_s / GENERATIONS
        self._durable = durable
        self._vfs = vfs
        # Oldest first; replaced whole, and under the lock where the reader's connections go too.
        self._generations: tuple[KeyGeneration, ...] = ()
        self._lock = Lock()
        self._opened = False
        self._failed = False

    def open(self, now: float) -> int:
        """Take up what earlier runs indexed: the highest message id, 0 for none.

        The jobs above it are to be added. Damaged files are removed, so that it may be lower than
        it was.

        Raises:
            StoreError: the files cannot be opened.
        """
        found = self._files()
        opened: list[KeyGeneration] = []
        try:
            for position, generation in enumerate(found):
                opened.append(generation)
                try:
                    generation.open()
                except DamagedError as error:
                    self._discard(found[position:], error)
                    opened.pop()
                    break
            for generation in opened[:-1]:
                generation.seal()
        except StoreError:
            for generation in opened:
                generation.close()
            raise
        with self._lock:
            self._generations = tuple(opened)
            self._opened, self._failed = True, False
        last_id = max((generation.last_id for generation in opened), default=0)
        self._drop(now)
        return last_id

    def add(self, entries: Sequence[KeyEntry], now: float) -> None:
        """Index messages that are durable, in the order of their ids.

        Raises:
            StoreError: what became of them is unknown, or `find` has met with damage.
        """
        if not self._opened or self._failed:
            raise StoreError("the idempotency index is to be opened anew")
        if not entries:
            return
        try:
            self._newest(entries[0].accepted_at, now).add(entries)
        except StoreError:
            # To go on would leave a hole that no later opening knows of.
            self._failed = True
            raise

    def forget(self, message_ids: Sequence[int]) -> None:
        """Take out messages that were refused after all: their entries may have been written by an
        `add` that failed. To be called once the index has been opened again.

        Raises:
            StoreError: what became of them is unknown.
        """
        if message_ids and self._generations:
            self._generations[-1].forget(message_ids)

    def find(self, key: bytes, now: float) -> SeenKey | None:
        """The message that was accepted with the key within the window.

        Raises:
            StoreError: the files cannot be read.
        """
        after = now - self._window_s
        with self._lock:
            if not self._opened:
                raise StoreError("the idempotency index is not open")
            try:
                for generation in reversed(self._generations):
                    if seen := generation.find(key, after):
                        return seen
            except DamagedError:
                self._failed = True
                raise
        return None

    def close(self) -> None:
        """Let go of the files. Not an error after an error."""
        with self._lock:
            for generation in self._generations:
                generation.close()
            self._generations = ()
            self._opened = False

    def _newest(self, accepted_at: float, now: float) -> KeyGeneration:
        """The file for a message accepted at that time; a new one where the last has had its
        quarter of the window."""
        generations = self._generations
        if generations and accepted_at < generations[-1].first_at + self._generation_s:
            return generations[-1]
        number = 1
        if generations:
            generations[-1].seal()
            number += _number(generations[-1].path)
        generation = self._generation(number)
        generation.open()
        self._generations = (*generations, generation)
        self._drop(now)
        return generation

    def _drop(self, now: float) -> None:
        """Remove the files whose keys are all too old, except the one that is written."""
        while len(self._generations) > 1:
            oldest = self._generations[0]
            if oldest.last_at > now - self._window_s:
                return
            with self._lock:
                self._generations = self._generations[1:]
                oldest.close()
            oldest.unlink()

    def _discard(self, generations: Sequence[KeyGeneration], error: DamagedError) -> None:
        """Remove files; the damaged one, which comes first, last: it tells of the need."""
        log.error(
            "idempotency index damaged, rebuilding it",
            extra={"files": len(generations), "reason": str(error)},
        )
        damaged, *newer = generations
        for generation in reversed(newer):
            generation.unlink()
        self._sync()  # Else a power cut might bring back a newer file alone.
        damaged.unlink()
        self._sync()

    def _sync(self) -> None:
        if self._durable:
            try:
                sync_directory(self._directory)
            except OSError as error:
                raise StoreError(
                    f"{self._directory} cannot be flushed: {error.strerror}"
                ) from error

    def _files(self) -> list[KeyGeneration]:
        try:
            names = sorted(
                path.name for path in self._directory.iterdir() if FILE_PATTERN.match(path.name)
            )
        except OSError as error:
            raise StoreError(f"{self._directory} cannot be read: {error.strerror}") from error
        return [self._generation(_number(Path(name))) for name in names]

    def _generation(self, number: int) -> KeyGeneration:
        path = self._directory / FILE_NAME.format(number)
        return KeyGeneration(path, durable=self._durable, vfs=self._vfs)


def _number(path: Path) -> int:
    found = FILE_PATTERN.match(path.name)
    assert found, path
    return int(found[1])
