"""What must hold of what the gateway writes to its carriers: once, in order, and not too fast."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from itertools import pairwise
from math import ceil

from gateway.account import InDoubt
from gateway.interworking.addresses import from_smpp
from gateway.messaging.mps import JITTER_S
from gateway.smpp.constants import DataCoding, Tag
from tests.sim.cast import HOLD_S, RESPONSE_TIMEOUT_S, SENDERS, TPS, WINDOW
from tests.sim.evidence import TICK_S, Case, Evidence, timed_out
from tests.sim.numbered_text import PART_SEPTETS, PART_UNITS
from tests.sim.wiretap import Attempt
from tests.sim.world import World

# Sums of floats around 1.7e9 s are exact to less than a microsecond.
ROUNDING_S = 1e-5


def audit_wire(evidence: Evidence) -> Iterator[str]:
    world = evidence.world
    yield from _accepted_only(evidence)
    for case in evidence.cases:
        yield from _duplicates(world, case)
    yield from _order(evidence)
    yield from _rates(world)
    yield from _windows(world)


def _accepted_only(evidence: Evidence) -> Iterator[str]:
    """Nothing goes out that is not stored, and nothing goes elsewhere."""
    for case in evidence.cases:
        for attempt in case.attempts:
            pdu, message = attempt.pdu, case.message
            addresses = (
                from_smpp(pdu.source_addr_ton, pdu.source_addr),
                from_smpp(pdu.dest_addr_ton, pdu.destination_addr),
            )
            if addresses != (message.sender, message.recipient):
                yield f"{case.name} went from and to {addresses}"
    stored = {case.number for case in evidence.cases}
    for attempt in evidence.world.wiretap.attempts:
        if attempt.number is not None and attempt.number not in stored:
            yield f"number {attempt.number} was sent and is not stored"


def _duplicates(world: World, case: Case) -> Iterator[str]:
    """A message that went whole went in each of its parts."""
    numbers = {attempt.part for attempt in case.attempts}
    for part in numbers - {0} or numbers:
        attempts = [each for each in case.attempts if each.part in (0, part)]
        for first, second in pairwise(attempts):
            policy = SENDERS[case.message.sender][0].in_doubt
            if not _may_repeat(world, policy, first, second):
                yield f"{case.name} went out twice: {_shown(first)}, then {_shown(second)}"


def _may_repeat(world: World, policy: InDoubt, first: Attempt, second: Attempt) -> bool:
    """Whether the gateway had reason to write a part again.

    It was refused; or, unless its account wants no message twice, the connection was lost before
    the answer, or the process ended before the store had what became of it, and it was held for as
    long as the account said. Not because no answer came in time.
    """
    held_s = HOLD_S - TICK_S if policy is InDoubt.HOLD else 0.0
    may_resend = policy is not InDoubt.UNKNOWN and second.written_at - first.written_at >= held_s
    if first.answered_at is not None and first.answered_at <= second.written_at:
        if first.status:
            return True
        settled_at = first.answered_at
    else:
        lost = first.lost_at is not None and first.lost_at <= second.written_at
        if lost and may_resend and not timed_out(first, slack_s=TICK_S):
            return True
        settled_at = first.written_at + RESPONSE_TIMEOUT_S
    return may_resend and any(
        first.written_at <= ended_at <= second.written_at
        and world.stored_by(ended_at) <= settled_at
        for ended_at in world.ended_at
    )


def _order(evidence: Evidence) -> Iterator[str]:
    """Strict FIFO of a sender by the first attempt; to one recipient also by what carriers took,
    but for a message that was in doubt. Scheduled ones come into the queue later, and one that is
    held for a receipt comes back to it."""
    held = evidence.world.held
    place = {attempt: index for index, attempt in enumerate(evidence.world.wiretap.attempts)}
    by_sender: dict[str, list[Case]] = defaultdict(list)
    for case in evidence.cases:
        if case.attempts and not case.message.send_at and case.message.id not in held:
            by_sender[case.message.sender].append(case)
    for cases in by_sender.values():
        for before, after in pairwise(cases):
            if place[before.attempts[0]] > place[after.attempts[0]]:
                yield f"{after.name} went before {before.name}"
        by_recipient: dict[str, list[Case]] = defaultdict(list)
        for case in cases:
            by_recipient[case.message.recipient].append(case)
        for conversation in by_recipient.values():
            yield from _conversation(conversation)


def _conversation(cases: list[Case]) -> Iterator[str]:
    latest, latest_case = 0.0, None
    for case in cases:
        came = [
            attempt.arrived_at
            for attempt in case.attempts
            if attempt.part == case.attempts[0].part
            and attempt.arrived_at is not None
            and not attempt.status
        ]
        if not came or any(map(timed_out, case.attempts)):
            continue
        if came[0] < latest and latest_case:
            yield f"{case.name} came before {latest_case.name}, which was accepted first"
        latest, latest_case = came[0], case


def _rates(world: World) -> Iterator[str]:
    """Segments in any second: of a sender, of an account with a cap, and on a bind."""
    senders: dict[str, list[tuple[float, int]]] = defaultdict(list)
    accounts: dict[str, list[tuple[float, int]]] = defaultdict(list)
    wires: dict[int, list[float]] = defaultdict(list)
    for attempt in world.wiretap.attempts:
        address = from_smpp(attempt.pdu.source_addr_ton, attempt.pdu.source_addr)
        account, _ = SENDERS[address]
        segments = _segments_of(attempt)
        senders[address].append((attempt.written_at, segments))
        accounts[account.name].append((attempt.written_at, segments))
        wires[attempt.wire].append(attempt.written_at)
    for address, written in senders.items():
        limit = ceil(SENDERS[address][1].segments_per_second)
        if (most := _most_in_a_second(_spread(written, limit))) > limit:
            yield f"{address} sent {most} segments in a second, {limit} agreed"
    for account in {account.sid: account for account, _ in SENDERS.values()}.values():
        if account.mps_max is None:
            continue
        most = _most_in_a_second(_spread(accounts[account.name], account.mps_max))
        if most > account.mps_max:
            yield f"{account.name} sent {most} segments in a second, {account.mps_max:g} agreed"
    for wire, times in wires.items():
        if (most := _most_in_a_second(times)) > TPS:
            yield f"{most} segments in a second on wire {wire}, {TPS:g} agreed"


def _segments_of(attempt: Attempt) -> int:
    """As the gateway counts them, where all go in one PDU."""
    if attempt.part:
        return 1
    octets = attempt.pdu.tlvs[Tag.MESSAGE_PAYLOAD]
    ucs2 = attempt.pdu.data_coding == DataCoding.UCS2
    return ceil(len(octets) / (2 * PART_UNITS if ucs2 else PART_SEPTETS))


def _spread(written: Iterable[tuple[float, int]], limit: float) -> list[float]:
    """When each segment has its turn: those of one PDU take theirs one after the other."""
    spacing_s = (1 + JITTER_S) / limit
    return sorted(
        when + number * spacing_s for when, segments in written for number in range(segments)
    )


def _most_in_a_second(times: Iterable[float]) -> int:
    window: deque[float] = deque()
    most = 0
    for when in times:
        window.append(when)
        while window[0] <= when - 1.0 + ROUNDING_S:
            window.popleft()
        most = max(most, len(window))
    return most


def _windows(world: World) -> Iterator[str]:
    """Requests that await their answer on one connection; a time-out makes room."""
    changes: dict[int, list[tuple[float, int]]] = defaultdict(list)
    for attempt in world.wiretap.attempts:
        ends = [when for when in (attempt.answered_at, attempt.lost_at) if when is not None] + [
            attempt.written_at + RESPONSE_TIMEOUT_S - TICK_S
        ]
        changes[attempt.wire] += [(attempt.written_at, 1), (min(ends), -1)]
    for wire, moments in changes.items():
        in_flight = most = 0
        for _, change in sorted(moments):
            in_flight += change
            most = max(most, in_flight)
        if most > WINDOW:
            yield f"{most} requests in flight on wire {wire}, {WINDOW} agreed"


def _shown(attempt: Attempt) -> str:
    return (
        f"part {attempt.part} to {attempt.carrier} written {attempt.written_at:.3f}, arrived "
        f"{attempt.arrived_at}, answered {attempt.answered_at} ({attempt.status}), "
        f"lost {attempt.lost_at}"
    )
