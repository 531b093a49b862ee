"""The header in which a proxy says whose connection it passes on: HAProxy's PROXY protocol,
versions 1 (text, §2.1 of its specification) and 2 (octets, §2.2). Pure: octets in, an address out.

The header ends where the client's own octets begin, so it is read in pieces that cannot go past its
end: `wanted` says how many octets may be read next, and `parse` reads the whole.
"""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address, IPv6Address

from gateway.net.errors import ProxyHeaderError

V1_PREFIX = b"PROXY "
V1_LENGTH_MIN = len(b"PROXY UNKNOWN\r\n")
V1_LENGTH_MAX = 107
V2_SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
V2_PREFIX_LENGTH = 16
# The length's own maximum is 65,535; what proxies send is under 600 octets.
V2_LENGTH_MAX = 4_096
LOCAL, PROXY = 0x20, 0x21
UNSPEC, TCP4, TCP6 = 0x00, 0x11, 0x21
TLV_CRC32C = 0x03

_ADDRESSES_LENGTH = {UNSPEC: 0, TCP4: 12, TCP6: 36}
_CRC32C_POLYNOMIAL = 0x82F6_3B78


def wanted(octets: bytes) -> int:
    """How many more octets may be read without going past the header's end; 0: it is whole.

    Raises:
        ProxyHeaderError: this is no header, or a longer one than is read.
    """
    if octets[:12] == V2_SIGNATURE:
        if len(octets) < V2_PREFIX_LENGTH:
            return V2_PREFIX_LENGTH - len(octets)
        length = int.from_bytes(octets[14:16], "big")
        if length > V2_LENGTH_MAX:
            raise ProxyHeaderError(f"the header has {length} octets, over {V2_LENGTH_MAX}")
        return max(0, V2_PREFIX_LENGTH + length - len(octets))
    if V2_SIGNATURE.startswith(octets):
        return len(V2_SIGNATURE) - len(octets)
    if not octets.startswith(V1_PREFIX[: len(octets)]):
        raise ProxyHeaderError("no PROXY header")
    if octets.endswith(b"\r\n"):
        return 0
    if len(octets) >= V1_LENGTH_MAX:
        raise ProxyHeaderError(f"no end of line within {V1_LENGTH_MAX} octets")
    return max(1, V1_LENGTH_MIN - len(octets))


def parse(header: bytes) -> str:
    """The client's address; "" where the proxy speaks for itself or does not know the client: it is
    then the connection's own address that counts.

    Raises:
        ProxyHeaderError: the header cannot be read.
    """
    return _parse_v2(header) if header.startswith(V2_SIGNATURE) else _parse_v1(header)


def _parse_v1(header: bytes) -> str:
    if not header.endswith(b"\r\n") or len(header) > V1_LENGTH_MAX:
        raise ProxyHeaderError("no end of line")
    words = header[:-2].split(b" ")
    if words[:2] == [b"PROXY", b"UNKNOWN"]:
        return ""
    form = len(words) == 6 and words[0] == b"PROXY" and words[1] in (b"TCP4", b"TCP6")
    if not form or not all(_is_port(port) for port in words[4:]):
        raise ProxyHeaderError("not of the form PROXY TCP4|TCP6 address address port port")
    _, family, source, destination, _, _ = words
    _text_address(family, destination)
    return _text_address(family, source)


def _text_address(family: bytes, text: bytes) -> str:
    try:
        address = text.decode("ascii")
        if family == b"TCP4":
            return str(IPv4Address(address))
        if "%" in address:  # A scope means something on the machine of the proxy only.
            raise AddressValueError(address)
        return _unmapped(IPv6Address(address))
    except ValueError:  # AddressValueError and UnicodeDecodeError are.
        raise ProxyHeaderError(f"not an address of {family.decode()}") from None


def _is_port(text: bytes) -> bool:
    plain = text.isdigit() and len(text) <= 5 and (text == b"0" or not text.startswith(b"0"))
    return plain and int(text) <= 0xFFFF


def _parse_v2(header: bytes) -> str:
    if len(header) < V2_PREFIX_LENGTH:
        raise ProxyHeaderError("the header is cut")
    command, family = header[12], header[13]
    body = header[V2_PREFIX_LENGTH:]
    if len(body) != int.from_bytes(header[14:16], "big"):
        raise ProxyHeaderError("the header is cut")
    if command == LOCAL:
        return ""
    if command != PROXY:
        raise ProxyHeaderError(f"version and command are 0x{command:02x}")
    addresses_length = _ADDRESSES_LENGTH.get(family)
    if addresses_length is None:
        raise ProxyHeaderError(f"address family and protocol are 0x{family:02x}")
    if len(body) < addresses_length:
        raise ProxyHeaderError("the header ends within its addresses")
    if family == UNSPEC:
        return ""  # What follows has no meaning that is known.
    _check_tlvs(header, V2_PREFIX_LENGTH + addresses_length)
    if family == TCP4:
        return str(IPv4Address(body[:4]))
    return _unmapped(IPv6Address(body[:16]))


def _check_tlvs(header: bytes, at: int) -> None:
    """All are skipped but the checksum."""
    while at < len(header):
        value_at = at + 3
        end = value_at + int.from_bytes(header[at + 1 : value_at], "big")
        if value_at > len(header) or end > len(header):
            raise ProxyHeaderError("a TLV runs past the header's end")
        if header[at] == TLV_CRC32C:
            without = header[:value_at] + bytes(end - value_at) + header[end:]
            if header[value_at:end] != _crc32c(without).to_bytes(4, "big"):
                raise ProxyHeaderError("the checksum is wrong")
        at = end


def _crc32c(octets: bytes) -> int:
    """RFC 3720 appendix B.4, bit by bit: a header is short and comes once a connection."""
    crc = 0xFFFF_FFFF
    for octet in octets:
        crc ^= octet
        for _ in range(8):
            crc = crc >> 1 ^ (_CRC32C_POLYNOMIAL if crc & 1 else 0)
    return crc ^ 0xFFFF_FFFF


def _unmapped(address: IPv6Address) -> str:
    """An IPv4 address in IPv6's clothes is on lists as the IPv4 address."""
    return str(address.ipv4_mapped or address)
