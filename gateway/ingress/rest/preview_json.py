"""A preview as JSON shows it, over REST and in `supernet text --json`."""

from __future__ import annotations

import msgspec

from gateway.text.preview import Preview
from gateway.text.segmentation import TextEncoding

# As Twilio calls them.
ENCODING_NAMES = {TextEncoding.GSM_7BIT: "GSM-7", TextEncoding.UCS2: "UCS-2"}


class NationalLanguageResource(msgspec.Struct, frozen=True):
    """The language in whose shift tables the text goes (3GPP TS 23.038 §6.2.1.2)."""

    code: str
    locking_shift: bool
    single_shift: bool


class NonGsmCharacterResource(msgspec.Struct, frozen=True):
    """A character outside the GSM 7-bit default alphabet, where it stands, and what SmartEncoded
    would make of it: null where it would leave it."""

    character: str
    code_point: str
    positions: tuple[int, ...]
    smart_encoded: str | None


class PreviewSegmentResource(msgspec.Struct, frozen=True):
    """A segment. `user_data` is what goes to the carrier, in hex, and begins with the header."""

    number: int
    body: str
    units: int
    user_data_header: str
    user_data: str


class PreviewResource(msgspec.Struct, frozen=True):
    """`units` are septets or UTF-16 code units, and counts are numbers but for num_segments, which
    is a string as in a message."""

    body: str
    encoding: str
    characters: int
    units: int
    units_per_segment: int
    num_segments: str
    national_language: NationalLanguageResource | None
    non_gsm_characters: tuple[NonGsmCharacterResource, ...]
    segments: tuple[PreviewSegmentResource, ...]


def preview_resource(preview: Preview) -> PreviewResource:
    language = None
    if preview.language:
        language = NationalLanguageResource(
            preview.language, preview.locking_shift, preview.single_shift
        )
    return PreviewResource(
        body=preview.text,
        encoding=ENCODING_NAMES[preview.encoding],
        characters=len(preview.text),
        units=preview.units,
        units_per_segment=preview.units_per_part,
        num_segments=str(len(preview.parts)),
        national_language=language,
        non_gsm_characters=tuple(
            NonGsmCharacterResource(
                beyond.character, beyond.code_point, beyond.positions, beyond.smart_encoded
            )
            for beyond in preview.beyond_gsm
        ),
        segments=tuple(
            PreviewSegmentResource(
                number, part.text, part.units, part.header.hex(), part.octets.hex()
            )
            for number, part in enumerate(preview.parts, 1)
        ),
    )
