"""Signatures, checked by Twilio's own validator."""

import base64
import hmac

from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict
from twilio.request_validator import (
    RequestValidator,
)

from gateway.webhooks.signature import signature

TOKEN = "12345"
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"


def is_valid(url: str, fields: list[tuple[str, str]], signed: str) -> bool:
    return bool(RequestValidator(TOKEN).validate(url, MultiDict(fields), signed))


def test_form_is_signed_as_twilio_signs_it() -> None:
    fields = [("To", "+18005551212"), ("CallSid", "CA1"), ("From", "+14158675309")]
    assert is_valid(URL, fields, signature(TOKEN, URL, fields))


def test_twilios_published_example_has_its_published_signature() -> None:
    fields = [
        ("CallSid", "CA1234567890ABCDE"),
        ("Caller", "+14158675309"),
        ("Digits", "1234"),
        ("From", "+14158675309"),
        ("To", "+18005551212"),
    ]
    assert signature(TOKEN, URL, fields) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


def test_get_is_signed_by_its_url_alone() -> None:
    assert is_valid(URL, [], signature(TOKEN, URL))


def test_values_of_a_repeated_key_are_sorted_and_counted_once() -> None:
    fields = [("MediaUrl", "b"), ("MediaUrl", "a"), ("MediaUrl", "b")]
    assert is_valid(URL, fields, signature(TOKEN, URL, fields))


def test_another_token_makes_another_signature() -> None:
    assert not is_valid(URL, [], signature("54321", URL))


@given(st.lists(st.tuples(st.text(min_size=1), st.text())))
def test_any_form_is_valid_to_twilios_validator(fields: list[tuple[str, str]]) -> None:
    encodable = [
        (key.encode("utf-8", "replace").decode(), value.encode("utf-8", "replace").decode())
        for key, value in fields
    ]
    assert is_valid(URL, encodable, signature(TOKEN, URL, encodable))


@given(st.text(max_size=200), st.text())
def test_signature_is_the_hmac_of_the_standard_library(token: str, text: str) -> None:
    digest = hmac.digest(token.encode(), text.encode(), "sha1")
    assert signature(token, text) == base64.b64encode(digest).decode()
