import json
from typing import Any

import pytest

from gateway.cli.dump_line import dump_line, masked
from gateway.message import Status
from gateway.store.interface import AttemptOutcome, StoredMessage, Timeline
from tests.store.builders import (
    NOON,
    a_message,
    attempted,
    became,
    given_up,
    replayed,
    sent,
)


def dumped(timeline: Timeline, *, bodies: bool = False, numbers: bool = False) -> dict[str, Any]:
    line = dump_line(timeline, bodies=bodies, numbers=numbers)
    assert line.endswith(b"\n")
    found: dict[str, Any] = json.loads(line)
    return found


def test_everything_on_record_is_there() -> None:
    stored = StoredMessage(
        a_message(),
        (sent(), became(1, 2, Status.UNDELIVERED, error_code=30_003, carrier_status="UNDELIV")),
        (attempted(outcome=AttemptOutcome.WRITTEN),),
    )
    found = dumped(Timeline(stored, (given_up(),), (replayed(),)))
    assert (found["status"], found["error_code"]) == ("undelivered", 30_003)
    assert found["accepted_at"] == "2023-11-14T22:13:21.000Z"
    assert found["transitions"][0] == {
        "number": 1,
        "status": "sent",
        "at": "2023-11-14T22:13:22.000Z",
        "bind": "alpha/1",
        "carrier_id": "0000000000000001",
        "listener": "webhook",
    }
    assert [step["status"] for step in found["transitions"]] == ["sent", "undelivered"]
    assert found["attempts"] == [
        {"part": 1, "at": "2023-11-14T22:13:21.000Z", "outcome": "written", "bind": "alpha/1"}
    ]
    assert [told["gave_up"] for told in found["notified"]] == [True]
    assert [replay["round"] for replay in found["replays"]] == [1]


def test_what_a_message_says_is_left_out() -> None:
    found = dumped(Timeline(StoredMessage(a_message(octets=b"\x01"))))
    assert {"body", "octets"} & set(found) == set()


def test_what_a_message_says_is_there_where_it_is_wanted() -> None:
    found = dumped(Timeline(StoredMessage(a_message(octets=b"\x01"))), bodies=True)
    assert (found["body"], found["octets"]) == ("Your code is 123456.", "AQ==")


def test_a_scheduled_message_says_when_it_is_due() -> None:
    assert "send_at" not in dumped(Timeline(StoredMessage(a_message())))
    found = dumped(Timeline(StoredMessage(a_message(send_at=NOON))))
    assert (found["send_at"], found["status"]) == ("2023-11-14T22:13:20.000Z", "scheduled")


def test_numbers_are_whole_where_they_are_wanted() -> None:
    assert dumped(Timeline(StoredMessage(a_message())), numbers=True)["to"] == "+15017122661"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("+15017122661", "+1501*****61"),
        ("431234567", "43123**67"),
        ("55501", "55501"),
        ("ACME Inc", "ACME Inc"),
    ],
)
def test_the_middle_of_a_number_is_hidden(address: str, shown: str) -> None:
    assert masked(address) == shown
