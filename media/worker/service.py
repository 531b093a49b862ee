"""What a media worker does with what it is asked: calls by their numbers, each a relay. It knows no
socket of the signalling's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import SystemRandom

from media import wav
from media.audio import Audio, tone
from media.errors import MediaError, NotAcceptable
from media.events import MediaEvent
from media.heard import NOTHING, Heard
from media.profile import Profile, profile_of
from media.relay import Relay, RelayHost
from media.relay_end import RelayEnd
from media.speech import SpeechBounds
from media.worker.late_browser_ends import LateBrowserEnds
from media.worker.messages import (
    Answer,
    Begin,
    Delete,
    Described,
    Done,
    Dtmf,
    Event,
    Listen,
    Measured,
    Offer,
    Ping,
    Place,
    Play,
    Pong,
    Query,
    Record,
    Refused,
    Reply,
    Report,
    Request,
    Stop,
    StopRecording,
    Told,
    happened,
)

# Of one Report, so that no frame becomes long.
REPORTED_MAX = 256


class Service:
    """`tell` hears of events, and of replies that had to wait. Nothing but Begin may be asked
    before Begin. `relays` are those of calls that stand, by their numbers."""

    def __init__(self, tell: Callable[[Reply | Event], None]) -> None:
        self._tell = tell
        self._gathering: dict[int, tuple[int, asyncio.Task[None]]] = {}
        self.relays: dict[int, Relay] = {}
        self._host: RelayHost | None = None
        self._browsers: LateBrowserEnds | None = None
        # Of calls that are over.
        self._packets = self._octets = self._strays = self._unsent = 0

    def handle(self, request: Request) -> Reply | None:
        """None: it is told later. An offer waits for servers of STUN and TURN where they are to be
        asked for its sake."""
        try:
            match request:
                case Offer() if request.call in self._gathering:
                    return Refused(request.number, 491, "the offer before waits yet")
                case Offer() if self._must_wait(request):
                    gathering = asyncio.get_running_loop().create_task(self._gather(request))
                    self._gathering[request.call] = request.number, gathering
                    return None
                case Offer():
                    return Described(request.number, self._offer(request))
                case Answer(number, call, end, sdp):
                    return Described(number, self._relay(call).answer(end, sdp))
                case Query(number, call):
                    return Measured(number, *self._heard(call))
                case Delete(number, call):
                    return Measured(number, *self._delete(call))
                case Play():
                    self._load(request)
                    return None
                case Stop(number, call, end):
                    self._relay(call).services.stop(end)
                    return Done(number)
                case Dtmf(number, call, end, digits, duration_s):
                    self._relay(call).services.send_digits(end, digits, duration_s)
                    return Done(number)
                case Told(number, call, end):
                    self._relay(call).services.tell_digits(end, by_signalling=True)
                    return Done(number)
                case Listen(number, call, end, on):
                    self._relay(call).services.listen(end, SpeechBounds() if on else None)
                    return Done(number)
                case Record(number, call, file):
                    self._relay(call).services.record(Path(file), (0, 1))
                    return Done(number)
                case StopRecording(number, call):
                    self._relay(call).services.stop_recording()
                    return Done(number)
                case Ping(number):
                    return self._pong(number)
                case Begin(number, place):
                    self._begin(place)
                    return self._pong(number)
        except MediaError as error:
            return Refused(request.number, error.status, str(error))

    def reports(self) -> Iterator[Report]:
        """Of all calls, in parts."""
        numbers = list(self.relays)
        for at in range(0, len(numbers), REPORTED_MAX):
            part = numbers[at : at + REPORTED_MAX]
            yield Report([(call, *self._heard(call)) for call in part if call in self.relays])

    def close(self) -> None:
        for call in list(self.relays):
            self._delete(call)
        for call in list(self._gathering):
            self._delete(call)
        if self._host is not None:
            self._host.close()

    async def closed(self) -> None:
        """Browsers have been told that their calls are over."""
        if self._browsers is not None:
            await self._browsers.closed()

    def _begin(self, place: Place) -> None:
        self._host = RelayHost(
            place.host,
            (place.port_min, place.port_max),
            SystemRandom(),
            time.monotonic,
            place.advertised_host,
            place.silence_s,
        )
        self._host.browsers = self._browsers = LateBrowserEnds(self._host, place)

    def _offer(self, offer: Offer, instead: RelayEnd | None = None) -> bytes:
        host, relay = self._host, self.relays.get(offer.call)
        assert host is not None
        if relay is None:
            relay = host.open(partial(self._on_event, offer.call), profiles_of(offer), offer.end)
            self.relays[offer.call] = relay
            return relay.offer(offer.end, offer.sdp)
        profile = another_profile(offer, relay)
        if instead is None and profile is not None:
            instead = host.end(profile)
        return relay.offer(offer.end, offer.sdp, instead)

    def _must_wait(self, offer: Offer) -> bool:
        host, relay = self._host, self.relays.get(offer.call)
        assert host is not None
        browsers = host.browsers
        if browsers is None or not browsers.waits:
            return False
        if relay is None:
            return Profile.WEBRTC in profiles_of(offer)
        return another_profile(offer, relay) is Profile.WEBRTC or browsers.restarts(
            relay.end(offer.end), offer.sdp
        )

    async def _gather(self, offer: Offer) -> None:
        """It is over in `GATHER_S`; in twice that, where ICE begins anew with who offers, and the
        other end becomes another browser."""
        host, relay = self._host, self.relays.get(offer.call)
        assert host is not None
        browsers, instead = host.browsers, None
        assert browsers is not None
        reply: Reply
        try:
            if relay is None:
                on_event = partial(self._on_event, offer.call)
                relay = await host.opened(on_event, profiles_of(offer), offer.end)
                self.relays[offer.call] = relay
            else:
                if browsers.restarts(relay.end(offer.end), offer.sdp):
                    await browsers.renew(relay.end(offer.end))
                if another_profile(offer, relay) is Profile.WEBRTC:
                    instead = await browsers.gathered(we_offer=True)
            reply = Described(offer.number, self._offer(offer, instead))
        except MediaError as error:
            reply = Refused(offer.number, error.status, str(error))
        del self._gathering[offer.call]
        self._tell(reply)

    def _on_event(self, call: int, event: MediaEvent) -> None:
        self._tell(happened(call, event))

    def _relay(self, call: int) -> Relay:
        relay = self.relays.get(call)
        if relay is None:
            raise NotAcceptable("the call is not known")
        return relay

    # Audio is made beside the loop, which has packets to relay

    def _load(self, play: Play) -> None:
        made = asyncio.get_running_loop().run_in_executor(None, _audio_of, play)
        made.add_done_callback(partial(self._loaded, play))

    def _loaded(self, play: Play, made: asyncio.Future[Audio]) -> None:
        try:
            self._relay(play.call).services.play(play.end, made.result(), play.repeats)
        except MediaError as error:
            self._tell(Refused(play.number, error.status, str(error)))
        except OSError as error:
            self._tell(Refused(play.number, 404, f"no such audio: {error.strerror}"))
        else:
            self._tell(Done(play.number))

    # What is counted

    def _heard(self, call: int) -> tuple[Heard, Heard]:
        relay = self.relays.get(call)
        return (NOTHING, NOTHING) if relay is None else (relay.heard(0), relay.heard(1))

    def _delete(self, call: int) -> tuple[Heard, Heard]:
        """Harmless where there is none: its offer may have been refused for want of a port."""
        if call in self._gathering:
            number, gathering = self._gathering.pop(call)
            gathering.cancel()
            self._tell(Refused(number, 500, "the call is over"))
        relay = self.relays.pop(call, None)
        if relay is None:
            return NOTHING, NOTHING
        heard = relay.heard(0), relay.heard(1)
        packets, octets, strays, unsent = relay.counted
        self._packets += packets
        self._octets += octets
        self._strays += strays
        self._unsent += unsent
        relay.close()
        return heard

    def _pong(self, number: int) -> Pong:
        assert self._host is not None
        packets, octets, strays = self._packets, self._octets, self._strays
        # What came faster than it could be transcoded was not sent, either.
        unsent = self._unsent + self._host.transcoding.dropped
        for relay in self.relays.values():
            counted = relay.counted
            packets += counted[0]
            octets += counted[1]
            strays += counted[2]
            unsent += counted[3]
        return Pong(number, len(self.relays), packets, octets, strays, unsent)


def _audio_of(play: Play) -> Audio:
    """Raises OSError: the file cannot be read. Raises MediaError: it cannot be played."""
    if play.hertz:
        return tone(play.hertz, play.on_s, play.off_s)
    file = Path(play.file)
    if file.stat().st_size > wav.FILE_OCTETS_MAX:
        raise NotAcceptable("the file is too long")
    return wav.read(file.read_bytes())


def profiles_of(offer: Offer) -> tuple[Profile, Profile]:
    """Of the ends of a call that begins with this."""
    own, other = profile_of(offer.sdp), offer.profile or Profile.PLAIN
    return (own, other) if offer.end == 0 else (other, own)


def another_profile(offer: Offer, relay: Relay) -> Profile | None:
    """Of who is to take the place of the other end."""
    return None if offer.profile is relay.profile(1 - offer.end) else offer.profile
