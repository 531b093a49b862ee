import pytest

from gateway.errors import Refusal, Refused
from gateway.ingress.rest.form import Form
from gateway.ingress.rest.message_form import message_request, unix_time
from gateway.message import Origin
from gateway.messaging.admission import SendRequest
from tests.ingress.rest.builders import NOW, RECIPIENT, SENDER, a_form, an_account


def read(**changes: str) -> SendRequest:
    form = Form(a_form(**changes))
    return message_request(form, an_account())


def test_the_form_becomes_a_request_to_send() -> None:
    request = read(
        StatusCallback="https://example.com/status",
        ValidityPeriod="60",
        SendAt="2026-01-02T03:04:05Z",
        ScheduleType="fixed",
        SmartEncoded="true",
        TrafficType="free",
    )

    assert request == SendRequest(
        account=an_account(),
        sender=SENDER,
        recipient=RECIPIENT,
        body="hello",
        origin=Origin.REST,
        status_callback="https://example.com/status",
        validity_s=60.0,
        send_at=NOW,
        smart_encoded=True,
        traffic_type="free",
    )


def test_without_a_validity_period_the_account_decides() -> None:
    assert read().validity_s is None


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "https://example.com:8443/a/b?c=d#rc=3",
        "http://user:secret@[2606:4700::1]/",
    ],
)
def test_a_web_url_may_be_called_back(url: str) -> None:
    assert read(StatusCallback=url).status_callback == url


def test_a_private_url_may_be_called_back_where_that_is_allowed() -> None:
    url = "http://127.0.0.1:8090/webhook"
    form = Form(a_form(StatusCallback=url))
    assert message_request(form, an_account(), allow_private=True).status_callback == url


@pytest.mark.parametrize(
    "url",
    [
        "example.com/status",
        "//example.com",
        "ftp://example.com",
        "http://",
        "http:///path",
        "http://example.com:99999/",
        "http://example.com:0/",
        "http://[::1/",
        "http://exa mple.com/",
        "http://example.com/\n",
        "http://example.com/" + "x" * 4_096,
        "http://127.0.0.1:8090/webhook",
    ],
)
def test_anything_else_is_refused_with_21609(url: str) -> None:
    with pytest.raises(Refused) as refused:
        read(StatusCallback=url)

    assert refused.value.refusal is Refusal.STATUS_CALLBACK_INVALID


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"ScheduleType": "daily"}, Refusal.PARAMETER_INVALID),
        ({"SendAt": "2026-01-02T04:00:00Z"}, Refusal.PARAMETER_INVALID),
        ({"SendAt": "1970-01-01", "ScheduleType": "fixed"}, Refusal.SEND_AT_INVALID),
        ({"ValidityPeriod": "-1"}, Refusal.VALIDITY_OUT_OF_RANGE),
        ({"ValidityPeriod": "1" * 5_000}, Refusal.VALIDITY_OUT_OF_RANGE),
        ({"ValidityPeriod": "\u00b2"}, Refusal.VALIDITY_OUT_OF_RANGE),
        ({"TrafficType": "x" * 65}, Refusal.PARAMETER_INVALID),
        ({"SmartEncoded": "1"}, Refusal.PARAMETER_INVALID),
    ],
)
def test_a_value_that_cannot_be_is_refused(changes: dict[str, str], refusal: Refusal) -> None:
    with pytest.raises(Refused) as refused:
        read(**changes)

    assert refused.value.refusal is refusal


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-01-02T03:04:05Z", NOW),
        ("2026-01-02T03:04:05", NOW),
        ("2026-01-02T04:04:05+01:00", NOW),
        ("2026-01-02", NOW - 3 * 3_600 - 4 * 60 - 5),
        ("02.01.2026", None),
        ("", None),
    ],
)
def test_times_are_iso_8601_and_utc_by_default(text: str, instant: float | None) -> None:
    assert unix_time(text) == instant


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_the_ends_of_the_calendar_are_times(text: str) -> None:
    assert unix_time(text) is not None
