"""Messages out of a stream (RFC 3261 §18.3), keep-alives (RFC 5626 §3.5.1), and lost frames."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sip.errors import MessageError, RequestRefused
from gateway.sip.framing import Framed, KeepAlive, StreamParser
from gateway.sip.message import SipRequest
from gateway.sip.parser import BODY_OCTETS_MAX, HEAD_OCTETS_MAX
from tests.sip.messages import request, request_octets

OPTIONS = request_octets()
INVITE = request_octets("Content-Type: application/sdp", method="INVITE", body=b"v=0\r\n\r\n\r\n")
OK = request().response(200, to_tag="x", body=b"hello").to_bytes()
BAD = request_octets(body=b"abc").replace(b"From: Alice", b"From: Al,ice")
STREAM = b"\r\n\r\n".join([OPTIONS, INVITE, OK, BAD, OPTIONS]) + b"\r\n\r\n"


def described(item: Framed) -> object:
    if isinstance(item, KeepAlive):
        return item
    if isinstance(item, MessageError):
        return str(item), getattr(item, "status", None)
    return item.to_bytes()


def statuses(framed: list[object]) -> list[object]:
    """Of errors, as they are described."""
    return [item[1] for item in framed if isinstance(item, tuple)]


def fed(*pieces: bytes, opened: bool = False) -> tuple[list[object], StreamParser]:
    stream = StreamParser(opened)
    return [described(item) for piece in pieces for item in stream.feed(piece)], stream


def test_a_message_comes_whole() -> None:
    framed, stream = fed(INVITE)
    assert framed == [INVITE]
    assert not stream.holding


def test_a_message_comes_octet_by_octet() -> None:
    framed, _ = fed(*[bytes([octet]) for octet in INVITE])
    assert framed == [INVITE]


def test_a_message_comes_with_the_head_of_the_next() -> None:
    framed, stream = fed(INVITE + OPTIONS[:20], OPTIONS[20:])
    assert framed == [INVITE, OPTIONS]
    assert not stream.holding


def test_a_stream_holds_what_it_held() -> None:
    framed, stream = fed(STREAM)
    assert framed == [
        OPTIONS,
        KeepAlive.PING,
        INVITE,
        KeepAlive.PING,
        OK,
        KeepAlive.PING,
        ("the address is malformed", 400),
        KeepAlive.PING,
        OPTIONS,
        KeepAlive.PING,
    ]
    assert stream.broken is None


@given(st.lists(st.integers(0, len(STREAM)), max_size=12), st.booleans())
def test_it_is_the_same_however_it_is_cut(cuts: list[int], opened: bool) -> None:
    places = [0, *sorted(cuts), len(STREAM)]
    pieces = [STREAM[start:end] for start, end in itertools.pairwise(places)]
    assert fed(*pieces, opened=opened)[0] == fed(STREAM, opened=opened)[0]


# Keep-alives


def test_two_crlf_are_a_ping() -> None:
    assert fed(b"\r", b"\n\r", b"\n")[0] == [KeepAlive.PING]


def test_one_crlf_is_a_pong_where_we_opened_the_connection() -> None:
    assert fed(b"\r\n", opened=True)[0] == [KeepAlive.PONG]
    assert fed(b"\r", b"\n" + OPTIONS, opened=True)[0] == [KeepAlive.PONG, OPTIONS]


def test_one_crlf_before_a_message_means_nothing() -> None:
    assert fed(b"\r\n" + OPTIONS)[0] == [OPTIONS]
    assert fed(b"\r\n\r\n\r\n" + OPTIONS)[0] == [KeepAlive.PING, OPTIONS]


def test_half_a_ping_is_waited_for() -> None:
    framed, stream = fed(b"\r\n")
    assert (framed, stream.holding) == ([], True)


# Frames that are lost


def test_a_refused_request_with_a_length_leaves_the_stream_whole() -> None:
    stream = StreamParser()
    refused, following = stream.feed(BAD + OPTIONS)
    assert isinstance(refused, RequestRefused)
    assert isinstance(following, SipRequest)
    assert stream.broken is None


def test_a_request_of_another_version_leaves_the_stream_whole() -> None:
    wire = OPTIONS.replace(b"SIP/2.0\r\n", b"SIP/7.0\r\n", 1)
    assert fed(wire + OPTIONS)[0] == [("the version is not SIP/2.0", 505), OPTIONS]


def test_a_response_that_is_dropped_leaves_the_stream_whole() -> None:
    wire = OK.replace(b"CSeq: 314159", b"CSeq: many")
    assert fed(wire + OPTIONS)[0] == [("CSeq is malformed", None), OPTIONS]


@pytest.mark.parametrize("length", ["-1", "five", "", "5, 5", "99999999999999999999999"])
def test_a_length_that_is_none_breaks_the_stream(length: str) -> None:
    wire = OPTIONS.replace(b"Content-Length: 0", f"Content-Length: {length}".encode())
    framed, stream = fed(wire + OPTIONS, OPTIONS)
    assert statuses(framed) == [400]
    assert stream.broken is not None
    assert not stream.holding


def test_no_length_breaks_the_stream() -> None:
    framed, stream = fed(OPTIONS.replace(b"Content-Length: 0\r\n", b"") + OPTIONS)
    assert framed == [("Content-Length is not there, or comes twice", 400)]
    assert stream.broken is not None


def test_two_lengths_break_the_stream() -> None:
    framed, stream = fed(request_octets("Content-Length: 4") + OPTIONS)
    assert statuses(framed) == [400]
    assert stream.broken is not None


def test_a_response_without_a_length_breaks_the_stream_without_an_answer() -> None:
    framed, stream = fed(OK.replace(b"Content-Length: 5\r\n", b""))
    assert statuses(framed) == [None]
    assert stream.broken is not None


def test_a_start_line_that_is_none_breaks_the_stream() -> None:
    framed, stream = fed(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n" + OPTIONS)
    assert statuses(framed) == [400]
    assert stream.broken is not None
    framed, stream = fed(b"SIP/9.9 200 OK\r\n\r\n" + OPTIONS)
    assert framed == [("the Status-Line is malformed", None)]
    assert stream.broken is not None


# Bounds


def test_a_head_without_an_end_is_answered_513_and_breaks_the_stream() -> None:
    stream = StreamParser()
    wire = OPTIONS[:-4] + b"\r\nX: " + b"a" * HEAD_OCTETS_MAX
    (error,) = stream.feed(wire)
    assert isinstance(error, RequestRefused)
    assert (error.status, error.request.answerable) == (513, True)
    assert stream.broken is not None


def test_a_head_that_ends_beyond_the_bound_is_answered_513() -> None:
    wire = OPTIONS[:-4] + b"\r\nX: " + b"a" * HEAD_OCTETS_MAX + b"\r\n\r\n"
    assert fed(wire)[0] == fed(*[wire[at : at + 1_000] for at in range(0, len(wire), 1_000)])[0]
    assert fed(wire)[0] == [("the head is too long", 513)]


def test_octets_without_a_line_break_the_stream_without_an_answer() -> None:
    stream = StreamParser()
    (error,) = stream.feed(b"a" * (HEAD_OCTETS_MAX + 1))
    assert not (isinstance(error, RequestRefused) and error.request.answerable)
    assert stream.broken is not None


def test_a_body_that_is_too_long_is_answered_413_before_it_comes() -> None:
    wire = OPTIONS.replace(b"Content-Length: 0", b"Content-Length: %d" % (BODY_OCTETS_MAX + 1))
    framed, stream = fed(wire)
    assert framed == [("the body is too long", 413)]
    assert stream.broken is not None


def test_a_stream_that_is_broken_takes_nothing_more() -> None:
    stream = StreamParser()
    stream.feed(b"x\r\n\r\n")
    assert stream.feed(OPTIONS * 100) == []
    assert not stream.holding
