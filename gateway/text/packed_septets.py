"""Septets packed into octets, eight into seven (3GPP TS 23.038 §6.1.2.1).

The first septet fills the low bits of the first octet, and what does not fit goes on in the next.
Behind a user data header `fill_bits` come first, so that the text begins at a septet (23.040
§9.2.3.24). Everywhere else a septet is one octet, as SMPP carries it mostly.
"""

from __future__ import annotations

from collections.abc import Iterator

CR = 0x0D


def fill_bits(header_octets: int) -> int:
    """The bits between a header, length octet included, and the next septet."""
    return -8 * header_octets % 7


def pack(septets: bytes, fill_bits: int = 0) -> bytes:
    """The octets of `septets`, one an octet. Seven bits that remain are a CR, so that nobody who
    has no count of septets reads them as @ (§6.1.2.3.1).
    """
    if not septets:
        return b""
    bits = fill_bits + 7 * len(septets)
    if bits % 8 == 1:
        septets += bytes([CR])
    packed = b"".join(map(_pack_block, _blocks(septets, 8)))
    shifted = int.from_bytes(packed, "little") << fill_bits
    return shifted.to_bytes((bits + 7) // 8, "little")


def unpack(octets: bytes, septets: int, fill_bits: int = 0) -> bytes:
    """The first `septets` septets, one an octet.

    Raises:
        ValueError: there are not so many.
    """
    if not 0 <= septets <= septets_in(octets, fill_bits):
        raise ValueError(f"{len(octets)} octets hold no {septets} septets")
    shifted = int.from_bytes(octets, "little") >> fill_bits
    packed = shifted.to_bytes(len(octets), "little")
    return b"".join(map(_unpack_block, _blocks(packed, 7)))[:septets]


def unpack_uncounted(octets: bytes, fill_bits: int = 0) -> bytes:
    """All septets, where nobody says how many: SMPP counts octets alone. A CR that ends with the
    last octet is padding; one that was meant had to be doubled (§6.1.2.3.1).
    """
    septets = unpack(octets, septets_in(octets, fill_bits), fill_bits)
    if septets and septets[-1] == CR and (8 * len(octets) - fill_bits) % 7 == 0:
        return septets[:-1]
    return septets


def septets_in(octets: bytes, fill_bits: int = 0) -> int:
    """How many septets have room, padding among them."""
    return max(0, 8 * len(octets) - fill_bits) // 7


# Block by block, so that a long text costs no more a septet than a short one.


def _blocks(octets: bytes, size: int) -> Iterator[bytes]:
    return (octets[start : start + size] for start in range(0, len(octets), size))


def _pack_block(septets: bytes) -> bytes:
    """Up to eight septets in seven octets."""
    packed = 0
    for septet in reversed(septets):
        assert septet < 0x80
        packed = packed << 7 | septet
    return packed.to_bytes(7, "little")


def _unpack_block(octets: bytes) -> bytes:
    packed = int.from_bytes(octets, "little")
    return bytes([packed >> shift & 0x7F for shift in range(0, 56, 7)])
