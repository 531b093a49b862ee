"""deliver_sm and data_sm towards the customer: receipts and mobile originated messages (SMPP v3.4
§4.6, §4.7).

They wait while no bind can receive, go round the binds that can, and are sent again when the
answer is a temporary error or does not come.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from msgspec.structs import replace

from carriers_sim.config import CarrierConfig
from carriers_sim.dlr_schedule import ReceiptBind
from carriers_sim.recorder import Recorder
from carriers_sim.timer_heap import TimerHeap
from carriers_sim.violations import Invariant, Violations
from gateway.clock import Clock
from gateway.net.smpp_connection import SmppConnection
from gateway.smpp.constants import INTERFACE_3_4, CommandStatus, status_name
from gateway.smpp.pdus import DataSm, DeliverSm
from gateway.smpp.states import RECEIVING

# Table 5-2: the customer will never take this deliver_sm.
PERMANENT = frozenset({CommandStatus.ESME_RX_P_APPN, CommandStatus.ESME_RX_R_APPN})
# What a customer may say of a receipt that it cannot take now; it was not refused for good. The
# last is the answer of one that has just sent unbind.
NOT_NOW = frozenset(
    {
        CommandStatus.ESME_RX_T_APPN,
        CommandStatus.ESME_RTHROTTLED,
        CommandStatus.ESME_RMSGQFUL,
        CommandStatus.ESME_RSYSERR,
        CommandStatus.ESME_RINVBNDSTS,
    }
)


@dataclass(slots=True, eq=False)
class Delivery:
    """One deliver_sm on its way, and how often it was sent.

    `bind` says where a receipt goes, as seen from `origin`, the connection of its message.
    """

    pdu: DeliverSm | DataSm
    is_receipt: bool
    bind: ReceiptBind = ReceiptBind.ANY
    origin: SmppConnection | None = None
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
        self._without_tlvs: set[SmppConnection] = set()
        self._turn: deque[SmppConnection] = deque()

    def __len__(self) -> int:
        """How many wait, for a bind, for room in a window, or for their next attempt."""
        return len(self._waiting) + len(self._retries)

    @property
    def in_flight(self) -> int:
        return sum(map(len, self._awaited.values()))

    def add(self, delivery: Delivery) -> None:
        self._waiting.append(delivery)
        self.send()

    def clear(self) -> None:
        """Forget what waits. What is on the wire will still be answered."""
        self._waiting.clear()
        self._retries.keep(lambda _: False)

    def receiver_bound(self, connection: SmppConnection, interface_version: int) -> None:
        """It speaks `interface_version`; below 3.4 it gets no TLVs (§3.4)."""
        self._awaited[connection] = {}
        if interface_version < INTERFACE_3_4:
            self._without_tlvs.add(connection)
        self._turn.append(connection)
        self.send()

    def connection_closed(self, connection: SmppConnection) -> None:
        """What it had not answered goes first on the next bind, in the order it was sent."""
        awaited = self._awaited.pop(connection, None)
        self._without_tlvs.discard(connection)
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
            if delivery.is_receipt and command_status not in NOT_NOW:
                detail = f"{status_name(command_status)} (3.4 table 5-2)"
                self._violations.add(
                    Invariant.RECEIPT_REFUSED, self._config.name, detail, self._clock.now()
                )
            self._retry(delivery, is_permanent=command_status in PERMANENT)
        self.send()

    def timed_out(self, connection: SmppConnection, sequence_number: int, is_blamed: bool) -> None:
        """No answer came; the customer is to blame unless we did not listen."""
        delivery = self._awaited[connection].pop(sequence_number, None)
        if delivery is not None:
            if is_blamed:
                detail = f"deliver_sm, attempt {delivery.attempts}"
                self._violations.add(
                    Invariant.UNREAD_RESPONSE, self._config.name, detail, self._clock.now()
                )
            self._retry(delivery, is_permanent=False)
        self.send()

    def send(self) -> None:
        """Send what waits, as far as binds and windows allow."""
        while self._waiting:
            connection = self._next_receiver(self._waiting[0])
            if connection is None:
                return
            delivery = self._waiting.popleft()
            delivery.attempts += 1
            pdu = delivery.pdu
            if pdu.tlvs and connection in self._without_tlvs:
                pdu = replace(pdu, tlvs={})
            self._awaited[connection][connection.request(pdu)] = delivery
            counts = self._recorder.counts(self._config.name)
            if delivery.is_receipt:
                counts.receipts_sent += 1
            else:
                counts.mo_sent += 1

    def _next_receiver(self, delivery: Delivery) -> SmppConnection | None:
        second_best = None
        for _ in range(len(self._turn)):
            connection = self._turn[0]
            self._turn.rotate(-1)
            if connection.sendable > 0 and connection.session.state in RECEIVING:
                if _suits(connection, delivery):
                    return connection
                second_best = second_best or connection
        return second_best

    def _retry(self, delivery: Delivery, is_permanent: bool) -> None:
        if is_permanent or delivery.attempts >= self._config.deliver_attempts_max:
            self._recorder.counts(self._config.name).deliveries_given_up += 1
        else:
            self._retries.add(self._clock.now() + self._config.deliver_retry_s, delivery)

    def _send_again(self, delivery: Delivery) -> None:
        self._waiting.append(delivery)
        self.send()


def _suits(connection: SmppConnection, delivery: Delivery) -> bool:
    if delivery.bind is ReceiptBind.ANY:
        return True
    return (connection is delivery.origin) is (delivery.bind is ReceiptBind.SAME)
