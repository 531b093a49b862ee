"""What is played to one end of a call instead of what the other says: audio, and digits.

It goes by a pace of its own: whoever has the clock calls `tick` often, and what is due is sent. An
end that takes Opus and no G.711 is sent what is made of it beside the loop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from media import audio
from media.audio import SAMPLES_PER_S, Audio
from media.codecs import PCMA, PCMU, TELEPHONE_EVENT, Codec, Codecs
from media.errors import NotAcceptable
from media.g711 import MU_LAW_TO_A_LAW
from media.rtp import RtpHeader
from media.telephone_event import DIGIT_S, DIGITS, EARLY_S, EventSender

if TYPE_CHECKING:
    from media.leg import Leg
    from media.leg_transcoding import Take, Transcoding

PTIME = 20
PTIME_MIN, PTIME_MAX = 10, 60
# After a pause of ours, so many packets are sent at once, and the others are left out.
BURST_MAX = 3
_PCMU = Codec(PCMU, "PCMU")
# What is made into Opus comes from here: no source of the peer's.
_SSRC = 0


class LegPlayer:
    """`on_played` is told when audio has ended, and whether by itself."""

    def __init__(self, leg: Leg, transcoding: Transcoding | None = None) -> None:
        self.on_played: Callable[[bool], object] = lambda finished: None
        self._leg = leg
        self._transcoding = transcoding
        self._codecs: Codecs | None = None  # Of the end, when `_encode` was made for them.
        self._encode: Take | None = None
        self._sequence = 0  # Of what is encoded.
        self._mu_law: bytes | None = None
        self._repeats = 0
        self._octets = 0
        self._at = 0  # Octets of the audio that were due.
        self._began: float | None = None
        self._timestamp = 0
        self._events: EventSender | None = None
        self._event_type = 0
        self._event_timestamp = 0

    @property
    def busy(self) -> bool:
        return self._mu_law is not None or self._events is not None

    def play(self, played: Audio, repeats: int = 1) -> None:
        """From the next tick on; 0 repeats it without end. What was played before has ended.

        Raises:
            NotAcceptable: the end takes neither G.711 nor Opus, or nothing was agreed yet.
        """
        if self._law() is None and self._encoder() is None:
            raise NotAcceptable("the end takes neither G.711 nor Opus")
        self._end(finished=False)
        self._mu_law, self._repeats = played.mu_law, repeats
        self._began, self._at = None, 0
        self._octets = self._ptime() * SAMPLES_PER_S // 1_000
        self._turn()

    def stop(self) -> None:
        self._events = None
        self._end(finished=False)
        self._turn()

    def send_digits(self, signs: str, duration_s: float = DIGIT_S) -> int:
        """As events, or as tones where the end has not agreed to events; how many were taken.

        Raises:
            NotAcceptable: as for `play`.
        """
        stream = self._leg.stream
        events = None if stream is None else self._events_of(stream.codecs)
        if events is None:
            tones = audio.digits(signs, duration_s)
            self.play(tones)
            return sum(one in DIGITS for one in signs.upper())
        if self._events is None:
            self._events = EventSender(events.clock_rate)
            self._event_type = events.payload_type
        taken = self._events.send(signs, duration_s)
        self._turn()
        return taken

    def tick(self, now: float) -> None:
        if self._events is not None:
            self._send_event(self._events, now)
        if self._mu_law is not None:
            self._send_audio(self._mu_law, now)

    def _send_event(self, events: EventSender, now: float) -> None:
        event = events.due(now)
        outgoing = self._leg.outgoing
        if event is not None:
            if event.starts:
                self._event_timestamp = outgoing.timestamp_at(now)
            self._leg.send(
                outgoing.inject(
                    self._event_type, event.payload, self._event_timestamp, now, event.starts
                )
            )
        if not events.busy:
            self._events = None
            self._turn()

    def _send_audio(self, mu_law: bytes, now: float) -> None:
        outgoing = self._leg.outgoing
        starts = self._began is None
        if self._began is None:
            self._began, self._timestamp = now, outgoing.timestamp_at(now)
        due = int((now - self._began + EARLY_S) * SAMPLES_PER_S)
        late = (due - self._at) // self._octets - BURST_MAX
        if late > 0:
            self._at += late * self._octets
        while self._at <= due and self._mu_law is not None:
            frame = self._frame(mu_law)
            if frame and self._events is None:
                self._send_frame(frame, now, starts)
                starts = False
            self._at += self._octets
            if not frame:
                self._end(finished=True)
                self._turn()

    def _frame(self, mu_law: bytes) -> bytes:
        """The next, filled up with silence at the last; empty when all was played."""
        if self._repeats and self._at >= self._repeats * len(mu_law):
            return b""
        at = self._at % len(mu_law)
        frame = mu_law[at : at + self._octets]
        while len(frame) < self._octets and (
            not self._repeats or self._at + len(frame) < self._repeats * len(mu_law)
        ):
            frame += mu_law[: self._octets - len(frame)]
        return frame.ljust(self._octets, audio.SILENCE)

    def _end(self, finished: bool) -> None:
        if self._mu_law is not None:
            self._mu_law = None
            self.on_played(finished)

    def _turn(self) -> None:
        """The peer is heard again, or no longer."""
        self._leg.be_played_to(self.busy)

    def _send_frame(self, frame: bytes, now: float, starts: bool) -> None:
        law = self._law()
        if law is not None:
            payload = frame if law == PCMU else frame.translate(MU_LAW_TO_A_LAW)
            timestamp = self._timestamp + self._at
            self._leg.send(self._leg.outgoing.inject(law, payload, timestamp, now, starts))
        elif (encode := self._encoder()) is not None:
            assert self._began is not None
            # By the clock, so that what is played later comes later to the encoder, too.
            timestamp = (int(self._began * SAMPLES_PER_S) + self._at) & 0xFFFF_FFFF
            self._sequence = (self._sequence + 1) & 0xFFFF
            encode(bytes(RtpHeader(PCMU, self._sequence, timestamp, _SSRC)) + frame, now)

    def _encoder(self) -> Take | None:
        """For an end of Opus; made once for what it takes."""
        stream = self._leg.stream
        if stream is None or self._transcoding is None:
            return None
        if stream.codecs != self._codecs:
            self._codecs = stream.codecs
            self._encode = self._transcoding.path(_PCMU, stream.codecs, self._send_encoded)
        return self._encode

    def _send_encoded(self, packet: bytes, now: float) -> None:
        self._leg.send(self._leg.outgoing.forward(packet, now))

    def _law(self) -> int | None:
        stream = self._leg.stream
        if stream is not None:
            for one in stream.codecs.by_payload_type:
                if one in (PCMU, PCMA):
                    return one
        return None

    def _events_of(self, codecs: Codecs) -> Codec | None:
        """At the clock of what the end is sent, or at one of their own."""
        events = [one for one in codecs.by_payload_type.values() if one.name == TELEPHONE_EVENT]
        at_its_clock = [one for one in events if one.clock_rate == self._leg.outgoing.clock_rate]
        return next(iter((*at_its_clock, *events)), None)

    def _ptime(self) -> int:
        stream = self._leg.stream
        assert stream is not None
        if self._law() is None:
            return PTIME
        ptime = min(stream.codecs.ptime or PTIME, stream.codecs.maxptime or PTIME_MAX)
        return max(PTIME_MIN, min(ptime // 10 * 10, PTIME_MAX))
