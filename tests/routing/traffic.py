"""Messages in virtual time, so that tests can say what a route does and what the router learns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from random import Random

from routing.events import Converted, Event, Fault, Outcome, ReceiptSeen, SubmitResult, Submitted
from routing.ranking import RouteRequest
from routing.router import Router
from tests.routing.builders import NOW

TELEKOM, VODAFONE = "26201", "26202"

# What becomes of a message on a bind, into a network, so many seconds after the beginning.
Fate = Callable[[str, str, float], str]


def delivered(bind: str, network: str, elapsed_s: float) -> str:
    return "delivered"


class Traffic:
    """`rate` messages a second to each of the `networks`; each third is an otp. One message in
    twenty fails on any route, and of the others most convert. Fates: "delivered", "undelivered",
    "number" (undelivered, and the number is to blame), "silent" (neither arrives nor has a
    receipt), "fake" (has one, and does not arrive), "unseen" (arrives without one)."""

    def __init__(
        self,
        router: Router,
        rate: float = 4.0,
        networks: tuple[str, ...] = (TELEKOM, VODAFONE),
        converting: bool = True,
        classes: tuple[str, ...] = ("otp", "transactional", "promotional"),
    ) -> None:
        self.router = router
        self._rate = rate
        self._networks = networks
        self._converting = converting
        self._classes = classes
        self._ids = count(1)
        self._random = Random(1)
        self._serial = count()
        self._later: list[tuple[float, int, Event]] = []
        self._elapsed_s = 0.0
        self.modes: Counter[str] = Counter()

    @property
    def now(self) -> float:
        return NOW + self._elapsed_s

    def play(self, seconds: float, fate: Fate = delivered) -> Counter[tuple[str, str]]:
        """How many messages each bind took into each network."""
        sent: Counter[tuple[str, str]] = Counter()
        for _ in range(int(seconds * self._rate)):
            self._elapsed_s += 1.0 / self._rate
            while self._later and self._later[0][0] <= self.now:
                self.router.observe(heappop(self._later)[2])
            self.router.tick(self.now)
            for network in self._networks:
                if bind := self._send(network, fate):
                    sent[bind, network] += 1
        return sent

    def _send(self, network: str, fate: Fate) -> str:
        now, message_id = self.now, next(self._ids)
        kind = self._classes[message_id // len(self._networks) % len(self._classes)]
        chance = self._random.random()
        request = RouteRequest(
            message_id,
            f"+49151{message_id:08}",
            "long_code",
            traffic_class=kind,
            mccmnc=network,
            account="AC1",
        )
        ranking = self.router.rank(request, now)
        if ranking.best is None:
            return ""
        self.modes[ranking.mode] += 1
        bind = ranking.best.bind
        self.router.observe(Submitted(ranking.best.route, now, ranking=ranking))
        self.router.observe(SubmitResult(bind, Outcome.OK, 0.1, now, message_id))
        becomes = fate(bind, network, self._elapsed_s)
        delay_s = 2.0 + 4.0 * self._random.random()
        if chance < 0.05 or becomes == "undelivered":
            self._tell(delay_s, ReceiptSeen(bind, False, delay_s, now + delay_s, message_id))
        elif becomes == "number":
            self._tell(
                delay_s,
                ReceiptSeen(bind, False, delay_s, now + delay_s, message_id, Fault.NUMBER),
            )
        else:
            if becomes in ("delivered", "fake"):
                self._tell(delay_s, ReceiptSeen(bind, True, delay_s, now + delay_s, message_id))
            if (
                self._converting
                and kind == "otp"
                and becomes in ("delivered", "unseen")
                and chance < 0.8
            ):
                self._tell(delay_s + 20.0, Converted(message_id, now + delay_s + 20.0))
        return bind

    def _tell(self, after_s: float, event: Event) -> None:
        heappush(self._later, (self.now + after_s, next(self._serial), event))
