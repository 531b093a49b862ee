"""What a router has learnt, as plain lists and numbers, so that a restart need not learn it anew.

Messages under way are not kept: their receipts count for the bind when they come. What was learnt
grows older by the time that passed until it is restored, as if nothing had been seen meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from routing.bind_health import BindHealth
from routing.conversion_rate import ConversionRate
from routing.delay_law import DelayLaw
from routing.estimate import Level, Scope
from routing.evidence import Evidence
from routing.scorer import Scorer
from routing.trust import Trust

VERSION = 2
# Scopes in one slice: about a millisecond of work.
SLICE = 200

T = TypeVar("T")


def state_of(scorer: Scorer, health: Mapping[str, BindHealth]) -> Iterator[dict[str, Any]]:
    """In slices fit for JSON, each made when it is asked for: all of it at once would take long.
    What is learnt between two slices may be in the later one; `restore` does not mind."""
    yield {
        "version": VERSION,
        "pool": _of_law(scorer.pool),
        "binds": {
            bind: {
                "law": _of_law(one.law),
                "trust": _of_trust(one.trust),
                "receipts": one.receipts,
                "anonymous": one.anonymous,
                "converted": one.converted,
                "covered": one.covered,
                "usual_latency_s": health[bind].usual_latency_s,
                "fraction": health[bind].fraction,
            }
            for bind, one in scorer.tree.binds.items()
        },
    }
    for evidence in _slices(scorer.tree.all_evidence()):
        yield {"evidence": [_of_evidence(one) for one in evidence]}
    for trusts in _slices(list(scorer.tree.trusts.items())):
        yield {"trusts": [[list(scope), _of_trust(trust)] for scope, trust in trusts]}
    for rates in _slices(list(scorer.conversions.rates.items())):
        yield {"rates": [[key, _of_rate(rate)] for key, rate in rates]}


def _slices(whole: Sequence[T]) -> Iterator[Sequence[T]]:
    for first in range(0, len(whole), SLICE):
        yield whole[first : first + SLICE]


def restore(
    scorer: Scorer,
    health: Mapping[str, BindHealth],
    state: Iterable[Mapping[str, Any]],
    age_s: float,
) -> None:
    """ValueError: the state is of another version. Binds that are configured no more are left
    out."""
    second = scorer.second - int(age_s)
    slices = iter(state)
    first = next(slices, {})
    if first.get("version") != VERSION:
        raise ValueError(f"state of version {first.get('version')!r}, expected {VERSION}")
    _to_law(scorer.pool, first["pool"], second)
    for bind, kept in first["binds"].items():
        one = scorer.tree.binds.get(bind)
        if one is None:
            continue
        _to_law(one.law, kept["law"], second)
        _to_trust(one.trust, kept["trust"], scorer.second)
        one.receipts = int(kept["receipts"])
        one.anonymous = bool(kept["anonymous"])
        one.second = second
        one.converted, one.covered = float(kept["converted"]), float(kept["covered"])
        one.settle(scorer.second)
        health[bind].restore(kept["usual_latency_s"], kept["fraction"])
    for piece in slices:
        _restore_piece(scorer, piece, second)
    scorer.settle_all()


def _restore_piece(scorer: Scorer, piece: Mapping[str, Any], second: int) -> None:
    for row in piece.get("evidence", ()):
        scope = Scope(*row[0])
        if scope.bind in scorer.tree.binds:
            _to_evidence(scorer.tree.evidence(scope, Level(row[1])), row[2:], second, scorer.second)
    for names, kept in piece.get("trusts", ()):
        scope = Scope(*names)
        if scope in scorer.tree.trusts:
            _to_trust(scorer.tree.trusts[scope], kept, scorer.second)
    for key, kept in piece.get("rates", ()):
        rate = scorer.conversions.rate(key, second)
        rate.live = bool(kept["live"])
        _to_law(rate.law, kept["law"], second)
        rate.restore(tuple(kept["ages"]), kept["total"], kept["by_bind"])


def _of_law(law: DelayLaw) -> list[Any]:
    return [law.seen, [round(count, 3) for count in law.counts]]


def _to_law(law: DelayLaw, kept: list[Any], second: int) -> None:
    law.restore(kept[1], kept[0], second)


def _of_evidence(one: Evidence) -> list[Any]:
    return [
        list(one.scope),
        int(one.level),
        one.exposed_fast,
        one.delivered_fast,
        one.exposed_slow,
        one.delivered_slow,
        one.on_time,
        one.deliveries,
        one.outlier.healthy,
        one.outlier.sick,
    ]


def _to_evidence(one: Evidence, kept: list[Any], second: int, now: int) -> None:
    one.second = second
    one.exposed_fast, one.delivered_fast, one.exposed_slow, one.delivered_slow = kept[:4]
    one.on_time, one.deliveries, one.outlier.healthy = kept[4:7]
    if kept[7]:
        one.outlier.fall_sick(now)


def _of_trust(trust: Trust) -> list[Any]:
    return [trust.convicted, trust.suspicion, trust.share]


def _to_trust(trust: Trust, kept: list[Any], second: int) -> None:
    if kept[0]:
        trust.convict(second)
        trust.suspicion, trust.share = kept[1:]


def _of_rate(rate: ConversionRate) -> dict[str, Any]:
    total, by_bind = rate.counts
    return {
        "live": rate.live,
        "ages": rate.ages,
        "law": _of_law(rate.law),
        "total": total,
        "by_bind": by_bind,
    }
