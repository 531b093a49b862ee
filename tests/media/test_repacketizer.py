"""G.711 cut anew: every octet once, in its time, in packets of the length that was asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media import rtp
from media.codecs import Codecs
from media.repacketizer import Repacketizer, wanted_ptime
from tests.media.packets import packet


def cut(one: Repacketizer, *packets: bytes) -> list[tuple[int, bytes]]:
    """Timestamps and payloads of what comes out."""
    out = []
    for octets in packets:
        for ready in one.repacketized(octets):
            header = rtp.parse(ready)
            assert header is not None
            out.append((header.timestamp, rtp.payload(ready)))
    return out


@given(st.lists(st.integers(1, 400), min_size=1, max_size=30), st.sampled_from([10, 20, 30, 60]))
def test_every_octet_comes_once_and_in_its_time(lengths: list[int], ptime: int) -> None:
    one, timestamp, sent = Repacketizer(ptime), 1_000, b""
    out: list[tuple[int, bytes]] = []
    for number, length in enumerate(lengths):
        payload = bytes([(timestamp + n) % 251 for n in range(length)])
        out += cut(one, packet(number, timestamp, payload))
        timestamp, sent = timestamp + length, sent + payload
    assert all(len(payload) == ptime * 8 for _, payload in out)
    assert [at for at, _ in out] == [1_000 + ptime * 8 * n for n in range(len(out))]
    assert sent.startswith(b"".join([payload for _, payload in out]))
    assert len(sent) - len(out) * ptime * 8 < ptime * 8


def test_a_loss_sends_what_is_held_and_begins_in_its_time() -> None:
    one = Repacketizer(40)
    out = cut(one, packet(1, payload=b"a" * 160), packet(3, payload=b"b" * 160), packet(4))
    assert out == [(160, b"a" * 160), (480, b"b" * 160 + bytes(160))]


def test_an_event_or_noise_goes_through_behind_what_is_held() -> None:
    one = Repacketizer(40)
    out = cut(one, packet(1, payload=b"a" * 160), packet(2, payload=b"\7", payload_type=13))
    assert out == [(160, b"a" * 160), (320, b"\7")]


def test_the_marker_is_the_first_packets() -> None:
    one = Repacketizer(10)
    marked = bytes((0x80, 0x80)) + packet(1)[2:]
    assert [octets[1] for octets in one.repacketized(marked)] == [0x80, 0]


@pytest.mark.parametrize(
    ("ptime", "maxptime", "comes", "wanted"),
    [
        (None, None, 30, None),
        (20, None, 20, None),
        (20, None, 30, 20),
        (40, None, 20, 40),
        (None, 20, 60, 20),
        (None, 60, 20, None),
        (40, 20, 20, None),
        (40, 20, 40, 20),
        (20, 20, 40, 20),
        (5, None, 20, None),
        (200, None, 20, None),
    ],
)
def test_what_is_wanted_is_what_was_asked_for_and_no_more_than_the_most(
    ptime: int | None, maxptime: int | None, comes: int, wanted: int | None
) -> None:
    assert wanted_ptime(Codecs({}, ptime, maxptime), comes) == wanted
