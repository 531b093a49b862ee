"""`python -m tests.soak --minutes N [--seed S] [--rate R]`: exit code 0 where all promises held."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from contextlib import redirect_stderr
from pathlib import Path

from tests.soak.log_events import log_events
from tests.soak.scene import KEEP_MAX
from tests.soak.soak import Result, soak

MINUTES_MIN = 1.0
# What shows that the segments of the store came and went.
COUNTED = ("segment begun", "segment dropped", "webhook circuit opened", "restored")
# Of messages, those that arrive twice included: the carriers remember so many.
SPARE = 2.0


def main() -> int:
    arguments = parsed()
    duration_s = arguments.minutes * 60
    out = sys.stdout
    directory = Path(tempfile.mkdtemp(prefix="soak-"))

    def tell(line: str) -> None:
        out.write(f"{line}\n")
        out.flush()

    tell(
        f"{arguments.minutes:g} minutes, {arguments.rate:g} messages a second, "
        f"seed {arguments.seed}; logs and store in {directory}"
    )
    log = directory / "daemon.log"
    # What the daemon says goes to standard error (tests.e2e.process).
    with log.open("w", encoding="utf-8") as told, redirect_stderr(told):
        result = asyncio.run(soak(directory, duration_s, arguments.rate, arguments.seed, tell))
    events, errors = log_events(log)
    result.figures |= {f"logged: {event}": f"{events[event]:,}" for event in COUNTED}
    result.complaints += [
        f"{count} times logged as error: {event}" for event, count in errors.items()
    ]
    for line in table(result):
        tell(line)
    return 1 if result.complaints else 0


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=40.0, help="messages a second")
    arguments = parser.parse_args()
    if arguments.minutes < MINUTES_MIN or arguments.rate <= 0:
        parser.error(f"at least {MINUTES_MIN:g} minute, and more than no messages")
    if arguments.minutes * 60 * arguments.rate * SPARE > KEEP_MAX:
        parser.error(f"more than {KEEP_MAX / SPARE:,.0f} messages: fewer minutes or a lower rate")
    return arguments


def table(result: Result) -> list[str]:
    width = max(map(len, result.figures))
    lines = [f"{name:<{width}}  {figure}" for name, figure in result.figures.items()]
    if not result.complaints:
        return [*lines, f"All promises kept (seed {result.seed})."]
    return [*lines, *(f"BROKEN (seed {result.seed}): {each}" for each in result.complaints)]


if __name__ == "__main__":
    sys.exit(main())
