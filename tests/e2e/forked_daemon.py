"""The daemon as ever, but forked from a nursery: a start takes a tenth of a second or two."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from types import TracebackType

from tests.e2e.daemon import Daemon
from tests.e2e.process import PATIENCE_S, ChildProcess

NURSERY = Path(__file__).with_name("nursery.py")


class ForkedDaemon(Daemon):
    """What the nursery says besides the daemon itself, is when that was born and when it ended."""

    def __init__(self, config: Path) -> None:
        super().__init__(config)
        self._nursery = ChildProcess(
            sys.executable, "-P", str(NURSERY), *self.command[1:], directory=self.directory
        )

    @property
    def pid(self) -> int:
        pid = self._word("born")
        assert pid is not None
        return pid

    @property
    def running(self) -> bool:
        return self._word("born") is not None and self._word("ended") is None

    async def start(self) -> None:
        if not self._nursery.running:
            await self._nursery.start()
        assert not self.running
        self.said = self._nursery.said = []
        self._nursery.tell("one more")
        await self._started()

    def send_signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    async def more(self) -> None:
        assert self._word("ended") is None, f"ended instead: {self.said}"
        await self._nursery.more()

    async def ended(self, timeout_s: float = PATIENCE_S) -> int:
        """Its exit code; that of a signal is negative."""
        said = await self._nursery.line(lambda line: line.startswith('{"ended"'), timeout_s)
        return int(json.loads(said)["ended"])

    async def kill(self) -> None:
        """SIGKILL, even if it is only about to be born."""
        await self._nursery.line(lambda line: line.startswith('{"born"'))
        if self.running:
            self.send_signal(signal.SIGKILL)
            await self.ended()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._nursery.running and self.said:
            await self.kill()
        await self._nursery.kill()

    def _word(self, name: str) -> int | None:
        start = f'{{"{name}"'
        return next((json.loads(line)[name] for line in self.said if line.startswith(start)), None)
