"""A message that is under way: what the gateway keeps of it until its final status."""

from __future__ import annotations

from collections.abc import Collection

from gateway.message import FINAL, Message, Status
from gateway.store.interface import (
    WHOLE,
    Attempt,
    AttemptOutcome,
    SentPart,
    StoredMessage,
    Transition,
)

# The last word on a part by which nobody can say whether a carrier has it, and by which its
# account's policy is still to decide what becomes of it.
UNDECIDED = frozenset({AttemptOutcome.WRITTEN, AttemptOutcome.LOST, AttemptOutcome.HELD})
# Words after which a carrier may have a part, though another says later that it has refused it.
DOUBTS = frozenset(AttemptOutcome) - {AttemptOutcome.WRITTEN, AttemptOutcome.REFUSED}
# The last word on a part while its answer can still come.
ANSWERABLE = frozenset({AttemptOutcome.WRITTEN, AttemptOutcome.UNANSWERED})


class OpenMessage:
    """The one mutable thing about a message, owned by the journal.

    `number` is that of its last transition, `durable` of the last that is on stable storage.
    `position` orders it within its queue. `total` is the number of PDUs that carry it: of its
    segments, or one where a carrier gets it WHOLE. `unsent` are
    the parts still to be written to a carrier, the next one last; `in_flight` counts those
    written and not answered, `in_doubt` those whose answer did not come in time, and `sent` those
    that a carrier has taken, the first of them at `taken_at`. The parts of a message go over one
    bind, `pinned`, while it is up.
    `awaited` are parts that have been sent and have no receipt yet; `settled_parts` have theirs,
    and `undelivered` is the error of the first that failed; `silent_parts` get none, and where it
    is `unawaited`, for want of room, none of its parts does.
    `lost` counts the binds that went down while a part was under way there. `doubted`: of some
    part nobody could ever say whether a carrier had it.
    `noted` is the bind for which a durable attempt says that the next part, `noted_part`, was
    written to it, which it was not yet.
    `doubtful` are the parts that an earlier run may have sent, each with its bind and the last
    word on it, until the dispatcher has decided on them by the account's policy; they are none of
    the `unsent`, and `in_doubt` does not count them.
    `excluded` are the binds that refused it for now, in this round of `rounds`.
    """

    __slots__ = (
        "attempts",
        "awaited",
        "doubted",
        "doubtful",
        "durable",
        "error_code",
        "excluded",
        "in_doubt",
        "in_flight",
        "lost",
        "lost_again",
        "message",
        "noted",
        "noted_part",
        "number",
        "parts",
        "pinned",
        "position",
        "rounds",
        "segments",
        "sent",
        "settled_parts",
        "silent_parts",
        "status",
        "taken_at",
        "total",
        "unawaited",
        "undelivered",
        "unsent",
    )

    def __init__(self, message: Message) -> None:
        self.message = message
        self.status = message.initial_status
        self.number = 0
        self.durable = 0
        self.position = 0
        segments = self.segments = self.total = message.segments
        self.unsent = [1] if segments == 1 else list(range(segments, 0, -1))
        self.in_flight = 0
        self.in_doubt = 0
        self.lost = 0
        self.lost_again = False
        self.doubted = False
        self.sent = 0
        self.taken_at = 0.0
        self.awaited: tuple[SentPart, ...] = ()
        self.settled_parts = 0
        self.silent_parts = 0
        self.unawaited = False
        self.undelivered = 0
        self.pinned = ""
        self.excluded: tuple[str, ...] = ()
        self.attempts = 0
        self.rounds = 0
        self.error_code = 0
        self.parts: tuple[bytes, ...] = ()
        self.noted = ""
        self.noted_part = 0
        self.doubtful: dict[int, tuple[str, AttemptOutcome]] = {}

    @property
    def waiting(self) -> bool:
        """Whether its queue is still to send of it."""
        return bool(self.unsent) and self.status not in FINAL

    @property
    def untouched(self) -> bool:
        """Whether no carrier has seen any of it, or all that saw it refused."""
        return not (self.sent or self.in_flight or self.in_doubt or self.doubtful)

    @property
    def untold(self) -> bool:
        """Whether it waits in its queue, and no carrier has or may have any of it."""
        return (
            self.status is Status.QUEUED
            and bool(self.unsent)
            and self.untouched
            and not (self.doubted or self.noted)
        )

    def replace(self, message: Message) -> None:
        """It is another message now, and keeps its place; it was `untold`."""
        self.message = message
        self.segments = self.total = message.segments
        self.unsent = list(range(message.segments, 0, -1))
        self.parts = ()
        self.pinned = ""

    def take_whole(self) -> None:
        """All that is unsent goes in one PDU."""
        self.unsent.clear()
        self.total = 1

    def put_back(self, part: int) -> None:
        """A part is to be sent; of what went WHOLE, each."""
        if part == WHOLE:
            self.total = self.segments
            self.unsent = list(range(self.segments, 0, -1))
        else:
            self.unsent.append(part)


def last_words(stored: StoredMessage) -> Collection[Attempt]:
    """The last attempt at each part that no carrier is known to have taken; at the whole, where
    that was written last, and at none of its parts.
    """
    sent = _sent_parts(stored)
    if 0 in sent:
        return ()
    words: dict[int, Attempt] = {}
    for attempt in stored.attempts:
        part = attempt.part
        if attempt.outcome is AttemptOutcome.WRITTEN and words:
            if part == WHOLE:
                words.clear()
            else:
                words.pop(WHOLE, None)
        if part not in sent:
            words[part] = attempt
    return words.values()


def strays(stored: StoredMessage) -> list[Attempt]:
    """The last word on each copy of a part that was written and never answered, but for the last
    copy of a part that is still under way: `last_words` tells of that.
    """
    found: list[Attempt] = []
    unanswered: dict[int, Attempt] = {}
    for attempt in stored.attempts:
        part = attempt.part
        earlier = [unanswered.pop(part, None)]
        if attempt.outcome is AttemptOutcome.WRITTEN:
            others = list(unanswered) if part == WHOLE else [WHOLE]
            earlier += [unanswered.pop(other, None) for other in others]
            found += filter(None, earlier)
        if attempt.outcome is not AttemptOutcome.REFUSED:
            unanswered[part] = attempt
    last = stored.last
    if last and last.status in FINAL:
        sent = _sent_parts(stored)
        single = stored.message.segments == 1
        found += [
            attempt
            for part, attempt in unanswered.items()
            if not sent & {0, part}
            # The one part of a message that failed with a bind was refused there.
            and not (last.bind and (single or part == WHOLE) and attempt.outcome in ANSWERABLE)
        ]
    return found


def restore(stored: StoredMessage) -> OpenMessage:
    """What was known of the message when the gateway stopped.

    A part with a SENT transition is sent, whatever its attempts say. Of any other the last word
    counts: refused or to be sent again, it is unsent; not answered in time, it stays in doubt;
    written, lost or held, it is `doubtful`.
    """
    opened = OpenMessage(stored.message)
    for step in stored.transitions:
        opened.number = max(opened.number, step.number)
        if step.part:
            _restore_part(opened, step)
        else:
            opened.status = step.status
            if step.status is Status.SENT:
                if not opened.sent:  # Several parts have been sent before their message is.
                    opened.total = 1
                opened.unsent.clear()
                opened.sent = opened.total
    opened.durable = opened.number
    opened.doubted = any(attempt.outcome in DOUBTS for attempt in stored.attempts)
    opened.awaited = awaited(stored)
    opened.taken_at = taken_at(stored)
    if opened.status is Status.SENDING:
        opened.status = Status.QUEUED
        opened.attempts = 1
    for attempt in last_words(stored):
        _restore_attempt(opened, attempt)
    if opened.status is Status.QUEUED and (opened.in_doubt or opened.doubtful):
        opened.status = Status.SENDING
    return opened


def awaited(stored: StoredMessage) -> tuple[SentPart, ...]:
    """The parts that a carrier has taken and told no end of. Of several parts each has its own
    steps; an only part, and what was sent WHOLE, has those of the message.
    """
    single = int(stored.message.segments == 1)
    parts: dict[int, SentPart] = {}
    in_parts = False
    for step in stored.transitions:
        part = step.part or single
        in_parts = in_parts or step.part > 0
        if step.status is Status.SENT and not (in_parts and not step.part):
            parts[part] = SentPart(part, step.bind, step.carrier_id, step.at)
        elif step.status in FINAL:
            parts.pop(part, None)
    return tuple(parts.values())


def taken_at(stored: StoredMessage) -> float:
    """When a carrier took the first part; 0 where none has taken any."""
    return min((step.at for step in stored.transitions if step.status is Status.SENT), default=0.0)


def _sent_parts(stored: StoredMessage) -> set[int]:
    """Those that carriers have taken, 0 for all of them."""
    return {step.part for step in stored.transitions if step.status is Status.SENT}


def _restore_part(opened: OpenMessage, step: Transition) -> None:
    if step.status in FINAL:
        opened.settled_parts += 1
        opened.undelivered = opened.undelivered or step.error_code
    elif step.part in opened.unsent:
        opened.unsent.remove(step.part)
        opened.sent += 1
        opened.pinned = step.bind


def _restore_attempt(opened: OpenMessage, last: Attempt) -> None:
    if last.outcome in UNDECIDED:
        opened.doubtful[last.part] = (last.bind, last.outcome)
    elif last.outcome is AttemptOutcome.UNANSWERED:
        opened.in_doubt += 1
    else:
        return
    if last.part == WHOLE:
        opened.take_whole()
    else:
        opened.unsent.remove(last.part)
        opened.pinned = last.bind if opened.segments > 1 else ""
