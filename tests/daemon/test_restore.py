"""What a start takes up of what an earlier run left."""

import asyncio
from random import Random
from typing import Any, cast

from gateway.clock import Clock
from gateway.daemon.assembly import Gateway
from gateway.message import Message, Status
from gateway.messaging.open_message import OpenMessage
from gateway.store.interface import Attempt, AttemptOutcome, Transition
from tests.messaging.ledger import Ledger
from tests.sim.cast import ACME, BEE, PLAN, WALL_START, gateway_config
from tests.sim.scenario import Scenario
from tests.store.builders import a_message
from tests.support.virtual_time import virtual_time

BIND = "alpha/1"
RECIPIENT = "+14155552671"


class Start:
    """A gateway without sockets on a store that an earlier run left."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        clock = Clock(asyncio.get_running_loop().time, WALL_START)
        unused = cast(Any, None)
        self.gateway = Gateway(
            gateway_config(Scenario(seed=0)),
            PLAN,
            cast(Any, self.ledger),
            unused,
            clock,
            Random(1),
            unused,
        )

    def left(self, message_id: int, *facts: Transition | Attempt, **changes: Any) -> Message:
        message = a_message(
            message_id,
            **{"account_sid": BEE.sid, "sender": "55502", "recipient": RECIPIENT, **changes},
        )
        self.ledger.has(message, *facts)
        return message

    def in_doubt(self, sender: str = "55502") -> OpenMessage:
        """A message of this run whose answer does not come."""
        opened = OpenMessage(a_message(99, sender=sender, recipient=RECIPIENT))
        self.gateway.journal.doubts.add(opened, 1, BIND, WALL_START)
        opened.unsent.clear()
        opened.in_doubt = 1
        return opened

    def confirmed(self, sender: str = "55502") -> OpenMessage | None:
        """What a receipt of these addresses is believed to mean."""
        at = WALL_START + 1
        found = self.gateway.journal.doubts.find("alpha", sender, RECIPIENT, at, at)
        return found[0] if found else None


def tried(outcome: AttemptOutcome, message_id: int = 1) -> Attempt:
    return Attempt(message_id, 1, WALL_START - 60, outcome, BIND)


@virtual_time
async def test_a_copy_that_was_never_answered_may_be_what_a_receipt_means() -> None:
    start = Start()
    failed = Transition(1, 1, Status.FAILED, WALL_START - 50)
    start.left(1, tried(AttemptOutcome.WRITTEN), tried(AttemptOutcome.LOST), failed)
    await start.gateway.restore()
    start.in_doubt()
    assert (len(start.gateway.journal.doubts.strays), start.confirmed()) == (1, None)


@virtual_time
async def test_without_such_copies_a_receipt_is_believed() -> None:
    start = Start()
    await start.gateway.restore()
    opened = start.in_doubt()
    assert start.confirmed() is opened


@virtual_time
async def test_a_receipt_that_was_stored_and_not_answered_is_answered_when_it_comes_again() -> None:
    start, answers = Start(), list[object]()
    start.left(1, Transition(1, 1, Status.DELIVERED, WALL_START - 5, 0, 0, BIND, "77"))
    await start.gateway.restore()
    assert start.gateway.receipts._settled.repeat("alpha/77", answers.append)
    assert answers == [None]


@virtual_time
async def test_what_was_queued_may_have_been_sent_where_that_is_not_noted_first() -> None:
    start = Start()
    start.left(1, account_sid=ACME.sid, sender="55501")
    await start.gateway.restore()
    start.in_doubt(sender="55501")
    assert start.confirmed(sender="55501") is None


@virtual_time
async def test_what_was_queued_was_not_sent_where_that_is_noted_first() -> None:
    start = Start()
    start.left(1)
    await start.gateway.restore()
    opened = start.in_doubt()
    assert start.confirmed() is opened


@virtual_time
async def test_a_message_that_waits_for_its_receipt_is_awaited_and_not_at_hand() -> None:
    start = Start()
    start.left(1, Transition(1, 1, Status.SENT, WALL_START - 5, 0, 0, BIND, "77"))
    await start.gateway.restore()
    assert (start.gateway.receipts.expected, len(start.gateway.journal)) == (1, 0)
