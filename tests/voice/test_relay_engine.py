"""The relay behind the seam of the signalling: sides, refusals, quality."""

from __future__ import annotations

import time
from random import Random

import pytest

from gateway.call import Quality
from gateway.voice.media_session import MediaEngine, MediaRefused, MediaSession, Side
from gateway.voice.relay_engine import RelayEngine
from media import sdp
from tests.media.descriptions import audio
from tests.media.descriptions import sdp as description
from tests.media.packets import packet
from tests.media.udp_end import LOOPBACK, UdpEnd


def engine(least: int = 27_000, most: int = 27_999) -> RelayEngine:
    return RelayEngine(LOOPBACK, (least, most), Random(3), time.monotonic)


def opened(media: MediaEngine) -> MediaSession:
    return media.open(lambda _: None)


async def test_what_the_caller_sends_is_heard_by_the_called_side_and_counted() -> None:
    media, caller, called = engine(), UdpEnd(), UdpEnd()
    session = opened(media)
    await session.offer(Side.CALLER, caller.description())
    answered = await session.answer(Side.CALLED, called.description())
    assert not await session.flowing(Side.CALLER)
    caller.send(packet(), sdp.parse(answered).media[0].port)
    assert (await called.receive())[0] == packet()
    assert await session.flowing(Side.CALLER)
    quality = (await session.query()).caller
    assert (quality.packets, quality.octets) == (1, len(packet()))
    assert quality.mos > 4
    assert await session.close() == (quality, Quality())
    media.close()
    caller.close()
    called.close()


@pytest.mark.parametrize(
    "offered",
    [
        b"",
        b"hello",
        description(),
        description("m=video 4000 RTP/AVP 31"),
        description(audio(proto="RTP/SAVP")),
        description(audio(0)),
    ],
)
async def test_what_cannot_be_served_is_refused_with_488(offered: bytes) -> None:
    media = engine()
    session = opened(media)
    with pytest.raises(MediaRefused) as refused:
        await session.offer(Side.CALLER, offered)
    assert refused.value.status == 488
    await session.close()
    media.close()


async def test_an_answer_to_nothing_is_refused() -> None:
    media = engine()
    session = opened(media)
    with pytest.raises(MediaRefused):
        await session.answer(Side.CALLED, description(audio()))
    await session.close()
    media.close()


async def test_without_ports_a_call_is_refused_with_503() -> None:
    media = engine(27_000, 27_003)
    assert media.calls_free == 1
    session = opened(media)
    with pytest.raises(MediaRefused) as refused:
        opened(media)
    assert refused.value.status == 503
    await session.close()
    assert media.calls_free == 1
    media.close()
