"""Turns events into belief: counts up the tree, judgement down it, once a second.

Only what was touched lately is folded: a tick costs as much as there is news.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from routing.alarm import Alarm, AlarmBoard, AlarmKind
from routing.belief import SETTLED_EXPOSED, believe
from routing.bind_evidence import BindEvidence
from routing.carrier_bind import CarrierBind
from routing.conversions import Conversions
from routing.delay_law import AGES_UNKNOWN, DelayLaw
from routing.events import CallEnded, Fault, Outcome
from routing.evidence import Evidence
from routing.evidence_tree import EvidenceTree
from routing.exposure_wheel import ExposureWheel
from routing.flight import Flights
from routing.leaf import Leaf
from routing.sickness import Sickness
from routing.sip_status import outcome as sip_outcome
from routing.traffic_class import TrafficClasses
from routing.voice_evidence import ONE_WAY_CLEAR, ONE_WAY_RAISE, SHORT_CALL_S, VoiceEvidence

FORGET_S = 86_400
SWEEP = 16
# Receipts that blame the number are nobody's, unless this route has far more of them than others.
NUMBER_FAULT_PRIOR = 5.0
NUMBER_FAULT_RATIO = 3.0


class Scorer:
    def __init__(
        self,
        binds: Sequence[CarrierBind],
        classes: TrafficClasses,
        second: int,
        on_drop: Callable[[], None],
    ) -> None:
        """`on_drop` is called when a leaf is forgotten: nobody may hold it any more."""
        self.second = second
        self.classes = classes
        self._on_drop = on_drop
        self.alarms = AlarmBoard()
        self.flights = Flights()
        self.pool = DelayLaw(second)
        self._wheel = ExposureWheel(second)
        self._active: dict[Leaf, None] = {}
        self.tree = self._tree = EvidenceTree(binds, classes, self.pool, second)
        self._sickness = Sickness(self.tree, self.alarms, self._active)
        self.conversions = Conversions(self.tree, self.alarms, self._active)
        self._drifting: set[str] = set()
        self._sick_binds: set[str] = set()
        self._sweep: list[Leaf] = []

    def settle_all(self) -> None:
        """Judge everything anew, after it was restored."""
        for one in self.tree.all_evidence():
            one.fold(self.second, True)
            one.judge()
        for leaf in self.tree.leaves.values():
            believe(leaf, self.classes)

    def accepted(self, bind: str, message_id: int, at: float) -> None:
        """A carrier took a message: from now on its silence says something."""
        of_bind = self.tree.binds[bind]
        second = int(at)
        flight = self.flights.find(message_id) if message_id else None
        if flight is None or of_bind.anonymous or flight.leaf.scope.bind != bind:
            if of_bind.has_receipts and of_bind.law.speaks_at(second):
                self._wheel.schedule(self.tree.anonymous[bind], second, of_bind.law.ages)
            return
        if flight.accepted:
            return
        flight.accepted = second
        flight.leaf.refusals.accepted()
        flight.ages = of_bind.law.ages
        if of_bind.has_receipts:
            self._wheel.schedule(flight.leaf, second, flight.ages)
            flight.leaf.silence.accepted(second)
        flight.told = second
        if of_bind.blind or not of_bind.has_receipts:
            # It arrives, most likely, when receipts used to come.
            flight.told += of_bind.law.usual_s
            self.conversions.question(flight, flight.told)

    def refused(self, bind: str, message_id: int, at: float) -> bool:
        """The carrier does not know the sender: does that bar its type there from now on?"""
        flight = self.flights.find(message_id) if message_id else None
        if flight is None or flight.leaf.scope.bind != bind:
            return False
        return flight.leaf.refusals.refused(at)

    def receipt(
        self,
        bind: str,
        delivered: bool,
        delay_s: float,
        at: float,
        message_id: int,
        fault: Fault | None,
    ) -> None:
        of_bind = self.tree.binds[bind]
        of_bind.receipts += 1
        if delivered:
            of_bind.law.add(delay_s)
        flight = self.flights.find(message_id) if message_id else None
        if flight is None or of_bind.anonymous or flight.leaf.scope.bind != bind:
            if not message_id and not of_bind.anonymous:
                of_bind.anonymous = True
            if of_bind.law.speaks_at(at - delay_s):
                leaf = self.tree.anonymous[bind]
                self._touch(leaf)
                leaf.new_delivered += delivered
            return
        if flight.receipt is not None:
            return
        flight.receipt = delivered
        leaf = flight.leaf
        self._touch(leaf)
        if delivered:
            # What was sent before the trouble says nothing of how it is now.
            is_old = leaf.outlier.sick and flight.accepted < leaf.outlier.first_at
            if not is_old:
                leaf.new_delivered += 1.0
                leaf.new_deliveries += 1.0
                leaf.silence.receipt(flight.accepted, True)
            if not of_bind.blind:
                # People answer what has arrived: a route that is slow is not one that lies.
                flight.told = int(at)
                self.conversions.question(flight, flight.told)
            if flight.ages is AGES_UNKNOWN:
                # It was not known when to expect it: it is exposed now, and not some time later.
                leaf.new_exposed += self._wheel.withdraw(leaf, flight.accepted, flight.ages)
            if delay_s <= self.classes.deadline_s and not is_old:
                leaf.new_on_time += 1.0
            if leaf.outlier.sick and flight.sent >= leaf.outlier.since:
                leaf.outlier.probe_succeeded(at)
            return
        due = self._wheel.withdraw(leaf, flight.accepted, flight.ages) if flight.accepted else 0.0
        if (
            fault is Fault.NUMBER and not self._blames_too_many_numbers(leaf)
        ) or fault is Fault.CONFIGURATION:
            leaf.new_exposed -= 1.0 - due
            leaf.silence.excuse(flight.accepted)
        else:
            leaf.silence.receipt(flight.accepted, False)
            leaf.new_exposed += due

    def converted(self, message_id: int, at: float) -> None:
        flight = self.flights.find(message_id)
        if flight is None or flight.converted:
            return
        flight.converted = True
        second = int(at)
        rate = self.conversions.rate(flight.key, second)
        if not flight.accepted:
            # Before its submit_sm_resp: how long it took is not known.
            rate.live = True
            return
        rate.conversion(at - flight.told)
        of_bind = flight.leaf.of_bind
        of_bind.conversion(flight.receipt is not None or not of_bind.has_receipts, second)

    def probed(self, bind: str, at: float) -> None:
        """A message of which nothing else is known goes over a bind that may be sick."""
        if bind not in self._sick_binds:
            return
        for leaf in self.tree.leaves_of(self.tree.binds[bind]):
            if leaf.outlier.sick and leaf.outlier.probe_at <= at:
                leaf.outlier.probed(leaf.column.sent, at)

    def call_result(self, bind: str, status: int, message_id: int, progress: bool) -> None:
        """The network's success is known at once: no silence to wait for."""
        outcome, fault = sip_outcome(status, progress)
        if fault in (Fault.NUMBER, Fault.CONFIGURATION):
            return
        flight = self.flights.find(message_id) if message_id else None
        leaf = flight.leaf if flight else self.tree.anonymous[bind]
        self._touch(leaf)
        leaf.new_exposed += 1.0
        if outcome is not Outcome.OK:
            return
        leaf.new_delivered += 1.0
        if leaf.outlier.sick:
            leaf.outlier.probe_succeeded(self.second)
        if flight:
            flight.hasty = not progress

    def call_ended(self, event: CallEnded) -> None:
        """Short calls, and calls that were answered before they rang, are what false answers look
        like: they are to a trunk what a lack of conversions is to a route."""
        bind, message_id, duration_s, at = event.bind, event.message_id, event.duration_s, event.at
        flight = self.flights.find(message_id) if message_id else None
        leaf = flight.leaf if flight else self.tree.anonymous[bind]
        self._touch(leaf)
        if leaf.voice is not None:
            leaf.voice.call(duration_s, event.mos, event.one_way, at)
            self._watch_voice(leaf, leaf.voice, at)
        if flight is None:
            return
        rate = self.conversions.rate(flight.key, int(at))
        rate.live = True
        meant = duration_s >= SHORT_CALL_S and not flight.hasty
        self.conversions.score(flight, rate, 0, meant, int(at))

    def _watch_voice(self, leaf: Leaf, voice: VoiceEvidence, at: float) -> None:
        scope = leaf.scope
        place = scope.bind, scope.network, scope.sender_type
        if voice.one_way >= ONE_WAY_RAISE:
            lost = float(voice.one_way_calls)
            self.alarms.raise_(Alarm(AlarmKind.ONE_WAY, *place, at, voice.one_way_at, lost))
        elif voice.one_way < ONE_WAY_CLEAR:
            voice.forget_one_way()
            self.alarms.clear(AlarmKind.ONE_WAY, at, *place)

    def bind_up(self, bind: str, away_s: int) -> None:
        """What is known of a bind does not age while it is away."""
        if away_s > 0:
            root = self.tree.binds[bind].root
            stack = [root]
            while stack:
                one = stack.pop()
                one.second = min(self.second, one.second + away_s)
                stack.extend(one.children)

    def _touch(self, leaf: Leaf) -> None:
        leaf.touched = True
        self._active[leaf] = None

    def _blames_too_many_numbers(self, leaf: Leaf) -> bool:
        """Of the receipts of this route into the network, far more than of the others?"""
        leaf.number_faults += 1.0
        others = [one for one in leaf.column.tested if one is not leaf.network]
        exposed = sum(one.exposed_fast for one in others)
        if exposed < SETTLED_EXPOSED or leaf.exposed_fast < SETTLED_EXPOSED:
            return False
        faults = sum(leaf_.number_faults for one in others for leaf_ in one.children)
        usual = (faults + NUMBER_FAULT_PRIOR) / (exposed + NUMBER_FAULT_PRIOR)
        return leaf.number_faults > NUMBER_FAULT_RATIO * usual * leaf.exposed_fast

    def tick(self, second: int) -> None:
        elapsed = second - self.second
        if elapsed <= 0:
            return
        self.pool.settle(second)
        for of_bind in self.tree.binds.values():
            of_bind.settle_law(second)
        for leaf in self._wheel.turn(second):
            self._active[leaf] = None
        self.conversions.ask(second)
        self.second = self.tree.second = second
        self.flights.settle(second)
        roots, inner = self._fold(second)
        self._settle_binds(roots, inner, second, elapsed)
        columns = self._sickness.settle_columns(inner, second)
        drifting = {bind.root.scope.bind for bind in roots if bind.drift < 1.0}
        changed = self._drifting | drifting
        self._drifting = drifting
        for leaf in list(self._active):
            leaf.judge()
        self._sickness.listen(roots, second)
        self._sickness.settle_silent(roots, second)
        for leaf in list(self._active):
            self._sickness.settle_leaf(leaf, second, elapsed)
        self._sickness.settle_rows(roots, second)
        self.conversions.settle(second)
        self._sick_binds = {leaf.scope.bind for leaf in self._active if leaf.outlier.sick}
        for leaf in list(self._active):
            believe(leaf, self.classes)
            leaf.touched = False
            if leaf.is_idle and not leaf.column.outage:
                del self._active[leaf]
        self._refresh(changed | columns)

    def _fold(self, second: int) -> tuple[list[BindEvidence], list[Evidence]]:
        """The counts of what is active, and of all that stands above it."""
        countries: dict[Evidence, None] = {}
        networks: dict[Evidence, None] = {}
        binds: dict[BindEvidence, None] = {}
        seen = self.pool.seen
        for leaf in self._active:
            of_bind = leaf.of_bind
            if not seen and leaf.voice is None:
                leaf.new_exposed = 0.0  # No receipt has been seen at all: silence says nothing.
            leaf.fold(second, of_bind.blind)
            networks[leaf.network] = None
            binds[of_bind] = None
        for network in networks:
            assert network.parent is not None
            network.fold(second, False)
            countries[network.parent] = None
        for country in countries:
            country.fold(second, False)
        for of_bind in binds:
            of_bind.root.fold(second, of_bind.blind)
            of_bind.root.judge()
        for country in countries:
            country.judge()
        for network in networks:
            network.judge()
        return list(binds), list(networks)

    def _settle_binds(
        self, roots: list[BindEvidence], networks: list[Evidence], second: int, elapsed: int
    ) -> None:
        rows: dict[str, list[Evidence]] = {}
        for network in networks:
            rows.setdefault(network.scope.bind, []).append(network)
        for of_bind in roots:
            root = of_bind.root
            of_bind.settle(second)
            of_bind.read_row(rows.get(root.scope.bind, []))
            if not of_bind.blind:
                root.outlier.settle(root.p_slow, root.z, root.exposed_fast, second, elapsed)
            self._sickness.settle_sight(of_bind, second)

    def _refresh(self, changed: set[str]) -> None:
        """Scopes without news of their own, where what others say of them has changed; and, a few
        at a time, those that only grow old."""
        for name in changed:
            of_bind = self.tree.binds.get(name)
            stale = (
                self.tree.leaves_of(of_bind)
                if of_bind
                else [leaf for leaf in self.tree.leaves.values() if leaf.scope.network == name]
            )
            for leaf in stale:
                self._age(leaf)
        if not self._sweep:
            self._sweep = list(self.tree.leaves.values())
        for _ in range(min(SWEEP, len(self._sweep))):
            leaf = self._sweep.pop()
            if leaf not in self._active:
                self._age(leaf)
                if leaf.news_at < self.second - FORGET_S and leaf.scope.network:
                    self.tree.drop(leaf)
                    self._on_drop()

    def _age(self, leaf: Leaf) -> None:
        frozen = leaf.of_bind.blind
        leaf.fold(self.second, frozen)
        leaf.judge()
        believe(leaf, self.classes)
        if leaf.voice is not None and leaf.voice.one_way_calls:
            self._watch_voice(leaf, leaf.voice, self.second)
