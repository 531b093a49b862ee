"""A message that is under way: what the gateway keeps of it until its final status."""

from __future__ import annotations

from gateway.message import FINAL, Message, Status
from gateway.store.interface import StoredMessage, Transition


class OpenMessage:
    """The one mutable thing about a message, owned by the journal.

    `number` is that of its last transition. `position` orders it within its queue. `unsent` are
    the parts still to be written to a carrier, the next one last; `in_flight` counts those
    written and not answered, `in_doubt` those whose answer did not come in time, and `sent` those
    that a carrier has taken. The parts of a message go over one bind, `pinned`, while it is up.
    `settled_parts` have their receipt, and `undelivered` is the error of the first that failed;
    `silent_parts` went over binds that give no receipts.
    `lost` counts the binds that went down while a part was under way there.
    `excluded` are the binds that refused it for now, in this round of `rounds`.
    """

    __slots__ = (
        "attempts",
        "error_code",
        "excluded",
        "in_doubt",
        "in_flight",
        "lost",
        "lost_again",
        "message",
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
        "undelivered",
        "unsent",
    )

    def __init__(self, message: Message) -> None:
        self.message = message
        self.status = message.initial_status
        self.number = 0
        self.position = 0
        self.segments = message.segments
        self.unsent = list(range(message.segments, 0, -1))
        self.in_flight = 0
        self.in_doubt = 0
        self.lost = 0
        self.lost_again = False
        self.sent = 0
        self.settled_parts = 0
        self.silent_parts = 0
        self.undelivered = 0
        self.pinned = ""
        self.excluded: tuple[str, ...] = ()
        self.attempts = 0
        self.rounds = 0
        self.error_code = 0
        self.parts: tuple[bytes, ...] = ()

    @property
    def waiting(self) -> bool:
        """Whether its queue is still to send of it."""
        return bool(self.unsent) and self.status not in FINAL

    @property
    def untouched(self) -> bool:
        """Whether no carrier has seen any of it, or all that saw it refused."""
        return not self.sent and not self.in_flight and not self.in_doubt


def restore(stored: StoredMessage) -> OpenMessage:
    """What was known of the message when the gateway stopped. What was written to a carrier and
    not answered counts as unsent, and is sent again; what was not answered in time stays in doubt.
    """
    opened = OpenMessage(stored.message)
    for step in stored.transitions:
        opened.number = max(opened.number, step.number)
        if step.part:
            _restore_part(opened, step)
        else:
            opened.status = step.status
            if step.status is Status.SENT:
                opened.unsent.clear()
                opened.sent = opened.segments
                opened.in_doubt = 0
    if opened.status is Status.SENDING:
        opened.status = Status.QUEUED
        opened.attempts = 1
    if opened.in_doubt and opened.status is Status.QUEUED:
        opened.status = Status.SENDING
    return opened


def _restore_part(opened: OpenMessage, step: Transition) -> None:
    if step.part in opened.unsent and step.status in (Status.SENDING, Status.SENT):
        opened.unsent.remove(step.part)
        opened.in_doubt += step.status is Status.SENDING
        opened.sent += step.status is Status.SENT
        opened.pinned = step.bind
    elif step.status is Status.SENT:
        opened.in_doubt -= 1
        opened.sent += 1
    elif step.status is not Status.SENDING:
        opened.settled_parts += 1
        opened.undelivered = opened.undelivered or step.error_code
