"""The client's transactions: what is repeated and when, and how each of them ends."""

import pytest

from gateway.sip.message import SipRequest
from gateway.sip.transaction import Destination
from gateway.sip.transaction_events import ResponseReceived, TimedOut, TransportFailed
from gateway.sip.transaction_layer import TransactionLayer
from tests.sip.transactions import NOW, TCP, UDP, layer, read, request, run, sent, told


def answer(made: TransactionLayer, status: int, now: float = NOW, tag: str = "b") -> None:
    """What the peer says to the last request that went out."""
    asked = read(made.messages_to_send()[-1])
    assert isinstance(asked, SipRequest)
    made.receive(asked.response(status, to_tag=tag), UDP, now)


def sending_times(made: TransactionLayer, until: float) -> list[float]:
    times = [NOW for _ in made.messages_to_send()]
    while (deadline := made.next_timer()) is not None and deadline <= until:
        made.handle_timer(deadline)
        times += [deadline for _ in made.messages_to_send()]
    return [time - NOW for time in times]


def test_invite_is_repeated_at_intervals_that_double() -> None:
    made = layer()
    made.send_request(request(), UDP, NOW)
    assert sending_times(made, NOW + 40) == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert len(told(made, TimedOut)) == 1


def test_other_requests_are_repeated_at_intervals_of_t2_at_most() -> None:
    made = layer()
    made.send_request(request("OPTIONS"), UDP, NOW)
    assert sending_times(made, NOW + 40) == [
        *(0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5)
    ]
    assert len(told(made, TimedOut)) == 1


def test_other_requests_are_repeated_each_t2_after_a_1xx() -> None:
    made = layer()
    made.send_request(request("OPTIONS"), UDP, NOW)
    answer(made, 100)
    assert sending_times(made, NOW + 10) == [0.5, 4.5, 8.5]


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS"])
def test_nothing_is_repeated_over_a_reliable_transport(method: str) -> None:
    made = layer()
    made.send_request(request(method), TCP, NOW)
    assert sending_times(made, NOW + 40) == [0]
    assert len(told(made, TimedOut)) == 1


def test_invite_is_not_repeated_after_a_1xx_and_may_ring_for_long() -> None:
    made = layer()
    made.send_request(request(), UDP, NOW)
    answer(made, 180)
    run(made, NOW + 3_600)
    assert sent(made) == []
    assert [event.response.status for event in told(made, ResponseReceived)] == [180]


def test_response_of_300_to_699_is_acknowledged_within_the_transaction() -> None:
    made = layer()
    made.send_request(request(headers=[("Route", "<sip:p.example;lr>")]), UDP, NOW)
    invite = read(made.messages_to_send()[0])
    assert isinstance(invite, SipRequest)
    made.receive(invite.response(486, to_tag="b"), UDP, NOW)
    ack = read(made.messages_to_send()[0])
    assert isinstance(ack, SipRequest)
    assert (ack.method, ack.uri, ack.branch) == ("ACK", invite.uri, invite.branch)
    assert (str(ack.cseq), ack.to_tag) == ("1 ACK", "b")
    assert ack.headers.get_all("Route") == ["<sip:p.example;lr>"]


def test_repeated_response_is_acknowledged_again_and_told_once() -> None:
    made = layer()
    made.send_request(request(), UDP, NOW)
    invite = read(made.messages_to_send()[0])
    assert isinstance(invite, SipRequest)
    for _ in range(3):
        made.receive(invite.response(486, to_tag="b"), UDP, NOW)
    assert sent(made) == ["ACK", "ACK", "ACK"]
    assert len(told(made, ResponseReceived)) == 1


def test_each_2xx_is_told_for_64_t1_and_never_acknowledged_here() -> None:
    made = layer()
    made.send_request(request(), UDP, NOW)
    invite = read(made.messages_to_send()[0])
    assert isinstance(invite, SipRequest)
    for tag, at in (("b", 0.0), ("b", 0.5), ("c", 31.0), ("d", 33.0)):
        run(made, NOW + at)
        made.receive(invite.response(200, to_tag=tag), UDP, NOW + at)
    assert [event.response.to_tag for event in told(made, ResponseReceived)] == ["b", "b", "c"]
    assert sent(made) == []
    assert made.stray_responses == 1


@pytest.mark.parametrize(
    ("method", "status", "destination", "lingers_s"),
    [
        ("INVITE", 200, UDP, 32.0),
        ("INVITE", 200, TCP, 32.0),
        ("INVITE", 486, UDP, 32.0),
        ("INVITE", 486, TCP, 0.0),
        ("OPTIONS", 200, UDP, 5.0),
        ("OPTIONS", 404, TCP, 0.0),
    ],
)
def test_answered_transaction_lingers_for_what_may_come_late(
    method: str, status: int, destination: Destination, lingers_s: float
) -> None:
    made = layer()
    made.send_request(request(method), destination, NOW)
    answer(made, status)
    run(made, NOW + lingers_s - 0.01)
    assert made.client_transactions == (1 if lingers_s else 0)
    run(made, NOW + lingers_s)
    assert made.client_transactions == 0


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS"])
def test_request_that_cannot_be_sent_fails_at_once(method: str) -> None:
    made = layer()
    transaction = made.send_request(request(method), UDP, NOW)
    made.transport_error(made.messages_to_send()[0], NOW)
    assert told(made, TransportFailed) == [TransportFailed(transaction)]
    assert made.client_transactions == 0


def test_lost_connection_fails_what_awaits_its_answer_over_it() -> None:
    made = layer()
    lost = made.send_request(request("OPTIONS"), TCP, NOW)
    made.send_request(request("OPTIONS"), UDP, NOW)
    made.connection_lost(TCP, NOW)
    assert told(made, TransportFailed) == [TransportFailed(lost)]


def test_cancel_waits_for_the_first_1xx() -> None:
    made = layer()
    transaction = made.send_request(request(), UDP, NOW)
    made.cancel(transaction, NOW)
    invite = made.messages_to_send()
    assert len(invite) == 1
    asked = read(invite[0])
    assert isinstance(asked, SipRequest)
    made.receive(asked.response(100), UDP, NOW)
    cancel = read(made.messages_to_send()[0])
    assert isinstance(cancel, SipRequest)
    assert (str(cancel.cseq), cancel.branch) == ("1 CANCEL", asked.branch)


def test_cancel_is_not_sent_after_a_final_response() -> None:
    made = layer()
    transaction = made.send_request(request(), UDP, NOW)
    answer(made, 200)
    made.cancel(transaction, NOW)
    assert sent(made) == []


def test_answers_to_cancel_and_to_invite_are_told_apart() -> None:
    made = layer()
    transaction = made.send_request(request(), UDP, NOW)
    invite = read(made.messages_to_send()[0])
    assert isinstance(invite, SipRequest)
    made.receive(invite.response(180, to_tag="b"), UDP, NOW)
    made.cancel(transaction, NOW)
    answer(made, 200)
    made.receive(invite.response(487, to_tag="b"), UDP, NOW)
    statuses = [(e.transaction.request.method, e.response.status) for e in made.events()]  # type: ignore[union-attr]
    assert statuses == [("INVITE", 180), ("INVITE", 487)]


def test_cancelled_invite_without_an_answer_is_given_up_after_64_t1() -> None:
    made = layer()
    transaction = made.send_request(request(), TCP, NOW)
    answer(made, 180)
    made.cancel(transaction, NOW)
    run(made, NOW + 32)
    assert told(made, TimedOut) == [TimedOut(transaction)]
    assert (made.client_transactions, made.next_timer()) == (0, None)


def test_long_request_goes_by_tcp_and_its_via_says_so() -> None:
    made = layer()
    made.send_request(request("MESSAGE", body=b"x" * 1_300), UDP, NOW)
    (outgoing,) = made.messages_to_send()
    assert outgoing.destination == Destination("TCP", UDP.host, UDP.port)
    assert read(outgoing).via.transport == "TCP"


def test_response_with_a_second_via_is_not_for_us() -> None:
    made = layer()
    made.send_request(request(), UDP, NOW)
    asked = read(made.messages_to_send()[0])
    assert isinstance(asked, SipRequest)
    response = asked.response(200, to_tag="b")
    via = "SIP/2.0/UDP p.example;branch=z9hG4bKx"
    made.receive(response.with_headers(response.headers.adding("Via", via)), UDP, NOW)
    assert made.events() == []


def test_second_cancel_is_not_sent() -> None:
    made = layer()
    transaction = made.send_request(request(), UDP, NOW)
    answer(made, 180)
    for _ in range(2):
        made.cancel(transaction, NOW)
    assert sent(made) == ["CANCEL"]
