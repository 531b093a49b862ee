"""What is believed of a route at a moment, as one value that many decisions share."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class Level(IntEnum):
    """How much of a scope's evidence is its own: the whole bind, down to one type of sender."""

    BIND = 0
    COUNTRY = 1
    NETWORK = 2
    SENDER = 3


class Scope(NamedTuple):
    """Whose evidence it is. Empty fields: all of them."""

    bind: str
    country: str = ""
    network: str = ""
    sender_type: str = ""


class Estimate(NamedTuple):
    """`quality` is, for each traffic class, the share of its value that a message should bring.

    `p` is the share delivered (of calls: the network's success, NER), `deviation` the standard
    deviation of that belief, and `n` the messages behind it, old ones counting less. `z` says how
    far the last minute is from the level before, in standard deviations. `trust` is the share of
    receipts that are true, `on_time` of deliveries within the shortest deadline. `sick`: only
    probes go there; `in_doubt`: some should, whoever goes first. `data_points` counts the readings
    that were not empty. Of calls alone: `clearness` is how well they are heard, 0 to 1, and
    `one_way` the share of those whose called side is not heard.
    """

    quality: tuple[float, ...]
    p: float
    deviation: float
    n: float
    z: float
    trust: float
    on_time: float
    sick: bool
    data_points: int
    level: Level
    units: float = 1.0
    in_doubt: bool = False
    clearness: float = 1.0
    one_way: float = 0.0
