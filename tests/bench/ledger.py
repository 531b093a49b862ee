"""What happened to which message and when, and the audit that no message is missing or doubled.

The instants are CLOCK_MONOTONIC in seconds, which all processes of a machine share.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path


class Ledger:
    """Numbers of messages, each with an instant, in the order in which they were noted."""

    def __init__(self, entries: Iterable[tuple[int, float]] = ()) -> None:
        self._numbers = array("Q")
        self._instants = array("d")
        for number, at in entries:
            self.note(number, at)

    def note(self, number: int, at: float) -> None:
        self._numbers.append(number)
        self._instants.append(at)

    def extend(self, other: Ledger) -> None:
        self._numbers.extend(other._numbers)
        self._instants.extend(other._instants)

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[tuple[int, float]]:
        return zip(self._numbers, self._instants, strict=True)

    @property
    def numbers(self) -> Counter[int]:
        return Counter(self._numbers)

    @property
    def first_at(self) -> float:
        return min(self._instants)

    @property
    def last_at(self) -> float:
        return max(self._instants)

    def save(self, path: Path) -> None:
        path.write_bytes(
            len(self).to_bytes(8, "little") + self._numbers.tobytes() + self._instants.tobytes()
        )

    @classmethod
    def load(cls, path: Path) -> Ledger:
        octets = path.read_bytes()
        middle = 8 + 8 * int.from_bytes(octets[:8], "little")
        ledger = cls()
        ledger._numbers.frombytes(octets[8:middle])
        ledger._instants.frombytes(octets[middle:])
        return ledger


@dataclass(frozen=True, slots=True)
class Audit:
    """How many messages went wrong in each way; all are 0 in a run that counts."""

    refused: int
    lost: int
    doubled: int
    unasked: int
    receipts_lost: int
    receipts_doubled: int

    @property
    def clean(self) -> bool:
        return not any(
            (
                self.refused,
                self.lost,
                self.doubled,
                self.unasked,
                self.receipts_lost,
                self.receipts_doubled,
            )
        )


def audit(started: Ledger, accepted: Ledger, arrived: Ledger, receipted: Ledger | None) -> Audit:
    """Every accepted message is at the carrier once, and nothing else is; with `receipted`, its
    receipt came back once.
    """
    wanted, there = accepted.numbers, arrived.numbers
    back = receipted.numbers if receipted is not None else wanted
    return Audit(
        refused=(started.numbers - wanted).total(),
        lost=len(wanted.keys() - there.keys()),
        doubled=there.total() - len(there),
        unasked=len(there.keys() - wanted.keys()) + len(back.keys() - wanted.keys()),
        receipts_lost=len(wanted.keys() - back.keys()),
        receipts_doubled=back.total() - len(back),
    )


def spans_ms(begin: Ledger, end: Ledger) -> list[float]:
    """From the one to the other, for each message that is in both, sorted."""
    began = dict(begin)
    return sorted((at - began[number]) * 1e3 for number, at in end if number in began)


def percentile(ordered: list[float], share: float) -> float:
    """The value that `share` of them do not exceed (nearest rank); nan of none."""
    if not ordered:
        return float("nan")
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
