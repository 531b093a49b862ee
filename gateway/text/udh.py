"""The user data header: a length, then information elements (3GPP TS 23.040 §9.2.3.24)."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.text.errors import MalformedUdhError

CONCATENATED_8_BIT = 0x00
CONCATENATED_16_BIT = 0x08
NATIONAL_LANGUAGE_SINGLE_SHIFT = 0x24
NATIONAL_LANGUAGE_LOCKING_SHIFT = 0x25

# By identifier and size of the data, which also holds an octet for total and one for number.
_REF_BITS = {(CONCATENATED_8_BIT, 3): 8, (CONCATENATED_16_BIT, 4): 16}


@dataclass(frozen=True, slots=True)
class InformationElement:
    identifier: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Concatenation:
    """Which part of which message this is (§9.2.3.24.1, §9.2.3.24.8): 1 <= number <= total.

    References of 8 and of 16 bits are different references, even where the number is the same.
    """

    ref: int
    total: int
    number: int
    ref_bits: int


def parse(octets: bytes) -> tuple[tuple[InformationElement, ...], bytes]:
    """The elements of the header that begins `octets`, in order, and the user data behind it.

    Raises MalformedUdhError, which holds the user data that remains when the header is ignored.
    """
    if not octets:
        raise MalformedUdhError("no user data header")
    end = 1 + octets[0]
    if end > len(octets):
        raise MalformedUdhError("the user data header runs past the user data")
    rest = octets[end:]
    elements = []
    position = 1
    while position < end:
        data = position + 2
        if data > end:
            raise MalformedUdhError("an information element has no length", rest)
        position = data + octets[data - 1]
        if position > end:
            raise MalformedUdhError("an information element runs past the header", rest)
        elements.append(InformationElement(octets[data - 2], octets[data:position]))
    return tuple(elements), rest


def concatenation(elements: tuple[InformationElement, ...]) -> Concatenation | None:
    """The concatenation that holds, wherever it stands among the elements.

    An element of the wrong size, or whose number is 0 or over its total, is ignored; of several
    that hold, of either size, the last one counts (§9.2.3.24).
    """
    for element in reversed(elements):
        ref_bits = _REF_BITS.get((element.identifier, len(element.data)))
        if ref_bits is not None:
            *ref, total, number = element.data
            if 1 <= number <= total:
                return Concatenation(int.from_bytes(ref, "big"), total, number, ref_bits)
    return None


def shifts(elements: tuple[InformationElement, ...]) -> tuple[int, int]:
    """The languages of the locking and of the single shift table (§9.2.3.24.15, §9.2.3.24.16), 0
    where the default table holds. An element of the wrong size is ignored; of several the last
    counts.
    """
    locking = single = 0
    for element in elements:
        if len(element.data) == 1:
            if element.identifier == NATIONAL_LANGUAGE_LOCKING_SHIFT:
                locking = element.data[0]
            elif element.identifier == NATIONAL_LANGUAGE_SINGLE_SHIFT:
                single = element.data[0]
    return locking, single


def shift_elements(locking: int, single: int) -> bytes:
    """The information elements that name national languages; none for the default tables."""
    elements = b""
    if single:
        elements += bytes([NATIONAL_LANGUAGE_SINGLE_SHIFT, 1, single])
    if locking:
        elements += bytes([NATIONAL_LANGUAGE_LOCKING_SHIFT, 1, locking])
    return elements


def concatenation_udh(
    ref: int, total: int, number: int, ref_bits: int = 8, further: bytes = b""
) -> bytes:
    """The header, length octet included, that begins part `number` of `total`, with `further`
    elements behind the concatenation."""
    assert 1 <= number <= total <= 255
    if ref_bits == 8:
        first = bytes([5 + len(further), CONCATENATED_8_BIT, 3, ref, total, number])
    else:
        first = bytes(
            [6 + len(further), CONCATENATED_16_BIT, 4, ref >> 8, ref & 0xFF, total, number]
        )
    return first + further
