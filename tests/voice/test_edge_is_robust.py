"""Whatever a peer sends is answered, and nothing of it gets through by chance."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sip.errors import MessageError
from gateway.sip.message import SipRequest
from gateway.sip.parser import parse
from gateway.sip.sanity import Refusal
from gateway.sip.transaction import Destination
from gateway.voice.edge import Edge
from tests.sip.stack_messages import STACKS
from tests.sip.torture_messages import TORTURE
from tests.voice.edge_world import ALICE, BY_ADDRESS, CARRIER, NOW, PBX, STRANGER, account, edge

SOURCES = [PBX, CARRIER, STRANGER, Destination("WSS", "2001:db8::7", 443, 9)]
TRICKY = st.text(st.sampled_from('+0123456789*#;=@:%"<> ,.?&abANid\u00fc\r\n\t'), max_size=24)


def everything(made: Edge, request: SipRequest, source: Destination) -> None:
    made.admission.ignores(request, source, NOW)
    made.admission.check_outside(request, source, NOW)
    outcome = made.admission.check(request, source, NOW)
    if not isinstance(outcome, Refusal):
        made.admission.ended(outcome)
    made.registration.register(request, source, NOW)
    made.registrar.register("alice", 5, request, source, NOW)


def read(octets: bytes) -> SipRequest | None:
    try:
        message = parse(octets)
    except MessageError:
        return None
    return message if isinstance(message, SipRequest) else None


@pytest.mark.parametrize("source", SOURCES, ids=str)
@pytest.mark.parametrize("name", [*STACKS, *TORTURE])
def test_foreign_and_torture_messages_are_answered(name: str, source: Destination) -> None:
    request = read({**STACKS, **TORTURE}[name])
    if request is not None:
        everything(edge(account(BY_ADDRESS, ALICE)), request, source)


@given(TRICKY, TRICKY, TRICKY, TRICKY)
def test_odd_values_are_answered(called: str, from_: str, identity: str, contact: str) -> None:
    octets = (
        f"INVITE sip:{called} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK1\r\n"
        f"From: <sip:{from_}>;tag=1\r\nTo: <sip:alice@gw>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n"
        f"P-Asserted-Identity: {identity}\r\nDiversion: <tel:{identity}>\r\nPrivacy: {contact}\r\n"
        f"Contact: <sip:{contact}>;expires={called}\r\nPath: {identity}\r\n"
        f"Proxy-Authorization: Digest username={contact}\r\nContent-Length: 0\r\n\r\n"
    ).encode()
    request = read(octets)
    if request is not None:
        for source in SOURCES:
            everything(edge(account(BY_ADDRESS, ALICE)), request, source)
