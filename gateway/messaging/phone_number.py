"""Addresses as customers write them: E.164 numbers, short codes and alphanumeric sender ids.

Acceptance asks only whether a number is possible (its country and its length, ITU-T E.164 §6), so
that fictional ranges (+1 500 555 xxxx, +1 555 01xx) and ranges younger than our metadata work.
Whether a number is valid decides nothing but its type: a number is refused as a landline only
where the numbering plan is certain.
"""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec
from phonenumbers import (
    NumberParseException,
    PhoneNumberFormat,
    PhoneNumberType,
    ValidationResult,
    format_number,
    is_possible_number_with_reason,
    number_type,
    region_code_for_country_code,
    region_code_for_number,
)
from phonenumbers import parse as parse_number

from gateway.messaging.country_plan import plan_of

# An entry takes about 0.3 kB, the whole cache 20 MB. Beyond it the number least recently used is
# parsed again when it comes back: 4 µs instead of 0.1 µs, and 30 µs where its form is unusual.
NUMBERS_CACHED_MAX = 65_536

# 15 digits with every separator that people write; longer text is refused before it can fill the
# cache.
TEXT_LENGTH_MAX = 32

# Where fixed and mobile numbers share their ranges, so that the look-up of the type, 18 µs, could
# never say that a number is a landline's.
ONE_RANGE = frozenset({"US", "CA"})

SHORT_CODE_DIGITS = range(3, 9)

_SEPARATORS = str.maketrans("", "", " -().")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
# TP-Originating-Address holds 11 septets (3GPP TS 23.040 §9.1.2.5). Only characters that every
# carrier passes, all of them single septets of GSM 03.38.
_SENDER_ID = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 &+._-]{1,11}", re.ASCII)


class PhoneNumber(msgspec.Struct, frozen=True, gc=False):
    """A number that can exist.

    `country` is ISO 3166-1 alpha-2, or `001` where a number belongs to no country (satellite and
    international services). A number that no plan knows yet gets the main country of its code.
    """

    e164: str
    country: str
    mobile_capable: bool = True


def parse(text: str) -> PhoneNumber | None:
    """The number in `+` form, with or without separators; None where there can be no such number.

    A leading `+` is required, as by Twilio: nothing else says which country is meant.
    """
    return _parse(text) if len(text) <= TEXT_LENGTH_MAX else None


def normalize_sender(text: str) -> str | None:
    """A sender as accounts list it: E.164, a short code, or an alphanumeric id. Else None."""
    text = text.strip()
    if text.startswith("+"):
        number = parse(text)
        return number.e164 if number else None
    if text.isascii() and text.isdigit():
        return text if len(text) in SHORT_CODE_DIGITS else None
    return text if _SENDER_ID.fullmatch(text) else None


@lru_cache(maxsize=NUMBERS_CACHED_MAX)
def _parse(text: str) -> PhoneNumber | None:
    digits = text.translate(_SEPARATORS)
    if not _E164.fullmatch(digits):
        return None
    found = plan_of(digits[1:])
    if found is None:
        return None
    plan, national = found
    read = plan.read(national)
    if read is None:
        return read_with_care(digits)
    country, landline = read
    return PhoneNumber(
        e164=digits,
        country=country or plan.main,
        mobile_capable=not landline,
    )


def read_with_care(digits: str) -> PhoneNumber | None:
    """The same of any number, also where prefixes must go that are dialled within a country."""
    try:
        number = parse_number(digits)
    except NumberParseException:
        return None
    # A number that can be dialled only from within its area (IS_POSSIBLE_LOCAL_ONLY) is no E.164.
    if is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
        return None
    assert number.country_code is not None
    e164 = format_number(number, PhoneNumberFormat.E164)
    if e164 != digits:
        # A trunk prefix has gone, as in +44 (0) 20. Where another would go from what is left, there
        # is no telling which number is meant, and an opt-out could be filed under the wrong one.
        again = parse(e164)
        return again if again and again.e164 == e164 else None
    country = region_code_for_number(number)
    return PhoneNumber(
        e164=e164,
        country=country or region_code_for_country_code(number.country_code),
        # Without a country the number is in no known range, and the type cannot be looked up.
        mobile_capable=not country
        or country in ONE_RANGE
        or number_type(number) != PhoneNumberType.FIXED_LINE,
    )
