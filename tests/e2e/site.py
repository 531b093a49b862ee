"""All of it together: simulated carriers, the daemon that is bound to them, and a customer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from carriers_sim.behaviour import Behaviour
from carriers_sim.config import CarrierConfig, SimulatorConfig
from carriers_sim.dlr_schedule import ReceiptBehaviour
from carriers_sim.recorder import Received
from carriers_sim.simulator import Simulator
from tests.e2e.configuration import NO_KEYS, Keys, write_configuration
from tests.e2e.daemon import Daemon
from tests.e2e.forked_daemon import ForkedDaemon
from tests.e2e.patience import until
from tests.e2e.rest_client import RestClient
from tests.e2e.webhook_sink import WebhookSink

CARRIERS = ("alpha", "bravo")
KEEP = 100_000
OFFERS_MAX = 1_000_000


@dataclass(frozen=True)
class Site:
    carriers: Simulator
    sink: WebhookSink
    daemon: Daemon
    rest: RestClient
    numbers: count[int] = field(default_factory=count)

    def recipient(self, suffix: str = "") -> str:
        """A number that no other test uses; the suffix may be one of the magic numbers'."""
        number = next(self.numbers)
        return f"+1206{200 + number}{suffix}" if suffix else f"+1206555{1_000 + number}"

    def arrived(self, recipient: str) -> list[Received]:
        """What the carriers got for a recipient, in order."""
        messages = self.carriers.recorder.messages
        return [message for message in messages if message.recipient == recipient]

    async def bound(self) -> None:
        """Until every bind of the daemon's is up."""
        await until(self.daemon.health, lambda health: health["status"] == "ok")


@asynccontextmanager
async def a_site(
    directory: Path,
    behaviour: Behaviour | None = None,
    binds: int = 1,
    window: int = 50,
    enquire_link_s: float = 30.0,
    store: Keys = NO_KEYS,
    queue: Keys = NO_KEYS,
    account: Keys = NO_KEYS,
    sms_url: str = "",
    kind: type[Daemon] = ForkedDaemon,
) -> AsyncIterator[Site]:
    """Healthy carriers that know the magic numbers, unless a behaviour is given. They offer a
    deliver_sm until it is taken, and messages to the short code go to `sms_url`, or to the sink.

    What the carriers saw the daemon do wrong fails the test, unless it forgives that.
    """
    behaviour = behaviour or Behaviour(
        magic_numbers=True, receipts=ReceiptBehaviour(delay_s=(0.01, 0.1))
    )
    config = SimulatorConfig(
        carriers=tuple(
            CarrierConfig(
                name=name,
                deliver_retry_s=0.5,
                deliver_attempts_max=OFFERS_MAX,
                behaviour=behaviour,
            )
            for name in CARRIERS
        ),
        keep=KEEP,
    )
    async with Simulator(config) as carriers:
        async with AsyncExitStack() as stack:
            sink = await stack.enter_async_context(WebhookSink())
            entry = write_configuration(
                directory,
                {smsc.name: smsc.port for smsc in carriers.smscs.values()},
                sms_url or f"{sink.url}/sms",
                binds,
                window,
                enquire_link_s,
                store,
                queue,
                account,
            )
            daemon = await stack.enter_async_context(kind(entry))
            rest = await stack.enter_async_context(RestClient(lambda: daemon.rest))
            site = Site(carriers, sink, daemon, rest)
            await site.bound()
            yield site
        # pytest explains assertions in tests alone.
        assert carriers.violations == [], carriers.violations
