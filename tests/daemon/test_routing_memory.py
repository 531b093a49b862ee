"""What the router has learnt survives a restart, and nothing in the file can harm a start."""

import asyncio
import json
import logging
from pathlib import Path

import pytest

from gateway.clock import Clock
from gateway.daemon.routing_alarms import RoutingAlarms
from gateway.daemon.routing_memory import NAME, RoutingMemory
from gateway.streams.state_board import CLEARED, RAISED, StateBoard
from tests.routing.builders import NOW, a_bind, a_request, a_router
from tests.routing.traffic import TELEKOM, Traffic

LATER = NOW + 600.0


class Run:
    """One run of the gateway, as far as this concerns it."""

    def __init__(self, directory: Path, now: float = NOW) -> None:
        self.router = a_router(a_bind("alpha/1"), a_bind("beta/1"), now=now)
        self.board = StateBoard()
        self.alarms = RoutingAlarms(self.router, self.board)
        self._now = now
        clock = Clock(lambda: self._now, now - now + now)
        self.memory = RoutingMemory(directory, self.router, self.alarms, clock)

    def restored(self) -> bool:
        """Whether it knows more than a router that has seen nothing."""
        self.memory.restore()
        ranking = self.router.rank(a_request(mccmnc=TELEKOM), self._now)
        return ranking.candidates[0].estimate.n > 10


def learn(directory: Path) -> Run:
    """A run of five minutes that ends in good order."""
    run = Run(directory)
    Traffic(run.router).play(300)
    asyncio.run(run.memory.write())
    return run
