"""One message with all that is known of it: from the store, from the wire, from the customer."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from gateway.message import Direction, Message, Status
from gateway.store.interface import StoredMessage, Transition
from tests.sim.cast import RESPONSE_TIMEOUT_S
from tests.sim.ledger import Asked
from tests.sim.numbered_text import number_in, version_in
from tests.sim.wiretap import Attempt, SeenReceipt
from tests.sim.world import World

TICK_S = 0.001


@dataclass(slots=True)
class Case:
    """`attempts` are in the order in which the gateway wrote them."""

    stored: StoredMessage
    number: int | None
    asked: Asked | None
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def message(self) -> Message:
        return self.stored.message

    @property
    def name(self) -> str:
        return f"message {self.message.id} (number {self.number})"

    @property
    def version(self) -> int:
        """What it says in the end."""
        return version_in(self.message.body)

    @property
    def whole_steps(self) -> list[Transition]:
        return [step for step in self.stored.transitions if not step.part]

    @property
    def sent_steps(self) -> list[Transition]:
        """Those that say under which id a carrier took a part."""
        return [
            step
            for step in self.stored.transitions
            if step.status is Status.SENT and step.carrier_id
        ]


class Evidence:
    """All messages of a world, in the order of their ids."""

    def __init__(self, world: World) -> None:
        self.world = world
        attempts: dict[int, list[Attempt]] = defaultdict(list)
        for attempt in world.wiretap.attempts:
            if attempt.number is not None:
                attempts[attempt.number].append(attempt)
        self.cases = [
            self._case(stored, attempts)
            for stored in world.stored
            if stored.message.direction is not Direction.INBOUND
        ]
        self.inbound = [
            stored.message
            for stored in world.stored
            if stored.message.direction is Direction.INBOUND
        ]
        self.receipts: dict[tuple[str, str], list[SeenReceipt]] = defaultdict(list)
        for seen in world.wiretap.receipts:
            self.receipts[seen.carrier, seen.carrier_id].append(seen)
        # Whose the carriers' ids are, by their own books, which have whole messages only. Of one
        # that went over several carriers there are also ids of the others.
        given = {
            (attempt.carrier, attempt.number, attempt.carrier_id)
            for attempt in world.wiretap.attempts
        }
        self.owners = {
            (smsc.name, carrier_id): number
            for smsc in world.simulator.smscs.values()
            for received in smsc.messages
            for number in (number_in(received.text),)
            for carrier_id in received.message_ids
            if len(received.message_ids) == 1 or (smsc.name, number, carrier_id) in given
        }

    @property
    def repeated(self) -> list[str]:
        """Messages of which some part was written more than once."""
        return [
            case.name
            for case in self.cases
            if len({attempt.part for attempt in case.attempts}) < len(case.attempts)
        ]

    def _case(self, stored: StoredMessage, attempts: dict[int, list[Attempt]]) -> Case:
        number = number_in(stored.message.body)
        if number is None:
            return Case(stored, None, None)
        return Case(stored, number, self.world.ledger.asked.get(number), attempts.pop(number, []))


def timed_out(attempt: Attempt, slack_s: float = -TICK_S) -> bool:
    """Whether the gateway heard nothing for so long that it must not send again blindly. Where an
    answer and the end of the wait fall together, `slack_s` says who is believed."""
    heard = [when for when in (attempt.answered_at, attempt.lost_at) if when is not None]
    return min(heard, default=float("inf")) > attempt.written_at + RESPONSE_TIMEOUT_S + slack_s
