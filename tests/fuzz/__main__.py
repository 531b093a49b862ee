"""`python -m tests.fuzz [--seconds S] [--target NAME]`: atheris on each target for so long.

Exit code 1 where a target raised, hung or grew; the input that did it is then in var/fuzz. What a
run has learnt is there too (the corpus), and the next run goes on from it.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.targets import TARGETS

DIRECTORY = Path("var") / "fuzz"
INPUT_MAX = 4_096
# One input may take so long, and the process may hold so much, instrumentation included.
INPUT_TIMEOUT_S = 10
MEMORY_MAX_MB = 512
_STAT = re.compile(r"^stat::(\w+):\s+(\d+)", re.MULTILINE)
_COVERAGE = re.compile(r"\bcov: (\d+)")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What libFuzzer says of a run."""

    target: str
    executions: int
    per_second: int
    coverage: int
    peak_mb: int
    failure: str


def main() -> int:
    arguments = parsed()
    sys.stdout.write(f"{'target':16} {'executions':>12} {'a second':>9} {'edges':>6} {'MB':>5}\n")
    outcomes = [fuzz(name, arguments.seconds) for name in arguments.targets or TARGETS]
    failures = [outcome for outcome in outcomes if outcome.failure]
    for outcome in failures:
        sys.stdout.write(f"\n{outcome.target}:\n{outcome.failure}\n")
    total = sum(outcome.executions for outcome in outcomes)
    sys.stdout.write(f"{total:,} executions, {len(failures)} targets failed\n")
    return 1 if failures else 0


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--target", action="append", dest="targets", choices=TARGETS)
    return parser.parse_args()


def fuzz(name: str, seconds: int) -> Outcome:
    corpus = DIRECTORY / name
    corpus.mkdir(parents=True, exist_ok=True)
    for seed in TARGETS[name].seeds:
        (corpus / hashlib.sha1(seed, usedforsecurity=False).hexdigest()).write_bytes(seed)
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.fuzz.atheris_process",
            name,
            str(corpus),
            f"-max_total_time={seconds}",
            f"-max_len={INPUT_MAX}",
            f"-timeout={INPUT_TIMEOUT_S}",
            f"-rss_limit_mb={MEMORY_MAX_MB}",
            f"-artifact_prefix={DIRECTORY}/{name}-",
            "-print_final_stats=1",
        ],
        stderr=subprocess.STDOUT,
        stdout=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    stats = {stat: int(value) for stat, value in _STAT.findall(run.stdout)}
    coverage = _COVERAGE.findall(run.stdout)
    outcome = Outcome(
        name,
        stats.get("number_of_executed_units", 0),
        stats.get("average_exec_per_sec", 0),
        int(coverage[-1]) if coverage else 0,
        stats.get("peak_rss_mb", 0),
        run.stdout[-4_000:] if run.returncode or not stats else "",
    )
    sys.stdout.write(
        f"{name:16} {outcome.executions:12,} {outcome.per_second:9,} {outcome.coverage:6} "
        f"{outcome.peak_mb:5}{'  FAILED' if outcome.failure else ''}\n"
    )
    sys.stdout.flush()
    return outcome


sys.exit(main())
