"""What the tables of the media bench say of figures that are made up."""

from tests.bench.bench_media import (
    MANY_CALLS,
    WORKS,
    Figures,
    Many,
    Measured,
    table,
    targets_table,
)
from tests.bench.relay_process import RelayCounts
from tests.bench.rtp_load import RtpRound


def figures(*cpu_us: float) -> Figures:
    made = Figures()
    for each in cpu_us:
        round_ = RtpRound(((), ()), sent=1_001, received=1_000, p50_us=150, p99_us=900)
        made.add(round_, each * 1_000)
    return made


def test_round_that_did_the_work_of_another_is_not_the_best() -> None:
    made = figures(12, 10)
    made.add(RtpRound(((), ()), sent=1_000, received=1_100), 7_000)
    assert made.best_us == 10


def test_best_rounds_are_compared() -> None:
    ((name, ratio, ours, theirs, calls, *_),) = table(
        [Measured(WORKS[0], figures(12, 8), figures(10, 16))]
    )
    assert (name, ratio, ours, theirs, calls) == ("plain relay", "0.80", "8.00", "10.00", "1,250")


def test_packets_that_did_not_come_back_are_told() -> None:
    (row,) = table([Measured(WORKS[0], figures(8, 8), figures(10))])
    assert row[-4:] == ["150 / 900", "150 / 900", "2 of 2,002", "1 of 1,001"]


def test_targets_say_what_is_missed() -> None:
    counts = RelayCounts(packets=99, lost=1, unsent=1)
    many = Many(RtpRound(((), ()), sent=100, received=98), counts)
    relayed, at_once = targets_table([Measured(WORKS[0], figures(12), figures(10))], many)
    assert relayed[1:] == ["1.20", "missed by 20%"]
    assert at_once[0].startswith(f"{MANY_CALLS} plain calls")
    assert at_once[1].startswith("2 of 100 (1 gaps, 1 unsent, 0 strays; 2 not back")
    assert at_once[2] == "missed"
