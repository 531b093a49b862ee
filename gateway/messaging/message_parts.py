"""What waits of an inbound message that comes in parts, and what it is when it is whole."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import msgspec

from gateway.interworking import user_data
from gateway.interworking.user_data import UserData
from gateway.message import Message
from gateway.smpp.constants import CommandStatus
from gateway.text import udh
from gateway.text.errors import TextError
from gateway.text.udh import Concatenation

# What may wait of one account, in parts and in octets of text.
ACCOUNT_PARTS_MAX = 1_000
ACCOUNT_OCTETS_MAX = 1 << 20

Answer = Callable[[int], None]


class Key(msgspec.Struct, frozen=True):
    sender: str
    recipient: str
    ref: int
    ref_bits: int
    total: int


class Part:
    """One that has come; `answers` wait until it is durable."""

    __slots__ = ("answers", "durable", "message")

    def __init__(self, message: Message, durable: bool = False) -> None:
        self.message = message
        self.durable = durable
        self.answers: list[Answer] = []

    @property
    def octets(self) -> int:
        return len(self.message.octets) or len(self.message.body)

    def join(self, answer: Answer) -> None:
        if self.durable:
            answer(CommandStatus.ESME_ROK)
        else:
            self.answers.append(answer)

    def answer(self, command_status: CommandStatus) -> None:
        answers, self.answers = self.answers, []
        for each in answers:
            each(command_status)


class Group:
    """The parts of one message, by number, the first of which came `at`. While the whole is being
    written, `last` is the part that has completed it."""

    __slots__ = ("account_sid", "at", "key", "last", "parts")

    def __init__(self, key: Key, account_sid: str, at: float) -> None:
        self.key = key
        self.account_sid = account_sid
        self.at = at
        self.parts: dict[int, Part] = {}
        self.last: tuple[int, Part] | None = None

    def find(self, number: int) -> Part | None:
        if self.last and self.last[0] == number:
            return self.last[1]
        return self.parts.get(number)

    @property
    def in_order(self) -> list[Part]:
        return [self.parts[number] for number in sorted(self.parts)]


class Load:
    """What waits of one account."""

    __slots__ = ("groups", "octets", "parts")

    def __init__(self) -> None:
        self.groups: OrderedDict[Key, None] = OrderedDict()
        self.parts = 0
        self.octets = 0

    @property
    def is_over(self) -> bool:
        return self.parts > ACCOUNT_PARTS_MAX or self.octets > ACCOUNT_OCTETS_MAX


def concatenation_of(message: Message) -> Concatenation | None:
    """Which part of which message it is; None of one that is whole."""
    if not message.udh:
        return None
    try:
        elements, _ = udh.parse(message.udh)
    except TextError:
        return None
    found = udh.concatenation(elements)
    return found if found and found.total > 1 else None


def key_of(message: Message, concatenation: Concatenation) -> Key:
    return Key(
        message.sender,
        message.recipient,
        concatenation.ref,
        concatenation.ref_bits,
        concatenation.total,
    )


def content_of(message: Message) -> bytes:
    return message.octets or message.body.encode("utf-8", "surrogatepass")


def whole_of(
    pieces: list[Message], message_id: int, now: float, last: Message, names: int
) -> Message:
    """The message that the pieces are of, in their order."""
    data = user_data.join(
        [UserData(each.encoding, each.body, each.octets, each.udh) for each in pieces]
    )
    smpp = last.smpp
    if smpp and data.encoding is not last.encoding:
        # Its data_coding was that of septets, and the whole is UCS-2.
        smpp = msgspec.structs.replace(smpp, data_coding=None)
    return msgspec.structs.replace(
        last,
        id=message_id,
        accepted_at=now,
        expires_at=now,
        body=data.body,
        encoding=data.encoding,
        octets=data.octets,
        udh=data.udh,
        segments=len(pieces),
        concat_ref=names,
        smpp=smpp,
    )
