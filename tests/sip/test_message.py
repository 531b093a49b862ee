"""Requests and responses: their views, what is made of them, and their octets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sip.address import Address
from gateway.sip.cseq import CSeq
from gateway.sip.errors import GrammarError, ValueRefused
from gateway.sip.headers import Headers
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.parser import parse
from gateway.sip.uri import SipUri
from gateway.sip.via import Via
from tests.sip.messages import octets, request


def invite(**more: str) -> SipRequest:
    return SipRequest.make(
        "INVITE",
        SipUri("biloxi.com", "bob"),
        via=Via("UDP", "192.0.2.1", 5060, {"branch": "z9hG4bK1"}),
        from_=Address(SipUri("atlanta.com", "alice"), "Alice", {"tag": "1928301774"}),
        to="<sip:bob@biloxi.com>",
        call_id="a84b4c76e66710",
        cseq=314159,
        contact="<sip:alice@192.0.2.1>",
        routes=["<sip:p1.atlanta.com;lr>", "<sip:p2.atlanta.com;lr>"],
        **more,  # type: ignore[arg-type]
    )


# Views


def test_a_request_that_is_made_has_its_views() -> None:
    made = invite()
    assert (made.branch, made.cseq, made.call_id) == (
        "z9hG4bK1",
        (314159, "INVITE"),
        "a84b4c76e66710",
    )
    assert (made.from_tag, made.to_tag, made.max_forwards) == ("1928301774", None, 70)
    assert made.contact == Address(SipUri("192.0.2.1", "alice"))
    assert [str(route.uri) for route in made.routes] == [
        "sip:p1.atlanta.com;lr",
        "sip:p2.atlanta.com;lr",
    ]
    assert made.request_uri == SipUri("biloxi.com", "bob")


def test_a_view_is_read_once() -> None:
    made = invite()
    assert made.via is made.via
    assert made.from_ is made.from_
    assert made.contacts is made.contacts


def test_several_contacts_come_in_their_order() -> None:
    register = request(
        'Contact: "A" <sip:a@h>;q=0.7;expires=60, <sip:b@h>', "m: sip:c@h", method="REGISTER"
    )
    assert [(contact.q, contact.expires_s) for contact in register.contacts] == [
        (0.7, 60),
        (1.0, None),
        (1.0, None),
    ]
    assert not register.contact_is_star


def test_a_star_is_no_contact() -> None:
    register = request("Contact: *", "Expires: 0", method="REGISTER")
    assert (register.contact_is_star, register.contacts, register.contact) == (True, (), None)


def test_a_star_beside_a_contact_is_an_error() -> None:
    register = request("Contact: *, <sip:a@h>", method="REGISTER")
    with pytest.raises(GrammarError):
        assert register.contacts


def test_a_content_type_is_compared_without_its_parameters() -> None:
    assert request("c: Application/SDP ;charset=utf-8").content_type == "application/sdp"
    assert request().content_type is None


@pytest.mark.parametrize("value", ["-1", "", "1 2", "0x10", "\u0665", "4294967296", "9" * 30])
def test_a_number_that_is_none_is_an_error(value: str) -> None:
    with pytest.raises(GrammarError):
        request(f"RSeq: {value}").integer("RSeq")


def test_a_cseq_is_written_as_it_is_read() -> None:
    assert CSeq.parse(str(CSeq(314159, "INVITE"))) == (314159, "INVITE")


def test_option_tags_are_compared_in_lower_case() -> None:
    assert request("Supported: 100rel , Timer", "k:").options("Supported") == {"100rel", "timer"}


# Octets


def test_a_request_is_written_with_its_length() -> None:
    made = invite(body=b"v=0\r\n", content_type="application/sdp")  # type: ignore[arg-type]
    assert made.to_bytes() == (
        b"INVITE sip:bob@biloxi.com SIP/2.0\r\n"
        b"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\n"
        b"Route: <sip:p1.atlanta.com;lr>\r\n"
        b"Route: <sip:p2.atlanta.com;lr>\r\n"
        b"Max-Forwards: 70\r\n"
        b'From: "Alice" <sip:alice@atlanta.com>;tag=1928301774\r\n'
        b"To: <sip:bob@biloxi.com>\r\n"
        b"Call-ID: a84b4c76e66710\r\n"
        b"CSeq: 314159 INVITE\r\n"
        b"Contact: <sip:alice@192.0.2.1>\r\n"
        b"Content-Type: application/sdp\r\n"
        b"Content-Length: 5\r\n"
        b"\r\n"
        b"v=0\r\n"
    )


def test_what_is_written_is_what_is_read() -> None:
    made = invite()
    again = parse(made.to_bytes())
    assert isinstance(again, SipRequest)
    assert again.with_headers(again.headers.without("Content-Length")) == made
    assert again != made


values = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=40)


@given(values, values, st.binary(max_size=80))
def test_any_value_of_ours_is_read_as_it_is_written(name: str, value: str, body: bytes) -> None:
    """But for the space around it, which belongs to no value (§7.3.1)."""
    made = SipRequest.make(
        "MESSAGE",
        SipUri.of_username(name or "a", "biloxi.com"),
        via="SIP/2.0/UDP h;branch=z9hG4bK1",
        from_=Address(SipUri("atlanta.com"), name, {"tag": "1"}),
        to="<sip:bob@biloxi.com>",
        call_id="1",
        cseq=1,
        headers=[("X-Any", value), ("Subject", name)],
        body=body,
    )
    again = parse(made.to_bytes())
    assert isinstance(again, SipRequest)
    assert (again.from_, again.request_uri, again.body) == (made.from_, made.request_uri, body)
    assert again.headers.get("X-Any") == value.strip(" \t")


def test_a_length_of_the_callers_is_not_believed() -> None:
    made = SipRequest("OPTIONS", "sip:h", Headers([("l", "999")]), b"abc")
    assert made.to_bytes().count(b"Content-Length") == 1
    assert b"Content-Length: 3\r\n" in made.to_bytes()


def test_octets_that_are_no_utf_8_come_out_as_they_went_in() -> None:
    wire = octets(
        "Via: SIP/2.0/UDP h;branch=z9hG4bK1",
        "From: <sip:a@h>;tag=1",
        "To: <sip:b@h>",
        "Call-ID: 1",
        "CSeq: 1 OPTIONS",
        "X-Latin: Gr\u00fc\u00dfe",
        "Content-Length: 0",
    ).replace("Gr\u00fc\u00dfe".encode(), "Gr\u00fc\u00dfe".encode("latin-1"))
    assert parse(wire).to_bytes() == wire


@pytest.mark.parametrize(
    "fields",
    [
        {"method": "INVITE sip:x SIP/2.0\r\nX"},
        {"uri": "sip:bob@biloxi.com SIP/2.0\r\nEvil: 1"},
        {"uri": "sip:bob @biloxi.com"},
        {"uri": ""},
        {"call_id": "1\r\nEvil: 1"},
        {"to": "<sip:bob@biloxi.com>\r\nEvil: 1"},
        {"contact": "<sip:a@h>\nEvil: 1"},
        {"content_type": "text/plain\rEvil: 1"},
        {"via": "SIP/2.0/UDP h\r\nEvil: 1"},
    ],
)
def test_no_value_of_ours_can_end_its_line(fields: dict[str, str]) -> None:
    valid = {"method": "INVITE", "uri": "sip:b@h", "to": "<sip:b@h>", "call_id": "1"}
    with pytest.raises(ValueRefused):
        SipRequest.make(from_="<sip:a@h>;tag=1", cseq=1, **(valid | fields))  # type: ignore[arg-type]


def test_no_reason_of_ours_can_end_its_line() -> None:
    with pytest.raises(ValueRefused):
        invite().response(486, "Busy\r\nEvil: 1")


# Vias


def test_the_source_is_written_into_the_top_via_alone() -> None:
    both = request("Via: SIP/2.0/UDP b, SIP/2.0/UDP c").received_from("192.0.2.9", 40_000)
    assert [str(via) for via in both.vias] == [
        "SIP/2.0/TCP pc33.atlanta.com;branch=z9hG4bK776asdhds;received=192.0.2.9",
        "SIP/2.0/UDP b",
        "SIP/2.0/UDP c",
    ]
    assert both.via.received == "192.0.2.9"


def test_the_source_is_written_into_the_first_of_a_line() -> None:
    line = "Via: SIP/2.0/UDP b;branch=z9hG4bK1, SIP/2.0/UDP c"
    wire = octets(line, "From: <sip:a@h>", "To: <sip:b@h>", "Call-ID: 1", "CSeq: 1 OPTIONS")
    read = parse(wire)
    assert isinstance(read, SipRequest)
    marked = read.received_from("192.0.2.9", 1)
    assert [via.received for via in marked.vias] == ["192.0.2.9", None]
    assert parse(marked.to_bytes()).vias == marked.vias


def test_a_source_that_needs_no_mark_leaves_the_request_as_it_is() -> None:
    made = invite()
    assert made.received_from("192.0.2.1", 5060) is made


# Responses (§8.2.6)


def test_a_response_has_what_the_request_had() -> None:
    ringing = request("Via: SIP/2.0/UDP b", "Timestamp: 54").response(180, to_tag="a6c85cf")
    assert [name for name, _ in ringing.headers] == ["Via", "Via", "From", "To", "Call-ID", "CSeq"]
    assert (ringing.status, ringing.reason, ringing.to_tag) == (180, "Ringing", "a6c85cf")
    assert ringing.headers.get("To") == "Bob <sip:bob@biloxi.com>;tag=a6c85cf"
    assert ringing.provisional


def test_a_tag_that_is_there_is_kept() -> None:
    within = request().response(180, to_tag="mine")
    again = SipRequest("BYE", "sip:h", within.headers).response(200, to_tag="other")
    assert again.to_tag == "mine"


def test_100_carries_the_timestamp_back() -> None:
    """§8.2.6.1"""
    assert request("Timestamp: 54").response(100).headers.get("Timestamp") == "54"


@pytest.mark.parametrize(("status", "routes"), [(100, 0), (180, 2), (200, 2), (302, 0), (486, 0)])
def test_the_route_is_recorded_where_a_dialog_is_made(status: int, routes: int) -> None:
    asked = request("Record-Route: <sip:p1;lr>", "Record-Route: <sip:p2;lr>", method="INVITE")
    assert len(asked.response(status, to_tag="x").record_routes) == routes


def test_a_response_takes_what_is_its_own() -> None:
    ok = request(method="INVITE").response(
        200,
        "Fine",
        to_tag="x",
        contact="<sip:bob@192.0.2.4>",
        headers=[("Allow", "INVITE")],
        body=b"v=0\r\n",
        content_type="application/sdp",
    )
    again = parse(ok.to_bytes())
    assert isinstance(again, SipResponse)
    assert (again.status, again.reason, again.body) == (200, "Fine", b"v=0\r\n")
    assert (again.contact, again.content_type) == (ok.contact, "application/sdp")
    assert again.headers.get("Allow") == "INVITE"


def test_a_status_that_nobody_knows_has_a_reason() -> None:
    assert request().response(499).start_line() == "SIP/2.0 499 Unknown"


def test_a_response_may_be_altered() -> None:
    response = request().response(503)
    later = response.with_headers(response.headers.adding("Retry-After", "5"))
    assert (later.status, later.headers.get("Retry-After")) == (503, "5")


def test_a_message_does_not_tell_who_calls_whom() -> None:
    assert repr(request()) == "<SipRequest OPTIONS CSeq='314159 OPTIONS'>"
    assert repr(request().response(200)) == "<SipResponse 200 CSeq='314159 OPTIONS'>"
