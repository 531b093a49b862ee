"""How many requests of the peer's may await our answer, and what becomes of the next one."""

import pytest

from gateway.smpp import codec
from gateway.smpp.constants import CommandId
from gateway.smpp.events import Request
from gateway.smpp.pdus import (
    BindTransceiver,
    BindTransceiverResp,
    DeliverSm,
    DeliverSmResp,
    SubmitSm,
    SubmitSmResp,
)
from gateway.smpp.session import RECEIVE_WINDOW, Session
from gateway.smpp.states import Role
from tests.smpp.sessions import NOW, TIMERS, give, sent, told


def windowed(receive_window: int) -> Session:
    smsc = Session(Role.SMSC, NOW, TIMERS, receive_window=receive_window)
    give(smsc, BindTransceiver(), 1)
    smsc.respond(1, BindTransceiverResp())
    smsc.data_to_send()
    smsc.events()
    return smsc


def submits(first: int, last: int) -> bytes:
    return b"".join(codec.encode(SubmitSm(), number) for number in range(first, last + 1))


def numbers(smsc: Session) -> list[int]:
    return [request.sequence_number for request in told(smsc, Request)]


def test_srv_2_full_window_looks_at_no_further_request() -> None:
    smsc = windowed(RECEIVE_WINDOW)
    smsc.receive_data(submits(1, RECEIVE_WINDOW + 500), NOW)
    assert numbers(smsc) == list(range(1, RECEIVE_WINDOW + 1))
    assert (smsc.holding, smsc.unanswered) == (True, RECEIVE_WINDOW)


@pytest.mark.parametrize("window", [1, 2, 3, 4])
def test_srv_7_window_opens_again_when_half_of_it_is_answered(window: int) -> None:
    smsc = windowed(window)
    smsc.receive_data(submits(1, window + 1), NOW)
    for number in range(1, window + 1):
        assert smsc.holding == (window - (number - 1) > window / 2)
        smsc.respond(number, SubmitSmResp("id"))
    assert not smsc.holding


def test_srv_1_what_was_held_is_taken_in_order_once_there_is_room() -> None:
    smsc = windowed(2)
    octets = submits(1, 5)
    smsc.receive_data(octets[:-7], NOW)
    smsc.receive_data(octets[-7:], NOW)
    assert numbers(smsc) == [1, 2]
    for number in (1, 2):
        smsc.respond(number, SubmitSmResp("id"))
    smsc.receive_data(b"", NOW)
    assert numbers(smsc) == [3, 4]
    for number in (3, 4):
        smsc.respond(number, SubmitSmResp("id"))
    smsc.receive_data(b"", NOW)
    assert numbers(smsc) == [5]


def test_srv_7_answers_before_the_request_that_is_held_are_taken() -> None:
    smsc = windowed(1)
    number = smsc.request(DeliverSm(), NOW)
    smsc.receive_data(submits(1, 1) + codec.encode(DeliverSmResp(), number) + submits(2, 2), NOW)
    assert (smsc.window_free, smsc.unanswered) == (10, 1)


def test_srv_9_peer_is_not_asked_for_signs_of_life_while_we_do_not_listen() -> None:
    smsc = windowed(1)
    smsc.receive_data(submits(1, 2), NOW)
    assert smsc.next_timer() is None
    smsc.respond(1, SubmitSmResp("id"))
    smsc.receive_data(b"", NOW + 100)
    smsc.respond(2, SubmitSmResp("id"))
    assert smsc.next_timer() == NOW + 130


def test_srv_11_end_of_a_held_session_forgets_what_was_held() -> None:
    smsc = windowed(1)
    smsc.receive_data(submits(1, 9), NOW)
    smsc.close("test")
    smsc.receive_data(b"", NOW)
    assert numbers(smsc) == [1]
    assert CommandId.SUBMIT_SM_RESP not in {command for command, _, _ in sent(smsc)}
