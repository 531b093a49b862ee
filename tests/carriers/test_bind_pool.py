"""Several sessions with a carrier as one bind."""

from typing import cast

import pytest

from gateway.carriers.bind_events import (
    BindCameUp,
    BindWentDown,
    Delivered,
    SubmitAnswered,
    SubmitLost,
    WindowChanged,
)
from gateway.smpp.errors import NotBound, WindowFull
from gateway.smpp.pdus import DeliverSm, SubmitSm
from tests.carriers.carrier import Site
from tests.carriers.test_smpp_bind import moment, site
from tests.support.virtual_time import virtual_time

HELLO = SubmitSm(destination_addr="15005550009", short_message=b"hello")


def shares(made: Site) -> list[int]:
    """How many submit_sm came on each connection."""
    return [made.carrier.submitted_on.count(connection) for connection in made.carrier.connections]


@site(sessions=3, window=10)
async def test_a_pool_is_up_once_and_has_the_windows_of_all(made: Site) -> None:
    assert made.bind.up
    assert len(made.carrier.bound) == 3
    assert made.events == [
        BindCameUp("alpha/1"),
        WindowChanged("alpha/1", 10, 0),
        WindowChanged("alpha/1", 20, 0),
        WindowChanged("alpha/1", 30, 0),
    ]


@site(sessions=3, window=10)
async def test_cli_1_sessions_take_turns_by_their_free_window(made: Site) -> None:
    made.carrier.answers = False
    for number in range(9):
        made.bind.submit(HELLO, number)
    await moment()
    assert shares(made) == [3, 3, 3]
    made.carrier.answer(index=0)
    made.carrier.answer(index=1)
    await moment()
    for number in range(2):
        made.bind.submit(HELLO, number)
    await moment()
    assert sorted(shares(made)) == [3, 3, 5]


@site(sessions=2, window=2)
async def test_cli_1_the_window_of_a_pool_has_its_end(made: Site) -> None:
    made.carrier.answers = False
    for number in range(4):
        made.bind.submit(HELLO, number)
    assert made.bind.in_flight == 4
    with pytest.raises(WindowFull):
        made.bind.submit(HELLO, "one too many")


@site(sessions=2, window=5)
async def test_the_loss_of_a_session_is_that_of_what_was_on_it(made: Site) -> None:
    made.carrier.answers = False
    for number in range(4):
        made.bind.submit(HELLO, number)
    await moment()
    made.carrier.connections[0].abort("test")
    await moment()
    lost = [cast(SubmitLost, event).reference for event in made.told(SubmitLost)]
    assert len(lost) == 2
    assert made.told(BindWentDown) == []
    assert made.events[-1] == WindowChanged("alpha/1", 5, 2)
    assert made.bind.up


@site(sessions=2, window=5)
async def test_a_pool_is_down_with_its_last_session(made: Site) -> None:
    for connection in made.carrier.connections:
        connection.abort("test")
    await moment()
    assert made.told(BindWentDown) == [BindWentDown("alpha/1", "connection lost")]
    assert not made.bind.up
    with pytest.raises(NotBound):
        made.bind.submit(HELLO, "reference")
    await moment(2)
    assert made.told(BindCameUp) == [BindCameUp("alpha/1")] * 2


@site(sessions=2, window=5)
async def test_cli_3_each_session_counts_its_own_sequence_numbers(made: Site) -> None:
    made.carrier.answers = False
    for reference in ("a", "b"):
        made.bind.submit(HELLO, reference)
    await moment()
    (first, _), (second, _) = made.carrier.submitted
    assert first == second
    for index in (1, 0):
        made.carrier.answer(message_id=f"id {index}", index=index)
    await moment()
    answered = [cast(SubmitAnswered, event) for event in made.told(SubmitAnswered)]
    assert [(event.reference, event.carrier_id) for event in answered] == [
        ("b", "id 1"),
        ("a", "id 0"),
    ]


@site(sessions=2)
async def test_a_delivery_is_answered_on_the_session_that_brought_it(made: Site) -> None:
    for connection in made.carrier.connections:
        connection.request(DeliverSm(short_message=b"hi"))
    await moment()
    for event in made.told(Delivered):
        made.bind.answer(cast(Delivered, event))
    await moment()
    assert {cast(Delivered, event).session for event in made.told(Delivered)} == {0, 1}
    assert len(made.carrier.responses) == 2


@virtual_time
async def test_a_session_that_the_carrier_refuses_does_the_others_no_harm() -> None:
    made = Site(sessions=2)
    made.carrier.binds_max = 1
    await made.start()
    await moment(30)
    assert made.bind.up
    assert made.told(WindowChanged) == [WindowChanged("alpha/1", 50, 0)]
    await made.stop()


@site(sessions=2)
async def test_srv_11_a_drained_pool_unbinds_each_session(made: Site) -> None:
    await made.bind.drain()
    await moment()
    assert made.carrier.closed == ["unbound by the peer"] * 2
    assert made.ended
