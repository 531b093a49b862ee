"""Why a message went where it went: kept as the ranking itself, made readable on demand."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, NamedTuple

from routing.alarm import Alarm
from routing.carrier_bind import Kind
from routing.ranking import Blocked, Candidate, Ranking

VERSION = 1
DECISIONS_MAX = 16_384
# Of a trunk's calls: when to say that so many go one way.
ONE_WAY_TOLD = 0.1


class Decision(NamedTuple):
    """A ranking, and the bind that took the message then."""

    ranking: Ranking
    bind: str


class Decisions:
    """The last decision about each of the newest messages."""

    __slots__ = ("_by_message",)

    def __init__(self) -> None:
        # Ordered, for the oldest of a dict is the slower to find the more have gone before it.
        self._by_message: OrderedDict[int, Decision] = OrderedDict()

    def keep(self, decision: Decision) -> None:
        by_message = self._by_message
        message_id = decision.ranking.request.message_id
        if message_id not in by_message and len(by_message) >= DECISIONS_MAX:
            by_message.popitem(last=False)
        by_message[message_id] = decision

    def find(self, message_id: int) -> Decision | None:
        return self._by_message.get(message_id)


def explain(ranking: Ranking, bind: str, alarms: tuple[Alarm, ...] = ()) -> dict[str, Any]:
    """The record of one decision; `bind` "" for one that was not carried out."""
    request = ranking.request
    candidates = ranking.candidates
    chosen = next((one for one in candidates if one.bind == bind), ranking.best)
    runner_up = next((one for one in candidates if one is not chosen), None)
    return {
        "v": VERSION,
        "message_id": request.message_id,
        "at": ranking.at,
        "kind": request.kind.value,
        "mode": ranking.mode.value,
        "class": ranking.traffic_class,
        "value": ranking.value,
        "network": ranking.network,
        "sender_type": request.sender_type,
        "attempt": request.attempt,
        "chosen": chosen.bind if chosen else None,
        "runner_up": runner_up.bind if runner_up else None,
        "margin": round(chosen.utility - runner_up.utility, 6) if chosen and runner_up else None,
        "data_points": ranking.data_points,
        "not_looked_at": ranking.unseen,
        "candidates": [
            _candidate(one) | _heard(one) if request.kind is Kind.CALL else _candidate(one)
            for one in candidates
        ]
        + [_blocked(one, ranking, alarms) for one in ranking.blocked],
        "why": _why(ranking, chosen, runner_up),
    }


def _candidate(one: Candidate) -> dict[str, Any]:
    estimate = one.estimate
    return {
        "bind": one.bind,
        "utility": round(one.utility, 6),
        "price": one.price,
        "p": round(estimate.p, 4),
        "deviation": round(estimate.deviation, 4),
        "n": round(estimate.n, 1),
        "level": estimate.level.name.lower(),
        "z": round(estimate.z, 2),
        "trust": round(estimate.trust, 3),
        "on_time": round(estimate.on_time, 3),
        "latency_s": round(one.latency_s, 3),
        "burden": round(one.burden, 3),
        "priority": one.route.entry.priority,
        "turn": round(one.turn, 3),
        "data_points": estimate.data_points,
        "blocked": None,
    }


def _heard(one: Candidate) -> dict[str, Any]:
    """Of a trunk: how well calls over it are heard, and how many of them go one way."""
    estimate = one.estimate
    return {"clearness": round(estimate.clearness, 3), "one_way": round(estimate.one_way, 3)}


def _blocked(one: Blocked, ranking: Ranking, alarms: tuple[Alarm, ...]) -> dict[str, Any]:
    record: dict[str, Any] = {"bind": one.bind, "blocked": one.block.value}
    if one.retry_at is not None:
        record["retry_at"] = one.retry_at
    standing = [
        {"kind": alarm.kind.value, "since": alarm.since}
        for alarm in alarms
        if alarm.bind == one.bind and alarm.network in ("", ranking.network)
    ]
    if standing:
        record["alarms"] = standing
    return record


def _why(ranking: Ranking, chosen: Candidate | None, runner_up: Candidate | None) -> str:
    if chosen is None or runner_up is None:
        return ranking.why
    points = 100.0 * (chosen.utility - runner_up.utility) / ranking.value
    dearer = chosen.price - runner_up.price
    words = f"{chosen.bind} beats {runner_up.bind} by {points:.1f} points of delivery"
    if chosen.route.entry.priority < runner_up.route.entry.priority:
        words = f"{chosen.bind} goes before {runner_up.bind} by its priority"
    elif points <= 0.0 and ranking.mode.value in ("explore", "probe"):
        words = f"{chosen.bind} instead of {runner_up.bind} to find out how well it delivers"
    elif points <= 0.0:
        words = f"{chosen.bind} has its turn, being as good as {runner_up.bind}"
    if dearer:
        words += f" although {dearer:g} dearer" if dearer > 0 else f" and is {-dearer:g} cheaper"
    one_way = runner_up.estimate.one_way
    if one_way >= ONE_WAY_TOLD:
        words += f"; of calls over {runner_up.bind} {one_way:.0%} go one way"
    return words + ranking.rest
