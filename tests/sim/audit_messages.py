"""What must hold of each message in the store, whatever happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from gateway.account import InDoubt
from gateway.interworking.receipt_outcome import outcome
from gateway.message import FINAL, TRANSITIONS, Status
from gateway.messaging.receipts import carrier_of
from gateway.messaging.suspects import LOST_MAX
from gateway.store.interface import Transition
from tests.sim.cast import HOLD_S, RECEIPT_WAIT_S, RESPONSE_TIMEOUT_S, SENDERS, SILENT_BIND
from tests.sim.evidence import Case, Evidence, timed_out

EXPIRED = 30001
PROVIDER_TIMEOUT = 30410
OPTED_OUT = 21610
EXPIRY_LATE_MAX_S = 0.2
# The grain of the wait for receipts.
RECEIPT_WAIT_LATE_MAX_S = 61.0

# Not every step between these two is written down.
HIDDEN = frozenset({Status.QUEUED, Status.SENDING})


def audit_messages(evidence: Evidence) -> Iterator[str]:
    yield from _accepted(evidence)
    for case in evidence.cases:
        yield from _steps(case)
        yield from _final(evidence, case)
        yield from _sent(evidence, case)
        if case.stored.status is Status.FAILED:
            yield from _failed(evidence, case)
        yield from _expired(evidence, case)


def _accepted(evidence: Evidence) -> Iterator[str]:
    """What was accepted is there, once; what was refused is not."""
    ledger = evidence.world.ledger
    numbers = Counter(case.number for case in evidence.cases if case.number is not None)
    yield from (f"number {number} was stored twice" for number, n in numbers.items() if n > 1)
    stored = {case.message.id: case.number for case in evidence.cases}
    for asked in ledger.asked.values():
        if asked.message_id is not None and stored.get(asked.message_id) != asked.number:
            yield f"number {asked.number} was accepted and is not stored"
        if asked.refused and asked.number in numbers:
            yield f"number {asked.number} was refused ({asked.refused}) and is stored"
    for case in evidence.cases:
        if case.message.id in ledger.canceled and case.stored.status is not Status.CANCELED:
            yield f"{case.name} was canceled and is {case.stored.status}"
    counts = Counter(case.stored.status for case in evidence.cases)
    if sum(counts[status] for status in (*FINAL, Status.SENT)) != len(evidence.cases):
        yield f"accepted {len(evidence.cases)}, but {dict(counts)}"


def _steps(case: Case) -> Iterator[str]:
    """Numbered without gaps, in time, along the table of transitions."""
    steps = case.stored.transitions
    if [step.number for step in steps] != list(range(1, len(steps) + 1)):
        yield f"{case.name}: steps {[step.number for step in steps]}"
    if any(after.at < before.at for before, after in pairwise(steps)):
        yield f"{case.name}: its steps go back in time"
    status = case.message.initial_status
    for step in case.whole_steps:
        may_become = TRANSITIONS[status]
        if status in HIDDEN:
            may_become = TRANSITIONS[Status.QUEUED] | TRANSITIONS[Status.SENDING]
        if step.status not in may_become:
            yield f"{case.name}: {status} -> {step.status}"
        status = step.status


def _final(evidence: Evidence, case: Case) -> Iterator[str]:
    """One final state, told by the receipts of the carriers that took it, and only by theirs."""
    last = case.stored.last
    status = case.stored.status
    if status is Status.SENT:
        if not any(step.bind == SILENT_BIND for step in case.stored.transitions):
            yield f"{case.name} stays sent"
        return
    if status not in FINAL or last is None:
        yield f"{case.name} ends as {status}"
        return
    if status not in (Status.DELIVERED, Status.UNDELIVERED):
        return
    for step in case.stored.transitions:
        if step.carrier_status and not _was_said(evidence, case, step):
            yield f"{case.name}: no receipt of its carrier says {step.carrier_status}"
    settled = {
        step.part: step
        for step in case.stored.transitions
        if step.part and step.status in (Status.DELIVERED, Status.UNDELIVERED)
    }
    if last.carrier_status:
        yield from _first_word(evidence, case, last)
    elif status is Status.DELIVERED:
        if {step.status for step in settled.values()} != {Status.DELIVERED}:
            yield f"{case.name} is delivered and its parts are not"
    elif all(step.status is Status.DELIVERED for step in settled.values()):
        yield from _given_up(evidence, case, last)


def _was_said(evidence: Evidence, case: Case, step: Transition) -> bool:
    carrier = carrier_of(step.bind)
    ids = {(carrier_of(sent.bind), sent.carrier_id) for sent in case.sent_steps}
    return (carrier, step.carrier_id) in ids and any(
        seen.stat == step.carrier_status and seen.arrived_at <= step.at
        for seen in evidence.receipts[carrier, step.carrier_id]
    )


def _first_word(evidence: Evidence, case: Case, last: Transition) -> Iterator[str]:
    """A second receipt that contradicts the first changes nothing. Of those that were taken: a
    store that has failed takes none. A kill may have undone the first, and the carrier may then
    have told them in another order."""
    if case.message.segments > 1 or evidence.world.killed_at:
        return
    said = [
        outcome(seen.stat).status
        for seen in evidence.receipts[carrier_of(last.bind), last.carrier_id]
        if not seen.refused
    ]
    first = next(status for status in said if status is not None)
    if first is not last.status:
        yield f"{case.name} is {last.status}, but its carrier first said {first}"


def _given_up(evidence: Evidence, case: Case, last: Transition) -> Iterator[str]:
    """No receipt came in time, and not because one was answered and forgotten. The time of a
    message is that of its first part."""
    silent = evidence.world.scenario.silent_carrier
    unsettled = [
        step
        for step in case.sent_steps
        if not (silent and step.bind == SILENT_BIND)
        and not any(
            outcome(seen.stat).status
            and seen.answered_at is not None
            and seen.answered_at < last.at
            for seen in evidence.receipts[carrier_of(step.bind), step.carrier_id]
        )
    ]
    if not unsettled:
        yield f"{case.name} is given up, but all its receipts came"
        return
    due = min(step.at for step in case.sent_steps) + RECEIPT_WAIT_S
    if not due <= last.at <= evidence.world.done_by(due + RECEIPT_WAIT_LATE_MAX_S):
        yield f"{case.name} is given up {last.at - due:+.1f} s after its time"


def _sent(evidence: Evidence, case: Case) -> Iterator[str]:
    """A carrier's id belongs to the part that it was the answer for; or it came with a receipt,
    for a part whose answer had not come."""
    for step in case.sent_steps:
        carrier = carrier_of(step.bind)
        if case.number is None or any(
            attempt.taken
            and (attempt.carrier, attempt.carrier_id) == (carrier, step.carrier_id)
            and attempt.part == (step.part or attempt.part)
            for attempt in case.attempts
        ):
            continue
        owner = evidence.owners.get((carrier, step.carrier_id))
        in_doubt = any(
            attempt.arrived_at is not None and not attempt.status and attempt.carrier == carrier
            for attempt in case.attempts
        )
        if owner not in (None, case.number) or not in_doubt:
            yield f"{case.name}: {step.carrier_id} of {carrier} is the id of number {owner}"


def _failed(evidence: Evidence, case: Case) -> Iterator[str]:
    """Nothing fails without a reason that can be seen."""
    last = case.stored.last
    assert last is not None
    if case.number is None or last.error_code == EXPIRED:
        return
    if last.error_code == PROVIDER_TIMEOUT:
        losses = {attempt.wire for attempt in case.attempts if attempt.lost_at is not None}
        enough = 1 if _never_twice(case) else LOST_MAX
        unheard = any(map(timed_out, case.attempts)) or len(losses) >= enough
        if not unheard and not (_never_twice(case) and _ended_before(evidence, case)):
            yield f"{case.name} failed for an answer that was not missing"
    elif last.error_code == OPTED_OUT:
        if not case.message.send_at or not _said_stop(evidence, case):
            yield f"{case.name} failed for an opt-out, and its recipient had not said STOP"
    elif not any(attempt.status for attempt in case.attempts):
        yield f"{case.name} failed with {last.error_code}, and no carrier had refused it"


def _never_twice(case: Case) -> bool:
    return SENDERS[case.message.sender][0].in_doubt is InDoubt.UNKNOWN


def _ended_before(evidence: Evidence, case: Case) -> bool:
    """Whether the process ended before an answer of the message was surely on the disk; or, when
    a part had been noted as good as sent, before it was."""
    world, last = evidence.world, case.stored.last
    assert last is not None
    unsent = len({attempt.part for attempt in case.attempts}) < case.message.segments
    if unsent and any(case.message.accepted_at <= each <= last.at for each in world.ended_at):
        return True
    return any(
        attempt.written_at <= ended_at
        and (attempt.answered_at is None or world.stored_by(ended_at) <= attempt.answered_at)
        for attempt in case.attempts
        for ended_at in world.ended_at
    )


def _said_stop(evidence: Evidence, case: Case) -> bool:
    message = case.message
    return any(
        (inbound.sender, inbound.recipient, inbound.body)
        == (message.recipient, message.sender, "STOP")
        for inbound in evidence.inbound
    )


def _expired(evidence: Evidence, case: Case) -> Iterator[str]:
    """On time, and nothing is first sent when it has expired."""
    message, last = case.message, case.stored.last
    first_only = message.segments > 1
    for attempt in case.attempts[:1] if first_only else case.attempts:
        if attempt.written_at > message.expires_at + EXPIRY_LATE_MAX_S:
            late_s = attempt.written_at - message.expires_at
            yield f"{case.name} was sent {late_s:.1f} s after it had expired"
    if last is None or last.error_code != EXPIRED or case.number is None:
        return
    if message.send_at and last.at < message.expires_at:
        return  # The queue was full when it came due.
    freed = [
        when
        for attempt in case.attempts
        for when in (
            attempt.answered_at,
            attempt.lost_at,
            attempt.written_at + RESPONSE_TIMEOUT_S,
        )
        if when is not None and when <= last.at
    ]
    due = max(message.expires_at, *freed, 0.0)
    late_max_s = EXPIRY_LATE_MAX_S
    if message.id in evidence.world.held:
        # It is held from each loss of a bind on, and from each start.
        late_max_s += (LOST_MAX + len(evidence.world.ended_at)) * HOLD_S
        due = message.expires_at
    # It may have to be read first.
    latest = evidence.world.done_by(due + late_max_s) + evidence.world.commit_s_max
    if not due <= last.at <= latest:
        yield f"{case.name} expired {last.at - due:+.2f} s after its time"
