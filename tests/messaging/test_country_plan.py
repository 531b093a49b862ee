"""What a plan says of a number is what phonenumbers says of it."""

from random import Random

import phonenumbers
import pytest

from gateway.messaging.country_plan import plan_of
from gateway.messaging.phone_number import parse, read_with_care

CHANGED = 4_000
# With the "+": shorter is no E.164 number for us.
LENGTHS = range(8, 17)


def examples() -> list[str]:
    """A number of each type of each country, and of those that no country has."""
    found = [
        phonenumbers.example_number_for_type(region, number_type)
        for region in sorted(phonenumbers.SUPPORTED_REGIONS)
        for number_type in phonenumbers.PhoneNumberType.values()
    ]
    found += [
        phonenumbers.example_number_for_non_geo_entity(code)
        for code in sorted(phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS)
    ]
    e164 = phonenumbers.PhoneNumberFormat.E164
    numbers = [phonenumbers.format_number(number, e164) for number in found if number]
    return [number for number in numbers if len(number) in LENGTHS]


def test_each_example_is_read_as_phonenumbers_reads_it() -> None:
    numbers = examples()
    assert len(numbers) > 1_000
    assert [parse(number) for number in numbers] == [read_with_care(number) for number in numbers]


@pytest.mark.parametrize("seed", range(2))
def test_so_is_what_differs_from_an_example_in_a_few_digits(seed: int) -> None:
    random, numbers = Random(seed), examples()
    for _ in range(CHANGED):
        digits = list(random.choice(numbers))
        for _ in range(random.choice((1, 1, 2, 3, 5))):
            digits[random.randrange(2, len(digits))] = str(random.randrange(10))
        if random.random() < 0.1:
            digits.append(str(random.randrange(10)))
        elif random.random() < 0.1:
            digits.pop()
        number = "".join(digits)
        if len(number) in LENGTHS:
            assert parse(number) == read_with_care(number), number


@pytest.mark.parametrize(
    ("number", "read"),
    [
        ("14155552671", ("US", False)),
        ("14165550123", ("CA", False)),
        ("493012345678", ("DE", True)),
        ("4915112345678", ("DE", False)),
        ("15551234567", ("", False)),
    ],
)
def test_a_plan_knows_country_and_landlines(number: str, read: tuple[str, bool]) -> None:
    found = plan_of(number)
    assert found is not None
    plan, national = found
    assert plan.read(national) == read


@pytest.mark.parametrize("number", ["4402071838750", "141555526710", "39061234567"])
def test_what_may_have_to_be_changed_is_left_to_phonenumbers(number: str) -> None:
    """A trunk prefix, a length that there is not, and a zero that belongs to the number."""
    found = plan_of(number)
    assert found is not None
    plan, national = found
    assert plan.read(national) is None


def test_a_code_that_is_not_given_out_has_no_plan() -> None:
    assert plan_of("2101234567") is None
