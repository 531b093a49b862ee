"""Recordings: what came when, side by side."""

from __future__ import annotations

from media.codecs import PCMA, PCMU
from media.g711 import MU_LAW_TO_A_LAW
from media.recording import HELD_S, Recording
from tests.media.tone import level_of, mu_law_tone

SILENCE = 0xFF


def recorded(recording: Recording, until: float) -> list[bytes]:
    """The channels, each by itself."""
    octets = b""
    for number in range(1, round(until) + 1):
        octets += recording.take(float(number))
    octets += recording.take(until, ended=True)
    count = len(recording.channels)
    return [octets[at::count] for at in range(count)]


def speak(
    recording: Recording, channel: int, tone: bytes, at: float, timestamp: int = 0, law: int = PCMU
) -> None:
    """From then on, 20 ms a packet."""
    for number in range(len(tone) // 160):
        payload = tone[number * 160 : (number + 1) * 160]
        now = at + (number + 1) * 0.02
        recording.channels[channel].heard(law, payload, timestamp + number * 160, now)


def test_each_end_has_its_channel() -> None:
    recording = Recording(2, 0.0, 1_000_000)
    speak(recording, 0, mu_law_tone(440), 0.0)
    speak(recording, 1, mu_law_tone(1_000).translate(MU_LAW_TO_A_LAW), 0.0, 999, PCMA)
    first, second = recorded(recording, 1.0)
    assert (level_of(first, 440), level_of(first, 1_000)) == (
        level_of(mu_law_tone(440), 440),
        level_of(mu_law_tone(440), 1_000),
    )
    assert level_of(second, 1_000) > 0.45
    assert level_of(second, 440) < 0.01


def test_what_began_later_stands_later() -> None:
    recording = Recording(1, 100.0, 1_000_000)
    speak(recording, 0, mu_law_tone(440), 102.0)
    octets = recording.take(103.0, ended=True)
    assert set(octets[:16_000]) == {SILENCE}
    assert octets[16_000:] == mu_law_tone(440)


def test_disorder_is_put_right_and_what_is_lost_is_silence() -> None:
    tone = mu_law_tone(440)
    recording = Recording(1, 0.0, 1_000_000)
    for number in (0, 2, 1, 4):
        recording.channels[0].heard(
            PCMU, tone[number * 160 : (number + 1) * 160], number * 160, 0.02 + number * 0.02
        )
    octets = recording.take(0.1, ended=True)
    assert octets == tone[:480] + bytes([SILENCE]) * 160 + tone[640:800]


def test_another_source_stands_where_it_came() -> None:
    recording = Recording(1, 0.0, 1_000_000)
    speak(recording, 0, mu_law_tone(440)[:160], 0.0, 5)
    speak(recording, 0, mu_law_tone(440)[:160], 1.0, 0xFFFF_FF00)
    octets = recording.take(1.02, ended=True)
    assert octets[:160] == octets[8_000:] == mu_law_tone(440)[:160]
    assert set(octets[160:8_000]) == {SILENCE}


def test_what_goes_out_waits_for_what_is_late() -> None:
    recording = Recording(1, 0.0, 1_000_000)
    assert recording.take(HELD_S) == b""
    assert len(recording.take(1.0)) == round((1 - HELD_S) * 8_000)
    recording.channels[0].heard(PCMU, bytes(160), 0, 0.3)  # Too late for where it belongs.
    assert recording.take(1.0, ended=True).count(0) == 0


def test_no_more_is_recorded_than_may_be() -> None:
    recording = Recording(2, 0.0, 16_000)
    speak(recording, 0, mu_law_tone(440) * 3, 0.0)
    assert [len(one) for one in recorded(recording, 3.0)] == [8_000, 8_000]
    assert recording.is_full


def test_what_is_no_g711_is_silence() -> None:
    recording = Recording(1, 0.0, 1_000)
    recording.channels[0].heard(111, bytes(160), 0, 0.02)
    assert set(recording.take(0.05, ended=True)) == {SILENCE}
