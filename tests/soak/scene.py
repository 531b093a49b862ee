"""All that a soak runs: carriers behind lines that echo, web servers, the daemon, customers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from random import Random

from carriers_sim.config import CarrierConfig, SimulatorConfig
from carriers_sim.simulator import Simulator
from tests.e2e.configuration import write_configuration
from tests.e2e.daemon import Daemon
from tests.e2e.kill_loop_customers import Crowd, Customers
from tests.e2e.kill_loop_ledger import Ledger
from tests.e2e.kill_loop_web_server import WebServer
from tests.e2e.rest_client import RestClient
from tests.e2e.site import CARRIERS, OFFERS_MAX
from tests.soak.echoing_wire import EchoingWire
from tests.soak.moods import CALM

BINDS = 2
WINDOW = 10
DOUBLED_ANSWERS = 0.02
KEEP_MAX = 1_000_000
SLOW_ENDPOINT_S = 2.0
# Three names for three hosts, because a host in trouble must not trouble the others.
GOOD, MORTAL, SLOW = "127.0.0.1", "127.0.0.2", "127.0.0.3"
ENDPOINT_SHARES = {GOOD: 0.7, MORTAL: 0.2, SLOW: 0.1}
# Small enough that segments are begun and dropped all the time: one a minute, as soon as it is
# closed and summarised.
STORE = {
    "segment_bytes": 1 << 20,
    "segment_s": 60,
    "retention_s": 3_600,
    "bytes_max": 1 << 20,
    "idempotency_window_s": 600,
}
# What is never answered, or never receipted, ends within the time that we wait for the end.
QUEUE = {"receipt_wait_s": 40, "outcome_unknown_wait_s": 20}
REST_WORKERS, ESMES, ESME_WORKERS = 8, 2, 6
ESME_STAYS_S = (10.0, 40.0)
ESME_AWAY_S = (2.0, 15.0)


@dataclass(frozen=True)
class Scene:
    carriers: Simulator
    wires: list[EchoingWire]
    servers: dict[str, WebServer]
    daemon: Daemon
    rest: RestClient
    ledger: Ledger
    customers: Customers
    store: Path


@asynccontextmanager
async def a_scene(directory: Path, rate: float, random: Random) -> AsyncIterator[Scene]:
    """`rate` is of messages a second, from all customers together."""
    ledger = Ledger()
    numbers = count()
    customers: Customers
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        carriers = await enter(
            Simulator(
                SimulatorConfig(
                    carriers=tuple(
                        CarrierConfig(
                            name=name,
                            deliver_retry_s=2.0,
                            deliver_attempts_max=OFFERS_MAX,
                            behaviour=CALM,
                        )
                        for name in CARRIERS
                    ),
                    seed=random.randrange(1 << 30),
                    keep=KEEP_MAX,
                )
            )
        )
        wires = {
            name: await enter(EchoingWire(carriers[name].port, random, DOUBLED_ANSWERS))
            for name in CARRIERS
        }
        servers = {
            host: await enter(
                WebServer(ledger, lambda sid, status: customers.over(sid, status), host)
            )
            for host in ENDPOINT_SHARES
        }
        servers[SLOW].delay_s = SLOW_ENDPOINT_S
        entry = write_configuration(
            directory,
            {name: wire.port for name, wire in wires.items()},
            f"{servers[MORTAL].url}/sms",
            BINDS,
            WINDOW,
            store=STORE,
            queue=QUEUE,
        )
        daemon = await enter(Daemon(entry))
        rest = await enter(RestClient(lambda: daemon.rest))

        def status_url() -> str:
            (host,) = random.choices(list(ENDPOINT_SHARES), list(ENDPOINT_SHARES.values()))
            return f"{servers[host].url}/status"

        workers = REST_WORKERS + ESMES * ESME_WORKERS
        customers = Customers(
            daemon,
            ledger,
            lambda: number_of(next(numbers)),
            status_url,
            random,
            Crowd(
                REST_WORKERS,
                ESMES,
                ESME_WORKERS,
                pause_s=workers / rate,
                esme_stays_s=ESME_STAYS_S,
                esme_away_s=ESME_AWAY_S,
            ),
        )
        yield Scene(
            carriers,
            list(wires.values()),
            servers,
            daemon,
            rest,
            ledger,
            customers,
            directory / "store",
        )


def number_of(handset: int) -> str:
    """Ten thousand to each exchange of an area."""
    return f"+1206{200 + handset // 10_000:03}{handset % 10_000:04}"
