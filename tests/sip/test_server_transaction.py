"""The server's transactions: the peer's repetitions, our responses, and how each of them ends."""

import pytest

from gateway.sip.server_transaction import ServerTransaction
from gateway.sip.transaction import Destination
from gateway.sip.transaction_events import (
    AckReceived,
    Cancelled,
    NoAck,
    RequestReceived,
    TransportFailed,
)
from gateway.sip.transaction_layer import TransactionLayer
from tests.sip.transactions import NOW, TCP, UDP, layer, read, request, run, sent, told

INVITE = request(branch="z9hG4bK-1")
OPTIONS = request("OPTIONS", branch="z9hG4bK-2")
ACK = request("ACK", branch="z9hG4bK-1", to_tag="t1")
CANCEL = request("CANCEL", branch="z9hG4bK-1")


def received(
    made: TransactionLayer, method: str = "INVITE", source: Destination = UDP
) -> ServerTransaction:
    asked = INVITE if method == "INVITE" else OPTIONS
    made.receive(asked, source, NOW)
    (event,) = told(made, RequestReceived)
    return event.transaction


def respond(
    made: TransactionLayer, transaction: ServerTransaction, status: int, now: float = NOW
) -> None:
    response = transaction.request.response(status, to_tag=transaction.to_tag)
    made.respond(transaction, response, now)


def test_invite_that_awaits_its_answer_for_200_ms_is_told_100() -> None:
    made = layer()
    received(made)
    run(made, NOW + 0.19)
    assert sent(made) == []
    run(made, NOW + 0.2)
    assert sent(made) == ["100"]


def test_100_is_not_sent_after_another_1xx() -> None:
    made = layer()
    respond(made, received(made), 180)
    run(made, NOW + 1)
    assert sent(made) == ["180"]


def test_100_has_no_to_tag_and_the_peers_timestamp() -> None:
    made = layer()
    made.receive(request(branch="z9hG4bK-1", headers=[("Timestamp", "54")]), UDP, NOW)
    run(made, NOW + 0.2)
    trying = read(made.messages_to_send()[0])
    assert (trying.to_tag, trying.headers.get("Timestamp")) == (None, "54")


@pytest.mark.parametrize(("status", "repeated"), [(180, True), (200, False), (486, True)])
def test_repeated_invite_is_told_the_last_response_but_no_2xx(status: int, repeated: bool) -> None:
    made = layer()
    respond(made, received(made), status)
    made.messages_to_send()
    made.receive(INVITE, UDP, NOW)
    assert sent(made) == ([str(status)] if repeated else [])
    assert made.events() == []


def test_repeated_request_waits_with_the_first() -> None:
    made = layer()
    received(made, "OPTIONS")
    made.receive(OPTIONS, UDP, NOW)
    assert (sent(made), made.events()) == ([], [])


def test_request_repeated_after_its_answer_is_answered_alike() -> None:
    made = layer()
    respond(made, received(made, "OPTIONS"), 200)
    (first,) = made.messages_to_send()
    made.receive(OPTIONS, UDP, NOW + 4)
    assert [message.octets for message in made.messages_to_send()] == [first.octets]


@pytest.mark.parametrize(
    ("source", "times"),
    [
        (UDP, [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]),
        (TCP, [0]),
    ],
)
def test_refused_invite_is_refused_again_until_the_ack(
    source: Destination, times: list[float]
) -> None:
    made = layer()
    transaction = received(made, source=source)
    respond(made, transaction, 486)
    seen = [0.0 for _ in made.messages_to_send()]
    while (deadline := made.next_timer()) is not None:
        made.handle_timer(deadline)
        seen += [deadline - NOW for _ in made.messages_to_send()]
    assert seen == times
    assert told(made, NoAck) == [NoAck(transaction)]
    assert made.server_transactions == 0


def test_ack_ends_the_repetition_and_is_not_told() -> None:
    made = layer()
    respond(made, received(made), 486)
    made.messages_to_send()
    made.receive(ACK, UDP, NOW + 0.1)
    made.receive(ACK, UDP, NOW + 0.2)
    run(made, NOW + 60)
    assert (sent(made), made.events(), made.server_transactions) == ([], [], 0)


def test_ack_of_a_2xx_is_the_users_even_on_the_branch_of_the_invite() -> None:
    made = layer()
    respond(made, received(made), 200)
    made.receive(ACK, UDP, NOW)
    made.receive(request("ACK", branch="z9hG4bK-9", to_tag="t1"), UDP, NOW)
    assert len(told(made, AckReceived)) == 2


@pytest.mark.parametrize(
    ("method", "status", "source", "lingers_s"),
    [
        ("INVITE", 200, UDP, 32.0),
        ("INVITE", 200, TCP, 32.0),
        ("OPTIONS", 200, UDP, 32.0),
        ("OPTIONS", 200, TCP, 0.0),
    ],
)
def test_answered_transaction_lingers_for_what_may_come_late(
    method: str, status: int, source: Destination, lingers_s: float
) -> None:
    made = layer()
    respond(made, received(made, method, source), status)
    run(made, NOW + lingers_s - 0.01)
    assert made.server_transactions == (1 if lingers_s else 0)
    run(made, NOW + lingers_s)
    assert made.server_transactions == 0


def test_request_that_is_never_answered_ends_when_its_client_has_given_up() -> None:
    made = layer()
    transaction = received(made, "OPTIONS")
    run(made, NOW + 32)
    assert made.server_transactions == 0
    respond(made, transaction, 200, NOW + 33)
    assert sent(made) == []


@pytest.mark.parametrize("status", [180, 200, 486])
def test_response_that_cannot_be_sent_leaves_the_transaction_where_it_is(status: int) -> None:
    made = layer()
    transaction = received(made)
    respond(made, transaction, status)
    state = transaction.state
    made.transport_error(made.messages_to_send()[0], NOW)
    assert told(made, TransportFailed) == [TransportFailed(transaction)]
    assert transaction.state is state


def test_cancel_is_answered_and_told() -> None:
    made = layer()
    transaction = received(made)
    made.receive(CANCEL, UDP, NOW)
    assert [event.transaction for event in told(made, Cancelled)] == [transaction]
    answer = read(made.messages_to_send()[0])
    assert (answer.cseq.method, answer.to_tag) == ("CANCEL", transaction.to_tag)


def test_repeated_cancel_is_answered_again_and_told_once() -> None:
    made = layer()
    received(made)
    made.receive(CANCEL, UDP, NOW)
    made.receive(CANCEL, UDP, NOW)
    assert sent(made) == ["200", "200"]
    assert len(told(made, Cancelled)) == 1


@pytest.mark.parametrize("status", [200, 486])
def test_cancel_that_comes_after_the_answer_changes_nothing(status: int) -> None:
    made = layer()
    respond(made, received(made), status)
    made.messages_to_send()
    made.receive(CANCEL, UDP, NOW)
    assert (sent(made), made.events()) == (["200"], [])


def test_cancel_of_nothing_is_answered_481() -> None:
    made = layer()
    made.receive(CANCEL, UDP, NOW)
    assert (sent(made), made.events()) == (["481"], [])


def test_request_that_came_twice_on_two_ways_is_answered_482() -> None:
    made = layer()
    received(made)
    made.receive(request(branch="z9hG4bK-other", sent_by="192.0.2.9"), UDP, NOW)
    assert (sent(made), made.events()) == (["482"], [])


def test_requests_of_one_dialog_are_never_merged() -> None:
    made = layer()
    for branch in ("z9hG4bK-1", "z9hG4bK-2"):
        made.receive(request("INFO", branch=branch, to_tag="b"), UDP, NOW)
    assert len(told(made, RequestReceived)) == 2


def test_to_tag_of_the_request_is_kept_and_a_new_one_made_where_it_has_none() -> None:
    made = layer("tag")
    assert received(made).to_tag == "tag1"
    made.receive(request("BYE", branch="z9hG4bK-3", to_tag="mine"), UDP, NOW)
    assert told(made, RequestReceived)[0].transaction.to_tag == "mine"
