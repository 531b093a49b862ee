"""Messages of several parts."""

from gateway.message import Status
from gateway.smpp.constants import CommandStatus
from tests.messaging.traffic_world import (
    LONG,
    OTHER,
    TWO,
    Traffic,
    to,
)
from tests.support.virtual_time import virtual_time


@virtual_time
async def test_the_parts_of_a_message_go_over_one_bind() -> None:
    traffic = Traffic({"alpha/1": (), "beta/1": ()})
    for number in range(10):
        await traffic.put(LONG, segments=3, recipient=f"+1500555000{number}")
    for _ in range(40):
        await traffic.turn(0.01)
        for bind in traffic.binds:
            if traffic.binds[bind].awaiting:
                traffic.ok(bind, "1")
    for bind in traffic.binds:
        by_recipient: dict[str, int] = {}
        for written in traffic.binds[bind].written:
            recipient = written.pdu.destination_addr
            by_recipient[recipient] = by_recipient.get(recipient, 0) + 1
        assert set(by_recipient.values()) == {3}
        assert len(by_recipient) == 5


@virtual_time
async def test_parts_are_numbered_and_share_a_reference() -> None:
    traffic = Traffic()
    await traffic.put(LONG, segments=3, concat_ref=0x12A)
    await traffic.turn(0.1)
    headers = [written.pdu.short_message[:6] for written in traffic.binds["alpha/1"].written]
    assert headers == [bytes([5, 0, 3, 0x2A, 3, number]) for number in (1, 2, 3)]


@virtual_time
async def test_a_message_is_sent_with_its_last_part() -> None:
    traffic = Traffic()
    opened = await traffic.put(LONG, segments=3)
    await traffic.turn(0.1)
    for carrier_id in ("a", "b"):
        traffic.ok(carrier_id=carrier_id)
    await traffic.turn()
    assert traffic.told == []
    traffic.ok(carrier_id="c")
    await traffic.turn()
    assert traffic.statuses(opened) == [Status.SENT]
    parts = [(step.part, step.carrier_id) for step in traffic.ledger.transitions]
    assert parts == [(1, "a"), (2, "b"), (3, "c"), (0, "")]


@virtual_time
async def test_parts_wait_for_their_own_bind_while_that_is_only_busy() -> None:
    traffic = Traffic(TWO, window=1)
    await traffic.put(LONG, segments=3)
    await traffic.turn(30)
    assert (len(traffic.texts("alpha/1")), traffic.texts("beta/1")) == (1, [])


@virtual_time
async def test_the_parts_that_are_left_move_when_their_bind_is_lost() -> None:
    traffic = Traffic(TWO, window=1)
    opened = await traffic.put(LONG, segments=3)
    await traffic.turn()
    traffic.ok("alpha/1", "a")
    await traffic.turn()
    traffic.down("alpha/1")
    for carrier_id in ("b", "c"):
        await traffic.turn()
        traffic.ok("beta/1", carrier_id)
    numbers = [written.pdu.short_message[5] for written in traffic.binds["beta/1"].written]
    assert (numbers, opened.status) == ([2, 3], Status.SENT)


@virtual_time
async def test_parts_that_only_wait_move_too_when_their_bind_is_lost() -> None:
    """Nothing of them is under way, for the bind's window is full of another message."""
    traffic = Traffic(TWO | {"beta/1": (to("", 2, "short_code"),)}, mps=100, window=1)
    await traffic.put(LONG, segments=3)
    await traffic.turn(0)
    await traffic.put("other", sender="+15005550006", recipient=OTHER)
    await traffic.turn(0.1)
    traffic.ok("alpha/1", "a")
    await traffic.turn(0.1)
    assert traffic.texts("alpha/1")[1:] == ["other"]
    traffic.down("alpha/1")
    await traffic.turn(0.1)
    assert [written.pdu.short_message[5] for written in traffic.binds["beta/1"].written] == [2]


@virtual_time
async def test_a_part_that_its_carrier_does_not_take_goes_by_another() -> None:
    traffic = Traffic(TWO)
    opened = await traffic.put(LONG, segments=3)
    await traffic.turn(0.1)
    traffic.ok("alpha/1", "a")
    traffic.answer("alpha/1", CommandStatus.ESME_RSYSERR)
    traffic.ok("alpha/1", "c")
    await traffic.turn()
    traffic.ok("beta/1", "b")
    await traffic.turn()
    assert opened.status is Status.SENT
    assert [written.pdu.short_message[5] for written in traffic.binds["beta/1"].written] == [2]


@virtual_time
async def test_a_part_that_is_refused_for_good_ends_the_message() -> None:
    traffic = Traffic(window=2)
    opened = await traffic.put(LONG, segments=3)
    await traffic.turn(0.1)
    traffic.answer(status=CommandStatus.ESME_RINVDSTADR)
    traffic.ok()
    await traffic.turn(60)
    assert traffic.last(opened) == (Status.FAILED, 30005)
    assert (len(traffic.texts()), traffic.segments_queued) == (2, 0)


@virtual_time
async def test_throttled_parts_go_again() -> None:
    traffic = Traffic()
    opened = await traffic.put(LONG, segments=3)
    await traffic.turn(0.1)
    for _ in range(3):
        traffic.answer(status=CommandStatus.ESME_RTHROTTLED)
    assert (opened.status, traffic.segments_queued) == (Status.QUEUED, 3)
    await traffic.turn(5)
    for carrier_id in ("a", "b", "c"):
        traffic.ok(carrier_id=carrier_id)
    assert opened.status is Status.SENT


@virtual_time
async def test_the_next_message_waits_for_all_parts_of_the_one_before() -> None:
    traffic = Traffic()
    await traffic.put(LONG, segments=3)
    await traffic.put("next")
    await traffic.turn(1)
    traffic.ok()
    traffic.ok()
    await traffic.turn(1)
    assert "next" not in traffic.texts()
    traffic.ok()
    await traffic.turn()
    assert traffic.texts()[-1] == "next"
