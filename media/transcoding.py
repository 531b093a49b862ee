"""Opus becomes G.711, and G.711 Opus: packet by packet, with timestamps of the other clock
(RFC 7587 §4.1 counts Opus at 48,000 Hz whatever is in it).

Pure but for libopus: a packet comes in, and those that are to be sent come out, each of 20 ms.
Whoever has them made keeps to one thread at a time. Digits do not come here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

from media import rtp
from media.codecs import PCMA, PCMU
from media.linear import SAMPLE_OCTETS, law
from media.opus import (
    CONCEALED_SAMPLES_STEP,
    FRAME_SAMPLES,
    OpusDecoder,
    OpusEncoder,
    OpusError,
)
from media.reception import MAX_MISORDER
from media.rtp import RtpHeader

# Ticks of Opus's clock in one of G.711's.
RATIO = 6
# What is missing beyond is not made up: 100 ms.
CONCEALED_SAMPLES_MAX = 800
FRAME_OCTETS = FRAME_SAMPLES * SAMPLE_OCTETS
_NONE = -1


class Outgoing:
    """The stream that comes out: its source is that of what came in, and so are its numbers, as
    long as that sends 20 ms a packet."""

    def __init__(self) -> None:
        self.marked = False
        self._ssrc = _NONE
        self._sequence = 0

    def begin(self, source: RtpHeader) -> None:
        """What is made of this one comes next."""
        if source.ssrc != self._ssrc:
            self._ssrc, self._sequence = source.ssrc, source.sequence
        self.marked |= source.marker

    def packet(self, payload_type: int, timestamp: int, payload: bytes) -> bytes:
        stamp = timestamp & 0xFFFF_FFFF
        header = RtpHeader(payload_type, self._sequence, stamp, self._ssrc, self.marked)
        self.marked = False
        self._sequence = self._sequence + 1 & 0xFFFF
        return bytes(header) + payload


class Timeline:
    """Timestamps of a source by another clock; what follows that source goes on after it."""

    def __init__(self, up: int, down: int) -> None:
        self._up, self._down = up, down
        self._start = self._ticks = 0
        self._last = self._ssrc = _NONE

    def at(self, header: RtpHeader, next_at: int) -> int:
        """`next_at` is where a source begins that is new."""
        if header.ssrc != self._ssrc:
            self._ssrc = header.ssrc
            self._start, self._ticks = next_at, 0
        else:
            self._ticks += _signed(header.timestamp - self._last, 32)
        self._last = header.timestamp
        return self._start + self._ticks * self._up // self._down


class Transcoding(ABC):
    """Of one direction."""

    def __init__(self, up: int, down: int) -> None:
        self._outgoing = Outgoing()
        self._timeline = Timeline(up, down)
        self._next_at = 0
        self._pending = b""
        self._ssrc = self._next_sequence = _NONE

    def convert(self, packet: bytes) -> list[bytes]:
        """None where it is late, or not of what was agreed."""
        header = rtp.parse(packet)
        if header is None or not self._takes(header.payload_type):
            return []
        payload = rtp.payload(packet)
        lost = self._lost(header)
        if not payload or lost < 0:
            return []
        self._outgoing.begin(header)
        at = self._timeline.at(header, self._next_at)
        return list(self._converted(header.payload_type, payload, at, lost))

    def _lost(self, header: RtpHeader) -> int:
        """How many are missing before it, under 0 where it is late or comes again."""
        sequence, before = header.sequence, self._next_sequence
        is_new = header.ssrc != self._ssrc
        lost = 0 if is_new else _signed(sequence - before, 16)
        if lost < -MAX_MISORDER:  # It has begun anew without telling (RFC 3550 §A.1).
            lost = 0
        if lost >= 0:
            self._ssrc, self._next_sequence = header.ssrc, sequence + 1 & 0xFFFF
        return lost

    def _framed(self, samples: bytes, at: int, ticks: int) -> Iterator[tuple[int, bytes]]:
        """Whole frames with their timestamps; a sample has `ticks`, and what is over waits."""
        at -= ticks * (len(self._pending) // SAMPLE_OCTETS)
        whole = self._pending + samples
        end = len(whole) - len(whole) % FRAME_OCTETS
        self._pending = whole[end:]
        self._next_at = at + ticks * (len(whole) // SAMPLE_OCTETS)
        for start in range(0, end, FRAME_OCTETS):
            yield at + ticks * (start // SAMPLE_OCTETS), whole[start : start + FRAME_OCTETS]

    def _jump(self) -> None:
        """The source was silent, or its clock has jumped."""
        self._outgoing.marked = True
        self._pending = b""

    @abstractmethod
    def _takes(self, payload_type: int) -> bool: ...

    @abstractmethod
    def _converted(self, kind: int, payload: bytes, at: int, lost: int) -> Iterator[bytes]: ...


class FromOpus(Transcoding):
    """To one law of G.711. What was lost is concealed, as far as Opus knows how."""

    def __init__(self, opus: int, into: int) -> None:
        super().__init__(1, RATIO)
        self._opus, self._into = opus, into
        self._law = law(into)
        self._decoder = OpusDecoder()

    def _takes(self, payload_type: int) -> bool:
        return payload_type == self._opus

    def _converted(self, kind: int, payload: bytes, at: int, lost: int) -> Iterator[bytes]:
        missing = at - self._next_at
        try:
            before = b""
            if lost and 0 < missing <= CONCEALED_SAMPLES_MAX:
                at = self._next_at
                before = self._concealed(payload, missing)
            elif missing:
                self._jump()
            samples = before + self._decoder.decode(payload)
        except OpusError:  # What comes next will show that it is missing.
            return
        for frame_at, frame in self._framed(samples, at, 1):
            yield self._outgoing.packet(self._into, frame_at, self._law.encoded(frame))

    def _concealed(self, following: bytes, missing: int) -> bytes:
        samples = missing - missing % CONCEALED_SAMPLES_STEP
        return self._decoder.recover(following, samples) if samples else b""


class ToOpus(Transcoding):
    """From both laws of G.711. What is missing stays so, for the end conceals it better; it is not
    told apart from digits, which are numbered among the packets and do not come here."""

    def __init__(self, opus: int) -> None:
        super().__init__(RATIO, 1)
        self._opus = opus
        self._encoder = OpusEncoder()

    def _takes(self, payload_type: int) -> bool:
        return payload_type in (PCMU, PCMA)

    def _converted(self, kind: int, payload: bytes, at: int, lost: int) -> Iterator[bytes]:
        missing = at - self._next_at
        if missing:
            self._jump()
        for frame_at, frame in self._framed(law(kind).linear(payload), at, RATIO):
            yield self._outgoing.packet(self._opus, frame_at, self._encoder.encode(frame))


def _signed(difference: int, bits: int) -> int:
    half = 1 << bits - 1
    return (difference + half) % (2 * half) - half
