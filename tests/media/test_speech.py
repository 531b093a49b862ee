"""Talk and silence, by level."""

from __future__ import annotations

import pytest

from media.codecs import CN, PCMA, PCMU
from media.g711 import MU_LAW_TO_A_LAW
from media.speech import NOTHING_DBOV, Speech, SpeechBounds, level_dbov
from tests.media.tone import mu_law_tone

LOUD, FAINT, NOTHING = mu_law_tone(440, 0.5)[:160], mu_law_tone(440, 0.002)[:160], b"\xff" * 160
BOUNDS = SpeechBounds()


class Heard:
    def __init__(self, bounds: SpeechBounds = BOUNDS) -> None:
        self.changes: list[tuple[float, bool]] = []
        self.now = 0.0
        self.speech = Speech(bounds, lambda talks, level: self.note(talks))

    def note(self, talks: bool) -> None:
        self.changes.append((round(self.now, 2), talks))

    def hear(self, frame: bytes, seconds: float, payload_type: int = PCMU) -> None:
        for _ in range(round(seconds / 0.02)):
            self.speech.heard(payload_type, frame, 0, self.now)
            self.speech.tick(self.now)
            self.now += 0.02


def test_the_level_is_that_below_overload() -> None:
    assert level_dbov(PCMU, LOUD) == pytest.approx(-9.2, abs=0.2)
    assert level_dbov(PCMA, LOUD.translate(MU_LAW_TO_A_LAW)) == pytest.approx(-9.2, abs=0.2)
    assert level_dbov(PCMU, NOTHING) == level_dbov(PCMU, b"") == NOTHING_DBOV
    assert level_dbov(CN, b"\x40") == NOTHING_DBOV


def test_talk_and_silence_are_told_when_they_have_lasted() -> None:
    heard = Heard()
    heard.hear(LOUD, 2)
    heard.hear(FAINT, 2)
    heard.hear(LOUD, 1)
    assert [talks for _, talks in heard.changes] == [True, False, True]
    assert [at for at, _ in heard.changes] == pytest.approx([0.1, 3.0, 4.1], abs=0.03)


def test_a_click_is_no_talk_and_a_breath_no_silence() -> None:
    heard = Heard()
    heard.hear(NOTHING, 2)
    heard.hear(LOUD, 0.06)
    heard.hear(NOTHING, 2)
    assert heard.changes == [(1.0, False)]
    heard.hear(LOUD, 1)
    heard.hear(NOTHING, 0.5)
    heard.hear(LOUD, 1)
    assert [talks for _, talks in heard.changes] == [False, True]


def test_an_end_that_sends_nothing_or_noise_is_silent() -> None:
    heard = Heard()
    heard.hear(LOUD, 1)
    heard.hear(b"\x40", 2, CN)
    assert [talks for _, talks in heard.changes] == [True, False]
    heard.hear(LOUD, 1)
    for _ in range(100):
        heard.now += 0.02
        heard.speech.tick(heard.now)
    assert [talks for _, talks in heard.changes] == [True, False, True, False]


def test_what_is_of_no_codec_that_is_read_says_nothing() -> None:
    heard = Heard()
    heard.speech.heard(111, LOUD, 0, 0.0)
    assert heard.changes == []


def test_how_loud_and_how_long_is_for_who_asks() -> None:
    heard = Heard(SpeechBounds(level_dbov=-70, talk_s=0.02, silence_s=0.1))
    heard.hear(FAINT, 1)
    heard.hear(NOTHING, 1)
    assert [at for at, _ in heard.changes] == pytest.approx([0.02, 1.1], abs=0.03)
