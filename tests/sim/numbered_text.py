"""Texts that carry a number in each of their segments, so that whoever sees one knows which
message it belongs to, whatever became of ids and references on the way.
"""

from __future__ import annotations

import re

from gateway.smpp.constants import DataCoding, EsmClass
from gateway.smpp.pdus import SubmitSm

TOKEN = "{:06d}."
TOKEN_LENGTH = 7
# Parts of a concatenated message hold so many characters (3GPP TS 23.040 §9.2.3.24.1).
PART_SEPTETS = 153
PART_UNITS = 67
NOT_GSM = "щ"

_NUMBER = re.compile(r"(\d{6})\.")


def numbered_text(number: int, segments: int = 1, unicode: bool = False) -> str:
    """A text of that many segments; each holds the number whole at least once."""
    part = PART_UNITS if unicode else PART_SEPTETS
    length = part * (segments - 1) + 2 * TOKEN_LENGTH
    text = TOKEN.format(number) * (length // TOKEN_LENGTH + 1)
    return (NOT_GSM if unicode else "") + text[:length]


def number_in(text: str) -> int | None:
    found = _NUMBER.search(text)
    return int(found[1]) if found else None


def read(pdu: SubmitSm) -> tuple[int | None, int]:
    """The number and the part (from 1) that a submit_sm carries.

    Read here by hand and not with `gateway.text`, so that a mistake of its would show.
    """
    octets, part = pdu.short_message, 1
    if pdu.esm_class & EsmClass.UDHI:
        header, octets = octets[1 : 1 + octets[0]], octets[1 + octets[0] :]
        part = header[-1]  # Of the one element, with an 8-bit or a 16-bit reference.
    ucs2 = pdu.data_coding == DataCoding.UCS2
    return number_in(octets.decode("utf-16-be" if ucs2 else "latin-1", "replace")), part
