"""The PROXY header: examples of its specification and of a load balancer, and what is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.net.errors import ProxyHeaderError
from gateway.net.proxy_protocol import V2_LENGTH_MAX, V2_SIGNATURE, parse, wanted

# Of Amazon's network load balancer, from its own tools: a checksum, an id and a padding as TLVs.
LOAD_BALANCER = bytes.fromhex(
    "0d0a0d0a000d0a515549540a 21110054 ac1f0771 ac1f0a1f c8f20050 030004e8d6892d"
    "ea001701767063652d3038643262663135666163353030316339 040024" + "00" * 36
)
# Of HAProxy for a client with a certificate.
HAPROXY_TLS = bytes.fromhex(
    "0d0a0d0a000d0a515549540a 21110040 7f000001 7f000001 cc8a232e 20003107 00000000"
    "21000754 4c537631 2e332200 1f457861 6d706c65 20436f6d 6d6f6e20 4e616d65 20436c69"
    "656e7420 43657274"
)


def v2(command: int, family: int, body: bytes) -> bytes:
    return V2_SIGNATURE + bytes([command, family]) + len(body).to_bytes(2, "big") + body


@pytest.mark.parametrize(
    ("header", "client"),
    [
        (b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255"),
        (b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n", "192.168.0.1"),
        (b"PROXY TCP6 2001:db8::7 ::1 0 2775\r\n", "2001:db8::7"),
        (b"PROXY TCP6 ::ffff:192.0.2.9 ::1 4711 2775\r\n", "192.0.2.9"),
        (b"PROXY UNKNOWN\r\n", ""),
        (
            b"PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
            b"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
            "",
        ),
        (LOAD_BALANCER, "172.31.7.113"),
        (HAPROXY_TLS, "127.0.0.1"),
        (v2(0x21, 0x21, bytes(15) + b"\x07" + bytes(20)), "::7"),
        (v2(0x20, 0x00, b""), ""),
        (v2(0x20, 0x11, bytes(12)), ""),
        (v2(0x21, 0x00, b"what it wants"), ""),
    ],
)
def test_header_names_the_client(header: bytes, client: str) -> None:
    assert parse(header) == client


@pytest.mark.parametrize(
    "header",
    [
        b"PROXY TCP4 192.168.0.1 192.168.0.11 56324\r\n",
        b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443 9\r\n",
        b"PROXY  TCP4 192.168.0.1 192.168.0.11 56324 443\r\n",
        b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 65536\r\n",
        b"PROXY TCP4 192.168.0.1 192.168.0.11 -1 443\r\n",
        b"PROXY TCP4 192.168.0.1 192.168.0.11 056 443\r\n",
        b"PROXY TCP4 192.168.0.256 192.168.0.11 56324 443\r\n",
        b"PROXY TCP4 2001:db8::7 ::1 56324 443\r\n",
        b"PROXY TCP6 192.168.0.1 192.168.0.11 56324 443\r\n",
        b"PROXY TCP6 fe80::1%eth0 ::1 56324 443\r\n",
        b"PROXY TCP4 \xb2.0.0.1 192.168.0.11 56324 443\r\n",
        b"PROXY UDP4 192.168.0.1 192.168.0.11 56324 443\r\n",
        b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\n",
        v2(0x21, 0x11, bytes(11)),
        v2(0x21, 0x31, bytes(216)),
        v2(0x21, 0x12, bytes(12)),
        v2(0x22, 0x11, bytes(12)),
        v2(0x11, 0x11, bytes(12)),
        v2(0x21, 0x11, bytes(12) + b"\xe0\x00"),
        v2(0x21, 0x11, bytes(12) + b"\xe0\x00\x02x"),
        v2(0x21, 0x11, bytes(12))[:-1],
        LOAD_BALANCER[:-1] + b"\x01",
        V2_SIGNATURE,
    ],
)
def test_what_is_no_header_is_an_error(header: bytes) -> None:
    with pytest.raises(ProxyHeaderError):
        parse(header)


@pytest.mark.parametrize(
    "header", [b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", b"PROXY UNKNOWN\r\n", LOAD_BALANCER]
)
def test_header_is_read_to_its_last_octet_and_no_further(header: bytes) -> None:
    stream, read = header + b"\0\0\0\x10", b""
    while more := wanted(read):
        read += stream[len(read) : len(read) + more]
    assert read == header


@pytest.mark.parametrize(
    "octets",
    [
        b"\0\0\0\x2f",  # A PDU
        b"\x16\x03\x01",  # A ClientHello
        b"PROXX",
        b"PROXY TCP4 " + b"1" * 100,
        V2_SIGNATURE + b"\x21\x11" + (V2_LENGTH_MAX + 1).to_bytes(2, "big"),
    ],
)
def test_what_cannot_become_a_header_is_known_at_once(octets: bytes) -> None:
    with pytest.raises(ProxyHeaderError):
        wanted(octets)


@given(st.sampled_from([b"", b"PROXY TCP4 ", LOAD_BALANCER[:16]]), st.binary(max_size=120))
def test_any_octets_are_a_header_or_an_error(start: bytes, octets: bytes) -> None:
    try:
        assert wanted(start + octets) >= 0
        parse(start + octets)
    except ProxyHeaderError:
        return
