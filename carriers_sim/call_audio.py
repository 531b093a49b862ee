"""The sound of the answered calls: RTP of G.711 (RFC 3550, RFC 3551), an echo or a tone.

One timer sends the tones of all calls, every 20 ms; an echo goes back as it comes. The tone is the
milliwatt of ITU-T G.711, whose one period fits a packet twenty times: who hears these very octets
has heard the tone undamaged. Keys are pressed, heard and echoed as events of RFC 4733.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from carriers_sim.call_digits import DIGITS_MAX, EVENT_STEPS_MAX, digit_of, steps_of
from carriers_sim.call_outcome import AudioSource
from carriers_sim.call_recorder import RecordedCall
from carriers_sim.session_description import PCMA, PCMU

PTIME_S = 0.02
SAMPLES = 160
PACKET_MAX = 2_048
BATCH_MAX = 16
# What is kept of what was heard: the last second.
HEARD_OCTETS_MAX = 8_000

HEADER = struct.Struct(">BBHII")
# Of G.711 and events the latter alone have such a payload type (RFC 3551 §3).
FIRST_DYNAMIC = 96
VERSION_2, MARKER = 0x80, 0x80
# ITU-T G.711 tables 5 and 6: 1 kHz at 0 dBm0.
MILLIWATT = {
    PCMU: bytes.fromhex("1e0b0b1e9e8b8b9e") * (SAMPLES // 8),
    PCMA: bytes.fromhex("34212134b4a1a1b4") * (SAMPLES // 8),
}
# Nothing at all would let the peer's clock of what it plays run away.
SILENCE = {PCMU: b"\xff" * SAMPLES, PCMA: b"\xd5" * SAMPLES}
TONES = frozenset(MILLIWATT.values())


class CallAudio:
    """Of one call: a socket, where the peer is, and what is said to it."""

    def __init__(
        self, bound: socket.socket, record: RecordedCall, ssrc: int, on_close: Callable[[], None]
    ) -> None:
        self.host, self.port = bound.getsockname()[:2]
        self.source = AudioSource.NONE
        self._socket = bound
        self._record = record
        self._ssrc = ssrc
        self._on_close = on_close
        self._peer: tuple[str, int] | None = None
        self._payload_type = int(PCMU)
        self._tone = MILLIWATT[PCMU]
        self._event_type: int | None = None
        # What is still to be said of keys, and since when the last one was said, or heard.
        self._events: deque[bytes] = deque()
        self._event_since: int | None = None
        self._event_heard: int | None = None
        self._sequence = 0
        self._timestamp = 0
        asyncio.get_running_loop().add_reader(bound.fileno(), self._on_readable)

    def speak(
        self, host: str, port: int, payload_type: str, event_type: str, source: AudioSource
    ) -> None:
        """To this address from now on; NONE keeps silent. Who has no `event_type` takes no keys."""
        self._peer = (host, port)
        self._payload_type = int(payload_type)
        self._event_type = int(event_type) if event_type else None
        self._tone = MILLIWATT.get(payload_type, MILLIWATT[PCMU])
        self.source = source

    def mute(self) -> None:
        """The peer does not want to hear."""
        self._peer = None

    def press(self, digits: str) -> None:
        """One key after the other, in place of other sound.

        Raises:
            ValueError: there is no such key, there are too many, or the peer takes none.
        """
        steps = [*self._events, *steps_of(digits, SAMPLES)]
        if self._event_type is None or len(steps) > EVENT_STEPS_MAX:
            raise ValueError("keys cannot be pressed now")
        self._events = deque(steps)

    def tick(self) -> None:
        if self._events:
            self._say_event(self._events.popleft())
        elif self.source is AudioSource.TONE:
            self._send(self._payload_type, self._tone)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket.fileno())
        self._socket.close()
        self._on_close()

    def _on_readable(self) -> None:
        for _ in range(BATCH_MAX):
            try:
                octets = self._socket.recv(PACKET_MAX)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                continue  # Of a packet that nobody took; the peer may not be ready yet.
            if len(octets) <= HEADER.size or octets[0] & 0xC0 != VERSION_2:
                continue
            self._record.packets_received += 1
            payload = octets[HEADER.size + 4 * (octets[0] & 0x0F) :]
            if octets[1] & 0x7F >= FIRST_DYNAMIC:
                self._hear_event(payload, HEADER.unpack_from(octets)[3])
            else:
                self._hear(octets[1] & 0x7F, payload)

    def _hear(self, payload_type: int, payload: bytes) -> None:
        record = self._record
        record.tone_heard += payload in TONES
        if payload_type != record.heard_type:
            record.heard_type = payload_type
            record.heard.clear()
        record.heard += payload
        del record.heard[:-HEARD_OCTETS_MAX]
        if self.source is AudioSource.ECHO and not self._events:
            self._send(payload_type, payload)

    def _hear_event(self, payload: bytes, timestamp: int) -> None:
        """Once, of all the packets that have its time."""
        if timestamp == self._event_heard:
            return
        self._event_heard = timestamp
        digit = digit_of(payload)
        if len(self._record.digits) < DIGITS_MAX:
            self._record.digits += digit
        if self.source is AudioSource.ECHO:
            with suppress(ValueError):
                self.press(digit)

    def _say_event(self, payload: bytes) -> None:
        """All of one event have the time when it began, and the first has a marker (§2.5.1)."""
        if not payload:
            self._event_since = None
            self._send(self._payload_type, SILENCE.get(str(self._payload_type), SILENCE[PCMU]))
            return
        assert self._event_type is not None
        marker = 0
        if self._event_since is None:
            self._event_since, marker = self._timestamp, MARKER
        self._send(self._event_type | marker, payload, self._event_since)

    def _send(self, payload_type: int, payload: bytes, timestamp: int | None = None) -> None:
        if self._peer is None:
            return
        second = payload_type | (0 if self._sequence else MARKER)
        at = self._timestamp if timestamp is None else timestamp
        header = HEADER.pack(VERSION_2, second, self._sequence, at, self._ssrc)
        self._sequence = (self._sequence + 1) % 2**16
        self._timestamp = (self._timestamp + SAMPLES) % 2**32
        try:
            self._socket.sendto(header + payload, self._peer)
        except OSError:
            return  # As a packet that is lost on the way.
        self._record.packets_sent += 1


class CallAudios:
    """Of all calls of a carrier."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._open: dict[int, CallAudio] = {}
        self._opened = 0
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0

    def __len__(self) -> int:
        return len(self._open)

    def open(self, record: RecordedCall) -> CallAudio:
        """Raises OSError: there is no socket left."""
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        bound = socket.socket(family, socket.SOCK_DGRAM)
        try:
            bound.setblocking(False)
            bound.bind((self._host, 0))
        except BaseException:
            bound.close()
            raise
        self._opened += 1
        number = self._opened
        made = CallAudio(bound, record, number, lambda: self._forget(number))
        self._open[number] = made
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._due = loop.time() + PTIME_S
            self._timer = loop.call_at(self._due, self._tick)
        return made

    def close(self) -> None:
        for audio in list(self._open.values()):
            audio.close()

    def _forget(self, number: int) -> None:
        del self._open[number]
        if not self._open and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        for audio in self._open.values():
            audio.tick()
        loop = asyncio.get_running_loop()
        # A loop that was held up does not catch up: that would be a burst.
        self._due = max(self._due + PTIME_S, loop.time())
        self._timer = loop.call_at(self._due, self._tick)
