import pytest

from carriers_sim.dlr_schedule import PlannedReceipt, ReceiptBehaviour, ReceiptForm
from carriers_sim.receipt_pdu import Receipt, pdu
from gateway.smpp.constants import EsmClass, Tag
from gateway.smpp.pdus import DeliverSm
from tests.carriers_sim.customer import submit_sm

SUBMITTED_AT = 1_700_000_000.0  # 2023-11-14 22:13:20 UTC


def receipt(
    stat: str = "DELIVRD",
    err: str = "000",
    form: ReceiptForm = ReceiptForm.BOTH,
    text: bytes = b"hello",
) -> DeliverSm:
    planned = PlannedReceipt(stat, err, 1.0, ReceiptBehaviour(form=form))
    made = pdu(Receipt(submit_sm(), "42", planned, SUBMITTED_AT, text), SUBMITTED_AT + 3600)
    assert isinstance(made, DeliverSm)
    return made


def test_addresses_are_swapped() -> None:
    made = receipt()
    assert (made.source_addr, made.destination_addr) == ("15005551234", "15005550006")


def test_the_text_has_the_shape_of_appendix_b() -> None:
    assert receipt().short_message == (
        b"id:42 sub:001 dlvrd:001 submit date:2311142213 done date:2311142313 "
        b"stat:DELIVRD err:000 text:hello"
    )


def test_the_text_of_the_message_is_cut_at_20_characters() -> None:
    assert receipt(text=b"a" * 30).short_message.endswith(b"text:" + b"a" * 20)


def test_nothing_was_delivered_of_a_failed_message() -> None:
    assert b"dlvrd:000" in receipt("UNDELIV", "001").short_message


@pytest.mark.parametrize(
    ("stat", "state"),
    [("DELIVRD", 2), ("EXPIRED", 3), ("DELETED", 4), ("UNDELIV", 5), ("ACCEPTD", 6)],
)
def test_the_state_tlv_says_what_the_text_says(stat: str, state: int) -> None:
    assert receipt(stat).tlvs[Tag.MESSAGE_STATE] == bytes([state])


def test_the_id_tlv_ends_with_nul() -> None:
    assert receipt().tlvs[Tag.RECEIPTED_MESSAGE_ID] == b"42\0"


@pytest.mark.parametrize(
    ("err", "code"), [("000", None), ("001", b"\3\0\1"), ("0AB", None), ("300", b"\3\1\x2c")]
)
def test_a_numeric_err_is_the_network_error_code(err: str, code: bytes | None) -> None:
    assert receipt("UNDELIV", err).tlvs.get(Tag.NETWORK_ERROR_CODE) == code


def test_the_text_form_has_no_tlvs() -> None:
    assert receipt(form=ReceiptForm.TEXT).tlvs == {}


def test_the_tlv_form_has_no_text() -> None:
    assert receipt(form=ReceiptForm.TLV).short_message == b""


@pytest.mark.parametrize(
    ("stat", "esm_class"),
    [
        ("DELIVRD", EsmClass.DELIVERY_RECEIPT),
        ("ENROUTE", EsmClass.INTERMEDIATE_NOTIFICATION),
    ],
)
def test_esm_class_says_what_it_is(stat: str, esm_class: EsmClass) -> None:
    assert receipt(stat).esm_class == esm_class
