"""A gateway that the nursery has forked, in the shape of asyncio's processes."""

from __future__ import annotations

import asyncio
import atexit
import functools
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from select import select

NURSERY = Path(__file__).with_name("nursery.py")
WORD_MAX = 32
PAUSE_S = 0.02


class ForkedProcess:
    """What of `asyncio.subprocess.Process` a test uses; it has no standard input."""

    stdin = None

    pid: int

    def __init__(self, stdout: asyncio.StreamReader) -> None:
        self.stdout = stdout
        self.returncode: int | None = None
        self._ended = asyncio.Event()

    @classmethod
    async def start(cls, arguments: Sequence[str], directory: Path, limit: int) -> ForkedProcess:
        """`supernet ARGUMENT…`, with lines up to `limit`. Whoever cancels this, has either nobody
        born or has it: a birth is the last step, and takes no time to await."""
        await nursery().ready()
        stdout = asyncio.StreamReader(limit)
        process = cls(stdout)
        with ExitStack() as pipes:
            output = await _pipe(pipes, asyncio.StreamReaderProtocol(stdout))
            exit_code = await _pipe(pipes, _ExitCode(process))
            process.pid = nursery().bear([str(directory), *arguments], (output, exit_code))
            return process

    async def wait(self) -> int:
        await self._ended.wait()
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: signal.Signals) -> None:
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def end(self, code: int) -> None:
        self.returncode = code
        self._ended.set()


async def _pipe(writing_ends: ExitStack, reader: asyncio.Protocol) -> int:
    """Its writing end, open until the stack is closed."""
    reading, writing = os.pipe()
    writing_ends.callback(os.close, writing)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: reader, os.fdopen(reading, "rb", 0))
    return writing


class _ExitCode(asyncio.Protocol):
    """Told to the process at the end of the pipe, so that nothing of it is left open then."""

    def __init__(self, process: ForkedProcess) -> None:
        self._process = process
        self._said = b""

    def data_received(self, data: bytes) -> None:
        self._said += data

    def connection_lost(self, exc: Exception | None) -> None:
        if self._said:
            self._process.end(int(self._said))


class Nursery:
    """See `nursery.py`."""

    def __init__(self) -> None:
        self._orders, its_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its_end:
            fd = its_end.fileno()
            command = (sys.executable, "-P", str(NURSERY), str(fd))
            self._process = subprocess.Popen(command, pass_fds=(fd,), stdin=subprocess.DEVNULL)
        self._ready = False

    async def ready(self) -> None:
        """Until it has imported the gateway, which it tells once."""
        while not self._ready:
            if select((self._orders,), (), (), 0)[0]:
                self._hear()
                self._ready = True
            else:
                await asyncio.sleep(PAUSE_S)

    def bear(self, order: Sequence[str], pipes: Sequence[int]) -> int:
        """The id of who is born."""
        socket.send_fds(self._orders, [json.dumps(order).encode()], pipes)
        return self._hear()

    def _hear(self) -> int:
        word = self._orders.recv(WORD_MAX)
        assert word, "the nursery has ended"
        return int(word)

    def close(self) -> None:
        self._orders.close()
        self._process.wait()


@functools.cache
def nursery() -> Nursery:
    """The one of this process, and only once somebody is to be born."""
    nursery = Nursery()
    atexit.register(nursery.close)
    return nursery
