"""Receipts, notifications and messages of handsets, towards customers."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import message_sid
from gateway.interworking import user_data
from gateway.interworking.customer_deliver_sm import (
    intermediate_for_customer,
    message_for_customer,
    receipt_for_customer,
    without_tlvs,
    written_receipt_for_customer,
)
from gateway.interworking.deliver_sm import from_carrier
from gateway.interworking.receipt_outcome import outcome
from gateway.interworking.user_data import UserData
from gateway.message import Direction, Encoding, Message, Origin, SmppFields, Status
from gateway.smpp import codec, receipt
from gateway.smpp.constants import Tag
from gateway.smpp.errors import FieldError
from gateway.smpp.pdus import DeliverSm
from gateway.smpp.receipt import Receipt
from gateway.text import ucs2, udh
from tests.store.builders import NOON, a_message

SID = message_sid(1)
HEADER = bytes.fromhex("0500032a0201")


def an_inbound(body: str = "hi", **changes: Any) -> Message:
    return a_message(
        sender="+15005550009",
        recipient="55501",
        body=body,
        direction=Direction.INBOUND,
        origin=Origin.CARRIER,
        **changes,
    )


# Receipts towards customers


def test_rcp_1_a_receipt_goes_back_the_way_the_message_came() -> None:
    """5.0 §4.3.5.1: addresses are swapped."""
    pdu = receipt_for_customer(a_message(sender="55501"), Status.DELIVERED, NOON + 60)
    assert (pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr) == (1, 1, "15017122661")
    assert (pdu.dest_addr_ton, pdu.dest_addr_npi, pdu.destination_addr) == (3, 0, "55501")


ADDRESSES = st.one_of(
    st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True),
    st.from_regex(r"[0-9]{3,8}", fullmatch=True),
    st.from_regex(r"[A-Za-z][A-Za-z0-9 ]{0,10}", fullmatch=True),
)


@given(
    ADDRESSES,
    ADDRESSES,
    st.text(max_size=30),
    st.sampled_from([Status.DELIVERED, Status.UNDELIVERED, Status.FAILED, Status.CANCELED]),
    st.sampled_from([0, 30001, 30003, 30008]),
    st.sampled_from(["", "DELIVRD", "EXPIRED", "NONSENSE"]),
    st.sampled_from(["", "000", "27"]),
)
def test_a_receipt_written_at_once_has_the_octets_of_its_pdu(
    sender: str, recipient: str, body: str, status: Status, code: int, stat: str, err: str
) -> None:
    message = a_message(sender=sender, recipient=recipient, body=body)
    told = (message, status, NOON + 60, code, stat, err)
    written = written_receipt_for_customer(*told)
    assert written is not None
    assert codec.encode(written, 7) == codec.encode(receipt_for_customer(*told), 7)


@pytest.mark.parametrize(
    "changes",
    [
        {"smpp": SmppFields(tlvs={Tag.USER_MESSAGE_REFERENCE: b"\0\1"})},
        {"smpp": SmppFields(short_id=7)},
        {"recipient": "+" + "1" * 20},
        {"sender": "A" * 21},
    ],
)
def test_a_receipt_with_more_to_say_is_not_written_at_once(changes: dict[str, Any]) -> None:
    message = a_message(**changes)
    assert written_receipt_for_customer(message, Status.DELIVERED, NOON) is None


def test_rcp_1_a_receipt_is_written_as_the_specification_has_it() -> None:
    """Appendix B."""
    message = a_message(accepted_at=NOON)
    pdu = receipt_for_customer(message, Status.DELIVERED, NOON + 60)
    assert pdu.esm_class == 0x04
    assert (
        pdu.short_message
        == (
            f"id:{SID} sub:001 dlvrd:001 submit date:2311142213 done date:2311142214 "
            "stat:DELIVRD err:000 text:Your code is 123456."
        ).encode()
    )
    assert pdu.tlvs == {
        Tag.RECEIPTED_MESSAGE_ID: SID.encode() + b"\0",
        Tag.MESSAGE_STATE: b"\x02",
    }


@pytest.mark.parametrize(
    ("status", "error_code", "stat", "err"),
    [
        (Status.DELIVERED, 0, "DELIVRD", "000"),
        (Status.UNDELIVERED, 30008, "UNDELIV", "008"),
        (Status.FAILED, 30007, "REJECTD", "007"),
        (Status.FAILED, 30001, "EXPIRED", "001"),
        (Status.FAILED, 30036, "EXPIRED", "036"),
        (Status.FAILED, 30410, "REJECTD", "410"),
        (Status.CANCELED, 0, "DELETED", "000"),
    ],
)
def test_a_status_of_ours_has_its_stat(
    status: Status, error_code: int, stat: str, err: str
) -> None:
    pdu = receipt_for_customer(a_message(), status, NOON, error_code)
    assert receipt.parse(pdu.short_message, {}) == Receipt(SID, stat, err, "2311142213")


@pytest.mark.parametrize(
    ("carrier_status", "stat"),
    [("EXPIRED", "EXPIRED"), ("REJECTD", "REJECTD"), ("UNDELIVERABLE", "UNDELIV"), ("", "UNDELIV")],
)
def test_the_carriers_words_go_through_where_customers_know_them(
    carrier_status: str, stat: str
) -> None:
    pdu = receipt_for_customer(a_message(), Status.UNDELIVERED, NOON, 30003, carrier_status, "27")
    assert receipt.parse(pdu.short_message, pdu.tlvs) == Receipt(SID, stat, "27", "2311142213")


@given(st.sampled_from([Status.DELIVERED, Status.UNDELIVERED]), st.text(max_size=200))
def test_a_customer_reads_the_status_that_we_have(status: Status, body: str) -> None:
    pdu = receipt_for_customer(a_message(body=body), status, NOON)
    octets = codec.encode(pdu, 1)
    decoded = codec.decode(pdu.command_id, octets[16:])
    assert isinstance(decoded, DeliverSm)
    told = from_carrier(decoded)
    assert isinstance(told, Receipt)
    assert (told.message_id, outcome(told.stat).status) == (SID, status)


def test_rcp_1_an_intermediate_notification_says_so_in_its_esm_class() -> None:
    """§5.2.12: 0x20, and message_state ENROUTE (§5.2.28)."""
    pdu = intermediate_for_customer(a_message(sender="55501"), "ENROUTE", "", NOON + 60)
    assert (pdu.esm_class, pdu.source_addr, pdu.destination_addr) == (0x20, "15017122661", "55501")
    assert receipt.parse(pdu.short_message, {}) == Receipt(SID, "ENROUTE", "000", "2311142214")
    assert pdu.tlvs[Tag.MESSAGE_STATE] == b"\x01"


def test_an_intermediate_state_that_nobody_knows_is_enroute() -> None:
    pdu = intermediate_for_customer(a_message(), "BUFFERED", "021", NOON)
    assert receipt.parse(pdu.short_message, pdu.tlvs) == Receipt(
        SID, "ENROUTE", "021", "2311142213"
    )


def test_the_customer_s_own_reference_comes_back_in_the_receipt() -> None:
    smpp = SmppFields(tlvs={Tag.USER_MESSAGE_REFERENCE: b"\x00\x07", 0x1401: b"x"})
    pdu = receipt_for_customer(a_message(smpp=smpp), Status.DELIVERED, NOON)
    assert pdu.tlvs[Tag.USER_MESSAGE_REFERENCE] == b"\x00\x07"
    assert 0x1401 not in pdu.tlvs


def test_srv_15_an_old_esme_finds_its_short_id_in_the_receipt() -> None:
    message = a_message(smpp=SmppFields(short_id=0x2A))
    pdu = receipt_for_customer(message, Status.DELIVERED, NOON)
    read = receipt.parse(pdu.short_message, {})
    assert read is not None
    assert read.message_id == "0000002a"


# Messages towards customers


def test_a_message_of_a_handset_goes_to_the_customer() -> None:
    pdu = message_for_customer(an_inbound("hi"))
    assert (pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr) == (1, 1, "15005550009")
    assert (pdu.dest_addr_ton, pdu.dest_addr_npi, pdu.destination_addr) == (3, 0, "55501")
    assert (pdu.esm_class, pdu.data_coding, pdu.short_message) == (0, 0, b"hi")


def test_a_header_of_a_handset_goes_along() -> None:
    pdu = message_for_customer(an_inbound("hi", udh=HEADER))
    assert (pdu.esm_class, pdu.short_message) == (0x40, HEADER + b"hi")


@pytest.mark.parametrize(("length", "in_payload"), [(254, False), (255, True)])
def test_srv_19_what_is_over_254_octets_goes_as_message_payload(
    length: int, in_payload: bool
) -> None:
    octets = b"x" * length
    pdu = message_for_customer(an_inbound("x" * length))
    assert pdu.short_message == (b"" if in_payload else octets)
    assert pdu.tlvs == ({Tag.MESSAGE_PAYLOAD: octets} if in_payload else {})


@pytest.mark.parametrize("encoding", Encoding)
@pytest.mark.parametrize("length", [10, 300])
@pytest.mark.parametrize("header", [b"", HEADER])
def test_a_message_passes_from_carrier_to_customer_unchanged(
    encoding: Encoding, length: int, header: bytes
) -> None:
    text = "" if encoding is Encoding.BINARY else "x" * length
    octets = ucs2.encode(text) if encoding is Encoding.UCS2 else b"x" * length
    kept = octets if header or not text else b""
    data = UserData(encoding, text, kept, header)
    pdu = message_for_customer(
        an_inbound(data.body, encoding=encoding, octets=data.octets, udh=header)
    )
    assert user_data.read(pdu.esm_class, pdu.data_coding, pdu.short_message, pdu.tlvs) == data


def test_what_the_carrier_said_of_a_message_goes_along() -> None:
    smpp = SmppFields("CMT", 0x41, 1, 0xF0, tlvs={Tag.SOURCE_PORT: b"\x0b\x84"})
    pdu = message_for_customer(an_inbound("hi", smpp=smpp))
    assert (pdu.service_type, pdu.protocol_id, pdu.priority_flag) == ("CMT", 0x41, 1)
    assert (pdu.data_coding, pdu.tlvs) == (0xF0, {Tag.SOURCE_PORT: b"\x0b\x84"})


def test_a_long_message_has_its_tlvs_beside_the_payload() -> None:
    smpp = SmppFields(tlvs={0x1401: b"x"})
    pdu = message_for_customer(an_inbound("x" * 300, smpp=smpp))
    assert pdu.tlvs == {0x1401: b"x", Tag.MESSAGE_PAYLOAD: b"x" * 300}


# Towards ESMEs of SMPP v3.3


def test_srv_15_an_old_esme_gets_a_short_message_without_tlvs() -> None:
    smpp = SmppFields("CMT", tlvs={Tag.SOURCE_PORT: b"\x0b\x84"})
    (pdu,) = without_tlvs(an_inbound("hi", smpp=smpp))
    assert (pdu.short_message, pdu.service_type, pdu.tlvs) == (b"hi", "CMT", {})


@pytest.mark.parametrize(
    ("body", "encoding", "coding", "sizes"),
    [
        ("x" * 300, Encoding.GSM_7BIT, 0, [159, 153]),
        ("ж" * 130, Encoding.UCS2, 8, [140, 132]),
    ],
)
def test_srv_15_an_old_esme_gets_a_long_message_in_parts(
    body: str, encoding: Encoding, coding: int, sizes: list[int]
) -> None:
    """3GPP TS 23.040 §9.2.3.24.1."""
    pdus = without_tlvs(an_inbound(body, encoding=encoding))
    assert [(pdu.esm_class, pdu.data_coding, pdu.tlvs) for pdu in pdus] == [(0x40, coding, {})] * 2
    assert [len(pdu.short_message) for pdu in pdus] == sizes
    headers = [udh.concatenation(udh.parse(pdu.short_message)[0]) for pdu in pdus]
    assert [(each.ref, each.total, each.number) for each in headers if each] == [
        (1, 2, 1),
        (1, 2, 2),
    ]


def test_srv_15_an_old_esme_gets_many_octets_in_parts() -> None:
    octets = bytes(range(256)) + b"end"
    pdus = without_tlvs(an_inbound("", encoding=Encoding.BINARY, octets=octets))
    parts = [udh.parse(pdu.short_message)[1] for pdu in pdus]
    assert b"".join(parts) == octets
    assert {pdu.data_coding for pdu in pdus} == {4}


def test_srv_15_what_cannot_be_cut_is_not_told_to_an_old_esme() -> None:
    message = an_inbound("", encoding=Encoding.BINARY, octets=b"x" * 300, udh=HEADER)
    with pytest.raises(FieldError):
        without_tlvs(message)
