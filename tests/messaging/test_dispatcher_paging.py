"""What waits far back in a queue waits in the store."""

from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.message import Status
from gateway.messaging import account_queue, lanes
from gateway.messaging.open_message import OpenMessage
from gateway.messaging.paging import READ_AGAIN_S
from gateway.smpp.constants import CommandStatus
from gateway.store.interface import Deleted
from tests.messaging.ledger import Ledger
from tests.messaging.slow_ledger import SlowLedger
from tests.messaging.traffic_world import HEAD, LONG, OTHER, SENDER, TWO, WALL, Traffic
from tests.store.builders import ACCOUNT
from tests.support.virtual_time import virtual_time

pytestmark = pytest.mark.usefixtures("short_heads")


async def put(traffic: Traffic, *numbers: int, expires_at: float = WALL + 14_400) -> None:
    """Messages that say their number, each to somebody else."""
    for number in numbers:
        await traffic.put(
            str(number), recipient=f"+1500555{number:04d}", expires_at=expires_at + number / 1e6
        )


async def a_full_lane(messages: int, ledger: Ledger | None = None, window: int = 10) -> Traffic:
    """One whose messages wait for the one bind to come up."""
    traffic = Traffic(ledger=ledger, window=window)
    traffic.down("alpha/1")
    await put(traffic, *range(messages))
    return traffic


def numbers(traffic: Traffic) -> list[int]:
    return [int(text) for text in traffic.texts()]


@virtual_time
async def test_a_queue_keeps_so_many_in_memory() -> None:
    traffic = await a_full_lane(10)
    assert (len(traffic.journal), traffic.dispatcher.lanes.aside) == (HEAD, 10 - HEAD)
    assert traffic.dispatcher.lanes.backlog() == [(ACCOUNT, SENDER, 10, 10)]


@virtual_time
async def test_messages_go_in_the_order_of_their_acceptance_wherever_they_wait() -> None:
    traffic = await a_full_lane(50, window=100)
    traffic.up("alpha/1")
    await traffic.turn(1)
    assert numbers(traffic) == list(range(50))


@virtual_time
async def test_what_is_accepted_while_others_wait_in_the_store_stands_behind_them() -> None:
    traffic = await a_full_lane(6, window=1)
    traffic.up("alpha/1")
    await traffic.turn()
    for number in range(6, 12):
        await put(traffic, number)
        traffic.ok()
        await traffic.turn(0.1)
    while traffic.binds["alpha/1"].awaiting:
        traffic.ok()
        await traffic.turn(0.1)
    assert numbers(traffic) == list(range(12))


@virtual_time
async def test_memory_holds_no_more_while_the_queue_moves_on() -> None:
    traffic = await a_full_lane(50, window=1)
    traffic.up("alpha/1")
    for _ in range(50):
        await traffic.turn(0.1)
        head = sum(lane.queue.held for lane in traffic.dispatcher.lanes._lanes.values())
        assert head <= HEAD
        traffic.ok()


@virtual_time
async def test_a_lane_whose_head_ran_dry_waits_for_the_store() -> None:
    traffic = await a_full_lane(6, SlowLedger(5.0), window=100)
    traffic.up("alpha/1")
    await traffic.turn(4.9)
    assert numbers(traffic) == [0, 1, 2, 3]
    await traffic.turn(0.2)
    assert numbers(traffic) == [0, 1, 2, 3, 4, 5]


@virtual_time
async def test_what_comes_back_meanwhile_need_not_wait_for_the_store() -> None:
    traffic = await a_full_lane(6, SlowLedger(60.0), window=100)
    traffic.up("alpha/1")
    await traffic.turn(1)
    traffic.answer(status=CommandStatus.ESME_RTHROTTLED)
    await traffic.turn(10)
    assert numbers(traffic) == [0, 1, 2, 3, 0]


@virtual_time
async def test_other_senders_need_not_wait_for_it() -> None:
    traffic = await a_full_lane(6, SlowLedger(60.0), window=100)
    traffic.up("alpha/1")
    await traffic.put("9", sender="+15005550006", recipient=OTHER)
    await traffic.turn(1)
    assert numbers(traffic) == [0, 1, 2, 3, 9]


@virtual_time
async def test_a_store_that_cannot_be_read_is_asked_again() -> None:
    traffic = await a_full_lane(6, window=100)
    traffic.ledger.readable = False
    traffic.up("alpha/1")
    await traffic.turn(10)
    assert (numbers(traffic), traffic.segments_queued) == ([0, 1, 2, 3], 2)
    traffic.ledger.readable = True
    await traffic.turn(READ_AGAIN_S)
    assert (numbers(traffic), traffic.segments_queued) == ([0, 1, 2, 3, 4, 5], 0)


@virtual_time
async def test_what_the_store_does_not_have_any_more_leaves_its_room(
    caplog: pytest.LogCaptureFixture,
) -> None:
    traffic = await a_full_lane(6, window=100)
    traffic.ledger.append(Deleted(traffic.ledger.accepted[4].id))
    traffic.up("alpha/1")
    await traffic.turn(1)
    assert (numbers(traffic), traffic.segments_queued) == ([0, 1, 2, 3, 5], 0)
    assert "queued message is gone" in caplog.text


@virtual_time
async def test_a_lane_is_not_forgotten_while_messages_wait_in_the_store() -> None:
    traffic = await a_full_lane(6, SlowLedger(600.0), window=100)
    traffic.up("alpha/1")
    await traffic.turn(1)
    while traffic.binds["alpha/1"].awaiting:
        traffic.ok()
    await traffic.turn(60)
    assert traffic.lanes == 1
    await traffic.turn(600)
    traffic.ok()
    traffic.ok()
    await traffic.turn(1)
    assert traffic.lanes == 0


@virtual_time
async def test_a_message_that_came_due_has_its_one_transition_when_it_is_read() -> None:
    traffic = await a_full_lane(HEAD)
    message = traffic.a_message(send_at=WALL - 1)
    traffic.ledger.has(message)
    opened = traffic.journal.restore(traffic.ledger.stored(message))
    traffic.journal.advance(opened, Status.QUEUED)
    lane = traffic.dispatcher.lanes.of(traffic.account, traffic.account.senders[0])
    assert lane.queue.reserve(1)
    traffic.dispatcher.lanes.put(lane, opened)
    traffic.up("alpha/1")
    await traffic.turn(1)
    taken_up = traffic.journal.find(message.id)
    assert taken_up
    assert (taken_up is not opened, taken_up.number) == (True, 1)


@virtual_time
async def test_many_senders_share_what_memory_holds() -> None:
    with patch.object(lanes, "HEADS_MAX", 3), patch.object(lanes, "HEAD_LEAST", 2):
        traffic = await a_full_lane(HEAD)
        assert traffic.dispatcher.lanes.aside == 1
        for number in range(6):
            await traffic.put(str(number), sender="+15005550006", recipient=OTHER)
        assert (len(traffic.journal), traffic.dispatcher.lanes.aside) == (5, 5)


@virtual_time
async def test_a_stopped_dispatcher_leaves_what_waits_in_the_store() -> None:
    traffic = await a_full_lane(10, window=100)
    traffic.dispatcher.stop()
    traffic.up("alpha/1")
    await traffic.turn(60)
    assert (traffic.texts(), traffic.segments_queued) == ([], 10)


# Expiry


@virtual_time
async def test_what_waits_in_the_store_expires_on_time() -> None:
    traffic = await a_full_lane(HEAD)
    opened = await traffic.put("late", expires_at=WALL + 60)
    await traffic.turn(59.9)
    assert traffic.told == []
    await traffic.turn(0.3)
    assert traffic.last(opened) == (Status.FAILED, 30001)
    assert (traffic.segments_queued, traffic.dispatcher.lanes.expired) == (HEAD, 1)


@virtual_time
async def test_what_waits_in_the_store_expires_each_at_its_time() -> None:
    traffic = await a_full_lane(HEAD)
    for second in (60, 30, 90, 30):
        await put(traffic, second, expires_at=WALL + second)
    await traffic.turn(120)
    ends = [round(event.at - WALL, 1) for event in traffic.told]
    assert ends == pytest.approx([30, 30, 60, 90], abs=0.2)


@virtual_time
async def test_what_cannot_be_read_expires_once_it_can() -> None:
    traffic = await a_full_lane(HEAD)
    await traffic.put("late", expires_at=WALL + 60)
    traffic.ledger.readable = False
    await traffic.turn(90)
    traffic.ledger.readable = True
    await traffic.turn(READ_AGAIN_S)
    assert (len(traffic.told), traffic.segments_queued) == (1, HEAD)


@virtual_time
async def test_what_expires_while_it_is_read_is_not_sent() -> None:
    traffic = await a_full_lane(HEAD, SlowLedger(5.0), window=100)
    await put(traffic, 98, expires_at=WALL + 3)
    await put(traffic, 99)
    traffic.up("alpha/1")
    await traffic.turn(6)
    assert numbers(traffic) == [0, 1, 2, 3, 99]
    assert [event.status for event in traffic.told] == [Status.FAILED]


@virtual_time
async def test_what_is_accepted_while_others_expire_hides_no_deadline() -> None:
    traffic = await a_full_lane(HEAD, SlowLedger(2.0))
    for second in (30, 40):
        await put(traffic, second, expires_at=WALL + second)
    await traffic.turn(31)
    await put(traffic, 90, expires_at=WALL + 90)
    await traffic.turn(20)
    assert [round(event.at - WALL) for event in traffic.told] == [32, 42]


@virtual_time
async def test_a_lane_of_which_all_has_expired_is_forgotten() -> None:
    traffic = Traffic()
    traffic.down("alpha/1")
    await put(traffic, *range(50), expires_at=WALL + 60)
    await traffic.turn(62)
    assert (len(traffic.told), traffic.lanes, len(traffic.journal)) == (50, 0, 0)


@virtual_time
async def test_no_deadline_is_left_of_what_went_out() -> None:
    traffic = await a_full_lane(10, window=100)
    traffic.up("alpha/1")
    await traffic.turn(1)
    while traffic.binds["alpha/1"].awaiting:
        traffic.ok()
    await traffic.turn(1)
    assert (traffic.lanes, traffic.dispatcher.lanes.next_timer()) == (0, None)


# As if there were no pages


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["put", "put many", "put long", "ok", "throttle", "lost", "up", "down"]),
        st.integers(0, 20),
        st.integers(0, 3),
    ),
    max_size=60,
)


async def outcome(
    steps: list[tuple[str, int, int]], head_max: int, read_s: float
) -> tuple[list[str], list[tuple[int, Status, int]]]:
    """What was first written, in its order, and how each message ended."""
    with patch.object(account_queue, "HEAD_MIN", head_max):
        traffic = Traffic(ledger=SlowLedger(read_s), window=2, mps=1_000.0)
        for number, (step, which, pause_s) in enumerate(steps):
            await _do(traffic, step, number, which)
            await traffic.turn(pause_s + 0.5)
        traffic.up("alpha/1")
        for _ in range(200):
            while traffic.binds["alpha/1"].awaiting:
                traffic.ok()
            await traffic.turn(1)
        assert (traffic.segments_queued, traffic.lanes) == (0, 0)
        ends = [(each.message.id, each.status, each.error_code) for each in traffic.told]
        return list(dict.fromkeys(traffic.texts())), sorted(ends)


async def _do(traffic: Traffic, step: str, number: int, which: int) -> None:
    if step.startswith("put"):
        long = step == "put long"
        for each in range(8 if step == "put many" else 1):
            await traffic.put(
                f"{number}.{each}{LONG if long else ''}",
                segments=3 if long else 1,
                recipient=f"+1500{number:04d}{each:03d}",
                # Never in the moments in which a read may be under way.
                expires_at=round(traffic.clock.now() - WALL) + WALL + 10 * which + 0.25,
            )
    elif step == "lost":
        traffic.down("alpha/1")
        traffic.up("alpha/1")
    elif step == "up":
        traffic.up("alpha/1")
    elif step == "down":
        traffic.down("alpha/1")
    elif traffic.binds["alpha/1"].awaiting:
        if step == "throttle":
            traffic.answer(status=CommandStatus.ESME_RTHROTTLED)
        else:
            traffic.ok()


@given(STEPS, st.integers(2, 6), st.floats(0.0, 0.05))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_a_dispatcher_with_pages_does_as_one_without(
    steps: list[tuple[str, int, int]], head_max: int, read_s: float
) -> None:
    """The same messages, in the same order, with the same ends, whatever a read takes."""
    without = virtual_time(outcome)(steps, 5_000, 0.0)
    assert virtual_time(outcome)(steps, head_max, read_s) == without


@virtual_time
async def test_each_message_ends_once_with_failover_and_pages() -> None:
    traffic = Traffic(TWO, ledger=SlowLedger(0.02), window=2)
    made: list[OpenMessage] = [
        await traffic.put(str(number), recipient=f"+1500555{number:04d}") for number in range(40)
    ]
    statuses = (CommandStatus.ESME_ROK, CommandStatus.ESME_RSYSERR, CommandStatus.ESME_RTHROTTLED)
    for step in range(600):
        for bind in TWO:
            if traffic.binds[bind].awaiting:
                traffic.answer(bind, statuses[step % 7 % 3], f"{step}")
        await traffic.turn(0.5)
    ends = [event.message.id for event in traffic.told if event.status is Status.SENT]
    assert sorted(ends) == [opened.message.id for opened in made]
