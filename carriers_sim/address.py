"""Addresses as people write them, and as SMPP carries them (v3.4 §5.2.5 to §5.2.9)."""

from __future__ import annotations

from typing import NamedTuple

from gateway.smpp.constants import Npi, Ton


class Address(NamedTuple):
    ton: int
    npi: int
    digits: str


def parse(number: str) -> Address:
    """`+15005550006` is international, `55501` a short code, everything else a name."""
    if number.startswith("+"):
        return Address(Ton.INTERNATIONAL, Npi.ISDN, number[1:])
    if number.isascii() and number.isdigit():
        return Address(Ton.NETWORK_SPECIFIC, Npi.UNKNOWN, number)
    return Address(Ton.ALPHANUMERIC, Npi.UNKNOWN, number)


def shown(ton: int, digits: str) -> str:
    """With `+` where the type of number says international."""
    return f"+{digits.removeprefix('+')}" if ton == Ton.INTERNATIONAL else digits
