"""A bind to a carrier, over a network in memory."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gateway.carriers import smpp_bind
from gateway.carriers.bind_events import (
    BindCameUp,
    BindEvent,
    BindWentDown,
    Delivered,
    SubmitAnswered,
    SubmitLost,
    SubmitTimedOut,
)
from gateway.carriers.smpp_bind import DRAIN_TIMEOUT_S, SmppBind
from gateway.config.carrier import BindType
from gateway.smpp import codec
from gateway.smpp.constants import CommandId, CommandStatus
from gateway.smpp.errors import NotBound, WindowFull
from gateway.smpp.pdus import (
    BindReceiver,
    BindTransceiver,
    BindTransmitter,
    DataSm,
    DeliverSm,
    Pdu,
    SubmitSm,
    Unbind,
)
from tests.carriers.carrier import Site
from tests.support.virtual_time import virtual_time

HELLO = SubmitSm(destination_addr="15005550009", short_message=b"hello")


def site(**config: Any) -> Callable[[Callable[[Site], Awaitable[None]]], Callable[[], None]]:
    """Runs a test with a bind that is up, in virtual time."""

    def decorate(test: Callable[[Site], Awaitable[None]]) -> Callable[[], None]:
        @virtual_time
        async def run() -> None:
            made = Site(**config)
            await made.start()
            try:
                await test(made)
            finally:
                await made.stop()

        return run

    return decorate


async def moment(seconds: float = 0.1) -> None:
    await asyncio.sleep(seconds)


# Up


@site()
async def test_a_bind_comes_up(made: Site) -> None:
    assert (made.events, made.bind.up) == ([BindCameUp("alpha/1")], True)


@pytest.mark.parametrize(
    ("bind_type", "pdu"),
    [
        (BindType.TRANSCEIVER, BindTransceiver),
        (BindType.TRANSMITTER, BindTransmitter),
        (BindType.RECEIVER, BindReceiver),
    ],
)
def test_a_bind_is_of_its_type_and_shows_its_credentials(
    bind_type: BindType, pdu: type[BindTransceiver | BindTransmitter | BindReceiver]
) -> None:
    @site(bind_type=bind_type, system_type="VMA")
    async def bound(made: Site) -> None:
        assert made.carrier.binds == [pdu("supernet", "secret", "VMA", 0x34)]

    bound()


@site(enquire_link_s=30.0)
async def test_a_bind_that_is_idle_stays_up(made: Site) -> None:
    await moment(86_400)
    assert made.events == [BindCameUp("alpha/1")]


@site(enquire_link_s=30.0, response_timeout_s=10.0)
async def test_a_link_that_is_dead_is_found_out_and_bound_anew(made: Site) -> None:
    (wire,) = made.network.wires.values()
    wire.freeze()
    await moment(60)
    assert [type(event) for event in made.events] == [BindCameUp, BindWentDown, BindCameUp]


# Submitting


@site()
async def test_a_submit_is_answered_with_its_reference(made: Site) -> None:
    made.bind.submit(HELLO, "reference")
    await moment()
    assert made.events[1:] == [SubmitAnswered("alpha/1", "reference", 0, "77", 0.0)]


@site()
async def test_latency_is_told(made: Site) -> None:
    made.carrier.answers = False
    made.bind.submit(HELLO, "reference")
    await moment(2)
    made.carrier.answer()
    await moment()
    (answered,) = made.told(SubmitAnswered)
    assert isinstance(answered, SubmitAnswered)
    assert answered.latency_s == pytest.approx(2, abs=0.01)


@site()
async def test_cli_1_answers_find_their_submit_in_any_order(made: Site) -> None:
    """SRV-7."""
    made.carrier.answers = False
    for reference in ("a", "b", "c"):
        made.bind.submit(HELLO, reference)
    await moment()
    for index in (2, 0, 1):
        made.carrier.answer(message_id=f"id {index}", index=index)
    await moment()
    told = [
        (event.reference, event.carrier_id)
        for event in made.told(SubmitAnswered)
        if isinstance(event, SubmitAnswered)
    ]
    assert told == [("c", "id 2"), ("a", "id 0"), ("b", "id 1")]


@site()
async def test_cli_5_a_refusal_is_told_with_its_status(made: Site) -> None:
    made.carrier.answers = False
    made.bind.submit(HELLO, "reference")
    await moment()
    made.carrier.answer(CommandStatus.ESME_RTHROTTLED)
    await moment()
    (answered,) = made.told(SubmitAnswered)
    assert isinstance(answered, SubmitAnswered)
    assert (answered.command_status, answered.carrier_id) == (CommandStatus.ESME_RTHROTTLED, "")


@site(window=2)
async def test_cli_1_a_window_has_its_end(made: Site) -> None:
    made.carrier.answers = False
    for _ in range(2):
        made.bind.submit(HELLO, "reference")
    with pytest.raises(WindowFull):
        made.bind.submit(HELLO, "reference")


@site(response_timeout_s=5.0)
async def test_cli_2_a_submit_that_is_not_answered_in_time_is_told(made: Site) -> None:
    made.carrier.answers = False
    made.bind.submit(HELLO, "reference")
    await moment(5.5)
    (timed_out,) = made.told(SubmitTimedOut)
    assert isinstance(timed_out, SubmitTimedOut)
    assert timed_out.reference == "reference"
    assert timed_out.latency_s == pytest.approx(5, abs=0.01)
    assert made.bind.up


@site(response_timeout_s=5.0)
async def test_cli_2_a_late_answer_still_finds_its_submit(made: Site) -> None:
    """CLI-2."""
    made.carrier.answers = False
    made.bind.submit(HELLO, "reference")
    await moment(60)
    made.carrier.answer(message_id="late")
    await moment()
    (answered,) = made.told(SubmitAnswered)
    assert isinstance(answered, SubmitAnswered)
    assert (answered.reference, answered.carrier_id, answered.late) == ("reference", "late", True)


def test_cli_2_late_answers_are_awaited_for_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smpp_bind, "LATE_MAX", 1)

    @site(response_timeout_s=5.0)
    async def late(made: Site) -> None:
        made.carrier.answers = False
        for reference in ("first", "second"):
            made.bind.submit(HELLO, reference)
        await moment(60)
        for index in range(2):
            made.carrier.answer(index=index)
        await moment()
        told = [event.reference for event in made.events if isinstance(event, SubmitAnswered)]
        assert told == ["second"]
        assert made.bind.up

    late()


# Down


@site()
async def test_cli_3_what_was_under_way_is_told_before_the_loss_of_the_bind(made: Site) -> None:
    made.carrier.answers = False
    for reference in ("a", "b"):
        made.bind.submit(HELLO, reference)
    await moment()
    made.carrier.connection.abort("test")
    await moment()
    assert made.events[1:] == [
        SubmitLost("alpha/1", "a"),
        SubmitLost("alpha/1", "b"),
        BindWentDown("alpha/1", "connection lost"),
    ]
    assert not made.bind.up


@site()
async def test_fault_of_ours_as_a_loss_is_told_does_not_end_the_bind(made: Site) -> None:
    def fail(event: BindEvent) -> None:
        if isinstance(event, SubmitLost):
            raise RuntimeError("a fault")

    made.carrier.answers = False
    made.bind.submit(HELLO, "reference")
    await moment()
    assert isinstance(made.bind, SmppBind)
    made.bind._on_event = fail
    made.carrier.connection.abort("test")
    await moment(2)
    assert made.bind.up


@site(response_timeout_s=5.0)
async def test_what_was_in_doubt_is_not_told_again(made: Site) -> None:
    made.carrier.answers = False
    made.bind.submit(HELLO, "reference")
    await moment(6)
    made.carrier.connection.abort("test")
    await moment()
    assert made.told(SubmitLost) == []


@site()
async def test_cli_3_an_answer_of_the_session_before_settles_nothing(made: Site) -> None:
    """CLI-3."""
    made.carrier.answers = False
    made.bind.submit(HELLO, "before")
    await moment()
    made.carrier.connection.abort("test")
    await moment(2)
    made.bind.submit(HELLO, "after")
    await moment()
    assert made.told(SubmitAnswered) == []
    made.carrier.answer()
    await moment()
    (answered,) = made.told(SubmitAnswered)
    assert isinstance(answered, SubmitAnswered)
    assert answered.reference == "after"


@site()
async def test_a_session_goes_on_with_the_numbers_of_the_one_before(made: Site) -> None:
    made.bind.submit(HELLO, "before")
    await moment()
    made.carrier.connection.abort("test")
    await moment(2)
    made.bind.submit(HELLO, "after")
    await moment()
    before, after = (sequence_number for sequence_number, _ in made.carrier.submitted)
    assert after == before + 2  # The bind stands between them.


@site()
async def test_a_carrier_that_unbinds_is_let_go_and_bound_anew(made: Site) -> None:
    made.carrier.connection.unbind()
    await moment(2)
    assert [type(event) for event in made.events] == [BindCameUp, BindWentDown, BindCameUp]


@site()
async def test_nothing_is_submitted_to_a_carrier_that_unbinds(made: Site) -> None:
    made.carrier.answers = False
    made.bind.submit(HELLO, "first")
    await moment()
    (wire,) = made.network.wires.values()
    wire.server.write(codec.encode(Unbind(), 99))
    await moment()
    with pytest.raises(NotBound):
        made.bind.submit(HELLO, "second")


# Coming back (CLI-4)


@site()
async def test_cli_4_a_bind_that_is_lost_comes_back_after_pauses_that_grow(made: Site) -> None:
    for _ in range(3):
        made.carrier.connection.abort("test")
        await moment(20)
    assert made.carrier.bound_at == pytest.approx([0, 1.1, 22.1, 44.1], abs=0.2)


@site()
async def test_cli_4_a_bind_that_stood_comes_back_soon(made: Site) -> None:
    for _ in range(3):
        await moment(120)
        made.carrier.connection.abort("test")
        await moment(0.5)
    gaps = [at % 1 for at in made.carrier.bound_at]
    assert len(gaps) == 3
    await moment(1)
    assert len(made.carrier.bound_at) == 4


@virtual_time
async def test_a_carrier_that_does_not_listen_is_tried_again() -> None:
    made = Site()
    made.run()
    await moment(20)
    await made.carrier.open()
    await moment(20)
    assert made.bind.up
    assert made.carrier.bound_at == pytest.approx([31], abs=0.1)
    await made.stop()


@virtual_time
async def test_a_carrier_that_is_not_reached_in_time_is_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    made = Site()
    made.network.delay_s = lambda: 60.0
    made.run()
    await moment(11)
    made.network.delay_s = lambda: 0.0
    await made.carrier.open()
    await moment(2)
    assert made.bind.up
    assert [record.__dict__["cause"] for record in caplog.records] == ["timed out"]
    await made.stop()


@virtual_time
async def test_a_carrier_that_never_answers_the_bind_is_left() -> None:
    made = Site(response_timeout_s=5.0)
    made.carrier.bind_status = None
    await made.start()
    await moment(5)
    made.carrier.bind_status = 0
    await moment(2)
    assert [type(event) for event in made.events] == [BindCameUp]
    await made.stop()


@pytest.mark.parametrize(
    ("status", "pause_s", "level"),
    [
        (CommandStatus.ESME_RBINDFAIL, 1, logging.WARNING),
        (CommandStatus.ESME_RINVPASWD, 300, logging.ERROR),
        (CommandStatus.ESME_RINVSYSID, 300, logging.ERROR),
        (0x410, 1, logging.WARNING),
    ],
)
def test_cli_4_a_bind_that_is_refused_waits_long_where_a_human_must_help(
    status: int, pause_s: float, level: int, caplog: pytest.LogCaptureFixture
) -> None:
    @virtual_time
    async def refused() -> None:
        made = Site()
        made.carrier.bind_status = status
        await made.start()
        made.carrier.bind_status = 0
        await moment(pause_s - 0.5)
        assert (made.bind.up, made.events) == (False, [])
        await moment(1)
        assert made.bind.up
        await made.stop()

    refused()
    assert (caplog.records[0].levelno, caplog.messages[0]) == (level, "carrier refuses the bind")


@virtual_time
async def test_a_refusal_is_forgotten_with_the_next_attempt() -> None:
    made = Site()
    made.carrier.bind_status = CommandStatus.ESME_RINVPASWD
    await made.start()
    made.carrier.bind_status = 0
    await moment(301)
    made.carrier.connection.abort("test")
    await moment(2)
    assert made.bind.up
    await made.stop()


# What carriers deliver


@pytest.mark.parametrize("pdu", [DeliverSm(short_message=b"hi"), DataSm(source_addr="1500")])
def test_what_a_carrier_delivers_is_told_and_answered_when_the_owner_says_so(pdu: Pdu) -> None:
    @site()
    async def delivered(made: Site) -> None:
        made.carrier.connection.request(pdu)
        await moment(5)
        (event,) = made.told(Delivered)
        assert isinstance(event, Delivered)
        assert (event.pdu, made.carrier.responses) == (pdu, [])
        made.bind.answer(event)
        await moment()
        assert [response.command_status for response in made.carrier.responses] == [0]

    delivered()


@site()
async def test_a_delivery_can_be_refused(made: Site) -> None:
    made.carrier.connection.request(DeliverSm())
    await moment()
    (event,) = made.told(Delivered)
    assert isinstance(event, Delivered)
    made.bind.answer(event, CommandStatus.ESME_RX_T_APPN)
    await moment()
    assert [response.command_status for response in made.carrier.responses] == [
        CommandStatus.ESME_RX_T_APPN
    ]


@site()
async def test_a_delivery_of_the_session_before_is_not_answered_in_the_next(made: Site) -> None:
    made.carrier.connection.request(DeliverSm())
    await moment()
    (event,) = made.told(Delivered)
    assert isinstance(event, Delivered)
    made.carrier.connection.abort("test")
    await moment()
    made.bind.answer(event)
    await moment(2)
    made.carrier.connection.request(DeliverSm())
    await moment()
    made.bind.answer(event)
    await moment()
    assert made.carrier.responses == []


@site()
async def test_a_pdu_that_cannot_be_used_does_the_bind_no_harm(made: Site) -> None:
    (wire,) = made.network.wires.values()
    wire.server.write(codec.encode_header(CommandId.QUERY_SM, 9))
    wire.server.write(codec.encode(DeliverSm(short_message=b"hi"), 10))
    await moment()
    assert (made.bind.up, len(made.told(Delivered))) == (True, 1)


@site()
async def test_an_answer_that_cannot_be_read_still_ends_the_wait(made: Site) -> None:
    """The carrier has taken it, under an id that we shall never know."""
    made.carrier.answers = False
    made.bind.submit(HELLO, "reference")
    await moment()
    (wire,) = made.network.wires.values()
    sequence_number, _ = made.carrier.submitted[0]
    header = codec.HEADER.pack(18, CommandId.SUBMIT_SM_RESP, 0, sequence_number)
    wire.server.write(header + b"77")
    await moment()
    (answered,) = made.told(SubmitAnswered)
    assert isinstance(answered, SubmitAnswered)
    assert (answered.command_status, answered.carrier_id) == (0, "")


# Leaving


@site()
async def test_a_drained_bind_unbinds_after_its_answers_and_stays_away(made: Site) -> None:
    made.carrier.answers = False
    made.bind.submit(HELLO, "reference")
    await moment()
    drained = asyncio.ensure_future(made.bind.drain())
    await moment(2)
    assert not drained.done()
    made.carrier.answer()
    await drained
    await moment(600)
    assert [type(event) for event in made.events] == [BindCameUp, SubmitAnswered, BindWentDown]
    assert (made.ended, made.carrier.closed) == (True, ["unbound by the peer"])


@site(response_timeout_s=60.0)
async def test_a_carrier_that_does_not_let_go_is_left_in_the_end(made: Site) -> None:
    made.carrier.answers = False
    made.bind.submit(HELLO, "reference")
    await moment()
    started_at = made.clock.now()
    await made.bind.drain()
    await moment()
    assert made.clock.now() - started_at == pytest.approx(DRAIN_TIMEOUT_S, abs=0.2)
    assert [type(event) for event in made.events] == [BindCameUp, SubmitLost, BindWentDown]


@site(response_timeout_s=DRAIN_TIMEOUT_S)
async def test_a_drain_may_run_out_as_the_session_ends_by_itself(made: Site) -> None:
    for wire in made.network.wires.values():
        wire.freeze()
    await moment(0.4)  # From 0.1 to 0.5, which both clocks hold exactly.
    await made.bind.drain()
    assert [type(event) for event in made.events] == [BindCameUp, BindWentDown]


@virtual_time
async def test_a_bind_that_is_down_is_drained_at_once() -> None:
    made = Site()
    made.run()
    await moment()
    await made.bind.drain()
    await moment()
    assert made.ended


@virtual_time
async def test_a_bind_that_is_about_to_connect_when_it_is_drained_does_not_bind() -> None:
    made = Site()
    made.network.delay_s = lambda: 1.0
    await made.carrier.open()
    made.run()
    await moment()
    await made.bind.drain()
    await moment(10)
    assert (made.ended, made.carrier.binds) == (True, [])


def test_events_are_told_apart() -> None:
    """A dispatcher matches on their types."""
    kinds: tuple[type[BindEvent], ...] = (
        BindCameUp, BindWentDown, SubmitAnswered, SubmitTimedOut, SubmitLost, Delivered,
    )  # fmt: skip
    assert len(set(kinds)) == 6
