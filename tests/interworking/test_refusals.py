"""Every refusal has its words in both protocols."""

import pytest

from gateway.errors import Refusal
from gateway.interworking.refusals import ANSWERS
from gateway.smpp.constants import CommandStatus


@pytest.mark.parametrize("refusal", Refusal)
def test_a_refusal_has_a_row(refusal: Refusal) -> None:
    assert refusal in ANSWERS


@pytest.mark.parametrize("refusal", Refusal)
def test_no_refusal_is_answered_as_a_success(refusal: Refusal) -> None:
    answer = ANSWERS[refusal]
    assert answer.http_status >= 400
    assert answer.command_status is not CommandStatus.ESME_ROK


@pytest.mark.parametrize(
    ("refusal", "code", "http_status"),
    [
        (Refusal.AUTHENTICATION_FAILED, 20003, 401),
        (Refusal.NOT_FOUND, 20404, 404),
        (Refusal.TOO_MANY_REQUESTS, 20429, 429),
        (Refusal.STORE_UNAVAILABLE, 20503, 503),
        (Refusal.TO_INVALID, 21211, 400),
        (Refusal.FROM_INVALID, 21212, 400),
        (Refusal.REGION_NOT_ENABLED, 21408, 400),
        (Refusal.BODY_MISSING, 21602, 400),
        (Refusal.FROM_MISSING, 21603, 400),
        (Refusal.TO_MISSING, 21604, 400),
        (Refusal.FROM_NOT_OWNED, 21606, 400),
        (Refusal.STATUS_CALLBACK_INVALID, 21609, 400),
        (Refusal.OPTED_OUT, 21610, 400),
        (Refusal.QUEUE_FULL, 21611, 400),
        (Refusal.NO_ROUTE, 21612, 400),
        (Refusal.TO_NOT_MOBILE, 21614, 400),
        (Refusal.BODY_TOO_LONG, 21617, 400),
        (Refusal.VALIDITY_OUT_OF_RANGE, 21624, 400),
        (Refusal.TOLL_FREE_NOT_VERIFIED, 30032, 400),
        (Refusal.CAMPAIGN_SUSPENDED, 30033, 400),
        (Refusal.SENDER_NOT_REGISTERED, 30034, 400),
        (Refusal.IDEMPOTENCY_KEY_INVALID, 20001, 400),
        (Refusal.IDEMPOTENCY_KEY_REUSED, 20422, 422),
        (Refusal.IDEMPOTENCY_KEY_IN_USE, 20409, 409),
        (Refusal.NOT_CANCELABLE, 30409, 400),
        (Refusal.SEND_AT_MISSING, 35111, 400),
        (Refusal.SEND_AT_INVALID, 35117, 400),
    ],
)
def test_rest_says_what_twilio_says(refusal: Refusal, code: int, http_status: int) -> None:
    assert (ANSWERS[refusal].code, ANSWERS[refusal].http_status) == (code, http_status)


@pytest.mark.parametrize(
    ("refusal", "command_status"),
    [
        (Refusal.TOO_MANY_REQUESTS, 0x58),
        (Refusal.QUEUE_FULL, 0x14),
        (Refusal.STORE_UNAVAILABLE, 0x08),
        (Refusal.TO_INVALID, 0x0B),
        (Refusal.FROM_NOT_OWNED, 0x0A),
        (Refusal.SENDER_NOT_REGISTERED, 0x0A),
        (Refusal.BODY_TOO_LONG, 0x01),
        (Refusal.VALIDITY_OUT_OF_RANGE, 0x62),
        (Refusal.SEND_AT_INVALID, 0x61),
        (Refusal.OPTED_OUT, 0x45),
        (Refusal.IDEMPOTENCY_KEY_INVALID, 0xC2),
        (Refusal.IDEMPOTENCY_KEY_REUSED, 0xC4),
    ],
)
def test_smpp_says_what_the_specification_says(refusal: Refusal, command_status: int) -> None:
    assert ANSWERS[refusal].command_status == command_status


@pytest.mark.parametrize(
    ("status", "refusals"),
    [
        (
            CommandStatus.ESME_RTHROTTLED,
            [Refusal.TOO_MANY_REQUESTS, Refusal.IDEMPOTENCY_KEY_IN_USE],
        ),
        (CommandStatus.ESME_RMSGQFUL, [Refusal.QUEUE_FULL]),
        (CommandStatus.ESME_RSYSERR, [Refusal.STORE_UNAVAILABLE]),
    ],
)
def test_the_three_kinds_of_overload_are_not_mixed(
    status: CommandStatus, refusals: list[Refusal]
) -> None:
    assert [each for each in Refusal if ANSWERS[each].command_status is status] == refusals
