"""Session descriptions (RFC 8866): read, kept, printed, bounded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media import sdp
from media.errors import SdpError
from media.sdp import Media, SessionDescription
from media.sdp_lines import Direction, Line, Lines, attributes
from tests.media.descriptions import ATTRIBUTES, HOST, audio, spoken
from tests.media.descriptions import sdp as description

# RFC 8866 §5.
EXAMPLE = b"""v=0
o=jdoe 3724394400 3724394405 IN IP4 198.51.100.1
s=Call to John Smith
i=SDP Offer #1
u=http://www.jdoe.example.com/home.html
e=Jane Doe <jane@jdoe.example.com>
p=+1 617 555-6011
c=IN IP4 198.51.100.1
t=0 0
m=audio 49170 RTP/AVP 0
m=audio 49180 RTP/AVP 0
m=video 51372 RTP/AVP 99
c=IN IP6 2001:db8::2
a=rtpmap:99 h263-1998/90000
""".replace(b"\n", b"\r\n")

VALUES = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=30)
LINES = st.lists(st.builds(Line, st.sampled_from("abcikx"), VALUES), max_size=6).map(Lines)
TOKENS = st.text("abcXYZ019/-_", min_size=1, max_size=8)
MEDIA = st.builds(
    Media,
    TOKENS,
    st.integers(0, 65_535),
    TOKENS,
    st.lists(TOKENS, min_size=1, max_size=5).map(tuple),
    LINES,
    st.integers(1, 9),
)
DESCRIPTIONS = st.builds(
    SessionDescription,
    st.none() | st.builds(Line, st.just("o"), VALUES),
    LINES,
    st.lists(MEDIA, max_size=4).map(tuple),
)


@pytest.mark.parametrize("octets", [EXAMPLE, spoken(), description()])
def test_what_is_read_is_printed_as_it_was(octets: bytes) -> None:
    assert bytes(sdp.parse(octets)) == octets


@given(DESCRIPTIONS)
def test_what_is_printed_is_read_as_it_was(one: SessionDescription) -> None:
    assert sdp.parse(bytes(one)) == one


def test_octets_of_no_encoding_are_kept() -> None:
    octets = spoken() + b"a=x:\xff\xfe\r\n"
    assert bytes(sdp.parse(octets)) == octets


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b"\r\n\r\n"])
def test_the_last_line_counts_however_it_ends(end: bytes) -> None:
    octets = spoken().removesuffix(b"\r\n") + b"\r\na=sendonly" + end
    read = sdp.parse(octets)
    assert read.direction(read.media[0]) is Direction.SENDONLY


def test_lines_may_end_with_lf_alone() -> None:
    assert sdp.parse(EXAMPLE.replace(b"\r\n", b"\n")) == sdp.parse(EXAMPLE)


def test_an_address_of_the_media_is_stronger_than_that_of_the_session() -> None:
    read = sdp.parse(EXAMPLE)
    assert [read.connection(one) for one in read.media] == [
        "198.51.100.1",
        "198.51.100.1",
        "2001:db8::2",
    ]


def test_a_direction_of_the_session_holds_for_media_that_say_none() -> None:
    read = sdp.parse(description(audio(), audio(2, "recvonly"), session=("a=inactive",)))
    assert [read.direction(one) for one in read.media] == ["inactive", "recvonly"]


def test_attributes_stand_in_their_order() -> None:
    [media] = sdp.parse(spoken()).media
    assert [line.value for line in media.lines] == list(ATTRIBUTES)
    assert attributes(media.lines)["ptime"] == "20"


def test_a_port_may_have_a_count() -> None:
    [media] = sdp.parse(description("m=audio 49170/2 RTP/AVP 31")).media
    assert (media.port, media.port_count) == (49_170, 2)
    assert str(media) == "m=audio 49170/2 RTP/AVP 31\r\n"


HEAD = description().decode()
BAD = {
    "nothing": "",
    "another version": HEAD.replace("v=0", "v=1"),
    "v= is not first": f"s=x\r\n{HEAD}",
    "no equals sign": f"{HEAD}a sendrecv\r\n",
    "no letter": f"{HEAD}=x\r\n",
    "a digit for a letter": f"{HEAD}1=x\r\n",
    "an empty line between": f"{HEAD}\r\na=x\r\n",
    "CR in a line": f"{HEAD}a=x\ry\r\n",
    "NUL in a line": f"{HEAD}a=x\0y\r\n",
    "m= without formats": f"{HEAD}m=audio 1 RTP/AVP\r\n",
    "m= of nothing": f"{HEAD}m=\r\n",
    "a port too high": f"{HEAD}m=audio 65536 RTP/AVP 0\r\n",
    "a port that is no number": f"{HEAD}m=audio ¼ RTP/AVP 0\r\n",
    "a count of none": f"{HEAD}m=audio 1/0 RTP/AVP 0\r\n",
    "too long": HEAD + "a=" + "x" * sdp.SDP_OCTETS_MAX,
    "too many lines": HEAD + "a=x\r\n" * sdp.LINES_MAX,
    "too many media": HEAD + "m=audio 1 RTP/AVP 0\r\n" * (sdp.MEDIA_MAX + 1),
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_what_is_no_description_is_refused(text: str) -> None:
    with pytest.raises(SdpError):
        sdp.parse(text.encode())


def test_an_address_of_two_parts_is_refused() -> None:
    read = sdp.parse(description("m=audio 1 RTP/AVP 0", "c=IN IP4"))
    with pytest.raises(SdpError):
        read.connection(read.media[0])


def test_the_ttl_of_an_address_is_no_part_of_it() -> None:
    read = sdp.parse(description("m=audio 1 RTP/AVP 0", f"c=IN IP4 {HOST}/127"))
    assert read.connection(read.media[0]) == HOST


@pytest.mark.parametrize(
    ("sends", "receives", "direction"),
    [
        (True, True, Direction.SENDRECV),
        (True, False, Direction.SENDONLY),
        (False, True, Direction.RECVONLY),
        (False, False, Direction.INACTIVE),
    ],
)
def test_a_direction_is_who_sends_and_who_receives(
    sends: bool, receives: bool, direction: Direction
) -> None:
    assert Direction.of(sends, receives) is direction
    assert (direction.sends, direction.receives) == (sends, receives)
