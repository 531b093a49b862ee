"""Parts of inbound messages in the embedded store: over restarts, and as its tools see them."""

import asyncio
from pathlib import Path

from gateway.clock import Clock, IdFactory
from gateway.events import EventBus
from gateway.message import Direction, Message, Origin
from gateway.messaging.journal import Journal
from gateway.messaging.message_parts import concatenation_of
from gateway.messaging.reassembly import Reassembly
from gateway.store.inline import InlineStore
from gateway.store.interface import MessageFilter, Transition
from gateway.store.verify import Verification
from tests.store.builders import ACCOUNT, a_message
from tests.support.virtual_time import virtual_time

WALL = 1_700_000_000.0
WAIT_S = 60.0


class Run:
    """One life, over the files that the one before has left."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = Clock(asyncio.get_running_loop().time, WALL)
        self.store = InlineStore(path, lambda: 0.002)
        self.ids = IdFactory(self.clock, last_id=self.store.last_id())
        self.told: list[str] = []
        self.answers: list[int] = []
        journal = Journal(self.store, self.clock, EventBus(), 3_600.0)
        self.reassembly = Reassembly(
            journal, self.store, self.clock, self.ids, WAIT_S, self._tell, self._tell
        )
        for owed in list(self.store.load_owed()):
            if not self.reassembly.restore(owed):
                self._tell(owed.message, owed.transition)

    def _tell(self, message: Message, step: Transition) -> None:
        self.told.append(message.body)

    async def came(self, number: int, total: int = 3) -> None:
        message = a_message(
            self.ids.next(),
            body=str(number),
            octets=b"%d" % number,
            udh=bytes([5, 0, 3, 42, total, number]),
            direction=Direction.INBOUND,
            origin=Origin.CARRIER,
            carrier="alpha/1",
        )
        concatenation = concatenation_of(message)
        assert concatenation
        self.reassembly.take(message, concatenation, self.answers.append)
        await asyncio.sleep(0.1)

    async def listed(self) -> list[str]:
        found = await self.store.list(ACCOUNT, MessageFilter(), 10)
        return [stored.message.body for stored in found]

    async def end(self) -> list[str]:
        """What a verification says of the files."""
        self.reassembly.close()
        await self.store.close()
        told: list[str] = []
        Verification(self.path, told.append).run()
        return told


@virtual_time
async def test_a_restart_between_parts_loses_none_and_leaves_one_message(tmp_path: Path) -> None:
    run = Run(tmp_path)
    await run.came(1)
    await run.came(2)
    assert await run.end() == []
    run = Run(tmp_path)
    await run.came(3)
    assert (run.told, run.answers, await run.listed()) == (["123"], [0], ["123"])
    assert await run.end() == []


@virtual_time
async def test_parts_that_are_told_as_they_came_are_sound_history(tmp_path: Path) -> None:
    run = Run(tmp_path)
    await run.came(1)
    await run.came(3)
    await asyncio.sleep(WAIT_S)
    assert (run.told, await run.listed()) == (["1", "3"], ["3", "1"])
    assert await run.end() == []
    run = Run(tmp_path)
    assert (run.told, run.reassembly.waiting) == (["1", "3"], 0)
    await run.end()
