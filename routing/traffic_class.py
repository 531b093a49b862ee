"""What a delivery is worth, by the kind of traffic: the only knob between cost and quality."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

TRANSACTIONAL = "transactional"
# Of a call, `value` is for one that reaches the other side and is heard well; the deadline is the
# post dial delay at which people give up.
CALL = "call"


@dataclass(frozen=True, slots=True)
class TrafficClass:
    """`value` is money per delivered message, so that one point of delivery is worth a hundredth
    of it. What comes after `deadline_s` is worth `late_share` of that. `caution` is how many
    standard deviations are taken off what is believed of a route before it is trusted with this.
    `explore_share` is the share of it that may be spent on finding out about other routes.
    """

    name: str
    value: float
    deadline_s: float = inf
    late_share: float = 1.0
    caution: float = 0.0
    explore_share: float = 0.0
    synonyms: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not 0 < self.value < inf:
            raise ValueError(f"class {self.name}: value {self.value} is not above 0")
        if not self.deadline_s > 0:
            raise ValueError(f"class {self.name}: deadline_s {self.deadline_s} is not above 0")
        if not (0 <= self.late_share <= 1 and 0 <= self.explore_share <= 1):
            raise ValueError(f"class {self.name}: a share is not between 0 and 1")


OTP = TrafficClass(
    "otp",
    value=0.60,
    deadline_s=30.0,
    late_share=0.45,
    caution=0.4,
    synonyms=frozenset({"authentication", "verification", "verify", "2fa", "code"}),
)
CLASSES = (
    OTP,
    TrafficClass(TRANSACTIONAL, value=0.25, deadline_s=600.0, late_share=0.7, explore_share=0.01),
    TrafficClass(CALL, value=0.30, deadline_s=20.0, explore_share=0.01),
    TrafficClass(
        "promotional",
        value=0.06,
        explore_share=0.04,
        synonyms=frozenset({"promo", "marketing", "bulk"}),
    ),
)


class TrafficClasses:
    """The classes by number, cheapest last; a name that is not known is transactional."""

    def __init__(self, classes: Iterable[TrafficClass] = CLASSES) -> None:
        self.all = tuple(sorted(classes, key=lambda one: -one.value))
        # By this it is measured what comes in time.
        self.deadline_s = min(one.deadline_s for one in self.all)
        self._numbers = {
            name: number
            for number, one in enumerate(self.all)
            for name in (one.name, *one.synonyms)
        }
        if TRANSACTIONAL not in self._numbers:
            raise ValueError("no class is named transactional, which is for all that has no class")
        self._unknown = self._numbers[""] = self._numbers[TRANSACTIONAL]

    def number(self, name: str, is_call: bool = False) -> int:
        if not name and is_call:
            name = CALL
        number = self._numbers.get(name)
        return number if number is not None else self._numbers.get(name.lower(), self._unknown)
