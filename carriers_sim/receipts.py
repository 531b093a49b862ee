"""The receipts of one carrier that are due later, and whom they name."""

from __future__ import annotations

from carriers_sim import receipt_pdu
from carriers_sim.behaviour import Decision
from carriers_sim.deliveries import Deliveries, Delivery
from carriers_sim.dlr_schedule import PlannedReceipt, ReceiptBind, ReceiptId
from carriers_sim.given_ids import GivenIds
from carriers_sim.message_id import wrong_id
from carriers_sim.message_table import MessageTable
from carriers_sim.receipt_pdu import Receipt
from carriers_sim.timer_heap import TimerHeap
from carriers_sim.user_data import UserData
from gateway.clock import Clock
from gateway.net.smpp_connection import SmppConnection
from gateway.smpp.constants import DataCoding
from gateway.smpp.pdus import SubmitSm


class Receipts:
    """They go to `deliveries` when they are due, unless the message was canceled meanwhile."""

    def __init__(
        self,
        carrier: str,
        clock: Clock,
        table: MessageTable,
        given_ids: GivenIds,
        deliveries: Deliveries,
    ) -> None:
        self.due = 0
        self._carrier = carrier
        self._clock = clock
        self._table = table
        self._given_ids = given_ids
        self._deliveries = deliveries
        self._timers: TimerHeap[Receipt] = TimerHeap(clock, self._send)

    def clear(self) -> None:
        self.due = 0
        self._timers.keep(lambda _: False)

    def schedule(
        self,
        connection: SmppConnection,
        pdu: SubmitSm,
        data: UserData,
        decision: Decision,
        now: float,
        early: bool,
    ) -> None:
        """Those of a message that precede its response, or those that follow it."""
        for planned in decision.schedule.receipts:
            if planned.before_response is not early:
                continue
            goes_round = planned.style.bind is ReceiptBind.ANY
            receipt = Receipt(
                pdu,
                self._id(planned, decision.receipt_id),
                planned,
                now,
                data.octets if data.alphabet == DataCoding.DEFAULT_ALPHABET else b"",
                decision.message_id,
                None if goes_round else connection,
            )
            self.due += 1
            due_in_s = decision.response_delay_s + planned.after_s
            if due_in_s:
                self._timers.add(now + due_in_s, receipt)
            else:
                self._send(receipt)

    def _id(self, planned: PlannedReceipt, receipt_id: str) -> str:
        match planned.id:
            case ReceiptId.GIVEN:
                return receipt_id
            case ReceiptId.WRONG:
                return wrong_id(receipt_id)
            case ReceiptId.FOREIGN:
                return self._given_ids.of_another(self._carrier)

    def _send(self, receipt: Receipt) -> None:
        self.due -= 1
        if not self._table.is_canceled(receipt.given_id):
            pdu = receipt_pdu.pdu(receipt, self._clock.now())
            bind = receipt.planned.style.bind
            self._deliveries.add(Delivery(pdu, True, bind, receipt.origin))
