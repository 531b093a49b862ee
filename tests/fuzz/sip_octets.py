"""What is fuzzed of SIP: messages, streams, URIs and digests. Each takes any octets."""

from __future__ import annotations

import contextlib

from gateway.sip import sanity
from gateway.sip.address import Address
from gateway.sip.digest import Challenge, Credentials
from gateway.sip.digest_server import DigestServer
from gateway.sip.errors import GrammarError, MessageError, RequestRefused, ValueRefused
from gateway.sip.framing import Framed, KeepAlive, StreamParser
from gateway.sip.grammar import split_list
from gateway.sip.message import SipMessage, SipRequest
from gateway.sip.parser import BODY_OCTETS_MAX, HEAD_OCTETS_MAX, parse
from gateway.sip.uri import SipUri, parse_uri
from gateway.sip.via import parse_vias

# Feeding octet by octet costs as many calls; a long stream comes in pieces of a few.
PIECES_MAX = 400


def fuzz_sip_message(octets: bytes) -> None:
    """What is read is written as it means; what is not has an answer that is a message."""
    try:
        message = parse(octets)
    except RequestRefused as refused:
        check_answer(refused)
        return
    except MessageError:
        return
    check_views(message)
    again = parse(message.to_bytes())
    assert again.start_line() == message.start_line()
    assert again.body == message.body
    assert without_length(again) == without_length(message)
    if isinstance(message, SipRequest):
        check_request(message)
    else:
        sanity.check_response(message)


def check_answer(refused: RequestRefused) -> None:
    assert 400 <= refused.status <= 699
    if refused.request.answerable:
        octets = refused.request.response(refused.status, refused.reason, to_tag="t").to_bytes()
        assert octets.endswith(b"\r\n\r\n")
        assert octets.count(b"\r") == octets.count(b"\n") == octets.count(b"\r\n")


def check_request(request: SipRequest) -> None:
    refusal = sanity.check(request)
    if refusal is not None:
        assert parse(refusal.response(request, "t").to_bytes())
    assert parse(request.response(180, to_tag="t").to_bytes())
    with contextlib.suppress(GrammarError):
        assert parse(request.received_from("192.0.2.9", 5060).to_bytes())


def check_views(message: SipMessage) -> None:
    """Those that each must have do not raise; the others say GrammarError or nothing."""
    assert message.via.sent_by
    assert message.cseq.method
    assert message.call_id
    assert message.from_.uri
    assert message.to.uri
    assert message.content_length in (None, len(message.body))
    for view in ("vias", "contacts", "routes", "record_routes", "max_forwards", "expires_s"):
        with contextlib.suppress(GrammarError):
            getattr(message, view)
    with contextlib.suppress(GrammarError):
        assert message.options("Supported") is not None


def without_length(message: SipMessage) -> list[tuple[str, str]]:
    return [field for field in message.headers if field[0] != "Content-Length"]


def fuzz_sip_stream(octets: bytes) -> None:
    """Whole, in two pieces and octet by octet it is the same, and what is held has a bound. The
    first octet says whose connection it is, the second where it is cut."""
    opened, cut, stream = octets[:1] > b"\x7f", sum(octets[1:2]), octets[2:]
    step = 1 + len(stream) // PIECES_MAX
    whole = framed([stream], opened)
    assert framed([stream[:cut], stream[cut:]], opened) == whole
    few = [stream[at : at + step] for at in range(0, len(stream), step)]
    assert framed(few, opened) == whole


def framed(pieces: list[bytes], opened: bool) -> tuple[list[object], str | None, bool]:
    parser = StreamParser(opened)
    items = [described(item) for piece in pieces for item in parser.feed(piece)]
    assert len(parser._received) <= HEAD_OCTETS_MAX + BODY_OCTETS_MAX
    return items, parser.broken, parser.holding


def described(item: Framed) -> object:
    if isinstance(item, RequestRefused):
        check_answer(item)
        return item.status, str(item)
    if isinstance(item, MessageError):
        return str(item)
    return item if isinstance(item, KeepAlive) else item.to_bytes()


def fuzz_sip_values(octets: bytes) -> None:
    """URIs, addresses and hops; what is read is written, and read again as the same."""
    text = octets.decode("utf-8", "surrogateescape")
    with contextlib.suppress(GrammarError, ValueRefused):
        uri = parse_uri(text)
        assert parse_uri(str(uri)) == uri
        assert uri.matches(uri)
        if isinstance(uri, SipUri):
            assert uri.e164 is None or uri.e164[0] == "+"
    with contextlib.suppress(GrammarError, ValueRefused):
        addresses = [Address.parse(element) for element in split_list(text)]
        written = split_list(", ".join(map(str, addresses)))
        assert [Address.parse(element) for element in written] == addresses
    with contextlib.suppress(GrammarError, ValueRefused):
        vias = parse_vias(text)
        assert parse_vias(", ".join(map(str, vias))) == vias


def fuzz_sip_digest(octets: bytes) -> None:
    text = octets.decode("utf-8", "surrogateescape")
    for kind in (Challenge, Credentials):
        with contextlib.suppress(GrammarError, ValueRefused):
            said = kind.parse(text)
            if said is not None and said.algorithm is not None:
                assert kind.parse(str(said)) == said
    server = DigestServer("r", b"0" * 32)
    checked = server.check([text], "REGISTER", lambda username, algorithm: "0" * 32, 1.0)
    assert checked.username is None or isinstance(checked.username, str)
