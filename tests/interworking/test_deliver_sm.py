"""Receipts and messages of handsets: from carriers, and towards customers."""

from typing import Any

import msgspec
import pytest
import smpplib.command

from gateway.interworking.deliver_sm import (
    MobileOriginated,
    from_carrier,
)
from gateway.interworking.user_data import UserData
from gateway.message import Direction, Encoding, Message, Origin
from gateway.smpp import codec
from gateway.smpp.constants import CommandStatus, Tag
from gateway.smpp.errors import PduError
from gateway.smpp.pdus import DataSm, DeliverSm
from gateway.smpp.receipt import Receipt
from tests.interworking.smpplib_client import Sequence
from tests.store.builders import a_message

SID = "SM" + "0" * 32
RECEIPT = (
    b"id:4a5b sub:001 dlvrd:001 submit date:2311142212 done date:2311142213 "
    b"stat:DELIVRD err:000 text:Hello"
)
HEADER = bytes.fromhex("0500032a0201")


def a_deliver_sm(short_message: bytes, esm_class: int = 0, **fields: Any) -> DeliverSm:
    values: dict[str, Any] = {
        "source_addr_ton": 1,
        "source_addr": "15005550009",
        "dest_addr_ton": 3,
        "destination_addr": "55501",
    }
    return DeliverSm(
        short_message=short_message,
        esm_class=esm_class,
        **(values | fields),
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
