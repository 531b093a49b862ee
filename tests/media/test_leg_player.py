"""What is played to an end, in its pace; and the peer before, meanwhile and after."""

from __future__ import annotations

from itertools import pairwise

import pytest

from media import rtp, sdp
from media.audio import Audio, tone
from media.audio_stream import AudioStream
from media.errors import NotAcceptable
from media.g711 import A_LAW_TO_MU_LAW
from media.latch import Source
from media.leg import Leg, describe, join
from media.rtp import RtpHeader
from media.telephone_event import Digit, EventReader
from tests.media.descriptions import audio
from tests.media.descriptions import sdp as description
from tests.media.leg_transports import SentBy
from tests.media.packets import SSRC, packet
from tests.media.tone import level_of

CALLER: Source = ("198.51.100.7", 4_000)
CALLED: Source = ("192.0.2.8", 5_000)
EVENTS = "rtpmap:101 telephone-event/8000"
TONE = tone((440,), 1.0, level_dbm0=-3)


class Call:
    """The caller is played to; the called end may speak."""

    def __init__(self, formats: tuple[str, ...] = ("0", "101"), *attributes: str) -> None:
        self.now = 50.0
        self.sent: list[tuple[float, bytes]] = []
        self.played: list[bool] = []
        self.transport = SentBy()
        self.caller, self.called = Leg(self.transport, ssrc=77), Leg(SentBy(), ssrc=78)
        join(self.caller, self.called)
        caller = self.stream(CALLER, formats, EVENTS, *attributes)
        describe(self.caller, self.called, (caller, self.stream(CALLED, ("0", "8", "101"), EVENTS)))
        self.caller.player.on_played = self.played.append

    def stream(self, source: Source, formats: tuple[str, ...], *attributes: str) -> AudioStream:
        read = sdp.parse(
            description(audio(source[1], *attributes, formats=formats), host=source[0])
        )
        return AudioStream.of(read, read.media[0])

    def go_on(self, seconds: float, step: float = 0.01) -> None:
        for _ in range(round(seconds / step)):
            self.caller.player.tick(self.now)
            while self.transport.sent:
                self.sent.append((self.now, self.transport.sent.pop(0)[1]))
            self.now += step

    def speak(self, *sequences: int) -> None:
        for sequence in sequences:
            self.called.rtp_received(packet(sequence, payload=b"x" * 160), CALLED, self.now)

    @property
    def headers(self) -> list[RtpHeader]:
        read = [rtp.parse(octets) for _, octets in self.sent]
        return [one for one in read if one is not None]

    @property
    def heard(self) -> bytes:
        return b"".join([rtp.payload(octets) for _, octets in self.sent])


def test_a_tone_is_heard_in_its_pace_and_its_level_and_then_it_ends() -> None:
    call = Call()
    call.caller.player.play(TONE)
    call.go_on(2)
    assert call.heard == TONE.mu_law
    assert level_of(call.heard, 440) == pytest.approx(0.49, abs=0.01)
    spacings = [after - before for (before, _), (after, _) in pairwise(call.sent)]
    assert spacings == pytest.approx([0.02] * 49)
    assert call.played == [True]
    assert not call.caller.player.busy


def test_it_is_one_stream_with_a_marker_at_its_beginning() -> None:
    call = Call()
    call.caller.player.play(TONE)
    call.go_on(2)
    assert {one.ssrc for one in call.headers} == {77}
    steps = [
        (b.sequence - a.sequence, b.timestamp - a.timestamp) for a, b in pairwise(call.headers)
    ]
    assert steps == [(1, 160)] * 49
    assert [one.marker for one in call.headers] == [True] + [False] * 49


def test_who_has_the_other_law_and_packet_time_gets_them() -> None:
    call = Call(("8",), "ptime:40")
    call.caller.player.play(TONE)
    call.go_on(2)
    assert {one.payload_type for one in call.headers} == {8}
    assert {len(rtp.payload(octets)) for _, octets in call.sent} == {320}
    assert level_of(call.heard.translate(A_LAW_TO_MU_LAW), 440) == pytest.approx(0.49, abs=0.02)


def test_the_peer_is_not_heard_meanwhile_and_goes_on_after_it() -> None:
    call = Call()
    call.speak(7)
    call.go_on(0.02)
    call.caller.player.play(Audio(bytes(480)))
    for sequence in (8, 9, 10, 11):
        call.go_on(0.02)
        call.speak(sequence)
    call.go_on(0.02)
    assert [(one.ssrc, one.sequence) for one in call.headers] == [(SSRC, n) for n in range(7, 12)]
    assert call.heard == b"x" * 160 + bytes(480) + b"x" * 160
    assert call.headers[-1].timestamp == 11 * 160
    assert call.called.heard.packets == 5


def test_short_audio_is_repeated_without_a_gap_and_filled_up_at_the_end() -> None:
    call = Call()
    call.caller.player.play(Audio(bytes(range(100))), repeats=3)
    call.go_on(1)
    assert call.heard == bytes(range(100)) * 3 + b"\xff" * 20
    assert call.played == [True]


def test_audio_without_end_goes_on_until_it_is_stopped() -> None:
    call = Call()
    call.caller.player.play(TONE, repeats=0)
    call.go_on(3)
    call.caller.player.stop()
    call.go_on(1)
    assert len(call.sent) == 150
    assert call.played == [False]
    assert level_of(call.heard, 440) == pytest.approx(0.49, abs=0.01)


def test_other_audio_ends_the_first() -> None:
    call = Call()
    call.caller.player.play(TONE)
    call.go_on(0.1)
    call.caller.player.play(Audio(bytes(160)))
    call.go_on(1)
    assert call.played == [False, True]
    assert len(call.sent) == 6


def test_after_a_pause_of_ours_what_was_missed_is_left_out() -> None:
    call = Call()
    call.caller.player.play(TONE)
    call.go_on(0.1)
    call.now += 0.5
    call.go_on(2)
    assert len(call.sent) < 50 - 20
    times = [one.timestamp for one in call.headers]
    assert times[-1] - times[0] == 49 * 160
    assert call.headers[-1].sequence - call.headers[0].sequence == len(call.sent) - 1


def test_digits_are_sent_as_events_with_one_time_each() -> None:
    call, digits = Call(), list[Digit]()
    reader = EventReader(8_000, digits.append)
    assert call.caller.player.send_digits("12") == 2
    call.speak(1)  # Is not heard between them.
    call.go_on(1)
    for header, (_, octets) in zip(call.headers, call.sent, strict=True):
        assert header.payload_type == 101
        reader.received(rtp.payload(octets), header.timestamp)
    assert digits == [Digit("1", 0.1), Digit("2", 0.1)]
    first, second = sorted({one.timestamp for one in call.headers})
    assert second - first == pytest.approx(8_000 * 0.19, abs=100)
    assert [one.marker for one in call.headers] == ([True] + [False] * 6) * 2
    numbers = [one.sequence for one in call.headers]
    assert [b - a for a, b in pairwise(numbers)] == [1] * 13
    call.speak(2)
    call.go_on(0.02)
    assert call.headers[-1].payload_type == 0


def test_audio_pauses_for_digits() -> None:
    call = Call()
    call.caller.player.play(TONE)
    call.go_on(0.2)
    call.caller.player.send_digits("5")
    call.go_on(2)
    kinds = [one.payload_type for one in call.headers]
    assert kinds.count(101) == 7
    assert 40 <= kinds.count(0) <= 44
    assert kinds.index(101) == 10


def test_an_end_without_events_gets_digits_as_tones() -> None:
    call = Call(("0",))
    assert call.caller.player.send_digits("5x") == 1
    call.go_on(1)
    sound = call.heard[:800]
    assert [level_of(sound, hertz) > 0.2 for hertz in (770, 1_336, 697, 1_209)] == [
        True,
        True,
        False,
        False,
    ]


def test_an_end_that_takes_no_g711_is_not_played_to() -> None:
    call = Call(("18",))
    with pytest.raises(NotAcceptable):
        call.caller.player.play(TONE)
    with pytest.raises(NotAcceptable):
        Leg(SentBy()).player.play(TONE)


def test_a_held_end_hears_nothing_and_audio_goes_on() -> None:
    call = Call(("0",), "sendonly")
    call.caller.player.play(Audio(bytes(1_600)))
    call.go_on(1)
    assert call.sent == []
    assert call.played == [True]
