"""What is wrong with all that is on record about one message. Pure.

A message may skip `sending`, which is stored only where somebody is to be told of it, and may be
back in its queue without a record. Parts go their own way, also after the message is final: each
still gets its receipt.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec

from gateway.message import FINAL, TRANSITIONS, Direction, Status
from gateway.store.interface import WHOLE, AttemptOutcome, Listener
from gateway.store.message_history import MessageHistory
from gateway.store.onlooker import CATALOGUE
from gateway.store.rows import JOB_COLUMNS, KEY_OCTETS, message_of
from gateway.store.segment import SegmentState

# Steps that may be taken without a record.
UNRECORDED = {Status.QUEUED: Status.SENDING, Status.SENDING: Status.QUEUED}
STATUSES = {status.value: status for status in Status}
LISTENERS = frozenset(map(int, Listener))
OUTCOMES = frozenset(map(int, AttemptOutcome))
KEY_AND_FINGERPRINT = 2 * KEY_OCTETS

_KEY = JOB_COLUMNS.index("key")
_BLOB = JOB_COLUMNS.index("message")


class Fault(NamedTuple):
    """What is wrong, in words that are the same for every message, and with what exactly."""

    what: str
    detail: str = ""


class Standing(NamedTuple):
    """What is still to come: a final status, and listeners to be told, by (number, round)."""

    open: bool
    owed: frozenset[tuple[int, int]]


class Step(NamedTuple):
    """A transition, as far as its column values are to be looked at."""

    number: int
    status: str
    part: int
    listener: int


def faults(history: MessageHistory) -> Iterator[Fault]:
    """All that is wrong with a message."""
    yield from _job_faults(history)
    steps = _steps(history)
    numbering = list(_number_faults(history, [step.number for step in steps]))
    yield from numbering
    if not numbering:
        yield from _step_faults(history, steps)
    yield from _attempt_faults(history)
    yield from _told_faults(history, frozenset(step.number for step in steps))
    if history.file.state is SegmentState.SUMMARISED:
        yield from _seal_faults(history)


def standing(history: MessageHistory, *, at_seal: bool = False) -> Standing:
    """How the message stands; `at_seal`: by what its own file says alone."""

    def of(table: str) -> list[tuple[Any, ...]]:
        located = history.facts.get(table, ())
        return [row for file, row in located if not at_seal or file == history.file.number]

    final = any(row[4] == 0 and row[2] in FINAL for row in of("transition"))
    inbound = history.direction == Direction.INBOUND
    owed = {(row[1], 0) for row in of("transition") if row[11]}
    owed |= {(row[1], row[2]) for row in of("replay")}
    owed -= {(row[1], row[4]) for row in of("notified")}
    return Standing(not (final or inbound or of("released")), frozenset(owed))


def _job_faults(history: MessageHistory) -> Iterator[Fault]:
    key = history.job[_KEY]
    if key is not None and len(key) != KEY_AND_FINGERPRINT:
        yield Fault(
            "has a malformed idempotency key", f"{len(key)} octets, not {KEY_AND_FINGERPRINT}"
        )
    try:
        message = message_of(history.job[_BLOB])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        yield Fault("cannot be decoded", str(error))
        return
    for column, value in zip(JOB_COLUMNS[:_KEY], history.job, strict=False):
        if getattr(message, column) != value:
            yield Fault("is not the message that its columns say", f"{column} differs")


def _steps(history: MessageHistory) -> list[Step]:
    """The transitions in the order of their numbers. One that is in two files was written again
    after a commit of unknown outcome."""
    rows = sorted(set(history.of("transition")))
    return [Step(row[1], row[2], row[4], row[11]) for row in rows]


def _number_faults(history: MessageHistory, numbers: list[int]) -> Iterator[Fault]:
    """Version 1 of the store noted an unanswered part with a transition, which has become an
    attempt, and left its number free."""
    free = 0
    if history.file is CATALOGUE:
        free = sum(row[3] == AttemptOutcome.UNANSWERED for row in history.of("attempt"))
    for number, then in pairwise([0, *numbers]):
        if then == number:
            yield Fault("has different transitions of the same number", f"transition {number}")
            continue
        free -= then - number - 1
        if free < 0:
            yield Fault("has a gap in its transitions", f"before transition {then}")
            return


def _step_faults(history: MessageHistory, steps: list[Step]) -> Iterator[Fault]:
    """Follow the message, and each of its parts, from status to status."""
    at: dict[int, Status] = {0: history.initial_status}
    for step in steps:
        status = STATUSES.get(step.status)
        where = f"transition {step.number}" + (f" of part {step.part}" if step.part else "")
        if status is None or step.listener not in LISTENERS:
            yield Fault(
                "has a transition that means nothing",
                f"{where}: status {step.status!r}, listener {step.listener}",
            )
            continue
        if not 0 <= step.part <= history.segments:
            yield Fault("has a part that it cannot have", f"{where}, of {history.segments} parts")
            continue
        inbound = history.initial_status is Status.RECEIVED
        before = at.get(step.part, Status.RECEIVED if inbound else Status.QUEUED)
        at[step.part] = status
        # The part of a longer text waits for the rest, and may then be told as it came.
        first = 1 + (inbound and not step.part and steps[0].part > 0)
        if before is Status.RECEIVED and status is Status.RECEIVED and step.number == first:
            continue
        if before in FINAL:
            yield Fault("goes on after a final status", f"{where}: {before} -> {status}")
        elif not may_become(before, status):
            yield Fault("has a transition that is not allowed", f"{where}: {before} -> {status}")


def may_become(before: Status, status: Status) -> bool:
    """Whether one may follow the other on record."""
    unrecorded = UNRECORDED.get(before)
    return status in TRANSITIONS[before] or (
        unrecorded is not None and status in TRANSITIONS[unrecorded]
    )


def _attempt_faults(history: MessageHistory) -> Iterator[Fault]:
    """A text that was replaced may have had more parts: carriers have refused them all."""
    attempts = history.of("attempt")
    last = {row[1]: row[3] for row in attempts}
    for _, part, _, outcome, _, _ in attempts:
        known = WHOLE <= part <= history.segments
        replaced = part > history.segments and last[part] == AttemptOutcome.REFUSED
        if outcome not in OUTCOMES or not (known or replaced):
            yield Fault(
                "has an attempt that means nothing",
                f"part {part} of {history.segments}, outcome {outcome}",
            )


def _told_faults(history: MessageHistory, numbers: frozenset[int]) -> Iterator[Fault]:
    """Listeners are told of transitions, and once more only where that was asked for."""
    rounds = {(number, 0) for number in numbers}
    for _, number, round_, _ in history.of("replay"):
        if number not in numbers:
            yield Fault("is to be told again without a transition", f"number {number}")
        rounds.add((number, round_))
    for _, number, _, _, round_, _ in history.of("notified"):
        if (number, round_) not in rounds:
            yield Fault("was told of what is not on record", f"transition {number}, round {round_}")


def _seal_faults(history: MessageHistory) -> Iterator[Fault]:
    then = standing(history, at_seal=True)
    noted = Standing(
        bool(history.of("open_at_seal")),
        frozenset((row[1], row[2]) for row in history.of("owed_at_seal")),
    )
    if noted.open != then.open:
        words = ("not open", "open")
        yield Fault(
            "was noted wrongly when its segment was sealed",
            f"as {words[noted.open]}, and it was {words[then.open]}",
        )
    if noted.owed != then.owed:
        yield Fault(
            "was noted wrongly when its segment was sealed",
            f"as owing {_pairs(noted.owed)}, and it owed {_pairs(then.owed)}",
        )


def _pairs(keys: frozenset[tuple[int, int]]) -> str:
    return ", ".join(f"{number}/{round_}" for number, round_ in sorted(keys)) or "nothing"
