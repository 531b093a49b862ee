"""Opus by libopus, and with FFmpeg's decoder and encoder (PyAV) at its other end."""

from __future__ import annotations

import ctypes.util
from array import array
from itertools import islice

import av
import pytest

from media import opus
from media.codecs import PCMU
from media.linear import law
from media.opus import FRAME_SAMPLES, OpusDecoder, OpusEncoder, OpusError
from tests.media.tone import frames, level_of, mu_law_tone
from tests.media.webrtc_peer import level_of_frames

HERTZ = 440


def spoken(count: int) -> list[bytes]:
    return [law(PCMU).linear(one) for one in islice(frames(mu_law_tone(HERTZ)), count)]


def level(samples: list[bytes]) -> float:
    return level_of(law(PCMU).encoded(b"".join(samples)), HERTZ)


def test_what_is_encoded_is_decoded() -> None:
    encoder, decoder = OpusEncoder(), OpusDecoder()
    heard = [decoder.decode(encoder.encode(one)) for one in spoken(60)]
    assert {len(one) for one in heard} == {2 * FRAME_SAMPLES}
    assert level(heard[10:]) == pytest.approx(0.5, rel=0.05)


def test_ffmpeg_hears_what_we_encode() -> None:
    encoder, theirs = OpusEncoder(), av.CodecContext.create("libopus", "r")
    heard = [frame for one in spoken(60) for frame in theirs.decode(av.Packet(encoder.encode(one)))]
    resampler = av.AudioResampler(format="s16", layout="mono", rate=8_000)
    mono = [one for frame in heard[10:] for one in resampler.resample(frame)]
    assert level_of_frames(mono, HERTZ) == pytest.approx(0.5, rel=0.1)


def test_what_was_lost_goes_on_in_what_is_recovered() -> None:
    encoder, decoder = OpusEncoder(), OpusDecoder()
    packets = [encoder.encode(one) for one in spoken(40)]
    heard = [decoder.decode(one) for one in packets[:20]]
    heard += [decoder.recover(packets[21], FRAME_SAMPLES), decoder.decode(packets[21])]
    assert level(heard[20:21]) == pytest.approx(0.5, rel=0.5)


def test_a_tone_costs_no_more_than_its_rate() -> None:
    encoder = OpusEncoder()
    octets = sum([len(encoder.encode(one)) for one in spoken(50)])
    assert octets * 8 == pytest.approx(opus.BIT_RATE, rel=0.35)


def test_what_is_no_opus_is_told() -> None:
    with pytest.raises(OpusError):
        OpusDecoder().decode(b"\xff\xff\xff")


def test_without_libopus_it_is_told_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes.util, "find_library", lambda name: None)
    opus.library.cache_clear()
    try:
        assert not opus.is_there()
        with pytest.raises(OpusError, match="libopus0"):
            OpusEncoder()
    finally:
        opus.library.cache_clear()


def test_silence_is_sent_too() -> None:
    encoder = OpusEncoder()
    silence = array("h", [0] * FRAME_SAMPLES).tobytes()
    assert all(len(encoder.encode(silence)) > 2 for _ in range(50))
