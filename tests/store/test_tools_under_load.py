"""The operator's tools beside a process that writes, rolls and drops without a pause."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Condition, Thread

import pytest

from gateway.store.backup import Backup
from gateway.store.dump import Dump
from gateway.store.interface import StoredMessage
from gateway.store.limits import StoreLimits
from gateway.store.restore import restore
from gateway.store.sqlite import SqliteStore
from gateway.store.verify import Verification
from tests.store.builders import NOON

pytestmark = pytest.mark.timeout(180)

FOR_EVER, NOT_AT_ALL = 1e9, 0.0
PATIENCE_S = 30.0


class Writer:
    """`python -m tests.store.busy_writer`, and what it has acknowledged so far."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.acknowledged: set[int] = set()
        self._grown = Condition()
        self._process = process
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_for(self, more: int) -> None:
        """Until so many more messages have been acknowledged."""
        wanted = len(self.acknowledged) + more
        with self._grown:
            assert self._grown.wait_for(lambda: len(self.acknowledged) >= wanted, PATIENCE_S)

    def end(self) -> None:
        """Kill it, and read what it still said: its pipe may be closed once nobody reads it."""
        self._process.kill()
        self._reader.join()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.endswith(b"\n"):
                with self._grown:
                    self.acknowledged.add(int(line))
                    self._grown.notify_all()


@contextmanager
def busy_writer(directory: Path, retention_s: float) -> Iterator[Writer]:
    command = [sys.executable, "-m", "tests.store.busy_writer", str(directory), str(retention_s)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        writer = Writer(process)
        try:
            yield writer
        finally:
            writer.end()


def ids(directory: Path) -> set[int]:
    dump = Dump(directory, pytest.fail)
    return {timeline.stored.message.id for timeline in dump.timelines()}


def open_ids(directory: Path) -> set[int]:
    """Those that the real store takes up when it starts."""

    async def load() -> set[int]:
        store = SqliteStore(directory, StoreLimits(free_bytes_min=0, retention_s=FOR_EVER))
        try:
            return {
                each.message.id if isinstance(each, StoredMessage) else each.id
                for each in store.load_open()
            }
        finally:
            await store.close()

    return asyncio.run(load())


def test_a_backup_has_all_that_was_acknowledged_before_it_began(tmp_path: Path) -> None:
    with busy_writer(tmp_path / "store", FOR_EVER) as writer:
        writer.wait_for(5_000)
        for number in range(2):
            acknowledged = set(writer.acknowledged)
            Backup(tmp_path / "store", tmp_path / "backup").run(NOON)
            writer.wait_for(1_000)
            target = tmp_path / f"restored-{number}"
            restore(tmp_path / "backup", target)
            Verification(target, pytest.fail).run()
            kept = ids(target)
            assert {each for each in acknowledged if each % 11} <= kept
            assert {each for each in kept if each % 10 == 0 and each % 11} <= open_ids(target)


def test_nothing_is_taken_for_damage_while_segments_come_and_go(tmp_path: Path) -> None:
    with busy_writer(tmp_path / "store", NOT_AT_ALL) as writer:
        for _ in range(3):
            writer.wait_for(2_000)
            verification = Verification(tmp_path / "store", pytest.fail)
            verification.run()
            assert verification.content.messages > 0
