"""An end that speaks Opus and no G.711 is played to, recorded and listened to as all are."""

from __future__ import annotations

from itertools import islice, pairwise

import pytest

from media import rtp, sdp
from media.audio import Audio, tone
from media.audio_stream import AudioStream
from media.errors import NotAcceptable
from media.latch import Source
from media.leg import Leg, describe, join
from media.leg_transcoding import Transcoding
from media.recording import Recording
from media.rtp import RtpHeader
from media.speech import Speech, SpeechBounds
from media.telephone_event import Digit, EventReader
from media.transcoding import FromOpus, ToOpus
from tests.media.descriptions import audio
from tests.media.descriptions import sdp as description
from tests.media.inline_transcoding import InlineTranscoding
from tests.media.leg_transports import SentBy
from tests.media.packets import packet
from tests.media.tone import frames, level_of, mu_law_tone

CALLER: Source = ("198.51.100.7", 4_000)
CALLED: Source = ("192.0.2.8", 5_000)
OPUS, EVENTS = 111, 110
OPUS_MAP = f"rtpmap:{OPUS} opus/48000/2"
TONE = tone((440,), 1.0, level_dbm0=-3)


class Call:
    """Of two ends that have Opus; the caller is played to, and speaks."""

    def __init__(self, *attributes: str, transcoding: Transcoding | None = None) -> None:
        self.now = 50.0
        self.transcoding = transcoding or InlineTranscoding()
        self.transport = SentBy()
        self.caller = Leg(self.transport, ssrc=77, transcoding=self.transcoding)
        self.called = Leg(SentBy(), ssrc=78)
        join(self.caller, self.called)
        self.agree(*attributes)

    def agree(self, *attributes: str) -> None:
        streams = self.stream(CALLER, *attributes), self.stream(CALLED, *attributes)
        describe(self.caller, self.called, streams)

    def stream(self, source: Source, *attributes: str) -> AudioStream:
        formats = [one.partition(":")[2].partition(" ")[0] for one in (OPUS_MAP, *attributes)]
        media = audio(source[1], OPUS_MAP, *attributes, formats=tuple(formats))
        read = sdp.parse(description(media, host=source[0]))
        return AudioStream.of(read, read.media[0])

    def go_on(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.01)):
            self.caller.player.tick(self.now)
            self.now += 0.01

    def speak(self, hertz: int, seconds: float) -> None:
        """The caller, in packets of 20 ms."""
        encoding = ToOpus(OPUS)
        for number, frame in enumerate(islice(frames(mu_law_tone(hertz)), round(seconds / 0.02))):
            spoken = bytes(RtpHeader(0, number, number * 160, 5)) + frame
            for made in encoding.convert(spoken):
                self.caller.rtp_received(made, CALLER, self.now)
            self.now += 0.02

    @property
    def sent(self) -> list[bytes]:
        return [octets for _, octets, _ in self.transport.sent]

    @property
    def headers(self) -> list[RtpHeader]:
        return [one for octets in self.sent if (one := rtp.parse(octets)) is not None]

    @property
    def heard(self) -> bytes:
        """In PCMU, as the caller's decoder has it."""
        decoding = FromOpus(OPUS, 0)
        return b"".join([rtp.payload(one) for sent in self.sent for one in decoding.convert(sent)])


def test_a_tone_is_played_as_one_stream() -> None:
    call = Call()
    call.caller.player.play(TONE)
    call.go_on(1.2)
    assert {one.payload_type for one in call.headers} == {OPUS}
    assert {one.ssrc for one in call.headers} == {77}
    steps = [
        (b.sequence - a.sequence, b.timestamp - a.timestamp) for a, b in pairwise(call.headers)
    ]
    assert steps == [(1, 960)] * 49
    assert level_of(call.heard[800:], 440) == pytest.approx(0.49, rel=0.1)


def test_the_peer_goes_on_after_what_was_played_and_it_after_the_peer() -> None:
    call = Call()
    for at in range(3):
        spoken = packet(500 + at, (500 + at) * 960, b"o" * 60, OPUS)
        call.called.rtp_received(spoken, CALLED, call.now)
        call.now += 0.02
        call.caller.player.play(Audio(bytes(320)))
        call.go_on(0.1)
    assert [after.sequence - before.sequence for before, after in pairwise(call.headers)] == [1] * 8
    times = [after.timestamp - before.timestamp for before, after in pairwise(call.headers)]
    assert min(times) >= 960
    assert sum(times) == pytest.approx(48_000 * 0.28, abs=960)


def test_what_is_played_is_made_by_one_encoder_until_another_agreement() -> None:
    transcoding = InlineTranscoding()
    call = Call(transcoding=transcoding)
    for _ in range(3):
        call.caller.player.play(Audio(bytes(160)))
    assert transcoding.made == 1
    call.agree("rtpmap:101 telephone-event/8000")
    call.caller.player.play(Audio(bytes(160)))
    assert transcoding.made == 2


@pytest.mark.parametrize("rate", [8_000, 48_000])
def test_digits_are_events_of_their_own_clock(rate: int) -> None:
    call, digits = Call(f"rtpmap:{EVENTS} telephone-event/{rate}"), list[Digit]()
    reader = EventReader(rate, digits.append)
    assert call.caller.player.send_digits("5") == 1
    call.go_on(0.5)
    for header, octets in zip(call.headers, call.sent, strict=True):
        assert header.payload_type == EVENTS
        reader.received(rtp.payload(octets), header.timestamp)
    assert digits == [Digit("5", 0.1)]


def test_without_events_digits_are_tones() -> None:
    call = Call()
    assert call.caller.player.send_digits("5") == 1
    call.go_on(0.5)
    assert [level_of(call.heard[80:800], hertz) > 0.2 for hertz in (770, 1_336, 697)] == [
        True,
        True,
        False,
    ]


def test_what_it_says_is_recorded() -> None:
    call = Call()
    recording = Recording(1, call.now, 1 << 20)
    call.caller.tap(recording.channels[0])
    call.speak(1_000, 1.0)
    recorded = recording.take(call.now, ended=True)
    assert len(recorded) == 8_000
    assert level_of(recorded[800:], 1_000) == pytest.approx(0.5, rel=0.1)


def test_its_talk_is_told() -> None:
    call, told = Call(), list[bool]()
    speech = Speech(SpeechBounds(), lambda talks, level: told.append(talks))
    call.caller.tap(speech)
    call.speak(1_000, 0.5)
    for _ in range(200):
        call.now += 0.01
        speech.tick(call.now)
    assert told == [True, False]


def test_nothing_is_decoded_while_nobody_listens() -> None:
    transcoding = InlineTranscoding()
    call = Call(transcoding=transcoding)
    call.speak(1_000, 0.1)
    assert transcoding.made == 0


def test_where_opus_is_not_made_it_is_not_played_to_nor_heard() -> None:
    call = Call(transcoding=Nothing())
    recording = Recording(1, call.now, 1 << 20)
    call.caller.tap(recording.channels[0])
    call.speak(1_000, 0.1)
    assert set(recording.take(call.now, ended=True)) == {0xFF}
    with pytest.raises(NotAcceptable):
        call.caller.player.play(TONE)


class Nothing:
    def path(self, *_: object) -> None: ...
