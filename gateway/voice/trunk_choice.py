"""The ways to the called side, best first: trunks by the router's ranking, or the places where
somebody of an account is reached."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from math import ceil
from typing import Protocol

import msgspec

from gateway.call import Call
from gateway.config.trunk import Srtp
from gateway.sip.leg_state import Credentials
from gateway.sip.outgoing_leg import Invitation
from gateway.sip.transaction import Destination
from media.profile import Profile
from routing.carrier_bind import Kind
from routing.events import Submitted
from routing.ranking import Candidate, Ranking, RouteRequest
from routing.router import Router

# So many ways are tried for one call at most.
ATTEMPTS_MAX = 8
# Of one trunk so many addresses: another trunk is worth more than a third one.
ADDRESSES_MAX = 2
# Where nobody knows when a trunk is free again.
RETRY_AFTER_S = 5
RETRY_AFTER_MAX_S = 300
PROFILES = {Srtp.NO: Profile.PLAIN, Srtp.MAY: Profile.OSRTP, Srtp.MUST: Profile.SDES}


class Trunk(Protocol):
    """A way to a carrier. `destinations` are the addresses that it is reached at now, the best
    first; none while its name is not known."""

    @property
    def destinations(self) -> Sequence[Destination]: ...

    @property
    def credentials(self) -> Credentials | None: ...

    @property
    def no_answer_s(self) -> float: ...

    @property
    def no_failover(self) -> Collection[int]: ...

    @property
    def srtp(self) -> Srtp: ...

    def invitation(self, call: Call) -> Invitation:
        """The INVITE in this carrier's way of writing: everything but the session."""
        ...

    def unreachable(self, destination: Destination, now: float) -> None:
        """A call could not be sent there, or got no answer at all."""
        ...


class Way(msgspec.Struct, frozen=True):
    """One place to send the INVITE to. `name` is that of the attempt; without a `candidate` it is
    not the router's, as a customer's PBX and a phone are not."""

    name: str
    invitation: Invitation
    destination: Destination
    no_answer_s: float
    no_failover: Collection[int] = ()
    credentials: Credentials | None = None
    candidate: Candidate | None = None
    ranking: Ranking | None = None
    trunk: Trunk | None = None
    profile: Profile = Profile.PLAIN

    def submitted(self, now: float) -> Submitted | None:
        if self.candidate is None:
            return None
        return Submitted(self.candidate.route, now, 1, self.ranking)


class NoWay(msgspec.Struct, frozen=True):
    """Nothing is left: 404 where nothing leads there, 503 where all are down or busy."""

    status: int
    retry_after_s: int = 0


class Ways(Protocol):
    def next(self, now: float) -> Way | NoWay:
        """One that has not been tried."""
        ...


class PlacesInTurn:
    """Places that are known beforehand, in their order."""

    def __init__(self, places: Sequence[Way]) -> None:
        self._left = list(places[:ATTEMPTS_MAX])[::-1]

    def next(self, now: float) -> Way | NoWay:
        return self._left.pop() if self._left else NoWay(480)


class TrunkChoice:
    """One call's trunks, as the router ranks them at the time of each attempt. A trunk that has
    found its address dead, and selected another, is a new way (RFC 3263 §4.3)."""

    def __init__(self, router: Router, trunks: Mapping[str, Trunk], call: Call) -> None:
        self._router = router
        self._trunks = trunks
        self._call = call
        self._tried: list[tuple[str, Destination]] = []

    def next(self, now: float) -> Way | NoWay:
        call, tried = self._call, self._tried
        if len(tried) >= ATTEMPTS_MAX:
            return NoWay(503, RETRY_AFTER_S)
        request = RouteRequest(
            call.id,
            call.called,
            "",
            excluded=self._exhausted() if tried else (),
            attempt=len(tried) + 1,
            account=call.account_sid,
            kind=Kind.CALL,
        )
        ranking = self._router.rank(request, now)
        for candidate in ranking.candidates:
            trunk = self._trunks.get(candidate.bind)
            if trunk is not None and trunk.destinations:
                tried.append((candidate.bind, trunk.destinations[0]))
                return Way(
                    candidate.bind,
                    trunk.invitation(call),
                    trunk.destinations[0],
                    trunk.no_answer_s,
                    trunk.no_failover,
                    trunk.credentials,
                    candidate,
                    ranking,
                    trunk,
                    PROFILES[trunk.srtp],
                )
        return _no_way(ranking, now)

    def _exhausted(self) -> tuple[str, ...]:
        """Trunks whose address has been tried, or enough of them."""
        addresses: dict[str, list[Destination]] = {}
        for name, address in self._tried:
            addresses.setdefault(name, []).append(address)
        return tuple(
            name
            for name, tried in addresses.items()
            if len(tried) >= ADDRESSES_MAX or {*self._selected(name)} <= {*tried}
        )

    def _selected(self, name: str) -> Sequence[Destination]:
        """Nothing of a trunk that is gone meanwhile."""
        trunk = self._trunks.get(name)
        return () if trunk is None else trunk.destinations[:1]


def _no_way(ranking: Ranking, now: float) -> NoWay:
    if not ranking.candidates and not ranking.may_clear:
        return NoWay(404)
    if ranking.retry_at is None:
        return NoWay(503, RETRY_AFTER_S)
    return NoWay(503, min(RETRY_AFTER_MAX_S, max(1, ceil(ranking.retry_at - now))))
