"""The reports of one end of a call (RFC 3550 §6): those that come from it, which go on to the other
end, and ours to it, where it would get none otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from media import rtcp
from media.leg_transport import LegTransport
from media.rtcp import Renamed, Report, ReportBlock, RoundTrip
from media.rtp import PACKET_OCTETS_MAX

if TYPE_CHECKING:
    from media.leg import Leg

# An end that hears none from its peer for so long hears ours.
SILENT_S = 10.0
CNAME = "relay"


class LegReports:
    """`last_at` is when one came from the end, `begun` whether one has gone to it."""

    def __init__(self, leg: Leg, transport: LegTransport) -> None:
        self.last_at = -SILENT_S
        self.begun = False
        self.round_trip = RoundTrip()
        self._leg = leg
        self._transport = transport
        self._sender_report = (0, 0.0)  # Which came last, and when.
        self._reported = (0, 0)  # What we had expected and lost when we reported last.

    def received(self, packet: bytes, now: float) -> None:
        leg = self._leg
        if not rtcp.is_rtcp(packet) or len(packet) > PACKET_OCTETS_MAX:
            leg.strays += 1
            return
        self.last_at = now
        peer = leg.peer
        for report in rtcp.reports(packet):
            self.round_trip.received(report, now)
            peer.reports.round_trip.passed(report, now)
            if report.lsr is not None:
                self._sender_report = report.lsr, now
        sent, heard = peer.outgoing, leg.outgoing
        if sent.tracked or heard.tracked:
            packet = rtcp.rewritten(
                packet,
                Renamed(sent.source, sent.ssrc, sent.timestamp_change) if sent.tracked else None,
                Renamed(heard.source, heard.ssrc, 0, heard.sequence_change)
                if heard.tracked
                else None,
            )
        if packet and not peer.is_played_to:
            try:
                peer.reports.send(packet)
            except OSError:
                leg.unsent += 1

    def send(self, packet: bytes) -> None:
        """
        Raises:
            OSError: the system does not take it now.
        """
        target = self._leg.rtcp_target
        stream = self._leg.stream
        if target is not None and stream is not None:
            if stream.rtcp_mux:
                self._transport.send_muxed_rtcp(packet, target)
            else:
                self._transport.send_rtcp(packet, target)
            self.begun = True

    def report(self, now: float) -> None:
        """Ours, of what the end is sent and what it sends, if its peer sends none. The clock of
        `now` will do for NTP's: it need but go evenly (§4)."""
        leg = self._leg
        if not leg.is_played_to and now - leg.peer.reports.last_at < SILENT_S:
            return
        block = self._block(now)
        sent = leg.outgoing.sent_by(now)
        if sent is None and block is None:
            return
        if sent is None:
            packet = rtcp.receiver_report(leg.outgoing.ssrc, block)
        else:
            ntp = int(now * (1 << 32))
            packet = rtcp.sender_report(sent.ssrc, ntp, sent.timestamp, *sent[2:], block)
            self.round_trip.passed(Report(sent.ssrc, ntp >> 16 & 0xFFFF_FFFF, ()), now)
        ssrc = int.from_bytes(packet[4:8], "big")
        try:
            self.send(packet + rtcp.source_description(ssrc, CNAME))
        except OSError:
            leg.unsent += 1

    def _block(self, now: float) -> ReportBlock | None:
        reception = self._leg.reception
        last = reception.last
        if last is None:
            return None
        before, self._reported = self._reported, (reception.packets, reception.lost)
        came, lost = [one - other for one, other in zip(self._reported, before, strict=True)]
        lsr, lsr_at = self._sender_report
        return ReportBlock(
            last.ssrc,
            max(0, lost) / max(1, came + lost),
            reception.lost,
            reception.highest,
            reception.jitter,
            lsr,
            now - lsr_at if lsr else 0.0,
        )
