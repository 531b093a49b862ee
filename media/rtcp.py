"""RTCP, as far as a relay needs it (RFC 3550 §6): whether it is any, what gives the round trip, and
reports of ours or by other names.

A relay sends reports on as they are, while it does so with the packets that they are about. It
notes when each sender report passed, and the receiver's block that names it says how long the
receiver held it.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Iterator
from typing import NamedTuple

SENDER_REPORT, RECEIVER_REPORT, SOURCE_DESCRIPTION, BYE = 200, 201, 202, 203
# From the first type of RFC 3550 to the last of its extensions (RTPFB, PSFB, XR).
_TYPES = range(200, 208)
_VERSION = 2
_BLOCK = struct.Struct("!IIIIII")
_HEAD_OCTETS, _SENDER_OCTETS = 8, 20
# Middle 32 bits of NTP: units of 1/65,536 s (§4).
_SHORT_NTP_S = 1 / 65_536
_ALL_32 = 0xFFFF_FFFF
# Reports that may await the block which names them: of an end's few sources, and of some minutes.
REPORTS_MAX = 16
ROUND_TRIP_MAX_S = 30.0


class ReportBlock(NamedTuple):
    """What an end heard of a source (§6.4.1). `lsr` is the middle of the NTP time of the last
    sender report that it got, 0 for none; `dlsr_s` how long ago that was. Jitter in units of the
    timestamp."""

    ssrc: int
    fraction_lost: float
    lost: int
    highest_sequence: int
    jitter: int
    lsr: int
    dlsr_s: float


class Report(NamedTuple):
    """An SR or RR; `lsr` is what a block would call a sender report, None for an RR."""

    ssrc: int
    lsr: int | None
    blocks: tuple[ReportBlock, ...]


class Renamed(NamedTuple):
    """A source goes by another name, and its timestamps and numbers differ by so much."""

    ssrc: int
    into: int
    timestamp_change: int = 0
    sequence_change: int = 0


def is_rtcp(packet: bytes) -> bool:
    """A compound whose first packet is an SR or RR, or one of reduced size (RFC 5506)."""
    return len(packet) >= _HEAD_OCTETS and packet[0] >> 6 == _VERSION and packet[1] in _TYPES


def reports(compound: bytes) -> Iterator[Report]:
    """Its sender and receiver reports; what is cut off or no RTCP ends them (§A.2)."""
    at = 0
    while at + _HEAD_OCTETS <= len(compound) and compound[at] >> 6 == _VERSION:
        end = at + 4 + 4 * int.from_bytes(compound[at + 2 : at + 4], "big")
        if end > len(compound):
            return
        if compound[at + 1] in (SENDER_REPORT, RECEIVER_REPORT):
            report = _report(compound[at:end])
            if report is None:
                return
            yield report
        at = end


def sender_report(
    ssrc: int, ntp: int, timestamp: int, packets: int, octets: int, block: ReportBlock | None
) -> bytes:
    """An SR (§6.4.1); `ntp` in units of 2^-32 s."""
    sent = struct.pack("!QIII", ntp, timestamp, packets & _ALL_32, octets & _ALL_32)
    return _reported(SENDER_REPORT, ssrc, sent, block)


def receiver_report(ssrc: int, block: ReportBlock | None) -> bytes:
    """An RR (§6.4.2)."""
    return _reported(RECEIVER_REPORT, ssrc, b"", block)


def source_description(ssrc: int, name: str) -> bytes:
    """An SDES with a CNAME, which each compound has (§6.5)."""
    item = bytes((1, len(name))) + name.encode()
    item += bytes(4 - len(item) % 4)  # One null at the least.
    chunk = ssrc.to_bytes(4, "big") + item
    return struct.pack("!BBH", 0x81, SOURCE_DESCRIPTION, len(chunk) // 4) + chunk


def rewritten(compound: bytes, sent: Renamed | None, heard: Renamed | None) -> bytes:
    """What an end reports, for one that is sent its source by another name (`sent`), and has its
    own passed on by another (`heard`). What it says of sources that are not heard there is left
    out, and so is a BYE, since the stream goes on."""
    packets: list[bytes] = []
    at = 0
    while at + _HEAD_OCTETS <= len(compound) and compound[at] >> 6 == _VERSION:
        end = at + 4 + 4 * int.from_bytes(compound[at + 2 : at + 4], "big")
        if end > len(compound):
            break
        packet = _renamed(compound[at:end], sent, heard)
        if packet:
            packets.append(packet)
        at = end
    return b"".join(packets)


def _renamed(packet: bytes, sent: Renamed | None, heard: Renamed | None) -> bytes:
    kind = packet[1]
    if kind == BYE:
        return b""
    ssrc = int.from_bytes(packet[4:8], "big")
    name = packet[4:8]
    if sent is not None and ssrc == sent.ssrc:
        name = sent.into.to_bytes(4, "big")
    elif sent is not None and kind in (SENDER_REPORT, SOURCE_DESCRIPTION):
        return b""
    at = _HEAD_OCTETS
    head = packet[:4] + name
    if kind == SENDER_REPORT and len(packet) >= at + _SENDER_OCTETS:
        stamp = int.from_bytes(packet[16:20], "big")
        if sent is not None and ssrc == sent.ssrc:
            stamp = (stamp + sent.timestamp_change) & _ALL_32
        head += packet[8:16] + stamp.to_bytes(4, "big") + packet[20:28]
        at += _SENDER_OCTETS
    elif kind != RECEIVER_REPORT:
        return head + packet[at:]
    blocks = b""
    for _ in range(packet[0] & 0x1F):
        block = packet[at : at + _BLOCK.size]
        at += _BLOCK.size
        if len(block) == _BLOCK.size and heard is not None:
            about, loss, highest, *rest = _BLOCK.unpack(block)
            if about == heard.into:
                highest = (highest - heard.sequence_change) & _ALL_32
                block = _BLOCK.pack(heard.ssrc, loss, highest, *rest)
        blocks += block
    return head + blocks + packet[at:]


def _reported(kind: int, ssrc: int, sent: bytes, block: ReportBlock | None) -> bytes:
    body = ssrc.to_bytes(4, "big") + sent
    if block is not None:
        loss = min(255, int(block.fraction_lost * 256)) << 24 | (min(block.lost, 0x7F_FFFF))
        held = round(block.dlsr_s / _SHORT_NTP_S) & _ALL_32
        body += _BLOCK.pack(
            block.ssrc, loss, block.highest_sequence, block.jitter & _ALL_32, block.lsr, held
        )
    return struct.pack("!BBH", 0x80 | (block is not None), kind, len(body) // 4) + body


class RoundTrip:
    """The time from us to an end and back, by the sender reports that went to it (§6.4.1)."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._passed_at: OrderedDict[int, float] = OrderedDict()

    def passed(self, report: Report, now: float) -> None:
        """A report went to the end."""
        if report.lsr:
            self._passed_at[report.lsr] = now
            if len(self._passed_at) > REPORTS_MAX:
                self._passed_at.popitem(last=False)

    def received(self, report: Report, now: float) -> None:
        """A report came from the end."""
        for block in report.blocks:
            passed_at = self._passed_at.get(block.lsr)
            if passed_at is not None:
                seconds = now - passed_at - block.dlsr_s
                if seconds <= ROUND_TRIP_MAX_S:
                    self.seconds = max(0.0, seconds)


def _report(packet: bytes) -> Report | None:
    count = packet[0] & 0x1F
    at = _HEAD_OCTETS
    lsr = None
    if packet[1] == SENDER_REPORT:
        lsr = int.from_bytes(packet[at + 2 : at + 6], "big")
        at += _SENDER_OCTETS
    if at + count * _BLOCK.size > len(packet):
        return None
    blocks = [
        ReportBlock(
            ssrc, (loss >> 24) / 256, _signed24(loss), highest, jitter, last, delay * _SHORT_NTP_S
        )
        for ssrc, loss, highest, jitter, last, delay in _BLOCK.iter_unpack(
            packet[at : at + count * _BLOCK.size]
        )
    ]
    return Report(int.from_bytes(packet[4:8], "big"), lsr, tuple(blocks))


def _signed24(loss: int) -> int:
    lost = loss & 0xFF_FFFF
    return lost - 0x100_0000 if lost & 0x80_0000 else lost
