"""Our octets in smpplib's eyes, and its octets in ours."""

# smpplib ships no py.typed, so its classes are Any to mypy.
# mypy: disable-error-code="import-untyped, misc"

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smpplib import smpp

from gateway.smpp.codec import decode, encode
from gateway.smpp.constants import HEADER_LENGTH, CommandId, Tag
from gateway.smpp.pdus import DeliverSm, SubmitSm

pytestmark = pytest.mark.interop

SEQUENCE_NUMBER = 0x0123_4567

octet = st.integers(0, 255)
digits = st.text("0123456789", min_size=1, max_size=20)
addresses = {"source_addr": digits, "destination_addr": digits}
numbers = {
    name: octet
    for name in (
        "source_addr_ton",
        "source_addr_npi",
        "dest_addr_ton",
        "dest_addr_npi",
        "esm_class",
        "protocol_id",
        "priority_flag",
        "registered_delivery",
        "replace_if_present_flag",
        "data_coding",
        "sm_default_msg_id",
    )
}
message_fields = st.fixed_dictionaries(
    {**addresses, **numbers, "short_message": st.binary(min_size=1, max_size=254)}
)


class Client:
    """What smpplib asks of its client: the next sequence_number."""

    sequence = SEQUENCE_NUMBER

    def next_sequence(self) -> int:
        return self.sequence


def as_text(value: object) -> object:
    """smpplib gives octets for C-octet strings, except for those that have stayed empty."""
    return value.decode("ascii") if isinstance(value, bytes) else value


@given(message_fields)
def test_smpplib_reads_our_submit_sm(fields: dict[str, Any]) -> None:
    octets = encode(SubmitSm(**fields), SEQUENCE_NUMBER)

    read = smpp.parse_pdu(octets, client=Client(), allow_unknown_opt_params=True)

    assert (read.command, read.sequence, read.length) == ("submit_sm", SEQUENCE_NUMBER, len(octets))
    assert read.short_message == fields["short_message"]
    assert {name: getattr(read, name) for name in numbers} == {
        name: fields[name] for name in numbers
    }
    assert {name: as_text(getattr(read, name)) for name in addresses} == {
        name: fields[name] for name in addresses
    }


@given(message_fields)
def test_we_read_smpplibs_submit_sm(fields: dict[str, Any]) -> None:
    octets = smpp.make_pdu("submit_sm", client=Client(), **fields).generate()

    assert decode(CommandId.SUBMIT_SM, octets[HEADER_LENGTH:]) == SubmitSm(**fields)


@given(message_fields)
def test_both_write_the_same_submit_sm(fields: dict[str, Any]) -> None:
    theirs = smpp.make_pdu("submit_sm", client=Client(), **fields).generate()

    assert encode(SubmitSm(**fields), SEQUENCE_NUMBER) == theirs


@given(message_id=st.text("0123456789abcdef", min_size=1, max_size=64), state=st.integers(0, 8))
def test_smpplib_reads_the_tlvs_of_our_receipt(message_id: str, state: int) -> None:
    receipt = DeliverSm(
        tlvs={
            Tag.RECEIPTED_MESSAGE_ID: message_id.encode() + b"\0",
            Tag.MESSAGE_STATE: bytes([state]),
        }
    )

    read = smpp.parse_pdu(encode(receipt, 1), client=Client(), allow_unknown_opt_params=True)

    assert (read.receipted_message_id, read.message_state) == (message_id.encode(), state)
