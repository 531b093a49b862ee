"""A command as a process, with what it says line by line."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.e2e.forked_process import ForkedProcess

# Generous, for a machine that is busy with other things; nothing waits so long unless it is broken.
PATIENCE_S = 60.0
LINE_MAX = 1 << 20


def installed(command: str) -> str:
    """The command as pip has put it beside the interpreter."""
    return str(Path(sys.executable).with_name(command))


class ChildProcess:
    """`async with ChildProcess(command, …) as process`: killed at the end, if it still runs.

    What it says, on either of its outputs, is shown by pytest where a test fails. `environment`
    is added to ours.
    """

    def __init__(
        self, *command: str, directory: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.command = command
        self.directory = directory
        self.environment = os.environ | (environment or {})
        self.said: list[str] = []
        self._process: Process | ForkedProcess | None = None
        self._reader: asyncio.Task[None] | None = None
        self._grown = asyncio.Event()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        assert not self.running
        self.said = []
        self._process = await self.spawn()
        self._reader = asyncio.create_task(self._read(self._process))

    async def spawn(self) -> Process | ForkedProcess:
        return await asyncio.create_subprocess_exec(
            *self.command,
            stdin=PIPE,
            stdout=PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=self.directory,
            env=self.environment,
            limit=LINE_MAX,
        )

    def send_signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def tell(self, line: str) -> None:
        """Write a line to its standard input."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())

    async def ended(self, timeout_s: float = PATIENCE_S) -> int:
        """Its exit code, once it has ended and all that it said has been read."""
        assert self._process is not None
        assert self._reader is not None
        async with asyncio.timeout(timeout_s):
            await self._reader
            return await self._process.wait()

    async def line(self, matches: Callable[[str], bool], timeout_s: float = PATIENCE_S) -> str:
        """The first line that matches, as soon as it is said.

        Raises:
            AssertionError: the process has ended without saying it.
        """
        async with asyncio.timeout(timeout_s):
            while True:
                for line in self.said:
                    if matches(line):
                        return line
                await self.more()

    async def more(self) -> None:
        """Until it has said more.

        Raises:
            AssertionError: it has ended instead.
        """
        assert self._reader is not None
        assert not self._reader.done(), f"ended instead: {self.said}"
        self._grown.clear()
        await self._grown.wait()

    async def kill(self) -> None:
        """SIGKILL, and nothing of it is left when this returns."""
        if self.running:
            assert self._process is not None
            self._process.kill()
            await self.ended()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.kill()

    async def _read(self, process: Process | ForkedProcess) -> None:
        assert process.stdout is not None
        async for octets in process.stdout:
            line = octets.decode(errors="replace").rstrip("\n")
            sys.stderr.write(f"[{process.pid}] {line}\n")
            self.said.append(line)
            self._grown.set()
        self._grown.set()


async def outcome(
    *command: str, directory: Path, timeout_s: float = PATIENCE_S
) -> tuple[int, list[str]]:
    """The exit code of a command that ends by itself, and the lines that it said."""
    async with ChildProcess(*command, directory=directory) as process:
        return await process.ended(timeout_s), process.said
