"""Every part that is written to a carrier is noted, and what became of it."""

import pytest

from gateway.account import InDoubt
from gateway.message import Status
from gateway.messaging.dispatcher import NOT_READY_S, NOT_WRITABLE_S
from gateway.smpp.constants import CommandStatus
from gateway.smpp.errors import FieldError, WindowFull
from gateway.store.interface import AttemptOutcome
from tests.messaging.traffic_world import LONG, OTHER, TWO, WALL, Traffic
from tests.support.virtual_time import virtual_time

WRITTEN, REFUSED = AttemptOutcome.WRITTEN, AttemptOutcome.REFUSED
DURABLE_FIRST = pytest.mark.parametrize("in_doubt", [InDoubt.HOLD, InDoubt.UNKNOWN])

# What is noted


@virtual_time
async def test_each_part_that_is_written_is_noted() -> None:
    traffic = Traffic()
    opened = await traffic.put(LONG, segments=3)
    await traffic.turn(0.1)
    assert traffic.outcomes(opened) == [(part, WRITTEN, "alpha/1") for part in (1, 2, 3)]


@virtual_time
async def test_what_a_bind_does_not_take_is_not_noted() -> None:
    traffic = Traffic(TWO)
    traffic.binds["alpha/1"].trouble = WindowFull("10 await")
    opened = await traffic.put()
    await traffic.turn()
    assert traffic.outcomes(opened) == [(1, WRITTEN, "beta/1")]


@pytest.mark.parametrize("status", [CommandStatus.ESME_RTHROTTLED, CommandStatus.ESME_RSYSERR])
def test_a_refusal_for_now_is_noted(status: CommandStatus) -> None:
    @virtual_time
    async def noted() -> None:
        traffic = Traffic()
        opened = await traffic.put()
        await traffic.turn()
        traffic.answer(status=status)
        await traffic.turn()
        assert traffic.outcomes(opened) == [(1, WRITTEN, "alpha/1"), (1, REFUSED, "alpha/1")]
        assert traffic.ledger.attempts[-1].command_status == status

    noted()


@virtual_time
async def test_a_refusal_for_good_is_told_by_its_transition_alone() -> None:
    traffic = Traffic()
    opened = await traffic.put()
    await traffic.turn()
    traffic.answer(status=CommandStatus.ESME_RINVDSTADR)
    await traffic.turn()
    assert traffic.outcomes(opened) == [(1, WRITTEN, "alpha/1")]


@virtual_time
async def test_nobody_waits_for_the_note_where_messages_may_be_sent_again() -> None:
    traffic = Traffic()
    await traffic.put("first")
    traffic.ledger.held = True
    await traffic.turn(60)
    assert (traffic.texts(), traffic.ledger.attempts) == (["first"], [])


# Durable first


@DURABLE_FIRST
def test_a_message_that_may_not_be_sent_twice_is_noted_before_it_is_sent(
    in_doubt: InDoubt,
) -> None:
    @virtual_time
    async def noted_first() -> None:
        traffic = Traffic(in_doubt=in_doubt)
        await traffic.put()
        traffic.ledger.held = True
        await traffic.turn(60)
        assert traffic.texts() == []
        traffic.ledger.commit()
        await traffic.turn()
        assert (traffic.texts(), len(traffic.ledger.attempts)) == (["hello"], 1)

    noted_first()


@virtual_time
async def test_nobody_else_waits_for_the_note() -> None:
    traffic = Traffic(in_doubt=InDoubt.HOLD)
    await traffic.put("first")
    await traffic.put("other", sender="+15005550006", recipient=OTHER)
    traffic.ledger.held = True
    await traffic.turn(1)
    traffic.ledger.commit()
    await traffic.turn()
    assert sorted(traffic.texts()) == ["first", "other"]


@virtual_time
async def test_messages_that_are_noted_first_go_in_their_order() -> None:
    traffic = Traffic(in_doubt=InDoubt.UNKNOWN)
    for number in range(5):
        await traffic.put(str(number), recipient=f"+1500555000{number}")
    await traffic.turn(0.1)
    assert traffic.texts() == ["0", "1", "2", "3", "4"]


@virtual_time
async def test_the_parts_of_a_message_are_noted_one_by_one() -> None:
    traffic = Traffic(in_doubt=InDoubt.UNKNOWN)
    opened = await traffic.put(LONG, segments=3)
    await traffic.turn(0.1)
    assert traffic.outcomes(opened) == [(part, WRITTEN, "alpha/1") for part in (1, 2, 3)]
    assert len(traffic.texts()) == 3


@virtual_time
async def test_a_message_goes_to_the_bind_for_which_it_was_noted() -> None:
    """Though a better one has room by then."""
    traffic = Traffic(TWO, in_doubt=InDoubt.HOLD, window=1)
    await traffic.put("fills alpha", recipient=OTHER)
    await traffic.turn()
    opened = await traffic.put()
    traffic.ledger.held = True
    await traffic.turn(0.1)
    traffic.ok("alpha/1")
    traffic.ledger.held = False
    traffic.ledger.commit()
    await traffic.turn()
    assert traffic.texts("beta/1") == ["hello"]
    assert traffic.outcomes(opened) == [(1, WRITTEN, "beta/1")]


@virtual_time
async def test_a_message_whose_bind_went_down_while_it_was_noted_goes_by_another() -> None:
    traffic = Traffic(TWO, in_doubt=InDoubt.UNKNOWN)
    opened = await traffic.put()
    traffic.ledger.held = True
    await traffic.turn()
    traffic.down("alpha/1")
    traffic.ledger.held = False
    traffic.ledger.commit()
    await traffic.turn()
    assert (traffic.texts("alpha/1"), traffic.texts("beta/1")) == ([], ["hello"])
    assert traffic.outcomes(opened) == [
        (1, WRITTEN, "alpha/1"),
        (1, REFUSED, "alpha/1"),
        (1, WRITTEN, "beta/1"),
    ]
    assert traffic.ledger.attempts[1].command_status == 0


@virtual_time
async def test_a_message_that_its_bind_does_not_take_after_all_goes_by_another() -> None:
    traffic = Traffic(TWO, in_doubt=InDoubt.UNKNOWN)
    traffic.binds["alpha/1"].trouble = WindowFull("10 await")
    opened = await traffic.put()
    await traffic.turn(NOT_READY_S + 0.01)
    assert traffic.texts("beta/1") == ["hello"]
    assert [outcome for _, outcome, _ in traffic.outcomes(opened)] == [WRITTEN, REFUSED, WRITTEN]


@virtual_time
async def test_binds_that_take_nothing_after_all_are_not_asked_without_a_pause() -> None:
    traffic = Traffic(TWO, in_doubt=InDoubt.UNKNOWN)
    for bind in traffic.binds.values():
        bind.trouble = WindowFull("10 await")
    await traffic.put()
    await traffic.turn(1)
    assert len(traffic.ledger.attempts) <= 3 + 2 * 1 / NOT_READY_S


@virtual_time
async def test_the_only_bind_that_takes_nothing_after_all_is_asked_again() -> None:
    traffic = Traffic(in_doubt=InDoubt.HOLD)
    traffic.binds["alpha/1"].trouble = WindowFull("10 await")
    opened = await traffic.put()
    await traffic.turn(1)
    traffic.binds["alpha/1"].trouble = None
    await traffic.turn(2 * NOT_READY_S)
    assert (traffic.texts(), traffic.outcomes(opened)) == (["hello"], [(1, WRITTEN, "alpha/1")])


@virtual_time
async def test_a_message_that_waits_for_a_bind_that_went_down_is_not_in_doubt() -> None:
    """Else a crash meanwhile would leave it so, though it was never sent."""
    traffic = Traffic(in_doubt=InDoubt.UNKNOWN)
    opened = await traffic.put()
    traffic.ledger.held = True
    await traffic.turn()
    traffic.down("alpha/1")
    traffic.ledger.held = False
    traffic.ledger.commit()
    await traffic.turn()
    assert traffic.outcomes(opened) == [(1, WRITTEN, "alpha/1"), (1, REFUSED, "alpha/1")]
    traffic.up("alpha/1")
    await traffic.turn()
    assert (traffic.texts(), traffic.outcomes(opened)[2:]) == (
        ["hello"],
        [(1, WRITTEN, "alpha/1")],
    )


@virtual_time
async def test_a_message_that_waits_for_room_is_noted_once() -> None:
    """Else others would take the room each time, while it is noted again."""
    traffic = Traffic(in_doubt=InDoubt.UNKNOWN, window=1)
    opened = await traffic.put()
    traffic.ledger.held = True
    await traffic.turn()
    traffic.ledger.held = False
    other = await traffic.put("other", sender="+15005550006", recipient=OTHER)
    await traffic.turn()
    assert len(traffic.texts()) == 1
    traffic.ok()
    await traffic.turn()
    assert sorted(traffic.texts()) == ["hello", "other"]
    assert len(traffic.outcomes(opened)) == len(traffic.outcomes(other)) == 1


@virtual_time
async def test_a_message_that_expires_after_it_was_noted_is_not_in_doubt() -> None:
    traffic = Traffic(in_doubt=InDoubt.UNKNOWN)
    traffic.binds["alpha/1"].trouble = WindowFull("10 await")
    opened = await traffic.put(expires_at=WALL + 60)
    await traffic.turn(61)
    assert traffic.last(opened) == (Status.FAILED, 30001)
    assert traffic.outcomes(opened)[-1] == (1, REFUSED, "alpha/1")


@virtual_time
async def test_a_message_that_fits_no_pdu_is_not_in_doubt() -> None:
    traffic = Traffic(in_doubt=InDoubt.UNKNOWN)
    traffic.binds["alpha/1"].trouble = FieldError("destination_addr is too long")
    opened = await traffic.put()
    await traffic.turn()
    assert traffic.last(opened) == (Status.FAILED, 30006)
    assert traffic.outcomes(opened)[-1] == (1, REFUSED, "alpha/1")


@virtual_time
async def test_a_part_that_comes_back_takes_the_place_of_the_one_that_was_noted() -> None:
    traffic = Traffic(in_doubt=InDoubt.HOLD, mps=10)
    opened = await traffic.put(LONG, segments=2)
    await traffic.turn()
    traffic.binds["alpha/1"].trouble = WindowFull("10 await")
    await traffic.turn(0.15)
    assert traffic.outcomes(opened)[-1] == (2, WRITTEN, "alpha/1")
    traffic.answer(status=CommandStatus.ESME_RTHROTTLED)
    await traffic.turn()
    assert traffic.outcomes(opened)[2:] == [(1, REFUSED, "alpha/1"), (2, REFUSED, "alpha/1")]
    traffic.binds["alpha/1"].trouble = None
    await traffic.turn(10)
    parts = [written.pdu.short_message[5] for written in traffic.binds["alpha/1"].written]
    assert parts == [1, 1, 2]
    assert [part for part, outcome, _ in traffic.outcomes(opened)[4:]] == [1, 2]


@virtual_time
async def test_an_attempt_that_cannot_be_noted_is_not_made_yet() -> None:
    traffic = Traffic(in_doubt=InDoubt.UNKNOWN)
    await traffic.put()
    traffic.ledger.held = True
    await traffic.turn()
    traffic.ledger.fail()
    await traffic.turn()
    assert traffic.texts() == []
    traffic.ledger.held = False
    await traffic.turn(2 * NOT_READY_S)
    assert traffic.texts() == ["hello"]


@virtual_time
async def test_a_stopped_dispatcher_leaves_nothing_in_doubt_that_was_not_sent() -> None:
    traffic = Traffic(in_doubt=InDoubt.UNKNOWN)
    traffic.binds["alpha/1"].trouble = WindowFull("10 await")
    opened = await traffic.put()
    await traffic.turn(1)
    traffic.dispatcher.stop()
    await traffic.turn()
    assert traffic.outcomes(opened) == [(1, WRITTEN, "alpha/1"), (1, REFUSED, "alpha/1")]


@virtual_time
async def test_a_stopped_dispatcher_sends_nothing_once_it_is_noted() -> None:
    traffic = Traffic(in_doubt=InDoubt.UNKNOWN)
    opened = await traffic.put()
    traffic.ledger.held = True
    await traffic.turn()
    traffic.dispatcher.stop()
    traffic.ledger.commit()
    await traffic.turn(1)
    assert traffic.texts() == []
    assert traffic.outcomes(opened)[-1] == (1, REFUSED, "alpha/1")


# While the store is down


@virtual_time
async def test_nothing_is_sent_while_the_store_cannot_note_it() -> None:
    traffic = Traffic()
    traffic.ledger.writable = False
    await traffic.put()
    await traffic.turn(60)
    assert traffic.texts() == []
    traffic.ledger.writable = True
    await traffic.turn(NOT_WRITABLE_S + 0.001)
    assert traffic.texts() == ["hello"]


@virtual_time
async def test_nothing_expires_while_the_store_cannot_note_it() -> None:
    traffic = Traffic()
    traffic.down("alpha/1")
    opened = await traffic.put(expires_at=WALL + 60)
    traffic.ledger.writable = False
    await traffic.turn(90)
    assert traffic.told == []
    traffic.ledger.writable = True
    await traffic.turn(NOT_WRITABLE_S + 0.001)
    assert traffic.last(opened) == (Status.FAILED, 30001)
