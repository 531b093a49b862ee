"""A relayed call in memory: what goes where, what is dropped, what is measured."""

from __future__ import annotations

from itertools import pairwise

import pytest
from msgspec.structs import replace

from media import rtcp, rtp, sdp
from media.audio_stream import AudioStream
from media.codecs import Codec, Codecs
from media.g711 import A_LAW_TO_MU_LAW
from media.heard import Heard
from media.latch import KNOWN, LOCK_PACKETS, Source, SureLatch
from media.leg import Leg, describe, join
from media.leg_transcoding import Deliver, Take
from media.rtp import PACKET_OCTETS_MAX, RtpHeader
from media.sdp import Address
from media.telephone_event import Digit
from tests.media.descriptions import audio, spoken
from tests.media.descriptions import sdp as description
from tests.media.leg_transports import Sent, SentBy
from tests.media.packets import SSRC, packet, receiver_report, sender_report

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


# Streams, events, noise and packet times

OTHER = 0xBEEF


def end(source: Source, *attributes: str, formats: tuple[str, ...] = ("0", "101")) -> AudioStream:
    read = sdp.parse(description(audio(source[1], *attributes, formats=formats), host=source[0]))
    return AudioStream.of(read, read.media[0])


def headers(sent: Sent) -> list[RtpHeader]:
    read = [rtp.parse(octets) for _, octets, _ in sent]
    return [one for one in read if one is not None]


def event(sequence: int, payload: str, payload_type: int = 101, timestamp: int = 800) -> bytes:
    return packet(sequence, timestamp, bytes.fromhex(payload), payload_type)


def test_another_source_of_an_end_is_heard_as_the_first_one() -> None:
    call = Call()
    call.caller_sends(packet(7), now=1.0)
    call.caller_sends(packet(900, ssrc=OTHER), packet(901, ssrc=OTHER), now=1.02)
    assert [(one.ssrc, one.sequence) for one in headers(call.sent[1])] == [
        (SSRC, 7),
        (SSRC, 8),
        (SSRC, 9),
    ]
    assert call.legs[0].heard.packets == 3
    assert call.legs[0].heard.lost == 0


def test_reports_follow_the_name_that_a_source_is_heard_by() -> None:
    call = Call()
    call.caller_sends(packet(7), packet(900, ssrc=OTHER))
    call.legs[0].rtcp_received(sender_report(ssrc=OTHER), (CALLER[0], CALLER[1] + 1), 1.0)
    call.legs[1].rtcp_received(receiver_report(), (CALLED[0], CALLED[1] + 1), 1.0)
    [passed] = rtcp.reports(call.sent[1][-1][1])
    assert passed.ssrc == SSRC
    [back] = rtcp.reports(call.sent[0][-1][1])
    assert [(one.ssrc, one.highest_sequence) for one in back.blocks] == [(OTHER, 7 + 900 - 8)]


def test_a_digit_is_told_once_and_passes_as_an_event() -> None:
    call, digits = Call(), list[Digit]()
    call.legs[0].on_digit = digits.append
    sent = [event(n, "05 0a 0320" if n < 3 else "05 8a 0320") for n in range(1, 6)]
    call.caller_sends(*sent)
    assert digits == [Digit("5", 0.1)]
    assert [octets for _, octets, _ in call.sent[1]] == sent


def test_an_end_that_sends_events_by_its_own_number_is_heard_by_the_others() -> None:
    call, digits = Call(), list[Digit]()
    call.legs[0].on_digit = digits.append
    call.describe(
        end(CALLER, "rtpmap:101 telephone-event/8000"),
        end(CALLED, "rtpmap:96 telephone-event/8000", formats=("0", "96")),
    )
    call.caller_sends(event(1, "05 8a 0320"), event(2, "06 8a 0320", 96, timestamp=900))
    assert [one.payload_type for one in headers(call.sent[1])] == [96, 96]
    assert [one.sign for one in digits] == ["5", "6"]


def test_events_of_another_clock_are_told_in_the_others() -> None:
    call = Call()
    call.describe(
        end(CALLER, "rtpmap:110 telephone-event/48000", formats=("0", "110")),
        end(CALLED, "rtpmap:101 telephone-event/8000"),
    )
    call.caller_sends(packet(1, 160), now=1.0)
    call.caller_sends(
        event(2, "05 0a 03c0", 110),
        event(3, "05 8a 12c0", 110),
        event(4, "05 8a 12c0", 110),
        now=1.1,
    )
    call.caller_sends(packet(5, 1_120), now=1.12)
    first, *events, last = headers(call.sent[1])
    since = [(one.timestamp - first.timestamp) & 0xFFFF_FFFF for one in (*events, last)]
    assert since == [800, 800, 800, 960]
    assert [(one.payload_type, one.marker) for one in events] == [
        (101, True),
        (101, False),
        (101, False),
    ]
    assert [rtp.payload(octets)[:4].hex() for _, octets, _ in call.sent[1][1:4]] == [
        "050a00a0",
        "058a0320",
        "058a0320",
    ]
    assert last.sequence == first.sequence + 4


def test_events_end_here_where_the_other_end_has_none() -> None:
    call, digits = Call(), list[Digit]()
    call.legs[0].on_digit = digits.append
    call.describe(end(CALLER, "rtpmap:101 telephone-event/8000"), end(CALLED, formats=("0",)))
    call.caller_sends(packet(1), event(2, "05 0a 0320"), event(3, "05 8a 0320"), packet(4))
    assert [(one.sequence, one.timestamp) for one in headers(call.sent[1])] == [(1, 160), (2, 640)]
    assert [one.sign for one in digits] == ["5"]


def test_digits_that_become_tones_leave_no_gap() -> None:
    call = Call()
    call.describe(end(CALLER, "rtpmap:101 telephone-event/8000"), end(CALLED, formats=("0",)))
    player = call.legs[1].player
    call.legs[0].on_digit = lambda digit: player.send_digits(digit.sign)
    now = 1.0
    for sequence in range(1, 61):
        digit = 10 < sequence <= 20
        ended = "8a" if sequence > 14 else "0a"
        octets = event(sequence, f"05 {ended} 0320") if digit else packet(sequence)
        call.caller_sends(octets, now=now)
        player.tick(now)
        now += 0.02
    assert [one.sequence for one in headers(call.sent[1])] == list(range(1, 56))


@pytest.mark.parametrize(("formats", "passes"), [(("0", "13"), True), (("0",), False)])
def test_comfort_noise_goes_to_who_has_agreed_to_it(formats: tuple[str, ...], passes: bool) -> None:
    call = Call()
    call.describe(end(CALLER, formats=("0", "13")), end(CALLED, formats=formats))
    call.caller_sends(packet(1), packet(2, payload=b"\x40", payload_type=13))
    assert [one.payload_type for one in headers(call.sent[1])] == ([0, 13] if passes else [0])


def test_an_end_gets_the_packet_time_that_it_asked_for() -> None:
    call = Call()
    call.describe(end(CALLER), end(CALLED, "maxptime:20"))
    for number in range(4):
        sent = packet(number, number * 480, bytes([number]) * 480)
        call.caller_sends(sent, now=1.0 + number * 0.06)
    assert [len(octets) for _, octets, _ in call.sent[1]] == [172] * 12
    numbers = [one.sequence for one in headers(call.sent[1])]
    assert [after - before for before, after in pairwise(numbers)] == [1] * 11
    heard = b"".join([rtp.payload(octets) for _, octets, _ in call.sent[1]])
    assert heard == b"".join([bytes([number]) * 480 for number in range(4)])
    times = [one.timestamp for one in headers(call.sent[1])]
    assert [after - before for before, after in pairwise(times)] == [160] * 11


def test_packets_of_the_right_time_pass_as_they_are() -> None:
    call = Call()
    call.caller_sends(packet(1), packet(2))
    assert [octets for _, octets, _ in call.sent[1]] == [packet(1), packet(2)]


def test_an_end_whose_peer_sends_no_reports_gets_ours() -> None:
    call = Call()
    for sequence in range(1, 101):
        call.caller_sends(packet(sequence), now=100 + sequence * 0.02)
    for leg in call.legs:
        leg.reports.report(102.5)
    [to_called] = rtcp.reports(call.sent[1][-1][1])
    assert (to_called.ssrc, to_called.blocks) == (SSRC, ())
    assert to_called.lsr is not None
    [to_caller] = rtcp.reports(call.sent[0][-1][1])
    [block] = to_caller.blocks
    assert (block.ssrc, block.highest_sequence, block.lost) == (SSRC, 100, 0)
    assert call.sent[0][-1][2] == (CALLER[0], CALLER[1] + 1)
    answer = receiver_report(to_called.lsr, dlsr_s=1.0)
    call.legs[1].rtcp_received(answer, (CALLED[0], CALLED[1] + 1), 103.6)
    assert call.legs[1].heard.rtt_s == pytest.approx(0.1, abs=1e-3)


def test_an_end_whose_peer_sends_reports_gets_none_of_ours() -> None:
    call = Call()
    call.caller_sends(packet(1), now=100)
    call.legs[0].rtcp_received(sender_report(), (CALLER[0], CALLER[1] + 1), 100)
    before = len(call.sent[1])
    call.legs[1].reports.report(101)
    assert len(call.sent[1]) == before


def test_nothing_is_reported_of_nothing() -> None:
    call = Call()
    call.legs[0].reports.report(100)
    assert call.sent == ([], [])


class Transcoder:
    """Of any codec into PCMU, by taking its first octet."""

    def path(self, codec: Codec, taken: Codecs, deliver: Deliver) -> Take | None:
        def take(octets: bytes, now: float) -> None:
            header = rtp.parse(octets)
            assert header is not None
            at = header.timestamp * 8_000 // codec.clock_rate
            deliver(packet(header.sequence, at, octets[12:13] * 160, 0), now)

        return take


def test_a_codec_that_the_other_end_has_not_goes_by_the_transcoder() -> None:
    transports = SentBy(), SentBy()
    first = Leg(transports[0], transcoding=Transcoder())
    second = Leg(transports[1])
    join(first, second)
    opus = end(CALLER, "rtpmap:111 opus/48000/2", formats=("111",))
    describe(first, second, (opus, end(CALLED, formats=("0",))))
    for sequence in range(1, 4):
        sent = packet(sequence, sequence * 960, b"\7", 111)
        first.rtp_received(sent, CALLER, 1.0 + sequence * 0.02)
    heard = headers(transports[1].sent)
    assert [one.payload_type for one in heard] == [0, 0, 0]
    times = [one.timestamp for one in heard]
    assert [after - before for before, after in pairwise(times)] == [160, 160]
    assert first.reception.clock_rate == 48_000


def test_nothing_is_sent_to_an_end_that_is_closed() -> None:
    call = Call()
    call.legs[1].close()
    call.legs[0].deliver(packet(1), 1.0)
    assert call.sent == ([], [])


def test_the_clock_is_that_of_what_comes_and_not_of_what_was_offered_first() -> None:
    call = Call()
    offered = end(CALLER, "rtpmap:111 opus/48000/2", formats=("111", "0"))
    call.describe(offered, end(CALLED, formats=("0",)))
    for sequence in range(50):
        call.caller_sends(packet(sequence), now=sequence * 0.02)
    assert call.legs[0].heard.jitter_s == pytest.approx(0, abs=1e-6)
    assert call.legs[1].outgoing.clock_rate == 8_000


def test_a_transport_that_knows_its_end_needs_no_address() -> None:
    transports = SentBy(), SentBy()
    first, second = Leg(transports[0], latch=SureLatch()), Leg(transports[1])
    join(first, second)
    describe(first, second, (end(CALLER, "rtcp-mux"), end(CALLED)))
    first.rtp_received(packet(1), KNOWN, 1.0)
    first.rtp_received(packet(2), CALLER, 1.0)
    second.rtp_received(packet(9), CALLED, 1.0)
    first.rtp_received(receiver_report(), KNOWN, 1.0)
    assert [octets for _, octets, _ in transports[1].sent] == [packet(1), receiver_report()]
    assert transports[0].sent == [("rtp", packet(9), KNOWN)]
    assert first.strays == 1


EMPTY_REPORT = rtcp.receiver_report(SSRC, None)


def test_muxed_reports_that_come_before_media_are_heard() -> None:
    transports = SentBy(), SentBy()
    first, second = Leg(transports[0], latch=SureLatch()), Leg(transports[1])
    join(first, second)
    describe(first, second, (replace(end(CALLER, "rtcp-mux"), rtp=None, rtcp=None), end(CALLED)))
    first.rtp_received(sender_report(), KNOWN, 1.0)
    first.rtp_received(EMPTY_REPORT, KNOWN, 1.1)
    assert [octets for _, octets, _ in transports[1].sent] == [sender_report(), EMPTY_REPORT]
    assert (first.strays, first.last_at) == (0, 1.1)


def test_a_muxed_report_may_be_shorter_than_rtp() -> None:
    call = Call(mux="rtcp-mux")
    call.caller_sends(packet(1), EMPTY_REPORT, packet(2), EMPTY_REPORT)
    assert [by for by, _, _ in call.sent[1]] == ["rtp", "rtcp", "rtp", "rtcp"]
    assert call.legs[0].strays == 0


@pytest.mark.parametrize(("mux", "source"), [("rtcp-mux", NAT), ("x", CALLER)])
def test_reports_before_media_are_strays_from_elsewhere_or_if_they_are_not_muxed(
    mux: str, source: Source
) -> None:
    call = Call(mux=mux)
    call.caller_sends(receiver_report(), source=source)
    assert call.sent == ([], [])
    assert call.legs[0].strays == 1


class ToOpusTranscoder:
    """One packet for each, with numbers of its own that go on from the source's first."""

    def path(self, codec: Codec, taken: Codecs, deliver: Deliver) -> Take | None:
        made: list[int] = []

        def take(octets: bytes, now: float) -> None:
            header = rtp.parse(octets)
            assert header is not None
            made.append(made[-1] + 1 if made else header.sequence)
            deliver(packet(made[-1], header.timestamp * 6, b"o" * 60, 111), now)

        return take


@pytest.mark.parametrize("events", ["101 telephone-event/8000", "110 telephone-event/48000"])
def test_what_is_transcoded_has_no_gap_around_digits(events: str) -> None:
    transports = SentBy(), SentBy()
    first = Leg(transports[0], transcoding=ToOpusTranscoder())
    second = Leg(transports[1])
    join(first, second)
    formats = ("111", events.partition(" ")[0])
    opus = end(CALLED, "rtpmap:111 opus/48000/2", f"rtpmap:{events}", formats=formats)
    describe(first, second, (end(CALLER, "rtpmap:101 telephone-event/8000"), opus))
    sequence = 0
    for digit in (False, True, False, True, False):
        for at in range(7):
            sequence += 1
            now = 1.0 + sequence * 0.02
            if digit:
                stamp = (sequence - at) * 160
                octets = event(sequence, f"05 {'8a' if at > 3 else '0a'} 0320", 101, stamp)
            else:
                octets = packet(sequence)
            first.rtp_received(octets, CALLER, now)
    heard = headers(transports[1].sent)
    numbers = [one.sequence for one in heard]
    assert [after - before for before, after in pairwise(numbers)] == [1] * (sequence - 1)
    starts = [one.timestamp for one in heard if one.marker][1:]
    assert [after - before for before, after in pairwise(starts)] == [14 * 960]


def test_what_is_transcoded_goes_on_after_another_agreement() -> None:
    transports = SentBy(), SentBy()
    first = Leg(transports[0], transcoding=ToOpusTranscoder())
    second = Leg(transports[1])
    join(first, second)
    said = end(CALLER), end(CALLED, "rtpmap:111 opus/48000/2", formats=("111",))
    for sequence in range(1, 9):
        if sequence in (1, 5):
            describe(first, second, said)
        first.rtp_received(packet(sequence + 7 * (sequence > 4)), CALLER, 1.0 + sequence * 0.02)
    heard = headers(transports[1].sent)
    steps = [(b.sequence - a.sequence, b.timestamp - a.timestamp) for a, b in pairwise(heard)]
    assert steps == [(1, 960)] * 7


def test_what_comes_from_who_takes_a_place_is_added_to_what_came_before() -> None:
    before = Heard(10, 1_720, 2, 0.004, 0.030, 4.0)
    both = Heard(30, 5_160, 0, 0.001, 0.0, 4.4).after(before)
    assert both[:5] == (40, 6_880, 2, 0.001, 0.030)
    assert 3.0 < both.mos < 4.4
    assert Heard().after(before)[:5] == before[:5]


def test_a_report_of_ours_that_the_system_does_not_take_is_counted() -> None:
    call = Call()
    call.caller_sends(packet(1), now=100.0)
    call.transports[1].full = True
    call.legs[1].reports.report(101.0)
    assert call.legs[1].unsent == 1
    assert not call.legs[1].reports.begun


def test_a_codec_that_nobody_has_named_is_none() -> None:
    call = Call()
    assert call.legs[0].codec(0) is not None
    assert call.legs[0].codec(77) is None
