"""Receipts and messages of handsets: from carriers, and towards customers."""

from typing import Any

import msgspec
import pytest
import smpplib.command
from hypothesis import given
from hypothesis import strategies as st

from gateway.interworking import user_data
from gateway.interworking.deliver_sm import (
    MobileOriginated,
    from_carrier,
    message_for_customer,
    receipt_for_customer,
)
from gateway.interworking.receipt_outcome import outcome
from gateway.interworking.user_data import UserData
from gateway.message import Direction, Encoding, Message, Origin, Status
from gateway.smpp import codec, receipt
from gateway.smpp.constants import CommandStatus, Tag
from gateway.smpp.errors import PduError
from gateway.smpp.pdus import DataSm, DeliverSm
from gateway.smpp.receipt import Receipt
from gateway.text import ucs2
from tests.interworking.smpplib_client import Sequence
from tests.store.builders import NOON, a_message

SID = "SM" + "0" * 32
RECEIPT = (
    b"id:4a5b sub:001 dlvrd:001 submit date:2311142212 done date:2311142213 "
    b"stat:DELIVRD err:000 text:Hello"
)
HEADER = bytes.fromhex("0500032a0201")


def a_deliver_sm(short_message: bytes, esm_class: int = 0, **fields: object) -> DeliverSm:
    values: dict[str, object] = {
        "source_addr_ton": 1,
        "source_addr": "15005550009",
        "dest_addr_ton": 3,
        "destination_addr": "55501",
    }
    return DeliverSm(
        short_message=short_message,
        esm_class=esm_class,
        **(values | fields),  # type: ignore[arg-type]  # the fields of the test's own
    )


def an_inbound(body: str = "hi", **changes: Any) -> Message:
    return a_message(
        sender="+15005550009",
        recipient="55501",
        body=body,
        direction=Direction.INBOUND,
        origin=Origin.CARRIER,
        **changes,
    )


def told(message_id: str) -> Receipt:
    """What RECEIPT says, with the addresses of `a_deliver_sm` as they were written."""
    return Receipt(message_id, "DELIVRD", "000", "2311142213", "15005550009", "55501")


# From carriers


@pytest.mark.parametrize("esm_class", [0x04, 0x07, 0x24])
def test_rcp_1_esm_class_makes_a_receipt(esm_class: int) -> None:
    delivered = from_carrier(a_deliver_sm(RECEIPT, esm_class))
    assert delivered == told("4a5b")


def test_rcp_5_an_intermediate_notification_says_so_whatever_its_text() -> None:
    delivered = from_carrier(a_deliver_sm(RECEIPT, 0x20))
    assert delivered == msgspec.structs.replace(told("4a5b"), intermediate=True)


@pytest.mark.parametrize("esm_class", [0x00, 0x03, 0x08, 0x10, 0x18])
def test_rcp_1_text_like_a_receipt_is_a_message(esm_class: int) -> None:
    """Any handset can write it; SME acknowledgements are texts of handsets too."""
    delivered = from_carrier(a_deliver_sm(RECEIPT, esm_class))
    assert isinstance(delivered, MobileOriginated)
    assert delivered.data.body == RECEIPT.decode()


def test_a_message_names_its_handset_and_our_number() -> None:
    assert from_carrier(a_deliver_sm(b"STOP")) == MobileOriginated(
        "+15005550009", "55501", UserData(Encoding.GSM_7BIT, "STOP")
    )


def test_rcp_3_a_receipt_may_come_in_message_payload() -> None:
    pdu = a_deliver_sm(b"", 0x04, tlvs={Tag.MESSAGE_PAYLOAD: RECEIPT})
    assert from_carrier(pdu) == told("4a5b")


def test_rcp_3_a_receipt_may_come_in_a_data_sm() -> None:
    tlvs: dict[int, bytes] = {Tag.RECEIPTED_MESSAGE_ID: b"4a5b\0", Tag.MESSAGE_STATE: b"\x05"}
    pdu = DataSm(source_addr="+1500", destination_addr="55501", esm_class=0x04, tlvs=tlvs)
    assert from_carrier(pdu) == Receipt("4a5b", "UNDELIV", "", "", "+1500", "55501")


def test_a_message_may_come_in_a_data_sm() -> None:
    pdu = DataSm(
        source_addr_ton=1,
        source_addr="15005550009",
        destination_addr="55501",
        tlvs={Tag.MESSAGE_PAYLOAD: b"hi"},
    )
    assert from_carrier(pdu) == MobileOriginated(
        "+15005550009", "55501", UserData(Encoding.GSM_7BIT, "hi")
    )


def test_a_receipt_that_says_nothing_is_nothing() -> None:
    assert from_carrier(a_deliver_sm(b"sorry", 0x04)) is None


def test_a_message_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(PduError) as raised:
        from_carrier(a_deliver_sm(b"a", data_coding=0x0E))
    assert raised.value.status is CommandStatus.ESME_RSUBMITFAIL


def test_a_garbled_message_is_shown_as_far_as_it_goes() -> None:
    delivered = from_carrier(a_deliver_sm(b"caf\xe9"))
    assert isinstance(delivered, MobileOriginated)
    assert delivered.data.body == "caf\ufffd"


def test_a_deliver_sm_of_smpplib_is_read() -> None:
    foreign = smpplib.command.DeliverSM(
        "deliver_sm",
        client=Sequence(3),
        source_addr_ton=1,
        source_addr="15005550009",
        destination_addr="55501",
        esm_class=4,
        short_message=RECEIPT,
        receipted_message_id="77",
    )
    pdu = codec.decode(foreign_command_id(foreign), foreign.generate()[16:])
    assert isinstance(pdu, DeliverSm)
    assert from_carrier(pdu) == told("77")


def foreign_command_id(foreign: smpplib.command.Command) -> int:
    return int.from_bytes(foreign.generate()[4:8], "big")


# Receipts towards customers


def test_a_receipt_goes_back_the_way_the_message_came() -> None:
    """5.0 §4.3.5.1: addresses are swapped."""
    pdu = receipt_for_customer(a_message(sender="55501"), SID, Status.DELIVERED, NOON + 60)
    assert (pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr) == (1, 1, "15017122661")
    assert (pdu.dest_addr_ton, pdu.dest_addr_npi, pdu.destination_addr) == (3, 0, "55501")


def test_a_receipt_is_written_as_the_specification_has_it() -> None:
    """Appendix B."""
    message = a_message(accepted_at=NOON)
    pdu = receipt_for_customer(message, SID, Status.DELIVERED, NOON + 60)
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
    pdu = receipt_for_customer(a_message(), SID, status, NOON, error_code)
    assert receipt.parse(pdu.short_message, {}) == Receipt(SID, stat, err, "2311142213")


@pytest.mark.parametrize(
    ("carrier_status", "stat"),
    [("EXPIRED", "EXPIRED"), ("REJECTD", "REJECTD"), ("UNDELIVERABLE", "UNDELIV"), ("", "UNDELIV")],
)
def test_the_carriers_words_go_through_where_customers_know_them(
    carrier_status: str, stat: str
) -> None:
    pdu = receipt_for_customer(
        a_message(), SID, Status.UNDELIVERED, NOON, 30003, carrier_status, "27"
    )
    assert receipt.parse(pdu.short_message, pdu.tlvs) == Receipt(SID, stat, "27", "2311142213")


@given(st.sampled_from([Status.DELIVERED, Status.UNDELIVERED]), st.text(max_size=200))
def test_a_customer_reads_the_status_that_we_have(status: Status, body: str) -> None:
    pdu = receipt_for_customer(a_message(body=body), SID, status, NOON)
    octets = codec.encode(pdu, 1)
    decoded = codec.decode(pdu.command_id, octets[16:])
    assert isinstance(decoded, DeliverSm)
    told = from_carrier(decoded)
    assert isinstance(told, Receipt)
    assert (told.message_id, outcome(told.stat).status) == (SID, status)


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
def test_what_is_over_254_octets_goes_as_message_payload(length: int, in_payload: bool) -> None:
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
