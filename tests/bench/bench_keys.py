"""What the index of idempotency keys costs: `python -m tests.bench.bench_keys [directory]`.

A million keys in batches of 20, as they come at some thousand a second, then look-ups among them:
a minute. CPU is of the whole process, the kernel's part included.
"""

import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from gateway.store.key_generation import KeyEntry
from gateway.store.key_index import KeyIndex

KEYS = 1_000_000
BATCH = 20
LOOKUPS = 50_000
WINDOW_S = 7 * 86_400.0
FIRST_ID = 1_700_000_000_000 << 22
NOON = 1_700_000_000.0


def report(what: str, **figures: float) -> None:
    shown = "  ".join(f"{name} {figure:,.2f}" for name, figure in figures.items())
    sys.stdout.write(f"{what:<40} {shown}\n")


def timed(what: str, count: int, call: Callable[[int], object]) -> None:
    """Call it so often and report the mean, and the longest."""
    worst = 0.0
    cpu, wall = time.process_time(), time.perf_counter()
    for number in range(count):
        before = time.perf_counter()
        call(number)
        worst = max(worst, time.perf_counter() - before)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    report(what, cpu_us=cpu / count * 1e6, wall_us=wall / count * 1e6, worst_ms=worst * 1e3)


def inserts(index: KeyIndex, keys: list[bytes], spread_s: float) -> None:
    """`spread_s` is the time in which they are accepted: several quarters of the window."""
    worst = 0.0
    cpu, wall = time.process_time(), time.perf_counter()
    for start in range(0, len(keys), BATCH):
        at = NOON + spread_s * start / len(keys)
        entries = [
            KeyEntry(key, key, FIRST_ID + start + offset, at)
            for offset, key in enumerate(keys[start : start + BATCH])
        ]
        before = time.perf_counter()
        index.add(entries, at)
        worst = max(worst, time.perf_counter() - before)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    report(
        f"insert, {len(keys):,} keys",
        cpu_us=cpu / len(keys) * 1e6,
        wall_us=wall / len(keys) * 1e6,
        worst_ms=worst * 1e3,
    )


def measure(directory: Path, files: int) -> None:
    directory.mkdir()
    index = KeyIndex(directory, WINDOW_S)
    index.open(NOON)
    chance = random.Random(1)
    keys = [chance.randbytes(16) for _ in range(KEYS)]
    inserts(index, keys, (files - 0.01) * WINDOW_S / 4)
    octets = sum(path.stat().st_size for path in directory.iterdir())
    report(f"size, in {files} files", octets_a_key=octets / KEYS)
    now = NOON + WINDOW_S - 1
    sample = chance.sample(keys, LOOKUPS)
    timed("look-up of a key that is there", LOOKUPS, lambda n: index.find(sample[n], now))
    others = [chance.randbytes(16) for _ in range(LOOKUPS)]
    timed("look-up of a key that is not", LOOKUPS, lambda n: index.find(others[n], now))
    index.close()
    timed("opening", 1, lambda _: index.open(now))
    index.close()


def main() -> None:
    parent = sys.argv[1] if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory(dir=parent) as directory:
        for files in (1, 4):
            measure(Path(directory) / f"files-{files}", files)


if __name__ == "__main__":
    main()
