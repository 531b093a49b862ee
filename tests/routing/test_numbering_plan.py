"""Longest prefix, the file's syntax, and the file itself against libphonenumber's metadata."""

from pathlib import Path

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.numbering_plan import (
    EMPTY_PLAN,
    NumberingPlan,
    NumberingPlanError,
    NumberRange,
    NumberType,
)

HEADER = "prefix,country,mcc,mnc,type,operator\n"
FILE = Path(__file__).parents[2] / "conf" / "numbering_plan.csv"
PLAN = NumberingPlan.parse(FILE.read_text(encoding="utf-8"))

# They share their mobile or fixed numbers with a larger neighbour.
SHARING = {"AX", "BL", "CC", "CX", "EH", "MF", "SJ", "TA", "VA"}


def test_the_longest_prefix_wins() -> None:
    plan = NumberingPlan.parse(HEADER + "49,DE,262,,any,\n49151,DE,262,01,mobile,Telekom\n")
    assert plan.find("4915112345678") == NumberRange(
        "49151", "DE", "262", "01", NumberType.MOBILE, "Telekom"
    )


def test_a_shorter_prefix_catches_the_rest() -> None:
    plan = NumberingPlan.parse(HEADER + "49,DE,262,,any,\n49151,DE,262,01,mobile,Telekom\n")
    found = plan.find("4930123456")
    assert found is not None
    assert (found.prefix, found.mccmnc) == ("49", "")


def test_a_number_outside_the_plan_is_not_found() -> None:
    assert EMPTY_PLAN.find("4915112345678") is None


def test_comments_and_empty_lines_are_skipped() -> None:
    plan = NumberingPlan.parse(f"# by hand\n\n{HEADER}\n# Germany\n49,DE,262,,any,\n")
    assert [row.country for row in plan] == ["DE"]


def test_an_operator_in_quotes_may_have_a_comma() -> None:
    plan = NumberingPlan.parse(HEADER + '1,US,310,,any,"Bell, and sons"\n')
    found = plan.find("12025550123")
    assert found is not None
    assert found.operator == "Bell, and sons"


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("49,DE,262", "line 3: expected 6 fields, found 3"),
        ("+49,DE,262,,any,", "line 3: prefix '+49' is not 1 to 15 digits of E.164"),
        ("049,DE,262,,any,", "line 3: prefix '049' is not 1 to 15 digits of E.164"),
        ("49,de,262,,any,", "line 3: country 'de' is not an ISO 3166 code such as DE, nor 001"),
        ("49,DE,26,,any,", "line 3: mcc '26' is not 3 digits"),
        ("49,DE,262,1,any,", "line 3: mnc '1' is not 2 or 3 digits after an mcc"),
        ("49,DE,,01,any,", "line 3: mnc '01' is not 2 or 3 digits after an mcc"),
        ("49,DE,262,,cell,", "line 3: type 'cell' is not one of any, mobile, fixed"),
        ("1,CA,302,,any,", "line 3: the prefix 1 stands twice"),
    ],
)
def test_a_mistake_is_named_with_its_line(row: str, complaint: str) -> None:
    with pytest.raises(NumberingPlanError) as raised:
        NumberingPlan.parse(f"{HEADER}1,US,310,,any,\n{row}\n")
    assert str(raised.value).startswith(complaint)


@pytest.mark.parametrize(("text", "line"), [("49,DE,262,,any,\n", 1), ("", 1), ("# nothing\n", 1)])
def test_a_missing_header_is_named(text: str, line: int) -> None:
    with pytest.raises(
        NumberingPlanError, match=f"line {line}: expected the header prefix,country"
    ):
        NumberingPlan.parse(text)


DIGITS = st.text("123", min_size=1, max_size=6)


@given(prefixes=st.sets(DIGITS, max_size=12), number=DIGITS)
def test_find_agrees_with_a_search_of_the_whole_plan(prefixes: set[str], number: str) -> None:
    plan = NumberingPlan([NumberRange(prefix, "XX") for prefix in prefixes])
    matching = [prefix for prefix in prefixes if number.startswith(prefix)]
    found = plan.find(number)
    assert (found.prefix if found else None) == max(matching, key=len, default=None)


def test_the_file_knows_every_country_calling_code() -> None:
    codes = phonenumbers.COUNTRY_CODE_TO_REGION_CODE
    assert [code for code in codes if not PLAN.find(str(code) + "6")] == []


@pytest.mark.parametrize("kind", ["MOBILE", "FIXED_LINE"])
def test_the_file_places_libphonenumbers_examples_in_their_country(kind: str) -> None:
    wrong = []
    for region in sorted(set(phonenumbers.SUPPORTED_REGIONS) - SHARING):
        example = phonenumbers.example_number_for_type(
            region, getattr(phonenumbers.PhoneNumberType, kind)
        )
        if example is None:
            continue
        found = PLAN.find(
            f"{example.country_code}{phonenumbers.national_significant_number(example)}"
        )
        if found is None or found.country != region:
            wrong.append((region, found))
    assert wrong == []


def test_the_file_tells_canada_and_the_caribbean_from_the_united_states() -> None:
    numbers = ("12125550123", "14165550123", "18765550123", "18095550123", "17875550123")
    countries = [found.country for number in numbers if (found := PLAN.find(number))]
    assert countries == ["US", "CA", "JM", "DO", "PR"]


@pytest.mark.parametrize(
    ("number", "mccmnc"),
    [
        ("4915112345678", "26201"),
        ("491721234567", "26202"),
        ("491761234567", "26203"),
        ("436641234567", "23201"),
        ("905321234567", "28601"),
    ],
)
def test_the_file_names_the_network_of_well_known_ranges(number: str, mccmnc: str) -> None:
    found = PLAN.find(number)
    assert found is not None
    assert found.mccmnc == mccmnc


def test_the_file_is_sorted_so_that_changes_are_easy_to_review() -> None:
    prefixes = [row.prefix for row in PLAN]
    assert prefixes == sorted(prefixes)
    assert len(PLAN) == len(prefixes)
