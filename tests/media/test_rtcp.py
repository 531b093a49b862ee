"""Reports and round trips (RFC 3550 §6.4)."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media import rtcp
from media.rtcp import REPORTS_MAX, Renamed, Report, ReportBlock, RoundTrip
from tests.media.packets import SSRC, receiver_report, sender_report

SDES = bytes.fromhex("81ca0003 00005eed 01047465 73740000")
PASSED, HELD = 0x0001_8000, 0.5


def test_a_receiver_report_says_what_was_heard() -> None:
    [report] = rtcp.reports(receiver_report(PASSED, dlsr_s=HELD, lost=-2))
    block = ReportBlock(SSRC, 0.0, -2, 7, 0, PASSED, HELD)
    assert report == Report(2, None, (block,))


def test_a_sender_report_has_its_name_in_blocks() -> None:
    assert list(rtcp.reports(sender_report(PASSED))) == [Report(SSRC, PASSED, ())]


def test_a_compound_holds_several() -> None:
    compound = sender_report() + SDES + receiver_report()
    assert [report.ssrc for report in rtcp.reports(compound)] == [SSRC, 2]


@pytest.mark.parametrize("end", [3, 8, 20, 27])
def test_what_is_cut_off_is_not_read(end: int) -> None:
    assert list(rtcp.reports(sender_report()[:end])) == []


def test_blocks_that_are_not_there_end_the_reading() -> None:
    assert list(rtcp.reports(b"\x9f" + receiver_report()[1:] + sender_report())) == []


def test_only_rtcp_is_rtcp() -> None:
    assert rtcp.is_rtcp(sender_report())
    assert rtcp.is_rtcp(SDES)
    assert not rtcp.is_rtcp(b"\x80\xc8\0\0")
    assert not rtcp.is_rtcp(bytes(12))
    assert not rtcp.is_rtcp(b"\x80\0" + bytes(20))


def passed(*middles_of_ntp: int) -> RoundTrip:
    """Reports that went to the end, a second apart."""
    trip = RoundTrip()
    for second, middle in enumerate(middles_of_ntp):
        for report in rtcp.reports(sender_report(middle)):
            trip.passed(report, second)
    return trip


def came(trip: RoundTrip, octets: bytes, now: float) -> float:
    for report in rtcp.reports(octets):
        trip.received(report, now)
    return trip.seconds


def test_the_round_trip_is_without_the_time_that_the_end_held_the_report() -> None:
    assert came(passed(5, 6), receiver_report(6, dlsr_s=2.5), 3.75) == pytest.approx(0.25)


def test_a_report_that_did_not_pass_says_nothing() -> None:
    assert came(passed(5), receiver_report(0), 3) == 0
    assert came(passed(5), receiver_report(9), 3) == 0


def test_a_report_that_has_long_passed_says_nothing() -> None:
    assert came(passed(*range(1, REPORTS_MAX + 2)), receiver_report(1), 20) == 0
    assert came(passed(1), receiver_report(1), 3_600) == 0


def test_an_end_whose_clock_is_fast_is_at_no_distance() -> None:
    assert came(passed(1), receiver_report(1, dlsr_s=9), 3) == 0


@given(st.binary(max_size=100) | st.binary(max_size=60).map(lambda tail: sender_report() + tail))
def test_any_octets_have_an_end(octets: bytes) -> None:
    assert len(list(rtcp.reports(octets))) <= 25


SENT = Renamed(SSRC, 0xAAAA, timestamp_change=1_000)
HEARD = Renamed(0xBBBB, SSRC, sequence_change=5)


def test_our_reports_are_read_as_they_were_made() -> None:
    block = ReportBlock(SSRC, 0.5, 7, 65_540, 80, 0x0001_8000, 1.5)
    sent = rtcp.sender_report(3, 0x1234_5678_9ABC_DEF0, 160, 2**32 + 1, 320, block)
    told = rtcp.source_description(3, "relay")
    assert list(rtcp.reports(sent + told)) == [Report(3, 0x5678_9ABC, (block,))]
    assert sent[20:28] == struct.pack("!II", 1, 320)
    assert len(told) % 4 == 0
    assert b"\1\5relay\0" in told
    [report] = rtcp.reports(rtcp.receiver_report(3, None))
    assert report == Report(3, None, ())


def test_a_sender_goes_by_the_name_that_it_is_heard_by() -> None:
    report, told = sender_report(), rtcp.source_description(SSRC, "x")
    renamed = rtcp.rewritten(report + told, SENT, None)
    [read] = rtcp.reports(renamed)
    assert (read.ssrc, read.lsr) == (0xAAAA, 0x0001_8000)
    assert renamed[16:20] == struct.pack("!I", 1_160)
    assert renamed[28:] == rtcp.source_description(0xAAAA, "x")


def test_a_block_is_about_the_source_that_was_heard() -> None:
    [read] = rtcp.reports(rtcp.rewritten(receiver_report(lost=3), None, HEARD))
    [block] = read.blocks
    assert (block.ssrc, block.highest_sequence, block.lost) == (0xBBBB, 2, 3)


def test_what_is_said_of_a_source_that_is_not_heard_is_left_out() -> None:
    other = sender_report(ssrc=9) + rtcp.source_description(9, "x")
    bye = struct.pack("!BBHI", 0x81, 203, 1, SSRC)
    assert rtcp.rewritten(other + bye, SENT, None) == b""
    feedback = struct.pack("!BBHII", 0x81, 205, 2, 9, 8)
    assert rtcp.rewritten(receiver_report(), SENT, None) == receiver_report()
    assert rtcp.rewritten(feedback, SENT, HEARD) == feedback


@given(st.binary(max_size=100) | st.binary(max_size=60).map(lambda tail: sender_report() + tail))
def test_any_octets_are_renamed_to_no_more(octets: bytes) -> None:
    assert len(rtcp.rewritten(octets, SENT, HEARD)) <= len(octets)
