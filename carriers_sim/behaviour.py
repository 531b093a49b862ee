"""How a carrier treats what it is sent: pure, and seeded by the caller.

The decision on a message depends on the behaviour, on the message and on the chance that is
passed in, and on nothing else. The chance of a message comes from the seed, the carrier's name and
the message's number there, so the same seed and the same messages give the same trace.
"""

from __future__ import annotations

from hashlib import blake2b
from random import Random

import msgspec
from msgspec.structs import replace

from carriers_sim import body_tag
from carriers_sim.binding import Binding
from carriers_sim.delay import (
    Count,
    Delay,
    Seconds,
    Share,
    Weights,
    draw,
    happens,
    pick,
    require_delay,
    require_weight,
)
from carriers_sim.dlr_schedule import (
    HEALTHY_RECEIPTS,
    NOTHING,
    STATES,
    ReceiptBehaviour,
    Schedule,
    changed,
    schedule,
)
from carriers_sim.fault import Fault
from carriers_sim.link import SOUND, Link
from carriers_sim.magic_numbers import MAGIC_NUMBERS, SUFFIX_LENGTH
from carriers_sim.message_id import IdFormat, message_ids
from carriers_sim.response_form import ResponseForm
from carriers_sim.rule import Effect, Repeat, Rule, status_of
from carriers_sim.throttle import Throttle
from gateway.smpp.constants import CommandStatus


class Behaviour(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One carrier's character. As built it is healthy: every message delivered, no faults.

    Shares are from 0 to 1 of all submit_sm. `queue_max` bounds the messages that await their
    receipt, or those that `queue_drained_per_s` has not taken out yet. `drop_every` closes the
    connection at each n-th submit_sm, `responses_reversed` answers in groups of so many, the last
    first, and waits `responses_held_s` at most for a group; `ids_max` gives ids again after so
    many. 0 turns each off. A grey route answers ESME_ROK and does nothing more.
    """

    bind_status: str = "ESME_ROK"
    bind: Binding = Binding()
    link: Link = SOUND
    response_delay_s: Delay = 0.0
    responses: Weights = msgspec.field(default_factory=lambda: {ResponseForm.USUAL.value: 1.0})
    responses_reversed: Count = 0
    responses_held_s: Seconds = 1.0
    submit: Weights = msgspec.field(default_factory=lambda: {"ESME_ROK": 1.0})
    unanswered: Share = 0.0
    drop: Share = 0.0
    drop_every: Count = 0
    throttle: Throttle | None = None
    queue_max: Count = 0
    queue_drained_per_s: Seconds = 0.0
    congestion_state: bool = False
    id_format: IdFormat = IdFormat.DECIMAL
    receipt_id_format: IdFormat | None = None
    ids_max: Count = 0
    grey: bool = False
    magic_numbers: bool = False
    body_tags: bool = False
    receipts: ReceiptBehaviour = HEALTHY_RECEIPTS
    rules: tuple[Rule, ...] = ()

    def __post_init__(self) -> None:
        status_of(self.bind_status)
        require_weight(self.submit, "submit")
        require_weight(self.responses, "responses")
        require_delay(self.response_delay_s)
        for name in self.submit:
            status_of(name)
        for name in self.responses:
            ResponseForm(name)
        if self.receipt_id_format is IdFormat.EMPTY:
            raise ValueError("receipts need an id; only responses may leave it empty")
        if self.queue_drained_per_s and not self.queue_max:
            raise ValueError("queue_drained_per_s needs a queue_max")

    @property
    def reads_text(self) -> bool:
        return self.body_tags or any(rule.when.body for rule in self.rules)

    @property
    def remembers_refusals(self) -> bool:
        return self.magic_numbers or self.body_tags or bool(self.rules)


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
    part_number: int = 1
    part_total: int = 1
    refused_by: str = ""
    is_throttled: bool = False
    is_queue_full: bool = False


class Decision(msgspec.Struct, frozen=True, gc=False):
    """What the carrier does with a submit_sm.

    A dropped one is lost with its connection. An unanswered one is accepted, and only its
    response is lost. `is_remembered` asks the caller to give `refused_by` on the next attempt.
    `schedule` is what becomes of an accepted one.
    """

    status: int
    reason: str
    response_delay_s: float = 0.0
    response: ResponseForm = ResponseForm.USUAL
    fault: Fault | None = None
    fault_for_s: float = 0.0
    is_answered: bool = True
    is_dropped: bool = False
    is_remembered: bool = False
    message_id: str = ""
    receipt_id: str = ""
    schedule: Schedule = NOTHING

    @property
    def is_accepted(self) -> bool:
        return self.status == CommandStatus.ESME_ROK and not self.is_dropped


def carrier_seed(seed: int, carrier: str) -> int:
    """A number of 64 bits that belongs to one carrier under one seed."""
    return int.from_bytes(blake2b(f"{seed}/{carrier}".encode(), digest_size=8).digest())


def message_chance(seed_of_carrier: int, number: int) -> Random:
    """The chance of the carrier's n-th message, whatever happened to the others."""
    return Random(seed_of_carrier << 64 | number)


def decide(
    behaviour: Behaviour, submission: Submission, id_number: int, chance: Random
) -> Decision:
    """What to do with one submit_sm, and why."""
    reason, effect = _matching_effect(behaviour, submission)
    fault, fault_for_s = None, 0.0
    if effect is not None:
        behaviour = _under(behaviour, effect)
        fault, fault_for_s = effect.fault, effect.fault_for_s
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
    form = ResponseForm(pick(behaviour.responses, chance))
    if form is ResponseForm.GENERIC_NACK and not status:
        status = CommandStatus.ESME_RSYSERR
    if status and not behaviour.grey:
        return Decision(
            status,
            reason,
            delay_s,
            form,
            fault,
            fault_for_s,
            is_remembered=is_remembered,
        )
    if behaviour.ids_max:
        id_number = (id_number - 1) % behaviour.ids_max + 1
    message_id, receipt_id = message_ids(
        behaviour.id_format,
        behaviour.receipt_id_format,
        id_number,
        submission.part_number,
        chance,
    )
    return Decision(
        status=CommandStatus.ESME_ROK,
        reason=reason,
        response_delay_s=delay_s,
        response=form,
        fault=fault,
        fault_for_s=fault_for_s,
        is_answered=not happens(behaviour.unanswered, chance),
        # An attempt that is taken and never answered counts for `once` as a refused one does.
        is_remembered=is_remembered,
        message_id=message_id,
        receipt_id=receipt_id,
        schedule=NOTHING
        if behaviour.grey
        else schedule(
            behaviour.receipts,
            submission.registered_delivery,
            chance,
            submission.part_number,
            submission.part_total,
        ),
    )


def _matching_effect(behaviour: Behaviour, submission: Submission) -> tuple[str, Effect | None]:
    """The first rule that holds, then a tag in the text, then the magic numbers, then nothing."""
    for index, rule in enumerate(behaviour.rules, start=1):
        if rule.when.holds(
            submission.number, submission.sender, submission.recipient, submission.text
        ) and _is_due(rule.then, submission):
            return rule.name or f"rule {index}", rule.then
    if behaviour.body_tags:
        tagged = body_tag.effect(submission.text)
        if tagged is not None and _is_due(tagged, submission):
            return "body tag", tagged
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
    if effect.receipts:
        receipts = changed(receipts, effect.receipts)
    behaviour = replace(behaviour, receipts=receipts)
    if effect.status or effect.receipt:
        # A provoked receipt needs a message that was accepted, however often the carrier refuses.
        behaviour = replace(behaviour, submit={effect.status or "ESME_ROK": 1.0})
    if effect.response is not None:
        behaviour = replace(behaviour, responses={effect.response.value: 1.0})
    if effect.response_delay_s is not None:
        behaviour = replace(behaviour, response_delay_s=effect.response_delay_s)
    if effect.id_format is not None:
        behaviour = replace(
            behaviour,
            id_format=effect.id_format,
            receipt_id_format=effect.receipt_id_format or behaviour.receipt_id_format,
        )
    if effect.unanswered:
        behaviour = replace(behaviour, unanswered=1.0)
    if effect.drop:
        behaviour = replace(behaviour, drop=1.0)
    return behaviour
