"""Symmetric RTP that nobody can steal: which source is believed, and where media is sent."""

from __future__ import annotations

from media.latch import LOCK_PACKETS, SILENCE_S, Latch, Source
from media.rtp import RtpHeader
from media.sdp import Address

SIGNALLED = Address("198.51.100.7", 4_000)
MOVED = Address("198.51.100.7", 6_000)
NAT: Source = ("203.0.113.5", 61_000)
THIEF: Source = ("192.0.2.66", 4_000)
PAYLOAD_TYPES = frozenset({0, 101})


def latch(signalled: Address | None = SIGNALLED) -> Latch:
    described = Latch()
    described.describe(signalled, PAYLOAD_TYPES)
    return described


def header(sequence: int = 1, payload_type: int = 0, ssrc: int = 1) -> RtpHeader:
    return RtpHeader(payload_type, sequence, 160 * sequence, ssrc)


def send(to: Latch, source: Source, *sequences: int, ssrc: int = 1, silent_s: float = 0) -> bool:
    """Whether the last of them was let in."""
    return [to.admits(source, header(one, ssrc=ssrc), silent_s) for one in sequences][-1]


def behind_nat() -> Latch:
    one = latch()
    assert send(one, NAT, *range(LOCK_PACKETS))
    return one


def test_before_a_description_nobody_is_let_in() -> None:
    assert not send(Latch(), NAT, *range(10))
    assert Latch().target is None


def test_the_first_packet_of_the_signalled_address_locks() -> None:
    one = latch()
    assert one.target == SIGNALLED
    assert send(one, SIGNALLED, 1)
    assert one.locked == SIGNALLED
    assert not send(one, THIEF, *range(10))


def test_another_source_locks_with_packets_in_a_row() -> None:
    one = latch()
    *before, last = [(65_535 + n) & 0xFFFF for n in range(LOCK_PACKETS)]
    assert not send(one, NAT, *before)
    assert one.target == SIGNALLED
    assert send(one, NAT, last)
    assert one.target == NAT


def test_packets_that_do_not_follow_each_other_do_not_lock() -> None:
    assert not send(latch(), NAT, *range(0, 100, 2))


def test_packets_of_several_ssrcs_do_not_lock() -> None:
    one = latch()
    assert not any(send(one, NAT, sequence, ssrc=sequence % 2) for sequence in range(20))


def test_two_sources_at_once_lock_neither() -> None:
    one = latch()
    for sequence in range(20):
        assert not send(one, NAT, sequence)
        assert not send(one, THIEF, sequence)
    assert one.target == SIGNALLED


def test_a_payload_type_that_was_not_agreed_does_not_count() -> None:
    one = latch()
    assert not any(one.admits(NAT, header(n, payload_type=96), 0) for n in range(10))
    assert not one.admits(SIGNALLED, header(payload_type=96), 0)


def test_a_locked_source_cannot_be_displaced_but_by_the_signalled_address_in_a_row() -> None:
    one = behind_nat()
    assert not send(one, THIEF, *range(100))
    assert not send(one, SIGNALLED, *range(LOCK_PACKETS - 1))
    assert one.target == NAT
    assert send(one, SIGNALLED, LOCK_PACKETS - 1)
    assert not send(one, NAT, *range(100))
    assert one.target == SIGNALLED


def test_the_signalled_address_takes_over_from_one_that_fell_silent() -> None:
    one = behind_nat()
    assert not send(one, THIEF, *range(100), silent_s=SILENCE_S)
    assert send(one, SIGNALLED, 1, silent_s=SILENCE_S)
    assert one.target == SIGNALLED


def test_a_new_description_of_the_same_address_keeps_what_was_locked() -> None:
    one = behind_nat()
    one.describe(SIGNALLED, PAYLOAD_TYPES)
    assert one.target == NAT
    assert send(one, NAT, 900)
    assert not send(one, THIEF, *range(100))


def test_a_new_description_lets_the_end_come_from_elsewhere() -> None:
    one = behind_nat()
    one.describe(SIGNALLED, PAYLOAD_TYPES)
    moved = ("203.0.113.5", 62_000)
    assert send(one, moved, *range(LOCK_PACKETS))
    assert one.target == moved


def test_an_end_that_says_it_moved_is_sent_to_there_at_once() -> None:
    one = behind_nat()
    one.describe(MOVED, PAYLOAD_TYPES)
    assert one.target == MOVED


def test_ipv6_sources_have_more_than_host_and_port() -> None:
    one = latch(Address("2001:db8::7", 4_000))
    assert send(one, ("2001:db8::7", 4_000, 0, 0), 1)


def test_a_host_that_was_named_is_learnt_from_its_packets() -> None:
    one = latch(None)
    assert one.target is None
    assert send(one, NAT, *range(LOCK_PACKETS))
    assert one.target == NAT
