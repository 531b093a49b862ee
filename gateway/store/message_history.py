"""All that is on record about messages, gathered from the files that it is spread over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from gateway.errors import StoreError
from gateway.message import Direction, Status
from gateway.store.onlooker import Onlooker, StoreFile
from gateway.store.rows import JOB_COLUMNS
from gateway.store.segment import ID_MAX, SegmentState

# Some 2 MB at a time; each batch asks every later file five times.
BATCH = 1_000

JOBS = f"""
SELECT {", ".join(JOB_COLUMNS)} FROM job
WHERE id >= :first_id AND id < :end_id AND accepted_at >= :since AND accepted_at < :until
    AND (:account_sid = '' OR account_sid = :account_sid)
ORDER BY id LIMIT {BATCH}
"""
# Facts by table; each row begins with the message id.
FACTS = {
    "transition": (
        "SELECT message_id, number, status, at, part, error_code, bind, carrier_id, done_date,"
        " carrier_status, carrier_error, listener FROM transition"
        " WHERE message_id BETWEEN :first_id AND :last_id ORDER BY message_id, number"
    ),
    "attempt": (
        "SELECT message_id, part, at, outcome, bind, command_status FROM attempt"
        " WHERE message_id BETWEEN :first_id AND :last_id ORDER BY message_id, rowid"
    ),
    "notified": (
        "SELECT message_id, number, at, outcome, round, gave_up FROM notified"
        " WHERE message_id BETWEEN :first_id AND :last_id ORDER BY message_id, number, round"
    ),
    "replay": (
        "SELECT message_id, number, round, at FROM replay"
        " WHERE message_id BETWEEN :first_id AND :last_id ORDER BY message_id, number, round"
    ),
    "released": "SELECT message_id FROM released WHERE message_id BETWEEN :first_id AND :last_id",
}
# What a summarised segment says of its own messages, besides.
AT_SEAL = {
    "open_at_seal": (
        "SELECT message_id FROM open_at_seal WHERE message_id BETWEEN :first_id AND :last_id"
    ),
    "owed_at_seal": (
        "SELECT message_id, number, round FROM owed_at_seal"
        " WHERE message_id BETWEEN :first_id AND :last_id ORDER BY message_id, number, round"
    ),
}

Row = tuple[Any, ...]


class Which(NamedTuple):
    """Messages to gather: those with ids from `first_id` to below `end_id`, of an account, accepted
    in a time (Unix seconds, `until` not included)."""

    first_id: int = 0
    end_id: int = ID_MAX
    account_sid: str = ""
    since: float = float("-inf")
    until: float = float("inf")


ALL = Which()


def one(message_id: int) -> Which:
    return Which(message_id, message_id + 1)


class Located(NamedTuple):
    """A row and the number of the file that it is in."""

    file: int
    row: Row


class MessageHistory(msgspec.Struct):
    """A job of a file, and the facts about it by table: oldest file first, in each as sorted."""

    file: StoreFile
    job: Row
    facts: dict[str, list[Located]]

    @property
    def id(self) -> int:
        return int(self.job[0])

    @property
    def direction(self) -> str:
        return str(self.job[2])

    @property
    def segments(self) -> int:
        return int(self.job[8])

    @property
    def initial_status(self) -> Status:
        """As `Message.initial_status`, of one that need not be whole."""
        if self.direction == Direction.INBOUND:
            return Status.RECEIVED
        return Status.SCHEDULED if self.job[7] else Status.QUEUED

    def of(self, table: str) -> list[Row]:
        return [located.row for located in self.facts.get(table, ())]


def histories(onlooker: Onlooker, file: StoreFile, which: Which = ALL) -> Iterator[MessageHistory]:
    """Those of the messages whose jobs are in the file, in the order of their ids.

    Raises:
        StoreError: a file cannot be read.
    """
    bindings = which._asdict()
    while jobs := list(onlooker.rows(file, JOBS, bindings)):
        batch = {job[0]: MessageHistory(file, job, {}) for job in jobs}
        _gather(onlooker, file, batch, jobs[0][0], jobs[-1][0])
        yield from batch.values()
        bindings["first_id"] = jobs[-1][0] + 1


def _gather(
    onlooker: Onlooker,
    home: StoreFile,
    batch: dict[int, MessageHistory],
    first_id: int,
    last_id: int,
) -> None:
    """Facts are in the file of the job and in later ones. One of those may have been dropped: then
    it had nothing that is still needed."""
    ids = {"first_id": first_id, "last_id": last_id}
    for file in onlooker.files:
        if file.number < home.number or not onlooker.path(file).exists():
            continue
        summarised = file is home and home.state is SegmentState.SUMMARISED
        try:
            for table, sql in (FACTS | AT_SEAL if summarised else FACTS).items():
                for row in onlooker.rows(file, sql, ids):
                    history = batch.get(row[0])
                    if history:
                        history.facts.setdefault(table, []).append(Located(file.number, row))
        except StoreError:
            if not onlooker.is_gone(file):
                raise
