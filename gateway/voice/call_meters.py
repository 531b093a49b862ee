"""What is counted of calls, for metrics. One call counts when its record is durable."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.call import CallDirection, CallEvent, CallRecord
from gateway.voice.call_callbacks import CallCallbacks
from gateway.voice.call_records import CallRecords
from gateway.voice.media_session import MediaReadings

# There are as many trunks as the configuration has; should names ever come from outside, the rest
# is counted under this one.
TRUNKS_MAX = 1_000
OTHER = "other"


@dataclass(slots=True)
class Sum:
    """Of so many readings."""

    count: int = 0
    total: float = 0.0

    def add(self, value: float) -> None:
        self.count += 1
        self.total += value


@dataclass(frozen=True, slots=True)
class CallReadings:
    """`ended` counts calls by status and the trunk that was tried last, `attempts` those of each
    trunk by the class of their SIP status (`2xx`). `pdd` is the time from INVITE to ringing, of
    each trunk, and `talk` that from the answer to the end; `mos` is by side. `one_way` counts calls
    at whose end one side was not heard, by the trunk of that side and the side; "" is the trunk of
    a customer that calls."""

    ended: Mapping[tuple[str, str], int] = field(default_factory=dict)
    attempts: Mapping[tuple[str, str], int] = field(default_factory=dict)
    pdd: Mapping[str, Sum] = field(default_factory=dict)
    talk: Mapping[str, Sum] = field(default_factory=dict)
    mos: Mapping[str, Sum] = field(default_factory=dict)
    one_way: Mapping[tuple[str, str], int] = field(default_factory=dict)
    counters: Mapping[str, int] = field(default_factory=dict)
    gauges: Mapping[str, float] = field(default_factory=dict)


class CallMeters:
    """Subscribe `on_event` to the records."""

    def __init__(self) -> None:
        self.begun = 0
        self._ended: Counter[tuple[str, str]] = Counter()
        self._attempts: Counter[tuple[str, str]] = Counter()
        self._pdd: defaultdict[str, Sum] = defaultdict(Sum)
        self._talk: defaultdict[str, Sum] = defaultdict(Sum)
        self._mos: defaultdict[str, Sum] = defaultdict(Sum)
        self._one_way: Counter[tuple[str, str]] = Counter()
        self._trunks: set[str] = set()

    def on_event(self, event: CallEvent) -> None:
        if event.number == 1:
            self.begun += 1
        if event.record is not None:
            self._count(event.record)

    def readings(
        self, records: CallRecords, callbacks: CallCallbacks, media: MediaReadings
    ) -> CallReadings:
        return CallReadings(
            self._ended,
            self._attempts,
            self._pdd,
            self._talk,
            self._mos,
            self._one_way,
            counters={
                "calls_begun": self.begun,
                "calls_cut_off": records.recovered,
                "call_records_lost": records.lost,
                "call_callbacks_delivered": callbacks.delivered,
                "call_callbacks_failed_attempts": callbacks.failed_attempts,
                "call_callbacks_given_up": callbacks.given_up,
                "media_worker_restarts": media.restarts,
                "media_packets": media.packets,
                "media_octets": media.octets,
                "media_stray_packets": media.strays,
                "media_unsent_packets": media.unsent,
                "media_one_way": media.one_way,
            },
            gauges={
                "calls_standing": records.standing,
                "media_workers": media.workers,
                "media_workers_down": media.workers_wanted - media.workers,
                "media_calls": media.calls,
                "media_calls_free": media.calls_free,
                "call_callbacks_pending": callbacks.pending,
                "call_callbacks_in_flight": callbacks.in_flight,
                "call_facts_uncommitted": records.uncommitted,
            },
        )

    def _count(self, record: CallRecord) -> None:
        for attempt in record.attempts:
            trunk = self._trunk(attempt.trunk)
            self._attempts[trunk, f"{attempt.status // 100}xx"] += 1
            if attempt.rang_at:
                self._pdd[trunk].add(attempt.rang_at - attempt.began_at)
        last = self._trunk(record.attempts[-1].trunk) if record.attempts else ""
        self._ended[record.status.value, last] += 1
        if record.answered_at:
            self._talk[last].add(record.duration_s)
        if record.silent:
            self._one_way[self._silent_trunk(record, last), record.silent] += 1
        for side, quality in (
            ("caller", record.caller_quality),
            ("called", record.called_quality),
        ):
            if quality.mos:
                self._mos[side].add(quality.mos)

    def _silent_trunk(self, record: CallRecord, last: str) -> str:
        if record.silent == "called":
            return last
        inbound = record.call.direction is CallDirection.INBOUND
        return self._trunk(record.call.source) if inbound else ""

    def _trunk(self, name: str) -> str:
        if name not in self._trunks:
            if len(self._trunks) >= TRUNKS_MAX:
                return OTHER
            self._trunks.add(name)
        return name
