"""Requests as they go over the wire."""

from urllib.parse import parse_qs, urlencode, urlsplit

from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import (
    RequestValidator,
)

from gateway.webhooks.destination import FailureKind, Overrides, parse_destination
from gateway.webhooks.request import Failure, WebhookRequest, form, signed_request
from tests.messaging.webhook_world import TOKEN, fields_of

FIELDS = [("Body", "caf\u00e9 & more + \U0001f600"), ("Empty", "")]


def a_request(url: str, method: str = "POST") -> WebhookRequest:
    return signed_request(parse_destination(url), method, FIELDS, TOKEN, "SM1-1")


def test_post_carries_the_fields_as_a_form() -> None:
    assert fields_of(a_request("https://example.com/")) == dict(FIELDS)


def test_post_is_valid_to_twilios_validator() -> None:
    request = a_request("https://example.com/a?b=c")
    signed = request.headers["X-Twilio-Signature"]
    assert RequestValidator(TOKEN).validate("https://example.com/a?b=c", dict(FIELDS), signed)


def test_get_adds_the_fields_to_the_query() -> None:
    query = urlsplit(a_request("https://example.com/a?b=c", "GET").url).query
    assert parse_qs(query, keep_blank_values=True) == {
        "b": ["c"],
        **{key: [value] for key, value in FIELDS},
    }


def test_get_is_valid_to_twilios_validator() -> None:
    request = a_request("https://example.com/a", "GET")
    signed = request.headers["X-Twilio-Signature"]
    assert RequestValidator(TOKEN).validate(request.url, {}, signed)


def test_credentials_of_the_url_go_into_the_header_only() -> None:
    request = a_request("https://user:pass@example.com/")
    assert request.headers["Authorization"] == "Basic dXNlcjpwYXNz"
    assert request.url == "https://example.com/"


def test_overrides_go_with_the_request() -> None:
    request = a_request("https://example.com/#ct=1500&rt=2500&tt=3500")
    assert request.overrides == Overrides(connect_ms=1_500, read_ms=2_500, total_ms=3_500)


def test_failure_prints_its_code_first() -> None:
    assert str(Failure(FailureKind.CONNECT, 11205, "cannot connect")) == "11205 cannot connect"


@given(st.lists(st.tuples(st.text(), st.text() | st.from_regex(r"\A\+?[0-9]{0,15}\Z"))))
def test_form_is_that_of_the_standard_library(fields: list[tuple[str, str]]) -> None:
    assert form(fields) == urlencode(fields)
