"""Joins the callers of the REST API with the SIP endpoint of the same process: passes messages
either way, and keeps the timers. It decides nothing.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from random import Random

from gateway.clock import Clock
from gateway.net.alarm import Alarm
from gateway.net.sip_endpoint import SipEndpoint
from gateway.net.sip_inside import SipInside
from gateway.sip.parser import parse
from gateway.sip.session_timer import SessionInterval
from gateway.sip.transaction import Destination
from gateway.voice.media_session import MEDIA_REPLY_S, Qualities
from gateway.voice.web_call import WebCall
from gateway.voice.web_calls import WebCalls

# By the id of a call; see B2bua.query.
Query = Callable[[int, Callable[[Qualities], None], float], bool]

log = logging.getLogger(__name__)

TOKEN_OCTETS = 10


class WebAgent:
    """Whoever has asked something of `calls` calls `flush`. `query` asks how the two sides of
    a call sound, by its id."""

    def __init__(
        self,
        endpoint: SipEndpoint,
        clock: Clock,
        random: Random,
        interval: SessionInterval,
        calls_max: int,
        query: Query,
    ) -> None:
        self.calls = WebCalls(partial(secrets.token_hex, TOKEN_OCTETS), random, interval, calls_max)
        self._query = query
        self._endpoint = endpoint
        self._clock = clock
        # One for each account that has called.
        self._connections: dict[str, SipInside] = {}
        self._alarm = Alarm(clock, self._on_timer)

    def way(self, account_sid: str) -> Destination:
        """The connection of an account."""
        inside = self._connections.get(account_sid)
        if inside is None:
            inside = self._endpoint.connect_inside(account_sid, self._on_received)
            self._connections[account_sid] = inside
        return inside.destination

    def flush(self) -> None:
        """Send what is to be sent, and set the timer."""
        for outgoing in self.calls.user_agent.messages_to_send():
            self._connections[outgoing.destination.host].send(outgoing.octets)
        self._alarm.set(self.calls.next_timer())

    async def qualities(self, call: WebCall) -> Qualities | None:
        """Of what the caller and the called side have sent so far; None where it is not known."""
        known: asyncio.Future[Qualities] = asyncio.get_running_loop().create_future()

        def on_known(qualities: Qualities) -> None:
            if not known.done():
                known.set_result(qualities)

        if call.call is None or not self._query(call.call.id, on_known, self._clock.now()):
            return None
        with suppress(TimeoutError):
            async with asyncio.timeout(MEDIA_REPLY_S):
                return await known
        return None

    def close(self) -> None:
        self._alarm.cancel()

    def _on_received(self, messages: list[bytes], source: Destination) -> None:
        now = self._clock.now()
        for octets in messages:
            try:
                self.calls.receive(parse(octets), source, now)
            except Exception:
                log.exception("SIP broke", extra={"cost": "message", "peer": source.host})
        self.flush()

    def _on_timer(self) -> None:
        try:
            self.calls.handle_timer(self._clock.now())
        except Exception:
            log.exception("SIP broke", extra={"cost": "timer", "peer": ""})
        self.flush()
