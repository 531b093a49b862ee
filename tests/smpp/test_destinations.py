"""The two lists of submit_multi (SMPP v3.4 §4.5): octets, and every way to be wrong."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.smpp import codec
from gateway.smpp.constants import CommandId, CommandStatus
from gateway.smpp.destinations import DESTINATIONS_MAX, UNSUCCESSFUL_MAX
from gateway.smpp.errors import FieldError, PduError
from gateway.smpp.pdus import (
    DistributionList,
    SmeAddress,
    SubmitMulti,
    SubmitMultiResp,
    UnsuccessfulSme,
)

octets = st.integers(0, 255)
addresses = st.text(st.characters(codec="latin-1", exclude_characters="\0"), max_size=20)
destinations = st.one_of(
    st.builds(SmeAddress, ton=octets, npi=octets, addr=addresses),
    st.builds(DistributionList, name=addresses),
)
unsuccessful = st.builds(
    UnsuccessfulSme,
    ton=octets,
    npi=octets,
    addr=addresses,
    error_status_code=st.integers(0, 2**32 - 1),
)
# service_type and source, one list and one address, and the fields behind, all 0.
HEAD = b"\0" + b"\0\0\0"
TAIL = b"\0" * 3 + b"\0\0" + b"\0" * 4 + b"\0"


def test_srv_28_both_kinds_of_destination_are_read() -> None:
    """By hand, as the tables of §4.5.1 have it."""
    dests = b"\x02" + b"\x01\x01\x01" + b"491701234567\0" + b"\x02" + b"friends\0"
    pdu = codec.decode(CommandId.SUBMIT_MULTI, HEAD + dests + TAIL)
    assert isinstance(pdu, SubmitMulti)
    assert pdu.dest_addresses == (SmeAddress(1, 1, "491701234567"), DistributionList("friends"))


def test_srv_28_response_names_whom_the_message_did_not_reach() -> None:
    """By hand, as the table of §4.5.2 has it."""
    body = b"4F1A\0" + b"\x01" + b"\x01\x01" + b"491701234567\0" + b"\0\0\0\x0b"
    pdu = codec.decode(CommandId.SUBMIT_MULTI_RESP, body)
    assert isinstance(pdu, SubmitMultiResp)
    assert pdu.message_id == "4F1A"
    assert pdu.unsuccess_sme == (
        UnsuccessfulSme(1, 1, "491701234567", CommandStatus.ESME_RINVDSTADR),
    )


@given(st.lists(destinations, min_size=1, max_size=9))
@example([SmeAddress(1, 1, "491701234567")] * DESTINATIONS_MAX)
def test_srv_28_destinations_round_trip(dests: list[SmeAddress | DistributionList]) -> None:
    pdu = SubmitMulti(dest_addresses=tuple(dests), short_message=b"hi")
    assert codec.decode(CommandId.SUBMIT_MULTI, codec.encode(pdu, 1)[16:]) == pdu


@given(st.lists(unsuccessful, max_size=9))
@example([UnsuccessfulSme(1, 1, "491701234567", 0x0B)] * UNSUCCESSFUL_MAX)
def test_srv_28_unsuccessful_destinations_round_trip(smes: list[UnsuccessfulSme]) -> None:
    pdu = SubmitMultiResp("4F1A", tuple(smes))
    assert codec.decode(CommandId.SUBMIT_MULTI_RESP, codec.encode(pdu, 1)[16:]) == pdu


@pytest.mark.parametrize(
    ("dests", "status"),
    [
        (b"\x00", CommandStatus.ESME_RINVNUMDESTS),
        (b"\xff" + b"\x02a\0" * 255, CommandStatus.ESME_RINVNUMDESTS),
        (b"\x01\x00\x01\x01" + b"1\0", CommandStatus.ESME_RINVDESTFLAG),
        (b"\x01\x03\x01\x01" + b"1\0", CommandStatus.ESME_RINVDESTFLAG),
        (b"\x01\x01\x01\x01" + b"1" * 21 + b"\0", CommandStatus.ESME_RINVDSTADR),
        (b"\x01\x02" + b"x" * 21 + b"\0", CommandStatus.ESME_RINVDLNAME),
    ],
)
def test_srv_28_bad_destinations_have_their_status(dests: bytes, status: CommandStatus) -> None:
    with pytest.raises(PduError) as error:
        codec.decode(CommandId.SUBMIT_MULTI, HEAD + dests + TAIL)
    assert error.value.status is status


@pytest.mark.parametrize("cut", range(1, 22))
def test_srv_28_list_that_ends_too_soon_is_an_error(cut: int) -> None:
    body = HEAD + b"\x02" + b"\x01\x01\x01" + b"4917012345\0" + b"\x02" + b"all\0"
    with pytest.raises(PduError):
        codec.decode(CommandId.SUBMIT_MULTI, body[:-cut])


@pytest.mark.parametrize("cut", range(1, 16))
def test_srv_28_response_that_ends_too_soon_is_an_error(cut: int) -> None:
    body = b"4F1A\0" + b"\x01" + b"\x01\x01" + b"4917012\0" + b"\0\0\0\x0b"
    with pytest.raises(PduError):
        codec.decode(CommandId.SUBMIT_MULTI_RESP, body[:-cut])


@pytest.mark.parametrize(
    "pdu",
    [
        SubmitMulti(dest_addresses=()),
        SubmitMulti(dest_addresses=(DistributionList("a"),) * 255),
        SubmitMulti(dest_addresses=(SmeAddress(1, 1, "1" * 21),)),
        SubmitMulti(dest_addresses=(SmeAddress(256, 1, "1"),)),
        SubmitMulti(dest_addresses=(DistributionList("a\0b"),)),
        SubmitMultiResp("1", (UnsuccessfulSme(1, 1, "1", 0),) * 256),
        SubmitMultiResp("1", (UnsuccessfulSme(1, 1, "1", 1 << 32),)),
    ],
)
def test_srv_28_lists_of_ours_that_do_not_fit_are_field_errors(
    pdu: SubmitMulti | SubmitMultiResp,
) -> None:
    with pytest.raises(FieldError):
        codec.encode(pdu, 1)
