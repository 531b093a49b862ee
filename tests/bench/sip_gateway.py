"""The daemon in the way of SIPp's calls: `supernet run` with nothing left out of a call.

A customer's trunk is let in by its address, the router picks the carrier's trunk, the media is
anchored, and each call has its durable record, its line in the log and its callbacks' bookkeeping.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.e2e.call_tables import add_tables, carrier_table, pbx_table, sip_tables
from tests.e2e.configuration import OTHER_LONG_CODE, OTHER_TOKEN, Keys, toml, write_configuration
from tests.e2e.daemon import Daemon
from tests.e2e.patience import until

CALLER, CALLED = OTHER_LONG_CODE, "+12065551001"
# Above what is measured: these limits are looked at for each call, and are not what is measured.
LIMITS: Keys = {"channels": 10_000, "cps": 1_000}


class SipGateway:
    def __init__(self, daemon: Daemon, port: int) -> None:
        self.pid = daemon.pid
        self.port = port
        self._daemon = daemon

    async def recorded(self, calls: int) -> int:
        """Once so many have their record: how many of them are `completed`."""

        async def ended() -> list[str]:
            return [line for line in self._daemon.said if '"call ended"' in line]

        lines = await until(ended, lambda lines: len(lines) >= calls)
        return sum(json.loads(line)["status"] == "completed" for line in lines)


@asynccontextmanager
async def sip_gateway(directory: Path, onward: int) -> AsyncIterator[SipGateway]:
    """Calls go on to that port of loopback."""
    entry = write_configuration(directory / "gateway", {})
    add_tables(
        entry,
        sip_tables(),
        pbx_table(LIMITS),
        # SIPp's scenarios take no OPTIONS.
        carrier_table("carrier", onward, trunk={"options_s": 0, **LIMITS}),
    )
    accounts = entry.with_name("accounts.toml")
    token = f'auth_token = "{OTHER_TOKEN}"\n'
    text = accounts.read_text()
    assert token in text
    accounts.write_text(text.replace(token, token + toml(LIMITS)))
    async with Daemon(entry) as daemon:
        await daemon.line(lambda line: '"trunk up"' in line)
        (listens,) = daemon.events("gateway listens")
        yield SipGateway(daemon, int(listens["sip_udp"].rpartition(":")[2]))
