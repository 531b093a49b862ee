"""The header of RTP (RFC 3550 §5.1)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media import rtp
from media.rtp import RtpHeader

HEADERS = st.builds(
    RtpHeader,
    st.integers(0, 63) | st.integers(96, 127),
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFF_FFFF),
    st.integers(0, 0xFFFF_FFFF),
    st.booleans(),
)
# As sipp sends PCMA.
FOREIGN = bytes.fromhex("8088 0d21 0002b5a0 5af9a1b2 d5d5d5d5")


@given(HEADERS, st.binary(max_size=100))
def test_a_header_is_read_as_it_was_written(header: RtpHeader, payload: bytes) -> None:
    packet = bytes(header) + payload
    assert rtp.parse(packet) == header
    assert rtp.payload(packet) == payload


def test_a_packet_from_elsewhere_is_read() -> None:
    assert rtp.parse(FOREIGN) == RtpHeader(8, 0x0D21, 0x2B5A0, 0x5AF9A1B2, marker=True)
    assert rtp.payload(FOREIGN) == b"\xd5" * 4


def test_sources_extension_and_padding_are_no_payload() -> None:
    header = bytes.fromhex("b2000001 00000002 00000003")
    sources, extension = bytes(8), bytes.fromhex("bede0001 10ff0000")
    packet = header + sources + extension + b"audio" + b"\0\0\3"
    assert rtp.payload(packet) == b"audio"


def test_a_translation_changes_type_and_payload_alone() -> None:
    swapped = bytes(range(255, -1, -1))
    packet = bytes.fromhex("b1800001 00000002 00000003 00000004 bede0000") + b"\1\2" + b"\0\2"
    translated = rtp.translated(packet, 8, swapped)
    assert translated == packet[:1] + b"\x88" + packet[2:20] + b"\xfe\xfd" + b"\0\2"
    assert rtp.translated(b"no RTP", 8, swapped) == b"no RTP"


@pytest.mark.parametrize(
    "octets",
    [
        "",
        "80000001000000020000000",
        "000000010000000200000003",
        "80c80001000000020000000300",
        "810000010000000200000003",
        "900000010000000200000003",
        "900000010000000200000003bede0002",
        "a0000001000000020000000300",
        "a00000010000000200000003ff",
    ],
    ids=[
        "empty",
        "short",
        "version 0",
        "RTCP",
        "no room for a source",
        "no extension",
        "the extension is cut off",
        "padding of none",
        "padding beyond the packet",
    ],
)
def test_what_is_no_rtp_has_no_header(octets: str) -> None:
    packet = bytes.fromhex(octets if len(octets) % 2 == 0 else octets[:-1])
    assert rtp.parse(packet) is None
    assert rtp.payload(packet) == b""


@given(st.binary(max_size=60))
def test_any_octets_have_an_answer(octets: bytes) -> None:
    if rtp.parse(octets) is None:
        assert rtp.payload(octets) == b""
