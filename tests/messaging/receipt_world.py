"""A world in which messages of earlier runs are restored, and receipts have addresses."""

from __future__ import annotations

from typing import Any

from gateway.message import Message, Status
from gateway.messaging.open_message import OpenMessage
from gateway.messaging.sent_messages import AT_HAND_S, LOOK_S
from gateway.smpp.receipt import Receipt
from gateway.store.interface import Attempt, SentMessage, StoredMessage, Transition
from tests.messaging.traffic_world import RECEIPT_WAIT_S, WALL, Traffic
from tests.store.builders import a_message

# When it is certain that what was sent has been set aside, or what was awaited has been given up.
ASIDE_S = AT_HAND_S + 2 * LOOK_S
GIVEN_UP_S = RECEIPT_WAIT_S + 61


class ReceiptTraffic(Traffic):
    """What was sent is set aside after ASIDE_S."""

    def restore(self, *facts: Transition | Attempt, **changes: Any) -> Message:
        """Take up a message of an earlier run, as the daemon does."""
        message = a_message(**changes)
        self.ledger.has(message, *facts)
        for found in self.ledger.load_open():
            if isinstance(found, SentMessage) and found.id == message.id:
                self.receipts.restore_sent(found)
            elif isinstance(found, StoredMessage) and found.message.id == message.id:
                self.receipts.restore(self.journal.restore(found))
        return message

    def status(self, message: Message) -> Status:
        """Where the message stands by what is stored."""
        return self.ledger.stored(message).status

    def in_doubt(self, bind: str = "alpha/1", **changes: Any) -> OpenMessage:
        """A message of an earlier run that was written whole, and not answered."""
        opened = OpenMessage(a_message(**changes))
        opened.status = Status.SENDING
        for part in opened.unsent:
            self.journal.doubts.add(opened, part, bind, self.clock.now())
        opened.in_doubt = opened.segments
        opened.unsent.clear()
        return opened

    def receipt_from(
        self, source_addr: str, destination_addr: str, carrier_id: str = "77", stat: str = "DELIVRD"
    ) -> list[object]:
        """A receipt with addresses: what it is answered with."""
        answers: list[object] = []
        told = Receipt(carrier_id, stat, "000", "2311142213", source_addr, destination_addr)
        self.receipts.on_receipt("alpha", told, answers.append)
        return answers


def sent_at(
    when: float = WALL,
    number: int = 1,
    part: int = 0,
    carrier_id: str = "",
    bind: str = "alpha/1",
    message_id: int = 1,
) -> Transition:
    return Transition(message_id, number, Status.SENT, when, part, bind=bind, carrier_id=carrier_id)
