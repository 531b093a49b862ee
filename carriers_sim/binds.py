"""Who may bind to a carrier, and how long a bind stands."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable

from carriers_sim.behaviour import Behaviour
from carriers_sim.bind_attempts import BindAttempts
from carriers_sim.config import CarrierConfig
from carriers_sim.delay import draw
from carriers_sim.fault import Fault
from carriers_sim.recorder import Recorder
from carriers_sim.rule import status_of
from carriers_sim.timer_heap import TimerHeap
from carriers_sim.violations import Invariant, Violations
from carriers_sim.wire import Wire
from gateway.clock import Clock
from gateway.net.smpp_connection import SmppConnection
from gateway.smpp.constants import INTERFACE_3_4, CommandStatus, Tag
from gateway.smpp.pdus import BIND_RESP, Bind

log = logging.getLogger(__name__)

# A bind that the carrier cuts within this time has come to nothing.
SOON_S = 10.0
CREDENTIALS = frozenset({CommandStatus.ESME_RINVSYSID, CommandStatus.ESME_RINVPASWD})


class Binds:
    """Those of one carrier. `behaviour` is asked for its present one."""

    def __init__(
        self,
        config: CarrierConfig,
        clock: Clock,
        recorder: Recorder,
        violations: Violations,
        behaviour: Callable[[], Behaviour],
    ) -> None:
        self._config = config
        self._clock = clock
        self._recorder = recorder
        self._violations = violations
        self._behaviour = behaviour
        self._bound_at: dict[SmppConnection, float] = {}
        self._submits: dict[SmppConnection, int] = {}
        self._vain = BindAttempts(recorder.expectations.vain_binds_max)
        self._wrong = BindAttempts(recorder.expectations.wrong_credentials_max)
        self._due: TimerHeap[Callable[[], None]] = TimerHeap(clock, lambda answer: answer())

    def clear(self) -> None:
        """Forget the attempts."""
        self._vain.clear()
        self._wrong.clear()

    def asked(self, wire: Wire, sequence_number: int, pdu: Bind, connections: int) -> None:
        """Answer a bind, now, later, or not at all; the carrier has so many connections."""
        version = min(self._config.version.octet, pdu.interface_version)
        wire.witness.interface_version = version
        status = self._status(pdu, connections)
        if status:
            log.info("bind refused", extra={"carrier": self._config.name, "command_status": status})
            self._came_to_nothing(status)
        binding = self._behaviour().bind
        if not binding.answered:
            self._came_to_nothing()
            return
        tlvs: dict[int, bytes] = {}
        if version >= INTERFACE_3_4:
            tlvs[Tag.SC_INTERFACE_VERSION] = bytes([self._config.version.octet])
        resp = BIND_RESP[pdu.command_id](self._config.system_id, tlvs)
        delay_s = draw(binding.delay_s, wire.chance)
        if delay_s:
            due = self._clock.now() + delay_s
            self._due.add(due, lambda: wire.connection.respond(sequence_number, resp, status))
        else:
            wire.connection.respond(sequence_number, resp, status)

    def bound(self, wire: Wire) -> None:
        self._recorder.counts(self._config.name).binds += 1
        self._bound_at[wire.connection] = self._clock.now()
        binding = self._behaviour().bind
        if binding.drop_after_s:
            wire.inject_later(binding.drop_after_s, Fault.FIN)
        if binding.unbind_after_s:
            wire.inject_later(binding.unbind_after_s, Fault.UNBIND)

    def submitted(self, wire: Wire) -> None:
        """It has sent one more message."""
        binding = self._behaviour().bind
        if not (binding.drop_after_submits or binding.unbind_after_submits):
            return
        submits = self._submits.get(wire.connection, 0) + 1
        self._submits[wire.connection] = submits
        if submits == binding.unbind_after_submits:
            wire.inject(Fault.UNBIND)
        if submits == binding.drop_after_submits:
            wire.inject(Fault.FIN)

    def closed(self, wire: Wire) -> None:
        self._submits.pop(wire.connection, None)
        bound_at = self._bound_at.pop(wire.connection, None)
        if bound_at is not None and wire.ended_by_us and self._clock.now() - bound_at < SOON_S:
            self._came_to_nothing()

    def _status(self, pdu: Bind, connections: int) -> int:
        config = self._config
        if pdu.system_id != config.system_id:
            return CommandStatus.ESME_RINVSYSID
        if not hmac.compare_digest(pdu.password.encode(), config.password.encode()):
            return CommandStatus.ESME_RINVPASWD
        if connections > config.binds_max:
            return CommandStatus.ESME_RBINDFAIL
        return status_of(self._behaviour().bind_status)

    def _came_to_nothing(self, status: int = 0) -> None:
        carrier, now = self._config.name, self._clock.now()
        if status in CREDENTIALS and self._wrong.add(now):
            self._violations.add(Invariant.CREDENTIALS_HAMMERED, carrier, "within a minute", now)
        if self._vain.add(now):
            self._violations.add(Invariant.HAMMERING, carrier, "within a minute", now)
