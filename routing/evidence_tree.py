"""Every scope of which something is known: bind, country, network, type of sender."""

from __future__ import annotations

from collections.abc import Sequence

from routing.belief import believe
from routing.bind_evidence import BindEvidence
from routing.carrier_bind import CarrierBind, Kind
from routing.column import COLUMNS_MAX, Column
from routing.delay_law import DelayLaw
from routing.estimate import Estimate, Level, Scope
from routing.evidence import Evidence
from routing.leaf import Leaf
from routing.traffic_class import TrafficClasses
from routing.trust import Trust
from routing.voice_evidence import VoiceEvidence

LEAVES_MAX = 20_000


class EvidenceTree:
    """`leaves` by scope, `columns` by network, `trusts` by bind and network. `anonymous` has, for
    each bind, the leaf of messages of which nothing else is known."""

    def __init__(
        self,
        binds: Sequence[CarrierBind],
        classes: TrafficClasses,
        pool: DelayLaw,
        second: int,
    ) -> None:
        self.second = second
        self._classes = classes
        deadlines = tuple(one.deadline_s for one in classes.all)
        self.binds = {
            bind.id: BindEvidence(bind.id, bind.receipts, pool, deadlines, second) for bind in binds
        }
        self.leaves: dict[Scope, Leaf] = {}
        self.columns: dict[str, Column] = {}
        self.trusts: dict[Scope, Trust] = {}
        self._trunks = {bind.id for bind in binds if bind.kind is Kind.CALL}
        self._inner: dict[Scope, Evidence] = {
            one.root.scope: one.root for one in self.binds.values()
        }
        self.anonymous = {bind: self._new_leaf(Scope(bind)) for bind in self.binds}

    def leaf(self, scope: Scope) -> Leaf:
        """The place of evidence about a scope; the bind's own where there is room for no more."""
        found = self.leaves.get(scope)
        if found is not None:
            return found
        if len(self.leaves) >= LEAVES_MAX:
            return self.anonymous[scope.bind]
        return self._new_leaf(scope)

    def evidence(self, scope: Scope, level: Level) -> Evidence:
        """The place in the tree, which is made where there is none."""
        if level is Level.SENDER:
            return self.leaf(scope)
        parent = self.binds[scope.bind].root
        if level is Level.BIND:
            return parent
        if level is Level.NETWORK:
            parent = self._new_inner(scope._replace(network=""), parent)
        return self._new_inner(scope, parent)

    def all_evidence(self) -> list[Evidence]:
        """Parents first, as they were made."""
        return [*self._inner.values(), *self.leaves.values()]

    def column(self, network: str) -> Column:
        column = self.columns.get(network)
        if column is None and len(self.columns) >= COLUMNS_MAX:
            return self.columns[""]
        if column is None:
            column = self.columns[network] = Column(network, len(self._classes.all))
        return column

    def _new_leaf(self, scope: Scope) -> Leaf:
        of_bind = self.binds[scope.bind]
        country = self._new_inner(scope._replace(network="", sender_type="?"), of_bind.root)
        network = self._new_inner(scope._replace(sender_type="?"), country)
        trust = self.trusts.setdefault(network.scope, Trust(self.second))
        column = self.column(scope.network)
        unknown = Estimate((), 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, False, 0, Level.BIND)
        voice = VoiceEvidence(self.second) if scope.bind in self._trunks else None
        leaf = Leaf(scope, network, of_bind, trust, column, unknown, self.second, voice)
        self.leaves[scope] = leaf
        believe(leaf, self._classes)
        return leaf

    def _new_inner(self, scope: Scope, parent: Evidence) -> Evidence:
        found = self._inner.get(scope)
        if found is None:
            level = Level(parent.level + 1)
            found = self._inner[scope] = Evidence(scope, level, parent, self.second)
            found.judge()
        return found

    def leaves_of(self, of_bind: BindEvidence) -> list[Leaf]:
        return [
            leaf
            for country in of_bind.root.children
            for network in country.children
            for leaf in leaves_in(network)
        ]

    def drop(self, leaf: Leaf) -> None:
        """Nothing was heard of it for long: it is made anew when it is asked for."""
        del self.leaves[leaf.scope]
        leaf.network.children.remove(leaf)


def leaves_in(network: Evidence) -> list[Leaf]:
    return [leaf for leaf in network.children if isinstance(leaf, Leaf)]
