"""SIP over WebSocket (RFC 7118, RFC 6455): one message in each, of text or of octets.

The `websockets` library holds the protocol, without I/O. We are the server always: a browser cannot
be called but over the connection that it has opened.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import cast

from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Origin, Subprotocol

from gateway.net.sip_connection import ConnectionOwner, SipConnection
from gateway.sip.errors import MessageError
from gateway.sip.framing import Framed, KeepAlive
from gateway.sip.parser import BODY_OCTETS_MAX, HEAD_OCTETS_MAX, parse

SUBPROTOCOL = Subprotocol("sip")
MESSAGE_OCTETS_MAX = HEAD_OCTETS_MAX + BODY_OCTETS_MAX
PING_AFTER_S = 30.0
PONG_S = 20.0

_quiet = logging.getLogger(f"{__name__}.protocol")
_quiet.setLevel(logging.CRITICAL)


class SipWebsocket(SipConnection):
    """`origins` are the web pages whose scripts may connect, as browsers write them
    ("https://phone.example"); none are all. A client that is no browser has no origin, and might
    claim any: it is let in."""

    def __init__(
        self, transport: str, number: int, owner: ConnectionOwner, origins: Sequence[str] = ()
    ) -> None:
        super().__init__(transport, number, owner, opened=False)
        self._protocol = ServerProtocol(
            origins=[*map(Origin, origins), None] if origins else None,
            subprotocols=[SUBPROTOCOL],
            max_size=MESSAGE_OCTETS_MAX,
            logger=_quiet,
        )
        self._pieces = bytearray()
        self._asked_at: float | None = None

    def look_after(self, now: float) -> None:
        """A browser's socket is silent between calls, and a NAT forgets it: we ask."""
        super().look_after(now)
        if self._protocol.state is not State.OPEN or self._pause is not None:
            return
        if self._asked_at is None:
            if now - self._active_at > PING_AFTER_S:
                self._asked_at = now
                self._protocol.send_ping(b"")
                self._write_waiting()
        elif now - self._asked_at > PONG_S:
            self.abort("no pong came")

    # Reading

    def _read(self, octets: bytes) -> list[Framed]:
        self._asked_at = None
        self._protocol.receive_data(octets)
        items: list[Framed] = []
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._protocol.send_response(self._protocol.accept(event))
            else:
                items += self._take(cast(Frame, event))
        self._write_waiting()
        return items

    def eof_received(self) -> bool:
        self._protocol.receive_eof()
        self._write_waiting()
        return False

    def _take(self, frame: Frame) -> list[Framed]:
        """A message may come in fragments; all together they are no longer than max_size."""
        if frame.opcode is Opcode.PONG or frame.opcode is Opcode.PING:
            return [KeepAlive.PONG if frame.opcode is Opcode.PONG else KeepAlive.PING]
        if frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            return []
        self._pieces += frame.data
        if not frame.fin:
            return []
        whole = bytes(self._pieces)
        self._pieces.clear()
        if not whole.strip(b"\r\n"):
            return [KeepAlive.PING]  # RFC 7118 §6; RFC 5626 §3.5.1 for those who do it still
        try:
            return [parse(whole)]
        except MessageError as error:
            return [error]

    @property
    def _within_message(self) -> bool:
        return bool(self._pieces) or self._protocol.state is State.CONNECTING

    @property
    def _broken(self) -> str | None:
        if self._protocol.handshake_exc is not None:
            return "its handshake is refused"
        if self._protocol.state in (State.CONNECTING, State.OPEN):
            return None
        return "the peer closed it, or broke the WebSocket protocol"

    # Writing

    def _write_message(self, transport: asyncio.Transport, octets: bytes) -> bool:
        if self._protocol.state is not State.OPEN:
            return False
        if _is_text(octets):
            self._protocol.send_text(octets)
        else:
            self._protocol.send_binary(octets)
        self._write_waiting()
        return True

    def _say_goodbye(self, transport: asyncio.Transport) -> None:
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(CloseCode.GOING_AWAY)
            self._write_waiting()

    def _write_waiting(self) -> None:
        """What the protocol answers by itself too. An empty piece is its end of file."""
        octets = b"".join(self._protocol.data_to_send())
        if octets and self._transport is not None and not self._transport.is_closing():
            self._transport.write(octets)


def _is_text(octets: bytes) -> bool:
    try:
        octets.decode()
    except UnicodeDecodeError:
        return False
    return True
