"""Joins the callers of the REST API with the SIP endpoint of the same process: passes messages
either way, and keeps the timers. It decides nothing.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from functools import partial
from random import Random

from gateway.call import Quality
from gateway.clock import Clock
from gateway.net.alarm import Alarm
from gateway.net.sip_endpoint import SipEndpoint
from gateway.net.sip_inside import SipInside
from gateway.sip.parser import parse
from gateway.sip.session_timer import SessionInterval
from gateway.sip.transaction import Destination
from gateway.voice.web_call import WebCall
from gateway.voice.web_calls import WebCalls

log = logging.getLogger(__name__)

TOKEN_OCTETS = 10


class WebAgent:
    """Whoever has asked something of `calls` calls `flush`. `qualities` are of a call's two sides,
    by its id."""

    def __init__(
        self,
        endpoint: SipEndpoint,
        clock: Clock,
        random: Random,
        interval: SessionInterval,
        calls_max: int,
        qualities: Callable[[int], tuple[Quality, Quality] | None],
    ) -> None:
        self.calls = WebCalls(partial(secrets.token_hex, TOKEN_OCTETS), random, interval, calls_max)
        self._qualities = qualities
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

    async def qualities(self, call: WebCall) -> tuple[Quality, Quality] | None:
        """Of what the caller and the called side have sent so far."""
        return self._qualities(call.call.id) if call.call is not None else None

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
