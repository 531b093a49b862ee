"""Bodies of several parts (RFC 5621)."""

import pytest

from gateway.sip import sanity
from gateway.sip.errors import GrammarError
from gateway.sip.multipart import DEPTH_MAX, PARTS_MAX, parts, session_description
from tests.sip.messages import request

SDP = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n"
MIXED = 'multipart/mixed; boundary="a-b"'


def body(*each: tuple[str, bytes], boundary: str = "a-b") -> bytes:
    """Parts, each of its header lines and its octets."""
    line = f"--{boundary}".encode()
    made = [
        line + b"\r\n" + head.encode() + b"\r\n\r\n" + octets + b"\r\n" for head, octets in each
    ]
    return b"".join(made) + line + b"--\r\n"


THE_SDP = ("Content-Type: application/sdp\r\nContent-ID: <1>", SDP)
ISUP = ("Content-Type: application/ISUP;version=itu-t92+", b"\x01\x00\x49\r\n\x00")
OPTIONAL = "Content-Disposition: signal; handling=optional"


def status(made: bytes, content_type: str = MIXED, method: str = "INVITE") -> int | None:
    asked = request(f"Content-Type: {content_type}", method=method, body=made)
    refusal = sanity.check(asked)
    return refusal.status if refusal else None


def described(made: bytes, content_type: str = MIXED) -> bytes:
    return session_description(request(f"Content-Type: {content_type}", body=made))


def test_session_is_described_by_a_part() -> None:
    isup = (f"{ISUP[0]}\r\n{OPTIONAL}", ISUP[1])
    assert described(body(isup, THE_SDP)) == SDP
    assert status(body(isup, THE_SDP)) is None


def test_session_is_described_by_the_body_itself() -> None:
    assert described(SDP, "Application/SDP") == SDP


def test_part_that_is_required_and_unknown_is_answered_415() -> None:
    assert status(body(THE_SDP, ISUP)) == 415


def test_description_for_something_else_is_none_of_a_session() -> None:
    early = (f"{THE_SDP[0]}\r\nContent-Disposition: early-session;handling=optional", b"v=0\r\n")
    assert described(body(early, THE_SDP)) == SDP
    assert described(body(early)) == b""


@pytest.mark.parametrize("kind", ["multipart/alternative", "Multipart/Related", "multipart/x-new"])
def test_parts_may_be_put_together_in_any_way(kind: str) -> None:
    assert described(body(THE_SDP), f"{kind};boundary=a-b") == SDP
    assert status(body(THE_SDP), f"{kind};boundary=a-b") is None


def test_part_may_have_parts_itself() -> None:
    inner = ("Content-Type: multipart/mixed;boundary=inner", body(THE_SDP, boundary="inner"))
    assert described(body(inner)) == SDP


def test_what_stands_around_the_parts_counts_for_nothing() -> None:
    assert described(b"preamble\r\n" + body(THE_SDP) + b"epilogue\r\n--a-b\r\n") == SDP


def test_coded_description_is_of_an_unknown_type() -> None:
    coded = (f"{THE_SDP[0]}\r\nContent-Transfer-Encoding: base64", b"dj0wDQo=")
    assert described(body(coded)) == b""
    assert status(body(coded)) == 415


def test_ack_with_parts_is_read_as_an_invite_is() -> None:
    assert status(body(THE_SDP), method="ACK") is None


@pytest.mark.parametrize(
    ("made", "content_type"),
    [
        (body(THE_SDP), "multipart/mixed"),
        (body(THE_SDP), 'multipart/mixed;boundary=""'),
        (body(THE_SDP), f"multipart/mixed;boundary={'x' * 71}"),
        (body(THE_SDP), "multipart/mixed;boundary=other"),
        (body(THE_SDP).removesuffix(b"--\r\n"), MIXED),
        (b"--a-b", MIXED),
        (b"--a-bc\r\n\r\nv=0\r\n--a-b--", MIXED),
        (b"--a-b\r\nContent-Type: application/sdp\r\n--a-b--", MIXED),
        (b"--a-b\r\nno field\r\n\r\nv=0\r\n--a-b--", MIXED),
        (body(*[THE_SDP] * (PARTS_MAX + 1)), MIXED),
    ],
)
def test_body_that_cannot_be_taken_apart_is_answered_400(made: bytes, content_type: str) -> None:
    assert described(made, content_type) in (b"", SDP)
    assert status(made, content_type) == 400


def test_parts_in_parts_end_somewhere() -> None:
    made = body(THE_SDP)
    for _ in range(DEPTH_MAX):
        made = body((f"Content-Type: {MIXED}", made))
    with pytest.raises(GrammarError):
        list(parts(MIXED, made))


def test_part_without_headers_is_text() -> None:
    (part,) = parts(MIXED, b"--a-b\r\n\r\nhello\r\n--a-b--")
    assert (part.content_type, part.body, part.is_required) == ("text/plain", b"hello", True)
