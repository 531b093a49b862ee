"""Power cuts of a single SQLite file, by the thousand: each commit is there as a whole or not."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest

from gateway.errors import StoreError
from gateway.store.interface import Accepted
from gateway.store.schema import SEGMENT_NAME
from gateway.store.segment_file import SegmentFile
from gateway.store.sqlite_connection import connect_to_read
from tests.store.builders import accepted
from tests.store.power_cut_model import Violation, expect
from tests.store.simulated_disk import RAM_DISK, SimulatedDisk

SEEDS = 5 * int(os.environ.get("SEEDS", "80"))
LYING_SEEDS = 20
LIVES = 6
# Of the lives so many meet a failure.
FAILING_SHARE = 0.3
CALLS = 60
BATCH = 20
CHECKPOINT_SHARE = 0.2


class FileLives:
    """The lives of a file, each on the disk that the last has left."""

    def __init__(self, seed: int, directory: Path, *, lies: bool) -> None:
        self._seed = seed
        self._directory = directory
        self._lies = lies
        self._chance = Random(seed)
        self._left: dict[str, bytes] = {}
        self._acknowledged: set[int] = set()
        # The batch whose outcome nobody knows.
        self._batch: set[int] = set()

    def live(self, number: int) -> None:
        """Raises Violation."""
        root = self._directory / f"{self._seed}-{number}"
        disk = SimulatedDisk.holding(root, self._left, self._chance, lies=self._lies)
        file = SegmentFile(root / SEGMENT_NAME.format(1), vfs=disk.name)
        try:
            with disk.below():
                self._recover(file, disk)
                disk.cut_at = disk.calls + self._chance.randint(1, CALLS)
                if self._chance.random() < FAILING_SHARE:
                    disk.fails_at = frozenset({disk.calls + self._chance.randint(1, CALLS)})
                self._write(file)
                file.close()
            self._left = disk.power_cut()
        finally:
            file.close()
            disk.unregister()
            shutil.rmtree(root)

    def _recover(self, file: SegmentFile, disk: SimulatedDisk) -> None:
        try:
            file.open()
            with closing(connect_to_read(file.path, disk.name)) as connection:
                found = {row[0] for row in connection.execute("SELECT id FROM job")}
        except Exception as error:
            raise Violation(f"it cannot be read: {error}") from error
        expect(self._acknowledged <= found, f"{self._acknowledged - found} are lost")
        expect(found - self._acknowledged in (set(), self._batch), "a commit is there in part")
        self._acknowledged = found

    def _write(self, file: SegmentFile) -> None:
        with suppress(StoreError):
            while True:
                first = 1 + max(self._acknowledged | self._batch, default=0)
                self._batch = set(range(first, first + self._chance.randint(1, BATCH)))
                records = [accepted(message_id) for message_id in self._batch]
                file.write({Accepted: records}, (), stream=True)
                self._acknowledged |= self._batch
                if self._chance.random() < CHECKPOINT_SHARE:
                    file.checkpoint()


def run(seeds: range, *, lies: bool = False) -> Counter[str]:
    """How many power cuts there were, and how many seeds lost or invented something."""
    count: Counter[str] = Counter()
    with TemporaryDirectory(dir=RAM_DISK) as directory:
        for seed in seeds:
            lives = FileLives(seed, Path(directory), lies=lies)
            try:
                for number in range(LIVES):
                    lives.live(number)
                    count["power cuts"] += 1
            except Violation:
                count["violations"] += 1
    return count


@pytest.mark.timeout(60 + SEEDS)
def test_no_commit_is_lost_and_none_is_torn() -> None:
    count = run(range(SEEDS))

    print(dict(count))  # noqa: T201 - shown by pytest -rP
    assert count["violations"] == 0


def test_disk_that_lies_is_found_out() -> None:
    assert run(range(LYING_SEEDS), lies=True)["violations"] > LYING_SEEDS / 2
