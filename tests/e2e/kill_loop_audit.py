"""What was promised, held against all that was seen: by customers, by carriers, and in the store.

Times are compared where one thing is the cause of another, and so cannot come before it whatever
the load of the machine: who has heard that a message was sent knows that it was on record.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise

from carriers_sim.recorder import Received
from tests.e2e.kill_loop_ledger import FINAL, Ledger

EXAMPLES = 5
# What a carrier reads so long after a kill was written before it.
BUFFERED_S = 0.5
# What says "later": no space, busy, draining. Nothing else was wrong with what the customers asked.
RETRYABLE = frozenset(
    {"HTTP 503 20503", "HTTP 429 20429", "ESME_RSYSERR", "ESME_RTHROTTLED", "ESME_RMSGQFUL"}
)
ON_RECORD = FINAL | {"sent"}


class Promise(StrEnum):
    """What must hold however often the gateway is killed."""

    KEPT = "an accepted message is kept"
    ENDED = "an accepted message reaches a final status"
    ARRIVED = "what is delivered has arrived"
    ASKED = "what arrives was asked for"
    REFUSED = "what was refused is not made"
    DOUBTFUL = "what arrives twice was not on record as sent"
    IN_FLIGHT = "what arrives twice was in flight at a kill"
    WINDOW = "no more arrives twice at one kill than was in flight"
    KEY = "requests with one key make one message"
    TOLD = "the final status is told to the customer"
    ONE_END = "there is one final status"
    ORDER = "messages to one recipient arrive in order"
    FORGOTTEN = "what is deleted stays away, and what is erased stays empty"
    HANDSETS = "a message from a handset is told to its customer"
    SIGNED = "callbacks are signed"
    ANSWERED = "customers get answers that they can act on"


@dataclass(frozen=True)
class Stored:
    """A message as the REST API lists it at the end."""

    sid: str
    status: str
    body: str
    recipient: str


@dataclass(frozen=True)
class Evidence:
    """All that was seen. `window` is what may be in flight at one kill: the windows of all binds,
    and the answers of one commit. `forgets` says that the gateway drops old messages, so that what
    is not stored any more is believed as told. `kills` are the times of the kills, rising;
    `in_flight_s` is how long before one a message may have arrived that comes again: the longest
    wait for an answer, and a commit on a busy machine.
    """

    ledger: Ledger
    arrived: Sequence[Received]
    stored: Mapping[str, Stored]
    kills: Sequence[float]
    window: int
    in_flight_s: float
    unsigned: int = 0
    forgets: bool = False


@dataclass(slots=True)
class Verdict:
    """How often each promise was broken, with a few examples of each; and what was counted."""

    broken: Counter[Promise] = field(default_factory=Counter)
    examples: dict[Promise, list[str]] = field(default_factory=dict)
    figures: dict[str, int] = field(default_factory=dict)

    def breach(self, promise: Promise, example: str) -> None:
        self.broken[promise] += 1
        examples = self.examples.setdefault(promise, [])
        if len(examples) < EXAMPLES:
            examples.append(example)

    def __str__(self) -> str:
        counted = ", ".join(f"{name} {count:,}" for name, count in self.figures.items())
        breaches = "; ".join(
            f"BROKEN {count} times: {promise} ({', '.join(self.examples[promise])})"
            for promise, count in self.broken.items()
        )
        return f"{counted}. {breaches or 'All promises kept'}."


def audit(evidence: Evidence) -> Verdict:
    verdict = Verdict()
    arrivals: dict[str, list[Received]] = defaultdict(list)
    for message in evidence.arrived:
        arrivals[message.text].append(message)
    _stored(evidence, verdict)
    _told(evidence, verdict)
    _arrived(evidence, arrivals, verdict)
    _twice(evidence, arrivals, verdict)
    _order(arrivals, verdict)
    for breach in evidence.ledger.key_breaches:
        verdict.breach(Promise.KEY, breach)
    for refusal, count in evidence.ledger.refusals.items():
        if refusal not in RETRYABLE:
            verdict.breach(Promise.ANSWERED, f"{refusal} {count} times")
    if evidence.ledger.gone and not evidence.forgets:
        verdict.breach(Promise.ANSWERED, f"{evidence.ledger.gone} were gone that nobody dropped")
    if evidence.unsigned:
        verdict.breach(Promise.SIGNED, f"{evidence.unsigned} were not")
    _count(evidence, arrivals, verdict)
    return verdict


def _stored(evidence: Evidence, verdict: Verdict) -> None:
    """What is in the store at the end, and what is not."""
    ledger = evidence.ledger
    for sid, ask in ledger.accepted.items():
        if sid in evidence.stored or sid in ledger.maybe_deleted:
            continue
        if not (evidence.forgets and ledger.final_of(sid)):
            verdict.breach(Promise.KEPT, f"{sid} {ask.text}")
    of_key: dict[str, str] = {}
    for sid, stored in evidence.stored.items():
        if sid in ledger.deleted:
            verdict.breach(Promise.FORGOTTEN, f"{sid} was deleted and is {stored.status}")
        if stored.status not in FINAL:
            verdict.breach(Promise.ENDED, f"{sid} is {stored.status}")
        if not stored.body:
            continue
        if sid in ledger.erased:
            verdict.breach(Promise.FORGOTTEN, f"{sid} was erased and says {stored.body}")
        asked = ledger.asks.get(stored.body)
        if asked is None:
            verdict.breach(Promise.ASKED, f"{sid} {stored.body} is stored")
        elif asked.cannot_be:
            verdict.breach(Promise.REFUSED, f"{sid} {stored.body}")
        elif asked.key and of_key.setdefault(asked.key, sid) != sid:
            verdict.breach(Promise.KEY, f"{stored.body}: {of_key[asked.key]} and {sid}")
        elif asked.sid not in ("", sid):
            verdict.breach(Promise.KEY, f"{stored.body}: {asked.sid} and {sid}")


def _told(evidence: Evidence, verdict: Verdict) -> None:
    ledger = evidence.ledger
    for sid, ask in ledger.accepted.items():
        final = ledger.final_of(sid)
        if not final:
            verdict.breach(Promise.TOLD, f"{sid} {ask.text}")
        stored = evidence.stored.get(sid)
        ends = final | ({stored.status} & FINAL if stored else set())
        if len(ends) > 1:
            verdict.breach(Promise.ONE_END, f"{sid} {ask.text}: {sorted(ends)}")
    for text, heard in ledger.from_handsets.items():
        if not heard:
            verdict.breach(Promise.HANDSETS, text)


def _arrived(evidence: Evidence, arrivals: Mapping[str, list[Received]], verdict: Verdict) -> None:
    ledger = evidence.ledger
    for text in arrivals:
        ask = ledger.asks.get(text)
        if ask is None:
            verdict.breach(Promise.ASKED, f"{text} has arrived")
        elif ask.cannot_be:
            verdict.breach(Promise.REFUSED, text)
    for sid, ask in ledger.accepted.items():
        if "delivered" in ledger.final_of(sid) and ask.text not in arrivals:
            verdict.breach(Promise.ARRIVED, f"{sid} {ask.text}")


def _twice(evidence: Evidence, arrivals: Mapping[str, list[Received]], verdict: Verdict) -> None:
    """What arrived twice must have been in doubt at a kill in between."""
    at_kill: Counter[int] = Counter()
    for text, messages in arrivals.items():
        ask = evidence.ledger.asks.get(text)
        told = evidence.ledger.told.get(ask.sid, {}) if ask else {}
        known = [at for status, at in told.items() if status in ON_RECORD]
        for first, again in pairwise(messages):
            if known and min(known) < again.at:
                late_s = again.at - min(known)
                verdict.breach(Promise.DOUBTFUL, f"{text} {late_s:.3f} s after {sorted(told)}")
            begin = bisect_left(evidence.kills, first.at - BUFFERED_S)
            until = min(again.at, first.at + evidence.in_flight_s)
            if begin < len(evidence.kills) and evidence.kills[begin] <= until:
                at_kill[begin] += 1
            else:
                verdict.breach(Promise.IN_FLIGHT, f"{text} at {first.at:.3f} and {again.at:.3f}")
    for kill, count in at_kill.items():
        if count > evidence.window:
            verdict.breach(Promise.WINDOW, f"{count} at kill {kill}")


def _order(arrivals: Mapping[str, list[Received]], verdict: Verdict) -> None:
    """First arrivals, for what is in doubt may overtake: by whichever carrier they came."""
    last: dict[tuple[str, str], int] = {}
    firsts = sorted((messages[0] for messages in arrivals.values()), key=lambda each: each.at)
    for message in firsts:
        number = int(message.text.rpartition("#")[2])
        pair = (message.sender, message.recipient)
        if number < last.get(pair, 0):
            verdict.breach(Promise.ORDER, f"{message.text} after #{last[pair]}")
        last[pair] = max(number, last.get(pair, 0))


def _count(evidence: Evidence, arrivals: Mapping[str, list[Received]], verdict: Verdict) -> None:
    ledger = evidence.ledger
    final = sum(bool(ledger.final_of(sid)) for sid in ledger.accepted)
    verdict.figures = {
        "kills": len(evidence.kills),
        "accepted": len(ledger.accepted),
        "final": final,
        "open": len(ledger.accepted) - final,
        "delivered": sum("delivered" in ledger.final_of(sid) for sid in ledger.accepted),
        "lost": verdict.broken[Promise.KEPT],
        "unanswered": sum(bool(ask.unanswered) for ask in ledger.asks.values()),
        "refused": sum(bool(ask.refused) for ask in ledger.asks.values()),
        "asked again with their key": sum(
            ask.repeated + ask.unanswered for ask in ledger.asks.values() if ask.key
        ),
        "arrived": len(arrivals),
        "arrived twice": sum(len(messages) - 1 for messages in arrivals.values()),
        "told": ledger.tellings,
        "erased": len(ledger.erased),
        "deleted": len(ledger.deleted),
        "from handsets": len(ledger.from_handsets),
    }
