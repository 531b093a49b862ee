"""The calls that came to the carriers and those that they made, and what is counted about them.

Every collection is bounded; when one is full, the oldest entry makes room. With `keep=0` only
counters remain.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

from carriers_sim.rate_window import RateWindow
from gateway.sip.headers import Field
from gateway.sip.message import SipRequest
from gateway.sip.tel_uri import TelUri
from gateway.sip.uri import SipUri, Uri

EVENTS_MAX = 100


@dataclass(slots=True)
class RecordedCall:
    """One call as the carrier saw it; it changes until `ended_at` is set. Times are Unix seconds.

    `status` is the final one of the INVITE, 0 while there is none. `ended` says how it ended, in
    the words of `gateway.sip.leg_events.EndCause`. `asked` are the methods that the customer has
    sent within the dialog, `packets_*` those of RTP, `digits` the keys that were heard as events
    there, and `heard` the last second of G.711, of the payload type `heard_type`.
    """

    carrier: str
    is_incoming: bool
    call_id: str
    caller: str
    called: str
    at: float
    headers: tuple[Field, ...] = ()
    offer: bytes = b""
    reason: str = ""
    provisionals: list[int] = field(default_factory=list)
    status: int = 0
    rang_at: float | None = None
    answered_at: float | None = None
    ended_at: float | None = None
    ended: str = ""
    asked: list[str] = field(default_factory=list)
    packets_received: int = 0
    packets_sent: int = 0
    tone_heard: int = 0
    digits: str = ""
    heard_type: int = 0
    heard: bytearray = field(default_factory=bytearray)

    @property
    def is_over(self) -> bool:
        return self.ended_at is not None

    def header(self, name: str) -> str | None:
        """The first of the INVITE's headers of this name."""
        same = name.lower()
        return next((value for key, value in self.headers if key.lower() == same), None)

    def note(self, method: str) -> None:
        if len(self.asked) < EVENTS_MAX:
            self.asked.append(method)

    def as_json(self) -> dict[str, object]:
        shown = {
            name: getattr(self, name) for name in self.__slots__ if name not in ("headers", "heard")
        }
        return shown | {
            "offer": self.offer.decode(errors="replace"),
            "headers": [list(pair) for pair in self.headers],
        }


@dataclass(slots=True)
class CallCounts:
    """What one carrier counts."""

    calls: int = 0
    called: int = 0
    answered: int = 0
    silent: int = 0
    under_way: int = 0
    under_way_max: int = 0
    registered: int = 0
    options: int = 0
    datagrams_lost: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    rate: RateWindow = field(default_factory=RateWindow)

    def as_json(self) -> dict[str, object]:
        counts: dict[str, object] = {
            name: getattr(self, name)
            for name in self.__slots__
            if name not in ("statuses", "ends", "rate")
        }
        statuses = {str(status): count for status, count in sorted(self.statuses.items())}
        return counts | {
            "calls_per_s_max": self.rate.peak,
            "statuses": statuses,
            "ends": dict(self.ends),
        }


class CallRecorder:
    """One for all carriers of a simulator."""

    def __init__(self, keep: int) -> None:
        self._calls: deque[RecordedCall] = deque(maxlen=keep)
        self._counts: dict[str, CallCounts] = {}

    def clear(self) -> None:
        """Calls that are under way stay counted as such."""
        under_way = {name: counts.under_way for name, counts in self._counts.items()}
        self._calls.clear()
        self._counts = {name: CallCounts(under_way=count) for name, count in under_way.items()}

    @property
    def calls(self) -> list[RecordedCall]:
        """The last `keep`, in the order in which they began."""
        return list(self._calls)

    def calls_of(self, carrier: str) -> list[RecordedCall]:
        return [call for call in self._calls if call.carrier == carrier]

    def counts(self, carrier: str) -> CallCounts:
        counts = self._counts.get(carrier)
        if counts is None:
            counts = self._counts[carrier] = CallCounts()
        return counts

    # Told

    def came(self, carrier: str, request: SipRequest, now: float) -> RecordedCall:
        """A call of the customer's."""
        counts = self.counts(carrier)
        counts.calls += 1
        counts.rate.add(1, now)
        call = RecordedCall(
            carrier,
            True,
            request.call_id,
            user_of(request.from_.uri),
            user_of(request.request_uri),
            now,
            tuple(request.headers),
            request.body,
        )
        self._begin(call, counts)
        return call

    def made(
        self, carrier: str, call_id: str, caller: str, called: str, now: float
    ) -> RecordedCall:
        """A call of ours."""
        counts = self.counts(carrier)
        counts.called += 1
        call = RecordedCall(carrier, False, call_id, caller, called, now)
        self._begin(call, counts)
        return call

    def ended(self, call: RecordedCall, status: int, how: str, now: float) -> None:
        """Of each call that began, once."""
        call.ended_at = now
        call.ended = how
        call.status = call.status or status
        counts = self.counts(call.carrier)
        counts.under_way -= 1
        counts.ends[how] += 1
        counts.statuses[call.status] += 1
        counts.answered += call.answered_at is not None

    def _begin(self, call: RecordedCall, counts: CallCounts) -> None:
        self._calls.append(call)
        counts.under_way += 1
        counts.under_way_max = max(counts.under_way_max, counts.under_way)


def user_of(uri: Uri) -> str:
    """The number, or the name, that a URI is for."""
    if isinstance(uri, TelUri):
        return uri.number
    if isinstance(uri, SipUri):
        return uri.username or ""
    return str(uri)
