"""A message of the game, and what a router must answer and be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from tests.bench_routing.world import Fate, World


@dataclass(slots=True)
class Sms:
    id: int
    at: float
    kind: str
    network: str
    number: str
    converts: bool
    tried: tuple[str, ...] = ()
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Answer:
    """To one submission; with what will become of the message, if it was taken."""

    sms: Sms
    route: str
    outcome: str
    latency_s: float
    fate: Fate | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    sms: Sms
    route: str
    seen: str
    delay_s: float


class Chooser(Protocol):
    """A router under test. `choose` gives a route, or None to be asked again later."""

    def choose(self, sms: Sms, now: float) -> str | None: ...

    def answered(
        self, sms: Sms, route: str, outcome: str, latency_s: float, now: float
    ) -> None: ...

    def receipt(self, sms: Sms, route: str, seen: str, delay_s: float, now: float) -> None: ...

    def converted(self, sms: Sms, now: float) -> None: ...

    def link(self, route: str, up: bool, now: float) -> None: ...

    def price(self, route: str, network: str, price: float, now: float) -> None: ...

    def tick(self, now: float) -> None: ...


class ChooserFactory(Protocol):
    name: str

    def __call__(self, world: World, seed: int) -> Chooser: ...
