"""Numbers as a carrier writes them, to and from E.164 ([carrier.trunk.numbers])."""

from __future__ import annotations

import re

from gateway.config.trunk import NumberFormat, NumberRules
from gateway.sip.errors import GrammarError
from gateway.sip.tel_uri import TelUri
from gateway.sip.uri import SipUri, Uri

_E164 = re.compile(r"\+[1-9][0-9]{1,14}")
_DIGITS = re.compile(r"[0-9]{1,20}")


def to_carrier(number: str, rules: NumberRules) -> str:
    """`number` is E.164; anything else goes as it is, as a short code does."""
    if _E164.fullmatch(number) is None:
        return number
    if rules.format is NumberFormat.E164:
        return number
    digits = number[1:]
    if rules.format is NumberFormat.DIGITS:
        return digits
    if digits.startswith(rules.country_code):
        return rules.national_prefix + digits[len(rules.country_code) :]
    return rules.international_prefix + digits


def dialed(number: str, rules: NumberRules) -> str:
    """The same with the carrier's technical prefix before it."""
    return rules.add + to_carrier(number, rules)


def from_carrier(uri: Uri, rules: NumberRules) -> str | None:
    """The number that a carrier means, in E.164; None where it means none."""
    telephone = telephone_of(uri)
    if telephone is None:
        return None
    context = telephone.phone_context or ""
    if context.startswith("+") and not telephone.number.startswith("+"):
        return _checked(context + telephone.number)
    return _checked(_global(telephone.number, rules))


def telephone_of(uri: Uri) -> TelUri | None:
    """What stands where a number is expected: the user part of a sip URI whether or not it says
    `user=phone`, since most do not."""
    if isinstance(uri, TelUri):
        return uri
    if not isinstance(uri, SipUri) or not uri.username:
        return None
    try:
        return TelUri.parse(uri.username)
    except GrammarError:
        return None


def _global(number: str, rules: NumberRules) -> str:
    if number.startswith("+") or _DIGITS.fullmatch(number) is None:
        return number
    if rules.international_prefix and number.startswith(rules.international_prefix):
        return "+" + number[len(rules.international_prefix) :]
    if rules.format is not NumberFormat.NATIONAL:
        return "+" + number
    return f"+{rules.country_code}{number.removeprefix(rules.national_prefix)}"


def _checked(number: str) -> str | None:
    return number if _E164.fullmatch(number) else None
