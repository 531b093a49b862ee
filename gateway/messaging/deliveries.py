"""What carriers deliver to us: receipts, and messages from handsets (MO)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from gateway.account import Account, Sender
from gateway.carriers.bind_events import Alerted, Delivered
from gateway.carriers.link import Link
from gateway.clock import Clock, IdFactory
from gateway.errors import StoreError
from gateway.interworking.addresses import from_smpp
from gateway.interworking.deliver_sm import MobileOriginated, from_carrier
from gateway.message import Direction, Message, Origin
from gateway.messaging.inbound import Inbound
from gateway.messaging.journal import Journal
from gateway.messaging.message_parts import concatenation_of
from gateway.messaging.reassembly import Reassembly
from gateway.messaging.receipts import Receipts, carrier_of
from gateway.smpp.constants import CommandStatus, Tag
from gateway.smpp.errors import PduError
from gateway.smpp.pdus import AlertNotification
from gateway.smpp.receipt import Receipt
from gateway.store.interface import Store, Transition

log = logging.getLogger(__name__)


# Hands an alert_notification up, to the account with this sid.
TellAlert = Callable[[str, AlertNotification], None]


class Numbers:
    """Which account a number belongs to, for what comes in."""

    def __init__(self, accounts: Iterable[Account]) -> None:
        self._owners: dict[str, tuple[Account, Sender]] = {
            sender.address: (account, sender) for account in accounts for sender in account.senders
        }

    def owner(self, address: str) -> tuple[Account, Sender] | None:
        return self._owners.get(address)


class Deliveries:
    def __init__(
        self,
        journal: Journal,
        receipts: Receipts,
        inbound: Inbound,
        reassembly: Reassembly,
        numbers: Numbers,
        binds: Mapping[str, Link],
        store: Store,
        clock: Clock,
        ids: IdFactory,
    ) -> None:
        self._journal = journal
        self._receipts = receipts
        self._inbound = inbound
        self._reassembly = reassembly
        self._numbers = numbers
        self._binds = binds
        self._store = store
        self._clock = clock
        self._ids = ids
        self.received = 0
        self.refused = 0
        self.alerts = 0
        self.tell_alert: TellAlert = _tell_nobody

    def on_delivered(self, event: Delivered) -> None:
        """Answered once it is durable; with ESME_RX_T_APPN, which asks for a second try, while
        the store is down. A receipt is also taken while no message is: it may end one."""
        bind = self._binds[event.bind]
        answer = partial(bind.answer, event)
        if not self._store.writable:
            answer(CommandStatus.ESME_RX_T_APPN)
            return
        try:
            delivered = from_carrier(event.pdu, bind.config.dialect)
        except PduError as error:
            self._refuse(event, answer, error.status, str(error))
            return
        match delivered:
            case Receipt():
                self._receipts.on_receipt(
                    carrier_of(event.bind), delivered, partial(_answer_durable, answer)
                )
            case MobileOriginated():
                self._receive(event, delivered, answer)
            case None:
                # Nothing in it can be used, and a refusal would only bring it back.
                log.warning("receipt that says nothing", extra={"bind": event.bind})
                answer(CommandStatus.ESME_ROK)

    def on_alert(self, event: Alerted) -> None:
        """A handset can be reached again, says its carrier; the account whose number it had sent
        to is told, and nobody answers."""
        self.alerts += 1
        pdu = event.pdu
        status = pdu.tlvs.get(Tag.MS_AVAILABILITY_STATUS, b"")
        log.info(
            "alert_notification",
            extra={"bind": event.bind, "ms_availability_status": status.hex()},
        )
        owner = self._numbers.owner(from_smpp(pdu.esme_addr_ton, pdu.esme_addr))
        if owner:
            account, _ = owner
            self.tell_alert(account.sid, pdu)

    def _receive(
        self, event: Delivered, delivered: MobileOriginated, answer: Callable[[int], None]
    ) -> None:
        owner = self._numbers.owner(delivered.recipient)
        if owner is None:
            self._refuse(event, answer, CommandStatus.ESME_RX_P_APPN, "the number is nobody's")
            return
        account, sender = owner
        now = self._clock.now()
        data = delivered.data
        message = Message(
            id=self._ids.next(),
            account_sid=account.sid,
            sender=delivered.sender,
            recipient=delivered.recipient,
            body=data.body,
            encoding=data.encoding,
            segments=1,
            direction=Direction.INBOUND,
            origin=Origin.CARRIER,
            accepted_at=now,
            expires_at=now,
            status_callback=sender.sms_url,
            udh=data.udh,
            octets=data.octets,
            carrier=event.bind,
            smpp=delivered.smpp,
        )
        concatenation = concatenation_of(message)
        if concatenation:
            self._reassembly.take(message, concatenation, answer)
            return
        try:
            self._journal.receive(message, partial(self._received, answer))
        except StoreError:
            answer(CommandStatus.ESME_RX_T_APPN)

    def _received(
        self, answer: Callable[[int], None], message: Message, transition: Transition | None
    ) -> None:
        if transition is None:
            answer(CommandStatus.ESME_RX_T_APPN)
            return
        answer(CommandStatus.ESME_ROK)
        self.on_whole(message, transition)

    def on_whole(self, message: Message, transition: Transition) -> None:
        """A message is durable, has been answered, and is to be told."""
        self.received += 1
        self._inbound.on_inbound(message, transition)

    def _refuse(
        self,
        event: Delivered,
        answer: Callable[[int], None],
        status: CommandStatus,
        reason: str,
    ) -> None:
        self.refused += 1
        log.warning(
            "carrier's message refused",
            extra={"bind": event.bind, "command_status": status.name, "reason": reason},
        )
        answer(status)


def _answer_durable(answer: Callable[[int], None], error: StoreError | None) -> None:
    answer(CommandStatus.ESME_RX_T_APPN if error else CommandStatus.ESME_ROK)


def _tell_nobody(account_sid: str, pdu: AlertNotification) -> None:
    """Until somebody wants to hear."""
