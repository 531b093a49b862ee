"""Power cuts at every kind of moment, on a disk that keeps what is flushed and little else.

SEEDS=n runs so many; a seed that fails fails again.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest

from gateway.errors import StoreError
from gateway.store.group_commit import REOPEN_MAX_S
from gateway.store.interface import Accepted, SeenKey
from gateway.store.limits import StoreLimits
from tests.store.builders import NOON, a_message, accepted, delivered, notified
from tests.store.open_store import OpenStore
from tests.store.power_cut_life import CROWDED, LIMITS, Life
from tests.store.power_cut_model import Model, Violation
from tests.store.simulated_disk import RAM_DISK, Luck, SimulatedDisk

SEEDS = int(os.environ.get("SEEDS", "80"))
LYING_SEEDS = 20
LIVES = 12
TURNS_MAX = 300
# Of the lives so many end before the store is open, at one of its first calls of the disk.
STILLBORN_SHARE = 0.2
OPENING_CALLS = 60
# Of an open store the calls are counted by their logarithm: most cuts come soon, some late.
LIVING_CALLS = 1_000
# Of the lives so many see a disk that fails now and then.
FAILING_SHARE = 0.4
FAILURES = 3
KEY, FINGERPRINT = b"k" * 16, b"f" * 16


@dataclass(slots=True)
class Tally:
    """What became of all seeds; `violations` by seed."""

    cuts: int = 0
    failures: int = 0
    acknowledged: int = 0
    refused: int = 0
    violations: dict[int, str] = field(default_factory=dict)
    ends: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        return (
            f"{self.cuts} power cuts, {self.failures} failures of the disk, {self.acknowledged}"
            f" records acknowledged, {self.refused} refused; ends {dict(self.ends)}"
        )


def lives(seed: int, directory: Path, tally: Tally, *, lies: bool) -> None:
    """The lives of one store, each on the disk that the last has left. Raises Violation."""
    chance = Random(seed)
    model = Model()
    limits = chance.choice((LIMITS, CROWDED))
    left: dict[str, bytes] = {}
    now = 0.0
    for number in range(LIVES):
        root = directory / f"{seed}-{number}"
        disk = SimulatedDisk.holding(root, left, chance, lies=lies)
        try:
            with disk.below():
                now = live(disk, model, limits, now, chance, tally)
            left = disk.power_cut()
        finally:
            disk.unregister()
            shutil.rmtree(root)
        tally.cuts += 1
        tally.failures += disk.failures
    tally.acknowledged += model.acknowledged
    tally.refused += model.refused


def live(
    disk: SimulatedDisk,
    model: Model,
    limits: StoreLimits,
    now: float,
    chance: Random,
    tally: Tally,
) -> float:
    """One life; the time when it ends. Raises Violation."""
    if chance.random() < STILLBORN_SHARE:
        disk.cut_at = chance.randint(1, OPENING_CALLS)
    life = Life(disk, model, chance, limits, now)
    try:
        try:
            life.open()
            life.look()
        except StoreError as error:
            if not disk.is_cut:
                raise Violation(f"it does not open: {error}") from error
            tally.ends["opening"] += 1
            return life.now
        disk.cut_at = min(disk.cut_at, disk.calls + some(chance))
        if chance.random() < FAILING_SHARE:
            disk.fails_at = frozenset(disk.calls + some(chance) for _ in range(FAILURES))
            disk.fails_at_read = frozenset(disk.reads + some(chance) for _ in range(FAILURES))
        life.run(TURNS_MAX)
        tally.ends["cut" if disk.is_cut else "old age"] += 1
        return life.now
    finally:
        life.close()


def some(chance: Random) -> int:
    return int(LIVING_CALLS ** chance.random())


def run(seeds: range, *, lies: bool = False) -> Tally:
    """Every seed, whatever becomes of the others."""
    tally = Tally()
    with TemporaryDirectory(dir=RAM_DISK) as directory:
        for seed in seeds:
            try:
                lives(seed, Path(directory), tally, lies=lies)
            except Violation as violation:
                tally.violations[seed] = str(violation)
    return tally


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    """That the store fails is told thousands of times."""
    caplog.set_level("CRITICAL", "gateway")


@pytest.mark.timeout(60 + SEEDS)
def test_power_cuts_lose_nothing_that_was_acknowledged() -> None:
    tally = run(range(SEEDS))

    print(tally)  # noqa: T201 - shown by pytest -rP
    assert tally.violations == {}


def test_disk_that_lies_is_found_out() -> None:
    """The check has teeth."""
    assert len(run(range(LYING_SEEDS), lies=True).violations) > LYING_SEEDS / 2


def test_key_of_a_message_that_was_dropped_early_still_counts(tmp_path: Path) -> None:
    disk = SimulatedDisk.holding(tmp_path / "before", {}, Luck())
    with disk.below(), closing(OpenStore(disk.root, disk.name, bytes_max=1)) as store:
        store.write(Accepted(a_message(accepted_at=NOON), KEY, FINGERPRINT))
        store.write(delivered(number=1), notified())
        store.summarise()
        assert store.fetch() is None
        left = disk.power_cut()
    disk.unregister()

    after = SimulatedDisk.holding(tmp_path / "after", left, Luck())
    with closing(OpenStore(after.root, after.name)) as store:
        assert store.files.find_key(KEY) == SeenKey(1, FINGERPRINT)


def test_refused_message_does_not_come_back(tmp_path: Path) -> None:
    """Whichever call of its commit has failed, and though all of it had reached the platters."""
    back = [call for call in range(1, 12) if comes_back(tmp_path / str(call), call)]

    assert back == []


def comes_back(directory: Path, call: int) -> bool:
    """Whether a message that was refused, and that the store does not have once it has recovered,
    is there again after a power cut."""
    directory.mkdir()
    luck = Luck()
    disk = SimulatedDisk.holding(directory / "before", {}, luck)
    with disk.below(), closing(OpenStore(disk.root, disk.name)) as store:
        store.write(accepted(1))
        assert store.fetch(1)
        luck.all = True
        disk.fails_at = frozenset({disk.calls + call})
        store.core.commit([(accepted(2), None)])
        store.now += REOPEN_MAX_S
        store.core.handle_timer()
        luck.all = False
        was_there = store.fetch(2) is not None
        left = disk.power_cut()
    disk.unregister()

    after = SimulatedDisk.holding(directory / "after", left, luck)
    with closing(OpenStore(after.root, after.name)) as store:
        is_there = store.fetch(2) is not None
    after.unregister()
    return is_there and not was_there
