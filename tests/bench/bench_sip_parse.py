"""What a SIP message costs to read and to write: `python -m tests.bench.bench_sip_parse`.

An INVITE of a thousand octets with two Via, 16 headers and SDP; CPU time, the minimum of the
rounds, which are interleaved. `sipmessage` reads the same beside us, once plain and once with the
accessors that our `parse` has read already; what we keep of a call is forgotten before each round.
"""

import itertools
import sys
import time
from collections.abc import Callable

from sipmessage import Message

from gateway.sip import address, uri
from gateway.sip.framing import StreamParser
from gateway.sip.headers import Headers
from gateway.sip.message import SipRequest
from gateway.sip.parser import parse, split_head
from gateway.sip.sanity import check

ROUNDS = 40
CALLS = 300

SDP = b"".join(
    line + b"\r\n"
    for line in (
        b"v=0",
        b"o=alice 2890844526 2890844526 IN IP4 198.51.100.7",
        b"s=-",
        b"c=IN IP4 198.51.100.7",
        b"t=0 0",
        b"m=audio 49170 RTP/AVP 0 8 101",
        b"a=rtpmap:0 PCMU/8000",
        b"a=rtpmap:8 PCMA/8000",
        b"a=rtpmap:101 telephone-event/8000",
        b"a=fmtp:101 0-16",
        b"a=ptime:20",
        b"a=sendrecv",
    )
)
HEAD = b"".join(
    line + b"\r\n"
    for line in (
        b"INVITE sip:+15005550006@sbc.example.net;user=phone SIP/2.0",
        b"Via: SIP/2.0/UDP 192.0.2.4:5060;branch=z9hG4bK-524287-1---a1b2c3d4;rport",
        b"Via: SIP/2.0/UDP 10.0.0.7:5060;branch=z9hG4bK77asjd;received=192.0.2.9",
        b"Max-Forwards: 69",
        b"Record-Route: <sip:192.0.2.4;lr>",
        b'From: "Alice" <sip:+4930901820@example.com>;tag=1928301774',
        b"To: <sip:+15005550006@sbc.example.net;user=phone>",
        b"Call-ID: a84b4c76e66710@pc33.example.com",
        b"CSeq: 314159 INVITE",
        b"Contact: <sip:+4930901820@192.0.2.4:5060;transport=udp>",
        b"Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, UPDATE, PRACK",
        b"Supported: 100rel, timer, replaces",
        b"Session-Expires: 1800",
        b"User-Agent: Example/1.0 (a carrier's gateway, release 2026.11)",
        b"P-Asserted-Identity: <sip:+4930901820@example.com>",
        b"Content-Type: application/sdp",
        b"Content-Length: %d" % len(SDP),
    )
)
INVITE = HEAD + b"\r\n" + SDP


def main() -> None:
    message = parse(INVITE)
    assert isinstance(message, SipRequest)
    theirs = Message.parse(INVITE)
    strangers = itertools.cycle(
        [INVITE.replace(b"30901820", b"30%06d" % number) for number in range(CALLS)]
    )
    sys.stdout.write(f"an INVITE of {len(INVITE):,} octets, {len(message.headers)} headers\n")
    calls: dict[str, Callable[[], object]] = {
        "split into headers alone": lambda: split(INVITE),
        "parse of a call never seen": lambda: parse(next(strangers)),
        "parse within a call": lambda: parse(INVITE),
        "parse and sanity.check": lambda: check(parsed()),
        "framed out of a stream": lambda: StreamParser().feed(INVITE),
        "to_bytes": message.to_bytes,
        "response 180 and to_bytes": lambda: message.response(180, to_tag="x").to_bytes(),
        "parse of that": lambda: parse(RINGING),
        "the second leg made and to_bytes": lambda: second_leg(message).to_bytes(),
        "sipmessage: parse": lambda: Message.parse(INVITE),
        "sipmessage: parse, the same views": lambda: their_views(Message.parse(INVITE)),
        "sipmessage: to octets": lambda: bytes(theirs),
    }
    least = dict.fromkeys(calls, sys.maxsize)
    for _ in range(ROUNDS):
        for what, call in calls.items():
            address._kept.cache_clear()
            uri._kept.cache_clear()
            least[what] = min(least[what], spent(call))
    for what, nanoseconds in least.items():
        sys.stdout.write(f"{what:<40} {nanoseconds / CALLS / 1e3:7.2f} us\n")


def spent(call: Callable[[], object]) -> int:
    before = time.process_time_ns()
    for _ in range(CALLS):
        call()
    return time.process_time_ns() - before


def parsed() -> SipRequest:
    message = parse(INVITE)
    assert isinstance(message, SipRequest)
    return message


RINGING = parsed().response(180, to_tag="314159").to_bytes()


def split(octets: bytes) -> Headers:
    _, headers, _ = split_head(octets[: octets.find(b"\r\n\r\n")])
    return headers


def their_views(message: Message) -> object:
    views = (message.via, message.cseq, message.call_id, message.from_address)
    return views, message.to_address, message.max_forwards, message.content_length


def second_leg(request: SipRequest) -> SipRequest:
    return SipRequest.make(
        "INVITE",
        "sip:15005550006@203.0.113.5",
        via="SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bKabcdef;rport",
        from_=request.from_.tagged("b1"),
        to=request.to,
        call_id="b-leg@198.51.100.1",
        cseq=1,
        contact="<sip:198.51.100.1:5060>",
        body=request.body,
        content_type="application/sdp",
    )


if __name__ == "__main__":
    main()
