"""Alarms as values: what is wrong where, since when, and how many messages it has cost so far."""

from __future__ import annotations

from collections import deque
from enum import StrEnum
from typing import NamedTuple

CHANGES_MAX = 1024
ALARMS_MAX = 4096


class AlarmKind(StrEnum):
    """GREY accepts and does not deliver; DEGRADED delivers less; REGIONAL is either, in one network
    while the bind's others are well; OPERATOR: every route into a network fails; ONE_WAY: the
    called side of a trunk's calls is not heard."""

    GREY = "grey"
    DEGRADED = "degraded"
    REGIONAL = "regional"
    OPERATOR = "operator"
    FAKE_RECEIPTS = "fake_receipts"
    RECEIPT_FEED = "receipt_feed"
    THROTTLING = "throttling"
    LATENCY = "latency"
    FLAPPING = "flapping"
    ONE_WAY = "one_way"
    DOWN = "down"


class Alarm(NamedTuple):
    """`since` is when it was raised, `first_evidence_at` when the trouble began to show, `lost` an
    estimate of the messages that did not arrive because of it. `cleared_at` is None while it
    stands. Empty fields of the scope mean all."""

    kind: AlarmKind
    bind: str
    network: str
    sender_type: str
    since: float
    first_evidence_at: float
    lost: float
    cleared_at: float | None = None


Key = tuple[AlarmKind, str, str, str]


class AlarmBoard:
    """The alarms that stand, and what changed since the owner last asked."""

    def __init__(self) -> None:
        self._standing: dict[Key, Alarm] = {}
        self._changes: deque[Alarm] = deque(maxlen=CHANGES_MAX)

    def raise_(self, alarm: Alarm) -> None:
        """Or, where it stands already, bring its count of lost messages up to date."""
        key = alarm[:4]
        standing = self._standing.get(key)
        if standing is not None:
            self._standing[key] = standing._replace(lost=max(standing.lost, alarm.lost))
        elif len(self._standing) < ALARMS_MAX:
            self._standing[key] = alarm
            self._changes.append(alarm)

    def clear(
        self, kind: AlarmKind, at: float, bind: str = "", network: str = "", sender_type: str = ""
    ) -> None:
        alarm = self._standing.pop((kind, bind, network, sender_type), None)
        if alarm is not None:
            self._changes.append(alarm._replace(cleared_at=at))

    def stands(
        self, kind: AlarmKind, bind: str = "", network: str = "", sender_type: str = ""
    ) -> bool:
        return (kind, bind, network, sender_type) in self._standing

    def standing(self) -> tuple[Alarm, ...]:
        return tuple(self._standing.values())

    def changes(self) -> list[Alarm]:
        """What was raised or cleared, oldest first; each is told once."""
        changes = list(self._changes)
        self._changes.clear()
        return changes
