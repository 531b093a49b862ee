"""Several carriers in one process, with one recorder of messages and one of calls."""

from __future__ import annotations

import asyncio
from collections import Counter
from types import TracebackType

from carriers_sim.call_recorder import CallRecorder
from carriers_sim.config import SimulatorConfig
from carriers_sim.given_ids import GivenIds
from carriers_sim.recorder import Recorder
from carriers_sim.refused_calls import RefusedCalls
from carriers_sim.refused_messages import RefusedMessages
from carriers_sim.sip_carrier import SipCarrier
from carriers_sim.smsc import Smsc
from carriers_sim.throttled_messages import ThrottledMessages
from carriers_sim.violations import AnyInvariant, Violation, Violations
from gateway.clock import Clock, system_clock
from gateway.net.network import Network, TcpNetwork


class Simulator:
    """`async with Simulator(config) as simulator:` listens, and `simulator["alpha"]` is an Smsc.

    Build it inside a running event loop. `network` and `clock` may be a simulation's own.
    `first_id` is where message ids begin: a process that lives longer than its peers' memory of
    it, such as a demo that is started again, gives one that it has not given before.
    """

    def __init__(
        self,
        config: SimulatorConfig,
        *,
        network: Network | None = None,
        clock: Clock | None = None,
        first_id: int = 1,
    ) -> None:
        self.config = config
        self._violations = Violations()
        self.recorder = Recorder(self._violations, config.expectations, config.keep)
        self._refused = RefusedMessages()
        self._throttled = ThrottledMessages()
        self._given_ids = GivenIds()
        network = network or TcpNetwork()
        clock = clock or system_clock(asyncio.get_running_loop().time)
        self.smscs = {
            carrier.name: Smsc(
                carrier,
                seed=config.seed,
                network=network,
                clock=clock,
                recorder=self.recorder,
                violations=self._violations,
                refused=self._refused,
                throttled=self._throttled,
                given_ids=self._given_ids,
                first_id=first_id,
            )
            for carrier in config.carriers
        }
        self.call_recorder = CallRecorder(config.keep)
        self._refused_calls = RefusedCalls()
        self.sip_carriers = {
            carrier.name: SipCarrier(
                carrier,
                seed=config.seed,
                clock=clock,
                recorder=self.call_recorder,
                violations=self._violations,
                refused=self._refused_calls,
            )
            for carrier in config.sip_carriers
        }

    def __getitem__(self, carrier: str) -> Smsc:
        return self.smscs[carrier]

    @property
    def violations(self) -> list[Violation]:
        """What the customer did wrong: `assert simulator.violations == []`."""
        return self._violations.kept

    @property
    def violation_counts(self) -> dict[str, int]:
        """How often each invariant was broken, by its name."""
        return {invariant.name: count for invariant, count in self._violations.counts.items()}

    @property
    def violated_rules(self) -> dict[str, int]:
        """How often each rule was broken, by its id."""
        rules: Counter[str] = Counter()
        for invariant, count in self._violations.counts.items():
            rules.update(dict.fromkeys(invariant.rules, count))
        return dict(sorted(rules.items()))

    def forgive(self, *invariants: AnyInvariant) -> None:
        """Forget these violations: a test has provoked them on purpose."""
        self._violations.forgive(*invariants)

    def reset(self) -> None:
        """Forget what came and restore the configured behaviours. Connections stay."""
        self.recorder.clear()
        self._violations.clear()
        self._refused.clear()
        self._throttled.clear()
        self._given_ids.clear()
        self.call_recorder.clear()
        self._refused_calls.clear()
        for smsc in self.smscs.values():
            smsc.reset()
        for carrier in self.sip_carriers.values():
            carrier.reset()

    async def start(self) -> None:
        """Listen on all ports, or on none. Raises ListenError, TlsError."""
        try:
            for smsc in self.smscs.values():
                await smsc.start()
            for carrier in self.sip_carriers.values():
                await carrier.start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        for smsc in self.smscs.values():
            await smsc.stop()
        for carrier in self.sip_carriers.values():
            await carrier.stop()

    async def __aenter__(self) -> Simulator:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()
