"""What is read in one pass reads the same the long way, whatever has befallen it."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.parser import _parse_odd_head, _usual
from gateway.sip.transaction import Destination
from gateway.sip.transaction_matching import response_destination, server_key
from tests.sip.messages import request, request_octets

REQUEST = request_octets(
    "Contact: <sip:alice@192.0.2.4:5060;transport=UDP>", "X-Name: a", method="INVITE"
)
USUAL = [
    REQUEST.replace(b"TCP pc33.atlanta.com", b"UDP 192.0.2.4:5060").replace(b"dhds", b"d;rport"),
    request().response(200, to_tag="b").to_bytes(),
]
PIECES = [b"", b" ", b"\t", b";", b",", b":", b"<", b">", b'"', b"@", b"=", b"tag=", b"\r\n", b"\r"]
PIECES += [b"\n", b"\xff", b"%41", b"70000", b"0", b"SIP/2.0", b"Via: x\r\n", b"To: <sip:b@c>\r\n"]


SOURCE = Destination("UDP", "192.0.2.9", 5090)


def way(message: SipRequest | SipResponse) -> object:
    """What its transport and its transaction make of a request."""
    if isinstance(message, SipResponse):
        return None
    for _ in range(2):  # The second time finds the marks of the first.
        message.received_from(SOURCE.host, SOURCE.port)
    destination = response_destination(message, SOURCE)
    return server_key(message), destination, message.via, [*message.headers]


def facts(message: SipRequest | SipResponse) -> tuple[object, ...]:
    start = message.start_line()
    via, cseq, length = message.via, message.cseq, message.content_length
    tags = (message.from_tag, message.to_tag, message.from_, message.to)
    uri = message.request_uri if isinstance(message, SipRequest) else None
    return start, via, message.branch, cseq, length, tags, message.call_id, uri, [*message.headers]


@given(st.sampled_from(USUAL), st.integers(0, 400), st.integers(0, 9), st.sampled_from(PIECES))
@example(USUAL[0], 0, 0, b"")
@example(USUAL[1], 0, 0, b"")
def test_usual_message_reads_the_same_the_long_way(
    octets: bytes, at: int, length: int, piece: bytes
) -> None:
    head = octets[: octets.index(b"\r\n\r\n")]
    head = head[:at] + piece + head[at + length :]
    usual = _usual(head)
    if usual is not None:
        odd = _parse_odd_head(head)
        assert facts(usual) == facts(odd)
        assert way(usual) == way(odd)


def test_usual_messages_are_read_in_one_pass() -> None:
    assert all(_usual(octets[: octets.index(b"\r\n\r\n")]) for octets in USUAL)
