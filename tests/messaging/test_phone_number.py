"""Numbers and sender ids as customers write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneMetadata

from gateway.messaging.phone_number import ONE_RANGE, PhoneNumber, normalize_sender, parse


@pytest.mark.parametrize(
    ("text", "e164", "country"),
    [
        ("+15005550006", "+15005550006", "US"),
        ("+15005550009", "+15005550009", "US"),
        ("+12125550143", "+12125550143", "US"),
        ("+15551234567", "+15551234567", "US"),
        ("+18005550100", "+18005550100", "US"),
        ("+447700900123", "+447700900123", "GB"),
        ("+88213123456", "+88213123456", "001"),
    ],
)
def test_a_fictional_or_unlisted_number_is_accepted(text: str, e164: str, country: str) -> None:
    assert parse(text) == PhoneNumber(e164, country, mobile_capable=True)


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("+14155552671", "US"),
        ("+14165550123", "CA"),
        ("+17872345678", "PR"),
        ("+18765550123", "JM"),
        ("+4915112345678", "DE"),
        ("+77012345678", "KZ"),
    ],
)
def test_a_country_code_that_several_countries_share_is_told_apart(text: str, country: str) -> None:
    number = parse(text)
    assert number is not None
    assert number.country == country


@pytest.mark.parametrize(
    "text", ["+1 (415) 555-2671", " +1-415-555-2671 ", "+1.415.555.2671", "+1 415 555 2671"]
)
def test_separators_are_dropped(text: str) -> None:
    assert parse(text) == parse("+14155552671")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "+",
        "+1",
        "+123",
        "14155552671",
        "4155552671",
        "+0014155552671",
        "+1415555267",
        "+141555526711",
        "+12530000",
        "+999123456789",
        "+12345678901234567",
        "+1800FLOWERS",
        "+14155552671;ext=5",
        "tel:+14155552671",
        "++14155552671",
        "+1415555267\N{FULLWIDTH DIGIT THREE}",
        "+14155552671" + " " * 40,
        "DEMO",
    ],
)
def test_an_impossible_number_is_none(text: str) -> None:
    assert parse(text) is None


def test_a_number_that_only_its_own_area_can_dial_is_none() -> None:
    assert parse("+15551234") is None


def test_a_trunk_zero_in_an_international_number_is_dropped() -> None:
    number = parse("+44 (0)7911 123456")
    assert number is not None
    assert number.e164 == "+447911123456"


@pytest.mark.parametrize("text", ["+442079460000", "+4930123456", "+33145678901", "+390612345678"])
def test_a_number_in_a_range_of_landlines_cannot_receive_messages(text: str) -> None:
    number = parse(text)
    assert number is not None
    assert not number.mobile_capable


@pytest.mark.parametrize("text", ["+14155552671", "+33612345678", "+498001234567"])
def test_a_number_that_may_be_a_mobile_can_receive_messages(text: str) -> None:
    number = parse(text)
    assert number is not None
    assert number.mobile_capable


@given(st.text(max_size=40) | st.from_regex(r"\+[0-9 ()-]{1,20}", fullmatch=True))
def test_what_was_parsed_parses_to_itself(text: str) -> None:
    number = parse(text)
    assert number is None or parse(number.e164) == number


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("+15005550006", "+15005550006"),
        ("+1 (500) 555-0006", "+15005550006"),
        ("55501", "55501"),
        ("123", "123"),
        (" 12345678 ", "12345678"),
        ("DEMO", "DEMO"),
        ("A", "A"),
        ("Bank 24 - UK", None),
        ("Bank 24-UK", "Bank 24-UK"),
        ("A&B_c.d+e", "A&B_c.d+e"),
        ("ABCDEFGHIJK", "ABCDEFGHIJK"),
        ("ABCDEFGHIJKL", None),
        ("12", None),
        ("123456789", None),
        ("15005550006", None),
        ("+1500555", None),
        ("+DEMO", None),
        ("12 34", None),
        ("Müller", None),
        ("DE\nMO", None),
        ("\N{ARABIC-INDIC DIGIT ONE}" * 5, None),
        ("", None),
    ],
)
def test_a_sender_is_a_number_a_short_code_or_a_name(text: str, address: str | None) -> None:
    assert normalize_sender(text) == address


@given(st.text(max_size=20))
def test_a_normalized_sender_is_normal(text: str) -> None:
    address = normalize_sender(text)
    assert address is None or normalize_sender(address) == address


@pytest.mark.parametrize("country", sorted(ONE_RANGE))
def test_where_ranges_are_shared_the_plan_knows_no_landlines(country: str) -> None:
    metadata = PhoneMetadata.metadata_for_region(country)
    assert metadata is not None
    assert metadata.fixed_line == metadata.mobile
