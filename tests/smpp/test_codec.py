"""PDUs to octets and back: vectors of a foreign stack, round trips, and every way to be wrong."""

import struct

import pytest
import smpplib.command
from hypothesis import given
from hypothesis import strategies as st

from gateway.smpp import codec
from gateway.smpp.constants import CommandId, CommandStatus, Tag
from gateway.smpp.errors import FieldError, PduError
from gateway.smpp.pdus import (
    PDUS,
    AlertNotification,
    BindTransceiver,
    BindTransceiverResp,
    DataSm,
    DeliverSm,
    DeliverSmResp,
    EnquireLink,
    Pdu,
    SubmitSm,
    SubmitSmResp,
)

HEADER_LENGTH = 16

latin1 = st.characters(codec="latin-1", exclude_characters="\0")
octets = st.integers(0, 255)
tlvs = st.dictionaries(st.integers(0, 0xFFFF), st.binary(max_size=300), max_size=4)


def text(size: int) -> st.SearchStrategy[str]:
    return st.text(latin1, max_size=size - 1)


submit_sms = st.builds(
    SubmitSm,
    service_type=text(6),
    source_addr_ton=octets,
    source_addr_npi=octets,
    source_addr=text(21),
    dest_addr_ton=octets,
    dest_addr_npi=octets,
    destination_addr=text(21),
    esm_class=octets,
    protocol_id=octets,
    priority_flag=octets,
    schedule_delivery_time=text(17),
    validity_period=text(17),
    registered_delivery=octets,
    replace_if_present_flag=octets,
    data_coding=octets,
    sm_default_msg_id=octets,
    short_message=st.binary(max_size=254),
    tlvs=tlvs,
)


# Of C-Octet strings, with the NUL, and what answers a longer one.
SIZES: dict[str, tuple[int, CommandStatus]] = {
    "system_id": (16, CommandStatus.ESME_RINVSYSID),
    "password": (9, CommandStatus.ESME_RINVPASWD),
    "system_type": (13, CommandStatus.ESME_RINVSYSTYP),
    "address_range": (41, CommandStatus.ESME_RBINDFAIL),
    "service_type": (6, CommandStatus.ESME_RINVSERTYP),
    "source_addr": (21, CommandStatus.ESME_RINVSRCADR),
    "destination_addr": (21, CommandStatus.ESME_RINVDSTADR),
    "esme_addr": (65, CommandStatus.ESME_RINVDSTADR),
    "schedule_delivery_time": (17, CommandStatus.ESME_RINVSCHED),
    "validity_period": (17, CommandStatus.ESME_RINVEXPIRY),
    "final_date": (17, CommandStatus.ESME_RQUERYFAIL),
    "message_id": (65, CommandStatus.ESME_RINVMSGID),
}
SIZE_IN: dict[tuple[type[Pdu], str], int] = {
    (DataSm, "source_addr"): 65,
    (DataSm, "destination_addr"): 65,
    (AlertNotification, "source_addr"): 65,
}


class Sequence:
    """What smpplib asks of its client: the next sequence_number."""

    def __init__(self, number: int) -> None:
        self.sequence = number

    def next_sequence(self) -> int:
        return self.sequence


def body_of(pdu: Pdu) -> bytes:
    return codec.encode(pdu, 1)[HEADER_LENGTH:]


def test_enquire_link_is_its_header() -> None:
    """The example of v3.4 §3.2.2, with our sequence_number."""
    assert codec.encode(EnquireLink(), 7) == bytes.fromhex("00000010 00000015 00000000 00000007")


def test_bind_transceiver_has_the_octets_of_smpplib() -> None:
    foreign = smpplib.command.BindTransceiver(
        "bind_transceiver",
        client=Sequence(5),
        system_id="SMPP3TEST",
        password="secret08",
        system_type="SUBMIT1",
        interface_version=0x34,
        addr_ton=1,
        addr_npi=1,
        address_range="555",
    )
    ours = BindTransceiver("SMPP3TEST", "secret08", "SUBMIT1", 0x34, 1, 1, "555")
    assert codec.encode(ours, 5) == foreign.generate()


def test_submit_sm_has_the_octets_of_smpplib() -> None:
    foreign = smpplib.command.SubmitSM(
        "submit_sm",
        client=Sequence(9),
        source_addr_ton=5,
        source_addr_npi=0,
        source_addr="DEMO",
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr="491701234567",
        esm_class=0x40,
        registered_delivery=1,
        data_coding=8,
        short_message=b"\x05\x00\x03\x2a\x02\x01\x00h\x00i",
        user_message_reference=77,
    )
    ours = SubmitSm(
        source_addr_ton=5,
        source_addr="DEMO",
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr="491701234567",
        esm_class=0x40,
        registered_delivery=1,
        data_coding=8,
        short_message=b"\x05\x00\x03\x2a\x02\x01\x00h\x00i",
        tlvs={Tag.USER_MESSAGE_REFERENCE: b"\x00\x4d"},
    )
    assert codec.encode(ours, 9) == foreign.generate()


def test_deliver_sm_of_smpplib_is_read() -> None:
    foreign = smpplib.command.DeliverSM(
        "deliver_sm",
        client=Sequence(3),
        source_addr="15005550009",
        destination_addr="15005550006",
        esm_class=4,
        short_message=b"id:1 stat:DELIVRD",
    )
    pdu = codec.decode(CommandId.DELIVER_SM, foreign.generate()[HEADER_LENGTH:])
    assert isinstance(pdu, DeliverSm)
    assert (pdu.source_addr, pdu.destination_addr) == ("15005550009", "15005550006")
    assert (pdu.esm_class, pdu.short_message) == (4, b"id:1 stat:DELIVRD")


@given(submit_sms)
def test_submit_sm_round_trips(pdu: SubmitSm) -> None:
    assert codec.decode(CommandId.SUBMIT_SM, body_of(pdu)) == pdu


@given(text(16), tlvs)
def test_bind_resp_round_trips(system_id: str, parameters: dict[int, bytes]) -> None:
    pdu = BindTransceiverResp(system_id, parameters)
    assert codec.decode(CommandId.BIND_TRANSCEIVER_RESP, body_of(pdu)) == pdu


@pytest.mark.parametrize("pdu_class", PDUS, ids=lambda pdu_class: pdu_class.__name__)
def test_every_pdu_has_a_codec(pdu_class: type[Pdu]) -> None:
    assert codec.decode(pdu_class.command_id, body_of(pdu_class())) == pdu_class()


def test_srv_18_error_response_of_ours_has_no_body() -> None:
    """v3.4 §4.4.2"""
    status = CommandStatus.ESME_RTHROTTLED
    assert codec.encode(SubmitSmResp("id"), 4, status) == struct.pack(
        ">IIII", 16, 0x80000004, 0x58, 4
    )


def test_srv_18_response_without_a_body_is_read() -> None:
    assert codec.decode(CommandId.DELIVER_SM_RESP, b"") == DeliverSmResp()


def test_srv_22_later_of_two_equal_tlvs_counts() -> None:
    twice = struct.pack(">HHBHHB", Tag.MESSAGE_STATE, 1, 1, Tag.MESSAGE_STATE, 1, 2)
    pdu = codec.decode(CommandId.SUBMIT_SM_RESP, b"id\0" + twice)
    assert isinstance(pdu, SubmitSmResp)
    assert pdu.tlvs == {Tag.MESSAGE_STATE: b"\x02"}


@pytest.mark.parametrize("pdu_class", PDUS, ids=lambda pdu_class: pdu_class.__name__)
def test_srv_12_longest_string_fits_and_one_more_octet_does_not(pdu_class: type[Pdu]) -> None:
    """The sizes are the specification's, NUL included (§4.1 to §4.12, §5.2)."""
    for name, (size, status) in SIZES.items():
        if name in pdu_class.__struct_fields__:
            size = SIZE_IN.get((pdu_class, name), size)
            text = "7" * (size - 1)
            body = body_of(pdu_class(**{name: text}))
            assert getattr(codec.decode(pdu_class.command_id, body), name) == text
            with pytest.raises(PduError) as error:
                codec.decode(pdu_class.command_id, body.replace(b"7\0", b"77\0", 1))
            assert error.value.status is status


@pytest.mark.parametrize("body", [b"7", b"7" * 64, b"7" * 65 + b"\0", b"\x80" * 70])
def test_srv_12_string_without_its_nul_is_not_read_over(body: bytes) -> None:
    with pytest.raises(PduError) as error:
        codec.decode(CommandId.SUBMIT_SM_RESP, body)
    assert error.value.status is CommandStatus.ESME_RINVMSGID


@pytest.mark.parametrize("cut", range(1, 32))
def test_srv_12_submit_sm_that_ends_too_soon_is_an_error(cut: int) -> None:
    body = body_of(SubmitSm(source_addr="15005550006", short_message=b"hi"))
    with pytest.raises(PduError):
        codec.decode(CommandId.SUBMIT_SM, body[:-cut])


def test_srv_19_short_message_past_the_end_is_rinvmsglen() -> None:
    body = body_of(SubmitSm(short_message=b"hello"))
    with pytest.raises(PduError) as error:
        codec.decode(CommandId.SUBMIT_SM, body[:-1])
    assert error.value.status is CommandStatus.ESME_RINVMSGLEN


@pytest.mark.parametrize("tail", [b"\x00", b"\x02\x04\x00", b"\x02\x04\x00\x05\x01"])
def test_srv_22_broken_tlv_is_rinvoptparstream(tail: bytes) -> None:
    with pytest.raises(PduError) as error:
        codec.decode(CommandId.SUBMIT_SM, body_of(SubmitSm()) + tail)
    assert error.value.status is CommandStatus.ESME_RINVOPTPARSTREAM


def test_srv_22_unknown_tlv_is_kept() -> None:
    pdu = SubmitSm(tlvs={0x1401: b"vendor"})
    assert codec.decode(CommandId.SUBMIT_SM, body_of(pdu)) == pdu


def test_srv_22_so_many_tlvs_are_read_and_no_more() -> None:
    empty = b"".join(struct.pack(">HH", tag, 0) for tag in range(codec.TLVS_MAX + 1))
    pdu = codec.decode(CommandId.SUBMIT_SM, body_of(SubmitSm()) + empty[:-4])
    assert isinstance(pdu, SubmitSm)
    assert len(pdu.tlvs) == codec.TLVS_MAX
    with pytest.raises(PduError) as error:
        codec.decode(CommandId.SUBMIT_SM, body_of(SubmitSm()) + empty)
    assert error.value.status is CommandStatus.ESME_RINVOPTPARSTREAM


WITHOUT_TLVS = [pdu_class for pdu_class in PDUS if "tlvs" not in pdu_class.__struct_fields__]


@pytest.mark.parametrize("pdu_class", WITHOUT_TLVS, ids=lambda pdu_class: pdu_class.__name__)
def test_srv_22_tlvs_where_5_0_allows_them_and_3_4_does_not_are_read_over(
    pdu_class: type[Pdu],
) -> None:
    """5.0 §3.2.1.6: a bind or an unbind may have some too."""
    tlvs = struct.pack(">HHBHH", 0x1400, 1, 7, 0x1401, 0)
    assert codec.decode(pdu_class.command_id, body_of(pdu_class()) + tlvs) == pdu_class()


@pytest.mark.parametrize("pdu_class", PDUS, ids=lambda pdu_class: pdu_class.__name__)
def test_srv_22_what_is_no_tlv_behind_the_fields_is_rinvoptparstream(pdu_class: type[Pdu]) -> None:
    with pytest.raises(PduError) as error:
        codec.decode(pdu_class.command_id, body_of(pdu_class()) + b"\xff\xff\xff")
    assert error.value.status is CommandStatus.ESME_RINVOPTPARSTREAM


def test_srv_22_response_with_broken_tlvs_is_still_an_answer() -> None:
    """Nobody can ask for it again, and its message_id may be all that a receipt will have."""
    with pytest.raises(PduError) as error:
        codec.decode(CommandId.SUBMIT_SM_RESP, b"4F1A\0" + b"\x04\x24\x00")
    assert error.value.pdu == SubmitSmResp("4F1A")


def test_srv_19_we_read_the_255_octets_of_5_0_and_write_the_254_of_3_4() -> None:
    body = body_of(SubmitSm(short_message=b"x" * 254))
    longer = body.replace(b"\xfe" + b"x" * 254, b"\xff" + b"x" * 255)
    pdu = codec.decode(CommandId.SUBMIT_SM, longer)
    assert isinstance(pdu, SubmitSm)
    assert len(pdu.short_message) == 255


@pytest.mark.parametrize("size", [0, 254, 255, 65_535])
def test_srv_19_message_payload_is_read_in_any_size(size: int) -> None:
    payload = bytes(size)
    octets = struct.pack(">HH", Tag.MESSAGE_PAYLOAD, size) + payload
    pdu = codec.decode(CommandId.SUBMIT_SM, body_of(SubmitSm()) + octets)
    assert isinstance(pdu, SubmitSm)
    assert (pdu.short_message, pdu.tlvs) == (b"", {Tag.MESSAGE_PAYLOAD: payload})


@pytest.mark.parametrize("value", [7, 0x7F, 0xFF])
def test_srv_13_reserved_values_are_read_as_they_are(value: int) -> None:
    """Nothing in the codec refuses a TON, NPI or data_coding that nobody has defined (§3.3)."""
    pdu = SubmitSm(
        source_addr_ton=value,
        source_addr_npi=value,
        dest_addr_ton=value,
        dest_addr_npi=value,
        esm_class=value,
        protocol_id=value,
        priority_flag=value,
        registered_delivery=value,
        replace_if_present_flag=value,
        data_coding=value,
        sm_default_msg_id=value,
    )
    assert codec.decode(CommandId.SUBMIT_SM, body_of(pdu)) == pdu


def test_srv_13_integers_are_big_endian() -> None:
    """§3.1; submit_sm_resp as v3.4 has its header, sequence_number 0x01020304."""
    octets = codec.encode(SubmitSmResp("1"), 0x01020304)
    assert octets == bytes.fromhex("00000012 80000004 00000000 01020304 3100")


def test_srv_3_unknown_command_is_rinvcmdid() -> None:
    with pytest.raises(PduError) as error:
        codec.decode(0x99, b"")
    assert error.value.status is CommandStatus.ESME_RINVCMDID


@given(st.sampled_from(PDUS), st.binary(max_size=400))
def test_any_octets_are_a_pdu_or_a_pdu_error(pdu_class: type[Pdu], body: bytes) -> None:
    try:
        codec.decode(pdu_class.command_id, body)
    except PduError:
        return


@pytest.mark.parametrize(
    "pdu",
    [
        SubmitSm(source_addr="1" * 21),
        SubmitSm(source_addr="1\0002"),
        SubmitSm(source_addr="Привет"),
        SubmitSm(short_message=b"x" * 255),
        SubmitSm(esm_class=256),
        SubmitSm(tlvs={Tag.MESSAGE_PAYLOAD: b"x" * 65_536}),
    ],
    ids=["too long", "NUL", "not Latin-1", "short_message", "integer", "TLV"],
)
def test_value_of_ours_that_does_not_fit_is_a_field_error(pdu: SubmitSm) -> None:
    with pytest.raises(FieldError):
        codec.encode(pdu, 1)
