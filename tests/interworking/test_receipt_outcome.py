"""What receipts mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.interworking.receipt_outcome import ReceiptOutcome, outcome
from gateway.message import Status
from gateway.smpp.constants import MessageState
from routing.events import Fault


def undelivered(error_code: int, fault: Fault | None = None) -> ReceiptOutcome:
    return ReceiptOutcome(Status.UNDELIVERED, error_code, fault)


DELIVERED = ReceiptOutcome(Status.DELIVERED)
INTERMEDIATE = ReceiptOutcome(None)


@pytest.mark.parametrize(
    ("stat", "number", "expected"),
    [
        ("SCHEDULED", 0, INTERMEDIATE),
        ("ENROUTE", 1, INTERMEDIATE),
        ("DELIVRD", 2, DELIVERED),
        ("EXPIRED", 3, undelivered(30003)),
        ("DELETED", 4, undelivered(30008)),
        ("UNDELIV", 5, undelivered(30008)),
        ("ACCEPTD", 6, INTERMEDIATE),
        ("UNKNOWN", 7, undelivered(30008)),
        ("REJECTD", 8, undelivered(30007)),
        ("SKIPPED", 9, undelivered(30008)),
    ],
)
def test_a_state_means_the_same_as_text_and_as_number(
    stat: str, number: int, expected: ReceiptOutcome
) -> None:
    assert outcome(stat) == outcome(number) == expected


def test_rcp_3_every_message_state_of_the_specification_is_read() -> None:
    final = {state for state in MessageState if outcome(state).status is not None}
    assert set(MessageState) - final == {
        MessageState.SCHEDULED,
        MessageState.ENROUTE,
        MessageState.ACCEPTED,
    }


@pytest.mark.parametrize("stat", ["delivrd", " DELIVRD ", "Delivered"])
def test_rcp_3_a_stat_is_read_in_any_case_and_spelling(stat: str) -> None:
    assert outcome(stat) == DELIVERED


@pytest.mark.parametrize("state", ["", "BUFFRED", "DELIVRD?", 10, 255, -1])
def test_rcp_3_a_state_that_nobody_knows_ends_nothing(state: str | int) -> None:
    assert outcome(state, "001") == INTERMEDIATE


@pytest.mark.parametrize(
    ("err", "error_code"),
    [
        ("001", 30005),
        ("005", 30005),
        ("6", 30003),
        ("27", 30003),
        (" 031 ", 30003),
        ("00032", 30003),
        ("011", 30006),
        ("021", 30006),
        ("013", 30004),
    ],
)
def test_an_error_of_the_network_says_why(err: str, error_code: int) -> None:
    assert outcome("UNDELIV", err) == undelivered(error_code, Fault.NUMBER)


@pytest.mark.parametrize("err", ["", "000", "034", "999", "A1", "\N{SUPERSCRIPT TWO}", "9" * 5_000])
def test_an_error_that_is_not_understood_is_unknown(err: str) -> None:
    assert outcome("UNDELIV", err) == undelivered(30008)


def test_the_error_says_more_than_the_state() -> None:
    assert outcome("REJECTD", "001") == undelivered(30005, Fault.NUMBER)


def test_an_error_beside_a_delivery_is_ignored() -> None:
    assert outcome("DELIVRD", "001") == DELIVERED


@given(st.text() | st.integers(), st.text())
def test_any_state_and_error_are_read(state: str | int, err: str) -> None:
    assert outcome(state, err).status in {None, Status.DELIVERED, Status.UNDELIVERED}
