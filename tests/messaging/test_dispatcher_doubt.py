"""A carrier that does not answer, or whose bind is lost."""

import pytest

from gateway.config.carrier import BindType
from gateway.message import Status
from gateway.messaging.suspects import LOST_MAX
from gateway.smpp.constants import CommandStatus
from gateway.smpp.errors import NotBound, WindowFull
from gateway.store.interface import AttemptOutcome
from tests.messaging.traffic_world import (
    LONG,
    OTHER,
    SENDER,
    TWO,
    UNKNOWN_WAIT_S,
    WALL,
    Traffic,
)
from tests.support.virtual_time import virtual_time

# No answer


@virtual_time
async def test_cli_2_a_message_in_doubt_is_never_sent_again() -> None:
    traffic = Traffic(TWO)
    opened = await traffic.put()
    await traffic.turn(10)
    traffic.time_out()
    await traffic.turn(UNKNOWN_WAIT_S - 1)
    assert (traffic.texts("alpha/1"), traffic.texts("beta/1")) == (["hello"], [])
    assert opened.status is Status.SENDING


@virtual_time
async def test_cli_2_a_message_in_doubt_fails_after_the_wait() -> None:
    traffic = Traffic()
    opened = await traffic.put()
    await traffic.turn(10)
    traffic.time_out()
    await traffic.turn(UNKNOWN_WAIT_S + 0.2)
    assert traffic.last(opened) == (Status.FAILED, 30410)


@virtual_time
async def test_cli_2_doubt_is_stored_so_that_a_restart_does_not_send_it_again() -> None:
    traffic = Traffic()
    await traffic.put()
    await traffic.turn(10)
    traffic.time_out()
    await traffic.turn()
    _, last = traffic.ledger.attempts
    assert (last.part, last.outcome, last.bind) == (1, AttemptOutcome.UNANSWERED, "alpha/1")


@virtual_time
async def test_cli_2_a_late_answer_settles_it() -> None:
    traffic = Traffic()
    opened = await traffic.put()
    await traffic.turn(10)
    written = traffic.time_out()
    await traffic.turn(600)
    traffic.answer_to("alpha/1", written, carrier_id="4a5b", late=True)
    await traffic.turn(UNKNOWN_WAIT_S)
    assert traffic.statuses(opened) == [Status.SENT]
    traffic.receipt("4a5b")
    await traffic.turn()
    assert traffic.last(opened) == (Status.DELIVERED, 0)


@virtual_time
async def test_cli_2_a_late_refusal_sends_it_again() -> None:
    """The carrier has said that it does not have it."""
    traffic = Traffic(TWO)
    opened = await traffic.put()
    await traffic.turn(10)
    written = traffic.time_out()
    await traffic.turn(600)
    traffic.answer_to("alpha/1", written, CommandStatus.ESME_RSYSERR, late=True)
    await traffic.turn()
    traffic.ok("beta/1")
    assert opened.status is Status.SENT


@virtual_time
async def test_a_late_refusal_for_good_fails_it() -> None:
    traffic = Traffic()
    opened = await traffic.put()
    await traffic.turn(10)
    written = traffic.time_out()
    await traffic.turn(600)
    traffic.answer_to("alpha/1", written, CommandStatus.ESME_RINVDSTADR, late=True)
    await traffic.turn()
    assert traffic.last(opened) == (Status.FAILED, 30005)


@virtual_time
async def test_an_answer_after_the_end_changes_nothing() -> None:
    traffic = Traffic()
    opened = await traffic.put()
    await traffic.turn(10)
    written = traffic.time_out()
    await traffic.turn(UNKNOWN_WAIT_S + 1)
    traffic.answer_to("alpha/1", written, late=True)
    await traffic.turn()
    assert traffic.statuses(opened) == [Status.FAILED]


@virtual_time
async def test_doubt_after_the_end_changes_nothing() -> None:
    """One part is refused for good while another is not answered."""
    traffic = Traffic()
    opened = await traffic.put(LONG, segments=3)
    await traffic.turn(0.1)
    traffic.answer(status=CommandStatus.ESME_RINVDSTADR)
    traffic.time_out()
    await traffic.turn(UNKNOWN_WAIT_S + 1)
    assert traffic.statuses(opened) == [Status.FAILED]
    assert [step.status for step in traffic.ledger.transitions] == [Status.FAILED]


@virtual_time
async def test_a_message_in_doubt_holds_up_nobody() -> None:
    traffic = Traffic()
    await traffic.put("first")
    await traffic.put("second")
    await traffic.turn(10)
    traffic.time_out()
    await traffic.turn()
    assert traffic.texts() == ["first", "second"]


# The bind is lost


@virtual_time
async def test_what_was_not_answered_when_the_bind_was_lost_is_sent_again() -> None:
    traffic = Traffic(TWO)
    opened = await traffic.put()
    await traffic.turn()
    traffic.down("alpha/1")
    await traffic.turn()
    traffic.ok("beta/1")
    assert (traffic.texts("beta/1"), opened.status) == (["hello"], Status.SENT)


@virtual_time
async def test_what_was_lost_goes_in_its_order_and_first() -> None:
    traffic = Traffic()
    for number in range(4):
        await traffic.put(str(number), recipient=f"+1500555000{number}")
    await traffic.turn(0.1)
    traffic.ok()
    traffic.down("alpha/1")
    await traffic.put("4", recipient="+15005550004")
    await traffic.turn(5)
    traffic.up("alpha/1")
    await traffic.turn(1)
    assert traffic.texts() == ["0", "1", "2", "3", "1", "2", "3", "4"]


@virtual_time
async def test_a_queue_waits_while_every_bind_is_down() -> None:
    traffic = Traffic()
    traffic.down("alpha/1")
    opened = await traffic.put()
    await traffic.turn(600)
    assert (traffic.texts(), opened.status) == ([], Status.QUEUED)
    traffic.up("alpha/1")
    await traffic.turn()
    assert traffic.texts() == ["hello"]


@virtual_time
async def test_a_message_that_failed_meanwhile_is_not_sent_again() -> None:
    traffic = Traffic()
    opened = await traffic.put(LONG, segments=3)
    await traffic.turn(0.1)
    traffic.answer(status=CommandStatus.ESME_RINVDSTADR)
    traffic.down("alpha/1")
    traffic.up("alpha/1")
    await traffic.turn(5)
    assert len(traffic.texts()) == 3
    assert traffic.statuses(opened) == [Status.FAILED]


@virtual_time
async def test_a_message_that_ends_every_bind_is_not_sent_for_ever() -> None:
    traffic = Traffic()
    opened = await traffic.put()
    for _ in range(10):
        await traffic.turn(1)
        traffic.down("alpha/1")
        traffic.up("alpha/1")
    await traffic.turn(UNKNOWN_WAIT_S + 1)
    assert len(traffic.texts()) == LOST_MAX
    assert traffic.last(opened) == (Status.FAILED, 30410)


@virtual_time
async def test_messages_that_were_near_when_binds_ended_are_cleared_one_by_one() -> None:
    traffic = Traffic()
    senders = (SENDER, "+15005550006")
    for number in range(4):
        await traffic.put(str(number), sender=senders[number % 2], recipient=f"+1500555000{number}")
    for _ in range(2):
        await traffic.turn(1)
        traffic.down("alpha/1")
        traffic.up("alpha/1")
    seen = 0
    while traffic.segments_queued or traffic.binds["alpha/1"].awaiting:
        await traffic.turn(1)
        assert len(traffic.binds["alpha/1"].awaiting) == 1
        traffic.ok()
        seen += 1
    assert seen == 4


@virtual_time
async def test_a_lane_that_has_gone_while_another_was_cleared_does_no_harm() -> None:
    traffic = Traffic()
    await traffic.put("first", recipient=OTHER)
    opened = await traffic.put("second", sender="+15005550006", expires_at=WALL + 60)
    for _ in range(2):
        await traffic.turn(1)
        traffic.down("alpha/1")
        traffic.up("alpha/1")
    await traffic.turn(120)
    assert traffic.last(opened) == (Status.FAILED, 30001)
    traffic.ok()
    await traffic.turn(1)
    await traffic.put("third", sender="+15005550006")
    await traffic.turn(1)
    assert traffic.texts()[-1] == "third"
    assert traffic.lanes == 1


@pytest.mark.parametrize("trouble", [NotBound("unbinding"), WindowFull("10 await")])
def test_a_bind_that_takes_nothing_after_all_is_passed_over(trouble: Exception) -> None:
    """Its session is ending, and the router has not heard of it."""

    @virtual_time
    async def passed_over() -> None:
        traffic = Traffic(TWO)
        traffic.binds["alpha/1"].trouble = trouble
        await traffic.put()
        await traffic.turn()
        assert (traffic.texts("alpha/1"), traffic.texts("beta/1")) == ([], ["hello"])

    passed_over()


@virtual_time
async def test_a_bind_that_takes_nothing_after_all_is_asked_again() -> None:
    traffic = Traffic()
    traffic.binds["alpha/1"].trouble = WindowFull("10 await")
    await traffic.put()
    await traffic.turn()
    traffic.binds["alpha/1"].trouble = None
    await traffic.turn(0.2)
    assert traffic.texts() == ["hello"]


@virtual_time
async def test_nothing_is_sent_over_a_receiver() -> None:
    traffic = Traffic(bind_type=BindType.RECEIVER)
    opened = await traffic.put()
    await traffic.turn(600)
    assert (traffic.texts(), opened.status) == ([], Status.QUEUED)
    traffic.down("alpha/1")
    assert traffic.router.snapshot(WALL)[0].drops == 0
