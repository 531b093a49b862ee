"""What must hold of messages that their customers have changed: what was taken back never arrives,
and what was replaced says the new thing and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.account import InDoubt
from gateway.message import Status
from tests.sim.cast import SENDERS
from tests.sim.evidence import TICK_S, Case, Evidence
from tests.sim.ledger import Change, Outcome
from tests.sim.wiretap import Attempt
from tests.sim.world import World


def audit_changes(evidence: Evidence) -> Iterator[str]:
    for case in evidence.cases:
        changes = evidence.world.ledger.changes.get(case.number or 0, [])
        yield from _canceled(evidence.world, case, changes)
        yield from _said(evidence.world, case, changes)


def _canceled(world: World, case: Case, changes: list[Change]) -> Iterator[str]:
    """Who hears that a message is canceled may rely on it, and nobody else's is."""
    if case.stored.status is not Status.CANCELED:
        return
    if case.message.id not in world.ledger.cancels_asked:
        yield f"{case.name} is canceled, and nobody has asked for that"
    last = case.stored.last
    assert last is not None
    for attempt in case.attempts:
        if attempt.written_at > last.at:
            yield f"{case.name} was sent {attempt.written_at - last.at:.3f} s after its end"
        elif not _refused(attempt, last.at) and not _forgotten(world, case, attempt):
            yield f"{case.name} is canceled, and a carrier may have it"


def _said(world: World, case: Case, changes: list[Change]) -> Iterator[str]:
    """Each text that went out was the one that counted then, or one of those that may have."""
    for attempt in case.attempts:
        may_say = _versions(changes, attempt.written_at)
        if attempt.version not in may_say:
            yield f"{case.name} said version {attempt.version}, and not one of {sorted(may_say)}"
        if attempt.version != case.version and not (
            _refused(attempt, _replaced_at(changes, attempt)) or _forgotten(world, case, attempt)
        ):
            yield f"{case.name} was replaced, and a carrier may have version {attempt.version}"
    in_the_end = _versions(changes, float("inf"))
    if case.version not in in_the_end:
        yield f"{case.name} ends as version {case.version}, not one of {sorted(in_the_end)}"


def _versions(changes: list[Change], when: float) -> set[int]:
    """What the message may say at a time, by what its customer was told."""
    may_say = {0}
    for change in changes:
        if change.version is None or change.outcome is Outcome.REFUSED:
            continue
        if change.asked_at > when:
            break
        if change.outcome is Outcome.DONE and change.answered_at < when:
            may_say = set()
        may_say.add(change.version)
    return may_say


def _replaced_at(changes: list[Change], attempt: Attempt) -> float:
    """When what was written was last known to be replaced."""
    later = [
        change.answered_at
        for change in changes
        if change.version is not None
        and change.version > attempt.version
        and change.outcome is not Outcome.REFUSED
    ]
    return min(later, default=float("inf"))


def _refused(attempt: Attempt, by: float) -> bool:
    """Whether the carrier has said by then that it has not taken it."""
    return bool(attempt.status) and attempt.answered_at is not None and attempt.answered_at <= by


def _forgotten(world: World, case: Case, attempt: Attempt) -> bool:
    """Whether the process ended before it was on record that this was written, as may be where the
    account takes a duplicate rather than a loss; after that it looked as if nothing had been."""
    return SENDERS[case.message.sender][0].in_doubt is InDoubt.RESEND and any(
        world.stored_by(ended_at) <= attempt.written_at + TICK_S and attempt.written_at <= ended_at
        for ended_at in world.ended_at
    )
