"""Recordings on a disk that is slow or takes nothing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from media.wav import HEAD_OCTETS
from media.wav_writer import WAITING_MAX, WavWriter

WAIT_S = 5.0


@pytest.fixture
async def disk() -> AsyncIterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as thread:
        yield thread


async def test_more_chunks_than_may_wait_for_the_disk_end_the_recording(
    tmp_path: Path, disk: ThreadPoolExecutor
) -> None:
    gate, failures = threading.Event(), list[str]()
    disk.submit(gate.wait, WAIT_S)
    path = tmp_path / "call.wav"
    writer = WavWriter(path, 1, disk, lambda: failures.append("failed"))
    for _ in range(WAITING_MAX + 2):
        writer.write(b"x" * 10)
    assert failures == ["failed"]
    gate.set()
    disk.shutdown()
    # The file itself is made first, and is one of those that wait.
    assert path.stat().st_size == HEAD_OCTETS + 10 * (WAITING_MAX - 1)


async def test_a_disk_that_takes_nothing_is_told_once(
    tmp_path: Path, disk: ThreadPoolExecutor
) -> None:
    failed = asyncio.Queue[str]()
    writer = WavWriter(tmp_path / "none" / "call.wav", 1, disk, lambda: failed.put_nowait("failed"))
    writer.write(b"x")
    async with asyncio.timeout(WAIT_S):
        await failed.get()
    writer.write(b"x")
    disk.shutdown()
    await asyncio.sleep(0)
    assert failed.empty()
