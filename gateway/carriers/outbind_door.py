"""Where a carrier that has something for us connects and asks to be bound to: outbind (SMPP v3.4
§2.2.1, §4.1.7).

Anybody may knock here. So few may stand before the door at a time, none for long, and only who
knows system_id and password is bound to: nothing is said to anybody else.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Callable

from gateway.config.carrier import Outbind as OutbindConfig
from gateway.net.network import Listening, Network
from gateway.net.smpp_connection import SmppConnection
from gateway.smpp.events import Closed, Event, Request
from gateway.smpp.pdus import Outbind

log = logging.getLogger(__name__)

# Connections that have not sent their outbind yet.
WAITING_MAX = 8
OUTBIND_WAIT_S = 10.0

OnEvent = Callable[[SmppConnection, Event], None]
OnOpen = Callable[[SmppConnection], None]


class OutbindDoor:
    """`make` makes a session in the role of the ESME. `on_outbind` is to bind over the connection
    of the one carrier that is let in, whose events then go to `on_event`.
    """

    def __init__(
        self,
        name: str,
        config: OutbindConfig,
        network: Network,
        make: Callable[[OnEvent, OnOpen], SmppConnection],
        on_event: OnEvent,
        on_outbind: OnOpen,
    ) -> None:
        self._name = name
        self._config = config
        self._network = network
        self._make = make
        self._forward = on_event
        self._on_outbind = on_outbind
        self._listening: Listening | None = None
        self._waiting: dict[SmppConnection, asyncio.TimerHandle] = {}
        self._let_in: SmppConnection | None = None

    async def open(self) -> None:
        """Raises ListenError."""
        self._listening = await self._network.listen(
            self._config.host,
            self._config.port,
            lambda: self._make(self._on_event, self._on_open),
        )

    async def close(self) -> None:
        """Let nobody in any more; who is in is not touched."""
        if self._listening:
            await self._listening.close()
        for connection in list(self._waiting):
            connection.abort("the door is closed")

    def _on_open(self, connection: SmppConnection) -> None:
        if len(self._waiting) >= WAITING_MAX:
            log.warning("outbind refused", extra=self._facts(connection, "too many wait"))
            connection.close("too many wait")
            return
        self._waiting[connection] = asyncio.get_running_loop().call_later(
            OUTBIND_WAIT_S, connection.abort, "no outbind in time"
        )

    def _on_event(self, connection: SmppConnection, event: Event) -> None:
        if connection is self._let_in:
            if isinstance(event, Closed):
                self._let_in = None
            self._forward(connection, event)
            return
        match event:
            case Request(_, Outbind() as outbind) if connection in self._waiting:
                self._check(connection, outbind)
            case Closed():
                self._leave(connection)
            case _:
                pass

    def _check(self, connection: SmppConnection, outbind: Outbind) -> None:
        self._leave(connection)
        reason = ""
        if not self._knows(outbind):
            reason = "wrong system_id or password"
        elif self._let_in:
            reason = "one is bound already"
        if reason:
            log.warning("outbind refused", extra=self._facts(connection, reason))
            connection.close(reason)
            return
        self._let_in = connection
        log.info("outbind", extra={"bind": self._name, "peer": connection.peer})
        self._on_outbind(connection)

    def _knows(self, outbind: Outbind) -> bool:
        """In the same time whatever is wrong."""
        system_id = _equal(outbind.system_id, self._config.system_id)
        password = _equal(outbind.password, self._config.password or "")
        return system_id and password

    def _leave(self, connection: SmppConnection) -> None:
        timer = self._waiting.pop(connection, None)
        if timer:
            timer.cancel()

    def _facts(self, connection: SmppConnection, reason: str) -> dict[str, str]:
        return {"bind": self._name, "peer": connection.peer, "reason": reason}


def _equal(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())
