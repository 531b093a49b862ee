"""Messages as submit_sm, and submit_sm as what a customer asks for."""

import random

import pytest
import smpplib.command
import smpplib.gsm
from hypothesis import given
from hypothesis import strategies as st

from gateway.interworking.submission import from_submit_sm
from gateway.interworking.submit_sm import parts, to_submit_sm
from gateway.message import Encoding, Message, Receipts
from gateway.smpp import codec
from gateway.text import udh
from gateway.text.segmentation import count
from tests.interworking.smpplib_client import Sequence
from tests.messaging.traffic_world import a_bind
from tests.store.builders import a_message

NOW = 1_700_000_000.0  # 2023-11-14 22:13:20 UTC
BIND = a_bind()
HEADER = bytes.fromhex("0500032a0201")
TEXT = st.text(
    st.sampled_from("abc €[]\n")
    | st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    min_size=1,
    max_size=800,
)


def a_text(body: str, concat_ref: int = 0x2A) -> Message:
    encoding, segments = count(body)
    return a_message(
        body=body, encoding=Encoding(encoding.value), segments=segments, concat_ref=concat_ref
    )


# Parts


def test_a_short_text_is_one_part_without_a_header() -> None:
    assert parts(a_text("hello")) == (b"hello",)


def test_a_long_text_has_the_parts_of_smpplib(monkeypatch: pytest.MonkeyPatch) -> None:
    """With text where smpplib does not split characters."""
    monkeypatch.setattr(random, "randint", lambda low, high: 0x2A)
    body = "Lorem ipsum dolor sit amet. " * 20
    foreign, _, _ = smpplib.gsm.make_parts(body)
    assert parts(a_text(body)) == tuple(foreign)


@given(TEXT, st.integers(0, 0xFFFF))
def test_gsm_13_parts_are_those_that_were_counted_and_join_to_the_text(body: str, ref: int) -> None:
    message = a_text(body, ref)
    made = parts(message)
    assert len(made) == message.segments
    if message.segments > 1:
        read = [udh.parse(part) for part in made]
        numbered = [udh.concatenation(elements) for elements, _ in read]
        assert [(each.ref, each.total, each.number) for each in numbered if each] == [
            (ref & 0xFF, len(made), number) for number in range(1, len(made) + 1)
        ]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (a_message(body="hi", udh=HEADER), HEADER + b"hi"),
        (a_message(body="hi", udh=HEADER, encoding=Encoding.UCS2), HEADER + b"\0h\0i"),
        (
            a_message(body="", udh=HEADER, octets=b"\xff", encoding=Encoding.BINARY),
            HEADER + b"\xff",
        ),
        (a_message(body="", octets=b"\x00\xff", encoding=Encoding.BINARY), b"\x00\xff"),
    ],
)
def test_what_a_customer_made_itself_goes_as_it_came(message: Message, expected: bytes) -> None:
    assert parts(message) == (expected,)


# Towards carriers


def test_submit_sm_has_the_octets_of_smpplib() -> None:
    foreign = smpplib.command.SubmitSM(
        "submit_sm",
        client=Sequence(9),
        source_addr_ton=1,
        source_addr_npi=1,
        source_addr="15005550006",
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr="15017122661",
        registered_delivery=1,
        data_coding=0,
        short_message=b"Your code is 123456.",
    )
    pdu = to_submit_sm(a_message(), b"Your code is 123456.", BIND, NOW)
    assert codec.encode(pdu, 9) == foreign.generate()


@pytest.mark.parametrize(("receipts", "flag"), [(True, 1), (False, 0)])
def test_receipts_are_asked_for_where_the_carrier_gives_them(receipts: bool, flag: int) -> None:
    """All of them, whatever the customer wants: routing learns from each."""
    message = a_message(receipts=Receipts.NONE)
    assert to_submit_sm(message, b"x", a_bind(receipts=receipts), NOW).registered_delivery == flag


@pytest.mark.parametrize(
    ("message", "esm_class"),
    [(a_text("x" * 160), 0), (a_text("x" * 161), 0x40), (a_message(udh=HEADER), 0x40)],
)
def test_udhi_is_set_where_a_header_is(message: Message, esm_class: int) -> None:
    assert to_submit_sm(message, parts(message)[0], BIND, NOW).esm_class == esm_class


@pytest.mark.parametrize(
    ("encoding", "data_coding"),
    [(Encoding.GSM_7BIT, 0), (Encoding.UCS2, 8), (Encoding.BINARY, 4)],
)
def test_data_coding_is_that_of_the_message(encoding: Encoding, data_coding: int) -> None:
    assert to_submit_sm(a_message(encoding=encoding), b"x", BIND, NOW).data_coding == data_coding


@given(TEXT)
def test_a_carrier_reads_what_the_customer_wrote(body: str) -> None:
    """Of one part; how parts join is the segmentation's affair."""
    message = a_text(body[:35])
    pdu = to_submit_sm(message, parts(message)[0], BIND, NOW)
    submission = from_submit_sm(pdu, NOW)
    assert submission.data.body == message.body
    assert (submission.sender, submission.recipient) == (message.sender, message.recipient)
