import pytest

from carriers_sim.session_description import (
    Direction,
    MediaLine,
    answer_to,
    offer_of,
    parse_description,
)

HOST = "192.0.2.1"
HEAD = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"


def audio_of(text: str) -> MediaLine:
    description = parse_description((HEAD + text).encode())
    assert description is not None
    assert description.audio is not None
    return description.audio


def answered(text: str) -> str:
    description = parse_description((HEAD + text).encode())
    assert description is not None
    answer = answer_to(description, HOST, 4000, 1)
    return "" if answer is None else answer.decode()


def test_offer_is_read_as_it_was_written() -> None:
    description = parse_description(offer_of(HOST, 4000, 1, Direction.SENDONLY))
    assert description is not None
    (line,) = description.lines
    assert (line.host, line.port, line.formats) == (HOST, 4000, ("0", "8", "101"))
    assert (line.direction, line.telephone_event) == (Direction.SENDONLY, "101")


def test_address_of_the_stream_goes_before_that_of_the_session() -> None:
    audio = audio_of("m=audio 5000 RTP/AVP 0\r\nc=IN IP4 192.0.2.7\r\n")
    assert (audio.host, audio.port) == ("192.0.2.7", 5000)


def test_direction_of_the_session_holds_for_its_streams() -> None:
    assert audio_of("a=inactive\r\nm=audio 5000 RTP/AVP 0").direction is Direction.INACTIVE
    assert audio_of("m=audio 5000 RTP/AVP 0").direction is Direction.SENDRECV


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("sendrecv", "sendrecv"),
        ("sendonly", "recvonly"),
        ("recvonly", "sendonly"),
        ("inactive", "inactive"),
    ],
)
def test_direction_is_answered_by_its_counterpart(said: str, answer: str) -> None:
    assert f"a={answer}\r\n" in answered(f"m=audio 5000 RTP/AVP 0\r\na={said}\r\n")


def test_answer_takes_one_stream_and_refuses_the_others() -> None:
    text = answered(
        "m=video 5002 RTP/AVP 96\r\nm=audio 5000 RTP/AVP 96 8 100\r\n"
        "a=rtpmap:100 telephone-event/8000\r\nm=audio 5004 RTP/AVP 0\r\n"
    )
    assert [line for line in text.splitlines() if line.startswith("m=")] == [
        "m=video 0 RTP/AVP 96",
        "m=audio 4000 RTP/AVP 8 100",
        "m=audio 0 RTP/AVP 0",
    ]


@pytest.mark.parametrize(
    "text",
    ["m=audio 5000 RTP/SAVP 0\r\n", "m=audio 5000 RTP/AVP 96\r\n", "m=audio 0 RTP/AVP 0\r\n"],
)
def test_what_is_not_plain_g711_is_not_taken(text: str) -> None:
    assert answered(text) == ""


@pytest.mark.parametrize("body", [b"", b"v=0", b"\xff", b"m=audio x RTP/AVP 0", b"m=audio", b"c=x"])
def test_what_cannot_be_read_is_none(body: bytes) -> None:
    assert parse_description(body) is None
