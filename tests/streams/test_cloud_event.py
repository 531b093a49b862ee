"""Events of the stream as CloudEvents."""

import json
from typing import Any

from gateway.clock import message_sid
from gateway.message import Direction, Status
from gateway.store.interface import StreamEvent
from gateway.streams.cloud_event import encode, encode_batch
from tests.store.builders import ACCOUNT, NOON, a_message
from tests.streams.builders import SOURCE, an_event

SID = message_sid(1)


def read(event: StreamEvent) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(encode(event, SOURCE))
    return found


def test_delivered_message_is_an_event_with_all_its_attributes() -> None:
    event = an_event(
        1,
        3,
        status=Status.DELIVERED,
        at=NOON + 3.25,
        bind="alpha/1",
        carrier_status="DELIVRD",
        carrier_error="000",
    )
    assert read(event) == {
        "specversion": "1.0",
        "id": f"{SID}-3",
        "source": SOURCE,
        "type": "org.supernet.message.delivered",
        "subject": SID,
        "time": "2023-11-14T22:13:23.250Z",
        "datacontenttype": "application/json",
        "data": {
            "account_sid": ACCOUNT,
            "from": "+15005550006",
            "to": "+15017122661",
            "direction": "outbound-api",
            "status": "delivered",
            "number": 3,
            "error_code": None,
            "segments": 1,
            "bind": "alpha/1",
            "carrier_status": "DELIVRD",
            "carrier_error": "000",
            "accepted_at": "2023-11-14T22:13:21.000Z",
        },
    }


def test_acceptance_is_event_0_at_its_own_time() -> None:
    event = read(an_event(1))
    assert event["id"] == f"{SID}-0"
    assert event["type"] == "org.supernet.message.accepted"
    assert event["time"] == event["data"]["accepted_at"]


def test_failure_has_its_error_code() -> None:
    event = read(an_event(1, 2, status=Status.FAILED, error_code=30001))
    assert event["data"]["error_code"] == 30001


def test_message_from_a_handset_says_so() -> None:
    event = StreamEvent(a_message(1, direction=Direction.INBOUND))
    assert read(event)["data"]["direction"] == "inbound"


def test_text_of_the_message_is_never_told() -> None:
    assert a_message(1).body.encode() not in encode(an_event(1, 1), SOURCE)


def test_same_event_is_the_same_octets() -> None:
    assert encode(an_event(7, 2), SOURCE) == encode(an_event(7, 2), SOURCE)


def test_batch_is_an_array_in_order() -> None:
    batch = json.loads(encode_batch([an_event(1), an_event(2)], SOURCE))
    assert [event["subject"] for event in batch] == [message_sid(1), message_sid(2)]
