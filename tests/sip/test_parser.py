"""Datagrams to messages: folds, bounds, what must be there, and the answer where it is not."""

from __future__ import annotations

import contextlib

import pytest

from gateway.sip.errors import GrammarError, MessageError, RequestRefused
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.parser import BODY_OCTETS_MAX, HEAD_OCTETS_MAX, HEADERS_MAX, parse
from gateway.sip.uri import URI_MAX
from tests.sip.messages import octets, request, request_octets

RESPONSE = request().response(200, to_tag="x").to_bytes()


def refused(wire: bytes) -> RequestRefused:
    with pytest.raises(RequestRefused) as caught:
        parse(wire)
    return caught.value


def dropped(wire: bytes) -> MessageError:
    with pytest.raises(MessageError) as caught:
        parse(wire)
    assert not isinstance(caught.value, RequestRefused)
    return caught.value


def without(name: bytes, wire: bytes) -> bytes:
    return b"\r\n".join(line for line in wire.split(b"\r\n") if not line.startswith(name + b":"))


# Lines


def test_a_folded_header_is_one_line_with_a_space() -> None:
    read = request("X-Long: one", "  two", "\tthree  ", "Subject:", " at last")
    assert read.headers.get("X-Long") == "one two three"
    assert read.headers.get("Subject") == "at last"


def test_compact_names_are_resolved() -> None:
    wire = octets(
        "v: SIP/2.0/UDP h;branch=z9hG4bK1",
        "f: <sip:a@h>;tag=1",
        "T: <sip:b@h>",
        "i: 1",
        "CSeq: 1 OPTIONS",
        "k: timer",
        "l: 0",
    )
    names = [name for name, _ in parse(wire).headers]
    assert names == ["Via", "From", "To", "Call-ID", "CSeq", "Supported", "Content-Length"]


def test_lines_before_the_start_line_are_left_out() -> None:
    assert parse(b"\r\n\r\n" + request_octets()) == request()


def test_octets_after_the_body_are_left_out() -> None:
    assert parse(request_octets(body=b"abc") + b"more").body == b"abc"


def test_a_body_without_a_length_is_all_there_is() -> None:
    assert parse(without(b"Content-Length", request_octets()) + b"abc").body == b"abc"


@pytest.mark.parametrize("line", ["X-A", ": x", "X A: x", "X-A\u00fc: x", "X-A\x00: x"])
def test_a_line_that_is_no_header_is_answered_400(line: str) -> None:
    assert refused(request_octets(line)).status == 400


@pytest.mark.parametrize("value", ["a\rb", "a\nb", "a\n", "a\nEvil: 1"])
def test_a_line_that_holds_cr_or_lf_is_answered_400(value: str) -> None:
    error = refused(request_octets(f"X-A: {value}"))
    answer = error.request.response(error.status, error.reason).to_bytes()
    assert error.status == 400
    assert b"Evil" not in answer


@pytest.mark.parametrize("name", [b"Call-ID", b"From", b"To", b"CSeq", b"Via"])
def test_what_goes_into_an_answer_cannot_end_its_line(name: bytes) -> None:
    wire = request_octets().replace(name + b": ", name + b": x\nEvil: 1")
    error = refused(wire)
    answer = error.request.response(error.status, error.reason, to_tag="x").to_bytes()
    assert (error.status, b"\nEvil" in answer) == (400, False)


def test_a_fold_before_the_first_header_is_answered_400() -> None:
    assert refused(request_octets().replace(b"\r\nVia", b"\r\n Via")).status == 400


# Start lines


@pytest.mark.parametrize(
    ("start", "status"),
    [
        ("OPTIONS sip:bob@biloxi.com", 400),
        ("OPTIONS sip:bob@biloxi.com SIP/2.0 x", 400),
        ("OPTIONS  SIP/2.0", 400),
        ("OPT(IONS sip:bob@biloxi.com SIP/2.0", 400),
        ("OPTIONS bob SIP/2.0", 400),
        ("OPTIONS sip:bob@biloxi.com HTTP/1.1", 400),
        ("OPTIONS sip:bob@biloxi.com SIP/3.0", 505),
        ("OPTIONS sip:bob@biloxi.com sip/2.1", 505),
        ("OPTIONS sip:" + "b" * URI_MAX + " SIP/2.0", 414),
    ],
)
def test_a_start_line_that_is_none_is_answered(start: str, status: int) -> None:
    wire = request_octets().replace(b"OPTIONS sip:bob@biloxi.com SIP/2.0", start.encode(), 1)
    assert refused(wire).status == status


def test_a_version_compares_without_regard_to_case() -> None:
    wire = request_octets().replace(b"SIP/2.0\r\nVia", b"sip/2.0\r\nVia")
    assert parse(wire).to_bytes().startswith(b"OPTIONS sip:bob@biloxi.com SIP/2.0\r\n")


@pytest.mark.parametrize(
    "start",
    [
        b"SIP/2.0 20 OK",
        b"SIP/2.0 099 OK",
        b"SIP/2.0 700 OK",
        b"SIP/3.0 200 OK",
        b"SIP/2.0",
        b"SIP/2.0  200 OK",
        b"SIP/2.0 200 O\rK",
    ],
)
def test_a_status_line_that_is_none_is_dropped(start: bytes) -> None:
    dropped(RESPONSE.replace(b"SIP/2.0 200 OK", start, 1))


def test_a_status_line_without_a_reason_passes() -> None:
    read = parse(RESPONSE.replace(b" OK\r\n", b"\r\n", 1))
    assert isinstance(read, SipResponse)
    assert (read.status, read.reason) == (200, "")


@pytest.mark.parametrize("wire", [b"", b"\r\n", b"\r\n\r\n", b"\0" * 100, b"OPTIONS", b"x\r\n\r\n"])
def test_octets_that_are_no_message_are_dropped_or_have_no_answer(wire: bytes) -> None:
    with pytest.raises(MessageError) as caught:
        parse(wire)
    error = caught.value
    assert not (isinstance(error, RequestRefused) and error.request.answerable)


# What must be there


@pytest.mark.parametrize("name", [b"From", b"To", b"Call-ID", b"CSeq"])
def test_a_request_without_what_it_must_have_is_answered_400(name: bytes) -> None:
    error = refused(without(name, request_octets()))
    assert (error.status, error.request.answerable) == (400, True)
    response = error.request.response(error.status, error.reason, to_tag="x")
    assert name.decode() not in response.headers


def test_a_request_without_a_via_has_no_answer() -> None:
    assert not refused(without(b"Via", request_octets())).request.answerable


def test_an_ack_has_no_answer() -> None:
    wire = without(b"Call-ID", request_octets(method="ACK"))
    assert not refused(wire).request.answerable


@pytest.mark.parametrize("name", [b"Via", b"From", b"To", b"Call-ID", b"CSeq"])
def test_a_response_without_what_it_must_have_is_dropped(name: bytes) -> None:
    dropped(without(name, RESPONSE))


@pytest.mark.parametrize(
    "line",
    [
        "From: <sip:eve@h>;tag=1",
        "To: <sip:eve@h>",
        "i: 2",
        "CSeq: 314159 OPTIONS",
        "Max-Forwards: 70",
        "l: 0",
    ],
)
def test_a_header_that_comes_twice_is_answered_400(line: str) -> None:
    assert refused(request_octets(line)).status == 400


def test_headers_that_may_come_again_do() -> None:
    read = request("Via: SIP/2.0/UDP b", "Route: <sip:p1;lr>", "Route: <sip:p2;lr>", "X: 1", "X: 2")
    assert (len(read.vias), len(read.routes)) == (2, 2)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        (b"CSeq", "CSeq: 1"),
        (b"CSeq", "CSeq: OPTIONS 1"),
        (b"CSeq", "CSeq: 4294967296 OPTIONS"),
        (b"CSeq", "CSeq: 1 OPT(IONS"),
        (b"Call-ID", "Call-ID: a b"),
        (b"Call-ID", "Call-ID:"),
        (b"From", "From: alice"),
        (b"To", "To: <sip:bob@biloxi.com"),
        (b"Via", "Via: SIP/2.0/UDP"),
        (b"Content-Length", "Content-Length: five"),
        (b"Content-Length", "Content-Length: 1, 1"),
    ],
)
def test_a_header_that_cannot_be_read_is_answered_400(name: bytes, line: str) -> None:
    wire = without(name, request_octets()).replace(b"\r\n\r\n", f"\r\n{line}\r\n\r\n".encode())
    assert refused(wire).status == 400


def test_a_via_below_the_topmost_is_not_asked_for() -> None:
    """Nobody reads it but the hop that wrote it; it goes back as it came."""
    read = request("Via: garbage")
    assert read.response(200).headers.get_all("Via")[1] == "garbage"


# Bounds


def test_a_head_that_is_too_long_is_answered_513() -> None:
    error = refused(request_octets("X-A: " + "a" * HEAD_OCTETS_MAX))
    assert (error.status, error.reason) == (513, "Message Too Large")
    assert parse(request_octets("X-A: " + "a" * (HEAD_OCTETS_MAX - 1_000))).call_id


def test_too_many_headers_are_answered_513() -> None:
    lines = [f"X-{number}: x" for number in range(HEADERS_MAX)]
    assert refused(request_octets(*lines)).status == 513
    assert len(request(*lines[: HEADERS_MAX - 7]).headers) == HEADERS_MAX


def test_a_body_that_is_too_long_is_answered_413() -> None:
    assert refused(request_octets(body=b"a" * (BODY_OCTETS_MAX + 1))).status == 413
    assert len(parse(request_octets(body=b"a" * BODY_OCTETS_MAX)).body) == BODY_OCTETS_MAX


@pytest.mark.parametrize(
    "line",
    [
        "Contact: " + " " * 20_000 + "x",
        "Contact: " + "a" * 20_000,
        "Contact: <sip:" + "a" * 20_000,
        "Contact: " + '"' * 20_000,
        "Contact: " + "\\" * 20_000,
        "Contact: " + "<" * 20_000,
        "Contact: <sip:a@b>" + ";" * 20_000,
        "Contact: <sip:a@b>" + ";a" * 10_000 + '"',
        "Contact: <sip:a@b>;a=" + '\\"' * 10_000,
        "Contact: <tel:" + "1" * 20_000 + "x>",
        "Contact: sip:" + "%41" * 6_000 + "(",
        "Via: SIP/2.0/UDP h" + " " * 20_000 + "x",
        "Via: SIP/2.0/UDP " + "a-" * 10_000,
        "Via: " + "," * 20_000,
        "Subject: " + " " * 20_000 + "x",
        "Subject: x\r\n" + " \r\n" * 8_000 + " y",
        "X" * 20_000,
        "Subject: x" + " " * 20_000,
        "X: x" + "\r\nX" * 20_000,
        "X: x" + "\r\n:" * 20_000,
    ],
)
@pytest.mark.timeout(10)
def test_no_header_takes_more_than_its_length(line: str) -> None:
    """Each is read in time that grows as its length does: squared, it would be seconds."""
    try:
        read = parse(request_octets(line))
    except MessageError:
        return
    assert isinstance(read, SipRequest)
    with contextlib.suppress(GrammarError):
        assert read.contacts is not None
    with contextlib.suppress(GrammarError):
        assert read.vias is not None
