"""Is what the files of a store have right: messages, facts about them, the stream of events?

The files are read one after another while the daemon may write. So what looks wrong is looked at
again before it is told: the message may have been erased, carried over or finished meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby

from gateway.clock import message_sid
from gateway.errors import StoreError
from gateway.store.history_check import Fault, faults, standing
from gateway.store.message_history import MessageHistory, histories, one
from gateway.store.onlooker import CATALOGUE, Onlooker, StoreFile
from gateway.store.segment_file import STREAM_KEY

BATCH = 500
# Messages that are looked at again together, and how often.
SUSPECTS_MAX = 10_000
LOOKS = 3

WRONG_FILE = "message is in a file that is not for its id"
# Facts whose message must be there; a deleted one has left a row in `released`.
FACTS_OF_CATALOGUE = ("transition", "attempt", "notified", "replay")
FACTS_OF_SEGMENT = (*FACTS_OF_CATALOGUE, "open_at_seal", "owed_at_seal")
MESSAGE_IDS = """
SELECT DISTINCT message_id FROM {table} WHERE message_id > ? ORDER BY message_id LIMIT ?
"""
KNOWN = """
SELECT id FROM job WHERE id IN ({ids}) UNION ALL
SELECT message_id FROM released WHERE message_id IN ({ids})
"""
STILL = "SELECT DISTINCT message_id FROM {table} WHERE message_id IN ({ids})"
CURSORS = "SELECT sink, batch FROM cursor WHERE segment = ?"
LAST_BATCH = "SELECT coalesce(max(batch), 0) FROM stream"
BAD_BATCHES = "SELECT batch, length(keys) FROM stream WHERE length(keys) % ? OR keys = x''"

OnFound = Callable[[str, str, str], None]


class ContentCheck:
    """`found` is told the file, what is wrong, and with what. The messages are counted: all, those
    that are `open`, and what is `owed` to their listeners."""

    def __init__(self, onlooker: Onlooker, found: OnFound) -> None:
        self.messages = 0
        self.open = 0
        self.owed = 0
        self._onlooker = onlooker
        self._found = found
        self._suspects: list[int] = []

    def check(self, file: StoreFile) -> None:
        """Look at all that a file has."""
        try:
            self._check_messages(file)
            self._check_facts(file)
            if file is not CATALOGUE:
                self._check_stream(file)
        except StoreError as error:
            if not self._onlooker.is_gone(file):
                self._found(file.name, "cannot be read to its end", str(error))

    def finish(self) -> None:
        """Look again at the messages with faults, and tell what is still wrong.

        Raises:
            StoreError: the catalogue cannot be read any more.
        """
        suspects, self._suspects = self._suspects, []
        found: list[tuple[MessageHistory, Fault]] = []
        for _ in range(LOOKS):
            with Onlooker(self._onlooker.directory) as onlooker:
                found = [each for suspect in suspects for each in self._faults(onlooker, suspect)]
            suspects = list(dict.fromkeys(history.id for history, _ in found))
        for history, fault in found:
            self._tell(history, fault)

    # Messages

    def _check_messages(self, file: StoreFile) -> None:
        strangers: list[int] = []
        for history in histories(self._onlooker, file):
            if self._onlooker.home(history.id) is not file:
                strangers.append(history.id)
                if len(strangers) == BATCH:
                    self._check_strangers(file, strangers)
                    strangers = []
                continue
            self.messages += 1
            now = standing(history)
            self.open += now.open
            self.owed += len(now.owed)
            if any(faults(history)):
                self._suspects.append(history.id)
                if len(self._suspects) == SUSPECTS_MAX:
                    self.finish()
        self._check_strangers(file, strangers)

    def _check_strangers(self, file: StoreFile, ids: list[int]) -> None:
        """Messages in a file that is not for their ids: copies, where they have been carried over
        and their segment is not dropped yet."""
        with Onlooker(self._onlooker.directory) as onlooker:
            for home, group in groupby(ids, onlooker.home):
                wrong = list(group)
                if file is CATALOGUE:
                    known = set(wrong) if home is CATALOGUE else _known(onlooker, home, wrong)
                    wrong = [message_id for message_id in wrong if message_id not in known]
                for message_id in wrong:
                    self._found(file.name, WRONG_FILE, message_sid(message_id))

    def _faults(self, onlooker: Onlooker, message_id: int) -> list[tuple[MessageHistory, Fault]]:
        home = onlooker.home(message_id)
        try:
            return [
                (history, fault)
                for history in histories(onlooker, home, one(message_id))
                for fault in faults(history)
            ]
        except StoreError:
            # That a file is unreadable has been told, or it is dropped.
            return []

    def _tell(self, history: MessageHistory, fault: Fault) -> None:
        sid = message_sid(history.id)
        detail = f"{sid}, {fault.detail}" if fault.detail else sid
        self._found(history.file.name, f"message {fault.what}", detail)

    # Facts

    def _check_facts(self, file: StoreFile) -> None:
        """Facts of messages that are not there, and of later ones."""
        for table in FACTS_OF_CATALOGUE if file is CATALOGUE else FACTS_OF_SEGMENT:
            sql, after = MESSAGE_IDS.format(table=table), -1
            while rows := list(self._onlooker.rows(file, sql, (after, BATCH))):
                ids = [message_id for (message_id,) in rows]
                for home, group in groupby(ids, self._onlooker.home):
                    self._check_ids(file, table, home, list(group))
                after = ids[-1]

    def _check_ids(self, file: StoreFile, table: str, home: StoreFile, ids: list[int]) -> None:
        """Rows about messages that all have the same home."""
        what = f"has {table} rows of no message"
        if file is CATALOGUE:
            # What is carried over comes with its message.
            home = CATALOGUE
        elif home is CATALOGUE:
            # Carried over, or finished by then and dropped with their segment.
            return
        if home.number > file.number:
            what = f"has {table} rows of younger messages"
        else:
            known = _known(self._onlooker, home, ids)
            ids = self._still(file, table, [each for each in ids if each not in known])
        for message_id in ids:
            self._found(file.name, what, message_sid(message_id))

    def _still(self, file: StoreFile, table: str, ids: list[int]) -> list[int]:
        """Those of the messages of which the file still says something: a message is removed with
        all that is about it."""
        sql = STILL.format(table=table, ids=", ".join("?" * len(ids)))
        return [row[0] for row in self._onlooker.rows(file, sql, tuple(ids))]

    # The stream

    def _check_stream(self, file: StoreFile) -> None:
        # In this order: what a cursor stands behind was there before it.
        cursors = list(self._onlooker.rows(CATALOGUE, CURSORS, (file.number,)))
        ((last,),) = self._onlooker.rows(file, LAST_BATCH)
        for sink, batch in cursors:
            if batch > last + 1:
                self._found(
                    file.name, "is behind a cursor", f"{sink} at batch {batch}, the last is {last}"
                )
        for batch, octets in self._onlooker.rows(file, BAD_BATCHES, (STREAM_KEY.size,)):
            self._found(
                file.name, "has a batch of events that means nothing", f"{batch}: {octets} octets"
            )


def _known(onlooker: Onlooker, home: StoreFile, ids: list[int]) -> set[int]:
    """Those of the messages that the file has, or has had before they were deleted; all, where it
    has been dropped meanwhile and nobody can say."""
    sql = KNOWN.format(ids=", ".join("?" * len(ids)))
    try:
        return {row[0] for row in onlooker.rows(home, sql, (*ids, *ids))}
    except StoreError:
        if onlooker.is_gone(home):
            return set(ids)
        raise
