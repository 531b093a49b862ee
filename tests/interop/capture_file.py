"""Octets of TCP connections, and datagrams, as a capture file, with the headers around them.

So a foreign dissector can be asked about octets that no interface was listened to for, which needs
no privilege and always gives the same file.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterable

from tests.interop.relay import Segment

# The format of tcpdump: magic, version 2.4, no time zone, no accuracy, snapshot length, and packets
# that begin with their IP header.
FILE_HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 101)
PACKET_HEADER = struct.Struct("<IIII")
IP_HEADER = struct.Struct(">BBHHHBBH4s4s")
UDP_HEADER = struct.Struct(">HHHH")
TCP_HEADER = struct.Struct(">HHIIBBHHH")

CLIENT, SERVER = bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2])
CLIENT_PORT = 40_000
PROTOCOL_TCP = 6
PROTOCOL_UDP = 17
DONT_FRAGMENT = 0x4000
PUSH_AND_ACK = 0x18
FIRST = 1_000
# What one IP packet can carry; a longer read was several of them.
PAYLOAD_MAX = 60_000


def capture_file(segments: Iterable[Segment], port: int) -> bytes:
    """The file of all connections to a server on `port`, a millisecond between two packets."""
    sent: defaultdict[tuple[int, bool], int] = defaultdict(lambda: FIRST)
    packets = [FILE_HEADER]
    for connection, from_client, octets in segments:
        for at in range(0, len(octets), PAYLOAD_MAX):
            payload = octets[at : at + PAYLOAD_MAX]
            packet = _packet(
                CLIENT_PORT + connection,
                port,
                from_client,
                sent[connection, from_client],
                sent[connection, not from_client],
                payload,
            )
            sent[connection, from_client] += len(payload)
            packets.append(_kept(packet, len(packets)))
    return b"".join(packets)


def datagram_file(datagrams: Iterable[tuple[bool, bytes]], port: int) -> bytes:
    """The file of what passed between a client and a server on `port` of UDP; whether it was the
    client's, and its octets."""
    packets = [FILE_HEADER]
    for from_client, octets in datagrams:
        ports, addresses = (CLIENT_PORT, port), (CLIENT, SERVER)
        if not from_client:
            ports, addresses = ports[::-1], addresses[::-1]
        length = UDP_HEADER.size + len(octets)
        udp = UDP_HEADER.pack(*ports, length, 0) + octets
        packets.append(_kept(_ip(PROTOCOL_UDP, *addresses, udp), len(packets)))
    return b"".join(packets)


def _packet(
    client: int, server: int, from_client: bool, sequence: int, acknowledged: int, payload: bytes
) -> bytes:
    ports, addresses = (client, server), (CLIENT, SERVER)
    if not from_client:
        ports, addresses = ports[::-1], addresses[::-1]
    tcp = TCP_HEADER.pack(
        *ports, sequence, acknowledged, TCP_HEADER.size // 4 << 4, PUSH_AND_ACK, 0xFFFF, 0, 0
    )
    return _ip(PROTOCOL_TCP, *addresses, tcp + payload)


def _ip(protocol: int, source: bytes, destination: bytes, payload: bytes) -> bytes:
    length = IP_HEADER.size + len(payload)
    header = IP_HEADER.pack(0x45, 0, length, 0, DONT_FRAGMENT, 64, protocol, 0, source, destination)
    return header + payload


def _kept(packet: bytes, milliseconds: int) -> bytes:
    seconds, rest = divmod(milliseconds, 1_000)
    return PACKET_HEADER.pack(seconds, rest * 1_000, len(packet), len(packet)) + packet
