"""What a media worker does with what it is asked: calls by their numbers, each a relay. It knows no
socket of the signalling's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from functools import partial
from random import SystemRandom

from media.errors import MediaError
from media.events import EndGone, MediaEvent, MediaTimeout
from media.leg import Heard
from media.profile import Profile, profile_of
from media.relay import Relay, RelayHost
from media.sdp import Address
from media.webrtc_end import WebRtcEnds
from media.webrtc_hooks import TurnServer
from media.webrtc_transport import WebRtcHost
from media.worker.messages import (
    Answer,
    Begin,
    Delete,
    Described,
    Event,
    Measured,
    Offer,
    Ping,
    Place,
    Pong,
    Query,
    Refused,
    Reply,
    Report,
    Request,
    Silent,
)

NOTHING = Heard(0, 0, 0, 0.0, 0.0, 0.0)
# Of one Report, so that no frame becomes long.
REPORTED_MAX = 256


class Service:
    """`tell` hears of events, and `answer` of replies that had to wait. Nothing but Begin may be
    asked before Begin."""

    def __init__(
        self, tell: Callable[[Event], None], answer: Callable[[Reply], None] = lambda reply: None
    ) -> None:
        self._tell = tell
        self._answer = answer
        self._opening: dict[int, tuple[int, asyncio.Task[None]]] = {}
        self._calls: dict[int, Relay] = {}
        self._host: RelayHost | None = None
        self._web: WebRtcHost | None = None
        # Of calls that are over.
        self._packets = self._octets = self._strays = self._unsent = 0

    def handle(self, request: Request) -> Reply | None:
        """None where the answer waits for servers of STUN and TURN: the first offer of a call."""
        try:
            match request:
                case Offer() if self._must_wait(request):
                    opening = asyncio.get_running_loop().create_task(self._open(request))
                    self._opening[request.call] = request.number, opening
                    return None
                case Offer():
                    return Described(request.number, self._offer(request))
                case Answer():
                    relay = self._calls.get(request.call)
                    if relay is None:
                        return Refused(request.number, 500, "the call is not known")
                    return Described(request.number, relay.answer(request.end, request.sdp))
                case Query(number, call):
                    return Measured(number, *self._heard(call))
                case Delete(number, call):
                    heard = self._heard(call)
                    self._delete(call)
                    return Measured(number, *heard)
                case Ping(number):
                    return self._pong(number)
                case Begin(number, place):
                    self._begin(place)
                    return self._pong(number)
        except MediaError as error:
            return Refused(request.number, error.status, str(error))

    def reports(self) -> Iterator[Report]:
        """Of all calls, in parts."""
        numbers = list(self._calls)
        for at in range(0, len(numbers), REPORTED_MAX):
            part = numbers[at : at + REPORTED_MAX]
            yield Report([(call, *self._heard(call)) for call in part if call in self._calls])

    def close(self) -> None:
        for call in list(self._calls):
            self._delete(call)
        for call in list(self._opening):
            self._delete(call)
        if self._host is not None:
            self._host.close()

    async def closed(self) -> None:
        """Browsers have been told that their calls are over."""
        if self._web is not None:
            await self._web.closed()

    def _begin(self, place: Place) -> None:
        self._host = RelayHost(
            place.host,
            (place.port_min, place.port_max),
            SystemRandom(),
            time.monotonic,
            place.advertised_host,
            place.silence_s,
        )
        stun, turn = Address(*place.stun), TurnServer(Address(*place.turn[:2]), *place.turn[2:])
        self._web = WebRtcHost(
            self._host,
            time.monotonic,
            stun if stun.host else None,
            turn if turn.address.host else None,
        )
        self._host.browsers = WebRtcEnds(self._web)

    def _offer(self, offer: Offer) -> bytes:
        relay = self._calls.get(offer.call)
        if relay is None:
            assert self._host is not None
            relay = self._host.open(partial(self._on_event, offer.call), profiles_of(offer))
            self._calls[offer.call] = relay
        return relay.offer(offer.end, offer.sdp)

    def _must_wait(self, offer: Offer) -> bool:
        assert self._host is not None
        return offer.call not in self._calls and self._host.waits(profiles_of(offer))

    async def _open(self, offer: Offer) -> None:
        """It is over in `GATHER_S`."""
        assert self._host is not None
        on_event = partial(self._on_event, offer.call)
        reply: Reply | None
        try:
            self._calls[offer.call] = await self._host.opened(on_event, profiles_of(offer))
        except MediaError as error:
            reply = Refused(offer.number, error.status, str(error))
        else:
            reply = self.handle(offer)
        del self._opening[offer.call]
        assert reply is not None
        self._answer(reply)

    def _on_event(self, call: int, event: MediaEvent) -> None:
        match event:
            case MediaTimeout() | EndGone():
                self._tell(Silent(call))
            case _:
                pass

    def _heard(self, call: int) -> tuple[Heard, Heard]:
        relay = self._calls.get(call)
        return (NOTHING, NOTHING) if relay is None else (relay.heard(0), relay.heard(1))

    def _delete(self, call: int) -> None:
        """Harmless where there is none: its offer may have been refused for want of a port."""
        if call in self._opening:
            number, opening = self._opening.pop(call)
            opening.cancel()
            self._answer(Refused(number, 500, "the call is over"))
        relay = self._calls.pop(call, None)
        if relay is None:
            return
        packets, octets, strays, unsent = _counted(relay)
        self._packets += packets
        self._octets += octets
        self._strays += strays
        self._unsent += unsent
        relay.close()

    def _pong(self, number: int) -> Pong:
        packets, octets, strays, unsent = self._packets, self._octets, self._strays, self._unsent
        for relay in self._calls.values():
            counted = _counted(relay)
            packets += counted[0]
            octets += counted[1]
            strays += counted[2]
            unsent += counted[3]
        return Pong(number, len(self._calls), packets, octets, strays, unsent)


def profiles_of(offer: Offer) -> tuple[Profile, Profile]:
    """Of the ends of a call that begins with this."""
    own, other = profile_of(offer.sdp), Profile(offer.profile or Profile.PLAIN)
    return (own, other) if offer.end == 0 else (other, own)


def _counted(relay: Relay) -> tuple[int, int, int, int]:
    legs = relay.leg(0), relay.leg(1)
    return (
        sum(leg.reception.packets for leg in legs),
        sum(leg.reception.octets for leg in legs),
        sum(leg.strays for leg in legs),
        sum(leg.unsent for leg in legs),
    )
