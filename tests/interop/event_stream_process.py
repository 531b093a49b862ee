"""An event stream as a process, so that it can be killed: `python -m … PORT DIRECTORY`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from gateway.streams.state_board import UP
from tests.interop.streaming import a_site


async def main(port: int, directory: Path) -> None:
    async with a_site(directory, port) as site:
        site.streams.board.set("binds/alpha/1", UP, 1.0)
        site.ledger.accepts(1)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2])))
