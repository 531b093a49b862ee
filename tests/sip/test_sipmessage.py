"""`sipmessage` as a second opinion: where both read a value they read the same."""

from __future__ import annotations

import re

import pytest
import sipmessage

from gateway.sip.address import Address
from gateway.sip.message import SipMessage
from gateway.sip.parser import parse
from gateway.sip.tel_uri import TelUri
from gateway.sip.uri import AbsoluteUri, SipUri, Uri
from tests.sip.stack_messages import STACKS
from tests.sip.torture_messages import ESCNULL, SEMIURI, TRANSPORTS, UNREASON

MESSAGES = STACKS | {
    "semiuri": SEMIURI,
    "transports": TRANSPORTS,
    "unreason": UNREASON,
    "escnull": ESCNULL,
}
# It does not read these at all (docs/decisions/0012), and reads some as they are not: parameters
# in strings, and escapes, which it undoes.
UNREADABLE = {"un-REGISTER"}


def unfolded(octets: bytes) -> bytes:
    """It knows no folds."""
    return re.sub(rb"\r\n[ \t]+", b" ", octets)


def their(name: str) -> sipmessage.Request | sipmessage.Response:
    read = sipmessage.Message.parse(unfolded(MESSAGES[name]))
    assert isinstance(read, sipmessage.Request | sipmessage.Response)
    return read


def compared(uri: Uri) -> tuple[str, str | None, str, int | None]:
    if isinstance(uri, SipUri):
        return uri.scheme, uri.username, uri.host, uri.port
    assert isinstance(uri, TelUri | AbsoluteUri)
    return uri.scheme, None, "", None


def their_uri(uri: sipmessage.URI) -> tuple[str, str | None, str, int | None]:
    return uri.scheme, uri.user, uri.host, uri.port


def check_address(ours: Address, theirs: sipmessage.Address) -> None:
    assert compared(ours.uri) == their_uri(theirs.uri)
    assert ours.display_name == theirs.name
    assert ours.tag == theirs.parameters.get("tag")


@pytest.mark.parametrize("name", MESSAGES)
def test_both_read_the_same_sides(name: str) -> None:
    ours, theirs = parse(MESSAGES[name]), their(name)
    check_address(ours.from_, theirs.from_address)
    check_address(ours.to, theirs.to_address)


@pytest.mark.parametrize("name", MESSAGES)
def test_both_read_the_same_hops(name: str) -> None:
    ours, theirs = parse(MESSAGES[name]), their(name)
    assert [(via.transport, via.host, via.port, via.branch) for via in ours.vias] == [
        (via.transport, via.host, via.port, via.parameters.get("branch")) for via in theirs.via
    ]


@pytest.mark.parametrize("name", MESSAGES)
def test_both_read_the_same_dialog(name: str) -> None:
    ours, theirs = parse(MESSAGES[name]), their(name)
    assert (ours.cseq.sequence, ours.cseq.method) == (theirs.cseq.sequence, theirs.cseq.method)
    assert ours.call_id == theirs.call_id
    assert isinstance(ours, SipMessage)


@pytest.mark.parametrize("name", [name for name in MESSAGES if name not in UNREADABLE])
def test_both_read_the_same_contacts_and_routes(name: str) -> None:
    ours, theirs = parse(MESSAGES[name]), their(name)
    assert [compared(one.uri) for one in ours.contacts] == [
        their_uri(one.uri) for one in theirs.contact
    ]
    assert [compared(one.uri) for one in ours.record_routes] == [
        their_uri(one.uri) for one in theirs.record_route
    ]
