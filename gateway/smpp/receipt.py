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

_AS_SPECIFIED = re.compile(
    rb"id:(\S+) sub:\d* dlvrd:\d* submit date:\d* done date:(\d*) stat:(\w+) err:(\S*)"
)
_FIELD = re.compile(rb"\b(id|done ?date|stat|err) ?: ?([^ :]+)", re.IGNORECASE)
_RECEIPT_TYPES = EsmClass.DELIVERY_RECEIPT | EsmClass.INTERMEDIATE_NOTIFICATION


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """What a receipt says. `message_id` is the carrier's, as it wrote it; `stat` is in capitals;
    `done_date` is `YYMMDDhhmm` or with seconds; `err` is the network's own, often three digits.
    """

    message_id: str
    stat: str
    err: str = ""
    done_date: str = ""


def is_receipt(esm_class: int) -> bool:
    """By the message type bits (§5.2.12): a receipt or an intermediate notification."""
    return bool(esm_class & EsmClass.MESSAGE_TYPE & _RECEIPT_TYPES)


def parse(short_message: bytes, tlvs: dict[int, bytes]) -> Receipt | None:
    """What the receipt says, or None where neither text nor TLVs name a message and a state."""
    match = _AS_SPECIFIED.match(short_message)
    if match:
        message_id, done_date, stat, err = (value.decode("latin-1") for value in match.groups())
    else:
        fields = {
            name.lower().replace(b" ", b""): value.decode("latin-1")
            for name, value in reversed(_FIELD.findall(short_message))
        }
        message_id, stat = fields.get(b"id", ""), fields.get(b"stat", "")
        done_date, err = fields.get(b"donedate", ""), fields.get(b"err", "")
    if tlvs:
        receipted = tlvs.get(Tag.RECEIPTED_MESSAGE_ID)
        if receipted:
            message_id = receipted.rstrip(b"\0").decode("latin-1") or message_id
        state = tlvs.get(Tag.MESSAGE_STATE)
        if state:
            stat = STAT_BY_STATE.get(state[0], stat)
        network_error = tlvs.get(Tag.NETWORK_ERROR_CODE, b"")
        if len(network_error) == 3:
            err = f"{int.from_bytes(network_error[1:], 'big'):03d}"
    if not message_id or not stat:
        return None
    return Receipt(message_id, stat.upper(), err, done_date)


def format_text(
    message_id: str,
    stat: str,
    submitted_at: float,
    done_at: float,
    err: str = "000",
    text: str = "",
) -> bytes:
    """Appendix B's text, dates in UTC as `YYMMDDhhmm`; `text` is cut at 20 characters."""
    delivered = 1 if stat == "DELIVRD" else 0
    return (
        f"id:{message_id} sub:001 dlvrd:{delivered:03d} submit date:{receipt_date(submitted_at)} "
        f"done date:{receipt_date(done_at)} stat:{stat} err:{err} text:{text[:20]}"
    ).encode("ascii", "replace")


def tlvs(message_id: str, stat: str) -> dict[int, bytes]:
    """The same as TLVs: receipted_message_id and message_state."""
    return {
        Tag.RECEIPTED_MESSAGE_ID: message_id.encode("latin-1") + b"\0",
        Tag.MESSAGE_STATE: bytes([STATE_BY_STAT[stat]]),
    }
