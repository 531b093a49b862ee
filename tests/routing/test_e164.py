"""Leading digits and prefixes."""

import pytest

from routing.e164 import leading_digits, longest_first


@pytest.mark.parametrize("address", ["+4915112345678", "+1", "+123456789012345"])
def test_digits_of_an_e164_number_are_what_follows_the_plus(address: str) -> None:
    assert leading_digits(address) == address[1:]


@pytest.mark.parametrize(
    "address",
    ["", "+", "55501", "DEMO", "4915112345678", "+0151", "+1234567890123456", "+1²", "+4 9"],
)
def test_other_addresses_have_no_digits(address: str) -> None:
    assert leading_digits(address) == ""


def test_prefixes_come_longest_first_and_end_with_the_empty_one() -> None:
    assert list(longest_first("491")) == ["491", "49", "4", ""]
