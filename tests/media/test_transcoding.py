"""Opus becomes G.711 and G.711 Opus, with what RTP tells of both."""

from __future__ import annotations

from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media import rtp
from media.codecs import PCMA, PCMU
from media.rtp import RtpHeader
from media.transcoding import FromOpus, ToOpus
from tests.media.tone import frames, level_of, mu_law_tone

OPUS = 111
SSRC = 0xF00D
HERTZ = 1_000


def to_opus() -> ToOpus:
    return ToOpus(OPUS)


def from_opus(into: int = PCMU) -> FromOpus:
    return FromOpus(OPUS, into)


def pcmu(count: int, first: int = 0, samples: int = 160) -> list[bytes]:
    octets = b"".join(islice(frames(mu_law_tone(HERTZ)), count * samples // 160 + 1))
    return [
        bytes(RtpHeader(PCMU, first + n, (first + n) * samples, SSRC))
        + octets[n * samples : (n + 1) * samples]
        for n in range(count)
    ]


def opus(count: int) -> list[bytes]:
    """Numbered from 0, 960 ticks each."""
    transcoding = ToOpus(OPUS)
    return [made for one in pcmu(count) for made in transcoding.convert(one)]


def headers(packets: list[bytes]) -> list[RtpHeader]:
    return [header for one in packets if (header := rtp.parse(one))]


def steps(packets: list[bytes]) -> set[tuple[int, int]]:
    """By how much sequence numbers and timestamps grow."""
    of = headers(packets)
    return {
        ((b.sequence - a.sequence) & 0xFFFF, (b.timestamp - a.timestamp) & 0xFFFF_FFFF)
        for a, b in pairwise(of)
    }


def level(packets: list[bytes]) -> float:
    return level_of(b"".join([rtp.payload(one) for one in packets]), HERTZ)


def test_each_packet_becomes_one_of_the_other_clock() -> None:
    transcoding = to_opus()
    packets = [made for one in pcmu(30) for made in transcoding.convert(one)]
    assert len(packets) == 30
    assert steps(packets) == {(1, 960)}
    assert {one.payload_type for one in headers(packets)} == {OPUS}
    assert not any(one.marker for one in headers(packets))


@pytest.mark.parametrize("into", [PCMU, PCMA])
def test_opus_becomes_the_law_that_is_asked_for(into: int) -> None:
    transcoding = from_opus(into)
    packets = [made for one in opus(40) for made in transcoding.convert(one)]
    assert steps(packets) == {(1, 160)}
    assert {(one.payload_type, one.ssrc) for one in headers(packets)} == {(into, SSRC)}


def test_the_tone_is_still_there() -> None:
    transcoding = from_opus()
    packets = [made for one in opus(60) for made in transcoding.convert(one)]
    assert level(packets[10:60]) == pytest.approx(0.5, rel=0.05)


@pytest.mark.parametrize(("samples", "made"), [(80, 15), (240, 45), (320, 60)])
def test_packets_of_other_lengths_become_those_of_20_ms(samples: int, made: int) -> None:
    transcoding = to_opus()
    packets = [one for of in pcmu(30, samples=samples) for one in transcoding.convert(of)]
    assert len(packets) == made
    assert steps(packets) == {(1, 960)}


def test_what_opus_lost_is_concealed() -> None:
    transcoding = from_opus()
    packets = [one for n, one in enumerate(opus(60)) if n not in (30, 40, 41)]
    heard = [made for one in packets for made in transcoding.convert(one)]
    assert len(heard) == 60
    assert steps(heard) == {(1, 160)}
    assert level(heard[28:43]) == pytest.approx(0.5, rel=0.3)


def test_what_is_lost_for_long_is_not_made_up() -> None:
    transcoding = from_opus()
    packets = [one for n, one in enumerate(opus(60)) if not 20 <= n < 40]
    heard = [made for one in packets for made in transcoding.convert(one)]
    assert len(heard) == 40
    assert steps(heard) == {(1, 160), (1, 21 * 160)}
    assert headers(heard)[20].marker


def test_what_g711_lost_is_missing_for_the_other_end_too() -> None:
    transcoding = to_opus()
    packets = [one for n, one in enumerate(pcmu(30)) if n not in (10, 11)]
    heard = [made for one in packets for made in transcoding.convert(one)]
    assert steps(heard) == {(1, 960), (1, 3 * 960)}


def test_silence_is_no_loss() -> None:
    transcoding = to_opus()
    before, after = pcmu(10), pcmu(20)[10:]
    later = [
        bytes(RtpHeader(PCMU, 10 + n, (100 + n) * 160, SSRC)) + one[12:]
        for n, one in enumerate(after)
    ]
    heard = [made for one in [*before, *later] for made in transcoding.convert(one)]
    assert steps(heard) == {(1, 960), (1, 91 * 960)}
    assert headers(heard)[10].marker


def test_what_is_late_or_comes_again_is_dropped() -> None:
    transcoding = to_opus()
    packets = pcmu(10)
    heard = [
        made for one in [*packets, packets[3], packets[9]] for made in transcoding.convert(one)
    ]
    assert len(heard) == 10


def test_another_source_goes_on_in_time_where_the_last_one_ended() -> None:
    transcoding = to_opus()
    other = [
        bytes(RtpHeader(PCMU, 9_000 + n, 777 + n * 160, 0xBEEF)) + bytes(160) for n in range(5)
    ]
    heard = [made for one in [*pcmu(5), *other] for made in transcoding.convert(one)]
    assert {step for _, step in steps(heard)} == {960}
    assert headers(heard)[-1][1:] == (9_004, 9 * 960, 0xBEEF, False)


def test_a_source_that_begins_anew_is_heard() -> None:
    transcoding = to_opus()
    first = [bytes(RtpHeader(PCMU, 40_000 + n, n * 160, SSRC)) + bytes(160) for n in range(5)]
    heard = [made for one in [*first, *pcmu(5)] for made in transcoding.convert(one)]
    assert len(heard) == 10


@given(
    st.lists(
        st.tuples(
            st.sampled_from([PCMU, PCMA, 13, OPUS]),
            st.integers(0, 0xFFFF),
            st.integers(0, 0xFFFF_FFFF),
            st.binary(max_size=400),
        )
    )
)
def test_nothing_that_comes_is_an_exception(
    packets: list[tuple[int, int, int, bytes]],
) -> None:
    up, down = to_opus(), from_opus()
    for kind, sequence, timestamp, payload in packets:
        octets = bytes(RtpHeader(kind, sequence, timestamp, SSRC)) + payload
        for one in (*up.convert(octets), *down.convert(octets), *up.convert(payload)):
            assert rtp.parse(one) is not None
