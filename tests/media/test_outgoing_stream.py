"""One stream to an end, whoever is heard in it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from media import rtp
from media.outgoing_stream import OutgoingStream
from media.reception import Reception
from media.rtp import RtpHeader
from tests.media.packets import SSRC, packet

OTHER = 0xBEEF


class Call:
    """Sources that are sent on to one end, as a leg does it."""

    def __init__(self) -> None:
        self.stream = OutgoingStream(ssrc=77)
        self.reception = Reception()
        self.sent: list[RtpHeader] = []

    def take(self, octets: bytes, now: float, reception: Reception | None = None) -> None:
        heard = reception or self.reception
        if heard.received(octets, now):
            self.stream.begin(heard)
        if self.stream.tracked:
            octets = self.stream.forward(octets, now)
        self.note(octets)

    def note(self, octets: bytes) -> None:
        header = rtp.parse(octets)
        assert header is not None
        self.sent.append(header)

    def speak(self, *sequences: int, ssrc: int = SSRC, at: float = 0.0) -> None:
        for sequence in sequences:
            self.take(packet(sequence, ssrc=ssrc), at + sequence * 0.02)


def test_one_source_passes_as_it_is() -> None:
    call = Call()
    call.speak(7, 8, 10, 9)
    assert [(one.ssrc, one.sequence) for one in call.sent] == [(SSRC, n) for n in (7, 8, 10, 9)]
    assert not call.stream.tracked


def test_another_source_goes_on_where_the_first_one_stopped() -> None:
    call = Call()
    call.speak(7, 8)
    call.speak(5_000, 5_001, ssrc=OTHER, at=0.02 * (9 - 5_000) + 0.5)
    assert [(one.ssrc, one.sequence, one.marker) for one in call.sent] == [
        (SSRC, 7, False),
        (SSRC, 8, False),
        (SSRC, 9, True),
        (SSRC, 10, False),
    ]
    pauses = [
        two.timestamp - one.timestamp for one, two in zip(call.sent, call.sent[1:], strict=False)
    ]
    assert pauses == [160, 160 + 4_000, 160]


def test_the_first_source_may_come_back() -> None:
    call = Call()
    call.speak(7, 8)
    call.speak(1, ssrc=OTHER, at=0.3)
    call.speak(30, 31)
    assert [one.sequence for one in call.sent] == [7, 8, 9, 10, 11]
    assert {one.ssrc for one in call.sent} == {SSRC}


def test_what_comes_late_of_the_source_before_keeps_its_place() -> None:
    call = Call()
    call.speak(7, 9)
    call.speak(500, ssrc=OTHER, at=0.2 - 500 * 0.02)
    call.take(packet(8), 0.21)
    call.speak(501, ssrc=OTHER, at=0.2 - 500 * 0.02)
    assert [one.sequence for one in call.sent] == [7, 9, 10, 8, 11]
    assert call.sent[3].timestamp == 8 * 160


def test_a_source_that_starts_anew_under_its_name_goes_on() -> None:
    call = Call()
    call.speak(40_000, 40_001)
    for sequence in range(3):  # The first of them alone may be a stray.
        call.take(packet(sequence), 900.0 + sequence * 0.02)
    assert [one.sequence for one in call.sent] == [40_000, 40_001, 0, 40_002, 40_003]


def test_another_end_in_the_first_ones_place_goes_on() -> None:
    call, other = Call(), Reception()
    call.speak(7)
    call.take(packet(900, ssrc=OTHER), 0.5, other)
    assert [(one.ssrc, one.sequence) for one in call.sent] == [(SSRC, 7), (SSRC, 8)]


def test_losses_and_disorder_of_a_source_are_passed_on() -> None:
    call = Call()
    call.speak(1)
    call.speak(100, 102, 101, 105, ssrc=OTHER)
    assert [one.sequence for one in call.sent] == [1, 2, 4, 3, 7]


def test_ours_come_between_and_the_source_goes_on_after_them() -> None:
    call = Call()
    call.speak(7)
    at = call.stream.timestamp_at(0.16)
    for _ in range(3):
        call.note(call.stream.inject(101, b"\1\2\3\4", at, 0.16))
    call.speak(12, 13)
    assert [(one.sequence, one.payload_type) for one in call.sent] == [
        (7, 0),
        (8, 101),
        (9, 101),
        (10, 101),
        (11, 0),
        (12, 0),
    ]
    assert call.sent[-1].timestamp == 13 * 160


def test_what_a_player_begins_is_of_our_name() -> None:
    stream = OutgoingStream(ssrc=77)
    first = rtp.parse(stream.inject(0, bytes(160), stream.timestamp_at(5.0), 5.0, marker=True))
    call = Call()
    call.stream = stream
    call.take(packet(500), 5.02)
    [source] = call.sent
    assert first is not None
    assert first.ssrc == source.ssrc == 77
    assert (source.sequence, source.timestamp) == (first.sequence + 1, first.timestamp + 160)


def test_numbers_and_times_begin_again_at_0() -> None:
    call = Call()
    call.take(packet(65_535, timestamp=0xFFFF_FFFF), 0.0)
    call.take(packet(9, ssrc=OTHER, timestamp=5), 0.02)
    assert (call.sent[1].sequence, call.sent[1].timestamp) == (0, 159)


def test_what_was_sent_is_counted_for_reports() -> None:
    call = Call()
    assert call.stream.sent_by(1.0) is None
    call.speak(7, 8)
    sent = call.stream.sent_by(8 * 0.02 + 0.1)
    assert sent is not None
    assert sent == (SSRC, 8 * 160 + 800, 2, 320)
    call.stream.track()
    call.speak(9)
    sent = call.stream.sent_by(9 * 0.02)
    assert sent is not None
    assert (sent.ssrc, sent.timestamp, sent.octets) == (SSRC, 9 * 160, 160)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 0xFFFF)), max_size=40))
def test_no_two_packets_of_sources_have_one_number_in_a_row(turns: list[tuple[int, int]]) -> None:
    stream = OutgoingStream(ssrc=1)
    stream.track()
    last = -1
    for now, (source, sequence) in enumerate(turns):
        header = rtp.parse(stream.forward(packet(sequence, ssrc=source), float(now)))
        assert header is not None
        assert header.ssrc == stream.ssrc
        if now and turns[now - 1] != (source, sequence):
            assert header.sequence != last
        last = header.sequence


def test_packets_of_another_length_are_numbered_in_turn() -> None:
    stream = OutgoingStream(ssrc=1)
    stream.track()
    headers = [rtp.parse(stream.forward(packet(9), 0.02 * n, in_turn=True)) for n in range(3)]
    assert [one.sequence for one in headers if one] == [2, 3, 4]


def test_what_is_left_out_is_not_missed() -> None:
    call = Call()
    call.speak(7, 8)
    for sequence in (9, 10):
        left_out = packet(sequence)
        call.reception.received(left_out, sequence * 0.02)
        call.stream.leave_out(left_out)
    call.speak(11, 12, 14, 13)
    assert [one.sequence for one in call.sent] == [7, 8, 9, 10, 12, 11]
    assert [one.timestamp for one in call.sent] == [160 * n for n in (7, 8, 11, 12, 14, 13)]


def test_what_follows_in_another_making_goes_on_in_time() -> None:
    call = Call()
    call.speak(7, 8)
    call.stream.follow_another()
    call.take(packet(500, timestamp=9), 0.2)
    call.take(packet(501, timestamp=169), 0.22)
    assert [(one.sequence, one.timestamp) for one in call.sent[2:]] == [(9, 1_600), (10, 1_760)]
