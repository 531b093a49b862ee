"""Ratios and verdicts are those of the figures."""

from dataclasses import replace

from tests.bench import comparison, works
from tests.bench.comparison import Results, Target
from tests.bench.ledger import Audit
from tests.bench.scenario import Figures, Scenario

CLEAN = Audit(refused=0, lost=0, doubled=0, unasked=0, receipts_lost=0, receipts_doubled=0)


def figures(scenario: Scenario, cpu_us: float, audit: Audit = CLEAN) -> Figures:
    return Figures(
        scenario,
        messages=1_000,
        per_second=1e6 / cpu_us,
        parts_us={"event loop": cpu_us * 0.75, "store threads": cpu_us * 0.25},
        load_cpu_us=10.0,
        sink_cpu_us=5.0,
        answer_ms=(1.0, 2.0),
        arrival_ms=(1.5, 3.0),
        callbacks=0.0,
        lag_p99_ms=0.1,
        others_cores=0.0,
        started_in_s=1.0,
        idle_rss=70_000_000,
        rss=100_000_000,
        troubles=(),
        audited=1_000,
        audit=audit,
    )


def results(*all_figures: Figures) -> Results:
    found = Results()
    found.figures += all_figures
    return found


def a_target(limit: float, *, at_least: bool = False) -> Target:
    return Target("CPU", limit, " µs", lambda found: found.figures[0].cpu_us, at_least)


def test_a_peer_stands_beside_ours_with_the_ratio() -> None:
    kannel = figures(replace(works.HTTP, system="Kannel"), 200.0)
    (row,) = comparison.comparison(results(figures(works.HTTP, 100.0), kannel))
    assert row == [works.HTTP.work, "100", "Kannel", "200", "0.50", "none"]


def test_a_peer_that_is_not_here_says_why() -> None:
    found = results(figures(works.HTTP, 100.0))
    found.missing["Jasmin"] = "no network"
    assert comparison.comparison(found) == [["", "", "Jasmin", "not here", "", "no network"]]


def test_what_a_peer_loses_is_counted() -> None:
    lossy = figures(works.HTTP, 100.0, replace(CLEAN, lost=3, receipts_lost=7))
    assert comparison.losses(lossy) == "lost 3, receipts lost 7 of 1,000"


def test_a_target_that_is_met_is_reached() -> None:
    assert a_target(100).row(results(figures(works.SMPP, 100.0)))[1:] == ["100 µs", "reached"]


def test_a_target_that_is_missed_says_by_how_much() -> None:
    assert a_target(100).row(results(figures(works.SMPP, 150.0)))[2] == "missed by 50%"


def test_a_least_value_is_missed_from_below() -> None:
    row = a_target(300, at_least=True).row(results(figures(works.SMPP, 200.0)))
    assert row[2] == "missed by 50%"


def test_what_was_not_measured_is_not_called_reached() -> None:
    found = results(figures(works.SLOW, 100.0))
    rows = [target.row(found) for target in comparison.TARGETS]
    assert [row[2] for row in rows if row[1] == "not measured"] == [""] * 7
