"""One server's client, with a peer that is a function."""

from random import Random

import pytest

from gateway.ng.bencode import Value, Writable, decode, encode
from gateway.ng.client import (
    AGAIN_S,
    ANSWER_S,
    DATAGRAM_MAX,
    PING_S,
    REQUESTS_MAX,
    NgClient,
    Reply,
    Unanswered,
)

QUERY = {"command": "query", "call-id": "c"}


class Asked:
    """A client that has been pinged for, what it was told, and its datagrams."""

    def __init__(self) -> None:
        self.health: list[bool] = []
        self.replies: list[Reply | Unanswered] = []
        self.client = NgClient(Random(1), self.health.append)
        self.client.ping(0.0)
        self.answer({"result": "pong"}, 0.0)

    def ask(self, now: float = 0.0) -> None:
        self.client.ask(QUERY, now, self.replies.append)

    def sent(self) -> list[tuple[bytes, Value]]:
        parted = [datagram.partition(b" ") for datagram in self.client.data_to_send()]
        return [(cookie, decode(body)) for cookie, _, body in parted]

    def answer(self, reply: Writable, now: float) -> None:
        for cookie, _ in self.sent():
            self.client.receive_data(b"%b %b" % (cookie, encode(reply)), now)


def test_reply_comes_to_who_asked() -> None:
    asked = Asked()
    asked.ask()
    ((cookie, command),) = asked.sent()
    assert command == {"command": b"query", "call-id": b"c"}
    asked.client.receive_data(cookie + b" d6:result2:oke", 0.01)
    assert asked.replies == [{"result": b"ok"}]
    assert asked.client.rtt_s == 0.01


def test_server_is_asked_nothing_before_it_has_answered_a_ping() -> None:
    health: list[bool] = []
    replies: list[Reply | Unanswered] = []
    client = NgClient(Random(1), health.append)
    client.ask(QUERY, 0.0, replies.append)
    assert (replies, health) == ([Unanswered.UNREACHABLE], [])
    client.ping(0.0)
    client.handle_timer(ANSWER_S)
    assert health == [False]


def test_replies_may_come_in_any_order() -> None:
    asked = Asked()
    asked.ask()
    asked.ask()
    first, second = asked.sent()
    for number, (cookie, _) in enumerate((second, first)):
        asked.client.receive_data(b"%b d1:ni%dee" % (cookie, number), 0.1)
    assert asked.replies == [{"n": 0}, {"n": 1}]


def test_request_is_sent_again_with_its_cookie_and_then_given_up() -> None:
    asked = Asked()
    asked.ask()
    (first,) = asked.sent()
    for again_s in AGAIN_S:
        assert asked.client.next_timer() == again_s
        asked.client.handle_timer(again_s)
        assert asked.sent() == [first]
    assert asked.client.next_timer() == ANSWER_S
    asked.client.handle_timer(ANSWER_S)
    assert asked.replies == [Unanswered.SILENT]
    assert asked.health == [True, False]


def test_second_reply_and_one_to_nobody_are_dropped() -> None:
    asked = Asked()
    asked.ask()
    ((cookie, _),) = asked.sent()
    for who in (cookie, cookie, b"nobody"):
        asked.client.receive_data(who + b" d6:result2:oke", 0.1)
    assert len(asked.replies) == 1


@pytest.mark.parametrize("body", [b"", b"d6:result", b"i4e", b"le", b"d6:result2:okex"])
def test_reply_that_cannot_be_read_is_as_good_as_none(body: bytes) -> None:
    asked = Asked()
    asked.ask()
    ((cookie, _),) = asked.sent()
    asked.client.receive_data(cookie + b" " + body, 0.1)
    assert asked.replies == []
    asked.client.handle_timer(ANSWER_S)
    assert asked.replies == [Unanswered.SILENT]


def test_all_that_waits_hears_at_once_that_nobody_listens() -> None:
    asked = Asked()
    asked.ask()
    asked.ask()
    asked.client.receive_unreachable(0.1)
    assert asked.replies == [Unanswered.UNREACHABLE] * 2
    asked.ask(0.2)
    assert asked.replies[2:] == [Unanswered.UNREACHABLE]
    assert asked.health == [True, False]


def test_server_that_is_down_is_pinged_until_it_answers() -> None:
    asked = Asked()
    asked.client.receive_unreachable(1.0)
    assert asked.client.next_timer() == 1.0 + PING_S
    asked.client.handle_timer(1.0 + PING_S)
    asked.answer({"result": "pong"}, 1.1 + PING_S)
    assert asked.health == [True, False, True]
    asked.ask(1.2 + PING_S)
    assert len(asked.sent()) == 1


def test_server_that_says_nothing_for_long_is_pinged() -> None:
    asked = Asked()
    asked.ask(1.0)
    asked.answer({"result": "ok"}, 1.0)
    asked.client.handle_timer(PING_S)
    assert asked.sent() == []
    asked.client.handle_timer(1.0 + PING_S)
    ((_, command),) = asked.sent()
    assert command == {"command": b"ping"}


def test_ping_without_an_answer_takes_the_server_down() -> None:
    asked = Asked()
    asked.client.handle_timer(PING_S)
    asked.client.handle_timer(PING_S + ANSWER_S)
    assert asked.health == [True, False]


def test_requests_under_way_are_bounded() -> None:
    asked = Asked()
    for _ in range(REQUESTS_MAX + 1):
        asked.ask()
    assert asked.replies == [Unanswered.FULL]
    assert asked.client.up


def test_request_that_fits_no_datagram_is_not_sent() -> None:
    asked = Asked()
    asked.client.ask({"sdp": bytes(DATAGRAM_MAX)}, 0.0, asked.replies.append)
    assert asked.replies == [Unanswered.TOO_LONG]
    assert asked.sent() == []
