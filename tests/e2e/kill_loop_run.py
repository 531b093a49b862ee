"""One run of the kill loop, from the first daemon to the audit of what all of them have done."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random

from carriers_sim.behaviour import Behaviour
from carriers_sim.dlr_schedule import ReceiptBehaviour
from carriers_sim.violations import Invariant
from tests.e2e.configuration import NO_KEYS, Keys
from tests.e2e.kill_loop import KillLoop, all_stored, flaws, handsets, settled
from tests.e2e.kill_loop_audit import Evidence, Verdict, audit
from tests.e2e.kill_loop_customers import Crowd, Customers
from tests.e2e.kill_loop_ledger import Ledger
from tests.e2e.kill_loop_web_server import WebServer
from tests.e2e.site import CARRIERS, a_site

BINDS = 2
WINDOW = 5
# Answers that are under way to the store when it dies: those of one commit, and what the loop has
# read meanwhile.
COMMIT_GROUP = 20
RESPONSE_S = (0.005, 0.03)
COMMIT_S = 1.0
SLOW_CARRIER = Behaviour(
    response_delay_s=RESPONSE_S, receipts=ReceiptBehaviour(delay_s=(0.05, 0.5))
)
HANDSET_PAUSE_S = 0.2
# A kill takes along what was heard and not stored, and messages in doubt let later ones pass. What
# of that is right, the audit knows; a carrier does not.
FOR_THE_AUDIT = (Invariant.DUPLICATE, Invariant.ORDER)
# The smallest segments there are, so that some are begun and summarised.
STORE: Keys = {"segment_bytes": 1 << 20, "segment_s": 60}
DRAIN_S = 60.0


@dataclass(frozen=True)
class Aftermath:
    """What there is once the last daemon has drained and stopped. `settled` says that nothing was
    open then; `flaws` are what `supernet store verify` complains of."""

    ledger: Ledger
    verdict: Verdict
    settled: bool
    exit_code: int
    flaws: list[str]


async def run_kill_loop(
    directory: Path, kills: int, seed: int, account: Keys = NO_KEYS, queue: Keys = NO_KEYS
) -> Aftermath:
    """Kill so many daemons. `account` and `queue` are keys of the configuration."""
    random = Random(seed)
    ledger = Ledger()
    customers: Customers
    async with (
        WebServer(ledger, lambda sid, status: customers.over(sid, status)) as web_server,
        a_site(
            directory,
            SLOW_CARRIER,
            BINDS,
            WINDOW,
            store=STORE,
            queue=queue,
            account=account,
            sms_url=f"{web_server.url}/sms",
        ) as site,
    ):
        customers = Customers(
            site.daemon,
            ledger,
            site.recipient,
            lambda: f"{web_server.url}/status",
            random,
            Crowd(),
        )
        loop = KillLoop(site.daemon, customers, random)
        async with customers.present():
            async with handsets(site.carriers["alpha"], ledger, HANDSET_PAUSE_S):
                await loop.run(kills)
            customers.stop_asking()
            over = await settled(site.daemon, ledger, DRAIN_S)
        stored = await all_stored(site.rest)
        exit_code = await site.daemon.stop()
        site.carriers.forgive(*FOR_THE_AUDIT)
        verdict = audit(
            Evidence(
                ledger,
                site.carriers.recorder.messages,
                stored,
                loop.kills,
                window=len(CARRIERS) * BINDS * WINDOW + COMMIT_GROUP,
                in_flight_s=max(RESPONSE_S) + COMMIT_S,
                unsigned=web_server.unsigned,
            )
        )
    verdict.figures["starts cut short"] = loop.starts_cut_short
    return Aftermath(ledger, verdict, over, exit_code, await flaws(directory / "store"))
