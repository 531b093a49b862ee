"""Where on a broker things are published."""

import json

from gateway.message import Status
from gateway.streams.state_board import RAISED, State
from gateway.streams.topics import Topics, last_will, state_json
from tests.store.builders import ACCOUNT, NOON
from tests.streams.builders import an_event

TOPICS = Topics("site/gateway")


def test_message_is_published_by_account_and_status() -> None:
    event = an_event(1, 1, status=Status.UNDELIVERED)
    assert TOPICS.message(event) == f"site/gateway/accounts/{ACCOUNT}/messages/undelivered"


def test_acceptance_has_a_topic_of_its_own() -> None:
    assert TOPICS.message(an_event(1)) == f"site/gateway/accounts/{ACCOUNT}/messages/accepted"


def test_state_is_published_under_the_prefix() -> None:
    assert TOPICS.state("binds/alpha/1") == "site/gateway/binds/alpha/1"


def test_state_says_since_when_and_why() -> None:
    state = State("alarms/store_down", RAISED, NOON, "disk full", 1)
    assert json.loads(state_json(state)) == {
        "state": "raised",
        "since": "2023-11-14T22:13:20.000Z",
        "detail": "disk full",
    }


def test_last_will_knows_no_time() -> None:
    assert json.loads(last_will()) == {
        "state": "offline",
        "since": None,
        "detail": "connection lost",
    }
