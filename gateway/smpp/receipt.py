"""Delivery receipts: the text of SMPP v3.4 Appendix B, which every vendor writes its own way, and
the TLVs of §4.7.1, which win where both are there.

Whether a PDU is a receipt is said by its esm_class and by nothing else: a text that looks like a
receipt may come from any handset.
"""

from __future__ import annotations

import re

import msgspec

from gateway.smpp.constants import EsmClass, MessageState, Tag
from gateway.smpp.times import receipt_date

# Appendix B's seven-letter words; ENROUTE and the 5.0 states as peers write them.
STAT_BY_STATE: dict[int, str] = {
    MessageState.SCHEDULED: "SCHEDLD",
    MessageState.ENROUTE: "ENROUTE",
    MessageState.DELIVERED: "DELIVRD",
    MessageState.EXPIRED: "EXPIRED",
    MessageState.DELETED: "DELETED",
    MessageState.UNDELIVERABLE: "UNDELIV",
    MessageState.ACCEPTED: "ACCEPTD",
    MessageState.UNKNOWN: "UNKNOWN",
    MessageState.REJECTED: "REJECTD",
    MessageState.SKIPPED: "SKIPPED",
}
STATE_BY_STAT: dict[str, int] = {stat: state for state, stat in STAT_BY_STATE.items()}

# As most write it, and within all bounds, so that nothing is left to be done.
_USUAL = re.compile(
    r"id:([^\s\0\"']{1,64}) sub:\d* dlvrd:\d* submit date:\d* done date:(\d{0,12})"
    r" stat:([A-Z]{1,16}) err:([^\s\0]{0,16})(?!\S)",
    re.ASCII,
).match
_AS_SPECIFIED = re.compile(
    rb"id:([^\s\"']+) sub:\d* dlvrd:\d* submit date:\d* done date:(\d*) stat:(\w+) err:(\S*)"
)
# A value is no name of the next field, which is what follows an empty one. Some put it in quotes.
_FIELD = re.compile(
    rb"\b(id|done[ _]?date|stat|err) ?[:=] ?[\"']?"
    rb"(?!(?:sub|dlvrd|submit[ _]?date|done[ _]?date|stat|err) ?[:=])([^\s,;\"']+)",
    re.IGNORECASE,
)
# The text is the sender's, who may write what he likes in it.
_TEXT = re.compile(rb"\btext ?[:=]", re.IGNORECASE)
# A state as its number (§5.2.28), decimal or hexadecimal, in place of its word.
_STATE_NUMBER = re.compile(r"(?:0x)?0*([0-9])", re.IGNORECASE)
# What is read of the text form, and kept of its values.
TEXT_MAX = 512
MESSAGE_ID_MAX = 64
WORD_MAX = 16
DATE_MAX = 12
# The operators of IntFlag take most of a microsecond.
_RECEIPT_TYPES = int(EsmClass.DELIVERY_RECEIPT | EsmClass.INTERMEDIATE_NOTIFICATION)
_INTERMEDIATE = int(EsmClass.INTERMEDIATE_NOTIFICATION)
_RECEIPTED_MESSAGE_ID = int(Tag.RECEIPTED_MESSAGE_ID)
_MESSAGE_STATE = int(Tag.MESSAGE_STATE)
_NETWORK_ERROR_CODE = int(Tag.NETWORK_ERROR_CODE)
# Of each stat, the value of message_state.
MESSAGE_STATES = {stat: bytes([state]) for state, stat in STAT_BY_STATE.items()}


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """What a receipt says. `message_id` is the carrier's, as it wrote it; `stat` is in capitals;
    `done_date` is `YYMMDDhhmm` or with seconds; `err` is the network's own, often three digits.
    The addresses are those of its PDU as the carrier wrote them: the source is the message's
    recipient, the destination its sender. An `intermediate` one is never final, whatever it says.
    """

    message_id: str
    stat: str
    err: str = ""
    done_date: str = ""
    source_addr: str = ""
    destination_addr: str = ""
    intermediate: bool = False


def is_receipt(esm_class: int) -> bool:
    """By the message type bits (§5.2.12): a receipt or an intermediate notification."""
    return bool(esm_class & _RECEIPT_TYPES)


def is_intermediate(esm_class: int) -> bool:
    """Whether the message type bits say that it is an intermediate notification only."""
    return esm_class & _RECEIPT_TYPES == _INTERMEDIATE


def parse(
    short_message: bytes,
    tlvs: dict[int, bytes],
    source_addr: str = "",
    destination_addr: str = "",
    intermediate: bool = False,
) -> Receipt | None:
    """What the receipt says, or None where neither text nor TLVs name a message and a state."""
    usual = _USUAL(short_message[:TEXT_MAX].decode("latin-1"))
    if usual:
        message_id, done_date, stat, err = usual.groups()
        if not tlvs:
            return Receipt(
                message_id, stat, err, done_date, source_addr, destination_addr, intermediate
            )
    else:
        message_id, done_date, stat, err = _read_text(short_message[:TEXT_MAX])
    if tlvs:
        receipted, _, _ = tlvs.get(_RECEIPTED_MESSAGE_ID, b"").partition(b"\0")
        message_id = receipted.decode("latin-1") or message_id
        state = tlvs.get(_MESSAGE_STATE)
        if state:
            stat = STAT_BY_STATE.get(state[0], stat)
        network_error = tlvs.get(_NETWORK_ERROR_CODE, b"")
        if len(network_error) == 3:
            err = f"{int.from_bytes(network_error[1:], 'big'):03d}"
    if not message_id or len(message_id) > MESSAGE_ID_MAX or not stat:
        return None
    if stat[0].isdigit():
        number = _STATE_NUMBER.fullmatch(stat)
        stat = STAT_BY_STATE[int(number[1])] if number else stat
    # Some write the year with its century.
    return Receipt(
        message_id,
        stat.upper()[:WORD_MAX],
        err[:WORD_MAX],
        done_date[-DATE_MAX:],
        source_addr,
        destination_addr,
        intermediate,
    )


def _read_text(text: bytes) -> tuple[str, str, str, str]:
    """id, done date, stat and err, "" for what is not there."""
    text = text.replace(b"\0", b"")  # Of C strings, and of those who write it in UCS-2.
    match = _AS_SPECIFIED.match(text)
    if match:
        message_id, done_date, stat, err = (value.decode("latin-1") for value in match.groups())
        return message_id, done_date, stat, err
    fields: dict[str, str] = {}
    for name, value in _FIELD.findall(_TEXT.split(text, maxsplit=1)[0]):
        key = name.decode().lower().replace(" ", "").replace("_", "")
        fields.setdefault(key, value.decode("latin-1"))
    done_date = fields.get("donedate", "")
    return (
        fields.get("id", ""),
        done_date if done_date.isdigit() else "",
        fields.get("stat", ""),
        fields.get("err", ""),
    )


def format_text(
    message_id: str,
    stat: str,
    submitted_at: float,
    done_at: float,
    err: str = "000",
    text: str = "",
) -> bytes:
    """Appendix B's text, dates in UTC as `YYMMDDhhmm`; `text` is cut at 20 characters."""
    delivered = "001" if stat == "DELIVRD" else "000"
    return (
        f"id:{message_id} sub:001 dlvrd:{delivered} submit date:{receipt_date(submitted_at)} "
        f"done date:{receipt_date(done_at)} stat:{stat} err:{err} text:{text[:20]}"
    ).encode("ascii", "replace")


def tlvs(message_id: str, stat: str) -> dict[int, bytes]:
    """The same as TLVs: receipted_message_id and message_state."""
    return {
        _RECEIPTED_MESSAGE_ID: message_id.encode("latin-1") + b"\0",
        _MESSAGE_STATE: MESSAGE_STATES[stat],
    }
