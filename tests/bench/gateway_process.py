"""The gateway under test: `supernet run` as an operator runs it, and what it takes of the machine.

Messages are flushed to the disk before they are accepted, as always.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit
from urllib.request import urlopen

from tests.bench.gateway_files import DOWN, ORDINARY, STORE, GatewaySize, write_files
from tests.bench.system import BenchError, Usage, cpu_ticks, start, usage_of
from tests.bench.waiting_messages import fill

LOOP, THREADS = "event loop", "store threads"
# With a hundred thousand accounts or millions of messages, a start takes its time.
START_S = 600.0
STOP_S = 30.0
HTTP_S = 5.0
POLL_S = 0.02


class GatewayProcess:
    """A gateway of some size, while the context is entered."""

    def __init__(
        self,
        directory: Path,
        carrier_port: int,
        size: GatewaySize = ORDINARY,
        *,
        receipts: bool = True,
    ) -> None:
        self._directory = directory
        self._size = size
        self._log = directory / "gateway.log"
        write_files(directory, carrier_port, size, receipts=receipts)
        if size.waiting:
            fill(directory / STORE, size.waiting)
        self._process: subprocess.Popen[bytes]
        self._addresses: dict[str, Any] = {}
        self.started_in_s = 0.0

    def __enter__(self) -> Self:
        began = time.monotonic()
        supernet = str(Path(sys.executable).with_name("supernet"))
        command = [supernet, "run", "--config", "gateway.toml"]
        self._process = start(command, self._directory, self._log)
        try:
            self._wait(began + START_S)
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise
        self.started_in_s = time.monotonic() - began
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise BenchError(f"the gateway did not stop within {STOP_S:g} s") from None
        if exc is None and code:
            raise BenchError(f"the gateway ended with {code}: {'; '.join(self.troubles())}")

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def http_port(self) -> int:
        return urlsplit(self._addresses["rest"]).port or 0

    @property
    def smpp_port(self) -> int:
        return int(self._addresses["smpp"].rpartition(":")[2])

    def usage(self) -> Usage:
        """The event loop's thread, and all others: they write to the store."""
        whole = usage_of({"all": self.pid})
        thread = Path(f"/proc/{self.pid}/task/{self.pid}/stat")
        loop_s = cpu_ticks(thread) / os.sysconf("SC_CLK_TCK")
        return Usage({LOOP: loop_s, THREADS: whole.cpu_s - loop_s}, whole.rss)

    def check(self, arrived: int, receipts: bool) -> None:
        status = "delivered" if receipts else "sent"
        counted = self.metrics().get(f'supernet_message_status_total{{status="{status}"}}', 0)
        if counted != arrived:
            raise BenchError(f"{arrived} messages arrived, the gateway says {counted:.0f} {status}")

    def metrics(self) -> dict[str, float]:
        """Every sample that the gateway shows, by its name with labels."""
        with urlopen(f"{self._addresses['admin']}/metrics", timeout=HTTP_S) as answer:
            lines = answer.read().decode().splitlines()
        return {
            name: float(value)
            for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")
        }

    def troubles(self) -> list[str]:
        """The warnings and errors of its log, an event once, but for the carrier that is down."""
        first: dict[str, str] = {}
        for line in self._log.read_text().splitlines():
            if line.startswith("{"):
                facts = json.loads(line)
                down = str(facts.get("bind", "")).startswith(f"{DOWN}/")
                if facts["level"] in ("warning", "error") and not down:
                    first.setdefault(facts["event"], line)
        return list(first.values())

    def _wait(self, deadline: float) -> None:
        """Until it listens and all of its binds are up."""
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise BenchError(f"the gateway does not start: {self._log.read_text().strip()}")
            for line in self._log.read_text().splitlines():
                if line.startswith("{") and '"event": "gateway started"' in line:
                    self._addresses = json.loads(line)
            if self._addresses and self._all_bound():
                return
            time.sleep(POLL_S)
        raise BenchError(f"the gateway was not ready within {START_S:g} s")

    def _all_bound(self) -> bool:
        up = [value for name, value in self.metrics().items() if "supernet_bind_up" in name]
        return sum(up) == self._size.binds
