"""Messages with all that is on record about them, read while the daemon may write.

What is dropped meanwhile was carried over as far as it was not finished, and is read from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from gateway.clock import message_sid
from gateway.errors import StoreError
from gateway.store.history_check import standing
from gateway.store.interface import Replay, StoredMessage, Timeline
from gateway.store.message_history import ALL, MessageHistory, Which, histories
from gateway.store.onlooker import CATALOGUE, Onlooker, StoreFile
from gateway.store.rows import attempt_of, message_of, notified_of, transition_of

OnTrouble = Callable[[str], None]


class Dump:
    """`on_trouble` is told, in a line each, of what cannot be read; the rest comes nonetheless."""

    def __init__(
        self, directory: Path, on_trouble: OnTrouble, which: Which = ALL, *, only_open: bool = False
    ) -> None:
        """
        Raises:
            StoreError: there is no catalogue that can be read.
        """
        self._onlooker = Onlooker(directory)
        self._on_trouble = on_trouble
        self._which = which
        self._only_open = only_open

    def timelines(self) -> Iterator[Timeline]:
        """The messages, oldest first; a batch of them is in memory at a time."""
        with self._onlooker:
            for file in self._onlooker.files:
                try:
                    for history in self._histories(file):
                        if not self._only_open or standing(history).open:
                            yield from self._decoded(history)
                except StoreError as error:
                    self._on_trouble(f"{file.name}: {error}")

    def _histories(self, file: StoreFile) -> Iterator[MessageHistory]:
        if file is CATALOGUE:
            for history in histories(self._onlooker, file, self._which):
                # The others are copies: their segment has not been dropped yet.
                if self._onlooker.home(history.id) is CATALOGUE:
                    yield history
            return
        ids = self._which._replace(
            first_id=max(self._which.first_id, file.first_id),
            end_id=min(self._which.end_id, file.end_id),
        )
        if self._onlooker.is_gone(file):
            file = CATALOGUE
        elif not self._onlooker.path(file).exists():
            raise StoreError("it is missing")
        yield from histories(self._onlooker, file, ids)

    def _decoded(self, history: MessageHistory) -> Iterator[Timeline]:
        try:
            yield timeline(history)
        except (msgspec.DecodeError, UnicodeDecodeError, LookupError) as error:
            self._on_trouble(
                f"{history.file.name}: {message_sid(history.id)} cannot be decoded: {error}"
            )


def timeline(history: MessageHistory) -> Timeline:
    """What is on record, as values. A fact that was written twice is there once.

    Raises:
        DecodeError, UnicodeDecodeError, LookupError: it is damaged.
    """
    transitions = sorted(set(history.of("transition")))
    return Timeline(
        StoredMessage(
            message_of(history.job[-1]),
            tuple(transition_of(row) for row in transitions),
            tuple(attempt_of(row) for row in dict.fromkeys(history.of("attempt"))),
        ),
        tuple(notified_of(row) for row in sorted(set(history.of("notified")))),
        tuple(Replay(*row) for row in sorted(set(history.of("replay")))),
    )
