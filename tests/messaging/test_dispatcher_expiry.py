"""Messages whose time is over while they wait."""

import pytest

from gateway.message import Status
from gateway.smpp.constants import CommandStatus
from tests.messaging.traffic_world import (
    LONG,
    OTHER,
    UNKNOWN_WAIT_S,
    WALL,
    Traffic,
    to,
)
from tests.support.virtual_time import virtual_time


@pytest.mark.parametrize("expired_code", [30001, 30036])
def test_a_message_expires_on_time_behind_others(expired_code: int) -> None:
    @virtual_time
    async def expires() -> None:
        traffic = Traffic(expired_code=expired_code)
        traffic.down("alpha/1")
        await traffic.put("head")
        opened = await traffic.put("behind", expires_at=WALL + 60)
        await traffic.turn(60.2)
        assert traffic.last(opened) == (Status.FAILED, expired_code)
        assert 60 <= traffic.told[-1].at - WALL < 60.2

    expires()


@virtual_time
async def test_an_expired_head_is_not_sent() -> None:
    traffic = Traffic()
    traffic.down("alpha/1")
    await traffic.put("head", expires_at=WALL + 60)
    await traffic.put("behind", recipient=OTHER)
    await traffic.turn(61)
    traffic.up("alpha/1")
    await traffic.turn()
    assert traffic.texts() == ["behind"]


@virtual_time
async def test_a_head_is_not_sent_in_the_moment_after_its_time() -> None:
    """Its turn comes at 0.95 s, before the wheel of 0.1 s that would have expired it."""
    traffic = Traffic(mps=1.01 / 0.96)
    await traffic.put("first", recipient=OTHER)
    opened = await traffic.put("second", expires_at=WALL + 0.91)
    await traffic.turn(3)
    assert traffic.texts() == ["first"]
    assert (traffic.last(opened), traffic.dispatcher.lanes.expired) == ((Status.FAILED, 30001), 1)


@virtual_time
async def test_what_an_expired_head_waited_for_does_not_hold_up_the_next() -> None:
    traffic = Traffic({"alpha/1": (to("+49"),), "beta/1": (to("+1"),)})
    traffic.down("alpha/1")
    await traffic.put("to a bind that is down", recipient="+4915112345678", expires_at=WALL + 60)
    await traffic.put("to one that is up")
    await traffic.turn(61)
    assert traffic.texts("beta/1") == ["to one that is up"]


@virtual_time
async def test_what_comes_back_after_its_time_expires_at_once() -> None:
    traffic = Traffic()
    opened = await traffic.put(expires_at=WALL + 60)
    await traffic.turn(61)
    assert opened.status is Status.SENDING
    traffic.answer(status=CommandStatus.ESME_RTHROTTLED)
    await traffic.turn()
    assert traffic.last(opened) == (Status.FAILED, 30001)
    assert traffic.texts() == ["hello"]


@virtual_time
async def test_what_came_back_in_time_expires_on_time() -> None:
    traffic = Traffic()
    await traffic.put("first", recipient=OTHER)
    opened = await traffic.put("second", expires_at=WALL + 60)
    await traffic.turn(1)
    traffic.down("alpha/1")
    await traffic.turn(59.2)
    assert traffic.last(opened) == (Status.FAILED, 30001)


@virtual_time
async def test_what_a_carrier_may_have_as_a_whole_does_not_expire() -> None:
    traffic = Traffic()
    opened = await traffic.put(expires_at=WALL + 60)
    await traffic.turn(50)
    traffic.time_out()
    await traffic.turn(50)
    assert (opened.status, traffic.dispatcher.lanes.expired) == (Status.SENDING, 0)
    await traffic.turn(UNKNOWN_WAIT_S)
    assert traffic.last(opened) == (Status.FAILED, 30410)


@virtual_time
async def test_a_part_that_is_under_way_is_waited_for() -> None:
    traffic = Traffic(window=1)
    opened = await traffic.put(LONG, segments=3, expires_at=WALL + 60)
    await traffic.turn(61)
    assert opened.status is Status.SENDING
    traffic.ok()
    await traffic.turn()
    assert traffic.last(opened) == (Status.FAILED, 30001)


@virtual_time
async def test_what_a_carrier_may_have_a_part_of_expires_before_the_rest_is_sent() -> None:
    """The rest would only come too late."""
    traffic = Traffic(window=1)
    opened = await traffic.put(LONG, segments=3, expires_at=WALL + 60)
    await traffic.turn(50)
    traffic.time_out()
    traffic.down("alpha/1")
    await traffic.turn(11)
    assert (traffic.last(opened), traffic.segments_queued) == ((Status.FAILED, 30001), 0)
    traffic.up("alpha/1")
    await traffic.turn(UNKNOWN_WAIT_S)
    assert (len(traffic.texts()), opened.in_doubt) == (1, 0)


@virtual_time
async def test_a_message_that_was_sent_does_not_expire() -> None:
    traffic = Traffic()
    opened = await traffic.put(expires_at=WALL + 60)
    await traffic.turn()
    traffic.ok()
    await traffic.turn(120)
    assert traffic.statuses(opened) == [Status.SENT]


@virtual_time
async def test_a_message_that_is_settled_is_not_kept_until_its_time_would_be_over() -> None:
    """Four hours of messages are more than memory holds."""
    traffic = Traffic(receipts=False)
    await traffic.put()
    await traffic.turn()
    traffic.ok()
    await traffic.turn(1)
    assert traffic.dispatcher.lanes.next_timer() is None
