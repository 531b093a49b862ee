"""How carriers write their ids, and what is learnt of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.dialect import IdFormat
from gateway.messaging.carrier_ids import (
    DIGITS_ENOUGH,
    VOTES,
    WIDTHS_MAX,
    CarrierIds,
    Reading,
)

AUTO, EXACT, HEX, DECIMAL = IdFormat.AUTO, IdFormat.EXACT, IdFormat.HEX, IdFormat.DECIMAL


def auto() -> CarrierIds:
    return CarrierIds(AUTO, AUTO)


@pytest.mark.parametrize(
    ("response", "receipt", "reading"),
    [
        (EXACT, EXACT, Reading.SAME),
        (HEX, DECIMAL, Reading.DECIMAL_OF_HEX),
        (DECIMAL, HEX, Reading.HEX_OF_DECIMAL),
        (HEX, HEX, Reading.SAME_NUMBER),
        (DECIMAL, DECIMAL, Reading.SAME_NUMBER),
        (AUTO, AUTO, None),
    ],
)
def test_rcp_2_what_the_configuration_says_is_known(
    response: IdFormat, receipt: IdFormat, reading: Reading | None
) -> None:
    assert CarrierIds(response, receipt).reading is reading


def test_rcp_2_an_id_has_a_reading_in_each_format() -> None:
    assert auto().readings("10") == {
        Reading.SAME: ("10",),
        Reading.SAME_NUMBER: ("10",),
        Reading.SUFFIX: ("10-1", "10/1"),
        Reading.DECIMAL_OF_HEX: ("a", "A"),
        Reading.HEX_OF_DECIMAL: ("16",),
    }


@pytest.mark.parametrize("receipt_id", ["5e0f6f9c-1f2c-4d63-9a41-0c6b5c8a1d2e", "smsc:77", "xyz"])
def test_rcp_2_an_id_that_is_no_number_has_no_reading_as_one(receipt_id: str) -> None:
    assert set(auto().readings(receipt_id)) == {Reading.SAME, Reading.SUFFIX}


@pytest.mark.parametrize(
    ("receipt_id", "reading", "response_id"),
    [
        ("000077", Reading.SAME_NUMBER, "77"),
        ("4A5B", Reading.SAME_NUMBER, "4a5b"),
        ("77-1", Reading.SUFFIX, "77"),
        ("77/12", Reading.SUFFIX, "77"),
        ("19035", Reading.DECIMAL_OF_HEX, "4A5B"),
        ("0000019035", Reading.DECIMAL_OF_HEX, "4a5b"),
        ("4A5B", Reading.HEX_OF_DECIMAL, "19035"),
    ],
)
def test_rcp_2_real_shapes_are_among_the_readings(
    receipt_id: str, reading: Reading, response_id: str
) -> None:
    assert response_id in auto().readings(receipt_id)[reading]


def test_rcp_2_zeros_are_filled_in_as_the_carrier_does() -> None:
    ids = CarrierIds(HEX, DECIMAL)
    ids.note_response("00001F2C")
    assert "00004A5B" in ids.readings("19035")[Reading.DECIMAL_OF_HEX]


def test_only_so_many_lengths_are_kept() -> None:
    ids = CarrierIds(HEX, DECIMAL)
    for length in range(2, 21):
        ids.note_response("0" * length)
    assert len(ids.readings("7")[Reading.DECIMAL_OF_HEX]) == 1 + WIDTHS_MAX


def test_rcp_2_letters_settle_it_at_once() -> None:
    ids = auto()
    assert ids.learn(Reading.DECIMAL_OF_HEX, "4a5b", "19035")
    assert ids.reading is Reading.DECIMAL_OF_HEX


def test_rcp_2_digits_settle_it_by_votes() -> None:
    ids = auto()
    learnt = [ids.learn(Reading.SAME, str(number), str(number)) for number in range(VOTES)]
    assert learnt == [False] * (VOTES - 1) + [True]
    assert ids.reading is Reading.SAME


def test_rcp_2_votes_that_contradict_each_other_settle_nothing() -> None:
    ids = auto()
    for number in range(10):
        ids.learn(Reading.SAME, str(number), str(number))
        ids.learn(Reading.HEX_OF_DECIMAL, str(number), str(number))
        if number < 1:
            assert ids.reading is None
    assert ids.reading is None


def test_what_is_known_is_not_learnt_again() -> None:
    ids = CarrierIds(EXACT, EXACT)
    assert not ids.learn(Reading.DECIMAL_OF_HEX, "4a5b", "19035")
    assert ids.reading is Reading.SAME


@pytest.mark.parametrize("formats", [(HEX, DECIMAL), (DECIMAL, HEX), (HEX, HEX), (EXACT, EXACT)])
@given(number=st.integers(0, 2**63))
def test_rcp_4_an_early_receipt_waits_where_its_response_looks(
    formats: tuple[IdFormat, IdFormat], number: int
) -> None:
    ids = CarrierIds(*formats)
    written = {HEX: f"{number:X}", DECIMAL: str(number), EXACT: str(number)}
    response_id, receipt_id = (written[one] for one in formats)
    assert ids.common(receipt_id) == ids.common_of_response(response_id)


# By the ids themselves


def seen(responses: str, receipts: str) -> CarrierIds:
    """After DIGITS_ENOUGH ids of each side: in "hex" one of them has a letter."""
    ids = auto()
    for number in range(1, DIGITS_ENOUGH + 1):
        ids.note_response(f"{number}" if responses == "decimal" or number > 1 else "a1")
        ids.note_receipt(f"{number}" if receipts == "decimal" or number > 1 else "a1")
    return ids


@pytest.mark.parametrize(
    ("responses", "receipts", "reading"),
    [
        ("hex", "decimal", Reading.DECIMAL_OF_HEX),
        ("decimal", "hex", Reading.HEX_OF_DECIMAL),
        ("hex", "hex", None),
        ("decimal", "decimal", None),
    ],
)
def test_rcp_2_letters_on_one_side_alone_settle_it(
    responses: str, receipts: str, reading: Reading | None
) -> None:
    assert seen(responses, receipts).reading is reading


@pytest.mark.parametrize("both", ["hex", "decimal"])
def test_rcp_2_sides_that_look_alike_are_no_conversion(both: str) -> None:
    assert set(seen(both, both).readings("10")) == {
        Reading.SAME,
        Reading.SAME_NUMBER,
        Reading.SUFFIX,
    }
