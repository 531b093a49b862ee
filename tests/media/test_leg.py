"""A relayed call in memory: what goes where, what is dropped, what is measured."""

from __future__ import annotations

import pytest

from media import sdp
from media.audio_stream import AudioStream
from media.g711 import A_LAW_TO_MU_LAW
from media.latch import LOCK_PACKETS, Source
from media.leg import Leg, describe, join
from media.rtp import PACKET_OCTETS_MAX
from media.sdp import Address
from tests.media.descriptions import audio, spoken
from tests.media.descriptions import sdp as description
from tests.media.leg_transports import SentBy
from tests.media.packets import packet, receiver_report, sender_report

CALLER: Source = ("198.51.100.7", 4_000)
CALLED: Source = ("192.0.2.8", 5_000)
NAT: Source = ("203.0.113.5", 61_000)
OURS = Address("203.0.113.9", 20_000)


def stream(source: Source, *attributes: str, host: str = "") -> AudioStream:
    read = sdp.parse(spoken(source[1], *attributes, host=host or source[0]))
    return AudioStream.of(read, read.media[0])


class Call:
    """Two legs; what goes to each is in `sent`."""

    def __init__(self, caller: str = "sendrecv", called: str = "sendrecv", mux: str = "x") -> None:
        self.transports = (SentBy(), SentBy())
        self.sent = (self.transports[0].sent, self.transports[1].sent)
        self.legs = (self._leg(0), self._leg(1))
        join(*self.legs)
        self.describe(stream(CALLER, caller, mux), stream(CALLED, called))

    def describe(self, caller: AudioStream, called: AudioStream) -> None:
        describe(*self.legs, (caller, called))

    def _leg(self, end: int) -> Leg:
        return Leg(self.transports[end], lambda address: address == OURS)

    def caller_sends(self, *packets: bytes, source: Source = CALLER, now: float = 1.0) -> None:
        for octets in packets:
            self.legs[0].rtp_received(octets, source, now)


def test_a_packet_goes_to_the_other_end_as_it_is() -> None:
    call = Call()
    call.caller_sends(packet(7))
    assert call.sent == ([], [("rtp", packet(7), CALLED)])


def test_nothing_is_relayed_before_an_agreement() -> None:
    call = Call()
    legs = [Leg(one) for one in call.transports]
    join(legs[0], legs[1])
    legs[0].rtp_received(packet(), CALLER, 1.0)
    legs[0].rtcp_received(receiver_report(), CALLER, 1.0)
    assert legs[0].strays == 2
    assert call.sent == ([], [])


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\x80",
        bytes(11),
        bytes(172),
        b"\x40" + packet()[1:],
        packet(payload=bytes(PACKET_OCTETS_MAX)),
    ],
    ids=["empty", "short", "eleven", "version 0", "version 1", "long"],
)
def test_what_is_no_rtp_goes_nowhere(octets: bytes) -> None:
    call = Call()
    call.caller_sends(octets, packet(), octets)
    assert call.sent[1] == [("rtp", packet(), CALLED)]
    assert call.legs[0].strays == 2


def test_strangers_are_not_relayed_and_are_sent_nothing() -> None:
    call = Call()
    call.caller_sends(packet(1))
    for sequence in range(50):
        call.caller_sends(packet(sequence), source=NAT)
    call.legs[1].rtp_received(packet(), CALLED, 1.0)
    assert len(call.sent[1]) == 1
    assert [to for _, _, to in call.sent[0]] == [CALLER]


def test_an_end_behind_a_nat_is_sent_to_where_it_sends_from() -> None:
    call = Call()
    call.caller_sends(*[packet(n) for n in range(LOCK_PACKETS)], source=NAT)
    call.legs[1].rtp_received(packet(), CALLED, 1.0)
    assert [to for _, _, to in call.sent[0]] == [NAT]
    assert len(call.sent[1]) == 1


def test_the_relays_own_ports_are_never_believed() -> None:
    call = Call()
    call.caller_sends(*[packet(n) for n in range(20)], source=OURS)
    call.legs[0].rtcp_received(receiver_report(), OURS, 1.0)
    assert call.sent == ([], [])


def test_who_holds_the_other_is_not_sent_to_but_is_heard() -> None:
    call = Call("sendonly", "recvonly")
    call.caller_sends(packet())
    call.legs[1].rtp_received(packet(), CALLED, 1.0)
    assert call.sent == ([], [("rtp", packet(), CALLED)])


def test_held_by_zeros_it_is_sent_nothing_at_all() -> None:
    call = Call()
    call.describe(stream(CALLER, host="0.0.0.0"), stream(CALLED))
    call.legs[1].rtp_received(packet(), CALLED, 1.0)
    call.legs[1].rtcp_received(receiver_report(), (CALLED[0], CALLED[1] + 1), 1.0)
    assert call.sent == ([], [])


def test_what_the_system_does_not_take_is_dropped_and_counted() -> None:
    call = Call()
    call.transports[1].full = True
    call.caller_sends(packet(1), packet(2))
    call.legs[0].rtcp_received(receiver_report(), (CALLER[0], CALLER[1] + 1), 1.0)
    assert call.legs[0].unsent == 3
    assert call.legs[0].heard.packets == 2


def test_rtcp_goes_from_its_port_to_its_port() -> None:
    call = Call()
    call.legs[0].rtcp_received(receiver_report(), (CALLER[0], CALLER[1] + 1), 1.0)
    assert call.sent[1] == [("rtcp", receiver_report(), (CALLED[0], CALLED[1] + 1))]


def test_rtcp_continues_while_media_is_held() -> None:
    call = Call("sendonly", "recvonly")
    call.legs[1].rtcp_received(receiver_report(), (CALLED[0], CALLED[1] + 1), 1.0)
    assert [by for by, _, _ in call.sent[0]] == ["rtcp"]


def test_rtcp_is_let_in_from_the_host_whose_rtp_is_believed() -> None:
    call = Call()
    call.legs[0].rtcp_received(receiver_report(), (NAT[0], 61_005), 1.0)
    assert call.sent[1] == []
    call.caller_sends(*[packet(n) for n in range(LOCK_PACKETS)], source=NAT)
    call.legs[0].rtcp_received(receiver_report(), (NAT[0], 61_005), 1.0)
    call.legs[0].rtcp_received(receiver_report(), (NAT[0], 61_006), 1.0)
    call.legs[1].rtcp_received(receiver_report(), (CALLED[0], CALLED[1] + 1), 1.0)
    assert [by for by, _, _ in call.sent[1]] == ["rtp", "rtcp"]
    assert call.sent[0] == [("rtcp", receiver_report(), (NAT[0], 61_005))]


def test_what_is_no_rtcp_goes_nowhere() -> None:
    call = Call()
    call.legs[0].rtcp_received(packet(), (CALLER[0], CALLER[1] + 1), 1.0)
    assert call.sent[1] == []
    assert call.legs[0].strays == 1


def test_with_rtcp_mux_reports_share_the_port_of_one_end_alone() -> None:
    call = Call(mux="rtcp-mux")
    call.caller_sends(packet(), receiver_report())
    call.legs[1].rtcp_received(receiver_report(), (CALLED[0], CALLED[1] + 1), 1.0)
    assert [by for by, _, _ in call.sent[1]] == ["rtp", "rtcp"]
    assert call.sent[0] == [("muxed", receiver_report(), CALLER)]
    assert call.legs[0].heard.packets == 1


def test_the_round_trip_is_from_a_report_that_passed_to_the_block_that_names_it() -> None:
    call = Call()
    reports = (CALLER[0], CALLER[1] + 1), (CALLED[0], CALLED[1] + 1)
    call.legs[0].rtcp_received(sender_report(0x1234_5678), reports[0], 10.0)
    call.legs[1].rtcp_received(receiver_report(0x1234_5678, dlsr_s=2.0), reports[1], 12.25)
    assert call.legs[1].heard.rtt_s == pytest.approx(0.25, abs=1e-4)
    assert call.legs[0].heard.rtt_s == 0


def test_the_relays_own_rtcp_port_is_never_believed() -> None:
    call = Call()
    call.describe(stream(CALLER, "rtcp:20000 IN IP4 203.0.113.9"), stream(CALLED))
    call.legs[0].rtcp_received(receiver_report(), OURS, 1.0)
    assert call.sent == ([], [])


def test_with_rtcp_mux_reports_wait_for_an_address() -> None:
    call = Call()
    call.describe(stream(CALLER, "rtcp-mux", host="0.0.0.0"), stream(CALLED))
    call.legs[1].rtcp_received(receiver_report(), (CALLED[0], CALLED[1] + 1), 1.0)
    assert call.sent == ([], [])


def test_an_end_that_moves_is_sent_to_where_it_moved() -> None:
    call = Call()
    call.caller_sends(packet(1))
    moved = (CALLER[0], 4_100)
    call.describe(stream(moved), stream(CALLED))
    call.legs[1].rtp_received(packet(), CALLED, 1.0)
    call.legs[1].rtcp_received(receiver_report(), (CALLED[0], CALLED[1] + 1), 1.0)
    assert [to for _, _, to in call.sent[0]] == [moved, (CALLER[0], 4_101)]


def test_each_end_gets_the_law_of_g711_that_it_has() -> None:
    call = Call()
    call.describe(one_law(CALLER, "0"), one_law(CALLED, "8"))
    call.caller_sends(packet(1, payload=b"\xff"), packet(2, payload=b"\5", payload_type=101))
    call.legs[1].rtp_received(packet(3, payload=b"\xd5", payload_type=8), CALLED, 1.0)
    assert [octets for _, octets, _ in call.sent[1]] == [
        packet(1, payload=b"\xd5", payload_type=8),
        packet(2, payload=b"\5", payload_type=101),
    ]
    to_mu_law = b"\xd5".translate(A_LAW_TO_MU_LAW)
    assert call.sent[0] == [("rtp", packet(3, payload=to_mu_law), CALLER)]


def one_law(source: Source, law: str) -> AudioStream:
    read = sdp.parse(description(audio(source[1], formats=(law, "101")), host=source[0]))
    return AudioStream.of(read, read.media[0])


def test_quality_is_of_what_came() -> None:
    call = Call()
    for sequence in (*range(1, 50), *range(51, 101)):
        call.caller_sends(packet(sequence), now=sequence * 0.020)
    heard = call.legs[0].heard
    assert (heard.packets, heard.octets, heard.lost) == (99, 99 * 172, 1)
    assert heard.jitter_s == pytest.approx(0, abs=1e-6)
    assert 4.0 < heard.mos < 4.4
    assert call.legs[0].last_at == pytest.approx(2.0)
    assert call.legs[1].heard.mos == 0
