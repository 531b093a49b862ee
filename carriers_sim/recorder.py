"""What arrived at the carriers: messages made whole again, and what is counted about them.

One recorder serves all carriers of a simulator, for a message that two carriers got is a
duplicate as well. With `keep=0` only counters remain, which is cheap enough for a load test.
Every collection is bounded; when one is full, the oldest entry makes room.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Hashable
from dataclasses import dataclass, field

import msgspec

from carriers_sim.delay import Count, Seconds
from carriers_sim.rate_window import WINDOW_S, RateWindow
from carriers_sim.remember import remember
from carriers_sim.user_data import UserData, decode
from carriers_sim.violations import Invariant, Violations
from gateway.smpp.constants import DataCoding, status_name

KEEP = 10_000
INCOMPLETE_MAX = 10_000
REMEMBERED_MAX = 1_000_000
PAIRS_MAX = 100_000
SENDERS_MAX = 10_000
LOST_MAX = 100_000
# A reference is free for another message after this long (GSM-14): handsets wait no longer.
REFERENCE_S = 60.0

# A handset puts parts together whichever message centre they came through.
MultipartKey = tuple[str, str, int, int, int]


class Submitted(msgspec.Struct, frozen=True, gc=False):
    """One submit_sm that a carrier accepted."""

    carrier: str
    sender: str
    recipient: str
    data: UserData
    message_id: str
    at: float


class Received(msgspec.Struct, frozen=True):
    """One whole message. `at` is when its last part came, in Unix seconds."""

    carrier: str
    sender: str
    recipient: str
    text: str
    data_coding: int
    segments: int
    message_ids: tuple[str, ...]
    at: float


class Expectations(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the customer has promised; breaking it is a violation.

    `mps` gives the segments a second of a sender, counted over all carriers in any window of one
    second, and `mps_tolerance` what jitter on the way may cause: the share above, and the share of
    the time between two segments by which one is early. `order` finds the number by which messages
    of one pair of numbers must rise. Its response timer is `response_s` at least: no sooner is an
    answer overdue. In any minute a carrier forgives so many binds that it refused, left without an
    answer or soon cut, and so many with wrong credentials.
    """

    mps: dict[str, float] = {}
    mps_tolerance: float = 0.1
    window: int = 0
    order: str = r"#(\d+)"
    response_s: Seconds = 2.0
    vain_binds_max: Count = 60
    wrong_credentials_max: Count = 10

    def __post_init__(self) -> None:
        try:
            groups = re.compile(self.order).groups
        except re.error as error:
            raise ValueError(f"order {self.order!r} is no regular expression: {error}") from None
        if self.order and groups != 1:
            raise ValueError(f"order {self.order!r} needs exactly one group, around the number")


@dataclass(slots=True)
class Counts:
    """What one carrier counts; `segments_per_s_max` is over accepted ones."""

    binds: int = 0
    submits: int = 0
    accepted: int = 0
    segments: int = 0
    messages: int = 0
    duplicates: int = 0
    resent_after_lost_response: int = 0
    order_breaks: int = 0
    unanswered: int = 0
    dropped: int = 0
    in_flight_max: int = 0
    receipts_sent: int = 0
    receipts_accepted: int = 0
    deliveries_given_up: int = 0
    mo_sent: int = 0
    mo_accepted: int = 0
    alerts: int = 0
    queried: int = 0
    canceled: int = 0
    replaced: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    rate: RateWindow = field(default_factory=RateWindow)

    def as_json(self) -> dict[str, object]:
        counts: dict[str, object] = {
            name: getattr(self, name) for name in self.__slots__ if name not in ("refused", "rate")
        }
        return counts | {"segments_per_s_max": self.rate.peak, "refused": dict(self.refused)}


class Recorder:
    """Told by the carriers; asked by tests and by the control interface."""

    def __init__(
        self,
        violations: Violations,
        expectations: Expectations,
        keep: int = KEEP,
    ) -> None:
        self._violations = violations
        self.expectations = expectations
        self._keep = keep
        self._order = re.compile(expectations.order) if expectations.order else None
        self.clear()

    def clear(self) -> None:
        self._messages: deque[Received] = deque(maxlen=self._keep)
        self._counts: dict[str, Counts] = {}
        self._parts: dict[MultipartKey, dict[int, Submitted]] = {}
        self._seen: dict[int, None] = {}
        self._lost: dict[int, float] = {}
        self._last_number: dict[tuple[str, str, str], int] = {}
        self._sender_rates: dict[str, RateWindow] = {}

    # Asked

    @property
    def messages(self) -> list[Received]:
        """The last `keep` whole messages, in order of arrival."""
        return list(self._messages)

    def messages_of(self, carrier: str) -> list[Received]:
        return [message for message in self._messages if message.carrier == carrier]

    def texts(self, sender: str, recipient: str) -> list[str]:
        """What one recipient got from one sender, in order of arrival."""
        return [
            message.text
            for message in self._messages
            if message.sender == sender and message.recipient == recipient
        ]

    def counts(self, carrier: str) -> Counts:
        counts = self._counts.get(carrier)
        if counts is None:
            counts = self._counts[carrier] = Counts()
        return counts

    def sender_rate_max(self, sender: str) -> int:
        """The most segments that a sender got accepted in any one second, over all carriers."""
        window = self._sender_rates.get(sender)
        return window.peak if window else 0

    @property
    def incomplete(self) -> int:
        """Messages of several parts that still miss one."""
        return len(self._parts)

    # Told

    def refused(self, carrier: str, command_status: int) -> None:
        self.counts(carrier).refused[status_name(command_status)] += 1

    def submitted(self, carrier: str, requests: int, now: float) -> None:
        """A submit_sm came, whatever becomes of it; `requests` of its bind await an answer."""
        counts = self.counts(carrier)
        counts.submits += 1
        if requests > counts.in_flight_max:
            counts.in_flight_max = requests
            window = self.expectations.window
            if window and requests > window:
                self._violations.add(Invariant.WINDOW, carrier, f"{requests} in flight", now)

    def response_lost(self, submitted: Submitted, is_cut: bool) -> None:
        """The customer never hears of this acceptance, and so may rightly send it again: at once
        where the connection was cut, else when the answer is overdue."""
        may_come_at = 0.0 if is_cut else submitted.at + self.expectations.response_s
        remember(self._lost, _content(submitted), may_come_at, LOST_MAX)

    def accepted(self, submitted: Submitted) -> None:
        carrier, data = submitted.carrier, submitted.data
        counts = self.counts(carrier)
        counts.accepted += 1
        counts.segments += data.segments
        counts.rate.add(data.segments, submitted.at)
        self._count_sender(submitted)
        if data.concatenation is None:
            self._whole((submitted,))
        elif self._keep:
            self._add_part(submitted)
        else:
            self._count_part(submitted)

    def _count_sender(self, submitted: Submitted) -> None:
        sender = submitted.sender
        window = self._sender_rates.get(sender)
        limit = self.expectations.mps.get(sender, 0.0)
        tolerance = self.expectations.mps_tolerance
        if window is None:
            # At few a second the share is no whole segment, but each may still be early.
            window = RateWindow(WINDOW_S - tolerance / limit if limit > tolerance else WINDOW_S)
            remember(self._sender_rates, sender, window, SENDERS_MAX)
        risen = window.add(submitted.data.segments, submitted.at)
        if risen and limit and window.peak > limit * (1 + tolerance):
            detail = f"{window.peak} segments in a second, {limit:g} agreed"
            self._violations.add(Invariant.SENDER_RATE, submitted.carrier, detail, submitted.at)

    def _add_part(self, submitted: Submitted) -> None:
        part = submitted.data.concatenation
        assert part is not None
        key = (
            submitted.sender,
            submitted.recipient,
            part.ref,
            part.ref_bits,
            part.total,
        )
        parts = self._parts.get(key)
        if parts is None:
            parts = {}
            if len(self._parts) >= INCOMPLETE_MAX:
                self._forget_incomplete(submitted.at)
            self._parts[key] = parts
        there = parts.get(part.number)
        if there is not None:
            if there.data.octets == submitted.data.octets:
                self._duplicate((submitted,))
                return
            if submitted.at - there.at < REFERENCE_S:
                detail = f"reference {part.ref} of {part.ref_bits} bits"
                self._violations.add(
                    Invariant.REFERENCE_REUSED, submitted.carrier, detail, submitted.at
                )
            parts.clear()
        parts[part.number] = submitted
        if len(parts) == part.total:
            del self._parts[key]
            self._whole(tuple(parts[number] for number in sorted(parts)))

    def _forget_incomplete(self, now: float) -> None:
        key = next(iter(self._parts))
        parts = self._parts.pop(key)
        carrier = next(iter(parts.values())).carrier
        detail = f"{len(parts)} of {key[-1]} parts came"
        self._violations.add(Invariant.INCOMPLETE, carrier, detail, now)

    def _count_part(self, submitted: Submitted) -> None:
        part = submitted.data.concatenation
        assert part is not None
        self._counts[submitted.carrier].messages += part.number == part.total
        self._check_duplicate((submitted,), (part, submitted.data.octets))

    def _whole(self, parts: tuple[Submitted, ...]) -> None:
        first = parts[0]
        counts = self._counts[first.carrier]
        counts.messages += 1
        coding = first.data.data_coding
        octets = first.data.octets
        if len(parts) > 1:
            octets = b"".join(part.data.octets for part in parts)
            if any(part.data.data_coding != coding for part in parts):
                at = max(part.at for part in parts)
                self._violations.add(Invariant.MIXED_PARTS, first.carrier, "", at)
        if coding == DataCoding.UCS2 and not _is_utf_16(octets):
            self._violations.add(Invariant.LONE_SURROGATE, first.carrier, "", first.at)
        is_new = self._check_duplicate(parts, octets)
        if not self._keep:
            return
        text = decode(octets, coding, first.data.locking, first.data.single)
        at = max(part.at for part in parts)
        self._messages.append(
            Received(
                carrier=first.carrier,
                sender=first.sender,
                recipient=first.recipient,
                text=text,
                data_coding=coding,
                segments=sum(part.data.segments for part in parts),
                message_ids=tuple(part.message_id for part in parts),
                at=at,
            )
        )
        if is_new:
            self._check_order(first, text, at)

    def _check_duplicate(self, parts: tuple[Submitted, ...], content: Hashable) -> bool:
        """Whether the message is new, by what it says and not by its reference or id."""
        key = hash((parts[0].sender, parts[0].recipient, content))
        if key in self._seen:
            self._duplicate(parts)
            return False
        remember(self._seen, key, None, REMEMBERED_MAX)
        return True

    def _duplicate(self, parts: tuple[Submitted, ...]) -> None:
        first = parts[0]
        counts = self._counts[first.carrier]
        if self._lost:
            contents = (_content(part) for part in parts)
            may_come_at = [self._lost[content] for content in contents if content in self._lost]
            if may_come_at and min(may_come_at) <= parts[-1].at:
                counts.resent_after_lost_response += 1
                return
            if may_come_at:
                detail = f"{min(may_come_at) - parts[-1].at:.2f} s too soon"
                self._violations.add(Invariant.RESENT_TOO_SOON, first.carrier, detail, first.at)
                return
        counts.duplicates += 1
        detail = f"message_id {first.message_id}"
        self._violations.add(Invariant.DUPLICATE, first.carrier, detail, first.at)

    def _check_order(self, first: Submitted, text: str, at: float) -> None:
        match = self._order.search(text) if self._order else None
        if match is None:
            return
        try:
            number = int(match[1])
        except ValueError:
            return
        pair = (first.carrier, first.sender, first.recipient)
        last = self._last_number.get(pair)
        if last is not None and number < last:
            self._counts[first.carrier].order_breaks += 1
            detail = f"number {number} came after {last}"
            self._violations.add(Invariant.ORDER, first.carrier, detail, at)
        else:
            remember(self._last_number, pair, number, PAIRS_MAX)


def _is_utf_16(octets: bytes) -> bool:
    try:
        octets.decode("utf-16-be")
    except UnicodeDecodeError:
        return len(octets) % 2 == 1  # Which is told on its own.
    return True


def _content(submitted: Submitted) -> int:
    """What is the same when one submit_sm is sent again, even with another reference."""
    part = submitted.data.concatenation
    number = (part.number, part.total) if part else None
    return hash((submitted.sender, submitted.recipient, number, submitted.data.octets))
