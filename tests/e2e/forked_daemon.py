"""The daemon as ever, but forked from a nursery: a start takes a tenth of a second or two."""

from __future__ import annotations

from tests.e2e.daemon import Daemon
from tests.e2e.forked_process import ForkedProcess
from tests.e2e.process import LINE_MAX


class ForkedDaemon(Daemon):
    """Not for tests of starting and ending: that a process has to import, and what it does as
    the interpreter ends, is seen of a Daemon only."""

    async def spawn(self) -> ForkedProcess:
        return await ForkedProcess.start(self.command[1:], self.directory, LINE_MAX)
