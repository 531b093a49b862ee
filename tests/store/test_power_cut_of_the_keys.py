"""Power cuts of the idempotency index, which is not flushed with each commit: what it knows up to
the message that it says it does, it knows."""

from __future__ import annotations

from contextlib import closing, suppress
from hashlib import blake2b
from pathlib import Path
from random import Random

import pytest

from gateway.errors import StoreError
from gateway.store.key_generation import KeyEntry
from gateway.store.key_index import KeyIndex
from tests.store.builders import NOON
from tests.store.simulated_disk import SimulatedDisk

WINDOW_S = 400.0
SEEDS = 40
LIVES = 6
BATCH = 20
CALLS = 100
PAUSE_S = 20.0
DAMAGE = slice(100, 300)


def entries(first: int, count: int, accepted_at: float) -> list[KeyEntry]:
    """Of messages with ids from `first` on."""
    return [
        KeyEntry(blake2b(b"%d" % each, digest_size=16).digest(), bytes(16), each, accepted_at)
        for each in range(first, first + count)
    ]


class KeyLives:
    """The lives of an index. `durable` are the jobs, from which it can be derived."""

    def __init__(self, directory: Path, seed: int) -> None:
        self.left: dict[str, bytes] = {}
        self.durable: list[KeyEntry] = []
        self.now = NOON
        self.chance = Random(seed)
        self._directory = directory
        self._number = 0

    def live(self, *, calls: int) -> None:
        """Open, look, catch up, go on until the power fails after so many calls of the disk."""
        self._number += 1
        root = self._directory / str(self._number)
        disk = SimulatedDisk.holding(root, self.left, self.chance)
        index = KeyIndex(root, WINDOW_S, vfs=disk.name)
        disk.cut_at = calls
        with disk.below(), closing(index), suppress(StoreError):
            last_id = index.open(self.now)
            self._look(index, last_id)
            self._add(index, [each for each in self.durable if each.message_id > last_id])
            while True:
                self.now += self.chance.uniform(0.0, PAUSE_S)
                count = self.chance.randint(1, BATCH)
                more = entries(len(self.durable) + 1, count, self.now)
                self.durable += more
                self._add(index, more)
        self.left = disk.power_cut()
        disk.unregister()

    def _add(self, index: KeyIndex, missing: list[KeyEntry]) -> None:
        for start in range(0, len(missing), BATCH):
            index.add(missing[start : start + BATCH], self.now)

    def _look(self, index: KeyIndex, last_id: int) -> None:
        counting = [each for each in self.durable if each.accepted_at > self.now - WINDOW_S]
        for entry in counting:
            if entry.message_id <= last_id:
                seen = index.find(entry.key, self.now)
                assert seen is not None, f"{entry.message_id} of {last_id} in {sorted(self.left)}"
                assert seen.message_id == entry.message_id


@pytest.mark.parametrize("seed", range(SEEDS))
def test_what_the_index_says_it_knows_it_knows(tmp_path: Path, seed: int) -> None:
    lives = KeyLives(tmp_path, seed)
    for _ in range(LIVES):
        lives.live(calls=lives.chance.randint(1, CALLS))


def test_index_that_is_rebuilt_when_the_power_fails_has_no_hole(tmp_path: Path) -> None:
    """Damage is found in an older file; all newer ones go with it, and may come back."""
    for seed in range(SEEDS):
        directory = tmp_path / str(seed)
        directory.mkdir()
        lives = KeyLives(directory, seed)
        lives.live(calls=5 * CALLS)
        damage_oldest(lives)
        lives.live(calls=lives.chance.randint(1, CALLS))
        lives.live(calls=CALLS)


def damage_oldest(lives: KeyLives) -> None:
    name = min(name for name in lives.left if name.endswith(".db"))
    content = bytearray(lives.left[name])
    content[DAMAGE] = lives.chance.randbytes(DAMAGE.stop - DAMAGE.start)
    lives.left[name] = bytes(content)
