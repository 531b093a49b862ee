"""What the router has learnt, in a file beside the store, so that a restart need not learn it anew.

It is no more than a head start: a file that is missing, damaged or of another version is told of
and left out, and one that cannot be written is tried again with the next.
"""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path
from typing import Literal
from zlib import crc32

import msgspec

from gateway.clock import Clock
from gateway.daemon.routing_alarms import RoutingAlarms
from gateway.store.data_directory import sync_directory
from routing.router import Router

log = logging.getLogger(__name__)

NAME = "routing.json"
VERSION = 2
WRITE_S = 30.0
# The 20,000 scopes that the router keeps at most take a tenth of this.
OCTETS_MAX = 64 * 1024 * 1024


class Kept(msgspec.Struct, frozen=True):
    """The file. `alarms` are the topics of those that stood, `crc` is of the octets of `state`."""

    format: Literal["supernet routing"]
    version: int
    written_at: float
    crc: int
    alarms: tuple[str, ...]
    state: msgspec.Raw


class RoutingMemory:
    def __init__(
        self, directory: Path, router: Router, alarms: RoutingAlarms, clock: Clock
    ) -> None:
        self._directory = directory
        self._router = router
        self._alarms = alarms
        self._clock = clock

    def restore(self) -> None:
        """Take over what an earlier run knew. Before anything is observed."""
        try:
            kept = _read(self._directory / NAME)
            if kept is None:
                return
            age_s = max(0.0, self._clock.now() - kept.written_at)
            self._router.restore(msgspec.json.decode(kept.state), age_s)
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            log.warning("routing memory not used", extra={"reason": f"{error}"})
            return
        self._alarms.end_those_of_an_earlier_run(kept.alarms, self._clock.now())
        log.info("routing memory restored", extra={"age_s": round(age_s)})

    async def run(self) -> None:
        """Write it every so often until canceled."""
        while True:
            await asyncio.sleep(WRITE_S)
            try:
                await self.write()
            except Exception:
                # A defect here must not take the traffic with it.
                log.exception("routing memory broke")

    async def write(self) -> None:
        """Slice by slice, so that traffic goes on meanwhile; the disk is waited for by a thread of
        its own."""
        slices: list[bytes] = []
        for piece in self._router.state():
            slices.append(msgspec.json.encode(piece))
            await asyncio.sleep(0)
        state = b"[" + b",".join(slices) + b"]"
        kept = Kept(
            "supernet routing",
            VERSION,
            self._clock.now(),
            crc32(state),
            self._alarms.topics(),
            msgspec.Raw(state),
        )
        try:
            await asyncio.to_thread(_write, self._directory, msgspec.json.encode(kept))
        except OSError as error:
            log.warning("routing memory not written", extra={"reason": str(error)})


def _read(path: Path) -> Kept | None:
    """None where there is none. ValueError: it is not one of ours, or not whole."""
    try:
        with path.open("rb") as file:
            octets = file.read(OCTETS_MAX + 1)
    except FileNotFoundError:
        return None
    if len(octets) > OCTETS_MAX:
        raise ValueError(f"{path.name} is longer than {OCTETS_MAX} octets")
    kept = msgspec.json.decode(octets, type=Kept)
    if kept.version != VERSION:
        raise ValueError(f"{path.name} is of version {kept.version}, expected {VERSION}")
    if crc32(kept.state) != kept.crc:
        raise ValueError(f"{path.name} is damaged")
    return kept


def _write(directory: Path, octets: bytes) -> None:
    """All of it or nothing, whenever we are killed. OSError: it may not be there."""
    if len(octets) > OCTETS_MAX:
        raise OSError(f"{NAME} would be longer than {OCTETS_MAX} octets")
    partial = directory / f"{NAME}.partial"
    with partial.open("wb") as file:
        file.write(octets)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(directory / NAME)
    sync_directory(directory)
