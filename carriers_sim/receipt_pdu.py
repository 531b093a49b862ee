"""A delivery receipt as a deliver_sm or data_sm (SMPP v3.4 §4.6.1, §4.7.1 and Appendix B).

Written here on its own, not with the gateway's receipt module: a mistake that both ends shared
would hide from every test.
"""

from __future__ import annotations

import time
from functools import lru_cache

import msgspec

from carriers_sim.dlr_schedule import (
    FAILURES,
    NO_ERROR,
    STATES,
    Carriage,
    PlannedReceipt,
    ReceiptForm,
    ReceiptTlv,
)
from carriers_sim.receipt_template import TEMPLATES
from gateway.net.smpp_connection import SmppConnection
from gateway.smpp.constants import DataCoding, EsmClass, MessageState, Tag
from gateway.smpp.pdus import DataSm, DeliverSm, SubmitSm

TEXT_LENGTH = 20
GSM_NETWORK = b"\x03"  # §5.3.2.31, the network type of network_error_code.


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """What is known when the message is accepted. `submitted_at` is Unix seconds.

    `message_id` is what the receipt says, `given_id` what the response said. `origin` is the
    message's connection, where the receipt's way depends on it.
    """

    submit: SubmitSm
    message_id: str
    planned: PlannedReceipt
    submitted_at: float
    text: bytes = b""
    given_id: str = ""
    origin: SmppConnection | None = None


def pdu(receipt: Receipt, now: float) -> DeliverSm | DataSm:
    """The receipt, its addresses swapped against the message's."""
    submit, planned = receipt.submit, receipt.planned
    style = planned.style
    text = b"" if style.form is ReceiptForm.TLV else _text(receipt, now)
    tlvs = {} if style.form is ReceiptForm.TEXT else _tlvs(receipt)
    if style.carriage is not Carriage.SHORT_MESSAGE and text:
        tlvs[Tag.MESSAGE_PAYLOAD] = text
        text = b""
    esm_class = EsmClass.DEFAULT
    if planned.has_esm_class:
        is_intermediate = planned.stat == "ENROUTE"
        esm_class = (
            EsmClass.INTERMEDIATE_NOTIFICATION if is_intermediate else EsmClass.DELIVERY_RECEIPT
        )
    if style.carriage is Carriage.DATA_SM:
        return DataSm(
            service_type=submit.service_type,
            source_addr_ton=submit.dest_addr_ton,
            source_addr_npi=submit.dest_addr_npi,
            source_addr=submit.destination_addr,
            dest_addr_ton=submit.source_addr_ton,
            dest_addr_npi=submit.source_addr_npi,
            destination_addr=submit.source_addr,
            esm_class=esm_class,
            data_coding=DataCoding.DEFAULT_ALPHABET,
            tlvs=tlvs,
        )
    return DeliverSm(
        service_type=submit.service_type,
        source_addr_ton=submit.dest_addr_ton,
        source_addr_npi=submit.dest_addr_npi,
        source_addr=submit.destination_addr,
        dest_addr_ton=submit.source_addr_ton,
        dest_addr_npi=submit.source_addr_npi,
        destination_addr=submit.source_addr,
        esm_class=esm_class,
        data_coding=DataCoding.DEFAULT_ALPHABET,
        short_message=text,
        tlvs=tlvs,
    )


def _text(receipt: Receipt, now: float) -> bytes:
    planned = receipt.planned
    submit, done = _date(int(receipt.submitted_at)), _date(int(now))
    line = TEMPLATES[planned.style.template].format(
        id=receipt.message_id,
        dlvrd="000" if planned.stat in FAILURES else "001",
        submit=submit[2:12],
        done=done[2:12],
        submit12=submit[2:],
        done12=done[2:],
        submit14=submit,
        done14=done,
        stat=planned.stat,
        err=planned.err,
        lettered_err=f"E{planned.err[1:]}",
        text="\0",
    )
    # The text is of the message's own octets, whatever they are.
    return line.encode("ascii").replace(b"\0", receipt.text[:TEXT_LENGTH])


def _tlvs(receipt: Receipt) -> dict[int, bytes]:
    state: MessageState = STATES[receipt.planned.stat]
    style = receipt.planned.style
    tlvs: dict[int, bytes] = {}
    if ReceiptTlv.RECEIPTED_MESSAGE_ID in style.tlvs:
        tlvs[Tag.RECEIPTED_MESSAGE_ID] = receipt.message_id.encode("ascii") + b"\0"
    if ReceiptTlv.MESSAGE_STATE in style.tlvs:
        tlvs[Tag.MESSAGE_STATE] = bytes([state])
    err = receipt.planned.err
    if ReceiptTlv.NETWORK_ERROR_CODE in style.tlvs and err != NO_ERROR and err.isdecimal():
        tlvs[Tag.NETWORK_ERROR_CODE] = GSM_NETWORK + int(err).to_bytes(2, "big")
    for tag, value in style.vendor_tlvs.items():
        tlvs[int(tag, 16)] = bytes.fromhex(value)
    return tlvs


@lru_cache(maxsize=8)
def _date(second: int) -> str:
    """YYYYMMDDhhmmss in UTC; Appendix B writes the ten digits in its middle."""
    return time.strftime("%Y%m%d%H%M%S", time.gmtime(second))
