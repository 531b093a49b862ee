"""The gateway's SIP endpoint with a carrier's faults: what it loses, what it does not send, and who
looks at each message that passes.

It stands where the endpoint takes a message in and lets one out, so that what is lost here was lost
on the way for all that stands above.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from carriers_sim.delay import happens
from carriers_sim.sip_violations import SipInvariant
from carriers_sim.sip_witness import SipWitness
from gateway.net.sip_endpoint import SipEndpoint
from gateway.sip.errors import MessageError
from gateway.sip.message import SipMessage, SipRequest, SipResponse
from gateway.sip.parser import parse
from gateway.sip.transaction import Destination, Outgoing


class SipWire(SipEndpoint):
    """`lost` is the share of messages that is lost, each way; `withholds` says which of ours never
    leave. `on_violation` hears what the witness has seen."""

    def __init__(
        self,
        *endpoint: Any,
        witness: SipWitness,
        chance: Random,
        withholds: Callable[[SipMessage], bool],
        on_violation: Callable[[SipInvariant, str, float], None],
        on_lost: Callable[[], None],
        **more: Any,
    ) -> None:
        super().__init__(*endpoint, **more)
        self.lost = 0.0
        self._witness = witness
        self._chance = chance
        self._withholds = withholds
        self._on_violation = on_violation
        self._on_lost = on_lost

    def _receive(self, message: SipRequest | SipResponse, source: Destination, now: float) -> None:
        for invariant, detail in self._witness.received(message, source.reliable, now):
            self._on_violation(invariant, detail, now)
        if happens(self.lost, self._chance):
            self._on_lost()
        else:
            super()._receive(message, source, now)

    def _refuse(self, error: MessageError, source: Destination) -> None:
        self._on_violation(SipInvariant.SIP_MALFORMED, str(error), self._clock.now())
        super()._refuse(error, source)

    def _send(self, outgoing: Outgoing) -> None:
        message = parse(outgoing.octets)
        if self._withholds(message):
            return
        if happens(self.lost, self._chance):
            self._on_lost()
            return
        self._witness.sent(message, self._clock.now())
        super()._send(outgoing)
