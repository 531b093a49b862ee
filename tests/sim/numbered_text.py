"""Texts that carry a number in each of their segments, so that whoever sees one knows which
message it belongs to, whatever became of ids and references on the way.
"""

from __future__ import annotations

import re

from gateway.smpp.constants import DataCoding, EsmClass, Tag
from gateway.smpp.pdus import SubmitSm

TOKEN = "{:06d}{}"
TOKEN_LENGTH = 7
# Tells apart what a message said first, and what it says since it was replaced, time after time.
VERSIONS = ".,;:!?"
# Parts of a concatenated message hold so many characters (3GPP TS 23.040 §9.2.3.24.1).
PART_SEPTETS = 153
PART_UNITS = 67
NOT_GSM = "щ"

_TOKEN = re.compile(rf"(\d{{6}})([{VERSIONS}])")


def numbered_text(number: int, segments: int = 1, unicode: bool = False, version: int = 0) -> str:
    """A text of that many segments; each holds the number whole at least once."""
    part = PART_UNITS if unicode else PART_SEPTETS
    length = part * (segments - 1) + 2 * TOKEN_LENGTH
    text = TOKEN.format(number, VERSIONS[version]) * (length // TOKEN_LENGTH + 1)
    return (NOT_GSM if unicode else "") + text[:length]


def number_in(text: str) -> int | None:
    found = _TOKEN.search(text)
    return int(found[1]) if found else None


def version_in(text: str) -> int:
    found = _TOKEN.search(text)
    return VERSIONS.index(found[2]) if found else 0


def read(pdu: SubmitSm) -> tuple[int | None, int, int]:
    """The number, its version, and the part (from 1) that a submit_sm carries; part 0 is all of a
    message in message_payload.

    Read here by hand and not with `gateway.text`, so that a mistake of its would show.
    """
    octets, part = pdu.short_message, 1
    if Tag.MESSAGE_PAYLOAD in pdu.tlvs:
        octets, part = pdu.tlvs[Tag.MESSAGE_PAYLOAD], 0
    if pdu.esm_class & EsmClass.UDHI:
        header, octets = octets[1 : 1 + octets[0]], octets[1 + octets[0] :]
        part = header[-1]  # Of the one element, with an 8-bit or a 16-bit reference.
    ucs2 = pdu.data_coding == DataCoding.UCS2
    text = octets.decode("utf-16-be" if ucs2 else "latin-1", "replace")
    return number_in(text), version_in(text), part
