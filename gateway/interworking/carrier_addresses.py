"""Addresses as one carrier writes them: its own TON and NPI, prefixes, and national numbers."""

from __future__ import annotations

from gateway.config.dialect import AddressForms, Dialect
from gateway.interworking.addresses import SHORT_CODE_DIGITS_MAX, SmppAddress, from_smpp
from gateway.smpp.constants import Ton

INTERNATIONAL_PREFIX = "00"


def write(address: str, forms: AddressForms, country_code: str) -> SmppAddress:
    """An address of ours for the carrier."""
    if address.startswith("+"):
        digits = address[1:]
        if country_code and digits.startswith(country_code):
            national = forms.national_prefix + digits.removeprefix(country_code)
            return SmppAddress(forms.national_ton, forms.national_npi, national)
        international = forms.international_prefix + digits
        return SmppAddress(forms.international_ton, forms.international_npi, international)
    if address.isascii() and address.isdigit():
        return SmppAddress(forms.short_code_ton, forms.short_code_npi, address)
    return SmppAddress(forms.alphanumeric_ton, forms.alphanumeric_npi, address)


def read(ton: int, addr: str, forms: AddressForms, dialect: Dialect) -> str:
    """The address as messages have it. Where the dialect has a `country_code`, digits that are
    longer than a short code are national if their TON says so, or if they begin with the prefix of
    national numbers; else they are read as everybody's.
    """
    prefix = forms.national_prefix
    if dialect.country_code and addr.isascii() and addr.isdigit():
        prefixed = bool(prefix) and addr.startswith(prefix)
        national = ton in (Ton.NATIONAL, forms.national_ton) or (
            prefixed
            and ton not in (Ton.INTERNATIONAL, Ton.ALPHANUMERIC)
            and not addr.startswith(INTERNATIONAL_PREFIX)
        )
        if national and len(addr) > SHORT_CODE_DIGITS_MAX:
            return f"+{dialect.country_code}{addr.removeprefix(prefix)}"
    return from_smpp(ton, addr)
