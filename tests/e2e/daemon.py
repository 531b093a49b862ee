"""The daemon as a process: `supernet run --config FILE`."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import aiohttp

from tests.e2e.process import ChildProcess, installed


class Daemon(ChildProcess):
    """`async with Daemon(entry_file) as daemon` runs once it has told where it listens.

    The configuration asks for any free ports, so a restart moves all three of them.
    """

    def __init__(self, config: Path) -> None:
        super().__init__(
            installed("supernet"), "run", "--config", str(config), directory=config.parent
        )
        self.rest = ""
        self.admin = ""
        self.smpp_port = 0

    async def start(self) -> None:
        await super().start()
        await self._started()

    async def _started(self) -> None:
        """Until it says where it listens."""
        started = json.loads(await self.line(lambda line: '"gateway started"' in line))
        self.rest, self.admin = started["rest"], started["admin"]
        self.smpp_port = int(started["smpp"].rpartition(":")[2])

    async def stop(self) -> int:
        """SIGTERM; the exit code, once it has drained."""
        self.send_signal(signal.SIGTERM)
        return await self.ended()

    async def health(self) -> dict[str, Any]:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self.admin}/health") as answer,
        ):
            health: dict[str, Any] = await answer.json()
            return health

    def events(self, event: str) -> list[dict[str, Any]]:
        """The log lines of one event, since the last start."""
        lines = (json.loads(line) for line in self.said if line.startswith("{"))
        return [line for line in lines if line["event"] == event]
