"""Kannel (Debian's package) under test: bearerbox holds the bind to the sink, smsbox takes HTTP."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.error import URLError
from urllib.request import urlopen

from tests.bench.load import PASSWORD, SYSTEM_ID
from tests.bench.system import BenchError, Usage, free_ports, start, stop, usage_of, wait_until
from tests.interop.peers import program

START_S = 20.0
STOP_S = 3.0
HTTP_S = 5.0

# Log lines of its level 4 are of panics only: nothing is written for a message.
LOG_LEVEL = "4"

CONFIGURATION = """\
group = core
admin-port = {admin}
admin-interface = 127.0.0.1
admin-password = bench
smsbox-port = {box}
smsbox-interface = 127.0.0.1
box-allow-ip = 127.0.0.1
dlr-storage = internal
{store}
group = smsc
smsc = smpp
smsc-id = sink
host = 127.0.0.1
port = {sink}
transceiver-mode = true
smsc-username = supernet
smsc-password = sink
system-type = ""
max-pending-submits = {window}
reconnect-delay = 1

group = smsbox
bearerbox-host = 127.0.0.1
bearerbox-port = {box}
sendsms-port = {http}
sendsms-interface = 127.0.0.1

group = sendsms-user
username = {user}
password = {password}
max-messages = 1

group = sms-service
keyword = default
catch-all = true
max-messages = 0
text = ""
"""
FILE_STORE = """\
store-type = file
store-location = "kannel.store"
"""
# As many as ours has under way over one of its binds.
WINDOW = 100


class KannelProcess:
    """With `file_store` it writes each message to a file, which it never flushes to the disk."""

    def __init__(self, directory: Path, carrier_port: int, *, file_store: bool) -> None:
        self._directory = directory
        self._bearerbox_program, self._smsbox_program = program("bearerbox"), program("smsbox")
        self._admin_port, box_port, self._http_port = free_ports(3)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.started_in_s = 0.0
        (directory / "kannel.conf").write_text(
            CONFIGURATION.format(
                admin=self._admin_port,
                box=box_port,
                http=self._http_port,
                sink=carrier_port,
                store=FILE_STORE if file_store else "",
                window=WINDOW,
                user=SYSTEM_ID,
                password=PASSWORD,
            )
        )

    def __enter__(self) -> Self:
        began = time.monotonic()
        try:
            self._start("bearerbox", self._bearerbox_program)
            wait_until(lambda: "(online " in self._status(), "Kannel's bind to the sink", START_S)
            self._start("smsbox", self._smsbox_program)
            wait_until(lambda: "smsbox" in self._status(), "Kannel's smsbox", START_S)
        except BaseException:
            self._stop()
            raise
        self.started_in_s = time.monotonic() - began
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop()

    @property
    def http_port(self) -> int:
        return self._http_port

    @property
    def smpp_port(self) -> int:
        raise BenchError("Kannel has no SMPP server")

    def usage(self) -> Usage:
        return usage_of({name: process.pid for name, process in self._processes.items()})

    def check(self, arrived: int, receipts: bool) -> None:
        """What a peer counts is its own affair."""

    def troubles(self) -> list[str]:
        return []

    def _start(self, name: str, box: str) -> None:
        self._processes[name] = start(
            [box, "-v", LOG_LEVEL, "kannel.conf"], self._directory, self._directory / f"{name}.log"
        )

    def _stop(self) -> None:
        """What it still has in memory is nothing that anybody waits for."""
        for process in reversed(self._processes.values()):
            stop(process, STOP_S)

    def _status(self) -> str:
        """What bearerbox says of itself; nothing while it does not answer."""
        url = f"http://127.0.0.1:{self._admin_port}/status.txt?password=bench"
        try:
            with urlopen(url, timeout=HTTP_S) as answer:
                return str(answer.read().decode("latin-1"))
        except (URLError, OSError):
            return ""
