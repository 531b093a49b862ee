"""Who asks messages whether they have converted, and judges whose receipts are not true."""

from __future__ import annotations

from routing.alarm import Alarm, AlarmBoard, AlarmKind
from routing.conversion_rate import KEYS_MAX, ConversionRate
from routing.estimate import Scope
from routing.evidence import DELIVERED_UNKNOWN
from routing.evidence_tree import EvidenceTree
from routing.flight import Flight
from routing.leaf import Leaf
from routing.trust import Trust

# What is suspected teaches nothing of the rate at which messages convert.
SUSPICION_LEARNT_MAX = 6.0
SUSPECTED = 4.0


class Conversions:
    """Leaves of which it learns something become `active`."""

    def __init__(self, tree: EvidenceTree, alarms: AlarmBoard, active: dict[Leaf, None]) -> None:
        self._tree = tree
        self._alarms = alarms
        self._active = active
        self.rates: dict[str, ConversionRate] = {}
        self._questions: dict[int, list[tuple[Flight, int]]] = {}

    def is_live(self, key: str) -> bool:
        rate = self.rates.get(key)
        return rate is not None and rate.live

    def question(self, flight: Flight, second: int) -> None:
        """Has it converted, some time from now?"""
        rate = self.rates.get(flight.key)
        if rate is not None and rate.live:
            self._put(flight, rate, 0, second)

    def _put(self, flight: Flight, rate: ConversionRate, stage: int, second: int) -> None:
        self._questions.setdefault(second + rate.ages[stage], []).append((flight, stage))

    def ask(self, second: int) -> None:
        """Of the messages that are old enough now: have they converted since they were asked
        last?"""
        for due in [due for due in self._questions if due <= second]:
            for flight, stage in self._questions.pop(due):
                leaf = flight.leaf
                of_bind = leaf.of_bind
                if flight.receipt is False or (
                    flight.receipt is None and of_bind.has_receipts and not of_bind.blind
                ):
                    continue
                rate = self.rate(flight.key, due)
                ages = rate.ages
                if stage >= len(ages) or due - flight.told != ages[stage]:
                    continue  # Other ages are asked by now, or its receipt has come meanwhile.
                self.score(flight, rate, stage, flight.converted, due)
                if not flight.converted and stage + 1 < len(ages):
                    self._put(flight, rate, stage + 1, flight.told)

    def score(
        self, flight: Flight, rate: ConversionRate, stage: int, converted: bool, second: int
    ) -> None:
        """One more message speaks for its route, or against it."""
        leaf = flight.leaf
        of_bind, of_network = leaf.of_bind.trust, leaf.trust
        usual = rate.expected(leaf.scope.bind, second)[stage]
        for trust in (of_bind, of_network):
            # A convict is judged by what was sent to try it, not by what came before.
            if not trust.convicted or flight.sent >= trust.held_until:
                trust.score(usual, converted, flight.told or second, second)
        if (
            max(of_bind.suspicion, of_network.suspicion) < SUSPICION_LEARNT_MAX
            and not of_bind.convicted
            and not of_network.convicted
        ):
            rate.learn(leaf.scope.bind, stage, converted, second)
        self._active[leaf] = None

    def rate(self, key: str, second: int) -> ConversionRate:
        rate = self.rates.get(key)
        if rate is None:
            if len(self.rates) >= KEYS_MAX:
                key = ""
            rate = self.rates.setdefault(key, ConversionRate(second))
        return rate

    def settle(self, second: int) -> None:
        """Judge whose receipts are too good to be true."""
        suspects: dict[Scope, Trust] = {}
        for leaf in self._active:
            suspects[leaf.of_bind.root.scope] = leaf.of_bind.trust
            suspects[leaf.network.scope] = leaf.trust
        for scope, trust in suspects.items():
            network = scope.network
            if trust.settle(second):
                self._alarms.clear(AlarmKind.FAKE_RECEIPTS, second, scope.bind, network)
                self._forget_lies(scope)
                continue
            if trust.suspicion <= 0.0 and not trust.convicted:
                continue
            others = [
                one.trust
                for bind, one in self._tree.binds.items()
                if bind != scope.bind and one.has_receipts
            ]
            if trust.should_convict(alone=all(one.converted_at < trust.first_at for one in others)):
                if others and all(one.convicted or one.suspicion > SUSPECTED for one in others):
                    self._forget_trust(second)
                    return
                trust.convict(second)
            if trust.convicted and not (network and self._tree.binds[scope.bind].trust.convicted):
                self._alarms.raise_(
                    Alarm(
                        AlarmKind.FAKE_RECEIPTS,
                        scope.bind,
                        network,
                        "",
                        trust.since,
                        trust.first_at or trust.since,
                        max(0.0, trust.lost),
                    )
                )

    def _forget_trust(self, second: int) -> None:
        """Nobody's messages convert: it is the customer's feed that is broken. Nothing is asked
        until it speaks again."""
        for one in self._tree.binds.values():
            one.trust.acquit()
            self._alarms.clear(AlarmKind.FAKE_RECEIPTS, second, one.root.scope.bind)
        for scope, trust in self._tree.trusts.items():
            trust.acquit()
            self._alarms.clear(AlarmKind.FAKE_RECEIPTS, second, scope.bind, scope.network)
        for rate in self.rates.values():
            rate.live = False
        self._questions.clear()
        self._active.update(dict.fromkeys(self._tree.leaves.values()))

    def _forget_lies(self, scope: Scope) -> None:
        """What false receipts said of a route says nothing of it now that they are true."""
        for leaf in self._tree.leaves_of(self._tree.binds[scope.bind]):
            if scope.network in ("", leaf.scope.network):
                leaf.restart(0.0, 0.0)
                leaf.network.restart(0.0, 0.0)
                leaf.outlier.recover()
                leaf.outlier.healthy = DELIVERED_UNKNOWN
                self._active[leaf] = None
        if not scope.network:
            root = self._tree.binds[scope.bind].root
            for one in (root, *root.children):
                one.restart(0.0, 0.0)
                one.judge()
