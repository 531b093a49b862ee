"""The simulator on a thread of its own, for tests that are not written with asyncio.

Every call waits until the simulator's thread has done it, so what a test reads is settled.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, TypeVar

import msgspec

from carriers_sim.behaviour import Behaviour
from carriers_sim.call_behaviour import CallBehaviour
from carriers_sim.call_recorder import RecordedCall
from carriers_sim.config import SimulatorConfig
from carriers_sim.fault import Fault
from carriers_sim.recorder import Received
from carriers_sim.simulator import Simulator
from carriers_sim.sip_carrier import SipCarrier
from carriers_sim.smsc import Smsc
from carriers_sim.violations import AnyInvariant, Violation

CALL_S = 10.0

T = TypeVar("T")


class BackgroundSimulator:
    """`with BackgroundSimulator(config) as simulator:` listens; `simulator["alpha"]` is a carrier.

    Raises ListenError on entry.
    """

    def __init__(self, config: SimulatorConfig) -> None:
        self._config = config
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="carriers-sim")
        self._simulator: Simulator

    def __getitem__(self, carrier: str) -> BackgroundSmsc:
        return BackgroundSmsc(self, self._simulator[carrier])

    def sip_carrier(self, name: str) -> BackgroundSipCarrier:
        """One of the carriers for calls. Raises KeyError."""
        return BackgroundSipCarrier(self, self._simulator.sip_carriers[name])

    @property
    def messages(self) -> list[Received]:
        """What all carriers got, in order of arrival."""
        return self.call(lambda: self._simulator.recorder.messages)

    @property
    def violations(self) -> list[Violation]:
        return self.call(lambda: self._simulator.violations)

    def forgive(self, *invariants: AnyInvariant) -> None:
        """See `Simulator.forgive`."""
        self.call(lambda: self._simulator.forgive(*invariants))

    def reset(self) -> None:
        """See `Simulator.reset`."""
        self.call(self._simulator.reset)

    def call(self, function: Callable[[], T]) -> T:
        """What `function` returns, or raises, on the simulator's thread."""

        async def result() -> T:
            return function()

        return self.run(result(), CALL_S)

    def run(self, coroutine: Coroutine[Any, Any, T], timeout_s: float) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout_s)

    def __enter__(self) -> BackgroundSimulator:
        self._thread.start()
        try:
            self.run(self._start(), CALL_S)
        except BaseException:
            self._end_thread()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self.run(self._simulator.stop(), CALL_S)
        finally:
            self._end_thread()

    async def _start(self) -> None:
        self._simulator = Simulator(self._config)
        await self._simulator.start()

    def _end_thread(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class BackgroundSmsc:
    """One carrier: `Smsc` without asyncio."""

    def __init__(self, simulator: BackgroundSimulator, smsc: Smsc) -> None:
        self._simulator = simulator
        self._smsc = smsc
        self.name = smsc.name
        self.host = smsc.config.host
        self.port = smsc.port
        self.system_id = smsc.config.system_id
        self.password = smsc.config.password

    @property
    def messages(self) -> list[Received]:
        """The whole messages that arrived here, in order."""
        return self._simulator.call(lambda: self._smsc.messages)

    @property
    def stats(self) -> dict[str, object]:
        return self._simulator.call(self._smsc.stats)

    @property
    def violations(self) -> list[Violation]:
        """What the customer did wrong: `assert smsc.violations == []`."""
        return [entry for entry in self._simulator.violations if entry.carrier == self.name]

    def set_behaviour(self, **keys: object) -> None:
        """A healthy carrier but for these keys of `Behaviour`. Raises msgspec.ValidationError."""
        behaviour = msgspec.convert(keys, Behaviour)
        self._simulator.call(lambda: self._smsc.set_behaviour(behaviour))

    def inject_mo(self, sender: str, recipient: str, body: str, **keys: object) -> int:
        """See `Smsc.inject_mo`."""
        return self._simulator.call(lambda: self._smsc.inject_mo(sender, recipient, body, **keys))

    def befall(self, fault: str, for_s: float = 0.0) -> int:
        """See `Smsc.befall`; `fault` is a name such as `rst`. Raises ValueError."""
        return self._simulator.call(lambda: self._smsc.befall(Fault(fault), for_s))

    def alert(self, handset: str, esme: str) -> None:
        """See `Smsc.alert`."""
        self._simulator.call(lambda: self._smsc.alert(handset, esme))

    def outbind(self, host: str, port: int, system_id: str = "", password: str = "") -> None:
        """See `Smsc.outbind`."""
        self._simulator.run(self._smsc.outbind(host, port, system_id, password), CALL_S)

    def drop_connections(self) -> int:
        """See `Smsc.drop_connections`."""
        return self._simulator.call(self._smsc.drop_connections)

    def wait_for_messages(self, count: int, timeout_s: float = 5.0) -> list[Received]:
        """See `Smsc.wait_for_messages`."""
        return self._simulator.run(
            self._smsc.wait_for_messages(count, timeout_s), timeout_s + CALL_S
        )

    def wait_for_binds(self, count: int = 1, timeout_s: float = 5.0) -> None:
        """See `Smsc.wait_for_binds`."""
        self._simulator.run(self._smsc.wait_for_binds(count, timeout_s), timeout_s + CALL_S)


class BackgroundSipCarrier:
    """One carrier for calls: `SipCarrier` without asyncio."""

    def __init__(self, simulator: BackgroundSimulator, carrier: SipCarrier) -> None:
        self._simulator = simulator
        self._carrier = carrier
        self.name = carrier.name
        self.host = carrier.host
        self.port = carrier.port

    @property
    def calls(self) -> list[RecordedCall]:
        """See `SipCarrier.calls`; each goes on to change while it is not over."""
        return self._simulator.call(lambda: self._carrier.calls)

    @property
    def stats(self) -> dict[str, object]:
        return self._simulator.call(self._carrier.stats)

    @property
    def bindings(self) -> dict[str, str]:
        """Who has registered here, with the Contact."""
        return self._simulator.call(lambda: self._carrier.bindings)

    @property
    def violations(self) -> list[Violation]:
        """What the customer did wrong: `assert carrier.violations == []`."""
        return [entry for entry in self._simulator.violations if entry.carrier == self.name]

    def set_behaviour(self, **keys: object) -> None:
        """A healthy carrier but for these keys of `CallBehaviour`. Raises
        msgspec.ValidationError."""
        behaviour = msgspec.convert(keys, CallBehaviour)
        self._simulator.call(lambda: self._carrier.set_behaviour(behaviour))

    def call(self, caller: str, called: str, host: str, port: int, **keys: object) -> RecordedCall:
        """See `SipCarrier.call`."""
        return self._simulator.call(lambda: self._carrier.call(caller, called, host, port, **keys))

    def hang_up(self) -> int:
        """See `SipCarrier.hang_up`."""
        return self._simulator.call(self._carrier.hang_up)

    def wait_for_calls(self, count: int, timeout_s: float = 5.0) -> list[RecordedCall]:
        """See `SipCarrier.wait_for_calls`."""
        return self._simulator.run(
            self._carrier.wait_for_calls(count, timeout_s), timeout_s + CALL_S
        )
