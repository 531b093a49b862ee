"""How a carrier treats what it is sent: pure, and seeded by the caller.

The decision on a message depends on the behaviour, on the message and on the chance that is
passed in, and on nothing else. The chance of a message comes from the seed, the carrier's name and
the message's number there, so the same seed and the same messages give the same trace.
"""

from __future__ import annotations

from enum import StrEnum
from hashlib import blake2b
from random import Random
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec.structs import replace

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
from carriers_sim.dlr_schedule import STATES, PlannedReceipt, ReceiptBehaviour, schedule
from carriers_sim.magic_numbers import MAGIC_NUMBERS, SUFFIX_LENGTH
from carriers_sim.rule import Effect, Repeat, Rule, status_of
from carriers_sim.throttle import Throttle
from gateway.smpp.constants import CommandStatus

Count = Annotated[int, msgspec.Meta(ge=0)]


class IdFormat(StrEnum):
    """How a carrier writes its message ids; many write them otherwise in receipts."""

    DECIMAL = "decimal"
    HEX = "hex"
    UUID = "uuid"


class Behaviour(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One carrier's character. As built it is healthy: every message delivered, no faults.

    Shares are from 0 to 1 of all submit_sm. `queue_max` bounds the messages that await their
    receipt, `drop_every` closes the connection at each n-th submit_sm; 0 turns either off. A grey
    route answers ESME_ROK and does nothing more.
    """

    bind_status: str = "ESME_ROK"
    response_delay_s: Delay = 0.0
    submit: Weights = msgspec.field(default_factory=lambda: {"ESME_ROK": 1.0})
    unanswered: Share = 0.0
    drop: Share = 0.0
    drop_every: Count = 0
    throttle: Throttle | None = None
    queue_max: Count = 0
    id_format: IdFormat = IdFormat.DECIMAL
    receipt_id_format: IdFormat | None = None
    grey: bool = False
    magic_numbers: bool = False
    receipts: ReceiptBehaviour = ReceiptBehaviour()
    rules: tuple[Rule, ...] = ()

    def __post_init__(self) -> None:
        status_of(self.bind_status)
        require_weight(self.submit, "submit")
        require_delay(self.response_delay_s)
        for name in self.submit:
            status_of(name)

    @property
    def reads_text(self) -> bool:
        return any(rule.when.body for rule in self.rules)

    @property
    def remembers_refusals(self) -> bool:
        return self.magic_numbers or bool(self.rules)


class Submission(msgspec.Struct, frozen=True, gc=False):
    """A submit_sm as a decision needs it.

    `number` counts the carrier's submit_sm from 1. `refused_by` names the carrier that refused
    this very message before, where a rule said that another attempt shall pass.
    """

    number: int
    carrier: str
    sender: str
    recipient: str
    text: str = ""
    registered_delivery: int = 0
    refused_by: str = ""
    is_throttled: bool = False
    is_queue_full: bool = False


class Decision(msgspec.Struct, frozen=True, gc=False):
    """What the carrier does with a submit_sm.

    A dropped one is lost with its connection. An unanswered one is accepted, and only its
    response is lost. `is_remembered` asks the caller to give `refused_by` on the next attempt.
    """

    status: int
    reason: str
    response_delay_s: float = 0.0
    is_answered: bool = True
    is_dropped: bool = False
    is_remembered: bool = False
    message_id: str = ""
    receipt_id: str = ""
    receipts: tuple[PlannedReceipt, ...] = ()

    @property
    def is_accepted(self) -> bool:
        return self.status == CommandStatus.ESME_ROK and not self.is_dropped


def carrier_seed(seed: int, carrier: str) -> int:
    """A number of 64 bits that belongs to one carrier under one seed."""
    return int.from_bytes(blake2b(f"{seed}/{carrier}".encode(), digest_size=8).digest())


def message_chance(seed_of_carrier: int, number: int) -> Random:
    """The chance of the carrier's n-th message, whatever happened to the others."""
    return Random(seed_of_carrier << 64 | number)


def message_ids(behaviour: Behaviour, id_number: int, chance: Random) -> tuple[str, str]:
    """The id in the response, and the same id as the receipts write it."""
    in_response = _format_id(behaviour.id_format, id_number, chance)
    receipt_format = behaviour.receipt_id_format
    if receipt_format is None or receipt_format is behaviour.id_format:
        return in_response, in_response
    return in_response, _format_id(receipt_format, id_number, chance)


def decide(
    behaviour: Behaviour, submission: Submission, id_number: int, chance: Random
) -> Decision:
    """What to do with one submit_sm, and why."""
    reason, effect = _matching_effect(behaviour, submission)
    if effect is not None:
        behaviour = _under(behaviour, effect)
    delay_s = draw(behaviour.response_delay_s, chance)
    if submission.is_throttled:
        return Decision(CommandStatus.ESME_RTHROTTLED, "throttle", delay_s)
    if submission.is_queue_full:
        return Decision(CommandStatus.ESME_RMSGQFUL, "queue full", delay_s)
    is_remembered = effect is not None and effect.repeat is not Repeat.ALWAYS
    if behaviour.drop_every and submission.number % behaviour.drop_every == 0:
        return Decision(CommandStatus.ESME_ROK, "drop_every", is_dropped=True)
    if happens(behaviour.drop, chance):
        return Decision(
            CommandStatus.ESME_ROK, reason, is_dropped=True, is_remembered=is_remembered
        )
    status = status_of(pick(behaviour.submit, chance))
    if status and not behaviour.grey:
        return Decision(status, reason, delay_s, is_remembered=is_remembered)
    message_id, receipt_id = message_ids(behaviour, id_number, chance)
    return Decision(
        status=CommandStatus.ESME_ROK,
        reason=reason,
        response_delay_s=delay_s,
        is_answered=not happens(behaviour.unanswered, chance),
        message_id=message_id,
        receipt_id=receipt_id,
        receipts=()
        if behaviour.grey
        else schedule(behaviour.receipts, submission.registered_delivery, chance),
    )


def _matching_effect(behaviour: Behaviour, submission: Submission) -> tuple[str, Effect | None]:
    """The first rule that holds, then the magic numbers, then nothing."""
    for index, rule in enumerate(behaviour.rules, start=1):
        if rule.when.holds(
            submission.number, submission.sender, submission.recipient, submission.text
        ) and _is_due(rule.then, submission):
            return rule.name or f"rule {index}", rule.then
    if behaviour.magic_numbers:
        suffix = submission.recipient[-SUFFIX_LENGTH:]
        effect = MAGIC_NUMBERS.get(suffix)
        if effect is not None and _is_due(effect, submission):
            return f"magic number {suffix}", effect
    return "usual", None


def _is_due(effect: Effect, submission: Submission) -> bool:
    if not submission.refused_by or effect.repeat is Repeat.ALWAYS:
        return True
    return effect.repeat is Repeat.HERE and submission.refused_by == submission.carrier


def _under(behaviour: Behaviour, effect: Effect) -> Behaviour:
    """The behaviour towards a message that an effect meets."""
    receipts = behaviour.receipts
    if effect.receipt:
        receipts = replace(
            receipts,
            outcomes={effect.receipt: 1.0},
            missing=0.0,
            errors=dict.fromkeys(STATES, effect.err) if effect.err else receipts.errors,
        )
    if effect.receipt_delay_s is not None:
        receipts = replace(receipts, delay_s=effect.receipt_delay_s)
    if effect.receipt_before_response:
        receipts = replace(receipts, before_response=1.0)
    if effect.receipt_duplicated:
        receipts = replace(receipts, duplicated=1.0)
    behaviour = replace(behaviour, receipts=receipts)
    if effect.status or effect.receipt:
        # A provoked receipt needs a message that was accepted, however often the carrier refuses.
        behaviour = replace(behaviour, submit={effect.status or "ESME_ROK": 1.0})
    if effect.response_delay_s is not None:
        behaviour = replace(behaviour, response_delay_s=effect.response_delay_s)
    if effect.unanswered:
        behaviour = replace(behaviour, unanswered=1.0)
    if effect.drop:
        behaviour = replace(behaviour, drop=1.0)
    return behaviour


def _format_id(id_format: IdFormat, id_number: int, chance: Random) -> str:
    match id_format:
        case IdFormat.DECIMAL:
            return f"{id_number:010d}"
        case IdFormat.HEX:
            return f"{id_number:X}"
        case IdFormat.UUID:
            return str(UUID(int=chance.getrandbits(128), version=4))
