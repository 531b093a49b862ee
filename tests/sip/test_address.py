"""name-addr and addr-spec (RFC 3261 §20.10, §25.1)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sip.address import Address
from gateway.sip.errors import GrammarError, ValueRefused
from gateway.sip.grammar import split_list
from gateway.sip.uri import SipUri

BOB = SipUri("biloxi.com", "bob")


@pytest.mark.parametrize(
    ("value", "name", "parameters"),
    [
        ("<sip:bob@biloxi.com>", "", {}),
        ("sip:bob@biloxi.com", "", {}),
        ("sip:bob@biloxi.com;tag=a6c85cf", "", {"tag": "a6c85cf"}),
        ("Bob <sip:bob@biloxi.com>;tag=a6c85cf", "Bob", {"tag": "a6c85cf"}),
        ('"Bob, the \\"builder\\"" <sip:bob@biloxi.com>', 'Bob, the "builder"', {}),
        ('"<sip:eve@evil.com>" <sip:bob@biloxi.com>', "<sip:eve@evil.com>", {}),
        ("Bob  B.\tBuilder <sip:bob@biloxi.com>", "Bob B. Builder", {}),
        ("Bób <sip:bob@biloxi.com>", "Bób", {}),
        ('""<sip:bob@biloxi.com>', "", {}),
        ("<sip:bob@biloxi.com> ; TAG = x ; flag", "", {"tag": "x", "flag": None}),
        ('<sip:bob@biloxi.com>;a="x;y, \\"z"', "", {"a": '"x;y, \\"z"'}),
        ("<sip:bob@biloxi.com>;tag=a/b==", "", {"tag": "a/b=="}),
        ("<sip:bob@biloxi.com>;tag=1;tag=2", "", {"tag": "1"}),
    ],
)
def test_an_address_is_read(value: str, name: str, parameters: dict[str, str | None]) -> None:
    assert Address.parse(value) == Address(BOB, name, parameters)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "<>",
        "Bob",
        "<sip:bob@biloxi.com",
        "sip:bob@biloxi.com>",
        '"Bob <sip:bob@biloxi.com>',
        "Bob, B. <sip:bob@biloxi.com>",
        "< sip:bob@biloxi.com >",
        "<sip:bob@biloxi.com> Bob",
        "<sip:bob@biloxi.com>;",
        "<sip:bob@biloxi.com>;;tag=1",
        "<sip:bob@biloxi.com>;tag=",
        "<sip:bob@biloxi.com>;tag=a b",
        "<sip:bob@biloxi.com>, <sip:eve@biloxi.com>",
        "sip:bob@biloxi.com?Subject=x",
        "sip:bob@biloxi.com,",
    ],
)
def test_what_is_no_address_is_an_error(value: str) -> None:
    with pytest.raises(GrammarError):
        Address.parse(value)


def test_a_parameter_without_brackets_is_the_headers() -> None:
    """§20: and so the URI has none."""
    address = Address.parse("sip:+4930@biloxi.com;user=phone")
    assert (address.parameters, address.uri) == ({"user": "phone"}, SipUri("biloxi.com", "+4930"))


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=30))
def test_any_display_name_survives_its_quotes(name: str) -> None:
    address = Address(BOB, name, {"tag": "1"})
    assert Address.parse(str(address)) == address


def test_a_display_name_of_ours_cannot_end_its_line() -> None:
    with pytest.raises(ValueRefused):
        str(Address(BOB, "Bob\r\nEvil: 1"))


def test_a_list_is_split_outside_of_strings_and_brackets() -> None:
    value = '"Bob, B" <sip:a,b@biloxi.com>;x="1,2" , sip:bob@biloxi.com ,<sip:bob@biloxi.com>'
    addresses = [Address.parse(element) for element in split_list(value)]
    assert [address.display_name for address in addresses] == ["Bob, B", "", ""]
    assert addresses[0].uri == SipUri("biloxi.com", "a,b")


@pytest.mark.parametrize("value", ["<sip:a@b>,", ",<sip:a@b>", "<sip:a@b>,,<sip:a@b>", '"a, b'])
def test_a_list_with_an_empty_or_open_element_is_an_error(value: str) -> None:
    with pytest.raises(GrammarError):
        [Address.parse(element) for element in split_list(value)]


def test_a_tag_is_given() -> None:
    address = Address.parse("Bob <sip:bob@biloxi.com>;x=1").tagged("a6c85cf")
    assert str(address) == '"Bob" <sip:bob@biloxi.com>;x=1;tag=a6c85cf'
    assert address.tag == "a6c85cf"


@pytest.mark.parametrize(
    ("parameters", "expires_s"),
    [
        ("", None),
        (";expires=60", 60),
        (";expires=soon", 3_600),
        (";expires", 3_600),
        (";expires=4294967296", 3_600),
    ],
)
def test_a_malformed_expires_means_an_hour(parameters: str, expires_s: int | None) -> None:
    """§20.10"""
    assert Address.parse(f"<sip:bob@biloxi.com>{parameters}").expires_s == expires_s


@pytest.mark.parametrize(
    ("parameters", "q"), [("", 1.0), (";q=0.7", 0.7), (";q=1.000", 1.0), (";q=7", 1.0)]
)
def test_a_contact_has_a_preference(parameters: str, q: float) -> None:
    assert Address.parse(f"<sip:bob@biloxi.com>{parameters}").q == q
