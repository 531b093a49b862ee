"""Receipts and inbound messages to the customers' binds."""

from typing import Any

import pytest

from gateway.clock import message_sid
from gateway.ingress.esme_delivery import RETRY_S
from gateway.ingress.esme_outbox import Delivery
from gateway.message import Direction, Origin, Receipts, SmppFields, Status
from gateway.smpp import codec
from gateway.smpp.constants import CommandStatus, Tag
from gateway.smpp.pdus import (
    AlertNotification,
    BindReceiver,
    BindTransceiver,
    BindTransmitter,
    DeliverSm,
    Unbind,
    WrittenDeliverSm,
)
from tests.carriers_sim.customer import Customer, receipt_fields
from tests.ingress.esme_world import SmppSite, esmes, ids, moment
from tests.store.builders import ACCOUNT, OTHER_ACCOUNT


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
async def test_rcp_1_a_customer_gets_the_receipt_of_his_message(site: SmppSite) -> None:
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
        (Status.UNDELIVERED, {"receipts": Receipts.SUCCESS}),
        (Status.FAILED, {"receipts": Receipts.SUCCESS}),
        (Status.DELIVERED, {"origin": Origin.REST}),
    ],
)
def test_rcp_5_nobody_is_told_what_he_did_not_ask_for(
    status: Status, changes: dict[str, Any]
) -> None:
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


@pytest.mark.parametrize(
    ("status", "receipts"),
    [
        (Status.DELIVERED, Receipts.ALL),
        (Status.UNDELIVERED, Receipts.ALL),
        (Status.UNDELIVERED, Receipts.FAILURE),
        (Status.FAILED, Receipts.FAILURE),
        (Status.CANCELED, Receipts.FAILURE),
        (Status.DELIVERED, Receipts.SUCCESS),
    ],
)
def test_rcp_5_who_asked_for_it_is_told(status: Status, receipts: Receipts) -> None:
    @esmes()
    async def told(site: SmppSite) -> None:
        customer = await site.bound()
        site.becomes(status, receipts=receipts)
        await moment()
        assert [pdu.esm_class for pdu in customer.delivered] == [0x04]

    told()


# To ESMEs of SMPP v3.3


@esmes()
async def test_srv_15_an_old_esme_is_told_without_tlvs(site: SmppSite) -> None:
    old = await site.bound(interface_version=0x33)
    new = await site.bound(system_id="spare")
    for _ in range(2):
        site.becomes()
    await moment()
    assert [pdu.tlvs for pdu in old.delivered] == [{}]
    assert [set(pdu.tlvs) for pdu in new.delivered] == [
        {Tag.RECEIPTED_MESSAGE_ID, Tag.MESSAGE_STATE}
    ]


@esmes()
async def test_srv_15_an_old_esme_knows_its_message_by_its_short_id(site: SmppSite) -> None:
    customer = await site.bound(interface_version=0x33)
    site.becomes(smpp=SmppFields(short_id=0x2A))
    await moment()
    assert ids(customer) == ["0000002a"]


@esmes()
async def test_srv_15_an_old_esme_gets_a_long_message_part_by_part(site: SmppSite) -> None:
    customer = await site.bound(interface_version=0x33)
    message_id = an_inbound(site, "x" * 300)
    an_inbound(site, "short")
    await moment()
    assert [pdu.tlvs for pdu in customer.delivered] == [{}] * 3
    parts = [pdu for pdu in customer.delivered if pdu.esm_class == 0x40]
    assert [pdu.short_message[6:] for pdu in parts] == [b"x" * 153, b"x" * 147]
    assert [each.message_id for each in site.ledger.notified].count(message_id) == 1
    assert site.delivery.pending == 0


@esmes()
async def test_srv_15_a_part_that_is_not_taken_now_brings_all_again(site: SmppSite) -> None:
    customer = await site.bound(interface_version=0x33)
    answers = iter((CommandStatus.ESME_ROK, CommandStatus.ESME_RTHROTTLED))
    customer.answer = lambda _: next(answers, CommandStatus.ESME_ROK)
    an_inbound(site, "x" * 300)
    await moment(RETRY_S + 1)
    numbers = [pdu.short_message[5] for pdu in customer.delivered]
    assert (numbers, site.delivery.pending) == ([1, 2, 1, 2], 0)


@esmes()
async def test_srv_15_a_part_that_is_refused_is_the_last(site: SmppSite) -> None:
    customer = await site.bound(interface_version=0x33)
    customer.answer = lambda _: CommandStatus.ESME_RX_R_APPN
    an_inbound(site, "x" * 300)
    await moment()
    assert (len(customer.delivered), site.delivery.refused) == (1, 1)


@esmes()
async def test_srv_15_parts_whose_bind_ends_go_over_another(site: SmppSite) -> None:
    first = await site.bound(interface_version=0x33)
    answers = iter((CommandStatus.ESME_ROK, None))
    first.answer = lambda _: next(answers)
    an_inbound(site, "x" * 300)
    await moment()
    first.connection.abort("test")
    second = await site.bound(interface_version=0x33)
    await moment()
    assert [pdu.short_message[5] for pdu in second.delivered] == [1, 2]
    assert (site.delivery.pending, site.delivery._rest) == (0, {})


# address_range


@esmes()
async def test_srv_16_what_is_for_an_address_goes_to_the_bind_that_has_it(site: SmppSite) -> None:
    one = await site.bound(address_range="^55501$")
    two = await site.bound(system_id="spare", address_range="^55502$")
    made = [site.becomes(sender=sender) for sender in ("55501", "55502", "55502", "55501")]
    await moment()
    first, second, third, fourth = (message_sid(each.id) for each in made)
    assert (ids(one), ids(two)) == ([first, fourth], [second, third])


@esmes()
async def test_srv_16_messages_of_handsets_are_for_the_address_they_were_sent_to(
    site: SmppSite,
) -> None:
    elsewhere = await site.bound(address_range="^15005550009$")
    there = await site.bound(address_range="^555")
    an_inbound(site, "hello")
    await moment()
    assert (bodies(elsewhere), bodies(there)) == ([], ["hello"])


@esmes()
async def test_srv_16_without_a_range_a_bind_takes_its_turn_at_everything(site: SmppSite) -> None:
    ranged = await site.bound(address_range="^55501$")
    plain = await site.bound()
    for sender in ("55501", "55501", "55502"):
        site.becomes(sender=sender)
    await moment()
    assert (len(ranged.delivered), len(plain.delivered)) == (1, 2)


@esmes()
async def test_srv_16_what_nobody_has_in_his_range_goes_to_anybody(site: SmppSite) -> None:
    customer = await site.bound(address_range="^55502$")
    site.becomes(sender="55501")
    await moment()
    assert len(customer.delivered) == 1


@esmes(window=1)
async def test_srv_16_what_is_for_a_bind_waits_for_it(site: SmppSite) -> None:
    slow = await site.bound(address_range="^55501$")
    slow.answer = lambda _: None
    other = await site.bound(address_range="^55502$")
    for _ in range(2):
        site.becomes(sender="55501")
    await moment()
    assert (len(slow.delivered), len(other.delivered)) == (1, 0)
    slow.connection.abort("test")
    await moment()
    assert len(other.delivered) == 2


# News of the moment


@esmes()
async def test_srv_24_who_asked_for_it_is_told_of_states_in_between(site: SmppSite) -> None:
    customer = await site.bound()
    message, _ = site.an_event(smpp=SmppFields(intermediate=True))
    site.delivery.on_intermediate(message, "ENROUTE", "021", site.clock.now())
    await moment()
    (pdu,) = customer.delivered
    assert (pdu.esm_class, pdu.tlvs[Tag.MESSAGE_STATE]) == (0x20, b"\x01")
    assert receipt_fields(pdu)["stat"] == "ENROUTE"
    assert (site.delivery.delivered, site.delivery.pending) == (0, 0)


@pytest.mark.parametrize("smpp", [None, SmppFields(service_type="CMT")])
def test_srv_24_nobody_else_is_told_of_states_in_between(smpp: SmppFields | None) -> None:
    @esmes()
    async def not_told(site: SmppSite) -> None:
        customer = await site.bound()
        message, _ = site.an_event(smpp=smpp)
        site.delivery.on_intermediate(message, "ENROUTE", "", site.clock.now())
        await moment()
        assert customer.delivered == []

    not_told()


@esmes()
async def test_srv_24_a_state_in_between_is_kept_for_nobody(site: SmppSite) -> None:
    message, _ = site.an_event(smpp=SmppFields(intermediate=True))
    site.delivery.on_intermediate(message, "ENROUTE", "", site.clock.now())
    customer = await site.bound()
    customer.answer = lambda _: None
    site.delivery.on_intermediate(message, "ENROUTE", "", site.clock.now())
    await moment(60)
    assert len(customer.delivered) == 1


@esmes()
async def test_srv_15_an_old_esme_hears_of_states_in_between_without_tlvs(site: SmppSite) -> None:
    customer = await site.bound(interface_version=0x33)
    message, _ = site.an_event(smpp=SmppFields(intermediate=True, short_id=0x2A))
    site.delivery.on_intermediate(message, "ENROUTE", "", site.clock.now())
    await moment()
    assert (ids(customer), customer.delivered[0].tlvs) == (["0000002a"], {})


ALERT = AlertNotification(
    source_addr_ton=1, source_addr="15005550009", esme_addr_ton=3, esme_addr="55501"
)


@esmes()
async def test_an_alert_goes_to_every_receiving_bind_that_knows_such_a_thing(
    site: SmppSite,
) -> None:
    """§4.12; v3.3 has no alert_notification."""
    receiving = [await site.bound(), await site.bound(BindReceiver, "spare")]
    transmitter = await site.bound(BindTransmitter)
    old = await site.bound(interface_version=0x33)
    stranger = await site.bound(system_id="other")
    site.delivery.on_alert(ACCOUNT, ALERT)
    site.delivery.on_alert("AC" + "0" * 32, ALERT)
    await moment()
    assert [each.alerts for each in receiving] == [[ALERT], [ALERT]]
    assert [each.alerts for each in (transmitter, old, stranger)] == [[], [], []]


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

    def pdus(delivery: Delivery, tlvs: bool) -> tuple[DeliverSm | WrittenDeliverSm, ...]:
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
