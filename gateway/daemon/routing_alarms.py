"""The router's alarms as people and programs see them: log, counts, and retained states."""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Iterable

from gateway.streams.state_board import CLEARED, RAISED, StateBoard
from gateway.streams.timestamp import rfc_3339
from routing.alarm import Alarm, AlarmKind
from routing.router import Router

log = logging.getLogger(__name__)

# Alarms that are over stay on the board, for brokers that were away, until so many newer ones are.
CLEARED_MAX = 1024


class RoutingAlarms:
    """`raised` counts them by kind since the start."""

    def __init__(self, router: Router, board: StateBoard) -> None:
        self.raised: Counter[AlarmKind] = Counter()
        self._router = router
        self._board = board
        self._over: deque[str] = deque()

    def standing(self) -> tuple[Alarm, ...]:
        return self._router.alarms()

    def topics(self) -> tuple[str, ...]:
        """Of those that stand."""
        return tuple(topic_of(alarm) for alarm in self.standing())

    def handle(self) -> None:
        """Tell what was raised and what was cleared since this was last called."""
        for alarm in self._router.events():
            if alarm.cleared_at is None:
                self.raised[alarm.kind] += 1
                log.warning("route alarm raised", extra=_facts(alarm))
                self._board.set(topic_of(alarm), RAISED, alarm.since, _detail(alarm))
            else:
                log.info("route alarm cleared", extra=_facts(alarm))
                self._end(topic_of(alarm), alarm.cleared_at, _detail(alarm))

    def end_those_of_an_earlier_run(self, topics: Iterable[str], now: float) -> None:
        """A broker may still have them as raised. What is still wrong is raised anew."""
        for topic in topics:
            self._end(topic, now, "the gateway started anew")

    def _end(self, topic: str, at: float, detail: str) -> None:
        if self._board.set(topic, CLEARED, at, detail):
            self._over.append(topic)
        while len(self._over) > CLEARED_MAX:
            self._board.forget(self._over.popleft(), CLEARED)


def topic_of(alarm: Alarm) -> str:
    """`alarms/routing/<kind>/<carrier>/<bind>/<network>/<sender type>`, as far as it has them. What
    MQTT keeps for filters (v5.0 §4.7.1) is left out: a network may be a prefix with its plus."""
    scope = (alarm.bind, alarm.network.replace("+", "").replace("#", ""), alarm.sender_type)
    return "/".join(("alarms/routing", alarm.kind.value, *filter(None, scope)))


def _facts(alarm: Alarm) -> dict[str, object]:
    return {
        "kind": alarm.kind.value,
        "bind": alarm.bind,
        "network": alarm.network,
        "sender_type": alarm.sender_type,
        "first_evidence": rfc_3339(alarm.first_evidence_at),
        "lost": round(alarm.lost),
    }


def _detail(alarm: Alarm) -> str:
    return f"first evidence {rfc_3339(alarm.first_evidence_at)}, messages lost {alarm.lost:.0f}"
