"""Questions about messages to all files at once.

A message has its job at its home: the segment that takes its id, or the catalogue once that has
been dropped. What became of it stands there and in every later segment.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any, Concatenate, ParamSpec, TypeVar

import msgspec

from gateway.clock import message_sid
from gateway.errors import StoreError
from gateway.message import Message
from gateway.store.interface import (
    Attempt,
    GivenUp,
    MessageFilter,
    Notified,
    Owed,
    OwedKey,
    Replay,
    StoredMessage,
    Timeline,
    Transition,
    UnmatchedReceipt,
)
from gateway.store.read_connections import CATALOGUE, ReadConnections, Row
from gateway.store.rows import attempt_of, message_of, notified_of, transition_of
from gateway.store.segment import ID_MAX, Segment, Segments, SegmentState

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

# Notifications that were given up are looked at in pages of so many.
GIVEN_UP_PAGE = 1_000

_IN = "IN (SELECT value FROM json_each(?))"


def _columns(kind: type[Transition | Attempt | Notified | Replay | UnmatchedReceipt]) -> str:
    return ", ".join(kind.__struct_fields__)


MESSAGES = f"SELECT id, message FROM job WHERE id {_IN}"
FETCH = "SELECT message FROM job WHERE id = ? AND account_sid = ?"
LIST = """
SELECT id, message FROM job
WHERE account_sid = :account_sid AND id < :before AND id >= :first
    AND (:sender = '' OR sender = :sender)
    AND (:recipient = '' OR recipient = :recipient)
    AND accepted_at >= :since AND accepted_at < :until
ORDER BY id DESC LIMIT :limit
"""
TRANSITIONS = f"""
SELECT {_columns(Transition)} FROM transition WHERE message_id {_IN} ORDER BY message_id, number
"""
ATTEMPTS = f"SELECT {_columns(Attempt)} FROM attempt WHERE message_id {_IN} ORDER BY rowid"
NOTIFIED = f"SELECT {_columns(Notified)} FROM notified WHERE message_id {_IN}"
REPLAYS = f"SELECT {_columns(Replay)} FROM replay WHERE message_id {_IN}"
KNOWS = """
SELECT 1 FROM job WHERE id = ?1 AND substr(key, 1, 16) = ?2
UNION ALL SELECT 1 FROM released WHERE message_id = ?1
"""
OLDEST_FACT = """
SELECT min(coalesce((SELECT min(message_id) FROM transition), :none),
           coalesce((SELECT min(message_id) FROM attempt), :none),
           coalesce((SELECT min(message_id) FROM notified), :none),
           coalesce((SELECT min(message_id) FROM replay), :none))
"""
UNMATCHED_RECEIPTS = f"""
SELECT {_columns(UnmatchedReceipt)} FROM unmatched_receipt
ORDER BY at DESC, carrier DESC, carrier_id DESC LIMIT ?
"""
GIVEN_UP = f"""
SELECT {_columns(Notified)} FROM notified
WHERE gave_up AND (message_id, number, round) < (:message_id, :number, :round)
ORDER BY message_id DESC, number DESC, round DESC LIMIT :limit
"""


class StoreReader:
    """Belongs to one thread at a time. Every method raises StoreError when a file cannot be read.
    A message that is there and cannot be read is left out, for the sake of all others.

    `segments` answers those of this moment: one that is dropped meanwhile is no error, for the
    question is then asked again.
    """

    def __init__(self, connections: ReadConnections, segments: Callable[[], Segments]) -> None:
        self._connections = connections
        self._current = segments
        self.segments = segments()
        self.rows = connections.rows
        # Of the segments that take nothing more: the oldest message that they say something of.
        self._oldest_facts: dict[int, int] = {}

    def ask(
        self,
        question: Callable[Concatenate[StoreReader, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """The answer to a question, as of one moment."""
        while True:
            numbers = self.let_go()
            try:
                return question(self, *args, **kwargs)
            except StoreError:
                if numbers <= {segment.number for segment in self._current().kept}:
                    raise

    def let_go(self) -> set[int]:
        """Close the files of segments that are no more; the numbers of the others."""
        self.segments = self._current()
        numbers = {segment.number for segment in self.segments.kept}
        self._connections.keep_only(numbers)
        for number in self._oldest_facts.keys() - numbers:
            del self._oldest_facts[number]
        return numbers

    def fetch(self, account_sid: str, message_id: int) -> StoredMessage | None:
        home = self.segments.home(message_id)
        found = self.rows(self._number(home), FETCH, (message_id, account_sid))
        if not found:
            return None
        steps = self.facts(TRANSITIONS, itemgetter(1), [message_id])[message_id]
        message = _readable(message_id, found[0][0])
        if message is None:
            raise StoreError(f"message {message_sid(message_id)} is damaged")
        return StoredMessage(message, _in_order(steps, transition_of))

    def timeline(self, message_id: int) -> Timeline | None:
        found = self.stored([message_id])
        if not found:
            return None
        notified = self.facts(NOTIFIED, itemgetter(1, 4), [message_id])[message_id]
        replays = self.facts(REPLAYS, itemgetter(1, 2), [message_id])[message_id]
        return Timeline(
            found[0], _in_order(notified, notified_of), _in_order(replays, lambda row: Replay(*row))
        )

    def page(
        self, account_sid: str, where: MessageFilter, limit: int, before: int | None
    ) -> Sequence[StoredMessage]:
        bindings: dict[str, Any] = {
            "account_sid": account_sid,
            "before": ID_MAX if before is None else before,
            "sender": where.sender,
            "recipient": where.recipient,
            "since": where.since,
            "until": where.until,
        }
        found: list[Message] = []
        for home in (*reversed(range(len(self.segments.kept))), None):
            first, end = self.segments.ids(home)
            asked = {**bindings, "first": first, "before": min(bindings["before"], end)}
            while first < asked["before"] and len(found) < limit:
                asked["limit"] = limit - len(found)
                rows = self.rows(self._number(home), LIST, asked)
                found += _readable_of(rows).values()
                if len(rows) < asked["limit"]:
                    break
                asked["before"] = rows[-1][0]
        facts = self.facts(TRANSITIONS, itemgetter(1), [message.id for message in found])
        return [
            StoredMessage(message, _in_order(facts[message.id], transition_of)) for message in found
        ]

    def messages(self, message_ids: Sequence[int]) -> Sequence[Message]:
        found = self.messages_by_id(message_ids)
        return [found[message_id] for message_id in message_ids if message_id in found]

    def stored(self, message_ids: Sequence[int]) -> Sequence[StoredMessage]:
        """The messages with their transitions and attempts, in the order of the ids."""
        found = self.messages_by_id(message_ids)
        steps = self.facts(TRANSITIONS, itemgetter(1), message_ids)
        # One may have been written again after a commit of unknown outcome.
        attempts = self.facts(ATTEMPTS, itemgetter(slice(None)), message_ids)
        return [
            StoredMessage(
                found[message_id],
                _in_order(steps[message_id], transition_of),
                tuple(map(attempt_of, attempts[message_id].values())),
            )
            for message_id in message_ids
            if message_id in found
        ]

    def owed(self, keys: Sequence[OwedKey]) -> Sequence[Owed]:
        """The messages and transitions of these debts, in the order of the keys."""
        ids = list(dict.fromkeys(key.message_id for key in keys))
        messages = self.messages_by_id(ids)
        steps = self.steps(ids)
        return [
            Owed(messages[key.message_id], steps[key.message_id, key.number], key.round)
            for key in keys
            if key.message_id in messages and (key.message_id, key.number) in steps
        ]

    def unmatched_receipts(self, limit: int) -> Sequence[UnmatchedReceipt]:
        rows = [
            row
            for number in self._numbers()
            for row in self.rows(number, UNMATCHED_RECEIPTS, (limit,))
        ]
        receipts = [UnmatchedReceipt(*row) for row in rows]
        receipts.sort(key=lambda each: (each.at, each.carrier, each.carrier_id), reverse=True)
        return receipts[:limit]

    def given_up(self, account_sid: str, before: OwedKey) -> tuple[list[GivenUp], OwedKey | None]:
        """What counts of a page of notifications that were given up, newest message first, and
        the key that the next page is before; None: that was all.
        """
        page = self._given_up_page(before)
        ids = list(dict.fromkeys(each.message_id for each in page))
        messages = self.messages_by_id(ids)
        steps = self.steps(ids)
        replays = self.facts(REPLAYS, itemgetter(1, 2), ids)
        found = [
            GivenUp(messages[each.message_id], steps[each.message_id, each.number], each)
            for each in page
            if each.message_id in messages
            and account_sid in ("", messages[each.message_id].account_sid)
            and (each.message_id, each.number) in steps
            and (each.number, each.round + 1) not in replays[each.message_id]
        ]
        if len(page) < GIVEN_UP_PAGE:
            return found, None
        return found, OwedKey(page[-1].message_id, page[-1].number, page[-1].round)

    def knows(self, message_id: int, key: bytes) -> bool:
        """Whether the message that a key made was stored indeed, dropped since or not.

        Its commit may have failed after the key was noted.
        """
        home = self.segments.home(message_id)
        if home is None:
            return True
        return bool(self.rows(self._number(home), KNOWS, (message_id, key)))

    def _given_up_page(self, before: OwedKey) -> list[Notified]:
        bindings = {**before._asdict(), "limit": GIVEN_UP_PAGE}
        rows = {
            row[:2] + row[4:5]: row
            for number in self._numbers()
            for row in self.rows(number, GIVEN_UP, bindings)
        }
        return [notified_of(rows[key]) for key in sorted(rows, reverse=True)[:GIVEN_UP_PAGE]]

    def messages_by_id(self, message_ids: Iterable[int]) -> dict[int, Message]:
        homes: dict[int | None, list[int]] = defaultdict(list)
        for message_id in message_ids:
            homes[self.segments.home(message_id)].append(message_id)
        found: dict[int, Message] = {}
        for home, ids in homes.items():
            found |= _readable_of(self.rows(self._number(home), MESSAGES, (_json(ids),)))
        return found

    def steps(self, message_ids: Sequence[int]) -> dict[tuple[int, int], Transition]:
        facts = self.facts(TRANSITIONS, itemgetter(1), message_ids)
        return {
            (message_id, number): transition_of(row)
            for message_id, rows in facts.items()
            for number, row in rows.items()
        }

    def facts(
        self, sql: str, key: Callable[[Row], Any], message_ids: Sequence[int]
    ) -> defaultdict[int, dict[Any, Row]]:
        """Rows about these messages, by message and then by what tells facts of one apart, in the
        order in which they were written.
        """
        facts: defaultdict[int, dict[Any, Row]] = defaultdict(dict)
        for row in self.rows_about(sql, message_ids):
            facts[row[0]].setdefault(key(row), row)
        return facts

    def rows_about(self, sql: str, message_ids: Sequence[int]) -> Iterator[Row]:
        """Rows about these messages, of all files that may have some, in the order in which they
        were written. One that was carried over may still stand where it was, and comes twice.
        """
        first_id = self.segments.first_id
        asked = [(CATALOGUE, [each for each in message_ids if each < first_id])]
        for place, segment in enumerate(self.segments.kept):
            end = self.segments.ids(place)[1]
            oldest = self._oldest_fact(segment)
            asked.append((segment.number, [each for each in message_ids if oldest <= each < end]))
        for number, ids in asked:
            if ids:
                yield from self.rows(number, sql, (_json(ids),))

    def _oldest_fact(self, segment: Segment) -> int:
        """No older message has facts in the segment."""
        if segment.state is SegmentState.LIVE:
            return 0
        oldest = self._oldest_facts.get(segment.number)
        if oldest is None:
            ((oldest,),) = self.rows(segment.number, OLDEST_FACT, {"none": ID_MAX})
            self._oldest_facts[segment.number] = oldest
        return oldest

    def _numbers(self) -> list[int]:
        return [CATALOGUE, *(segment.number for segment in self.segments.kept)]

    def _number(self, home: int | None) -> int:
        return CATALOGUE if home is None else self.segments.kept[home].number


def _readable_of(rows: Iterable[Row]) -> dict[int, Message]:
    """Messages by id, without those that are damaged."""
    found = ((message_id, _readable(message_id, blob)) for message_id, blob in rows)
    return {message_id: message for message_id, message in found if message is not None}


def _readable(message_id: int, blob: bytes) -> Message | None:
    """The message, unless it is damaged."""
    try:
        return message_of(blob)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        extra = {"sid": message_sid(message_id), "reason": str(error)}
        log.error("message is damaged", extra=extra)
        return None


def _in_order(facts: dict[Any, Row], of: Callable[[Row], T]) -> tuple[T, ...]:
    """Facts by what tells them apart, as they are sorted by it."""
    if len(facts) > 1:
        return tuple(of(facts[key]) for key in sorted(facts))
    return tuple(map(of, facts.values()))


def _json(message_ids: Sequence[int]) -> str:
    return f"[{','.join(map(str, message_ids))}]"
