"""node-smpp, a stack for Node.js that shares nothing with ours: installed once, run as scripts."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from tests.e2e.process import PATIENCE_S, ChildProcess

SCRIPTS = Path(__file__).with_name("node")


class NodeScript(ChildProcess):
    """A script of ours on node-smpp: tells events, one JSON object a line."""

    def __init__(self, modules: Path, script: str, *arguments: str) -> None:
        super().__init__(
            *("node", str(SCRIPTS / script), *arguments),
            directory=SCRIPTS,
            environment={"NODE_PATH": str(modules)},
        )

    def ask(self, **what: object) -> None:
        self.tell(json.dumps(what))

    def events(self, event: str, **facts: object) -> list[dict[str, Any]]:
        """Those of one kind, with these facts."""
        found = (json.loads(line) for line in self.said)
        return [line for line in found if line["event"] == event and line.items() >= facts.items()]

    async def wait_for(self, event: str, count: int = 1, **facts: object) -> list[dict[str, Any]]:
        """The same, once there are so many."""
        async with asyncio.timeout(PATIENCE_S):
            while len(found := self.events(event, **facts)) < count:
                await self.more()
        return found
