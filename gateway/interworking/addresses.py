"""Addresses of messages and of PDUs: E.164 with `+`, short codes and names, against TON and NPI
(SMPP v3.4 §5.2.5, §5.2.6).
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.smpp.constants import Npi, Ton

SHORT_CODE_DIGITS_MAX = 8
# To get a member of an IntEnum takes as long as all else here.
_INTERNATIONAL = int(Ton.INTERNATIONAL)
_NETWORK_SPECIFIC = int(Ton.NETWORK_SPECIFIC)
_ALPHANUMERIC = int(Ton.ALPHANUMERIC)
_ISDN = int(Npi.ISDN)
_UNKNOWN_PLAN = int(Npi.UNKNOWN)


class SmppAddress(NamedTuple):
    ton: int
    npi: int
    addr: str


def to_smpp(address: str) -> tuple[int, int, str]:
    """TON, NPI and address: `+15005550006` is international, `55501` network specific, `DEMO`
    alphanumeric. A plain tuple, which takes a third of the time."""
    if address[:1] == "+":
        return _INTERNATIONAL, _ISDN, address[1:]
    if address.isdigit() and address.isascii():
        return _NETWORK_SPECIFIC, _UNKNOWN_PLAN, address
    return _ALPHANUMERIC, _UNKNOWN_PLAN, address


def to_octets(address: str) -> bytes:
    """The same as the wire has it: TON, NPI and a C-Octet string (§3.1).

    Raises:
        UnicodeEncodeError: it cannot be one.
    """
    ton, npi, addr = to_smpp(address)
    return b"%c%c%b\0" % (ton, npi, addr.encode("latin-1"))


def from_smpp(ton: int, addr: str) -> str:
    """The address as messages have it.

    Peers are careless with TON: digits longer than a short code are read as E.164 unless the TON
    says alphanumeric, with or without a leading `+` or `00`.
    """
    if ton == _ALPHANUMERIC:
        return addr
    digits = addr.removeprefix("+")
    # Latin-1 has superscripts, which count as digits too.
    if not (digits.isdigit() and digits.isascii()):
        return addr
    if ton == _INTERNATIONAL or len(digits) > SHORT_CODE_DIGITS_MAX or digits is not addr:
        return "+" + digits.removeprefix("00")
    return digits
