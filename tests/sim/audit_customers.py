"""What must hold of what customers are told: everything, at least once, in order, and the truth."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from gateway.clock import message_id_of, message_sid
from gateway.message import FINAL, Origin, Receipts, Status
from gateway.messaging.journal import listener_of
from gateway.store.interface import Listener, Transition
from tests.sim.cast import SENDERS
from tests.sim.evidence import Evidence
from tests.sim.ledger import Told
from tests.sim.numbered_text import number_in


def audit_customers(evidence: Evidence) -> Iterator[str]:
    yield from _untold(evidence)
    yield from _status_webhooks(evidence)
    yield from _webhook_order(evidence)
    yield from _esme_receipts(evidence)
    yield from _inbound(evidence)


def _untold(evidence: Evidence) -> Iterator[str]:
    for owed in evidence.world.owed:
        yield f"message {owed.message.id}: nobody was told of {owed.transition.status}"


def _status_webhooks(evidence: Evidence) -> Iterator[str]:
    """Each status of a message with a StatusCallback, and no status that is not stored."""
    told: dict[str, list[Told]] = defaultdict(list)
    for webhook in evidence.world.ledger.webhooks:
        if webhook.path == "/status":
            told[webhook.token].append(webhook)
    for case in evidence.cases:
        for step in case.whole_steps:
            expected = Listener.WEBHOOK if case.message.status_callback else None
            if (step.listener is Listener.WEBHOOK) != (expected is Listener.WEBHOOK):
                yield f"{case.name}: {step.status} is for {step.listener.name}"
            webhooks = told.pop(f"{message_sid(case.message.id)}-{step.number}", [])
            if step.listener is Listener.WEBHOOK and not webhooks:
                yield f"{case.name}: no webhook told {step.status}"
            for webhook in webhooks:
                if not _is_true(webhook, step):
                    yield f"{case.name}: {step.status} was told as {webhook.fields}"
    yield from (f"webhook {token} tells what is not stored" for token in told)


def _is_true(webhook: Told, step: Transition) -> bool:
    code = str(step.error_code) if step.error_code else None
    return (
        webhook.fields["MessageStatus"] == step.status and webhook.fields.get("ErrorCode") == code
    )


def _webhook_order(evidence: Evidence) -> Iterator[str]:
    """The first attempts to tell the events of one message rise; a restart may repeat older."""
    highest: dict[str, int] = defaultdict(int)
    for token, sid in evidence.world.ledger.attempted:
        number = int(token.rpartition("-")[2])
        if number > highest[sid]:
            highest[sid] = number
        elif not evidence.world.ended_at and number < highest[sid]:
            yield f"{sid}: webhook {number} came after {highest[sid]}"


def _esme_receipts(evidence: Evidence) -> Iterator[str]:
    """A receipt for each final status that was asked for, with the right state, and no other."""
    told: dict[tuple[str, int | None], set[str]] = defaultdict(set)
    for account_sid, said in evidence.world.ledger.esme_receipts:
        told[account_sid, message_id_of(said.message_id)].add(said.stat)
    for case in evidence.cases:
        message, status = case.message, case.stored.status
        stats = told.pop((message.account_sid, message.id), set())
        wanted = (
            message.origin is Origin.SMPP
            and status in FINAL
            and message.receipts is not Receipts.NONE
            and not (message.receipts is Receipts.FAILURE and status is Status.DELIVERED)
        )
        assert wanted == (listener_of(message, status) is Listener.ESME)
        if wanted and not stats:
            yield f"{case.name}: its ESME never heard of {status}"
        if stats and not wanted:
            yield f"{case.name}: its ESME got {stats}, which it did not ask for"
        if len(stats) > 1 or (stats and (stats == {"DELIVRD"}) != (status is Status.DELIVERED)):
            yield f"{case.name} is {status}, and its ESME was told {stats}"
    yield from (f"an ESME got a receipt for {key}" for key in told)


def _inbound(evidence: Evidence) -> Iterator[str]:
    """What handsets wrote reaches the customer whose number they wrote to."""
    ledger = evidence.world.ledger
    over_smpp = set(ledger.esme_inbound)
    over_http = {number_in(told.fields["Body"]) for told in ledger.webhooks if told.path == "/sms"}
    for number, to in ledger.inbound.items():
        _, sender = SENDERS[to]
        if number not in (over_http if sender.sms_url else over_smpp):
            yield f"inbound number {number} to {to} never reached its customer"
