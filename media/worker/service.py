"""What a media worker does with what it is asked: calls by their numbers, each a relay. It knows no
socket of the signalling's."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from random import SystemRandom

from media.errors import MediaError
from media.events import EndGone, MediaEvent, MediaTimeout
from media.leg import Heard
from media.profile import Profile, profile_of
from media.relay import Relay, RelayHost
from media.webrtc_end import WebRtcEnds
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
    """`tell` hears of events. Nothing but Begin may be asked before Begin."""

    def __init__(self, tell: Callable[[Event], None]) -> None:
        self._tell = tell
        self._calls: dict[int, Relay] = {}
        self._host: RelayHost | None = None
        self._web: WebRtcHost | None = None
        # Of calls that are over.
        self._packets = self._octets = self._strays = self._unsent = 0

    def handle(self, request: Request) -> Reply:
        try:
            match request:
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
        self._web = WebRtcHost(self._host, time.monotonic)
        self._host.browsers = WebRtcEnds(self._web)

    def _offer(self, offer: Offer) -> bytes:
        relay = self._calls.get(offer.call)
        if relay is None:
            assert self._host is not None
            other = Profile(offer.profile or Profile.PLAIN)
            profiles = profile_of(offer.sdp), other
            if offer.end == 1:
                profiles = other, profile_of(offer.sdp)
            relay = self._host.open(partial(self._on_event, offer.call), profiles)
            self._calls[offer.call] = relay
        return relay.offer(offer.end, offer.sdp)

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


def _counted(relay: Relay) -> tuple[int, int, int, int]:
    legs = relay.leg(0), relay.leg(1)
    return (
        sum(leg.reception.packets for leg in legs),
        sum(leg.reception.octets for leg in legs),
        sum(leg.strays for leg in legs),
        sum(leg.unsent for leg in legs),
    )
