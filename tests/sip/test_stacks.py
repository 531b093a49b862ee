"""What other stacks send is read as they mean it."""

from __future__ import annotations

import pytest

from gateway.sip import sanity
from gateway.sip.digest import Algorithm, Credentials, ha1
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.parser import parse
from gateway.sip.uri import SipUri
from tests.sip import stack_messages as stacks


def request(octets: bytes) -> SipRequest:
    read = parse(octets)
    assert isinstance(read, SipRequest)
    return read


@pytest.mark.parametrize("name", stacks.STACKS)
def test_a_foreign_message_is_served(name: str) -> None:
    message = parse(stacks.STACKS[name])
    if isinstance(message, SipResponse):
        assert sanity.check_response(message) is None
    else:
        assert sanity.check(message) is None


@pytest.mark.parametrize("name", stacks.STACKS)
def test_a_foreign_message_is_written_as_it_was_read(name: str) -> None:
    message = parse(stacks.STACKS[name])
    again = parse(message.to_bytes())
    assert again.body == message.body
    assert sorted(again.headers) == sorted(
        message.headers.replacing("Content-Length", str(len(message.body)))
    )


@pytest.mark.parametrize(
    ("octets", "header", "username", "method"),
    [
        (stacks.SIPP_INVITE_WITH_DIGEST, "Proxy-Authorization", "alice", "INVITE"),
        (stacks.SIPP_REGISTER_WITH_DIGEST, "Authorization", "alice", "REGISTER"),
        (stacks.BARESIP_REGISTER_WITH_DIGEST, "Authorization", "bench", "REGISTER"),
    ],
)
def test_a_foreign_digest_is_what_we_expect(
    octets: bytes, header: str, username: str, method: str
) -> None:
    value = request(octets).headers.get(header)
    assert value is not None
    credentials = Credentials.parse(value)
    assert credentials is not None
    assert credentials.username == username
    secret = ha1(username, "sip.example.com", "secret", Algorithm.MD5)
    assert credentials.response == credentials.expected(secret, method)


def test_sipp_has_a_contact_without_brackets() -> None:
    contact = request(stacks.SIPP_INVITE).contact
    assert contact is not None
    assert contact.uri == SipUri("127.0.0.1", "sipp", 15071)


def test_a_proxy_between_leaves_two_via_and_its_route() -> None:
    invite = request(stacks.KAMAILIO_INVITE)
    assert [via.sent_by for via in invite.vias] == [("203.0.113.20", 5060), ("10.0.0.5", 5060)]
    assert (invite.vias[1].received, invite.vias[1].rport) == ("203.0.113.9", 5060)
    assert [str(route.uri) for route in invite.record_routes] == [
        "sip:203.0.113.20;lr;ftag=as5f3c2d11;did=e12.3ab1"
    ]
    assert invite.from_.display_name == "Call Centre, Berlin"


def test_compact_names_over_ipv6_are_read() -> None:
    invite = request(stacks.PJSIP_COMPACT_INVITE)
    assert invite.via.sent_by == ("[2001:db8::5]", 50123)
    assert invite.headers.get("Session-Expires") == "1800"
    assert invite.options("Supported") == {"replaces", "100rel", "timer", "norefersub"}
    uri = invite.request_uri
    assert isinstance(uri, SipUri)
    assert uri.e164 == "+4930123"


def test_unregister_means_all_contacts() -> None:
    register = request(stacks.UNREGISTER)
    assert (register.contact_is_star, register.contacts, register.expires_s) == (True, (), 0)


def test_a_browser_registers_with_its_instance() -> None:
    contact = request(stacks.JSSIP_REGISTER).contact
    assert contact is not None
    assert contact.expires_s == 600
    assert contact.parameters["+sip.instance"] == (
        '"<urn:uuid:8f2a1c5e-0b6d-4e7f-9a3b-5c4d3e2f1a0b>"'
    )


def test_record_routes_in_one_line_are_two() -> None:
    progress = parse(stacks.FREESWITCH_SESSION_PROGRESS)
    routes = [route.uri for route in progress.record_routes]
    assert [isinstance(uri, SipUri) and uri.is_loose_router for uri in routes] == [True, True]
