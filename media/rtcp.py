"""RTCP, as far as a relay reads it: whether it is any, and what gives the round trip (RFC 3550 §6).

A relay sends reports on as they are. It notes when each sender report passed, and the receiver's
block that names it says how long the receiver held it.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Iterator
from typing import NamedTuple

SENDER_REPORT, RECEIVER_REPORT = 200, 201
# From the first type of RFC 3550 to the last of its extensions (RTPFB, PSFB, XR).
_TYPES = range(200, 208)
_VERSION = 2
_BLOCK = struct.Struct("!IIIIII")
_HEAD_OCTETS, _SENDER_OCTETS = 8, 20
# Middle 32 bits of NTP: units of 1/65,536 s (§4).
_SHORT_NTP_S = 1 / 65_536
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
