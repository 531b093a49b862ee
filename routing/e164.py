"""E.164 numbers as routing sees them: leading digits, longest prefix first (ITU-T E.164 §6)."""

from __future__ import annotations

from collections.abc import Iterator

DIGITS_MAX = 15


def leading_digits(address: str) -> str:
    """The digits of `+…`, or of the beginning of one; "" where it is not E.164.

    A short code, an alphanumeric id and a number in national form have no digits here, so no
    route matches them.
    """
    digits = address[1:]
    if not address.startswith("+") or not digits.isascii() or not digits.isdigit():
        return ""
    return digits if digits[0] != "0" and len(digits) <= DIGITS_MAX else ""


def longest_first(digits: str) -> Iterator[str]:
    """Every prefix of `digits`, from the whole down to the empty one that matches anything."""
    for length in range(len(digits), -1, -1):
        yield digits[:length]
