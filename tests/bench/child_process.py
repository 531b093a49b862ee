"""Our sink and our load generators, each a process of its own that speaks lines of JSON."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import msgspec

from tests.bench.load import Entrance, LoadOrder, LoadResult
from tests.bench.sink import Counts, Ready
from tests.bench.system import BenchError

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[2]
LOAD_MODULES: dict[Entrance, str] = {
    "smpp": "tests.bench.esme_load",
    "http": "tests.bench.http_load",
}
STOP_S = 10.0


class SinkProcess:
    """The sink, while the context is entered; its ledger is in `ledger_file` after that."""

    def __init__(self, ledger_file: Path, *, quick_ack: bool = False) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.sink", str(ledger_file), str(int(quick_ack))],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self.port = 0

    def __enter__(self) -> Self:
        try:
            self.port = self._read(Ready).port
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()

    def _end(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

    def counts(self) -> Counts:
        """What has come so far."""
        assert self._process.stdin
        self._process.stdin.write(b"\n")
        self._process.stdin.flush()
        return self._read(Counts)

    def _read(self, schema: type[T]) -> T:
        assert self._process.stdout
        return decode(self._process.stdout.readline(), schema, "the sink")


def generate(order: LoadOrder) -> LoadResult:
    """Run a load generator to its end."""
    done = subprocess.run(
        [sys.executable, "-m", LOAD_MODULES[order.entrance], msgspec.json.encode(order).decode()],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=False,
        start_new_session=True,
    )
    return decode(done.stdout, LoadResult, f"the {order.entrance} load generator")


def decode(line: bytes, schema: type[T], who: str) -> T:
    try:
        return msgspec.json.decode(line, type=schema)
    except msgspec.DecodeError:
        raise BenchError(f"{who} ended early") from None
