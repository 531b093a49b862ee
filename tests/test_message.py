"""The message, and what may become of it."""

from itertools import product
from typing import Any

import msgspec
import pytest

from gateway.message import (
    FINAL,
    TRANSITIONS,
    Direction,
    Message,
    Origin,
    Receipts,
    Status,
)
from tests.store.builders import a_message


def reachable(status: Status) -> set[Status]:
    """All that a message may still become, in any number of steps."""
    seen: set[Status] = set()
    ahead = [status]
    while ahead:
        for then in TRANSITIONS[ahead.pop()] - seen:
            seen.add(then)
            ahead.append(then)
    return seen


@pytest.mark.parametrize("status", Status)
def test_every_status_has_its_row(status: Status) -> None:
    assert status in TRANSITIONS


def test_final_states_are_those_that_nothing_follows() -> None:
    assert {
        Status.DELIVERED,
        Status.UNDELIVERED,
        Status.FAILED,
        Status.CANCELED,
        Status.RECEIVED,
    } == FINAL


@pytest.mark.parametrize(("status", "then"), list(product(sorted(FINAL), Status)))
def test_a_final_state_is_never_left(status: Status, then: Status) -> None:
    assert then not in TRANSITIONS[status]


@pytest.mark.parametrize("status", sorted(set(Status) - FINAL))
def test_every_other_state_leads_to_a_final_one(status: Status) -> None:
    assert reachable(status) & FINAL


def test_what_a_carrier_has_taken_cannot_fail_or_be_queued_again() -> None:
    assert TRANSITIONS[Status.SENT] == {Status.DELIVERED, Status.UNDELIVERED}


def test_only_what_no_carrier_may_have_is_canceled() -> None:
    may = [status for status in Status if Status.CANCELED in TRANSITIONS[status]]
    assert may == [Status.SCHEDULED, Status.QUEUED]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, Status.QUEUED),
        ({"send_at": 1_700_000_600.0}, Status.SCHEDULED),
        ({"direction": Direction.OUTBOUND_REPLY}, Status.QUEUED),
        ({"direction": Direction.INBOUND, "origin": Origin.CARRIER}, Status.RECEIVED),
    ],
)
def test_a_message_begins_where_its_kind_begins(changes: dict[str, Any], status: Status) -> None:
    assert a_message(**changes).initial_status is status


def test_receipts_wanted_are_the_bits_of_the_specification() -> None:
    assert [(wish.name, wish.value) for wish in Receipts] == [
        ("NONE", 0),
        ("ALL", 1),
        ("FAILURE", 2),
        ("SUCCESS", 3),
    ]


def test_a_message_never_changes() -> None:
    message = a_message()
    with pytest.raises(AttributeError):
        message.body = "other"  # type: ignore[misc]  # that it cannot be done is the claim


def test_a_message_is_read_back_from_what_is_stored() -> None:
    message = a_message(udh=b"\x05\x00\x03\x01\x02\x01", octets=b"\x00\xff", concat_ref=7)
    octets = msgspec.msgpack.encode(message)
    assert msgspec.msgpack.decode(octets, type=Message) == message
