"""Tones made and found."""

from __future__ import annotations

import itertools

import pytest

from tests.media.tone import FRAME_SAMPLES, SAMPLES_PER_S, frames, level_of, mu_law_tone


@pytest.mark.parametrize("hertz", [350, 440, 1_000, 3_000])
@pytest.mark.parametrize("level", [0.9, 0.1])
def test_a_tone_is_found_at_its_level_and_nowhere_else(hertz: int, level: float) -> None:
    tone = mu_law_tone(hertz, level)
    assert level_of(tone, hertz) == pytest.approx(level, rel=0.03)
    assert level_of(tone, hertz + 100) < level / 50


def test_silence_has_no_tone() -> None:
    assert level_of(b"\xff" * SAMPLES_PER_S, 440) == 0
    assert level_of(b"", 440) == 0


def test_frames_are_of_20_ms_and_go_on_without_a_gap() -> None:
    tone = mu_law_tone(440)
    heard = list(itertools.islice(frames(tone), 100))
    assert {len(frame) for frame in heard} == {FRAME_SAMPLES}
    assert b"".join(heard) == tone * 2
