"""What carriers deliver: receipts to whoever waits for them, messages to whose number it is."""

from typing import Any, cast

import pytest

from gateway.account import Account, Sender, SenderType
from gateway.carriers.bind_events import Alerted, Delivered
from gateway.clock import IdFactory
from gateway.config.dialect import DefaultAlphabet, Dialect
from gateway.message import Direction, Encoding, Message, Origin, Status
from gateway.messaging.deliveries import Deliveries, Numbers
from gateway.messaging.inbound import Inbound
from gateway.messaging.parked_receipts import PARK_S
from gateway.messaging.reassembly import Reassembly
from gateway.smpp.constants import CommandStatus, Tag
from gateway.smpp.pdus import AlertNotification, DataSm, DeliverSm
from gateway.store.interface import Listener, Transition
from tests.messaging.traffic_world import SENDER, WALL, Traffic, a_bind
from tests.store.builders import ACCOUNT
from tests.support.virtual_time import virtual_time

HANDSET = "15005550009"
NUMBER = "+15005550006"
URL = "https://hooks.example.com/sms"
WAIT_S = 60.0
RECEIPT = b"id:77 sub:001 dlvrd:001 submit date:2311142212 done date:2311142213 stat:%s err:000"


class Door:
    """Deliveries over a dispatcher's world; `answers` by sequence_number, in their order."""

    def __init__(self, sms_url: str = "", **config: Any) -> None:
        self.traffic = Traffic()
        self.config = a_bind(**config)
        self.ids = IdFactory(self.traffic.clock)
        self.answers: list[tuple[int, int]] = []
        self.inbound: list[tuple[Message, Transition]] = []
        code = Sender(SENDER, SenderType.SHORT_CODE)
        number = Sender(NUMBER, SenderType.LONG_CODE, sms_url=sms_url)
        account = Account(ACCOUNT, "0123456789abcdef0123456789abcdef", senders=(code, number))
        self.deliveries = Deliveries(
            self.traffic.journal,
            self.traffic.receipts,
            cast(Inbound, self),
            Reassembly(
                self.traffic.journal,
                cast(Any, self.traffic.ledger),
                self.traffic.clock,
                self.ids,
                WAIT_S,
                self.on_inbound,
                self.on_inbound,
            ),
            Numbers([account]),
            cast(Any, {"alpha/1": self}),
            cast(Any, self.traffic.ledger),
            self.traffic.clock,
            self.ids,
        )
        self._sequence_number = 0

    # What deliveries ask of a bind, and of the inbound

    def answer(self, delivered: Delivered, command_status: int = 0) -> None:
        self.answers.append((delivered.sequence_number, int(command_status)))

    def on_inbound(self, message: Message, transition: Transition) -> None:
        self.inbound.append((message, transition))

    # What a carrier does

    def deliver(self, pdu: DeliverSm | DataSm) -> None:
        self._sequence_number += 1
        self.deliveries.on_delivered(Delivered("alpha/1", self._sequence_number, pdu, 1))

    def text(self, text: bytes = b"hi", to: str = NUMBER[1:], **fields: Any) -> None:
        self.deliver(
            DeliverSm(
                source_addr_ton=1,
                source_addr=HANDSET,
                destination_addr=to,
                short_message=text,
                **fields,
            )
        )

    def receipt(self, stat: bytes = b"DELIVRD") -> None:
        self.deliver(
            DeliverSm(
                source_addr=HANDSET,
                destination_addr=SENDER,
                esm_class=0x04,
                short_message=RECEIPT % stat,
            )
        )

    @property
    def statuses(self) -> list[int]:
        return [status for _, status in self.answers]


# Receipts


@virtual_time
async def test_a_receipt_settles_its_message_and_is_answered() -> None:
    door = Door()
    opened = await door.traffic.put()
    await door.traffic.turn()
    door.traffic.ok(carrier_id="77")
    door.receipt()
    assert (opened.status, door.answers) == (Status.DELIVERED, [])
    await door.traffic.turn()
    assert door.answers == [(1, CommandStatus.ESME_ROK)]


@virtual_time
async def test_rcp_6_a_receipt_that_is_not_stored_is_asked_for_again() -> None:
    door = Door()
    door.traffic.ledger.held = True
    door.receipt()
    await door.traffic.turn(PARK_S + 1)
    door.traffic.ledger.fail()
    assert door.statuses == [CommandStatus.ESME_RX_T_APPN]


@virtual_time
async def test_a_receipt_that_says_nothing_is_let_go() -> None:
    """A refusal would only bring it back."""
    door = Door()
    door.deliver(DeliverSm(esm_class=0x04, short_message=b"sorry"))
    assert door.statuses == [CommandStatus.ESME_ROK]


@virtual_time
async def test_rcp_4_a_receipt_may_come_in_a_data_sm() -> None:
    """RCP-4."""
    door = Door()
    opened = await door.traffic.put()
    await door.traffic.turn()
    door.traffic.ok(carrier_id="77")
    tlvs: dict[int, bytes] = {Tag.RECEIPTED_MESSAGE_ID: b"77\0", Tag.MESSAGE_STATE: b"\x05"}
    door.deliver(DataSm(esm_class=0x04, tlvs=tlvs))
    assert opened.status is Status.UNDELIVERED


@virtual_time
async def test_a_receipt_names_a_part_in_doubt_by_its_addresses() -> None:
    door = Door()
    opened = await door.traffic.put(recipient=f"+{HANDSET}")
    await door.traffic.turn()
    door.traffic.time_out()
    confirmed: list[tuple[object, ...]] = []
    door.traffic.receipts.on_confirmed = lambda *doubt: confirmed.append(doubt)
    door.receipt()
    await door.traffic.turn(PARK_S + 1)
    assert confirmed == [(opened, 1, "alpha/1", "77")]


# Messages


@virtual_time
async def test_a_message_belongs_to_the_account_of_its_number() -> None:
    door = Door(sms_url=URL)
    door.text(b"hello")
    await door.traffic.turn()
    (message, transition) = door.inbound[0]
    assert message == Message(
        id=message.id,
        account_sid=ACCOUNT,
        sender=f"+{HANDSET}",
        recipient=NUMBER,
        body="hello",
        encoding=Encoding.GSM_7BIT,
        segments=1,
        direction=Direction.INBOUND,
        origin=Origin.CARRIER,
        accepted_at=WALL,
        expires_at=WALL,
        status_callback=URL,
        carrier="alpha/1",
    )
    assert (transition.status, transition.listener) == (Status.RECEIVED, Listener.WEBHOOK)


@virtual_time
async def test_a_message_to_a_number_without_an_url_is_the_esmes() -> None:
    door = Door()
    door.text()
    await door.traffic.turn()
    assert door.inbound[0][1].listener is Listener.ESME


@virtual_time
async def test_a_message_is_answered_once_it_is_durable() -> None:
    door = Door()
    door.traffic.ledger.held = True
    door.text()
    await door.traffic.turn(60)
    assert (door.answers, door.inbound) == ([], [])
    door.traffic.ledger.commit()
    assert door.answers == [(1, CommandStatus.ESME_ROK)]
    assert (len(door.inbound), door.deliveries.received) == (1, 1)


@virtual_time
async def test_a_message_that_is_not_stored_is_asked_for_again() -> None:
    door = Door()
    door.traffic.ledger.held = True
    door.text()
    door.traffic.ledger.fail()
    assert (door.statuses, door.inbound) == ([CommandStatus.ESME_RX_T_APPN], [])


@pytest.mark.parametrize("to", ["55501", "15005550006", "+15005550006"])
def test_a_number_is_found_however_the_carrier_writes_it(to: str) -> None:
    @virtual_time
    async def found() -> None:
        door = Door()
        door.text(to=to)
        await door.traffic.turn()
        assert door.statuses == [CommandStatus.ESME_ROK]

    found()


@virtual_time
async def test_a_message_to_a_number_that_is_nobodys_is_refused_for_good() -> None:
    door = Door()
    door.text(to="15005550007")
    await door.traffic.turn()
    assert door.statuses == [CommandStatus.ESME_RX_P_APPN]
    assert (door.deliveries.refused, door.traffic.ledger.records) == (1, [])


@virtual_time
async def test_a_message_that_cannot_be_read_is_refused_with_its_status() -> None:
    door = Door()
    door.text(b"\x09", esm_class=0x40)
    assert door.statuses == [CommandStatus.ESME_RINVESMCLASS]
    assert door.deliveries.refused == 1


@pytest.mark.parametrize(
    ("data_coding", "octets", "body", "encoding"),
    [
        (0, b"caf\xe9", "caf\ufffd", Encoding.UCS2),
        (8, b"\x04\x3f", "п", Encoding.UCS2),
        (4, b"\x00\xff", "", Encoding.BINARY),
    ],
)
def test_a_message_is_kept_in_its_encoding(
    data_coding: int, octets: bytes, body: str, encoding: Encoding
) -> None:
    @virtual_time
    async def kept() -> None:
        door = Door()
        door.text(octets, data_coding=data_coding)
        await door.traffic.turn()
        message = door.inbound[0][0]
        assert (message.body, message.encoding) == (body, encoding)
        assert message.octets == (octets if encoding is Encoding.BINARY else b"")

    kept()


@virtual_time
async def test_rcp_1_text_like_a_receipt_is_a_message() -> None:
    """RCP-1."""
    door = Door()
    door.text(RECEIPT % b"DELIVRD")
    await door.traffic.turn()
    assert door.inbound[0][0].body.startswith("id:77 ")


# Alerts


@pytest.mark.parametrize(("esme_addr", "told"), [(NUMBER[1:], [ACCOUNT]), ("15005550007", [])])
def test_an_alert_is_told_to_the_account_of_the_number(esme_addr: str, told: list[str]) -> None:
    @virtual_time
    async def alerted() -> None:
        door = Door()
        heard: list[str] = []
        door.deliveries.tell_alert = lambda account, pdu: heard.append(account)
        pdu = AlertNotification(source_addr=HANDSET, esme_addr_ton=1, esme_addr=esme_addr)
        door.deliveries.on_alert(Alerted("alpha/1", pdu))
        assert (heard, door.deliveries.alerts) == (told, 1)

    alerted()


@virtual_time
async def test_gsm_15_parts_of_a_message_go_to_the_customer_as_one() -> None:
    door = Door()
    for number in (2, 1):
        door.text(b"\x05\x00\x03\x2a\x02%c%d" % (number, number), esm_class=0x40)
        await door.traffic.turn()
    assert door.statuses == [CommandStatus.ESME_ROK] * 2
    (told,) = door.inbound
    assert (told[0].body, told[0].segments, door.deliveries.received) == ("12", 2, 0)


@virtual_time
async def test_gsm_10_a_message_is_read_in_the_dialect_of_its_bind() -> None:
    door = Door(dialect=Dialect(default_alphabet=DefaultAlphabet.LATIN_1))
    door.text(b"caf\xe9")
    await door.traffic.turn()
    assert door.inbound[0][0].body == "café"


# The store is down


@virtual_time
async def test_everything_is_asked_for_again_while_the_store_is_down() -> None:
    door = Door()
    door.traffic.ledger.writable = False
    door.text()
    door.receipt()
    assert door.statuses == [CommandStatus.ESME_RX_T_APPN] * 2


@virtual_time
async def test_receipts_are_taken_while_no_messages_are() -> None:
    """The disk is nearly full: what ends a message is still written."""
    door = Door()
    opened = await door.traffic.put()
    await door.traffic.turn()
    door.traffic.ok(carrier_id="77")
    door.traffic.ledger.accepting = False
    door.text()
    door.receipt()
    await door.traffic.turn()
    assert door.answers == [(1, CommandStatus.ESME_RX_T_APPN), (2, CommandStatus.ESME_ROK)]
    assert opened.status is Status.DELIVERED


# Numbers


def test_a_number_has_one_owner() -> None:
    sender = Sender(NUMBER, SenderType.LONG_CODE)
    account = Account(ACCOUNT, "0123456789abcdef0123456789abcdef", senders=(sender,))
    numbers = Numbers([account])
    assert numbers.owner(sender.address) == (account, sender)
    assert numbers.owner("+15005550001") is None
