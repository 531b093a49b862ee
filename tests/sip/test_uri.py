"""SIP URIs: what they hold, what is none, and which are the same (RFC 3261 §19.1)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sip.errors import GrammarError, ValueRefused
from gateway.sip.uri import URI_MAX, AbsoluteUri, SipUri, Uri, parse_uri


def sip(text: str) -> SipUri:
    uri = parse_uri(text)
    assert isinstance(uri, SipUri)
    return uri


users = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


def test_each_part_is_read() -> None:
    uri = sip("sips:alice:secret@[2001:db8::1]:5061;transport=TCP;lr?Subject=hi&Priority=urgent")
    assert (uri.scheme, uri.user, uri.password) == ("sips", "alice", "secret")
    assert (uri.host, uri.address, uri.port) == ("[2001:db8::1]", "2001:db8::1", 5061)
    assert (uri.transport, uri.is_loose_router) == ("tcp", True)
    assert uri.headers == (("Subject", "hi"), ("Priority", "urgent"))


@pytest.mark.parametrize(
    "text",
    [
        "sip:alice@atlanta.com",
        "sip:alice:secretword@atlanta.com;transport=tcp",
        "sips:alice@atlanta.com?subject=project%20x&priority=urgent",
        "sip:+1-212-555-1212:1234@gateway.com;user=phone",
        "sips:1212@gateway.com",
        "sip:alice@192.0.2.4",
        "sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com",
        "sip:alice;day=tuesday@atlanta.com",
        "sip:carrier1",
        "sip:_sip-gw_2.local:5080",
        "sip:*21%23@192.0.2.4",
        "sip:a@[::ffff:192.0.2.4]",
    ],
)
def test_a_uri_is_written_as_it_is_read(text: str) -> None:
    """§19.1.3, and hosts as they are named in practice."""
    assert str(parse_uri(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "sip:",
        "sip:alice@",
        "sip:@atlanta.com",
        "sip:alice@atlanta.com:",
        "sip:alice@atlanta.com:0",
        "sip:alice@atlanta.com:65536",
        "sip:alice@atlanta.com:\u0665\u0660\u0666\u0660",
        "sip:al ice@atlanta.com",
        "sip:alice@[2001:db8::g]",
        "sip:alice@[1:2:3]",
        "sip:alice@2001:db8::1",
        "sip:alice%4@atlanta.com",
        "sip:alice@atlanta.com;lr;LR",
        "sip:alice@atlanta.com;",
        "sip:alice@atlanta.com;lr=",
        "sip:alice@atlanta.com?",
        "sip:alice@atlanta.com\n",
        "alice@atlanta.com",
        "<sip:alice@atlanta.com>",
        "sip:a@" + "b" * URI_MAX,
    ],
)
def test_what_is_no_uri_is_an_error(text: str) -> None:
    with pytest.raises(GrammarError):
        parse_uri(text)


def test_a_uri_of_another_scheme_is_kept() -> None:
    uri = parse_uri("ISBN:2983792873")
    assert uri == AbsoluteUri("isbn", "2983792873")
    assert str(uri) == "isbn:2983792873"
    assert uri.matches(AbsoluteUri("isbn", "2983792873"))


# §19.1.4: the examples, and what they leave out.
SAME = [
    ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
    ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
    ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5"),
    (
        "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
        "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
    ),
    (
        "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
        "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
    ),
    ("sip:a@[2001:DB8:0:0::1]", "sip:a@[2001:db8::1]"),
    ("sip:a@h;%6Cr", "sip:a@h;lr"),
]
DIFFERENT = [
    ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
    ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
    ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
    ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
    ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
    ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
    ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
    ("sip:a@h", "sips:a@h"),
    ("sip:a@h", "sip:h"),
    ("sip:a@h", "sip:a:b@h"),
    ("sip:a%3Bb@h", "sip:a;b@h"),
    ("sip:a@h;maddr=192.0.2.1", "sip:a@h"),
    ("sip:a@h", "tel:+4930123"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_these_are_the_same(one: str, other: str) -> None:
    assert parse_uri(one).matches(parse_uri(other))
    assert parse_uri(other).matches(parse_uri(one))


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_these_are_not_the_same(one: str, other: str) -> None:
    assert not parse_uri(one).matches(parse_uri(other))
    assert not parse_uri(other).matches(parse_uri(one))


@given(users)
def test_any_user_name_survives_its_escapes(username: str) -> None:
    uri = SipUri.of_username(username, "example.com", 5060, transport="tcp")
    again = sip(str(uri))
    assert again == uri
    assert again.username == username


def test_a_uri_of_ours_cannot_end_its_line() -> None:
    with pytest.raises(ValueRefused):
        str(SipUri("example.com\r\nEvil: 1"))
    with pytest.raises(ValueRefused):
        str(AbsoluteUri("urn", "x\nEvil: 1"))


# Telephone numbers in the user part (§19.1.6)


def test_e164_becomes_a_sip_uri_and_comes_back() -> None:
    uri = SipUri.of_e164("+4930901820", "sbc.example.net")
    assert str(uri) == "sip:+4930901820@sbc.example.net;user=phone"
    assert sip(str(uri)).e164 == "+4930901820"


@pytest.mark.parametrize("number", ["4930901820", "+0301234", "+", "+1234567890123456", "+49\r\n"])
def test_what_is_not_e164_becomes_no_uri(number: str) -> None:
    with pytest.raises(ValueRefused):
        SipUri.of_e164(number, "sbc.example.net")


@pytest.mark.parametrize(
    ("text", "e164"),
    [
        ("sip:+49-30-901820@h", "+4930901820"),
        ("sip:%2B4930901820@h;user=phone", "+4930901820"),
        ("sip:+4930901820;phone-context=example.com@h;user=phone", "+4930901820"),
        ("sip:030901820;phone-context=+49@h;user=phone", None),
        ("sip:030901820@h;user=phone", None),
        ("sip:4930901820@h", None),
        ("sip:alice@h", None),
        ("sip:+49alice@h", None),
        ("sip:h", None),
    ],
)
def test_e164_is_read_only_where_it_is_meant(text: str, e164: str | None) -> None:
    assert sip(text).e164 == e164


def test_a_local_number_tells_its_context() -> None:
    telephone = sip("sip:030901820;phone-context=+49@h;user=phone").telephone
    assert telephone is not None
    assert (telephone.number, telephone.phone_context) == ("030901820", "+49")


uris: st.SearchStrategy[Uri] = st.sampled_from(
    [parse_uri(text) for pair in SAME + DIFFERENT for text in pair]
)


@given(uris, uris)
def test_a_comparison_does_not_depend_on_the_order(one: Uri, other: Uri) -> None:
    assert one.matches(other) == other.matches(one)
    assert one.matches(one)
