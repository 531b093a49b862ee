"""A daemon of ours with more in its configuration than most tests need."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from tests.e2e.configuration import write_configuration
from tests.e2e.daemon import Daemon
from tests.e2e.forked_daemon import ForkedDaemon
from tests.e2e.rest_client import RestClient


@dataclass(frozen=True)
class GatewaySite:
    """`recipient` is a number that no other test uses, in an area code that may lead to a carrier
    of its own."""

    daemon: Daemon
    rest: RestClient
    numbers: count[int] = field(default_factory=lambda: count(1_000))

    def recipient(self, area: str = "206") -> str:
        return f"+1{area}555{next(self.numbers)}"


@asynccontextmanager
async def a_gateway(
    directory: Path,
    carriers: Mapping[str, int],
    sms_url: str = "http://127.0.0.1/unused",
    gateway_toml: str = "",
    carriers_toml: str = "",
) -> AsyncIterator[GatewaySite]:
    """Running, and bound to nobody yet. The two texts are added to the ends of their files: to
    gateway.toml as sections, to carriers.toml as what belongs to the last carrier, or as more."""
    entry = write_configuration(directory, carriers, sms_url)
    for file, text in ((entry, gateway_toml), (entry.with_name("carriers.toml"), carriers_toml)):
        file.write_text(file.read_text() + text)
    async with ForkedDaemon(entry) as daemon, RestClient(lambda: daemon.rest) as rest:
        yield GatewaySite(daemon, rest)
