"""Turns events into belief: counts up the tree, judgement down it, once a second.

Only what was touched lately is folded: a tick costs as much as there is news.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from routing.alarm import Alarm, AlarmBoard, AlarmKind
from routing.bind_evidence import BindEvidence
from routing.carrier_bind import CarrierBind, Kind
from routing.column import COLUMNS_MAX, OUTAGE_MIN, Column
from routing.conversion_rate import KEYS_MAX, ConversionRate
from routing.delay_law import AGES_UNKNOWN, DelayLaw
from routing.estimate import Estimate, Level, Scope
from routing.events import Fault, Outcome
from routing.evidence import DELIVERED_UNKNOWN, Evidence
from routing.exposure_wheel import ExposureWheel
from routing.flight import Flight, Flights
from routing.leaf import Leaf
from routing.outlier import RAISE_Z, REHABILITATION, SUSPECT_Z
from routing.sip_status import outcome as sip_outcome
from routing.traffic_class import TrafficClasses
from routing.trust import Trust
from routing.voice_evidence import SHORT_CALL_S, VoiceEvidence

LEAVES_MAX = 20_000
FORGET_S = 86_400
SWEEP = 16
GREY_SHARE = 0.25
# Receipts that blame the number are nobody's, unless this route has far more of them than others.
NUMBER_FAULT_PRIOR = 5.0
NUMBER_FAULT_RATIO = 3.0
SETTLED_EXPOSED = 10.0
# Before so many messages have been asked, nothing is known of the rate at which they convert; and
# what is suspected teaches nothing of it.
LEARNT_MIN = 5.0
SUSPICION_LEARNT_MAX = 6.0
SUSPECTED = 4.0


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
        self._deadline_s = min(one.deadline_s for one in classes.all)
        deadlines = tuple(one.deadline_s for one in classes.all)
        self.pool = DelayLaw(second)
        self._wheel = ExposureWheel(second)
        self.binds = {
            bind.id: BindEvidence(bind.id, bind.receipts, self.pool, deadlines, second)
            for bind in binds
        }
        self._trunks = {bind.id for bind in binds if bind.kind is Kind.CALL}
        self._inner: dict[Scope, Evidence] = {
            one.root.scope: one.root for one in self.binds.values()
        }
        self.leaves: dict[Scope, Leaf] = {}
        self.columns: dict[str, Column] = {}
        self.trusts: dict[Scope, Trust] = {}
        self._active: dict[Leaf, None] = {}
        self.rates: dict[str, ConversionRate] = {}
        self._questions: dict[int, list[Flight]] = {}
        self._anonymous = {bind: self._new_leaf(Scope(bind)) for bind in self.binds}
        self._drifting: set[str] = set()
        self._sick_binds: set[str] = set()
        self._sweep: list[Leaf] = []

    # The tree

    def leaf(self, scope: Scope) -> Leaf:
        """The place of evidence about a scope; the bind's own where there is room for no more."""
        found = self.leaves.get(scope)
        if found is not None:
            return found
        if len(self.leaves) >= LEAVES_MAX:
            return self._anonymous[scope.bind]
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
        """Parents first."""
        return sorted((*self._inner.values(), *self.leaves.values()), key=_level_of)

    def settle_all(self) -> None:
        """Judge everything anew, after it was restored."""
        for one in self.all_evidence():
            one.fold(self.second, True)
            one.judge()
        for leaf in self.leaves.values():
            self._judge_leaf(leaf)

    def column(self, network: str) -> Column:
        column = self.columns.get(network)
        if column is None and len(self.columns) >= COLUMNS_MAX:
            return self.columns[""]
        if column is None:
            column = self.columns[network] = Column(network, len(self.classes.all))
        return column

    def _new_leaf(self, scope: Scope) -> Leaf:
        of_bind = self.binds[scope.bind]
        country = self._new_inner(scope._replace(network="", sender_type="?"), of_bind.root)
        network = self._new_inner(scope._replace(sender_type="?"), country)
        trust = self.trusts.setdefault(network.scope, Trust(self.second))
        column = self.column(scope.network)
        unknown = Estimate((), 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, False, 0, Level.BIND)
        voice = VoiceEvidence() if scope.bind in self._trunks else None
        leaf = Leaf(scope, network, of_bind, trust, column, unknown, self.second, voice)
        self.leaves[scope] = leaf
        self._judge_leaf(leaf)
        return leaf

    def _new_inner(self, scope: Scope, parent: Evidence) -> Evidence:
        found = self._inner.get(scope)
        if found is None:
            level = Level(parent.level + 1)
            found = self._inner[scope] = Evidence(scope, level, parent, self.second)
            found.judge()
        return found

    # Events

    def accepted(self, bind: str, message_id: int, at: float) -> None:
        """A carrier took a message: from now on its silence says something."""
        of_bind = self.binds[bind]
        second = int(at)
        flight = self.flights.find(message_id) if message_id else None
        if flight is None or of_bind.anonymous or flight.leaf.scope.bind != bind:
            if of_bind.has_receipts and of_bind.law.speaks_at(second):
                self._wheel.schedule(self._anonymous[bind], second, of_bind.law.ages)
            return
        if flight.accepted:
            return
        flight.accepted = second
        flight.ages = of_bind.law.ages
        if of_bind.has_receipts:
            self._wheel.schedule(flight.leaf, second, flight.ages)
        flight.told = second
        if of_bind.blind or not of_bind.has_receipts:
            self._question(flight, second)

    def receipt(
        self,
        bind: str,
        delivered: bool,
        delay_s: float,
        at: float,
        message_id: int,
        fault: Fault | None,
    ) -> None:
        of_bind = self.binds[bind]
        of_bind.receipts += 1
        if delivered:
            of_bind.law.add(delay_s)
            self.pool.add(delay_s)
        flight = self.flights.find(message_id) if message_id else None
        if flight is None or of_bind.anonymous or flight.leaf.scope.bind != bind:
            if not message_id and not of_bind.anonymous:
                of_bind.anonymous = True
            if of_bind.law.speaks_at(at - delay_s):
                leaf = self._anonymous[bind]
                self._touch(leaf)
                leaf.new_delivered += delivered
            return
        if flight.receipt is not None:
            return
        flight.receipt = delivered
        leaf = flight.leaf
        self._touch(leaf)
        if delivered:
            leaf.new_delivered += 1.0
            leaf.new_deliveries += 1.0
            if not of_bind.blind:
                # People answer what has arrived: a route that is slow is not one that lies.
                flight.told = int(at)
                self._question(flight, flight.told)
            if flight.ages is AGES_UNKNOWN:
                # It was not known when to expect it: it is exposed now, and not some time later.
                leaf.new_exposed += self._wheel.withdraw(leaf, flight.accepted, flight.ages)
            if delay_s <= self._deadline_s:
                leaf.new_on_time += 1.0
            if leaf.outlier.sick:
                leaf.outlier.probe_succeeded(at)
            return
        due = self._wheel.withdraw(leaf, flight.accepted, flight.ages) if flight.accepted else 0.0
        if (
            fault is Fault.NUMBER and not self._blames_too_many_numbers(leaf)
        ) or fault is Fault.CONFIGURATION:
            leaf.new_exposed -= 1.0 - due
        else:
            leaf.new_exposed += due

    def _question(self, flight: Flight, second: int) -> None:
        """Has it converted, some time from now?"""
        rate = self.rates.get(flight.key)
        if rate is not None and rate.live:
            self._questions.setdefault(second + rate.age_s, []).append(flight)

    def converted(self, message_id: int, at: float) -> None:
        flight = self.flights.find(message_id)
        if flight is None or flight.converted or not flight.accepted:
            return
        flight.converted = True
        second = int(at)
        rate = self.rate(flight.key, second)
        rate.conversion(at - flight.told)
        of_bind = flight.leaf.of_bind
        of_bind.conversion(flight.receipt is not None or not of_bind.has_receipts, second)

    def probed(self, bind: str, at: float) -> None:
        """A message of which nothing else is known goes over a bind that may be sick."""
        if bind not in self._sick_binds:
            return
        for leaf in self._leaves_of(self.binds[bind]):
            if leaf.outlier.sick and leaf.outlier.probe_at <= at:
                leaf.outlier.probed(leaf.column.sent, at)

    def call_result(self, bind: str, status: int, message_id: int, progress: bool) -> None:
        """The network's success is known at once: no silence to wait for."""
        outcome, fault = sip_outcome(status)
        if fault in (Fault.NUMBER, Fault.CONFIGURATION):
            return
        flight = self.flights.find(message_id) if message_id else None
        leaf = flight.leaf if flight else self._anonymous[bind]
        self._touch(leaf)
        leaf.new_exposed += 1.0
        if outcome is not Outcome.OK:
            return
        leaf.new_delivered += 1.0
        if leaf.outlier.sick:
            leaf.outlier.probe_succeeded(self.second)
        if flight:
            flight.hasty = not progress

    def call_ended(
        self, bind: str, message_id: int, duration_s: float, mos: float, at: float
    ) -> None:
        """Short calls, and calls that were answered before they rang, are what false answers look
        like: they are to a trunk what a lack of conversions is to a route."""
        flight = self.flights.find(message_id) if message_id else None
        leaf = flight.leaf if flight else self._anonymous[bind]
        self._touch(leaf)
        if leaf.voice is not None:
            leaf.voice.call(duration_s, mos)
        if flight is None:
            return
        rate = self.rate(flight.key, int(at))
        rate.live = True
        meant = duration_s >= SHORT_CALL_S and not flight.hasty
        self._score(leaf, rate, meant, int(at))

    def has_conversions(self, key: str) -> bool:
        rate = self.rates.get(key)
        return rate is not None and rate.live

    def bind_up(self, bind: str, away_s: int) -> None:
        """What is known of a bind does not age while it is away."""
        if away_s > 0:
            root = self.binds[bind].root
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

    # The tick

    def tick(self, second: int) -> None:
        elapsed = second - self.second
        if elapsed <= 0:
            return
        self.pool.settle(second)
        for of_bind in self.binds.values():
            of_bind.settle_law(second)
        for leaf in self._wheel.turn(second):
            self._active[leaf] = None
        self._ask(second)
        self.second = second
        self.flights.settle(second)
        roots, inner = self._fold(second)
        self._settle_binds(roots, inner, second, elapsed)
        columns = self._settle_columns(inner, second)
        drifting = {bind.root.scope.bind for bind in roots if bind.drift < 1.0}
        changed = self._drifting | drifting
        self._drifting = drifting
        for leaf in list(self._active):
            leaf.judge()
            self._settle_leaf(leaf, second, elapsed)
        self._settle_rows(roots, second)
        self._settle_trust(second)
        self._sick_binds = {leaf.scope.bind for leaf in self._active if leaf.outlier.sick}
        for leaf in list(self._active):
            self._judge_leaf(leaf)
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
            self._settle_sight(of_bind, second)

    def _settle_sight(self, of_bind: BindEvidence, second: int) -> None:
        """Are the receipts of the bind lost, and not its messages?"""
        bind = of_bind.root.scope.bind
        if not of_bind.blind and of_bind.looks_blind():
            of_bind.go_blind()
            first = of_bind.blind_lost_at or second
            self.alarms.raise_(Alarm(AlarmKind.RECEIPT_FEED, bind, "", "", second, first, 0.0))
            for leaf in self._leaves_of(of_bind):
                if leaf.outlier.sick:
                    self._recover(leaf, second)
                self._active[leaf] = None
        elif of_bind.blind and of_bind.looks_sighted():
            of_bind.blind = False
            of_bind.blindness = 0.0
            of_bind.blind_lost_at = 0
            self.alarms.clear(AlarmKind.RECEIPT_FEED, second, bind)
            for leaf in self._leaves_of(of_bind):
                leaf.exposed_fast = leaf.delivered_fast = 0.0
                self._active[leaf] = None

    def _settle_columns(self, networks: list[Evidence], second: int) -> set[str]:
        """Networks that fail over every route; the names of those that changed."""
        columns: dict[str, Column] = {}
        for network in networks:
            name = network.scope.network
            if not name or self.binds[network.scope.bind].blind:
                continue
            column = columns.get(name)
            if column is None:
                column = columns[name] = self.column(name)
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
                    for leaf in _leaves_in(one):
                        leaf.outlier.recover()
                        self._clear_leaf_alarms(leaf, second)
                changed.add(name)
            elif column.outage and column.is_well():
                column.outage = False
                column.factor = 1.0
                self.alarms.clear(AlarmKind.OPERATOR, second, network=name)
                for one in column.tested:
                    one.rehabilitate(one.outlier.healthy, REHABILITATION)
                    for leaf in _leaves_in(one):
                        leaf.rehabilitate(leaf.outlier.healthy, REHABILITATION)
                        self._active[leaf] = None
                changed.add(name)
            if column.outage:
                column.factor = min(
                    1.0, max(OUTAGE_MIN, column.delivered / max(1.0, column.exposed))
                )
                column.lost = max(column.lost, column.exposed - column.delivered)
                self.alarms.raise_(
                    Alarm(AlarmKind.OPERATOR, "", name, "", second, column.first_at, column.lost)
                )
        return changed

    def _settle_leaf(self, leaf: Leaf, second: int, elapsed: int) -> None:
        """Health and sickness of one scope."""
        outlier = leaf.outlier
        if leaf.of_bind.blind or leaf.column.outage:
            return
        p_fast = leaf.delivered_fast / leaf.exposed_fast if leaf.exposed_fast else 1.0
        if not outlier.sick:
            outlier.settle(leaf.p_slow, leaf.z, leaf.exposed_fast, second, elapsed)
            leaf.network.outlier.healthy = leaf.outlier.healthy
            if outlier.is_bad(leaf.z, leaf.exposed_fast, p_fast):
                self._fall_sick(leaf, second)
        elif outlier.judge_probes(second) or outlier.is_well(
            leaf.z, leaf.p_slow, leaf.exposed_fast, second
        ):
            self._recover(leaf, second)
            for other in self._leaves_of(leaf.of_bind):
                if other.outlier.by_association:
                    self._recover(other, second)
        else:
            self._raise_leaf_alarm(leaf)

    def _fall_sick(self, leaf: Leaf, second: int) -> None:
        """Only what came since the first evidence counts from now on, as far up as this scope is
        all there is."""
        outlier = leaf.outlier
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
        self._raise_leaf_alarm(leaf)

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
            if self.alarms.stands(kind, scope.bind, scope.network, scope.sender_type):
                break
        else:
            p_fast = leaf.delivered_fast / max(1.0, leaf.exposed_fast)
            kind = AlarmKind.GREY if p_fast < GREY_SHARE else AlarmKind.DEGRADED
            others = [
                one
                for one in self._leaves_of(leaf.of_bind)
                if one.scope.network != scope.network and one.exposed_fast >= 2.0
            ]
            if (
                scope.network
                and others
                and all(not one.outlier.sick and one.z > SUSPECT_Z for one in others)
            ):
                kind = AlarmKind.REGIONAL
        self.alarms.raise_(
            Alarm(kind, *_place(scope), outlier.since, outlier.first_at, max(0.0, outlier.lost))
        )

    def _clear_leaf_alarms(self, leaf: Leaf, second: int) -> None:
        for kind in (AlarmKind.GREY, AlarmKind.DEGRADED, AlarmKind.REGIONAL):
            self.alarms.clear(kind, second, *_place(leaf.scope))

    def _settle_rows(self, roots: list[BindEvidence], second: int) -> None:
        """A bind of which every network but one is short is sick as a whole."""
        rows: dict[str, list[Leaf]] = {}
        for leaf in self._active:
            rows.setdefault(leaf.scope.bind, []).append(leaf)
        for of_bind in roots:
            bind = of_bind.root.scope.bind
            if of_bind.row_z < RAISE_Z and not of_bind.blind:
                for leaf in self._leaves_of(of_bind):
                    if leaf.outlier.sick or leaf.column.outage:
                        continue
                    if leaf.exposed_fast >= SETTLED_EXPOSED and leaf.z > SUSPECT_Z:
                        continue
                    leaf.outlier.fall_sick(second, by_association=True)
                    self._active[leaf] = None
            leaves = rows.get(bind, [])
            sick = [leaf for leaf in leaves if leaf.outlier.sick]
            of_sick = [leaf for leaf in sick if not leaf.outlier.by_association]
            tested = [leaf for leaf in leaves if leaf.exposed_fast >= 2.0]
            if len(of_sick) >= 2 and all(leaf.outlier.sick for leaf in tested):
                self._raise_bind_alarm(bind, of_sick)
            elif not sick:
                self.alarms.clear(AlarmKind.GREY, second, bind)
                self.alarms.clear(AlarmKind.DEGRADED, second, bind)

    def _raise_bind_alarm(self, bind: str, sick: list[Leaf]) -> None:
        exposed = sum(leaf.exposed_fast for leaf in sick)
        delivered = sum(leaf.delivered_fast for leaf in sick)
        kind = AlarmKind.GREY if delivered < GREY_SHARE * exposed else AlarmKind.DEGRADED
        if self.alarms.stands(AlarmKind.GREY, bind):
            kind = AlarmKind.GREY
        elif self.alarms.stands(AlarmKind.DEGRADED, bind):
            kind = AlarmKind.DEGRADED
        since = max(leaf.outlier.since for leaf in sick)
        first = min(leaf.outlier.first_at for leaf in sick)
        lost = sum(max(0.0, leaf.outlier.lost) for leaf in sick)
        self.alarms.raise_(Alarm(kind, bind, "", "", since, first, lost))

    # Conversions

    def _ask(self, second: int) -> None:
        """Of the messages that are old enough now: have they converted?"""
        for due in [due for due in self._questions if due <= second]:
            for flight in self._questions.pop(due):
                leaf = flight.leaf
                of_bind = leaf.of_bind
                if flight.receipt is False or (
                    flight.receipt is None and of_bind.has_receipts and not of_bind.blind
                ):
                    continue
                rate = self.rate(flight.key, due)
                if due - flight.told == rate.age_s:
                    self._score(leaf, rate, flight.converted, due)

    def _score(self, leaf: Leaf, rate: ConversionRate, converted: bool, second: int) -> None:
        """One more message speaks for its route, or against it."""
        of_bind, of_network = leaf.of_bind.trust, leaf.trust
        usual = rate.expected(leaf.scope.bind)
        if rate.asked >= LEARNT_MIN:
            of_bind.score(usual, converted, second)
            of_network.score(usual, converted, second)
        if (
            max(of_bind.suspicion, of_network.suspicion) < SUSPICION_LEARNT_MAX
            and not of_bind.convicted
            and not of_network.convicted
        ):
            rate.learn(leaf.scope.bind, converted, second)
        self._active[leaf] = None

    def rate(self, key: str, second: int) -> ConversionRate:
        rate = self.rates.get(key)
        if rate is None:
            if len(self.rates) >= KEYS_MAX:
                key = ""
            rate = self.rates.setdefault(key, ConversionRate(second))
        return rate

    def _settle_trust(self, second: int) -> None:
        """Judge whose receipts are too good to be true."""
        suspects: dict[Scope, Trust] = {}
        for leaf in self._active:
            suspects[leaf.of_bind.root.scope] = leaf.of_bind.trust
            suspects[leaf.network.scope] = leaf.trust
        for scope, trust in suspects.items():
            network = scope.network
            if trust.settle(second):
                self.alarms.clear(AlarmKind.FAKE_RECEIPTS, second, scope.bind, network)
                self._forget_lies(scope)
                continue
            if trust.suspicion <= 0.0 and not trust.convicted:
                continue
            others = [
                one.trust
                for bind, one in self.binds.items()
                if bind != scope.bind and one.has_receipts
            ]
            if trust.should_convict(alone=all(one.expected < 1.0 for one in others)):
                if others and all(one.convicted or one.suspicion > SUSPECTED for one in others):
                    self._forget_trust(second)
                    return
                trust.convict(second)
            if trust.convicted and not (network and self.binds[scope.bind].trust.convicted):
                self.alarms.raise_(
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
        for one in self.binds.values():
            one.trust.acquit()
            self.alarms.clear(AlarmKind.FAKE_RECEIPTS, second, one.root.scope.bind)
        for scope, trust in self.trusts.items():
            trust.acquit()
            self.alarms.clear(AlarmKind.FAKE_RECEIPTS, second, scope.bind, scope.network)
        for rate in self.rates.values():
            rate.live = False
        self._questions.clear()
        self._refresh(set(self.binds))

    def _forget_lies(self, scope: Scope) -> None:
        """What false receipts said of a route says nothing of it now that they are true."""
        for leaf in self._leaves_of(self.binds[scope.bind]):
            if scope.network in ("", leaf.scope.network):
                leaf.restart(0.0, 0.0)
                leaf.network.restart(0.0, 0.0)
                leaf.outlier.recover()
                leaf.outlier.healthy = DELIVERED_UNKNOWN
                self._active[leaf] = None
        if not scope.network:
            root = self.binds[scope.bind].root
            for one in (root, *root.children):
                one.restart(0.0, 0.0)
                one.judge()

    # Belief

    def _judge_leaf(self, leaf: Leaf) -> None:
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
        coverage = of_bind.coverage if not of_bind.blind else 1.0
        trust = min(leaf.trust.share, of_bind.trust.share)
        on_time = leaf.share_on_time
        quality: list[float] = []
        voice = leaf.voice
        clearness = voice.clearness if voice else 1.0
        for number, one in enumerate(self.classes.all):
            believed = min(1.0, max(0.0, p - one.caution * deviation) / coverage) * trust
            if one.late_share < 1.0:
                shortest = one.deadline_s <= self._deadline_s
                in_time = on_time if shortest else of_bind.in_time[number]
                believed *= in_time + one.late_share * (1.0 - in_time)
            quality.append(believed * clearness)
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
            outlier.sick or leaf.trust.convicted or of_bind.trust.convicted,
            leaf.data_points
            + network.data_points
            + country.data_points
            + of_bind.root.data_points
            + of_bind.data_points,
            _level(leaf, network, country),
            voice.minutes if voice else 1.0,
        )

    def _refresh(self, changed: set[str]) -> None:
        """Scopes without news of their own, where what others say of them has changed; and, a few
        at a time, those that only grow old."""
        for name in changed:
            of_bind = self.binds.get(name)
            stale = (
                self._leaves_of(of_bind)
                if of_bind
                else [leaf for leaf in self.leaves.values() if leaf.scope.network == name]
            )
            for leaf in stale:
                self._age(leaf)
        if not self._sweep:
            self._sweep = list(self.leaves.values())
        for _ in range(min(SWEEP, len(self._sweep))):
            leaf = self._sweep.pop()
            if leaf not in self._active:
                self._age(leaf)
                if leaf.news_at < self.second - FORGET_S and leaf.scope.network:
                    self._drop(leaf)

    def _drop(self, leaf: Leaf) -> None:
        """Nothing was heard of it for a day."""
        del self.leaves[leaf.scope]
        leaf.network.children.remove(leaf)
        self._on_drop()

    def _age(self, leaf: Leaf) -> None:
        frozen = leaf.of_bind.blind
        leaf.fold(self.second, frozen)
        leaf.judge()
        self._judge_leaf(leaf)

    def _leaves_of(self, of_bind: BindEvidence) -> list[Leaf]:
        return [
            leaf
            for country in of_bind.root.children
            for network in country.children
            for leaf in _leaves_in(network)
        ]


def _leaves_in(network: Evidence) -> list[Leaf]:
    return [leaf for leaf in network.children if isinstance(leaf, Leaf)]


def _place(scope: Scope) -> tuple[str, str, str]:
    return scope.bind, scope.network, scope.sender_type


def _level(leaf: Evidence, network: Evidence, country: Evidence) -> Level:
    """The finest scope that rests on more than belief handed down."""
    for one in (leaf, network, country):
        if one.exposed_slow >= SETTLED_EXPOSED:
            return one.level
    return Level.BIND


def _level_of(one: Evidence) -> Level:
    return one.level
