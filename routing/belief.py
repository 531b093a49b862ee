"""What is believed of a scope, from its counts, its bind's, and what others say of it."""

from __future__ import annotations

from routing.estimate import Estimate, Level
from routing.evidence import Evidence
from routing.leaf import Leaf
from routing.outlier import DOUBT_Z
from routing.traffic_class import TrafficClasses
from routing.trust import DOUBTED

SETTLED_EXPOSED = 10.0


def believe(leaf: Leaf, classes: TrafficClasses) -> None:
    """Make its estimate anew."""
    of_bind = leaf.of_bind
    outlier = leaf.outlier
    if of_bind.blind:
        p, deviation, n = outlier.healthy, 0.02, leaf.exposed_slow
    else:
        drift = of_bind.drift
        if leaf.column.outage and leaf.exposed_fast < SETTLED_EXPOSED:
            drift *= leaf.column.factor
        p, deviation, n = leaf.blend(drift)
        if outlier.by_association:
            p = min(p, of_bind.share_of_late)
        elif not outlier.sick:
            p *= leaf.silence.run.belief
    coverage = of_bind.coverage if not of_bind.blind else 1.0
    trust = min(leaf.trust.share, of_bind.trust.share)
    on_time = leaf.share_on_time
    quality: list[float] = []
    voice = leaf.voice
    clearness = 1.0
    if voice is not None:
        voice.fade(leaf.second)
        clearness = voice.clearness
    for number, one in enumerate(classes.all):
        believed = min(1.0, max(0.0, p - one.caution * deviation) / coverage) * trust
        if one.late_share < 1.0:
            shortest = one.deadline_s <= classes.deadline_s
            in_time = on_time if shortest else of_bind.in_time[number]
            believed *= in_time + one.late_share * (1.0 - in_time)
        quality.append(believed * clearness)
    sick = outlier.sick or leaf.trust.convicted or of_bind.trust.convicted
    network = leaf.network
    country = network.parent
    assert country is not None
    leaf.estimate = Estimate(
        tuple(quality),
        p,
        deviation,
        n,
        leaf.z,
        trust,
        on_time,
        sick,
        leaf.data_points
        + network.data_points
        + country.data_points
        + of_bind.root.data_points
        + of_bind.data_points,
        level_of(leaf, network, country),
        voice.minutes if voice else 1.0,
        not sick
        and (
            leaf.trust.is_open
            or of_bind.trust.is_open
            or (
                (leaf.z < DOUBT_Z or leaf.silence.run.suspicion > DOUBTED)
                and not of_bind.blind
                and not leaf.column.outage
            )
        ),
        clearness,
        voice.one_way if voice else 0.0,
    )


def level_of(leaf: Evidence, network: Evidence, country: Evidence) -> Level:
    """The finest scope that rests on more than belief handed down."""
    for one in (leaf, network, country):
        if one.exposed_slow >= SETTLED_EXPOSED:
            return one.level
    return Level.BIND
