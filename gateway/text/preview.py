"""What would become of a text: its encoding, its parts, and what stands in the way of fewer."""

from __future__ import annotations

import msgspec

from gateway.text import gsm_03_38, ucs2
from gateway.text.national_language import IDENTIFIERS
from gateway.text.segmentation import Coding, TextEncoding, measure, segment, segmented
from gateway.text.smart_encoding import smart_encode

_LANGUAGES = {identifier: code for code, identifier in IDENTIFIERS.items()}


class CharacterBeyondGsm(msgspec.Struct, frozen=True):
    """A character that the GSM 7 bit default alphabet has not, and the places where it stands.

    `smart_encoded` is what smart encoding would put there, None where it would leave it.
    """

    character: str
    code_point: str
    positions: tuple[int, ...]
    smart_encoded: str | None


class PreviewPart(msgspec.Struct, frozen=True):
    """A part: its text, what that costs in units, and the octets that go to the carrier, `header`
    at their beginning. Septets are one an octet."""

    text: str
    units: int
    header: bytes
    octets: bytes


class Preview(msgspec.Struct, frozen=True):
    """A text as it would be sent. A unit is a septet or a UTF-16 code unit, and a part holds
    `units_per_part` of them. `language` is that of the shift tables, empty for the default ones.
    """

    text: str
    encoding: TextEncoding
    units: int
    units_per_part: int
    language: str
    locking_shift: bool
    single_shift: bool
    beyond_gsm: tuple[CharacterBeyondGsm, ...]
    parts: tuple[PreviewPart, ...]


def preview(text: str, ref_bits: int = 8, languages: tuple[str, ...] = ()) -> Preview:
    """What `segment` makes of `text`. The reference of the headers is 0: the real one is given when
    a message is sent.

    Raises:
        UnencodableError, TooManyPartsError: as `segment`.
    """
    coding, total = measure(text, ref_bits, languages)
    locking, single = coding.locking_shift, coding.single_shift
    whole = segmented(text, 0, ref_bits, locking, single)
    bare = segment(text, ref_bits, languages).parts
    parts = tuple(
        PreviewPart(
            text=_decode(part, coding),
            units=len(part) // coding.octets_per_unit,
            header=octets[: len(octets) - len(part)],
            octets=octets,
        )
        for octets, part in zip(whole, bare, strict=True)
    )
    return Preview(
        text=text,
        encoding=coding.encoding,
        units=sum(part.units for part in parts),
        units_per_part=coding.units_per_part(total, ref_bits),
        language=_LANGUAGES.get(locking or single, ""),
        locking_shift=bool(locking),
        single_shift=bool(single),
        beyond_gsm=beyond_gsm(text),
        parts=parts,
    )


def beyond_gsm(text: str) -> tuple[CharacterBeyondGsm, ...]:
    """The characters that the default alphabet has not, in the order in which they come up."""
    places: dict[str, list[int]] = {}
    for position, character in enumerate(text):
        if not gsm_03_38.is_encodable(character):
            places.setdefault(character, []).append(position)
    return tuple(
        CharacterBeyondGsm(
            character=character,
            code_point=f"U+{ord(character):04X}",
            positions=tuple(positions),
            smart_encoded=None if (smart := smart_encode(character)) == character else smart,
        )
        for character, positions in places.items()
    )


def _decode(part: bytes, coding: Coding) -> str:
    if coding.encoding is TextEncoding.UCS2:
        return ucs2.decode(part)
    return gsm_03_38.decode(part, coding.locking_shift, coding.single_shift)
