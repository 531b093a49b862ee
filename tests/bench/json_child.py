"""A part of the bench in a process of its own: lines of JSON in, a line out for each; it ends when
its standard input does."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec

from tests.bench.child_process import ROOT, STOP_S, decode

T = TypeVar("T")


class JsonChild:
    """`with JsonChild("tests.bench.rtp_load") as child`: a module whose main loop is `orders`."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, order: Any, schema: type[T]) -> T:
        """Raises BenchError: it has ended."""
        assert self._process.stdin
        assert self._process.stdout
        try:
            self._process.stdin.write(msgspec.json.encode(order) + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # What it said before is read below: nothing, and that is told.
        return decode(self._process.stdout.readline(), schema, self._module)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


def orders(schema: type[T]) -> Iterator[T]:
    """In the child: what it is told, one by one."""
    for line in sys.stdin.buffer:
        yield msgspec.json.decode(line, type=schema)


async def serve(schema: type[T], take: Callable[[T], Coroutine[Any, Any, object]]) -> None:
    """In a child with an event loop: a thread waits for its orders, so that the loop has nothing to
    do but them. `take` gives the answer to one."""
    loop = asyncio.get_running_loop()
    over = asyncio.Event()

    def read() -> None:
        try:
            for order in orders(schema):
                reply(asyncio.run_coroutine_threadsafe(take(order), loop).result())
        finally:  # Whoever waits for an answer sees that there will be none.
            loop.call_soon_threadsafe(over.set)

    threading.Thread(target=read, daemon=True).start()
    await over.wait()


def reply(value: Any) -> None:
    """In the child: the answer to an order."""
    sys.stdout.buffer.write(msgspec.json.encode(value) + b"\n")
    sys.stdout.buffer.flush()
