"""WAV files, made and read by Python's own module where it can: rates, channels, forms."""

from __future__ import annotations

import io
import struct
import wave
from array import array
from math import pi, sin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media import wav
from media.errors import NotAcceptable
from media.g711 import A_LAW_SAMPLES, MU_LAW_TO_A_LAW
from tests.media.tone import level_of, mu_law_tone

HERTZ = 440


def pcm(rate: int = 8_000, channels: int = 1, octets: int = 2, hertz: int = HERTZ) -> bytes:
    """One second of a tone at half the largest amplitude, as the standard library writes it."""
    turn = 2 * pi * hertz / rate
    samples = [round(16_384 * sin(turn * at)) for at in range(rate)]
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(channels)
        written.setsampwidth(octets)
        written.setframerate(rate)
        if octets == 1:
            frames = bytes([(one >> 8) + 128 for one in samples for _ in range(channels)])
        else:
            frames = array("h", [one for one in samples for _ in range(channels)]).tobytes()
        written.writeframes(frames)
    return file.getvalue()


def law(kind: int, data: bytes, rate: int = 8_000) -> bytes:
    form = struct.pack("<HHIIHHH", kind, 1, rate, rate, 1, 8, 0)
    chunks = b"LIST\3\0\0\0abc\0" + b"fmt " + struct.pack("<I", len(form)) + form
    chunks += b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


@pytest.mark.parametrize("rate", [6_000, 8_000, 11_025, 16_000, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("octets", [1, 2])
def test_a_tone_of_any_rate_is_heard_at_its_frequency_and_level(
    rate: int, channels: int, octets: int
) -> None:
    audio = wav.read(pcm(rate, channels, octets))
    assert audio.seconds == pytest.approx(1.0, abs=0.01)
    assert level_of(audio.mu_law, HERTZ) == pytest.approx(0.51, abs=0.03)
    assert level_of(audio.mu_law, 2 * HERTZ) < 0.03


def test_both_laws_are_read_as_they_are() -> None:
    tone = mu_law_tone(HERTZ)
    assert wav.read(law(wav.MU_LAW, tone)).mu_law == tone
    read = wav.read(law(wav.A_LAW, tone.translate(MU_LAW_TO_A_LAW)))
    assert level_of(read.mu_law, HERTZ) == pytest.approx(0.5, abs=0.01)


def test_a_law_of_another_rate_is_resampled() -> None:
    assert A_LAW_SAMPLES[0xD5] == 8
    read = wav.read(law(wav.A_LAW, b"\xd5" * 16_000, rate=16_000))
    assert len(read.mu_law) == 8_000


def test_a_file_that_is_cut_off_is_read_as_far_as_it_goes() -> None:
    assert wav.read(pcm()[:-8_000]).seconds == pytest.approx(0.5)


def test_the_extensible_form_names_its_own() -> None:
    form = struct.pack("<HHIIHHHHIH14s", 0xFFFE, 1, 8_000, 16_000, 2, 16, 22, 16, 4, 1, bytes(14))
    chunks = (
        b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", 4) + bytes(4)
    )
    assert wav.read(b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks).seconds


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"RIFF\0\0\0\0WAVE",
        pcm().replace(b"WAVE", b"EVAW"),
        pcm().replace(b"fmt ", b"tmf "),
        law(85, b"mp3"),
        law(wav.MU_LAW, b""),
        law(wav.MU_LAW, b"x", rate=1_000),
        law(wav.MU_LAW, b"x", rate=1_000_000),
        bytes(wav.FILE_OCTETS_MAX + 1),
        law(wav.MU_LAW, bytes(8_000 * 601)),
    ],
    ids=[
        "empty",
        "no chunk",
        "no WAVE",
        "no form",
        "MP3",
        "no data",
        "slow",
        "fast",
        "long",
        "hours",
    ],
)
def test_what_cannot_be_played_is_refused(octets: bytes) -> None:
    with pytest.raises(NotAcceptable):
        wav.read(octets)


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_any_octets_are_read_or_refused(form: bytes, data: bytes) -> None:
    octets = b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<I", len(form)) + form + b"\0" * (len(form) % 2)
    try:
        wav.read(octets + b"data" + struct.pack("<I", len(data)) + data)
    except NotAcceptable:
        return


@pytest.mark.parametrize("channels", [1, 2])
def test_the_head_of_a_recording_is_read_back(channels: int) -> None:
    tone = mu_law_tone(HERTZ)
    data = bytes([octet for octet in tone for _ in range(channels)])
    audio = wav.read(wav.head(len(data), channels) + data)
    assert len(wav.head(len(data), channels)) == wav.HEAD_OCTETS
    assert level_of(audio.mu_law, HERTZ) == pytest.approx(0.5, abs=0.02)
