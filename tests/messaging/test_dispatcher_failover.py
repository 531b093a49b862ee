"""A carrier that does not take a message: wait for it, or ask another."""

import pytest

from gateway.message import Status
from gateway.messaging.dispatcher import ROUND_PAUSES_S
from gateway.smpp.constants import CommandStatus
from routing.circuit_breaker import CircuitState
from routing.ranking import Block, Blocked, Ranking, RouteRequest
from tests.messaging.traffic_world import (
    OTHER,
    THIRD,
    TWO,
    WALL,
    Traffic,
    to,
)
from tests.support.virtual_time import virtual_time

# Throttled: back to the head


@pytest.mark.parametrize("status", [CommandStatus.ESME_RTHROTTLED, CommandStatus.ESME_RMSGQFUL])
def test_cli_5_a_throttled_message_goes_again_before_later_ones(status: CommandStatus) -> None:
    @virtual_time
    async def throttled() -> None:
        traffic = Traffic(window=1)
        for number in range(3):
            await traffic.put(str(number), recipient=f"+1500555000{number}")
        await traffic.turn()
        traffic.answer(status=status)
        await traffic.turn(1)
        assert traffic.texts() == ["0", "0"]
        for _ in range(3):
            traffic.ok()
            await traffic.turn(1)
        assert traffic.texts() == ["0", "0", "1", "2"]

    throttled()


@virtual_time
async def test_cli_5_several_throttled_messages_keep_their_order() -> None:
    traffic = Traffic()
    for number in range(4):
        await traffic.put(str(number), recipient=f"+1500555000{number}")
    await traffic.turn(0.1)
    for _ in range(3):
        traffic.answer(status=CommandStatus.ESME_RTHROTTLED)
    traffic.ok()
    await traffic.turn(5)
    assert traffic.texts() == ["0", "1", "2", "3", "0", "1", "2"]


@virtual_time
async def test_a_throttled_message_is_queued_again_and_nobody_is_told() -> None:
    traffic = Traffic(TWO | {"beta/1": (to("+49"),)})
    opened = await traffic.put()
    await traffic.turn()
    traffic.answer(status=CommandStatus.ESME_RTHROTTLED)
    assert (opened.status, traffic.segments_queued, traffic.told) == (Status.QUEUED, 1, [])


@virtual_time
async def test_a_throttled_message_goes_to_the_next_bind_meanwhile() -> None:
    traffic = Traffic(TWO)
    await traffic.put()
    await traffic.turn()
    traffic.answer("alpha/1", CommandStatus.ESME_RTHROTTLED)
    await traffic.turn(0.05)
    assert traffic.texts("beta/1") == ["hello"]


@virtual_time
async def test_no_message_is_failed_for_being_throttled() -> None:
    traffic = Traffic()
    opened = await traffic.put()
    for _ in range(50):
        await traffic.turn(10)
        traffic.answer(status=CommandStatus.ESME_RTHROTTLED)
    await traffic.turn(10)
    traffic.ok()
    assert opened.status is Status.SENT


# Another bind


@virtual_time
async def test_a_message_that_one_carrier_does_not_take_goes_to_the_next() -> None:
    traffic = Traffic(TWO)
    opened = await traffic.put()
    await traffic.turn()
    traffic.answer("alpha/1", CommandStatus.ESME_RSYSERR)
    await traffic.turn()
    traffic.ok("beta/1")
    await traffic.turn()
    assert (traffic.texts("alpha/1"), traffic.texts("beta/1")) == (["hello"], ["hello"])
    assert traffic.statuses(opened) == [Status.SENT]


@virtual_time
async def test_a_message_that_all_refuse_is_offered_around_again_after_pauses() -> None:
    traffic = Traffic(TWO)
    opened = await traffic.put()
    for _ in range(1 + len(ROUND_PAUSES_S)):
        for bind in TWO:
            await traffic.turn(0)
            while not traffic.binds[bind].awaiting:
                await traffic.turn(0.05)
            traffic.answer(bind, CommandStatus.ESME_RSUBMITFAIL)
    await traffic.turn(60)
    at = [written.at - WALL for written in traffic.binds["alpha/1"].written]
    assert at == pytest.approx([0, 1, 5, 20], abs=0.5)
    assert len(traffic.texts("beta/1")) == 4
    assert traffic.last(opened) == (Status.FAILED, 30008)


@virtual_time
async def test_a_bind_that_is_only_busy_is_waited_for_before_one_that_refused_is_asked_again() -> (
    None
):
    traffic = Traffic(TWO, window=1)
    await traffic.put("busy", recipient=OTHER)
    await traffic.put("refused")
    await traffic.put("waits", recipient=THIRD)
    await traffic.turn(0.1)
    assert (traffic.texts("alpha/1"), traffic.texts("beta/1")) == (["busy"], ["refused"])
    traffic.answer("beta/1", CommandStatus.ESME_RSYSERR)
    await traffic.turn(60)
    assert traffic.texts("beta/1") == ["refused"]
    traffic.ok("alpha/1")
    await traffic.turn()
    assert traffic.texts("alpha/1") == ["busy", "refused"]


@virtual_time
async def test_a_sender_that_one_carrier_does_not_know_goes_by_another() -> None:
    traffic = Traffic(TWO)
    opened = await traffic.put()
    await traffic.turn()
    traffic.answer("alpha/1", CommandStatus.ESME_RINVSRCADR)
    await traffic.turn()
    traffic.ok("beta/1")
    assert opened.status is Status.SENT


@virtual_time
async def test_a_sender_that_no_carrier_knows_fails_as_not_provisioned() -> None:
    traffic = Traffic()
    opened = await traffic.put()
    for _ in range(1 + len(ROUND_PAUSES_S)):
        while not traffic.binds["alpha/1"].awaiting:
            await traffic.turn(0.05)
        traffic.answer(status=CommandStatus.ESME_RINVSRCADR)
    await traffic.turn(60)
    assert traffic.last(opened) == (Status.FAILED, 30024)


@virtual_time
async def test_a_sender_that_a_carrier_does_not_know_costs_the_bind_nothing() -> None:
    """One customer must not be able to close a bind to all others."""
    traffic = Traffic()
    for number in range(4):
        await traffic.put(recipient=f"+1500555000{number}")
    await traffic.turn(0.1)
    for _ in range(4):
        traffic.answer(status=CommandStatus.ESME_RINVSRCADR)
    (alpha,) = traffic.router.snapshot(traffic.clock.now())
    assert alpha.circuit is CircuitState.CLOSED


def test_a_message_that_only_sick_binds_could_take_waits_for_a_better_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @virtual_time
    async def waits() -> None:
        traffic = Traffic()
        rank = traffic.router.rank

        def spurned(request: RouteRequest, now: float) -> Ranking:
            found = rank(request, now)
            blocked = tuple(Blocked(one.bind, one.route, Block.SICK) for one in found.candidates)
            return found._replace(candidates=(), blocked=blocked)

        with monkeypatch.context() as patched:
            patched.setattr(traffic.router, "rank", spurned)
            opened = await traffic.put()
            await traffic.turn(1)
            assert (traffic.texts(), opened.status) == ([], Status.QUEUED)
        await traffic.turn(1)
        assert traffic.texts() == ["hello"]

    waits()
