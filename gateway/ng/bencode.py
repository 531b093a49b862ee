"""Bencode, in which the ng protocol is written: integers, strings of octets, lists, dictionaries.

i42e    3:abc    l…e    d<string><value>…e, its keys in the order of their octets
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.ng.errors import NgError

# A reply to `query` nests about ten deep.
DEPTH_MAX = 32
# Of an integer of 64 bits, with its sign.
DIGITS_MAX = 20
_DICTIONARY, _LIST, _INTEGER, _END = b"d"[0], b"l"[0], b"i"[0], b"e"[0]

# Keys are text for whoever reads them, each octet a character, so that none is lost.
Value = int | bytes | list["Value"] | dict[str, "Value"]
# What may be written: text as well, which goes out as UTF-8.
Writable = int | bytes | str | Sequence["Writable"] | Mapping[str, "Writable"]


def encode(value: Writable) -> bytes:
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, str):
        value = value.encode("utf-8", "surrogateescape")
    if isinstance(value, bytes):
        return b"%d:%b" % (len(value), value)
    if isinstance(value, Mapping):
        named = sorted([(key.encode("latin-1"), each) for key, each in value.items()])
        return b"d%be" % b"".join([encode(key) + encode(each) for key, each in named])
    return b"l%be" % b"".join([encode(each) for each in value])


def decode(octets: bytes) -> Value:
    """
    Raises:
        NgError: not one value, or one that nests too deep.
    """
    value, at = _value(octets, 0, DEPTH_MAX)
    if at != len(octets):
        raise NgError("there are octets behind the value")
    return value


def _value(octets: bytes, at: int, depth: int) -> tuple[Value, int]:
    kind = octets[at] if at < len(octets) else _END
    if kind == _INTEGER:
        return _number(octets, at + 1, _END)
    if kind not in (_LIST, _DICTIONARY):
        return _string(octets, at)
    if not depth:
        raise NgError(f"values nest deeper than {DEPTH_MAX}")
    at += 1
    if kind == _LIST:
        values: list[Value] = []
        while octets[at : at + 1] != b"e":
            value, at = _value(octets, at, depth - 1)
            values.append(value)
        return values, at + 1
    named: dict[str, Value] = {}
    while octets[at : at + 1] != b"e":
        key, at = _string(octets, at)
        named[key.decode("latin-1")], at = _value(octets, at, depth - 1)
    return named, at + 1


def _string(octets: bytes, at: int) -> tuple[bytes, int]:
    length, at = _number(octets, at, b":"[0])
    if not 0 <= length <= len(octets) - at:
        raise NgError("a string runs past the end")
    return octets[at : at + length], at + length


def _number(octets: bytes, at: int, end: int) -> tuple[int, int]:
    """The number there, and what is behind the octet that ends it."""
    stop = octets.find(end, at, at + DIGITS_MAX + 1)
    digits = octets[at:stop] if stop > at else b""
    if not digits.removeprefix(b"-").isdigit():
        raise NgError("a length or an integer is malformed")
    return int(digits), stop + 1
