"""A message whose parts went over binds of both kinds: with receipts, and without."""

from __future__ import annotations

from gateway.message import Status
from gateway.messaging.open_message import OpenMessage
from gateway.store.interface import Released, SentMessage, Transition
from tests.messaging.traffic_world import LONG, TWO, WALL, Traffic
from tests.support.virtual_time import virtual_time


def a_world() -> Traffic:
    """Beta gives no receipts."""
    return Traffic(TWO, silent_binds=("beta/1",))


async def sent_over_both(traffic: Traffic) -> OpenMessage:
    """Two parts over alpha, as `1` and `2`, and the third over beta."""
    opened = await traffic.put(LONG, segments=3)
    for carrier_id in ("1", "2"):
        await traffic.turn(0.01)
        traffic.ok(carrier_id=carrier_id)
    traffic.down("alpha/1")
    await traffic.turn(0.01)
    traffic.ok("beta/1", "1")
    await traffic.turn()
    assert opened.status is Status.SENT
    return opened


@virtual_time
async def test_it_is_never_delivered_and_let_go_with_its_last_receipt() -> None:
    traffic = a_world()
    opened = await sent_over_both(traffic)
    traffic.receipt("1")
    assert len(traffic.journal) == 1
    traffic.receipt("2")
    await traffic.turn()
    assert (opened.status, len(traffic.journal)) == (Status.SENT, 0)


@virtual_time
async def test_it_is_undelivered_with_the_first_part_that_is() -> None:
    traffic = a_world()
    opened = await sent_over_both(traffic)
    traffic.receipt("1")
    traffic.receipt("2", "UNDELIV", "001")
    await traffic.turn()
    assert traffic.last(opened) == (Status.UNDELIVERED, 30005)


@virtual_time
async def test_a_restart_changes_nothing() -> None:
    traffic = a_world()
    message = traffic.a_message(LONG, segments=3)
    steps = (
        Transition(message.id, 1, Status.SENT, WALL, 1, bind="alpha/1", carrier_id="1"),
        Transition(message.id, 2, Status.SENT, WALL, 2, bind="beta/1", carrier_id="1"),
        Transition(message.id, 3, Status.SENT, WALL, 3, bind="alpha/1", carrier_id="2"),
        Transition(message.id, 4, Status.SENT, WALL, bind="alpha/1"),
    )
    traffic.ledger.has(message, *steps)
    (found,) = traffic.ledger.load_open()
    assert isinstance(found, SentMessage)
    traffic.receipts.restore_sent(found)
    assert (traffic.receipts.expected, traffic.receipts.set_aside) == (2, 1)
    traffic.receipt("1")
    traffic.receipt("2")
    await traffic.turn()
    assert traffic.ledger.statuses(message) == [Status.SENT]
    assert traffic.ledger.records[-1] == Released(message.id)
    assert not traffic.receipts.awaits(message.id)
