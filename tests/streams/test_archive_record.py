"""A message as one line of an archive."""

import json
from typing import Any

from gateway.clock import message_sid
from gateway.message import Encoding, Status
from gateway.store.interface import StoredMessage
from gateway.streams.archive_record import archive_line
from tests.store.builders import ACCOUNT, NOON, a_message
from tests.streams.builders import a_step


def read(stored: StoredMessage) -> dict[str, Any]:
    line = archive_line(stored)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    found: dict[str, Any] = json.loads(line)
    return found


def test_message_is_written_with_its_text_and_all_its_transitions() -> None:
    sent = a_step(1, 1, part=1, bind="alpha/1", carrier_id="ff")
    failed = a_step(1, 2, status=Status.FAILED, error_code=30001, at=NOON + 2.5)
    assert read(StoredMessage(a_message(1), (sent, failed))) == {
        "sid": message_sid(1),
        "account_sid": ACCOUNT,
        "from": "+15005550006",
        "to": "+15017122661",
        "status": "failed",
        "error_code": 30001,
        "body": "Your code is 123456.",
        "octets": "",
        "encoding": "gsm7",
        "segments": 1,
        "direction": "outbound-api",
        "origin": "rest",
        "accepted_at": "2023-11-14T22:13:21.000Z",
        "expires_at": "2023-11-15T02:13:21.000Z",
        "transitions": [
            {
                "number": 1,
                "status": "sent",
                "at": "2023-11-14T22:13:21.000Z",
                "part": 1,
                "bind": "alpha/1",
                "carrier_id": "ff",
            },
            {
                "number": 2,
                "status": "failed",
                "at": "2023-11-14T22:13:22.500Z",
                "error_code": 30001,
            },
        ],
    }


def test_octets_are_base64() -> None:
    message = a_message(1, body="", encoding=Encoding.BINARY, octets=b"\x00\xff")
    assert read(StoredMessage(message))["octets"] == "AP8="


def test_line_break_in_a_text_breaks_no_line() -> None:
    assert read(StoredMessage(a_message(1, body="one\ntwo")))["body"] == "one\ntwo"


def test_message_without_transitions_stands_where_it_began() -> None:
    record = read(StoredMessage(a_message(1)))
    assert (record["status"], record["error_code"]) == ("queued", None)
