"""The gateway under test: `supernet run` as an operator runs it, and what it takes of the machine.

The configuration differs from an ordinary one only in limits that are out of the way. Messages are
flushed to the disk before they are accepted, as always.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit
from urllib.request import urlopen

from gateway.config.secrets import hash_password
from tests.bench import traffic
from tests.bench.child_process import ROOT
from tests.bench.esme_load import PASSWORD, SYSTEM_ID
from tests.bench.http_dialects import ACCOUNT_SID, AUTH_TOKEN
from tests.bench.system import BenchError, Usage, cpu_ticks, start, usage_of

LOOP, THREADS = "event loop", "store threads"
START_S = 20.0
STOP_S = 30.0
HTTP_S = 5.0
POLL_S = 0.02
# A demo has four binds; each message is ranked over all of them.
CARRIERS = 2
BINDS = 2
SALT = bytes(16)

GATEWAY_TOML = """\
accounts = "accounts.toml"
carriers = "carriers.toml"
numbering_plan = {plan}
[rest]
port = 0
[admin]
port = 0
[smpp]
port = 0
[store]
directory = {store}
[callbacks]
allow_private_destinations = true
[log]
format = "json"
"""
ACCOUNT_TOML = """\
[[account]]
sid = "{sid}"
auth_token = "{token}"
requests_per_second = 1_000_000
concurrent_requests = 10_000
submits_per_second = 1_000_000
[[account.esmes]]
system_id = "{system_id}"
password_hash = "{password_hash}"
binds_max = 100
"""
SENDER_TOML = """\
[[account.senders]]
address = "{address}"
type = "short_code"
mps = 10_000
"""
CARRIER_TOML = """\
[[carrier]]
id = "sink-{carrier}"
[[carrier.route]]
prefixes = ["1"]
"""
BIND_TOML = """\
[[carrier.bind]]
id = "{bind}"
host = "127.0.0.1"
port = {port}
system_id = "supernet"
password = "sink"
window = 100
tps = 100_000
receipts = {receipts}
"""


class GatewayProcess:
    """A gateway with an empty store, while the context is entered."""

    def __init__(self, directory: Path, carrier_port: int, *, receipts: bool) -> None:
        self._directory = directory
        self._log = directory / "gateway.log"
        write_config(directory, carrier_port, receipts=receipts)
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
        if exc is None and (code or self.troubles()):
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
        """The warnings and errors of its log, a kind once."""
        texts = (
            re.search(r'"level": "(?:warning|error)".*?"event": "([^"]*)"', line)
            for line in self._log.read_text().splitlines()
        )
        return list(dict.fromkeys(found[1] for found in texts if found))

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
        return len(up) == CARRIERS * BINDS and all(up)


def write_config(directory: Path, carrier_port: int, *, receipts: bool) -> None:
    plan = json.dumps(str(ROOT / "conf" / "numbering_plan.csv"))
    store = json.dumps(str(directory / "store"))
    (directory / "gateway.toml").write_text(GATEWAY_TOML.format(plan=plan, store=store))
    (directory / "accounts.toml").write_text(
        ACCOUNT_TOML.format(
            sid=ACCOUNT_SID,
            token=AUTH_TOKEN,
            system_id=SYSTEM_ID,
            password_hash=hash_password(PASSWORD, SALT),
        )
        + "".join(SENDER_TOML.format(address=address) for address in traffic.SENDERS)
    )
    (directory / "carriers.toml").write_text(
        "".join(
            CARRIER_TOML.format(carrier=carrier)
            + "".join(
                BIND_TOML.format(bind=bind, port=carrier_port, receipts=str(receipts).lower())
                for bind in range(1, BINDS + 1)
            )
            for carrier in range(1, CARRIERS + 1)
        )
    )
