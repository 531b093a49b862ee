"""What the DNS says of a service: NAPTR and SRV, and the order in which they are tried (RFC 2782,
RFC 3403 §4). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from random import Random


@dataclass(frozen=True, slots=True)
class Naptr:
    """`flags` and `service` in lower case; names without the last dot."""

    order: int
    preference: int
    flags: str
    service: str
    replacement: str


@dataclass(frozen=True, slots=True)
class Srv:
    """A `target` of "" says that there is no such service here (RFC 2782)."""

    priority: int
    weight: int
    port: int
    target: str


def in_naptr_order(records: Iterable[Naptr]) -> list[Naptr]:
    return sorted(records, key=lambda record: (record.order, record.preference))


def in_srv_order(records: Iterable[Srv], random: Random) -> list[Srv]:
    """By priority; among equals by chance, in proportion to their weights (RFC 2782)."""
    ordered: list[Srv] = []
    by_priority = sorted(records, key=lambda record: (record.priority, record.weight))
    for _, equals in groupby(by_priority, key=lambda record: record.priority):
        left = list(equals)  # Those without weight come first, and so have a small chance.
        while left:
            chosen = _chosen(left, random.randint(0, sum(record.weight for record in left)))
            ordered.append(chosen)
            left.remove(chosen)
    return ordered


def _chosen(records: list[Srv], at: int) -> Srv:
    running = 0
    for record in records:
        running += record.weight
        if running >= at:
            return record
    raise AssertionError(at)
