"""The address_range of a bind, as a UNIX regular expression that cannot hold us up."""

import contextlib
import re
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.interworking.address_range import (
    NESTED_MAX,
    REPEATS_MAX,
    AddressRange,
    AddressRangeError,
)

# Addresses and expressions that Python's own `re` reads as POSIX does.
ADDRESS = st.text("0159", max_size=20)
ATOM = st.sampled_from(["0", "1", "5", "9", ".", "[15]", "[^1]", "[0-5]", "(0|15)", "(5*)"])
QUANTIFIED = st.tuples(ATOM, st.sampled_from(["", "", "*", "+", "?", "{2}", "{0,3}", "{1,}"]))
SEQUENCE = st.lists(QUANTIFIED.map("".join), min_size=1, max_size=6).map("".join)
PATTERN = st.tuples(
    st.sampled_from(["", "^"]),
    st.lists(SEQUENCE, min_size=1, max_size=3),
    st.sampled_from(["", "$"]),
).map(lambda parts: f"{parts[0]}({'|'.join(parts[1])}){parts[2]}")


@given(PATTERN, ADDRESS)
def test_srv_16_a_range_matches_what_a_foreign_engine_matches(pattern: str, address: str) -> None:
    assert AddressRange(pattern).matches(address) == bool(re.search(pattern, address))


@pytest.mark.parametrize(
    ("pattern", "address", "matches"),
    [
        ("^1234", "12345678", True),  # Appendix A's: all that begin so,
        ("^1234", "51234", False),
        ("5678$", "12345678", True),  # end so,
        ("5678$", "56789", False),
        ("^[13579]", "9876", True),  # or begin with one of these.
        ("^[13579]", "2876", False),
        ("", "15005550006", True),
        ("55501", "55501", True),
        ("^55501|55502$", "55502", True),
        ("^[]5]", "5", True),
        ("[5-]", "-", True),
        ("\\.", "x", False),
        ("\\*", "*", True),
        ("^DEMO$", "DEMO", True),
    ],
)
def test_srv_16_a_range_is_a_unix_regular_expression(
    pattern: str, address: str, matches: bool
) -> None:
    assert AddressRange(pattern).matches(address) is matches


@pytest.mark.parametrize(
    "pattern",
    [
        "(",
        ")",
        "*1",
        "1|*",
        "[15",
        "[5-1]",
        "1{",
        "1{x}",
        "1{,3}",
        "1{3,2}",
        f"1{{{REPEATS_MAX + 1}}}",
        "\\",
        "(" * (NESTED_MAX + 1) + ")" * (NESTED_MAX + 1),
        "((1{40}){40}){40}",
        "(){40}{40}{40}{40}{40}{40}",
        "1{0}{40}{40}{40}{40}{40}{40}",
    ],
)
def test_srv_16_what_cannot_be_used_is_said_so(pattern: str) -> None:
    with pytest.raises(AddressRangeError):
        AddressRange(pattern)


@pytest.mark.parametrize(
    "pattern",
    ["^(a+)+$", "^(a|a)*(a|a)*$", "((a*)*)*b$", "a*a*a*a*a*a*a*a*a*a*a*a*a*b", "(a|aa)+$"],
)
def test_srv_16_no_range_takes_long(pattern: str) -> None:
    """Python's own engine would take days over the first."""
    address_range = AddressRange(pattern)
    started_at = process_time()
    address_range.matches("a" * 64 + "c")
    assert process_time() - started_at < 0.5


@given(st.text(max_size=40))
def test_srv_16_every_text_is_a_range_or_an_error(pattern: str) -> None:
    with contextlib.suppress(AddressRangeError):
        AddressRange(pattern).matches("15005550006")
