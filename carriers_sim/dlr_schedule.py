"""Which delivery receipts a message gets, when, and in what shape: pure, seeded by the caller."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from random import Random
from typing import Annotated, Any

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
from carriers_sim.receipt_template import TEMPLATES, ReceiptTemplate
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


# Between two parts whose receipts come in the wrong order.
REVERSED_GAP_S = 1.0
VENDOR_TAG = r"^0x(1[4-9A-Fa-f]|[23][0-9A-Fa-f])[0-9A-Fa-f]{2}$"
OCTETS = r"^([0-9a-fA-F]{2})*$"


class ReceiptForm(StrEnum):
    """Appendix B text, the TLVs of §4.6.1, or both."""

    TEXT = "text"
    TLV = "tlv"
    BOTH = "both"


class Carriage(StrEnum):
    """What carries it: a deliver_sm, with the text in its short_message or in a message_payload, or
    a data_sm (§4.7), which has room for neither but the payload."""

    SHORT_MESSAGE = "short_message"
    MESSAGE_PAYLOAD = "message_payload"
    DATA_SM = "data_sm"


class ReceiptTlv(StrEnum):
    RECEIPTED_MESSAGE_ID = "receipted_message_id"
    MESSAGE_STATE = "message_state"
    NETWORK_ERROR_CODE = "network_error_code"


class PartReceipts(StrEnum):
    """Which parts of a long message get one; `reversed` is each of them, the last part first."""

    EACH = "each"
    FIRST = "first"
    LAST = "last"
    REVERSED = "reversed"


class ReceiptBind(StrEnum):
    """Where it goes: round all binds that receive, or to the one that brought the message, or to
    any other; to those that there are where there is none such."""

    ANY = "any"
    SAME = "same"
    OTHER = "other"


class ReceiptId(StrEnum):
    GIVEN = "given"
    WRONG = "wrong"
    FOREIGN = "foreign"


class ReceiptBehaviour(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What becomes of accepted messages.

    `outcomes` weighs what happens: `DELIVRD`, `UNDELIV`, …, two stages as `ACCEPTD+DELIVRD`, a
    contradiction as `DELIVRD+UNDELIV`, or `NONE`. `errors` gives the `err` of a stat. The delay
    runs from the response to the first receipt, and again between stages. `unasked` sends them to
    whoever did not ask as well, `wrong_id` names no message, `foreign_id` one of another carrier,
    `esm_class_missing` leaves out the bits that say what it is.
    """

    outcomes: Weights = msgspec.field(default_factory=lambda: {"DELIVRD": 1.0})
    delay_s: Delay = (0.2, 2.0)
    errors: dict[str, str] = {}
    form: ReceiptForm = ReceiptForm.BOTH
    template: str = ReceiptTemplate.APPENDIX_B.key
    carriage: Carriage = Carriage.SHORT_MESSAGE
    tlvs: tuple[ReceiptTlv, ...] = tuple(ReceiptTlv)
    vendor_tlvs: dict[
        Annotated[str, msgspec.Meta(pattern=VENDOR_TAG)],
        Annotated[str, msgspec.Meta(pattern=OCTETS)],
    ] = {}
    parts: PartReceipts = PartReceipts.EACH
    bind: ReceiptBind = ReceiptBind.ANY
    unasked: bool = False
    before_response: Share = 0.0
    duplicated: Share = 0.0
    missing: Share = 0.0
    wrong_id: Share = 0.0
    foreign_id: Share = 0.0
    esm_class_missing: Share = 0.0

    def __post_init__(self) -> None:
        require_weight(self.outcomes, "outcomes")
        require_delay(self.delay_s)
        for outcome in self.outcomes:
            stages(outcome)
        for stat, error in self.errors.items():
            if stat not in STATES:
                raise ValueError(f"{stat} is no stat of a receipt; one of {', '.join(STATES)}")
            require_err(error)
        if self.template not in TEMPLATES:
            raise ValueError(f"{self.template!r} is no template; one of {', '.join(TEMPLATES)}")


class Stage(msgspec.Struct, frozen=True, gc=False):
    """What has become of a message `after_s` the response."""

    stat: str
    err: str
    after_s: float


class PlannedReceipt(msgspec.Struct, frozen=True, gc=False):
    """A receipt to send `after_s` the response, or just before it. `style` gives its shape."""

    stat: str
    err: str
    after_s: float
    style: ReceiptBehaviour
    before_response: bool = False
    id: ReceiptId = ReceiptId.GIVEN
    has_esm_class: bool = True


class Schedule(msgspec.Struct, frozen=True, gc=False):
    """What becomes of a message, and what its sender hears of it, in the order of their times."""

    stages: tuple[Stage, ...] = ()
    receipts: tuple[PlannedReceipt, ...] = ()


NOTHING = Schedule()


def changed(receipts: ReceiptBehaviour, keys: dict[str, Any]) -> ReceiptBehaviour:
    """The same but for these keys. Raises msgspec.ValidationError."""
    given = msgspec.convert(keys, ReceiptBehaviour)
    return msgspec.structs.replace(receipts, **{key: getattr(given, key) for key in keys})


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
    behaviour: ReceiptBehaviour,
    registered_delivery: int,
    chance: Random,
    part_number: int = 1,
    part_total: int = 1,
) -> Schedule:
    """What becomes of one accepted message, or of one part of a long one."""
    outcome = pick(behaviour.outcomes, chance)
    passed = tuple(_stages(behaviour, outcome, chance))
    if not behaviour.unasked and not registered_delivery & (ALL_OR_FAILURE | INTERMEDIATE):
        return Schedule(passed)
    if happens(behaviour.missing, chance) or not _is_told(behaviour, part_number, part_total):
        return Schedule(passed)
    is_early = happens(behaviour.before_response, chance)
    copies = 2 if happens(behaviour.duplicated, chance) else 1
    kind = ReceiptId.GIVEN
    if happens(behaviour.wrong_id, chance):
        kind = ReceiptId.WRONG
    elif happens(behaviour.foreign_id, chance):
        kind = ReceiptId.FOREIGN
    has_esm_class = not happens(behaviour.esm_class_missing, chance)
    later_s = 0.0
    if behaviour.parts is PartReceipts.REVERSED:
        later_s = (part_total - part_number) * REVERSED_GAP_S
    receipts: list[PlannedReceipt] = []
    for stage in passed:
        if behaviour.unasked or is_asked_for(stage.stat, registered_delivery):
            after_s = 0.0 if is_early else stage.after_s + later_s
            receipt = PlannedReceipt(
                stage.stat, stage.err, after_s, behaviour, is_early, kind, has_esm_class
            )
            receipts += [receipt] * copies
    return Schedule(passed, tuple(receipts))


def _stages(behaviour: ReceiptBehaviour, outcome: str, chance: Random) -> Iterator[Stage]:
    after_s = 0.0
    for stat in stages(outcome):
        after_s += draw(behaviour.delay_s, chance)
        yield Stage(stat, behaviour.errors.get(stat) or ERRORS.get(stat, NO_ERROR), after_s)


def _is_told(behaviour: ReceiptBehaviour, part_number: int, part_total: int) -> bool:
    if behaviour.parts is PartReceipts.FIRST:
        return part_number == 1
    if behaviour.parts is PartReceipts.LAST:
        return part_number == part_total
    return True


HEALTHY_RECEIPTS = ReceiptBehaviour()
