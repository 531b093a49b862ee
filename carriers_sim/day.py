"""What a carrier does of its own accord as time goes by: its timeline, and its handsets."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from carriers_sim.behaviour import Behaviour, message_chance
from carriers_sim.config import CarrierConfig
from carriers_sim.fault import Fault
from carriers_sim.handset_traffic import HandsetMessage, handset_message
from carriers_sim.timeline import behaviour_at, faults_at, moments
from carriers_sim.timer_heap import TimerHeap
from gateway.clock import Clock


class Day:
    """Calls `change`, `befall` and `send` when it is time."""

    def __init__(
        self,
        config: CarrierConfig,
        seed: int,
        clock: Clock,
        change: Callable[[Behaviour], None],
        befall: Callable[[Fault, float], object],
        send: Callable[[HandsetMessage], None],
    ) -> None:
        self._config = config
        self._seed = seed
        self._clock = clock
        self._change = change
        self._befall = befall
        self._send = send
        self._sent = 0
        self._due: TimerHeap[Callable[[], None]] = TimerHeap(clock, lambda act: act())

    def begin(self) -> None:
        """From its beginning, whatever time it was."""
        self.end()
        began = self._clock.now()
        for after_s in moments(self._config.timeline):
            self._due.add(began + after_s, partial(self._reach, after_s))
        if self._config.handsets:
            self._due.add(began + 1 / self._config.handsets.per_s, self._handset_sends)

    def end(self) -> None:
        self._sent = 0
        self._due.keep(lambda _: False)

    def _reach(self, after_s: float) -> None:
        timeline = self._config.timeline
        self._change(behaviour_at(self._config.behaviour, timeline, after_s))
        for fault, for_s in faults_at(timeline, after_s):
            self._befall(fault, for_s)

    def _handset_sends(self) -> None:
        traffic = self._config.handsets
        assert traffic is not None
        self._sent += 1
        # Below zero, so that the chance is not that of a message to the carrier.
        self._send(handset_message(traffic, message_chance(self._seed, -self._sent)))
        self._due.add(self._clock.now() + 1 / traffic.per_s, self._handset_sends)
