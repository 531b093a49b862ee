"""Requests that may not fit one packet (RFC 3261 §18.1.1)."""

import pytest

from gateway.sip.message import SipRequest
from gateway.sip.transaction import Destination, Outgoing
from gateway.sip.transaction_events import TransportFailed
from gateway.sip.transaction_layer import STREAMLESS_S, TransactionLayer
from tests.sip.transactions import NOW, UDP, layer, read, request, run, sent, told

LARGE = b"x" * 1_300


def send(made: TransactionLayer, method: str = "INVITE", now: float = NOW) -> Outgoing:
    made.send_request(request(method, body=LARGE), UDP, now)
    (outgoing,) = made.messages_to_send()
    return outgoing


@pytest.mark.parametrize("method", ["INVITE", "INFO"])
def test_large_request_falls_back_to_udp_where_no_connection_is_taken(method: str) -> None:
    made = layer()
    by_tcp = send(made, method)
    made.transport_error(by_tcp, NOW)
    (by_udp,) = made.messages_to_send()
    assert (by_tcp.destination.transport, by_udp.destination) == ("TCP", UDP)
    first, second = read(by_tcp), read(by_udp)
    assert (first.via.transport, second.via.transport) == ("TCP", "UDP")
    assert first.branch == second.branch
    assert len(second.vias) == 1
    run(made, NOW + 0.5)
    assert sent(made) == [method]


def test_peer_that_takes_no_connection_gets_the_next_by_udp_for_a_while() -> None:
    made = layer()
    made.transport_error(send(made), NOW)
    made.messages_to_send()
    assert send(made).destination == UDP
    assert send(made, now=NOW + STREAMLESS_S + 1).destination.transport == "TCP"


def test_request_that_fails_by_udp_too_has_failed() -> None:
    made = layer()
    made.transport_error(send(made), NOW)
    made.transport_error(made.messages_to_send()[0], NOW)
    assert len(told(made, TransportFailed)) == 1


def test_request_that_was_answered_does_not_fall_back() -> None:
    made = layer()
    outgoing = send(made)
    invite = read(outgoing)
    assert isinstance(invite, SipRequest)
    made.receive(invite.response(486, to_tag="b"), Destination("TCP", UDP.host, UDP.port), NOW)
    made.transport_error(made.messages_to_send()[0], NOW)
    assert sent(made) == []
