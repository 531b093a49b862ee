"""All SIP trunks together: their timers, their requests and the answers to these. Pure, as each is.

now = clock.now()
trunks.handle_timer(now)                    # when next_timer() is due
trunks.send_requests(user_agent, now)       # after that, and after resolved or take
taken = trunks.take(event, now)             # each OutsideResponse
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gateway.carriers.sip_trunk import SipTrunk, TrunkRequest, TrunkSnapshot
from gateway.sip.leg_events import OutsideResponse
from gateway.sip.transaction_layer import TransactionsFull
from gateway.sip.user_agent import UserAgent


class SipTrunks(Mapping[str, SipTrunk]):
    """By their ids."""

    def __init__(self, trunks: Mapping[str, SipTrunk]) -> None:
        self._trunks = dict(trunks)

    def __getitem__(self, id: str) -> SipTrunk:
        return self._trunks[id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._trunks)

    def __len__(self) -> int:
        return len(self._trunks)

    def take(self, event: OutsideResponse, now: float) -> bool:
        """Whether it is the answer to a request of a trunk's."""
        sent = event.user
        if not isinstance(sent, TrunkRequest):
            return False
        sent.trunk.receive_response(sent, event.status, event.response, now)
        return True

    def handle_timer(self, now: float) -> None:
        """Do what is due at `now`; harmless when nothing is."""
        for trunk in self._trunks.values():
            trunk.handle_timer(now)

    def next_timer(self) -> float | None:
        """When `handle_timer` is wanted next."""
        times = [trunk.next_timer() for trunk in self._trunks.values()]
        return min((time for time in times if time is not None), default=None)

    def send_requests(self, user_agent: UserAgent, now: float) -> None:
        """What there is no room for now counts as unanswered."""
        for trunk in self._trunks.values():
            for made in trunk.requests_to_send():
                try:
                    user_agent.send_request(made.request, made.destination, now, made)
                except TransactionsFull:
                    trunk.receive_response(made, 503, None, now)

    def drain(self, now: float) -> None:
        """Take registrations back, and ask no more."""
        for trunk in self._trunks.values():
            trunk.drain(now)

    def snapshot(self, now: float) -> tuple[TrunkSnapshot, ...]:
        return tuple(trunk.snapshot(now) for trunk in self._trunks.values())
