"""A delivery receipt as a deliver_sm (SMPP v3.4 §4.6.1 and Appendix B).

Written here on its own, not with the gateway's receipt module: a mistake that both ends shared
would hide from every test.
"""

from __future__ import annotations

import time
from functools import lru_cache

import msgspec

from carriers_sim.dlr_schedule import FAILURES, NO_ERROR, STATES, PlannedReceipt, ReceiptForm
from gateway.smpp.constants import DataCoding, EsmClass, MessageState, Tag
from gateway.smpp.pdus import DeliverSm, SubmitSm

TEXT_LENGTH = 20
MINUTE_S = 60
GSM_NETWORK = b"\x03"  # §5.3.2.31, the network type of network_error_code.


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """What is known when the message is accepted. `submitted_at` is Unix seconds."""

    submit: SubmitSm
    message_id: str
    planned: PlannedReceipt
    submitted_at: float
    text: bytes = b""


def deliver_sm(receipt: Receipt, now: float) -> DeliverSm:
    """The receipt, its addresses swapped against the message's."""
    submit, planned = receipt.submit, receipt.planned
    is_intermediate = planned.stat == "ENROUTE"
    return DeliverSm(
        service_type=submit.service_type,
        source_addr_ton=submit.dest_addr_ton,
        source_addr_npi=submit.dest_addr_npi,
        source_addr=submit.destination_addr,
        dest_addr_ton=submit.source_addr_ton,
        dest_addr_npi=submit.source_addr_npi,
        destination_addr=submit.source_addr,
        esm_class=EsmClass.INTERMEDIATE_NOTIFICATION
        if is_intermediate
        else EsmClass.DELIVERY_RECEIPT,
        data_coding=DataCoding.DEFAULT_ALPHABET,
        short_message=b"" if planned.form is ReceiptForm.TLV else _text(receipt, now),
        tlvs={} if planned.form is ReceiptForm.TEXT else _tlvs(receipt),
    )


def _text(receipt: Receipt, now: float) -> bytes:
    planned = receipt.planned
    delivered = 0 if planned.stat in FAILURES else 1
    line = (
        f"id:{receipt.message_id} sub:001 dlvrd:{delivered:03d} "
        f"submit date:{_minute(int(receipt.submitted_at) // MINUTE_S)} "
        f"done date:{_minute(int(now) // MINUTE_S)} "
        f"stat:{planned.stat} err:{planned.err} text:"
    )
    return line.encode("ascii") + receipt.text[:TEXT_LENGTH]


def _tlvs(receipt: Receipt) -> dict[int, bytes]:
    state: MessageState = STATES[receipt.planned.stat]
    tlvs: dict[int, bytes] = {
        Tag.RECEIPTED_MESSAGE_ID: receipt.message_id.encode("ascii") + b"\0",
        Tag.MESSAGE_STATE: bytes([state]),
    }
    err = receipt.planned.err
    if err != NO_ERROR and err.isdecimal():
        tlvs[Tag.NETWORK_ERROR_CODE] = GSM_NETWORK + int(err).to_bytes(2, "big")
    return tlvs


@lru_cache(maxsize=4)
def _minute(minute: int) -> str:
    """YYMMDDhhmm in UTC, as Appendix B writes dates."""
    return time.strftime("%y%m%d%H%M", time.gmtime(minute * MINUTE_S))
