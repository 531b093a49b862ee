"""SIP over TCP and TLS: messages by their Content-Length, CRLFs between them (RFC 3261 §18.3,
RFC 5626 §3.5.1)."""

from __future__ import annotations

import asyncio

from gateway.net.sip_connection import ConnectionOwner, SipConnection
from gateway.sip.framing import Framed, KeepAlive, StreamParser

PONG = b"\r\n"


class SipStream(SipConnection):
    def __init__(self, transport: str, number: int, owner: ConnectionOwner, opened: bool) -> None:
        super().__init__(transport, number, owner, opened)
        self._parser = StreamParser(opened)

    def _read(self, octets: bytes) -> list[Framed]:
        items = self._parser.feed(octets)
        for item in items:
            if item is KeepAlive.PING:
                self.send(PONG)
        return items

    @property
    def _within_message(self) -> bool:
        return self._parser.holding

    @property
    def _broken(self) -> str | None:
        return self._parser.broken

    def _write_message(self, transport: asyncio.Transport, octets: bytes) -> bool:
        transport.write(octets)
        return True
