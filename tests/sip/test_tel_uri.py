"""tel URIs (RFC 3966)."""

from __future__ import annotations

import pytest

from gateway.sip.errors import GrammarError, ValueRefused
from gateway.sip.tel_uri import TelUri
from gateway.sip.uri import parse_uri


def tel(text: str) -> TelUri:
    uri = parse_uri(text)
    assert isinstance(uri, TelUri)
    return uri


def test_separators_are_left_out() -> None:
    assert tel("tel:+1-201-(555).0123").number == "+12015550123"
    assert tel("TEL:+1-201-555-0123").e164 == "+12015550123"
    assert tel("TEL:+1-201-555-0123").scheme == "tel"


def test_a_local_number_has_a_context_and_no_e164() -> None:
    uri = tel("tel:863-1234;phone-context=+1-914-555")
    assert (uri.number, uri.phone_context, uri.e164) == ("8631234", "+1-914-555", None)


def test_keys_of_the_keypad_are_digits_of_a_local_number() -> None:
    assert tel("tel:*21#;phone-context=example.com").number == "*21#"


def test_parameters_are_written_in_their_order() -> None:
    """§3"""
    uri = tel("tel:1234;zeta=1;alpha;ext=5;phone-context=example.com")
    assert str(uri) == "tel:1234;ext=5;phone-context=example.com;alpha;zeta=1"
    assert uri.extension == "5"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("tel:+1-201-555-0123", "tel:+12015550123"),
        ("tel:1234;phone-context=+1-914;a=b;c", "tel:12-34;A=B;phone-context=+1914;C"),
        ("tel:7042;phone-context=Example.com", "tel:7042;phone-context=example.COM"),
    ],
)
def test_these_are_the_same(one: str, other: str) -> None:
    assert tel(one).matches(tel(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("tel:+12015550123", "tel:12015550123;phone-context=example.com"),
        ("tel:7042;phone-context=example.com", "tel:7042;phone-context=example.net"),
        ("tel:7042;phone-context=a-b.com", "tel:7042;phone-context=ab.com"),
        ("tel:+12015550123", "tel:+12015550123;ext=5"),
        ("tel:+12015550123", "sip:+12015550123@h;user=phone"),
    ],
)
def test_these_are_not_the_same(one: str, other: str) -> None:
    assert not tel(one).matches(parse_uri(other))


@pytest.mark.parametrize(
    "text",
    ["tel:", "tel:+", "tel:+-", "tel:-", "tel:hello", "tel:+49a", "tel:+49;a;A", "tel:+49;a="],
)
def test_what_is_no_number_is_an_error(text: str) -> None:
    with pytest.raises(GrammarError):
        parse_uri(text)


def test_of_e164_takes_no_other() -> None:
    assert str(TelUri.of_e164("+4930901820")) == "tel:+4930901820"
    with pytest.raises(ValueRefused):
        TelUri.of_e164("030901820")
