"""A bind as the contract with its carrier describes it: where it goes, how fast, at what price."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from routing.e164 import leading_digits

# An MCC stands for a country, so it beats any country code (at most three digits) and loses to a
# longer prefix. An MCC-MNC names the network itself, so it beats every prefix.
SPECIFICITY_MCC = 3.5
SPECIFICITY_MCC_MNC = 16.0


class Kind(StrEnum):
    """What is routed: messages over SMPP binds, or calls over SIP trunks."""

    MESSAGE = "message"
    CALL = "call"


@dataclass(frozen=True, slots=True)
class RouteEntry:
    """Destinations that a bind serves, and on what terms.

    `match` is a prefix with `+` ("+49151"), an MCC ("262"), an MCC-MNC ("26201"), or "" for any
    destination. Lower `priority` is tried first. `weight` is the share among equals of one
    priority. `price` is money per segment, or per minute of a call. No `sender_types`: those of
    the bind.
    """

    match: str = ""
    priority: int = 1
    weight: float = 1.0
    price: float = 0.0
    sender_types: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if self.match and not leading_digits(self.match) and not self._is_network():
            raise ValueError(f"route {self.match!r} is neither +prefix, MCC nor MCC-MNC")
        if not self.weight > 0:
            raise ValueError(f"route {self.match!r}: weight {self.weight} is not above 0")
        if not self.price >= 0:
            raise ValueError(f"route {self.match!r}: price {self.price} is below 0")

    @property
    def specificity(self) -> float:
        """Longer matches first; two entries that match one number with equal specificity have
        the same match."""
        if self.match.startswith("+"):
            return float(len(self.match) - 1)
        if not self.match:
            return 0.0
        return SPECIFICITY_MCC if len(self.match) == 3 else SPECIFICITY_MCC_MNC

    def _is_network(self) -> bool:
        return self.match.isascii() and self.match.isdigit() and len(self.match) in (3, 5, 6)


@dataclass(frozen=True, slots=True)
class CarrierBind:
    """One bind of a carrier: `id` is "carrier/bind".

    `window` is the most segments that may wait for their submit_sm_resp; `tps` the contracted
    segments a second. No `sender_types`: every type. `receipts`: the carrier sends them. Of a SIP
    trunk (`kind` CALL), `window` is its channels and `tps` the calls that may begin in a second.
    """

    id: str
    routes: tuple[RouteEntry, ...]
    window: int = 10
    tps: float = 100.0
    sender_types: frozenset[str] = frozenset()
    receipts: bool = True
    kind: Kind = Kind.MESSAGE

    def __post_init__(self) -> None:
        carrier, slash, name = self.id.partition("/")
        if not (carrier and slash and name):
            raise ValueError(f"bind {self.id!r} is not named carrier/bind")
        if self.window < 1:
            raise ValueError(f"bind {self.id}: window {self.window} is below 1")
        if not self.tps > 0:
            raise ValueError(f"bind {self.id}: tps {self.tps} is not above 0")

    @property
    def carrier(self) -> str:
        return self.id.partition("/")[0]

    def allows(self, entry: RouteEntry, sender_type: str) -> bool:
        """May this type of sender use that entry? The entry's own list goes before the bind's."""
        allowed = entry.sender_types or self.sender_types
        return not allowed or sender_type in allowed
