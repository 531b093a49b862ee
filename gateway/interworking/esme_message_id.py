"""The message_id by which an ESME knows a message: its sid, or for SMPP v3.3 and before, whose
field has 8 hexadecimal digits, its short id (v3.4 §3.4)."""

from __future__ import annotations

import re

from gateway.clock import message_sid
from gateway.message import Message

SHORT_ID_MAX = 0xFFFF_FFFF
_SHORT_ID = re.compile(r"[0-9a-fA-F]{1,8}")


def esme_message_id(message: Message) -> str:
    """As it stands in the answer to a submit_sm, and in every receipt."""
    smpp = message.smpp
    return f"{smpp.short_id:08x}" if smpp and smpp.short_id else message_sid(message.id)


def short_id_of(text: str) -> int | None:
    """The short id that an ESME has written, None where it is none."""
    return int(text, 16) if _SHORT_ID.fullmatch(text) else None


class ShortIds:
    """Gives 1 to 0xFFFFFFFF in turn. Who starts one starts it somewhere else each time: the last
    run's short ids are still in the hands of ESMEs."""

    def __init__(self, start: int) -> None:
        self._last = start % SHORT_ID_MAX

    def next(self) -> int:
        self._last = self._last % SHORT_ID_MAX + 1
        return self._last
