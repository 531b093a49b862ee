"""A sender of an account, with its queue, as long as it has something to send."""

from __future__ import annotations

from math import inf

from gateway.account import Account, InDoubt, Sender
from gateway.message import Message
from gateway.messaging.account_queue import AccountQueue
from gateway.messaging.open_message import OpenMessage


class Lane:
    """Who sends, and whose turn it is (see `Turns`, which owns the last four).

    `busy` holds, by recipient, the message that is at a carrier: the next one to that recipient
    waits for its answer, so that not even a refusal and a second try can put two messages of a
    conversation out of order. `noting` counts what is on its way to the disk and must be there
    before the lane sends anything: an attempt of the head, messages that are replaced. `paging`
    says that a page of its queue is to be read, and `expires_at` when its tail is to be looked
    through for what has expired.
    """

    __slots__ = (
        "account_sid",
        "busy",
        "eager",
        "expires_at",
        "hold_s",
        "in_doubt",
        "lines",
        "move",
        "noting",
        "paging",
        "queue",
        "sender",
        "sender_type",
        "traffic_class",
        "waiting",
    )

    def __init__(self, account: Account, sender: Sender, queue: AccountQueue[OpenMessage]) -> None:
        self.account_sid = account.sid
        self.in_doubt = account.in_doubt
        self.hold_s = account.in_doubt_hold_s
        self.sender = sender.address
        self.sender_type = sender.type.value
        # Of messages that say none themselves.
        traffic_class = sender.traffic_class or account.traffic_class
        self.traffic_class = traffic_class.value if traffic_class else ""
        self.queue = queue
        self.busy: dict[str, OpenMessage] = {}
        self.noting = 0
        self.paging = False
        self.expires_at = inf
        self.move = 0
        # Where it stands in line; it is `waiting` unless room there, or time, gave it a turn.
        self.lines: tuple[str, ...] = ()
        self.waiting = False
        self.eager = False

    @property
    def notes_first(self) -> bool:
        """Whether an attempt must be durable before the part goes out: its account would rather
        not have a message sent twice."""
        return self.in_doubt is not InDoubt.RESEND

    def blocks(self, message: Message) -> bool:
        """Whether an earlier message to the same recipient is still at a carrier."""
        earlier = self.busy.get(message.recipient)
        return earlier is not None and earlier.message is not message
