"""Accounts, and how fast their senders may send."""

import msgspec
import pytest

from gateway.account import (
    DEFAULT_MAX_QUEUE_S,
    LIMIT_MAX_QUEUE_S,
    MPS_BY_SENDER_TYPE,
    Account,
    Registration,
    Sender,
    SenderType,
)


@pytest.mark.parametrize(
    ("sender_type", "mps"),
    [
        (SenderType.SHORT_CODE, 100),
        (SenderType.TOLL_FREE, 3),
        (SenderType.LONG_CODE, 1),
        (SenderType.ALPHANUMERIC, 10),
    ],
)
def test_a_sender_has_the_rate_of_its_type(sender_type: SenderType, mps: float) -> None:
    assert Sender("+15005550006", sender_type).segments_per_second == mps


@pytest.mark.parametrize(
    ("score", "mps"),
    [(None, 3.75), (0, 3.75), (1, 12), (49, 12), (50, 120), (74, 120), (75, 225), (100, 225)],
)
def test_a_10dlc_number_has_the_rate_of_its_trust_score(score: int | None, mps: float) -> None:
    sender = Sender("+15005550006", SenderType.TEN_DLC, trust_score=score)
    assert sender.segments_per_second == mps


@pytest.mark.parametrize("sender_type", SenderType)
def test_a_configured_rate_goes_before_that_of_the_type(sender_type: SenderType) -> None:
    assert Sender("55501", sender_type, mps=0.5, trust_score=80).segments_per_second == 0.5


def test_every_type_has_a_rate() -> None:
    assert set(MPS_BY_SENDER_TYPE) | {SenderType.TEN_DLC} == set(SenderType)


def test_a_queue_holds_four_hours_and_never_more_than_ten() -> None:
    assert (DEFAULT_MAX_QUEUE_S, LIMIT_MAX_QUEUE_S) == (4 * 3600, 10 * 3600)
    assert Account("AC" + "0" * 32, "0" * 32).max_queue_s == DEFAULT_MAX_QUEUE_S


def test_a_sender_is_registered_unless_it_is_said_otherwise() -> None:
    assert Sender("55501", SenderType.SHORT_CODE).registration is Registration.REGISTERED


def test_a_key_that_is_mistyped_is_not_passed_over() -> None:
    with pytest.raises(msgspec.ValidationError, match="mpss"):
        msgspec.convert({"address": "55501", "type": "short_code", "mpss": 3}, Sender)
