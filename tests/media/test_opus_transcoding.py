"""What is made of Opus and into it, and who makes it."""

from __future__ import annotations

import asyncio

import pytest

from media import opus
from media.codecs import PCMU, Codec, Codecs
from media.opus_transcoding import OpusTranscoding
from tests.media.packets import packet
from tests.media.udp_end import WAIT_S

LAW, OPUS = Codec(PCMU, "PCMU"), Codec(111, "OPUS", 48_000, 2)
G729 = Codec(18, "G729")


def taken(*codecs: Codec) -> Codecs:
    return Codecs({one.payload_type: one for one in codecs})


async def test_g711_becomes_opus_and_opus_g711_beside_the_loop() -> None:
    transcoding, made = OpusTranscoding(), asyncio.Queue[bytes]()
    back = transcoding.path(OPUS, taken(LAW), lambda one, now: made.put_nowait(one))
    assert back is not None
    there = transcoding.path(LAW, taken(OPUS), back)
    assert there is not None
    there(packet(7), 1.0)
    async with asyncio.timeout(WAIT_S):
        assert (await made.get())[:4] == packet(7)[:4]
    assert transcoding.dropped == 0
    transcoding.close()


@pytest.mark.parametrize(("codec", "receiver"), [(OPUS, G729), (G729, OPUS), (LAW, G729)])
def test_nothing_else_is_made(codec: Codec, receiver: Codec) -> None:
    assert OpusTranscoding().path(codec, taken(receiver), lambda one, now: None) is None


def test_nothing_is_made_without_libopus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opus, "is_there", lambda: False)
    assert OpusTranscoding().path(LAW, taken(OPUS), lambda one, now: None) is None


def test_before_the_first_packet_there_is_nothing_to_drop_or_to_end() -> None:
    transcoding = OpusTranscoding()
    assert transcoding.dropped == 0
    transcoding.close()
