"""Addresses of messages and of PDUs: E.164 with `+`, short codes and names, against TON and NPI
(SMPP v3.4 §5.2.5, §5.2.6).
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.smpp.constants import Npi, Ton

SHORT_CODE_DIGITS_MAX = 8


class SmppAddress(NamedTuple):
    ton: int
    npi: int
    addr: str


def to_smpp(address: str) -> SmppAddress:
    """`+15005550006` is international, `55501` network specific, `DEMO` alphanumeric."""
    if address.startswith("+"):
        return SmppAddress(Ton.INTERNATIONAL, Npi.ISDN, address[1:])
    if _is_digits(address):
        return SmppAddress(Ton.NETWORK_SPECIFIC, Npi.UNKNOWN, address)
    return SmppAddress(Ton.ALPHANUMERIC, Npi.UNKNOWN, address)


def from_smpp(ton: int, addr: str) -> str:
    """The address as messages have it.

    Peers are careless with TON: digits longer than a short code are read as E.164 unless the TON
    says alphanumeric, with or without a leading `+` or `00`.
    """
    if ton == Ton.ALPHANUMERIC:
        return addr
    digits = addr.removeprefix("+")
    if not _is_digits(digits):
        return addr
    if ton == Ton.INTERNATIONAL or addr.startswith("+") or len(digits) > SHORT_CODE_DIGITS_MAX:
        return f"+{digits.removeprefix('00')}"
    return digits


def _is_digits(text: str) -> bool:
    """Latin-1 has superscripts, which count as digits too."""
    return text.isascii() and text.isdigit()
