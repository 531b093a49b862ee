"""Addresses of messages against TON and NPI."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.interworking.addresses import SmppAddress, from_smpp, to_smpp

E164 = st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True)
SHORT_CODES = st.from_regex(r"[0-9]{3,8}", fullmatch=True)
NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9 &._-]{0,10}", fullmatch=True)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("+15005550006", (1, 1, "15005550006")),
        ("55501", (3, 0, "55501")),
        ("DEMO", (5, 0, "DEMO")),
        ("7-Eleven", (5, 0, "7-Eleven")),
        ("²³", (5, 0, "²³")),
    ],
)
def test_an_address_has_the_ton_and_npi_of_its_form(
    address: str, expected: tuple[int, int, str]
) -> None:
    assert to_smpp(address) == SmppAddress(*expected)


@given(E164 | SHORT_CODES | NAMES)
def test_an_address_comes_back_as_it_went(address: str) -> None:
    ton, _, addr = to_smpp(address)
    assert from_smpp(ton, addr) == address


@pytest.mark.parametrize("ton", [0, 1, 2, 3, 4, 6, 7, 255])
@pytest.mark.parametrize("addr", ["15005550009", "+15005550009", "0015005550009"])
def test_long_digits_are_e164_whatever_their_ton(ton: int, addr: str) -> None:
    assert from_smpp(ton, addr) == "+15005550009"


@pytest.mark.parametrize("ton", [0, 2, 3, 4, 6])
def test_short_digits_are_a_short_code_unless_they_are_international(ton: int) -> None:
    assert from_smpp(ton, "55501") == "55501"
    assert from_smpp(1, "55501") == "+55501"


def test_eight_digits_are_the_longest_short_code() -> None:
    assert (from_smpp(0, "12345678"), from_smpp(0, "123456789")) == ("12345678", "+123456789")


@pytest.mark.parametrize("ton", [0, 1, 3, 5])
@pytest.mark.parametrize("addr", ["DEMO", "", "+", "Müller", "²³¹"])
def test_what_is_no_digits_is_taken_as_it_is(ton: int, addr: str) -> None:
    assert from_smpp(ton, addr) == addr


def test_digits_that_are_called_alphanumeric_are_a_name() -> None:
    assert from_smpp(5, "15005550009") == "15005550009"


@given(st.integers(0, 255), st.text(st.characters(max_codepoint=255), max_size=20))
def test_any_address_of_a_peer_is_read(ton: int, addr: str) -> None:
    assert isinstance(from_smpp(ton, addr), str)
