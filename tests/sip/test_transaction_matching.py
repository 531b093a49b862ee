"""Which transaction a request belongs to, and where its response goes."""

import pytest

from gateway.sip.message import SipRequest
from gateway.sip.transaction import Destination
from gateway.sip.transaction_events import AckReceived, RequestReceived
from gateway.sip.transaction_matching import response_destination, server_key
from tests.sip.transactions import NOW, TCP, UDP, layer, read, request, sent, told

OLD = "1"  # RFC 2543 knows no magic cookie.


def with_via(via: str, method: str = "OPTIONS") -> SipRequest:
    return request(method).with_headers(request(method).headers.prepending("Via", via))


def test_same_branch_of_another_sender_is_another_transaction() -> None:
    one = request(branch="z9hG4bK-1", sent_by="192.0.2.1")
    other = request(branch="z9hG4bK-1", sent_by="192.0.2.2")
    assert server_key(one) != server_key(other)


def test_sent_by_is_compared_without_regard_to_case_and_with_its_default_port() -> None:
    one = request(branch="z9hG4bK-1", sent_by="A.example")
    other = request(branch="z9hG4bK-1", sent_by="a.example:5060")
    assert server_key(one) == server_key(other)


@pytest.mark.parametrize("branch", [OLD, "z9hG4bK-1"])
def test_repeated_request_is_known_with_and_without_the_magic_cookie(branch: str) -> None:
    made = layer()
    for _ in range(2):
        made.receive(request(branch=branch), UDP, NOW)
    assert len(told(made, RequestReceived)) == 1


def test_old_request_with_another_cseq_is_another_transaction() -> None:
    made = layer()
    for cseq in (1, 2):
        made.receive(request(branch=OLD, cseq=cseq), UDP, NOW)
    assert len(told(made, RequestReceived)) == 2


def test_old_ack_with_the_tag_of_our_response_ends_its_invite() -> None:
    made = layer()
    made.receive(request(branch=OLD), UDP, NOW)
    transaction = told(made, RequestReceived)[0].transaction
    made.respond(transaction, transaction.request.response(486, to_tag="b"), NOW)
    made.receive(request("ACK", branch=OLD, to_tag="b"), UDP, NOW)
    assert transaction.state == "Confirmed"


def test_old_cancel_finds_its_invite() -> None:
    made = layer()
    made.receive(request(branch=OLD), UDP, NOW)
    made.receive(request("CANCEL", branch=OLD), UDP, NOW)
    assert sent(made) == ["200"]


def test_ack_of_nothing_is_told_and_never_answered() -> None:
    made = layer()
    made.receive(request("ACK", branch="z9hG4bK-7", to_tag="b"), UDP, NOW)
    assert len(told(made, AckReceived)) == 1
    assert (sent(made), made.server_transactions) == ([], 0)


@pytest.mark.parametrize(
    ("via", "source", "destination"),
    [
        ("SIP/2.0/UDP a.example:5070;branch=z9hG4bK1", UDP, Destination("UDP", UDP.host, 5070)),
        ("SIP/2.0/UDP a.example;branch=z9hG4bK1", UDP, Destination("UDP", UDP.host, 5060)),
        (
            "SIP/2.0/UDP a.example:5070;rport;branch=z9hG4bK1",
            Destination("UDP", "203.0.113.7", 61_000),
            Destination("UDP", "203.0.113.7", 61_000),
        ),
        (
            "SIP/2.0/UDP a.example;maddr=239.255.255.1;branch=z9hG4bK1",
            UDP,
            Destination("UDP", "239.255.255.1", 5060),
        ),
        ("SIP/2.0/TCP a.example:5070;branch=z9hG4bK1", TCP, TCP),
    ],
)
def test_response_goes_the_way_that_the_via_and_the_source_tell(
    via: str, source: Destination, destination: Destination
) -> None:
    assert response_destination(with_via(via), source) == destination


def test_via_of_the_response_tells_where_the_request_came_from() -> None:
    made = layer()
    source = Destination("UDP", "203.0.113.7", 61_000)
    made.receive(with_via("SIP/2.0/UDP 10.0.0.1;rport;branch=z9hG4bK1"), source, NOW)
    transaction = told(made, RequestReceived)[0].transaction
    made.respond(transaction, transaction.request.response(200, to_tag="b"), NOW)
    (outgoing,) = made.messages_to_send()
    assert outgoing.destination == source
    assert (read(outgoing).via.received, read(outgoing).via.rport) == ("203.0.113.7", 61_000)
