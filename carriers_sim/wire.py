"""Between the socket and the session: passes octets on, and spoils them where it is told to.

To the socket it is a protocol, to the session's connection a transport. Neither knows, so that the
session core needs nothing of what only a simulator does. What it passes, the witness sees.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any, cast

from carriers_sim.delay import draw
from carriers_sim.fault import Fault
from carriers_sim.link import SOUND, Link
from carriers_sim.malformed_pdus import HEADER, malformed
from carriers_sim.response_form import ResponseForm, written
from carriers_sim.witness import Witness
from gateway.clock import Clock
from gateway.net.smpp_connection import SmppConnection
from gateway.smpp import codec
from gateway.smpp.constants import CommandId
from gateway.smpp.pdus import EnquireLink, Unbind
from gateway.smpp.states import BOUND

ENQUIRE_LINK_RESP = int(CommandId.ENQUIRE_LINK_RESP)
# Requests made by hand count from here, far above those of the session.
HANDMADE_FROM = 0x6000_0000
HANDMADE_STEP = 3
DRIBBLE_S = 0.01
# With more octets waiting to be dribbled, what follows goes in one piece.
WAITING_MAX = 1 << 16
# SO_LINGER of 0 s: closing sends RST.
NO_LINGER = struct.pack("ii", 1, 0)


class Wire(asyncio.Transport, asyncio.Protocol):
    """One connection of a carrier's. `on_lost` is called once its socket is gone."""

    def __init__(
        self,
        connection: SmppConnection,
        witness: Witness,
        clock: Clock,
        response_s: float,
        chance: Random,
        on_lost: Callable[[Wire], None],
    ) -> None:
        super().__init__()
        self.connection = connection
        self.witness = witness
        self.link = SOUND
        self.ended_by_us = False
        self._clock = clock
        self._response_s = response_s
        self.chance = chance
        self._on_lost = on_lost
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._timers: set[asyncio.TimerHandle] = set()
        self._altered: dict[int, ResponseForm] = {}
        self._waiting: deque[bytes] = deque()
        self._is_passing = False
        self._handmade = HANDMADE_FROM
        self._cuts_next = False
        self._is_deaf = False
        self._is_mute = False
        self._session_reads = True
        self._is_over = False
        self._is_told = False

    @property
    def is_heard(self) -> bool:
        """Whether what is written reaches the customer."""
        return self.link.answers and not self._is_mute

    # What a carrier does to it

    def set_link(self, link: Link) -> None:
        asks = link.enquire_link_every_s and not self.link.enquire_link_every_s
        if link.reads is not self.link.reads:
            # Not before the loop has begun to read, which it does behind connection_made.
            self._loop.call_soon(self._apply_reading)
        self.link = SOUND if link == SOUND else link
        if not (link.reads and link.answers):
            self.witness.stop_hearing()
        if asks:
            self._later(link.enquire_link_every_s, self._ask)

    def alter(self, sequence_number: int, form: ResponseForm) -> None:
        """Write the response to this request otherwise."""
        self._altered[sequence_number] = form

    def inject(self, fault: Fault, for_s: float = 0.0) -> None:
        """Do it now; what lasts, for so long, or until the connection ends."""
        match fault:
            case Fault.RST:
                self._reset()
            case Fault.FIN:
                self._shut("FIN by the simulator")
            case Fault.FIN_MID_PDU:
                octets = codec.encode(EnquireLink(), self._handmade)
                self._write_now(octets[: len(octets) // 2])
                self._shut("FIN within a PDU by the simulator")
            case Fault.STOP_READING:
                self._is_deaf = True
                self.witness.stop_hearing()
                self._apply_reading()
            case Fault.BLACKHOLE:
                self._is_mute = True
                self.witness.stop_hearing()
            case Fault.UNBIND:
                self._unbind()
            case _:
                self._write_malformed(fault)
        if for_s:
            self._later(for_s, self._lift, fault)

    def inject_later(self, delay_s: float, fault: Fault) -> None:
        self._later(delay_s, self.inject, fault)

    def cut_next(self) -> None:
        """Of the next octets only half are written, and then the connection ends."""
        self._cuts_next = True

    def cut(self) -> None:
        """End it, whatever state it is in."""
        self.ended_by_us = True
        self._transport.abort()

    # What the socket calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.connection.connection_made(self)

    def data_received(self, octets: bytes) -> None:
        if not (self.is_heard and self.link.reads):
            return
        self.witness.received(octets, self._clock.now())
        self.connection.data_received(octets)

    def eof_received(self) -> bool:
        self._tell_end()
        return self.connection.eof_received()

    def connection_lost(self, cause: Exception | None) -> None:
        self._tell_end()
        for timer in self._timers:
            timer.cancel()
        self._end_session(cause)
        self._on_lost(self)

    def pause_writing(self) -> None:
        self.connection.pause_writing()

    def resume_writing(self) -> None:
        self.connection.resume_writing()

    # What the session's connection calls

    def write(self, data: Any) -> None:
        octets = bytes(data)
        if not self.is_heard:
            return
        self.witness.sent(octets, self._clock.now())
        if self._altered or self.link is not SOUND:
            octets = self._spoilt(octets)
        if self._cuts_next:
            self._transport.write(octets[: max(1, len(octets) // 2)])
            self._shut("FIN within a PDU by the simulator")
        elif octets:
            self._pass(octets)

    def close(self) -> None:
        """A connection that says nothing does not say either that it is over."""
        if not (self.is_heard and self.link.reads):
            self._loop.call_soon(self._end_session, None)
        else:
            self.ended_by_us = True
            while self._waiting:
                self._transport.write(self._waiting.popleft())
            self._close()

    def abort(self) -> None:
        if not (self.is_heard and self.link.reads):
            self._loop.call_soon(self._end_session, None)
        else:
            self.ended_by_us = True
            self._transport.abort()

    def is_closing(self) -> bool:
        return self._is_over or self._transport.is_closing()

    def pause_reading(self) -> None:
        self._session_reads = False
        self._apply_reading()

    def resume_reading(self) -> None:
        self._session_reads = True
        self._apply_reading()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._transport.set_write_buffer_limits(high, low)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    # Spoiling

    def _spoilt(self, octets: bytes) -> bytes:
        kept = []
        at = 0
        while at < len(octets):
            length, command_id, _, sequence_number = HEADER.unpack_from(octets, at)
            pdu = octets[at : at + length]
            at += length
            if command_id == ENQUIRE_LINK_RESP and not self._answers_link(pdu):
                continue
            form = self._altered.pop(sequence_number, None) if command_id >> 31 else None
            kept.append(written(pdu, form) if form else pdu)
        return b"".join(kept)

    def _answers_link(self, pdu: bytes) -> bool:
        """Whether an enquire_link_resp may pass now."""
        if not self.link.enquire_link_answered:
            return False
        delay_s = draw(self.link.enquire_link_delay_s, self.chance)
        if delay_s:
            self._later(delay_s, self._pass, pdu)
        return not delay_s

    def _pass(self, octets: bytes) -> None:
        link = self.link
        if link.dribble_s and len(self._waiting) < WAITING_MAX:
            self._waiting.extend(bytes([octet]) for octet in octets)
            self._wait_to_pass(link.dribble_s)
        elif link.glue_s:
            self._waiting.append(octets)
            self._wait_to_pass(link.glue_s)
        elif self._waiting:
            self._waiting.append(octets)  # Behind what still dribbles.
        else:
            self._write_now(octets)

    def _write_now(self, octets: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(octets)

    def _wait_to_pass(self, delay_s: float) -> None:
        if not self._is_passing:
            self._is_passing = True
            self._later(delay_s, self._pass_on)

    def _pass_on(self) -> None:
        self._is_passing = False
        if self.link.glue_s:
            self._write_now(b"".join(self._waiting))
            self._waiting.clear()
        elif self._waiting:
            self._write_now(self._waiting.popleft())
        if self._waiting:
            self._wait_to_pass(self.link.dribble_s or DRIBBLE_S)

    def _write_malformed(self, fault: Fault) -> None:
        made = malformed(fault, self._handmade)
        assert made is not None
        self._handmade += HANDMADE_STEP
        now = self._clock.now()
        for expected in made.expected:
            self.witness.expect(expected, now)
        first, *rest = made.pieces
        self._pass(first)
        if rest:
            self._waiting.extend(rest)
            self._wait_to_pass(DRIBBLE_S)
        self._look_later()

    def _unbind(self) -> None:
        """At once, with everything in flight: a session would wait for that."""
        octets = codec.encode(Unbind(), self._handmade)
        self._handmade += HANDMADE_STEP
        self.witness.sent(octets, self._clock.now())
        self._pass(octets)
        self._look_later()

    def _ask(self) -> None:
        link = self.link
        if not link.enquire_link_every_s:
            return
        if self.connection.session.state in BOUND and self.connection.sendable > 0:
            self.connection.request(EnquireLink())
        self._later(link.enquire_link_every_s, self._ask)

    # Ending

    def _reset(self) -> None:
        connected = self._transport.get_extra_info("socket")
        if connected is not None:
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        self.cut()

    def _shut(self, reason: str) -> None:
        """End the stream behind what is written; the session has no last word."""
        self.ended_by_us = True
        self._close()
        self.connection.close(reason)

    def _close(self) -> None:
        """Once: TLS of Python before 3.11.3 cannot be cut any more when it was closed twice."""
        if not self._transport.is_closing():
            self._transport.close()

    def _end_session(self, cause: Exception | None) -> None:
        if not self._is_over:
            self._is_over = True
            self.connection.connection_lost(cause)

    def _tell_end(self) -> None:
        if not self._is_told:
            self._is_told = True
            self.witness.ended(self._clock.now(), by_customer=not self.ended_by_us)

    # Timers

    def _lift(self, fault: Fault) -> None:
        self.witness.hear_again()
        if fault is Fault.STOP_READING:
            self._is_deaf = False
            self._apply_reading()
        elif fault is Fault.BLACKHOLE:
            self._is_mute = False
            if self._is_over:
                self.cut()

    def _apply_reading(self) -> None:
        if self._transport.is_closing():
            return
        if self._session_reads and self.link.reads and not self._is_deaf:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def _look_later(self) -> None:
        self._later(self._response_s, lambda: self.witness.look(self._clock.now()))

    def _later(self, delay_s: float, call: Callable[..., object], *arguments: object) -> None:
        def due() -> None:
            self._timers.discard(timer)
            call(*arguments)

        timer = self._loop.call_later(delay_s, due)
        self._timers.add(timer)
