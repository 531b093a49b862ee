"""Relayed calls, and the ports of this machine that they are relayed at. `leg` says what a packet
becomes, `socket_pair` reads and writes it."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from random import Random
from secrets import token_bytes
from typing import NamedTuple, Protocol

from media import opus
from media.call_services import CallServices
from media.errors import MediaError, NoPorts, NotAcceptable
from media.events import (
    EndGone,
    MediaEvent,
    MediaTimeout,
    OneWay,
)
from media.heard import NOTHING, Heard
from media.leg import Leg, describe, join
from media.offer_answer import End, Negotiation
from media.one_way import OneWayWatch
from media.opus_transcoding import OpusTranscoding
from media.port_range import PortRange
from media.profile import Profile
from media.relay_end import EndPorts, PlainEnd, RelayEnd, SrtpEnd, never
from media.sdp import Address, ip
from media.socket_pair import SocketPair
from media.telephone_event import Digit
from media.ticker import Ticker

# Pairs of the range that others have bound, before a call is refused.
BIND_ATTEMPTS_MAX = 32
# Pairs of sockets that stay bound while no call has them; those of more are closed.
KEPT_PAIRS_MAX = 1_024
SILENCE_S = 60.0
# How often a call is looked after: reports, one-way audio.
LOOK_S = 5.0
# At first sooner, until both ends have a report to answer: the round trip is known by their next
# one then (RFC 3550 §6.2 lets the first of a unicast session go without a delay).
FIRST_LOOK_S = 1.0
_SESSION_ID_BITS = 62

OnEvent = Callable[[MediaEvent], object]


class BrowserEnds(Protocol):
    """Makes WEBRTC ends; apart, for what they need takes long to load, and not all serve browsers
    (see `media.webrtc_end`)."""

    @property
    def waits(self) -> bool:
        """Whether servers are asked for candidates; then `gathered`, else `end`."""
        ...

    def end(self, we_offer: bool) -> RelayEnd: ...

    async def gathered(self, we_offer: bool) -> RelayEnd: ...

    def restarts(self, end: RelayEnd, sdp: bytes) -> bool:
        """Whether that offer of an end begins ICE anew."""
        ...

    async def renew(self, end: RelayEnd) -> None:
        """Ask servers, before such an offer is taken."""
        ...


class Counted(NamedTuple):
    """Of both ends of a call, and of those whose place they have taken; see `Leg`."""

    packets: int
    octets: int
    strays: int
    unsent: int


class RelayHost:
    """Where calls are relayed: one address of this machine and a range of its ports. `host` is
    what is bound, `advertised_host` what ends are told, where that differs. It is no wildcard:
    nothing may be relayed to ourselves, so we must know who that is.

    Times are of `now`, the clock of the loop or a finer one that goes as fast. After `silence_s`
    without media from an end that should send there is a `MediaTimeout`, and again after as long.
    """

    def __init__(
        self,
        host: str,
        ports: tuple[int, int],
        random: Random,
        now: Callable[[], float],
        advertised_host: str = "",
        silence_s: float = SILENCE_S,
    ) -> None:
        address = ip(host)
        if address is None or address.is_unspecified:
            raise ValueError("media needs one address of this machine, no name and no wildcard")
        self.ports = PortRange(*ports, random)
        self._host = host
        self._advertised_host = advertised_host or host
        self._random = random
        self._kept: dict[int, SocketPair] = {}
        self._keeps = KEPT_PAIRS_MAX
        self.now = now
        self.silence_s = silence_s
        self.ticker = Ticker(now)
        self.transcoding = OpusTranscoding()
        self.browsers: BrowserEnds | None = None

    def open(
        self,
        on_event: OnEvent,
        profiles: tuple[Profile, Profile] = (Profile.PLAIN, Profile.PLAIN),
        offerer: int = 0,
    ) -> Relay:
        """`offerer` is the end that begins.

        Raises:
            NoPorts: no port or no socket is left.
            NotAcceptable: browsers are not served here.
        """
        ends: list[RelayEnd] = []
        try:
            for at, profile in enumerate(profiles):
                ends.append(self.end(profile, we_offer=at != offerer))
        except MediaError:
            for end in ends:
                end.close()
            raise
        return self.join((ends[0], ends[1]), on_event)

    async def opened(
        self, on_event: OnEvent, profiles: tuple[Profile, Profile], offerer: int = 0
    ) -> Relay:
        """With all candidates that servers can tell of.

        Raises:
            NoPorts: no port or no socket is left.
        """
        ends: list[RelayEnd] = []
        try:
            for at, profile in enumerate(profiles):
                we_offer = at != offerer
                if profile is Profile.WEBRTC and self.browsers is not None:
                    ends.append(await self.browsers.gathered(we_offer))
                else:
                    ends.append(self.end(profile, we_offer))
        except BaseException:
            for end in ends:
                end.close()
            raise
        return self.join((ends[0], ends[1]), on_event)

    def end(self, profile: Profile, we_offer: bool = True) -> RelayEnd:
        """One of ports of ours, which we offer to at first, or which offers.

        Raises:
            NoPorts: no port or no socket is left.
            NotAcceptable: browsers are not served here.
        """
        if profile is Profile.WEBRTC:
            if self.browsers is None:
                raise NotAcceptable("browsers are not served here")
            return self.browsers.end(we_offer)
        pair, local = self.take_pair()
        ports = EndPorts(
            pair, local, self.is_ours, self.give_back_pair, self.transcoding, self.new_ssrc()
        )
        return PlainEnd(ports) if profile is Profile.PLAIN else SrtpEnd(ports, profile, token_bytes)

    def new_ssrc(self) -> int:
        return self._random.getrandbits(32)

    def join(self, ends: tuple[RelayEnd, RelayEnd], on_event: OnEvent) -> Relay:
        """A call of ends that are there; they are closed with it."""
        return Relay(self, ends, on_event)

    def described(self, end: RelayEnd) -> End:
        return End(end.description, self._random.getrandbits(_SESSION_ID_BITS))

    def negotiation(self, ends: tuple[RelayEnd, RelayEnd]) -> Negotiation:
        ids = divmod(self._random.getrandbits(2 * _SESSION_ID_BITS), 1 << _SESSION_ID_BITS)
        descriptions = ends[0].description, ends[1].description
        return Negotiation(descriptions, ids, opus.is_there())

    def is_ours(self, address: Address) -> bool:
        if address.host != self._advertised_host and address.host != self._host:
            return False
        return self.ports.holds(address.port) or address.port & ~1 in self._kept

    @cached_property
    def disk(self) -> ThreadPoolExecutor:
        """The one thread that writes recordings."""
        return ThreadPoolExecutor(1, "recordings")

    def close(self) -> None:
        """Close the sockets that no call has, and those of calls when they end; nothing is
        transcoded any more."""
        if "disk" in self.__dict__:
            self.disk.shutdown(wait=False)
        self.transcoding.close()
        self._keeps = 0
        while self._kept:
            self._kept.popitem()[1].close()

    def take_pair(self) -> tuple[SocketPair, Address]:
        """Sockets that are bound, and where an end finds the first of them.

        Raises:
            NoPorts: no port or no socket is left.
        """
        pair = self._pair()
        return pair, Address(self._advertised_host, pair.port)

    def _pair(self) -> SocketPair:
        for _ in range(BIND_ATTEMPTS_MAX):
            port = self.ports.take(self.now())
            kept = self._kept.pop(port, None)
            if kept is not None:
                return kept
            try:
                return SocketPair(self._host, port, self.now)
            except OSError as error:
                self.ports.put_last(port)
                if error.errno != errno.EADDRINUSE:
                    raise NoPorts(f"no socket: {error.strerror}") from error
        raise NoPorts("others have bound the ports of the range")

    def give_back_pair(self, pair: SocketPair) -> None:
        if len(self._kept) < self._keeps:
            pair.rest()
            self._kept[pair.port] = pair
        else:
            pair.close()
        self.ports.give_back(pair.port, self.now())


class Relay:
    """One call: two ends, 0 and 1 (see MediaError for what is raised).

    Silence is looked for from the first answer on, and not while an end is held.
    """

    def __init__(self, host: RelayHost, ends: tuple[RelayEnd, RelayEnd], on_event: OnEvent) -> None:
        self._host = host
        self._ends = ends
        self._legs = (ends[0].leg, ends[1].leg)
        # Who takes the place of an end once it answers.
        self._prospect: tuple[int, RelayEnd] | None = None
        # What came from those whose place has been taken, by end; their strays and unsent of both.
        self._before = [NOTHING, NOTHING]
        self._strays = self._unsent = 0
        self._negotiation = host.negotiation(ends)
        join(*self._legs)
        self._on_event = on_event
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._told_at = 0.0
        self._watch = OneWayWatch(self._legs)
        self._closed = False
        self._begin(0)
        self._begin(1)
        self._services: CallServices | None = None

    @property
    def services(self) -> CallServices:
        """What is done with the ends beside relaying: made when it is asked for, since most calls
        are relayed and nothing else."""
        if self._services is None:
            self._services = CallServices(self._legs, self._host, self._on_event)
            if self._closed:
                self._services.close()
        return self._services

    # What the ends say

    def end(self, end: int) -> RelayEnd:
        return self._ends[end]

    def profile(self, end: int) -> Profile:
        return self._ends[end].description.profile

    def offer(self, end: int, sdp: bytes, instead: RelayEnd | None = None) -> bytes:
        """`instead` of the other end somebody else is offered this, who takes its place by an
        answer; until then all is as it was."""
        self._drop_prospect()
        if instead is None:
            self._check_open()
            return self._negotiation.offer(end, sdp)
        try:
            self._check_open()
            offered = self._negotiation.offer(end, sdp, self._host.described(instead))
        except MediaError:
            instead.close()
            raise
        self._prospect = 1 - end, instead
        return offered

    def answer(self, end: int, sdp: bytes) -> bytes:
        self._check_open()
        answered = self._negotiation.answer(end, sdp)
        if self._prospect is not None and self._prospect[0] == end:
            self._replace(*self._prospect)
        first, second = self._negotiation.stream(0), self._negotiation.stream(1)
        assert first is not None
        assert second is not None
        self._ends[0].agreed(first)
        self._ends[1].agreed(second)
        describe(*self._legs, (first, second))
        self._told_at = self._host.now()
        self._watch.begin(self._told_at)
        self._arm()
        return answered

    def _begin(self, end: int) -> None:
        self._ends[end].on_gone = partial(self._on_gone, end)
        self._legs[end].on_digit = partial(self._on_digit, end)

    def _replace(self, number: int, end: RelayEnd) -> None:
        self._prospect = None
        leg = self._legs[number]
        self._before[number] = self.heard(number)
        self._strays += leg.strays
        self._unsent += leg.unsent
        self._ends[number].on_gone = never
        leg.close()
        self._ends[number].close()
        other = self._ends[1 - number]
        self._ends = (end, other) if number == 0 else (other, end)
        self._legs = (self._ends[0].leg, self._ends[1].leg)
        join(*self._legs)
        self._begin(number)
        self._watch = OneWayWatch(self._legs)
        if self._services is not None:
            self._services.replace(number, self._legs)

    def _drop_prospect(self) -> None:
        if self._prospect is not None:
            self._prospect[1].close()
            self._prospect = None

    # How they are heard

    def leg(self, end: int) -> Leg:
        return self._legs[end]

    def heard(self, end: int) -> Heard:
        """From who is that end, and who was before."""
        heard, before = self._legs[end].heard, self._before[end]
        return heard if before is NOTHING else heard.after(before)

    @property
    def counted(self) -> Counted:
        packets = octets = 0
        strays, unsent = self._strays, self._unsent
        for leg, before in zip(self._legs, self._before, strict=True):
            packets += leg.reception.packets + before.packets
            octets += leg.reception.octets + before.octets
            strays += leg.strays
            unsent += leg.unsent
        return Counted(packets, octets, strays, unsent)

    def close(self) -> None:
        """Give its ports back; harmless when it is closed."""
        if self._closed:
            return
        self._closed = True
        if self._services is not None:
            self._services.close()
        self._drop_prospect()
        for leg, end in zip(self._legs, self._ends, strict=True):
            leg.close()
            end.close()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _check_open(self) -> None:
        """What was its ports may be another call's."""
        if self._closed:
            raise NotAcceptable("the call is over")

    # What is looked after

    def _on_digit(self, end: int, digit: Digit) -> None:
        """The first of the call: the services hear the next by themselves."""
        self.services.digit_came(end, digit)

    def _on_gone(self, end: int) -> None:
        self._on_event(EndGone(end))

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        now = self._host.now()
        delay = LOOK_S
        if now < self._told_at + LOOK_S and not all(leg.reports.begun for leg in self._legs):
            delay = FIRST_LOOK_S
        silence_s = self._host.silence_s
        if self._told_at + silence_s < now + delay and self._should_flow:
            delay = min(delay, self._silent_since + silence_s - now)
        self._timer = self._loop.call_later(max(0.0, delay), self._on_timer)

    @property
    def _should_flow(self) -> bool:
        first, second = self._legs
        return first.in_both_directions and second.in_both_directions

    @property
    def _silent_since(self) -> float:
        """Of the end that has been silent for longest."""
        return max(self._told_at, min(leg.last_at for leg in self._legs))

    def _on_timer(self) -> None:
        self._timer = None
        now = self._host.now()
        for leg in self._legs:
            leg.reports.report(now)
        if self._should_flow:
            end = self._watch.look(now)
            if end is not None:
                self._on_event(OneWay(end))
            if now >= self._silent_since + self._host.silence_s:
                self._told_at = now
                self._on_event(MediaTimeout())
        if not self._closed:
            self._arm()
