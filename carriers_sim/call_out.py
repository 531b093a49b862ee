"""A call that a simulated carrier makes to its customer: what is asked for, and its INVITE."""

from __future__ import annotations

from typing import Annotated

import msgspec

from carriers_sim.call_behaviour import CallDecision
from carriers_sim.call_outcome import AudioSource
from carriers_sim.delay import Seconds
from gateway.net.sip_address import bracketed
from gateway.sip.outgoing_leg import Invitation
from gateway.sip.transaction import Destination


class CallOut(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A call of the carrier's to its customer. It is cancelled `cancel_after_s` after the INVITE if
    it is not answered by then; the other keys are those of a behaviour. Without `offers` the INVITE
    has no session description. `headers` are added to it."""

    caller: Annotated[str, msgspec.Meta(min_length=1)] = msgspec.field(name="from")
    called: Annotated[str, msgspec.Meta(min_length=1)] = msgspec.field(name="to")
    host: Annotated[str, msgspec.Meta(min_length=1)]
    port: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = 5060
    transport: str = "UDP"
    headers: tuple[tuple[str, str], ...] = ()
    offers: bool = True
    audio: AudioSource = AudioSource.TONE
    talk_s: Seconds | None = None
    hold_after_s: Seconds | None = None
    hold_s: Seconds = 1.0
    cancel_after_s: Seconds | None = None
    unacknowledged: bool = False

    @property
    def destination(self) -> Destination:
        return Destination(self.transport.upper(), self.host, self.port)

    @property
    def decision(self) -> CallDecision:
        """What the carrier does of it once it is answered."""
        return CallDecision(
            200,
            "made here",
            audio=self.audio,
            talk_s=self.talk_s,
            hold_after_s=self.hold_after_s,
            hold_s=self.hold_s,
        )

    def invitation(self, own_host: str, own_port: int, offer: bytes) -> Invitation:
        """From that address of the carrier's; `offer` is left out unless the call `offers`."""
        host = bracketed(self.host)
        uri = f"sip:{self.called}@{host}:{self.port}"
        if self.transport.upper() != "UDP":
            uri += f";transport={self.transport.lower()}"
        return Invitation(
            uri,
            f"<sip:{self.caller}@{bracketed(own_host)}:{own_port}>",
            f"<sip:{self.called}@{host}:{self.port}>",
            self.headers,
            offer if self.offers else b"",
        )
