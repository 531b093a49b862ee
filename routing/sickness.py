"""Which scopes have gone bad, alone, with their bind, or with all routes into a network."""

from __future__ import annotations

from math import sqrt

from routing.alarm import Alarm, AlarmBoard, AlarmKind
from routing.belief import SETTLED_EXPOSED
from routing.bind_evidence import BindEvidence
from routing.cohort_run import COHORT_S, PROVEN
from routing.column import OUTAGE_MIN, Column
from routing.estimate import Scope
from routing.evidence import PRIOR_WEIGHT, Evidence
from routing.evidence_tree import EvidenceTree, leaves_in
from routing.leaf import Leaf
from routing.outlier import PROVEN_TOGETHER, RAISE_Z, REHABILITATION, SUSPECT_Z

GREY_SHARE = 0.25
# Scopes below this are listened to.
LISTEN_Z = -0.5
# A network that has delivered so much since its bind fell silent has not fallen silent with it.
SPOKEN_MIN = 3.0
SPOKEN_SHARE = 0.75


class Sickness:
    """Raises and clears the alarms about deliveries. What it changes becomes `active`."""

    def __init__(self, tree: EvidenceTree, alarms: AlarmBoard, active: dict[Leaf, None]) -> None:
        self._tree = tree
        self._alarms = alarms
        self._active = active

    def settle_sight(self, of_bind: BindEvidence, second: int) -> None:
        """Are the receipts of the bind lost, and not its messages?"""
        bind = of_bind.root.scope.bind
        if not of_bind.blind and of_bind.looks_blind():
            of_bind.go_blind()
            first = of_bind.blind_lost_at or second
            self._alarms.raise_(Alarm(AlarmKind.RECEIPT_FEED, bind, "", "", second, first, 0.0))
            for leaf in self._tree.leaves_of(of_bind):
                if leaf.outlier.sick:
                    self._recover(leaf, second)
                self._active[leaf] = None
        elif of_bind.blind and of_bind.looks_sighted():
            of_bind.blind = False
            of_bind.blindness = 0.0
            of_bind.blind_lost_at = 0
            self._alarms.clear(AlarmKind.RECEIPT_FEED, second, bind)
            for leaf in self._tree.leaves_of(of_bind):
                leaf.exposed_fast = leaf.delivered_fast = 0.0
                self._active[leaf] = None

    def settle_columns(self, networks: list[Evidence], second: int) -> set[str]:
        """Networks that fail over every route; the names of those that changed."""
        columns: dict[str, Column] = {}
        for network in networks:
            name = network.scope.network
            if not name or self._tree.binds[network.scope.bind].blind:
                continue
            column = columns.get(name)
            if column is None:
                column = columns[name] = self._tree.column(name)
                column.begin()
            column.add(network)
        changed: set[str] = set()
        for name, column in columns.items():
            if not column.outage and column.fails():
                column.outage = True
                column.first_at = min(one.outlier.first_at or second for one in column.tested)
                column.lost = column.exposed - column.delivered
                for one in column.tested:
                    one.restart(one.exposed_fast, one.delivered_fast)
                    for leaf in leaves_in(one):
                        leaf.outlier.recover()
                        self._clear_leaf_alarms(leaf, second)
                changed.add(name)
            elif column.outage and column.is_well():
                column.outage = False
                column.factor = 1.0
                self._alarms.clear(AlarmKind.OPERATOR, second, network=name)
                for one in column.tested:
                    one.rehabilitate(one.outlier.healthy, REHABILITATION)
                    for leaf in leaves_in(one):
                        leaf.rehabilitate(leaf.outlier.healthy, REHABILITATION)
                        self._active[leaf] = None
                changed.add(name)
            if column.outage:
                column.factor = min(
                    1.0, max(OUTAGE_MIN, column.delivered / max(1.0, column.exposed))
                )
                column.lost = max(column.lost, column.exposed - column.delivered)
                self._alarms.raise_(
                    Alarm(AlarmKind.OPERATOR, "", name, "", second, column.first_at, column.lost)
                )
        return changed

    def listen(self, roots: list[BindEvidence], second: int) -> None:
        """Which scopes have fallen silent, and which binds as a whole? Scopes are asked that are
        below their level, and all of a bind that is."""
        leaves: dict[BindEvidence, list[Leaf]] = {}
        for leaf in self._active:
            leaves.setdefault(leaf.of_bind, []).append(leaf)
        for of_bind in roots:
            spoken = of_bind.law.spoken()
            suspect = of_bind.root.z < LISTEN_Z
            heard: list[Leaf] = []
            for leaf in leaves.get(of_bind, ()):
                if leaf.outlier.sick or of_bind.blind or leaf.column.outage:
                    leaf.silence.forget()
                    continue
                p, weight = leaf.p_slow, leaf.exposed_slow + PRIOR_WEIGHT[leaf.level]
                level = p - sqrt(p * (1.0 - p) / weight)
                leaf.silence.settle(level, spoken, second)
                if suspect or leaf.z < LISTEN_Z or leaf.silence.run.suspicion:
                    leaf.silence.judge(level, spoken, second)
                    heard.append(leaf)
            of_bind.hear(heard if suspect else [])

    def settle_silent(self, roots: list[BindEvidence], second: int) -> None:
        """Binds that have fallen silent as a whole. Of each network what was seen since decides,
        where there is any."""
        for of_bind in roots:
            if of_bind.run.suspicion <= PROVEN or of_bind.blind:
                continue
            for leaf in self._tree.leaves_of(of_bind):
                expected, seen = leaf.silence.since(of_bind.run.since)
                if expected >= SPOKEN_MIN and seen > SPOKEN_SHARE * expected:
                    continue
                if seen >= expected:
                    self._suspect(leaf, second)
                elif not leaf.outlier.sick and not leaf.column.outage:
                    leaf.outlier.since_silent(of_bind.run.since * COHORT_S, expected, seen)
                    self._fall_sick(leaf, second)
                    leaf.outlier.with_bind = True

    def _proves_together(self, leaf: Leaf) -> bool:
        """Did it fall sick with its bind, and are they well again together?"""
        if not leaf.outlier.with_bind or leaf.outlier.proof <= 0.0:
            return False
        together = sum(
            one.outlier.proof for one in self._tree.leaves_of(leaf.of_bind) if one.outlier.with_bind
        )
        return together > PROVEN_TOGETHER

    def settle_leaf(self, leaf: Leaf, second: int, elapsed: int) -> None:
        """Health and sickness of one scope."""
        outlier = leaf.outlier
        if leaf.of_bind.blind or leaf.column.outage:
            return
        p_fast = leaf.delivered_fast / leaf.exposed_fast if leaf.exposed_fast else 1.0
        if not outlier.sick:
            outlier.settle(leaf.p_slow, leaf.z, leaf.exposed_fast, second, elapsed)
            leaf.network.outlier.healthy = leaf.outlier.healthy
            if leaf.silence.run.suspicion > PROVEN or outlier.is_bad(
                leaf.z, leaf.exposed_fast, p_fast
            ):
                self._fall_sick(leaf, second)
                self._raise_leaf_alarm(leaf)
        elif (
            outlier.judge_probes(second)
            or outlier.is_well(leaf.z, leaf.p_slow, leaf.exposed_fast, second)
            or self._proves_together(leaf)
        ):
            self._recover(leaf, second)
            for other in self._tree.leaves_of(leaf.of_bind):
                if other.outlier.by_association:
                    self._recover(other, second)
        else:
            self._raise_leaf_alarm(leaf)

    def _fall_sick(self, leaf: Leaf, second: int) -> None:
        """Only what came since the first evidence counts from now on, as far up as this scope is
        all there is."""
        outlier = leaf.outlier
        run = leaf.silence.run
        if run.suspicion > PROVEN:
            outlier.since_silent(run.since * COHORT_S, run.expected, run.seen)
        exposed, delivered = outlier.exposed, max(0.0, outlier.delivered)
        outlier.fall_sick(second)
        if exposed < 2.0:
            exposed, delivered = leaf.exposed_fast, leaf.delivered_fast
        one: Evidence | None = leaf
        while one is not None:
            one.restart(exposed, min(exposed, delivered))
            if one.parent is None or len(one.parent.children) > 1:
                break
            one = one.parent
        while one is not None:
            one.judge()
            one = one.parent
        leaf.judge()
        self._active[leaf] = None

    def _recover(self, leaf: Leaf, second: int) -> None:
        healthy = leaf.outlier.healthy
        leaf.outlier.recover()
        one: Evidence | None = leaf
        while one is not None:
            one.rehabilitate(healthy, REHABILITATION)
            if one.parent is None or len(one.parent.children) > 1:
                break
            one = one.parent
        leaf.judge()
        self._active[leaf] = None
        self._clear_leaf_alarms(leaf, second)

    def _raise_leaf_alarm(self, leaf: Leaf) -> None:
        outlier = leaf.outlier
        if outlier.by_association:
            return
        scope = leaf.scope
        for kind in (AlarmKind.GREY, AlarmKind.DEGRADED, AlarmKind.REGIONAL):
            if self._alarms.stands(kind, scope.bind, scope.network, scope.sender_type):
                break
        else:
            p_fast = leaf.delivered_fast / max(1.0, leaf.exposed_fast)
            kind = AlarmKind.GREY if p_fast < GREY_SHARE else AlarmKind.DEGRADED
            others = [
                one
                for one in self._tree.leaves_of(leaf.of_bind)
                if one.scope.network != scope.network and one.exposed_fast >= 2.0
            ]
            if (
                scope.network
                and others
                and all(not one.outlier.sick and one.z > SUSPECT_Z for one in others)
            ):
                kind = AlarmKind.REGIONAL
        self._alarms.raise_(
            Alarm(kind, *_place(scope), outlier.since, outlier.first_at, max(0.0, outlier.lost))
        )

    def _clear_leaf_alarms(self, leaf: Leaf, second: int) -> None:
        for kind in (AlarmKind.GREY, AlarmKind.DEGRADED, AlarmKind.REGIONAL):
            self._alarms.clear(kind, second, *_place(leaf.scope))

    def settle_rows(self, roots: list[BindEvidence], second: int) -> None:
        """A bind of which every network but one is short is sick as a whole."""
        rows: dict[str, list[Leaf]] = {}
        for leaf in self._active:
            rows.setdefault(leaf.scope.bind, []).append(leaf)
        for of_bind in roots:
            bind = of_bind.root.scope.bind
            if of_bind.row_z < RAISE_Z and not of_bind.blind:
                for leaf in self._tree.leaves_of(of_bind):
                    if not (leaf.exposed_fast >= SETTLED_EXPOSED and leaf.z > SUSPECT_Z):
                        self._suspect(leaf, second)
            leaves = rows.get(bind, [])
            sick = [leaf for leaf in leaves if leaf.outlier.sick]
            of_sick = [leaf for leaf in sick if not leaf.outlier.by_association]
            tested = [leaf for leaf in leaves if leaf.exposed_fast >= 2.0]
            if len(of_sick) >= 2 and all(leaf.outlier.sick for leaf in tested):
                self._raise_bind_alarm(bind, of_sick)
            elif not sick:
                self._alarms.clear(AlarmKind.GREY, second, bind)
                self._alarms.clear(AlarmKind.DEGRADED, second, bind)

    def _suspect(self, leaf: Leaf, second: int) -> None:
        """Little is known of it, but the others of its bind are sick."""
        if not leaf.outlier.sick and not leaf.column.outage:
            leaf.outlier.fall_sick(second, by_association=True)
            self._active[leaf] = None

    def _raise_bind_alarm(self, bind: str, sick: list[Leaf]) -> None:
        exposed = sum(leaf.exposed_fast for leaf in sick)
        delivered = sum(leaf.delivered_fast for leaf in sick)
        kind = AlarmKind.GREY if delivered < GREY_SHARE * exposed else AlarmKind.DEGRADED
        if self._alarms.stands(AlarmKind.GREY, bind):
            kind = AlarmKind.GREY
        elif self._alarms.stands(AlarmKind.DEGRADED, bind):
            kind = AlarmKind.DEGRADED
        since = max(leaf.outlier.since for leaf in sick)
        first = min(leaf.outlier.first_at for leaf in sick)
        lost = sum(max(0.0, leaf.outlier.lost) for leaf in sick)
        self._alarms.raise_(Alarm(kind, bind, "", "", since, first, lost))


def _place(scope: Scope) -> tuple[str, str, str]:
    return scope.bind, scope.network, scope.sender_type
