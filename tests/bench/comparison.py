"""Ours against the peers, work by work, and the targets that the figures have to meet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.bench import works
from tests.bench.scenario import Figures, Scenario
from tests.bench.systems import OURS, SystemName

COLUMNS = ("work", "ours, CPU µs", "peer", "its CPU µs", "ours : peer", "its losses")


class Results:
    """What has been measured so far, and which peers are not here and why."""

    def __init__(self) -> None:
        self.figures: list[Figures] = []
        self.missing: dict[SystemName, str] = {}

    def of(self, scenario: Scenario, system: SystemName = OURS) -> Figures | None:
        """The same work by a system."""
        return next(
            (
                figures
                for figures in self.figures
                if figures.scenario.work == scenario.work
                and figures.scenario.system == system
                and figures.scenario.quick_ack == scenario.quick_ack
            ),
            None,
        )


def comparison(results: Results) -> list[list[str]]:
    """The rows under COLUMNS: each figure of a peer beside ours."""
    rows = []
    for peer in results.figures:
        ours = next(
            (
                figures
                for figures in results.figures
                if figures.scenario.work == peer.scenario.work and figures.scenario.system == OURS
            ),
            None,
        )
        if peer.scenario.system != OURS and ours:
            name = peer.scenario.name.removeprefix(f"{peer.scenario.work}: ")
            rows.append(
                [
                    peer.scenario.work,
                    f"{ours.cpu_us:,.0f}",
                    name,
                    f"{peer.cpu_us:,.0f}",
                    f"{ours.cpu_us / peer.cpu_us:.2f}",
                    losses(peer),
                ]
            )
    rows += [["", "", system, "not here", "", reason] for system, reason in results.missing.items()]
    return rows


def losses(figures: Figures) -> str:
    """`lost 12, receipts lost 3 of 4,100`."""
    audit = figures.audit
    counts = {
        "refused": audit.refused,
        "lost": audit.lost,
        "doubled": audit.doubled,
        "unasked": audit.unasked,
        "receipts lost": audit.receipts_lost,
        "receipts doubled": audit.receipts_doubled,
    }
    found = ", ".join(f"{name} {count:,}" for name, count in counts.items() if count)
    return f"{found} of {figures.audited:,}" if found else "none"


@dataclass(frozen=True, slots=True)
class Target:
    """`value` finds the figure, None where it was not measured; it is to be at most `limit`, or at
    least where `at_least`."""

    text: str
    limit: float
    unit: str
    value: Callable[[Results], float | None]
    at_least: bool = False

    def row(self, results: Results) -> list[str]:
        """Under `target`, `measured` and `reached`."""
        value = self.value(results)
        sign = "≥" if self.at_least else "≤"
        text = f"{self.text}: {sign} {_number(self.limit)}{self.unit}"
        if value is None:
            return [text, "not measured", ""]
        measured = f"{_number(value)}{self.unit}"
        return [text, measured, verdict(value, self.limit, at_least=self.at_least)]


def verdict(value: float, limit: float, *, at_least: bool = False) -> str:
    """`reached`, or by how much it is missed."""
    short = limit / value - 1 if at_least else value / limit - 1
    return "reached" if short <= 0 else f"missed by {short:.0%}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def ratio(scenario: Scenario, peer: SystemName) -> Callable[[Results], float | None]:
    def find(results: Results) -> float | None:
        ours, theirs = results.of(scenario), results.of(scenario, peer)
        return ours.cpu_us / theirs.cpu_us if ours and theirs else None

    return find


def figure(
    scenario: Scenario, value: Callable[[Figures], float]
) -> Callable[[Results], float | None]:
    def find(results: Results) -> float | None:
        figures = results.of(scenario)
        return value(figures) if figures else None

    return find


def median_of_ours(value: Callable[[Figures], float]) -> Callable[[Results], float | None]:
    def find(results: Results) -> float | None:
        values = sorted(
            value(figures) for figures in results.figures if figures.scenario.system == OURS
        )
        return values[len(values) // 2] if values else None

    return find


TARGETS = (
    Target(
        "HTTP → SMPP with receipts, CPU against Kannel's",
        0.8,
        "",
        ratio(works.HTTP_RECEIPTS, "Kannel"),
    ),
    Target(
        "HTTP → SMPP with receipts called back, CPU against Jasmin's",
        1 / 20,
        "",
        ratio(works.HTTP_TOLD, "Jasmin"),
    ),
    Target(
        "HTTP → SMPP without receipts, CPU against Kannel's",
        1.2,
        "",
        ratio(works.HTTP, "Kannel"),
    ),
    Target(
        "SMPP → SMPP with receipts, CPU",
        100,
        " µs",
        figure(works.SMPP_RECEIPTS, lambda figures: figures.cpu_us),
    ),
    Target(
        "SMPP → SMPP without receipts, CPU",
        60,
        " µs",
        figure(works.SMPP, lambda figures: figures.cpu_us),
    ),
    Target(
        "SMPP → SMPP without receipts, rate of one worker",
        12_000,
        "/s",
        figure(works.SMPP, lambda figures: figures.per_second),
        at_least=True,
    ),
    Target(
        "submit → carrier at 100/s, p50",
        2,
        " ms",
        figure(works.SLOW, lambda figures: figures.arrival_ms[0]),
    ),
    Target(
        "submit → carrier at 100/s, p99",
        8,
        " ms",
        figure(works.SLOW, lambda figures: figures.arrival_ms[1]),
    ),
    Target(
        "submit → carrier at half of capacity, p99",
        30,
        " ms",
        figure(works.HALF, lambda figures: figures.arrival_ms[1]),
    ),
    Target("idle RSS", 120, " MB", median_of_ours(lambda figures: figures.idle_rss / 1e6)),
    Target("start to ready", 1.5, " s", median_of_ours(lambda figures: figures.started_in_s)),
)
