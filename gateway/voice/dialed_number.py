"""The number that a customer dials, in E.164, from the forms that PBXs and phones send, and the
country that it is in."""

from __future__ import annotations

from functools import lru_cache

import msgspec
from phonenumbers import (
    NumberParseException,
    PhoneNumberFormat,
    ValidationResult,
    format_number,
    is_possible_number_with_reason,
    parse,
    region_code_for_country_code,
    region_code_for_number,
)
from phonenumbers.shortnumberinfo import connects_to_emergency_number

from gateway.sip.errors import GrammarError
from gateway.sip.tel_uri import TelUri
from gateway.sip.uri import SipUri, Uri

# An entry takes about 0.3 kB; beyond it the number least recently used is parsed again.
NUMBERS_CACHED_MAX = 65_536
# 15 digits with an international prefix and every separator; longer text is no number.
TEXT_MAX = 32
# What opens an international number almost everywhere; where it does not (North America's 011) the
# region's own does, and no national number begins so.
INTERNATIONAL_PREFIX = "00"
# Of GSM handsets everywhere (3GPP TS 22.101 §10.1), whatever the region.
EMERGENCY = frozenset({"112", "911"})
EMERGENCY_DIGITS_MAX = 6


class DialedNumber(msgspec.Struct, frozen=True, gc=False):
    """`country` is ISO 3166-1 alpha-2, or `001` where a number belongs to none."""

    e164: str
    country: str


class Dialed(msgspec.Struct, frozen=True, gc=False):
    """What stands where a number is expected: of a tel URI the subscriber's, of a sip URI the user
    part without parameters, whether or not it says `user=phone`. `in_context` is the same, a local
    number with the prefix that it is said to be valid in (RFC 3966 §5.1.5)."""

    written: str
    in_context: str


def dialed(uri: Uri) -> Dialed | None:
    """None: there is nothing."""
    if isinstance(uri, TelUri):
        return _of_telephone(uri)
    if not isinstance(uri, SipUri) or not uri.user:
        return None
    user = uri.username or ""
    if user.isalnum() or user[1:].isalnum():  # As nearly all are: there is nothing to take apart.
        return Dialed(user, user)
    try:
        return _of_telephone(TelUri.parse(user))
    except GrammarError:
        return Dialed(user, user)


def is_emergency(text: str, region: str) -> bool:
    """Whether it calls for help, in the account's region or with a handset's number."""
    if len(text) > EMERGENCY_DIGITS_MAX or not text.isascii() or not text.isdigit():
        return False
    return text in EMERGENCY or connects_to_emergency_number(text, region)


def number_of(text: str, region: str) -> DialedNumber | None:
    """A number as it is dialed in `region`; None where there can be no such number."""
    return _number_of(text, region) if len(text) <= TEXT_MAX else None


@lru_cache(maxsize=NUMBERS_CACHED_MAX)
def _number_of(text: str, region: str) -> DialedNumber | None:
    if not text.isascii() or not text.removeprefix("+").isdigit():
        return None
    if text.startswith(INTERNATIONAL_PREFIX):
        return _parsed("+" + text.removeprefix(INTERNATIONAL_PREFIX), "")
    # What cannot be a national number may be E.164 whose "+" was lost, as many PBXs lose it.
    return _parsed(text, region) or _parsed("+" + text.removeprefix("+"), "")


def _parsed(text: str, region: str) -> DialedNumber | None:
    try:
        number = parse(text, region)
    except NumberParseException:
        return None
    if is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
        return None
    assert number.country_code is not None
    country = region_code_for_number(number)
    return DialedNumber(
        format_number(number, PhoneNumberFormat.E164),
        country or region_code_for_country_code(number.country_code),
    )


def _of_telephone(telephone: TelUri) -> Dialed:
    number, context = telephone.number, telephone.phone_context or ""
    if context.startswith("+") and not number.startswith("+"):
        return Dialed(number, context + number)
    return Dialed(number, number)
