"""Packets, losses and jitter, as they were injected (RFC 3550 A.1, A.3, A.8)."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.reception import MAX_DROPOUT, Reception
from tests.media.packets import packet


def received(*sequences: int, ssrc: int = 1, into: Reception | None = None) -> Reception:
    """Packets of 20 ms, each at its time."""
    reception = into or Reception()
    for sequence in sequences:
        reception.received(packet(sequence, ssrc=ssrc), sequence * 0.020)
    return reception


def test_nothing_received_is_nothing_lost() -> None:
    reception = Reception()
    assert (reception.packets, reception.octets, reception.lost, reception.jitter_s) == (0, 0, 0, 0)


def test_a_stream_without_faults_has_none() -> None:
    reception = received(*range(65_000, 67_000))
    assert (reception.packets, reception.octets, reception.lost) == (2_000, 344_000, 0)
    assert reception.jitter_s == pytest.approx(0, abs=1e-6)


def test_what_is_missing_is_lost() -> None:
    assert received(1, 2, 3, 7, 8).lost == 3


def test_what_comes_late_is_not_lost() -> None:
    assert received(1, 2, 5, 3, 4, 6).lost == 0


def test_duplicates_do_not_hide_what_came_before_a_new_source() -> None:
    reception = received(1, 2, 2, 2, 2)
    assert reception.lost == 0
    assert received(1, 4, ssrc=2, into=reception).lost == 2


def test_a_new_source_begins_a_new_count() -> None:
    reception = received(1, 2, 5)
    received(30_000, 30_001, ssrc=2, into=reception)
    assert (reception.packets, reception.lost) == (5, 2)


def test_one_wild_number_is_passed_over() -> None:
    assert received(1, 2, 40_000, 3, 4).lost == 0


def test_a_source_that_starts_anew_is_followed() -> None:
    assert received(1, 2, 40_000, 40_001, 40_002).lost == 0


@pytest.mark.parametrize(("ahead", "lost"), [(MAX_DROPOUT - 1, MAX_DROPOUT - 1), (MAX_DROPOUT, 0)])
def test_a_gap_is_a_loss_up_to_the_dropout(ahead: int, lost: int) -> None:
    assert received(1, 2 + ahead).lost == lost


def test_jitter_is_a_sixteenth_of_each_change() -> None:
    reception = Reception()
    for sequence, late_s in enumerate((0, 0.016, 0.016)):
        reception.received(packet(sequence), sequence * 0.020 + late_s)
    assert reception.jitter_s == pytest.approx(0.001 * 15 / 16)


def test_jitter_comes_near_the_mean_change_of_delay() -> None:
    random, reception = Random(5), Reception()
    for sequence in range(20_000):
        reception.received(packet(sequence), sequence * 0.020 + random.uniform(0, 0.030))
    assert reception.jitter_s == pytest.approx(0.010, rel=0.4)


def test_packets_of_one_event_have_one_timestamp_and_no_jitter() -> None:
    reception = Reception()
    for sequence in range(20):
        reception.received(packet(sequence, timestamp=160), sequence * 0.020)
    assert reception.jitter_s == 0


def test_a_timestamp_that_begins_again_at_0_is_no_jitter() -> None:
    reception = Reception()
    for sequence in range(20):
        timestamp = (2**32 - 1_600 + sequence * 160) & 0xFFFF_FFFF
        reception.received(packet(sequence, timestamp=timestamp), sequence * 0.020)
    assert reception.jitter_s == pytest.approx(0, abs=1e-6)


@given(st.integers(0, 65_535), st.lists(st.booleans(), min_size=1, max_size=300))
def test_losses_are_those_that_were_injected(first: int, kept: list[bool]) -> None:
    """Those before the first that came, and after the last, nobody can know of."""
    came = [first + n for n, keep in enumerate(kept) if keep]
    expected = came[-1] - came[0] + 1 - len(came) if came else 0
    assert received(*came).lost == expected


@given(st.lists(st.binary(min_size=12, max_size=20), max_size=20))
def test_any_headers_are_counted(packets: list[bytes]) -> None:
    reception = Reception()
    for number, octets in enumerate(packets):
        reception.received(octets, number * 0.020)
    assert reception.packets == len(packets)
    assert reception.lost >= 0
    assert reception.jitter_s >= 0
