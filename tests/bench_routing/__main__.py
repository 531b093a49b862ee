"""Play the scenarios and report: python -m tests.bench_routing [--seeds 1 2] [--write]."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from tests.bench_routing.baselines import BASELINES
from tests.bench_routing.game import play
from tests.bench_routing.ours import Ours
from tests.bench_routing.report import Row, routers_table, scenarios_table, write
from tests.bench_routing.scenarios import DEVELOPMENT, HELD_OUT
from tests.bench_routing.sms import ChooserFactory

ROUTERS: tuple[ChooserFactory, ...] = (Ours, *BASELINES)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--scenarios", nargs="+", default=[], help="parts of their names")
    parser.add_argument("--routers", nargs="+", default=[], help="parts of their names")
    parser.add_argument("--held-out", action="store_true", help="those never tuned on, too")
    parser.add_argument("--results", type=Path, help="a file of runs, read and added to")
    parser.add_argument("--write", action="store_true", help="into docs/explanation/routing.md")
    args = parser.parse_args()
    rows = read(args.results) if args.results else []
    known = {(row.scenario, row.seed, row.router) for row in rows}
    for scenario in (*DEVELOPMENT, *(HELD_OUT if args.held_out else ())):
        if args.scenarios and not any(part in scenario.name for part in args.scenarios):
            continue
        for seed in args.seeds:
            for factory in ROUTERS:
                if args.routers and not any(part in factory.name for part in args.routers):
                    continue
                if (scenario.name, seed, factory.name) in known:
                    continue
                result = play(scenario, seed, factory)
                row = Row(
                    scenario.name,
                    scenario in HELD_OUT,
                    seed,
                    factory.name,
                    result.share,
                    result.lost_per_1000,
                    1000.0 * result.price / result.messages,
                    result.detected_s,
                    result.recovered_s,
                )
                rows.append(row)
                sys.stderr.write(f"{row.scenario}, seed {seed}, {row.router}: {row.share:.1%}\n")
                if args.results:
                    with args.results.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(asdict(row)) + "\n")
    sys.stdout.write(f"{routers_table(rows)}\n\n{scenarios_table(rows, Ours.name)}\n")
    if args.write:
        write(rows)


def read(path: Path) -> list[Row]:
    if not path.exists():
        return []
    return [Row(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    main()
