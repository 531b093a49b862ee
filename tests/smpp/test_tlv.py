"""What TLVs say, and the answer to those of a wrong length."""

import pytest
import smpplib.command
from hypothesis import given
from hypothesis import strategies as st

from gateway.smpp import codec, tlv
from gateway.smpp.constants import CommandId, CommandStatus, Tag
from gateway.smpp.errors import PduError
from gateway.smpp.pdus import DataSm
from gateway.smpp.tlv import NetworkErrorCode, Sar

FIXED = [(tag, least) for tag, (least, most) in tlv.LENGTHS.items() if least == most]
SAR: dict[int, bytes] = {
    Tag.SAR_MSG_REF_NUM: b"\x01\x02",
    Tag.SAR_TOTAL_SEGMENTS: b"\x03",
    Tag.SAR_SEGMENT_SEQNUM: b"\x02",
}


def test_srv_22_every_tag_has_its_length() -> None:
    assert set(tlv.LENGTHS) == set(Tag)


@pytest.mark.parametrize(("tag", "length"), FIXED, ids=[tag.name for tag, _ in FIXED])
def test_srv_22_another_length_than_the_specifications_is_rinvparlen(tag: Tag, length: int) -> None:
    assert tlv.integer({tag: bytes(length)}, tag) == 0
    for wrong in (length - 1, length + 1):
        with pytest.raises(PduError) as error:
            tlv.integer({tag: bytes(wrong)}, tag)
        assert error.value.status is CommandStatus.ESME_RINVPARLEN


@pytest.mark.parametrize("length", [3, 20])
def test_srv_22_length_outside_of_a_range_is_rinvparlen(length: int) -> None:
    with pytest.raises(PduError) as error:
        tlv.octets({Tag.CALLBACK_NUM: bytes(length)}, Tag.CALLBACK_NUM)
    assert error.value.status is CommandStatus.ESME_RINVPARLEN


def test_srv_22_tag_that_is_not_there_is_none() -> None:
    assert tlv.octets({}, Tag.MESSAGE_PAYLOAD) is None
    assert tlv.integer({}, Tag.MESSAGE_STATE) is None
    assert tlv.text({}, Tag.RECEIPTED_MESSAGE_ID) is None
    assert tlv.network_error_code({}) is None
    assert tlv.sar({}) is None


def test_rcp_2_receipted_message_id_is_read_with_and_without_its_nul() -> None:
    for value in (b"4F1A\0", b"4F1A"):
        assert tlv.text({Tag.RECEIPTED_MESSAGE_ID: value}, Tag.RECEIPTED_MESSAGE_ID) == "4F1A"


def test_rcp_2_network_error_code_is_a_network_and_its_error() -> None:
    read = tlv.network_error_code({Tag.NETWORK_ERROR_CODE: b"\x03\x01\x02"})
    assert read == NetworkErrorCode(3, 0x0102)


def test_srv_21_sar_is_read_as_a_set() -> None:
    assert tlv.sar(SAR) == Sar(0x0102, 3, 2)


@pytest.mark.parametrize("missing", SAR)
def test_srv_21_partial_sar_is_none(missing: int) -> None:
    assert tlv.sar({tag: value for tag, value in SAR.items() if tag != missing}) is None


@pytest.mark.parametrize(("number", "total"), [(0, 3), (4, 3), (0, 0), (1, 0)])
def test_srv_21_sar_out_of_its_range_is_none(number: int, total: int) -> None:
    out: dict[int, bytes] = {
        Tag.SAR_SEGMENT_SEQNUM: bytes([number]),
        Tag.SAR_TOTAL_SEGMENTS: bytes([total]),
    }
    assert tlv.sar(SAR | out) is None


@pytest.mark.parametrize("tag", SAR)
def test_srv_21_sar_of_a_wrong_length_is_rinvparlen(tag: int) -> None:
    with pytest.raises(PduError) as error:
        tlv.sar(SAR | {tag: b"\x00\x00\x01"})
    assert error.value.status is CommandStatus.ESME_RINVPARLEN


@given(st.integers(0, 0xFFFF), st.integers(0, 9))
def test_srv_22_values_of_a_foreign_stack_are_read(reference: int, state: int) -> None:
    class Numbers:
        def next_sequence(self) -> int:
            return 1

    foreign = smpplib.command.DataSM(
        "data_sm",
        client=Numbers(),
        user_message_reference=reference,
        message_state=state,
    )
    pdu = codec.decode(CommandId.DATA_SM, foreign.generate()[16:])
    assert isinstance(pdu, DataSm)
    assert tlv.integer(pdu.tlvs, Tag.USER_MESSAGE_REFERENCE) == reference
    assert tlv.integer(pdu.tlvs, Tag.MESSAGE_STATE) == state


@pytest.mark.parametrize(
    ("load", "state"),
    [(-1, 0), (0, 0), (0.001, 1), (0.29, 29), (0.5, 50), (0.999, 99), (1, 100), (7.5, 100)],
)
def test_srv_29_congestion_state_is_a_hundredth_of_the_load(load: float, state: int) -> None:
    """5.0 §4.8.4.18: 0 is idle and 100 congested; neither is said of what is between."""
    assert tlv.congestion_state(load) == state
