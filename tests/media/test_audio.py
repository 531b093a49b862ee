"""Audio that is played: its tones are found at their levels, and nothing else."""

from __future__ import annotations

from array import array

import pytest

from media.audio import AUDIO_S_MAX, Audio, audio_of, digits, tone
from media.errors import NotAcceptable
from media.telephone_event import DIGITS
from tests.media.tone import level_of

# Q.23, and which sign is where.
ROWS, COLUMNS = (697, 770, 852, 941), (1_209, 1_336, 1_477, 1_633)
SIGNS = ("123A", "456B", "789C", "*0#D")


def test_a_tone_has_its_level_and_its_pause() -> None:
    ringing = tone((425,), 1.0, 4.0, level_dbm0=-10)
    assert ringing.seconds == 5.0
    assert level_of(ringing.mu_law[:8_000], 425) == pytest.approx(0.22, abs=0.01)
    assert set(ringing.mu_law[8_000:]) == {0xFF}


@pytest.mark.parametrize("sign", DIGITS)
def test_a_digit_is_the_tones_of_its_row_and_its_column(sign: str) -> None:
    [(row, column)] = [(n, one.index(sign)) for n, one in enumerate(SIGNS) if sign in one]
    sound = digits(sign, 0.2).mu_law[:1_600]
    for hertz in (*ROWS, *COLUMNS):
        level = level_of(sound, hertz)
        assert (level > 0.2) is (hertz in (ROWS[row], COLUMNS[column]))


def test_digits_follow_each_other() -> None:
    assert digits("12x3").seconds == pytest.approx(3 * 0.16)


def test_samples_are_encoded() -> None:
    assert audio_of(array("h", [0, 32_767, -32_768])).mu_law == b"\xff\x80\x00"


@pytest.mark.parametrize(
    ("hertz", "seconds"), [((0,), 1), ((4_000,), 1), ((425,), 0), ((425,), AUDIO_S_MAX + 1)]
)
def test_what_cannot_be_heard_is_no_tone(hertz: tuple[float], seconds: float) -> None:
    with pytest.raises(NotAcceptable):
        tone(hertz, seconds)


@pytest.mark.parametrize("octets", [b"", bytes(8_000 * AUDIO_S_MAX + 1)])
def test_nothing_and_too_much_are_no_audio(octets: bytes) -> None:
    with pytest.raises(NotAcceptable):
        Audio(octets)
