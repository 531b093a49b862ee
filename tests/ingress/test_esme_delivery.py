"""Receipts and inbound messages to the customers' binds."""

from typing import Any

import pytest

from gateway.clock import message_sid
from gateway.ingress.esme_delivery import RETRY_S
from gateway.ingress.esme_outbox import Delivery
from gateway.message import Direction, Origin, Receipts, Status
from gateway.smpp import codec
from gateway.smpp.constants import CommandStatus, Tag
from gateway.smpp.pdus import BindReceiver, BindTransceiver, BindTransmitter, DeliverSm, Unbind
from tests.carriers_sim.customer import Customer, receipt_fields
from tests.ingress.esme_world import SmppSite, esmes, ids, moment
from tests.store.builders import OTHER_ACCOUNT


def an_inbound(site: SmppSite, body: str = "hi") -> int:
    """A handset writes to the customer; the message's id."""
    return site.becomes(
        Status.RECEIVED,
        body=body,
        sender="+15005550009",
        recipient="55501",
        direction=Direction.INBOUND,
        origin=Origin.CARRIER,
    ).id


def bodies(customer: Customer) -> list[str]:
    return [pdu.short_message.decode() for pdu in customer.delivered]


# What is told


@esmes()
async def test_a_customer_gets_the_receipt_of_his_message(site: SmppSite) -> None:
    customer = await site.bound()
    message = site.becomes(Status.DELIVERED)
    await moment()
    (pdu,) = customer.delivered
    assert (pdu.esm_class, pdu.source_addr, pdu.destination_addr) == (4, "15017122661", "55501")
    assert receipt_fields(pdu)["id"] == message_sid(message.id)
    assert receipt_fields(pdu)["stat"] == "DELIVRD"


@esmes()
async def test_a_customer_gets_what_is_written_to_his_number(site: SmppSite) -> None:
    customer = await site.bound()
    an_inbound(site, "hello")
    await moment()
    (pdu,) = customer.delivered
    assert (pdu.esm_class, pdu.source_addr, pdu.destination_addr) == (0, "15005550009", "55501")
    assert pdu.short_message == b"hello"


@pytest.mark.parametrize(
    ("status", "changes"),
    [
        (Status.SENT, {}),
        (Status.DELIVERED, {"receipts": Receipts.NONE}),
        (Status.DELIVERED, {"receipts": Receipts.FAILURE}),
        (Status.DELIVERED, {"origin": Origin.REST}),
    ],
)
def test_nobody_is_told_what_he_did_not_ask_for(status: Status, changes: dict[str, Any]) -> None:
    @esmes()
    async def told(site: SmppSite) -> None:
        customer = await site.bound()
        site.becomes(status, **changes)
        await moment(60)
        assert (customer.delivered, site.delivery.pending) == ([], 0)

    told()


@esmes()
async def test_what_was_told_is_noted(site: SmppSite) -> None:
    await site.bound()
    message = site.becomes()
    await moment()
    (notified,) = site.ledger.notified
    assert (notified.message_id, notified.number) == (message.id, 2)
    assert notified.outcome == "ESME_ROK"
    assert (site.delivery.delivered, site.delivery.pending) == (1, 0)


@esmes()
async def test_an_old_esme_is_told_without_tlvs(site: SmppSite) -> None:
    """SRV-15."""
    old, new = await site.customer(), await site.bound(system_id="spare")
    await old.send(BindTransceiver(system_id="demo", password="secret", interface_version=0x33))
    for _ in range(2):
        site.becomes()
    await moment()
    assert [pdu.tlvs for pdu in old.delivered] == [{}]
    assert [set(pdu.tlvs) for pdu in new.delivered] == [
        {Tag.RECEIPTED_MESSAGE_ID, Tag.MESSAGE_STATE}
    ]


@esmes()
async def test_a_long_message_is_not_cut_even_for_an_old_esme(site: SmppSite) -> None:
    customer = await site.customer()
    await customer.send(
        BindTransceiver(system_id="demo", password="secret", interface_version=0x33)
    )
    an_inbound(site, "x" * 300)
    await moment()
    assert customer.delivered[0].tlvs == {Tag.MESSAGE_PAYLOAD: b"x" * 300}


# To whom


@pytest.mark.parametrize("kind", [BindTransceiver, BindReceiver])
def test_every_receiving_bind_of_the_account_will_do(
    kind: type[BindTransceiver | BindReceiver],
) -> None:
    @esmes()
    async def told(site: SmppSite) -> None:
        transmitter = await site.bound(BindTransmitter)
        receiver = await site.bound(kind, "spare")
        site.becomes()
        await moment()
        assert (len(transmitter.delivered), len(receiver.delivered)) == (0, 1)

    told()


@esmes()
async def test_nothing_goes_to_another_account(site: SmppSite) -> None:
    stranger = await site.bound(system_id="other")
    site.becomes()
    await moment(60)
    assert stranger.delivered == []
    site.becomes(account_sid=OTHER_ACCOUNT)
    await moment()
    assert len(stranger.delivered) == 1


@esmes()
async def test_binds_take_turns(site: SmppSite) -> None:
    customers = [await site.bound(), await site.bound(system_id="spare")]
    for _ in range(6):
        site.becomes()
    await moment()
    assert [len(customer.delivered) for customer in customers] == [3, 3]


@esmes(window=1)
async def test_a_bind_whose_window_is_full_is_passed_over(site: SmppSite) -> None:
    slow, quick = await site.bound(), await site.bound(system_id="spare")
    slow.answer = lambda _: None
    for _ in range(6):
        site.becomes()
    await moment()
    assert (len(slow.delivered), len(quick.delivered)) == (1, 5)


@esmes(window=2)
async def test_what_finds_no_room_waits_for_an_answer(site: SmppSite) -> None:
    customer = await site.bound()
    held: list[DeliverSm] = []

    def hold(pdu: DeliverSm) -> int | None:
        held.append(pdu)
        return None

    customer.answer = hold
    for _ in range(5):
        site.becomes()
    await moment()
    assert (len(held), site.delivery.pending) == (2, 5)


@esmes()
async def test_what_nobody_can_receive_waits_for_somebody(site: SmppSite) -> None:
    await site.bound(BindTransmitter)
    made = [site.becomes() for _ in range(3)]
    await moment(600)
    customer = await site.bound(BindReceiver)
    await moment()
    assert ids(customer) == [message_sid(message.id) for message in made]


# The order, and what is not taken


@esmes(window=3)
async def test_messages_come_in_the_order_in_which_they_came_about(site: SmppSite) -> None:
    customer = await site.bound()
    for number in range(20):
        an_inbound(site, str(number))
    await moment()
    assert bodies(customer) == [str(number) for number in range(20)]


@pytest.mark.parametrize(
    "status",
    [
        CommandStatus.ESME_RTHROTTLED,
        CommandStatus.ESME_RMSGQFUL,
        CommandStatus.ESME_RSYSERR,
        CommandStatus.ESME_RX_T_APPN,
    ],
)
def test_what_is_not_taken_for_now_comes_again_after_a_pause(status: CommandStatus) -> None:
    @esmes()
    async def again(site: SmppSite) -> None:
        customer = await site.bound()
        customer.answer = lambda _: status
        site.becomes()
        await moment(RETRY_S - 1)
        assert len(customer.delivered) == 1
        customer.answer = lambda _: CommandStatus.ESME_ROK
        await moment(2)
        assert len(customer.delivered) == 2
        assert [record.outcome for record in site.ledger.notified] == ["ESME_ROK"]

    again()


@esmes()
async def test_what_was_not_taken_keeps_its_order(site: SmppSite) -> None:
    customer = await site.bound()
    customer.answer = lambda _: CommandStatus.ESME_RX_T_APPN
    for number in range(5):
        an_inbound(site, str(number))
    await moment()
    customer.delivered.clear()
    customer.answer = lambda _: CommandStatus.ESME_ROK
    an_inbound(site, "5")
    await moment(RETRY_S)
    assert bodies(customer) == ["0", "1", "2", "3", "4", "5"]


@esmes()
async def test_what_is_refused_for_good_is_not_sent_again(site: SmppSite) -> None:
    customer = await site.bound()
    customer.answer = lambda _: CommandStatus.ESME_RX_P_APPN
    site.becomes()
    await moment(60)
    assert len(customer.delivered) == 1
    assert [record.outcome for record in site.ledger.notified] == ["ESME_RX_P_APPN"]
    assert (site.delivery.refused, site.delivery.pending) == (1, 0)


@esmes(response_s=10.0)
async def test_what_is_not_answered_in_time_comes_again(site: SmppSite) -> None:
    customer = await site.bound()
    customer.answer = lambda _: None
    site.becomes()
    await moment(10.5)
    customer.answer = lambda _: CommandStatus.ESME_ROK
    await moment(RETRY_S)
    assert len(customer.delivered) == 2
    assert len(site.ledger.notified) == 1


@esmes(response_s=10.0)
async def test_a_late_answer_changes_nothing(site: SmppSite) -> None:
    customer = await site.bound()
    customer.answer = lambda _: None
    site.becomes()
    await moment(12)
    (wire,) = site.network.wires.values()
    wire.client.write(codec.encode_header(0x8000_0005, 1))
    await moment()
    assert site.ledger.notified == []


@esmes()
async def test_what_is_not_taken_does_not_hold_up_the_rest(site: SmppSite) -> None:
    customer = await site.bound()
    customer.answer = lambda pdu: (
        CommandStatus.ESME_RX_T_APPN if pdu.short_message == b"poison" else CommandStatus.ESME_ROK
    )
    an_inbound(site, "poison")
    an_inbound(site, "wholesome")
    await moment(RETRY_S - 1)
    assert [record.outcome for record in site.ledger.notified] == ["ESME_ROK"]


@esmes()
async def test_what_fits_no_pdu_is_given_up_and_the_next_one_comes(site: SmppSite) -> None:
    customer = await site.bound()
    site.becomes(recipient="+" + "1" * 30)
    made = site.becomes()
    await moment()
    assert ids(customer) == [message_sid(made.id)]
    assert site.ledger.notified[0].outcome.startswith("gave up: source_addr")
    assert (site.ledger.notified[0].gave_up, site.delivery.given_up) == (True, 1)


def test_what_breaks_on_its_way_is_given_up_and_the_next_one_comes(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    right = Delivery.pdus

    def pdus(delivery: Delivery, tlvs: bool) -> tuple[DeliverSm, ...]:
        if delivery.event.message.recipient == "+15005550006":
            raise ZeroDivisionError("the inner workings")
        return right(delivery, tlvs)

    monkeypatch.setattr(Delivery, "pdus", pdus)

    @esmes()
    async def breaks(site: SmppSite) -> None:
        site.becomes(recipient="+15005550006")
        made = site.becomes()
        customer = await site.bound()
        await moment()
        assert ids(customer) == [message_sid(made.id)]
        assert site.ledger.notified[0].outcome == "gave up: an error of ours"
        assert (site.ledger.notified[0].gave_up, site.delivery.pending) == (True, 0)
        assert caplog.messages == ["deliver_sm broke"]

    breaks()


# Binds that end


@esmes()
async def test_what_a_bind_had_not_answered_goes_over_another(site: SmppSite) -> None:
    first = await site.bound()
    first.answer = lambda _: None
    for number in range(3):
        an_inbound(site, str(number))
    await moment()
    second = await site.bound(system_id="spare")
    first.connection.abort("test")
    await moment()
    assert bodies(second) == ["0", "1", "2"]


@esmes()
async def test_a_transmitter_that_ends_takes_nothing_along(site: SmppSite) -> None:
    transmitter = await site.bound(BindTransmitter)
    receiver = await site.bound(BindReceiver, "spare")
    transmitter.connection.abort("test")
    site.becomes()
    await moment()
    assert len(receiver.delivered) == 1


@esmes()
async def test_nothing_is_lost_on_an_esme_that_unbinds(site: SmppSite) -> None:
    """It has not answered yet, and takes nothing new."""
    leaving = await site.bound()
    leaving.answer = lambda _: None
    an_inbound(site, "0")
    await moment()
    (wire,) = site.network.wires.values()
    wire.client.write(codec.encode(Unbind(), 99))
    await moment()
    for number in range(1, 4):
        an_inbound(site, str(number))
    await moment()
    assert (bodies(leaving), site.ledger.notified) == (["0"], [])
    wire.cut(octets_lost=True)
    await moment()
    customer = await site.bound()
    await moment()
    assert bodies(customer) == ["0", "1", "2", "3"]


@esmes()
async def test_what_an_esme_refuses_because_it_has_unbound_comes_again(site: SmppSite) -> None:
    customer = await site.bound()
    customer.answer = lambda _: CommandStatus.ESME_RINVBNDSTS
    site.becomes()
    await moment()
    customer.answer = lambda _: CommandStatus.ESME_ROK
    await moment(RETRY_S)
    assert [record.outcome for record in site.ledger.notified] == ["ESME_ROK"]


@esmes()
async def test_a_pause_is_kept_whoever_binds_meanwhile(site: SmppSite) -> None:
    first = await site.bound()
    first.answer = lambda _: CommandStatus.ESME_RX_T_APPN
    site.becomes()
    await moment(1)
    second = await site.bound(system_id="spare")
    await moment(1)
    assert second.delivered == []


@esmes()
async def test_each_account_has_a_pause_of_its_own(site: SmppSite) -> None:
    customers = [await site.bound(), await site.bound(system_id="other")]
    for customer in customers:
        customer.answer = lambda _: CommandStatus.ESME_RX_T_APPN
    site.becomes()
    await moment(2)
    site.becomes(account_sid=OTHER_ACCOUNT)
    await moment(RETRY_S - 1)
    assert [len(customer.delivered) for customer in customers] == [2, 1]
    await moment(2)
    assert [len(customer.delivered) for customer in customers] == [2, 2]
