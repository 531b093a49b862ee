"""What an earlier run left is taken up, from the store, before traffic is carried."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING, TypeVar

from gateway.account import InDoubt
from gateway.message import Status
from gateway.store.interface import Listener, SentMessage, StoredMessage, WaitingMessage

if TYPE_CHECKING:
    from gateway.daemon.assembly import Gateway

log = logging.getLogger(__name__)

# Taken up in slices, so that customers are answered meanwhile.
RESTORE_SLICE = 500

T = TypeVar("T")


async def restore(gateway: Gateway) -> None:
    """See `Gateway.restore`."""
    for opt_out in gateway.store.load_opt_outs():
        gateway.opt_outs.apply(opt_out)
    # Before anything is written here: what is owed for that comes by its event.
    told = Counter[Listener]()
    async for owed in in_slices(gateway.store.load_owed()):
        told[owed.transition.listener] += 1
        gateway.recover(owed)
    await restore_past(gateway)
    messages = 0
    async for found in in_slices(gateway.store.load_open()):
        messages += 1
        restore_open(gateway, found)
    mistrust(gateway)
    gateway.restored = True
    log.info(
        "restored",
        extra={
            "messages": messages,
            "webhooks": told[Listener.WEBHOOK],
            "esme_deliveries": told[Listener.ESME],
            "opt_outs": len(gateway.opt_outs),
            "seconds": round(gateway.clock.now() - gateway.started_at, 1),
        },
    )


async def restore_past(gateway: Gateway) -> None:
    """Know what carriers may still say of messages that need not be open."""
    since = gateway.clock.now() - gateway.config.queue.receipt_wait_s
    async for stored in in_slices(gateway.store.load_unanswered(since)):
        gateway.journal.restore_strays(stored)
    async for past in in_slices(gateway.store.load_past_ids()):
        gateway.receipts.restore_past(past)


def mistrust(gateway: Gateway) -> None:
    """What is queued may have been sent, where that need not have been noted first."""
    accounts = gateway.credentials.account
    senders = frozenset(
        sender
        for account_sid, sender, *_ in gateway.dispatcher.lanes.backlog()
        if (account := accounts(account_sid)) and account.in_doubt is InDoubt.RESEND
    )
    gateway.journal.doubts.mistrust(senders, gateway.clock.now())


def restore_open(gateway: Gateway, found: WaitingMessage | SentMessage | StoredMessage) -> None:
    if isinstance(found, WaitingMessage):
        gateway.intake.restore_waiting(found)
    elif isinstance(found, SentMessage):
        gateway.receipts.restore_sent(found)
    else:
        opened = gateway.journal.restore(found)
        if opened.status is not Status.SENT:
            gateway.intake.restore(opened)
        gateway.receipts.restore(opened)


async def in_slices(items: Iterable[T]) -> AsyncIterator[T]:
    for count, item in enumerate(items, start=1):
        yield item
        if count % RESTORE_SLICE == 0:
            await asyncio.sleep(0)
