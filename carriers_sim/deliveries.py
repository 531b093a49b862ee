"""deliver_sm towards the customer: receipts and mobile originated messages (SMPP v3.4 §4.6).

They wait while no bind can receive, go round the binds that can, and are sent again when the
answer is a temporary error or does not come.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from carriers_sim.config import CarrierConfig
from carriers_sim.recorder import Recorder
from carriers_sim.timer_heap import TimerHeap
from carriers_sim.violations import Invariant, Violations
from gateway.clock import Clock
from gateway.net.smpp_connection import SmppConnection
from gateway.smpp.constants import CommandStatus
from gateway.smpp.pdus import DeliverSm
from gateway.smpp.states import RECEIVING

# Table 5-2: the customer will never take this deliver_sm.
PERMANENT = frozenset({CommandStatus.ESME_RX_P_APPN, CommandStatus.ESME_RX_R_APPN})


@dataclass(slots=True, eq=False)
class Delivery:
    """One deliver_sm on its way, and how often it was sent."""

    pdu: DeliverSm
    is_receipt: bool
    attempts: int = 0


class Deliveries:
    """Those of one carrier. The owner bounds how many it adds, by `len`."""

    def __init__(
        self, config: CarrierConfig, clock: Clock, recorder: Recorder, violations: Violations
    ) -> None:
        self._config = config
        self._clock = clock
        self._recorder = recorder
        self._violations = violations
        self._waiting: deque[Delivery] = deque()
        self._retries: TimerHeap[Delivery] = TimerHeap(clock, self._send_again)
        self._awaited: dict[SmppConnection, dict[int, Delivery]] = {}
        self._turn: deque[SmppConnection] = deque()

    def __len__(self) -> int:
        """How many wait, for a bind, for room in a window, or for their next attempt."""
        return len(self._waiting) + len(self._retries)

    @property
    def in_flight(self) -> int:
        return sum(map(len, self._awaited.values()))

    def add(self, pdu: DeliverSm, is_receipt: bool) -> None:
        self._waiting.append(Delivery(pdu, is_receipt))
        self.send()

    def clear(self) -> None:
        """Forget what waits. What is on the wire will still be answered."""
        self._waiting.clear()
        self._retries.keep(lambda _: False)

    def receiver_bound(self, connection: SmppConnection) -> None:
        self._awaited[connection] = {}
        self._turn.append(connection)
        self.send()

    def connection_closed(self, connection: SmppConnection) -> None:
        """What it had not answered goes first on the next bind, in the order it was sent."""
        awaited = self._awaited.pop(connection, None)
        if awaited is not None:
            self._turn.remove(connection)
            self._waiting.extendleft(reversed(awaited.values()))
            self.send()

    def responded(
        self, connection: SmppConnection, sequence_number: int, command_status: int
    ) -> None:
        delivery = self._awaited[connection].pop(sequence_number, None)
        if delivery is None:
            return  # It timed out before, and is on its way again.
        if command_status == CommandStatus.ESME_ROK:
            counts = self._recorder.counts(self._config.name)
            if delivery.is_receipt:
                counts.receipts_accepted += 1
            else:
                counts.mo_accepted += 1
        else:
            self._retry(delivery, is_permanent=command_status in PERMANENT)
        self.send()

    def timed_out(self, connection: SmppConnection, sequence_number: int) -> None:
        delivery = self._awaited[connection].pop(sequence_number, None)
        if delivery is not None:
            detail = f"deliver_sm, attempt {delivery.attempts}"
            self._violations.add(
                Invariant.UNREAD_RESPONSE, self._config.name, detail, self._clock.now()
            )
            self._retry(delivery, is_permanent=False)
        self.send()

    def send(self) -> None:
        """Send what waits, as far as binds and windows allow."""
        while self._waiting:
            connection = self._next_receiver()
            if connection is None:
                return
            delivery = self._waiting.popleft()
            delivery.attempts += 1
            self._awaited[connection][connection.request(delivery.pdu)] = delivery
            counts = self._recorder.counts(self._config.name)
            if delivery.is_receipt:
                counts.receipts_sent += 1
            else:
                counts.mo_sent += 1

    def _next_receiver(self) -> SmppConnection | None:
        for _ in range(len(self._turn)):
            connection = self._turn[0]
            self._turn.rotate(-1)
            if connection.sendable > 0 and connection.session.state in RECEIVING:
                return connection
        return None

    def _retry(self, delivery: Delivery, is_permanent: bool) -> None:
        if is_permanent or delivery.attempts >= self._config.deliver_attempts_max:
            self._recorder.counts(self._config.name).deliveries_given_up += 1
        else:
            self._retries.add(self._clock.now() + self._config.deliver_retry_s, delivery)

    def _send_again(self, delivery: Delivery) -> None:
        self._waiting.append(delivery)
        self.send()
