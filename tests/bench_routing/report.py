"""The results as a table and a plot, written into the page on routing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from statistics import fmean, median

EXPLANATION = Path(__file__).parents[2] / "docs" / "explanation"
PAGE = EXPLANATION / "routing.md"
PLOT = EXPLANATION / "routing-bench.svg"
BEGIN = "<!-- bench-routing: begin -->"
END = "<!-- bench-routing: end -->"


@dataclass(frozen=True)
class Row:
    """One run."""

    scenario: str
    held_out: bool
    seed: int
    router: str
    share: float
    lost_per_1000: float
    price: float
    detected_s: float
    recovered_s: float


def routers_table(rows: Sequence[Row]) -> str:
    """All routers over the scenarios that each of them has played."""
    lines = [
        "| router | utility, mean | worst scenario | lost of 1,000 | price of 1,000 "
        "| found after | back after |",
        "|---|---|---|---|---|---|---|",
    ]
    for router, of_router in _by_router(_common(rows)).items():
        worst = min(of_router, key=lambda row: row.share)
        lines.append(
            f"| {router} | {fmean(row.share for row in of_router):.1%} "
            f"| {worst.share:.1%} ({worst.scenario}) "
            f"| {fmean(row.lost_per_1000 for row in of_router):.0f} "
            f"| {fmean(row.price for row in of_router):.2f} "
            f"| {_median([row.detected_s for row in of_router])} "
            f"| {_median([row.recovered_s for row in of_router])} |"
        )
    return "\n".join(lines)


def scenarios_table(rows: Sequence[Row], router: str) -> str:
    """One router, scenario by scenario: means over the seeds."""
    lines = [
        "| scenario | utility | worst seed | lost of 1,000 | found after | back after |",
        "|---|---|---|---|---|---|",
    ]
    scenarios: dict[str, list[Row]] = {}
    for row in rows:
        if row.router == router:
            scenarios.setdefault(row.scenario, []).append(row)
    for name, of_scenario in scenarios.items():
        mark = " (held out)" if of_scenario[0].held_out else ""
        lines.append(
            f"| {name}{mark} | {fmean(row.share for row in of_scenario):.1%} "
            f"| {min(row.share for row in of_scenario):.1%} "
            f"| {fmean(row.lost_per_1000 for row in of_scenario):.0f} "
            f"| {_median([row.detected_s for row in of_scenario])} "
            f"| {_median([row.recovered_s for row in of_scenario])} |"
        )
    return "\n".join(lines)


def plot(rows: Sequence[Row]) -> str:
    """Bars of each router's mean utility, with a mark at its worst scenario."""
    routers = _by_router(_common(rows))
    height, left, width = 26, 190, 480
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 70} '
        f'{height * len(routers) + 46}" font-family="sans-serif" font-size="13">',
        "<title>Utility against a clairvoyant oracle: mean, and worst scenario</title>",
    ]
    bottom = height * len(routers) + 8
    for tenth in range(0, 11, 2):
        x = left + width * tenth / 10
        out.append(f'<path d="M{x:.0f} 4V{bottom}" stroke="#ddd"/>')
        out.append(
            f'<text x="{x:.0f}" y="{bottom + 18}" text-anchor="middle" fill="#555">'
            f"{10 * tenth} %</text>"
        )
    for place, (router, of_router) in enumerate(routers.items()):
        mean = max(0.0, fmean(row.share for row in of_router))
        worst = max(0.0, min(row.share for row in of_router))
        y = 8 + height * place
        color = "#2166ac" if router == "ours" else "#92c5de"
        out.append(f'<text x="{left - 8}" y="{y + 14}" text-anchor="end">{router}</text>')
        out.append(
            f'<rect x="{left}" y="{y}" width="{width * mean:.1f}" height="18" fill="{color}"/>'
        )
        x = left + width * worst
        out.append(f'<path d="M{x:.1f} {y - 2}v22" stroke="#b2182b" stroke-width="3"/>')
        out.append(f'<text x="{left + width + 8}" y="{y + 14}">{mean:.1%}</text>')
    out.append("</svg>\n")
    return "\n".join(out)


def write(rows: Sequence[Row]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    seeds = sorted({row.seed for row in rows})
    body = (
        f"\nSeeds {', '.join(map(str, seeds))}. "
        "All routers, over the scenarios that all have played:\n\n"
        f"{routers_table(rows)}\n\n![Utility of each router](routing-bench.svg)\n\n"
        f"Ours, scenario by scenario:\n\n{scenarios_table(rows, 'ours')}\n\n"
    )
    PAGE.write_text(before + BEGIN + body + END + after, encoding="utf-8")
    PLOT.write_text(plot(rows), encoding="utf-8")


def _by_router(rows: Sequence[Row]) -> dict[str, list[Row]]:
    routers: dict[str, list[Row]] = {}
    for row in rows:
        routers.setdefault(row.router, []).append(row)
    return dict(sorted(routers.items(), key=lambda item: -fmean(row.share for row in item[1])))


def _common(rows: Sequence[Row]) -> list[Row]:
    """Of the scenarios and seeds that every router has played."""
    played = [
        {(row.scenario, row.seed) for row in of_router} for of_router in _by_router(rows).values()
    ]
    common = set.intersection(*played) if played else set()
    return [row for row in rows if (row.scenario, row.seed) in common]


def _median(times: Sequence[float]) -> str:
    """Of those that came to pass at all; "never" where none did, "" where nothing was to find."""
    found = [time for time in times if time < inf]
    return f"{median(found):.0f} s" if found else ""
