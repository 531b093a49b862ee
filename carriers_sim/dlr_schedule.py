"""Which delivery receipts a message gets, and when: pure, and seeded by the caller."""

from __future__ import annotations

from enum import StrEnum
from random import Random

import msgspec

from carriers_sim.delay import (
    Delay,
    Share,
    Weights,
    draw,
    happens,
    pick,
    require_delay,
    require_weight,
)
from gateway.smpp.constants import MessageState, RegisteredDelivery

# As plain integers: the operators of IntFlag take a microsecond each.
ALL = int(RegisteredDelivery.ALL)
FAILURE = int(RegisteredDelivery.FAILURE)
ALL_OR_FAILURE = int(RegisteredDelivery.RECEIPT)
INTERMEDIATE = int(RegisteredDelivery.INTERMEDIATE)

NONE = "NONE"
THEN = "+"

# stat of the receipt's text (SMPP v3.4 Appendix B) and its message_state (§5.2.28).
STATES: dict[str, MessageState] = {
    "ENROUTE": MessageState.ENROUTE,
    "DELIVRD": MessageState.DELIVERED,
    "EXPIRED": MessageState.EXPIRED,
    "DELETED": MessageState.DELETED,
    "UNDELIV": MessageState.UNDELIVERABLE,
    "ACCEPTD": MessageState.ACCEPTED,
    "UNKNOWN": MessageState.UNKNOWN,
    "REJECTD": MessageState.REJECTED,
}
FAILURES = frozenset({"EXPIRED", "DELETED", "UNDELIV", "UNKNOWN", "REJECTD"})
ERRORS: dict[str, str] = {"EXPIRED": "002", "DELETED": "004", "UNDELIV": "001", "REJECTD": "003"}
NO_ERROR = "000"


class ReceiptForm(StrEnum):
    """Appendix B text in short_message, the TLVs of §4.6.1, or both."""

    TEXT = "text"
    TLV = "tlv"
    BOTH = "both"


class ReceiptBehaviour(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What becomes of accepted messages.

    `outcomes` weighs what happens: `DELIVRD`, `UNDELIV`, …, two stages as `ACCEPTD+DELIVRD`, a
    contradiction as `DELIVRD+UNDELIV`, or `NONE`. `errors` gives the `err` of a stat. The delay
    runs from the response to the first receipt, and again between stages.
    """

    outcomes: Weights = msgspec.field(default_factory=lambda: {"DELIVRD": 1.0})
    delay_s: Delay = (0.2, 2.0)
    errors: dict[str, str] = {}
    form: ReceiptForm = ReceiptForm.BOTH
    before_response: Share = 0.0
    duplicated: Share = 0.0
    missing: Share = 0.0

    def __post_init__(self) -> None:
        require_weight(self.outcomes, "outcomes")
        require_delay(self.delay_s)
        for outcome in self.outcomes:
            stages(outcome)
        for stat, error in self.errors.items():
            if stat not in STATES:
                raise ValueError(f"{stat} is no stat of a receipt; one of {', '.join(STATES)}")
            require_err(error)


class PlannedReceipt(msgspec.Struct, frozen=True, gc=False):
    """A receipt to send `after_s` the response, or just before it."""

    stat: str
    err: str
    after_s: float
    form: ReceiptForm
    before_response: bool = False


def stages(outcome: str) -> tuple[str, ...]:
    """The stats that an outcome goes through; none for `NONE`. Raises ValueError."""
    if outcome == NONE:
        return ()
    stats = tuple(outcome.split(THEN))
    for stat in stats:
        if stat not in STATES:
            raise ValueError(
                f"{outcome!r} is no outcome; use {NONE}, or one or more of "
                f"{', '.join(STATES)} joined by {THEN}"
            )
    return stats


def require_err(err: str) -> None:
    """Raises ValueError for what is no `err` of Appendix B."""
    if len(err) != 3 or not (err.isascii() and err.isalnum()):
        raise ValueError(f"an err has three letters or digits, unlike {err!r}")


def is_asked_for(stat: str, registered_delivery: int) -> bool:
    """Whether the sender of the message wants to hear this (SMPP v3.4 §5.2.17)."""
    if stat == "ENROUTE":
        return bool(registered_delivery & INTERMEDIATE)
    asked = registered_delivery & ALL_OR_FAILURE
    if asked == FAILURE:
        return stat in FAILURES
    if asked == ALL_OR_FAILURE:
        # Both bits: "success only" in 5.0 (§4.7.21), reserved in 3.4.
        return stat not in FAILURES
    return asked == ALL


def schedule(
    behaviour: ReceiptBehaviour, registered_delivery: int, chance: Random
) -> tuple[PlannedReceipt, ...]:
    """The receipts of one accepted message, in the order of their times."""
    if not registered_delivery & (ALL_OR_FAILURE | INTERMEDIATE):
        return ()
    outcome = pick(behaviour.outcomes, chance)
    if outcome == NONE or happens(behaviour.missing, chance):
        return ()
    is_early = happens(behaviour.before_response, chance)
    copies = 2 if happens(behaviour.duplicated, chance) else 1
    planned: list[PlannedReceipt] = []
    after_s = 0.0
    for stat in stages(outcome):
        if not is_early:
            after_s += draw(behaviour.delay_s, chance)
        if is_asked_for(stat, registered_delivery):
            err = behaviour.errors.get(stat) or ERRORS.get(stat, NO_ERROR)
            receipt = PlannedReceipt(stat, err, after_s, behaviour.form, is_early)
            planned += [receipt] * copies
    return tuple(planned)
