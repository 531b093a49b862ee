"""One carrier and one customer, in memory and in virtual time."""

import asyncio

import pytest

from carriers_sim import smsc as smsc_module
from carriers_sim import submissions
from carriers_sim.recorder import Expectations
from carriers_sim.smsc import QueueFull
from carriers_sim.violations import Invariant
from gateway.smpp import codec
from gateway.smpp.constants import CommandStatus, EsmClass, Tag
from gateway.smpp.pdus import (
    BindReceiver,
    BindTransceiver,
    BindTransmitter,
    DataSm,
    EnquireLink,
)
from tests.carriers_sim.carrier_builder import behaviour, world
from tests.carriers_sim.customer import (
    Customer,
    receipt_fields,
    receipted_message_id,
    submit_sm,
)
from tests.support.virtual_time import virtual_time

ROK = CommandStatus.ESME_ROK


async def many(customer: Customer, count: int) -> list[int]:
    """The statuses of `count` messages, each sent when the last was answered."""
    return [
        (await customer.send(submit_sm(text=f"#{number}".encode()))).command_status
        for number in range(count)
    ]


# Binding


@pytest.mark.parametrize("kind", [BindTransmitter, BindReceiver, BindTransceiver])
def test_each_kind_of_bind_is_accepted(kind: type[BindTransceiver]) -> None:
    @virtual_time
    async def binds() -> int:
        customer = await (await world()).customer()
        return (await customer.bind(kind)).command_status

    assert binds() == ROK


@pytest.mark.parametrize(
    ("system_id", "password", "status"),
    [
        ("nobody", "simpass", CommandStatus.ESME_RINVSYSID),
        ("supernet", "wrong", CommandStatus.ESME_RINVPASWD),
    ],
)
def test_srv_14_wrong_credentials_are_named(system_id: str, password: str, status: int) -> None:
    @virtual_time
    async def binds() -> int:
        customer = await (await world()).customer()
        return (await customer.bind(system_id=system_id, password=password)).command_status

    assert binds() == status


@virtual_time
async def test_a_carrier_may_refuse_to_be_bound_to() -> None:
    customer = await (await world(bind_status="ESME_RBINDFAIL")).customer()
    assert (await customer.bind()).command_status == CommandStatus.ESME_RBINDFAIL


@virtual_time
async def test_too_many_binds_are_refused() -> None:
    alpha = await world()
    customers = [await alpha.customer() for _ in range(101)]
    assert (await customers[-1].bind()).command_status == CommandStatus.ESME_RBINDFAIL


@virtual_time
async def test_srv_9_enquire_link_is_answered() -> None:
    customer = await (await world()).bound()
    customer.connection.request(EnquireLink())
    await asyncio.sleep(11)
    assert not customer.closed.is_set()


# Submitting


@virtual_time
async def test_a_message_is_accepted_and_kept() -> None:
    alpha = await world()
    customer = await alpha.bound()
    answered = await customer.send(submit_sm())
    (message,) = await alpha.smsc.wait_for_messages(1)
    assert (answered.command_status, message.text) == (ROK, "hello")
    assert (message.sender, message.recipient) == ("+15005550006", "+15005551234")
    assert message.message_ids == (answered.message_id,)


@virtual_time
async def test_waiting_for_messages_that_do_not_come_says_how_many_did() -> None:
    alpha = await world()
    customer = await alpha.bound()
    await customer.send(submit_sm())
    with pytest.raises(TimeoutError, match="alpha: 1 of 2 messages came within 3 s"):
        await alpha.smsc.wait_for_messages(2, timeout_s=3)


@virtual_time
async def test_waiting_for_binds_ends_with_the_bind() -> None:
    alpha = await world()
    waiting = asyncio.create_task(alpha.smsc.wait_for_binds(1))
    await alpha.bound()
    await waiting
    assert alpha.smsc.binds == ["bound_trx"]


@virtual_time
async def test_a_slow_carrier_answers_after_its_delay() -> None:
    alpha = await world(response_delay_s=2.5)
    customer = await alpha.bound()
    began = alpha.clock.now()
    answered = await customer.send(submit_sm())
    assert answered.at - began == pytest.approx(2.5, abs=0.01)


@virtual_time
async def test_srv_7_answers_may_overtake_one_another() -> None:
    alpha = await world(response_delay_s=[0.1, 5.0])
    customer = await alpha.bound()
    answers = await asyncio.gather(*(customer.send(submit_sm()) for _ in range(20)))
    times = [answer.at for answer in answers]
    assert times != sorted(times)


@virtual_time
async def test_data_sm_is_taken_like_submit_sm() -> None:
    alpha = await world()
    customer = await alpha.bound()
    tlvs: dict[int, bytes] = {Tag.MESSAGE_PAYLOAD: b"hello"}
    await customer.send(DataSm(destination_addr="15005551234", tlvs=tlvs))
    (message,) = await alpha.smsc.wait_for_messages(1)
    assert message.text == "hello"


@virtual_time
async def test_srv_29_above_the_rate_a_message_is_answered_rthrottled() -> None:
    alpha = await world(throttle={"segments_per_s": 2})
    customer = await alpha.bound()
    assert await many(customer, 3) == [ROK, ROK, CommandStatus.ESME_RTHROTTLED]
    assert len(alpha.smsc.messages) == 2


@virtual_time
async def test_srv_29_a_full_queue_is_answered_rmsgqful_until_receipts_have_gone() -> None:
    alpha = await world(queue_max=2)
    customer = await alpha.bound()
    assert await many(customer, 3) == [ROK, ROK, CommandStatus.ESME_RMSGQFUL]
    await customer.wait_for_delivered(2)
    assert await many(customer, 1) == [ROK]


@virtual_time
async def test_a_message_may_never_be_answered() -> None:
    alpha = await world(unanswered=1)
    customer = await alpha.bound(response_s=5)
    never = customer.send(submit_sm())
    await alpha.smsc.wait_for_messages(1)
    await customer.wait_for_delivered(1)
    assert not never.done()


@virtual_time
async def test_each_nth_message_drops_the_connection() -> None:
    alpha = await world(drop_every=2)
    customer = await alpha.bound()
    await customer.send(submit_sm(text=b"one"))
    customer.send(submit_sm(text=b"two"))
    await customer.closed.wait()
    assert [message.text for message in alpha.smsc.messages] == ["one"]


@virtual_time
async def test_what_came_with_a_dropped_message_is_lost_too() -> None:
    alpha = await world(drop_every=1)
    customer = await alpha.bound()
    for text in (b"one", b"two"):
        customer.send(submit_sm(text=text))
    await customer.closed.wait()
    assert alpha.smsc.stats()["submits"] == 1
    assert alpha.smsc.messages == []


@virtual_time
async def test_messages_that_are_never_answered_are_not_counted_as_in_flight() -> None:
    alpha = await world(unanswered=1)
    customer = await alpha.bound()
    for number in range(5):
        customer.send(submit_sm(text=f"#{number}".encode()))
        await asyncio.sleep(1)
    assert alpha.smsc.stats()["in_flight_max"] == 1


@virtual_time
async def test_data_sm_from_an_address_that_no_receipt_can_name_is_refused() -> None:
    customer = await (await world()).bound()
    answered = await customer.send(DataSm(destination_addr="1" * 30))
    assert answered.command_status == CommandStatus.ESME_RINVDSTADR


@virtual_time
async def test_srv_6_a_sequence_number_that_is_still_in_use_is_a_violation() -> None:
    alpha = await world(response_delay_s=1.0)
    customer = await alpha.bound()
    transport = customer.connection._transport
    assert transport is not None
    for text in (b"one", b"two"):
        transport.write(codec.encode(submit_sm(text=text), 77))
    await alpha.smsc.wait_for_messages(1)
    await asyncio.sleep(0.1)
    assert [entry.invariant for entry in alpha.simulator.violations] == [Invariant.SEQUENCE_NUMBER]


@virtual_time
async def test_cli_2_a_message_whose_answer_was_lost_may_come_again() -> None:
    alpha = await world(response_delay_s=5.0)
    customer = await alpha.bound()
    customer.send(submit_sm())
    await alpha.smsc.wait_for_messages(1)
    alpha.smsc.drop_connections()
    await customer.closed.wait()
    await (await alpha.bound()).send(submit_sm())
    assert alpha.simulator.violations == []
    assert alpha.smsc.stats()["resent_after_lost_response"] == 1


@virtual_time
async def test_cli_2_a_message_that_was_answered_may_not_come_again() -> None:
    alpha = await world()
    customer = await alpha.bound()
    await customer.send(submit_sm())
    await customer.send(submit_sm())
    assert [entry.invariant for entry in alpha.simulator.violations] == [Invariant.DUPLICATE]


@virtual_time
async def test_a_magic_number_is_throttled_once_and_then_delivered() -> None:
    alpha = await world(magic_numbers=True)
    customer = await alpha.bound()
    pdu = submit_sm(to="15005550005")
    statuses = [(await customer.send(pdu)).command_status for _ in range(2)]
    assert statuses == [CommandStatus.ESME_RTHROTTLED, ROK]


@virtual_time
async def test_the_next_attempt_passes_at_another_carrier_too() -> None:
    two = await world(carriers=("alpha", "bravo"), magic_numbers=True)
    pdu = submit_sm(to="15005550007")
    alpha, bravo = await two.bound("alpha"), await two.bound("bravo")
    statuses = [(await customer.send(pdu)).command_status for customer in (alpha, alpha, bravo)]
    assert statuses == [CommandStatus.ESME_RSYSERR, CommandStatus.ESME_RSYSERR, ROK]


@virtual_time
async def test_a_rule_reads_the_text_as_a_person_would() -> None:
    then = {"status": "ESME_RX_R_APPN"}
    alpha = await world(rules=[{"when": {"body": "€"}, "then": then}])
    customer = await alpha.bound()
    answered = await customer.send(submit_sm(text=b"\x1b\x65 5"))
    assert answered.command_status == CommandStatus.ESME_RX_R_APPN


@virtual_time
async def test_a_behaviour_is_switched_at_run_time() -> None:
    alpha = await world()
    customer = await alpha.bound()
    alpha.smsc.set_behaviour(behaviour(submit={"ESME_RSYSERR": 1}))
    assert await many(customer, 1) == [CommandStatus.ESME_RSYSERR]


@virtual_time
async def test_switching_something_else_does_not_refill_the_bucket() -> None:
    throttle = {"segments_per_s": 1}
    alpha = await world(throttle=throttle)
    customer = await alpha.bound()
    await many(customer, 1)
    alpha.smsc.set_behaviour(behaviour(throttle=throttle, id_format="hex"))
    assert await many(customer, 1) == [CommandStatus.ESME_RTHROTTLED]


@virtual_time
async def test_cli_1_requests_in_flight_are_measured_against_the_window() -> None:
    alpha = await world(response_delay_s=1.0, expectations=Expectations(window=3))
    customer = await alpha.bound()
    for number in range(4):
        customer.send(submit_sm(text=f"#{number}".encode()))
    await alpha.smsc.wait_for_messages(4)
    assert [entry.invariant for entry in alpha.simulator.violations] == [Invariant.WINDOW]


@virtual_time
async def test_srv_8_a_pdu_that_the_state_does_not_allow_is_a_violation() -> None:
    alpha = await world()
    customer = await alpha.customer()
    await customer.bind(BindReceiver)
    octets = bytes.fromhex("00000010 00000004 00000000 00000009")
    transport = customer.connection._transport
    assert transport is not None
    transport.write(octets)
    await asyncio.sleep(1)
    assert [entry.invariant for entry in alpha.simulator.violations] == [Invariant.WRONG_STATE]


@virtual_time
async def test_srv_20_a_malformed_header_is_a_violation() -> None:
    alpha = await world()
    customer = await alpha.bound()
    await customer.send(submit_sm(text=b"\x7fabc", esm_class=int(EsmClass.UDHI)))
    assert [entry.invariant for entry in alpha.simulator.violations] == [Invariant.UDH]


# Receipts


@virtual_time
async def test_a_receipt_follows_the_answer_after_its_delay() -> None:
    alpha = await world(response_delay_s=0.5, receipts={"delay_s": 2.0})
    customer = await alpha.bound()
    answered = await customer.send(submit_sm())
    (pdu,) = await customer.wait_for_delivered()
    assert customer.delivered_at[0] - answered.at == pytest.approx(2.0, abs=0.01)
    assert receipt_fields(pdu)["id"] == receipted_message_id(pdu) == answered.message_id


@virtual_time
async def test_a_receipt_without_delay_still_follows_the_answer() -> None:
    customer = await (await world(receipts={"delay_s": 0.0})).bound()
    await customer.send(submit_sm())
    await customer.wait_for_delivered()
    assert [line.split()[0] for line in customer.trace[1:]] == ["resp", "deliver"]


@pytest.mark.parametrize("response_delay_s", [0.0, 1.0])
def test_an_early_receipt_precedes_the_answer(response_delay_s: float) -> None:
    @virtual_time
    async def trace() -> list[str]:
        alpha = await world(response_delay_s=response_delay_s, receipts={"before_response": 1})
        customer = await alpha.bound()
        await customer.send(submit_sm())
        return [line.split()[0] for line in customer.trace[1:]]

    assert trace() == ["deliver", "resp"]


@virtual_time
async def test_receipts_wait_for_a_bind_that_can_receive() -> None:
    alpha = await world()
    transmitter = await alpha.customer()
    await transmitter.bind(BindTransmitter)
    await transmitter.send(submit_sm())
    await asyncio.sleep(60)
    assert alpha.smsc.deliveries_waiting == 1
    receiver = await alpha.customer()
    await receiver.bind(BindReceiver)
    assert len(await receiver.wait_for_delivered()) == 1
    assert transmitter.delivered == []


@virtual_time
async def test_receipts_go_round_the_binds() -> None:
    alpha = await world()
    customers = [await alpha.bound() for _ in range(2)]
    for number in range(10):
        await customers[0].send(submit_sm(text=f"#{number}".encode()))
    await asyncio.sleep(5)
    assert [len(customer.delivered) for customer in customers] == [5, 5]


@virtual_time
async def test_a_receipt_that_was_not_answered_goes_to_the_next_bind() -> None:
    alpha = await world()
    first = await alpha.bound()
    first.answer = lambda _: None
    await first.send(submit_sm())
    await first.wait_for_delivered()
    alpha.smsc.drop_connections()
    second = await alpha.bound()
    assert len(await second.wait_for_delivered()) == 1


@virtual_time
async def test_a_receipt_with_a_temporary_error_comes_again() -> None:
    alpha = await world()
    customer = await alpha.bound()
    statuses = iter([CommandStatus.ESME_RX_T_APPN, ROK])
    customer.answer = lambda _: next(statuses)
    await customer.send(submit_sm())
    await customer.wait_for_delivered(2)
    await asyncio.sleep(60)
    stats = alpha.smsc.stats()
    assert (stats["receipts_sent"], stats["receipts_accepted"]) == (2, 1)


@virtual_time
async def test_a_receipt_is_given_up_after_its_last_attempt() -> None:
    alpha = await world(deliver_attempts_max=3)
    customer = await alpha.bound()
    customer.answer = lambda _: CommandStatus.ESME_RX_T_APPN
    await customer.send(submit_sm())
    await asyncio.sleep(600)
    assert len(customer.delivered) == 3
    assert alpha.smsc.stats()["deliveries_given_up"] == 1


@virtual_time
async def test_a_receipt_with_a_permanent_error_does_not_come_again() -> None:
    alpha = await world()
    customer = await alpha.bound()
    customer.answer = lambda _: CommandStatus.ESME_RX_R_APPN
    await customer.send(submit_sm())
    await asyncio.sleep(600)
    assert len(customer.delivered) == 1


@virtual_time
async def test_rcp_4_a_receipt_that_is_never_answered_comes_again_and_is_a_violation() -> None:
    alpha = await world(deliver_attempts_max=2)
    customer = await alpha.bound()
    customer.answer = lambda _: None
    await customer.send(submit_sm())
    await asyncio.sleep(600)
    assert len(customer.delivered) == 2
    assert {entry.invariant for entry in alpha.simulator.violations} == {Invariant.UNREAD_RESPONSE}


@virtual_time
async def test_with_too_many_receipts_outstanding_messages_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(submissions, "RECEIPTS_MAX", 1)
    customer = await (await world()).bound()
    assert await many(customer, 2) == [ROK, CommandStatus.ESME_RMSGQFUL]


# Mobile originated


@virtual_time
async def test_a_message_from_a_handset_is_delivered_as_it_was_written() -> None:
    alpha = await world()
    customer = await alpha.bound()
    assert alpha.smsc.inject_mo("+15005551234", "55501", "STOP") == 1
    (pdu,) = await customer.wait_for_delivered()
    assert (pdu.source_addr_ton, pdu.source_addr) == (1, "15005551234")
    assert (pdu.dest_addr_ton, pdu.destination_addr) == (3, "55501")
    assert (pdu.esm_class, pdu.short_message) == (0, b"STOP")


@virtual_time
async def test_a_long_message_from_a_handset_comes_in_parts() -> None:
    alpha = await world()
    customer = await alpha.bound()
    assert alpha.smsc.inject_mo("+15005551234", "+15005550006", "ż" * 100) == 2
    pdus = await customer.wait_for_delivered(2)
    assert [pdu.short_message[:6] for pdu in pdus] == [b"\5\0\3\1\2\1", b"\5\0\3\1\2\2"]
    assert {(pdu.esm_class, pdu.data_coding) for pdu in pdus} == {(EsmClass.UDHI, 8)}


@virtual_time
async def test_each_long_message_has_its_own_reference() -> None:
    alpha = await world()
    customer = await alpha.bound()
    for _ in range(2):
        alpha.smsc.inject_mo("+15005551234", "+15005550006", "a" * 200)
    pdus = await customer.wait_for_delivered(4)
    assert len({pdu.short_message[3] for pdu in pdus}) == 2


@pytest.mark.parametrize(
    ("sender", "body"), [("+" + "1" * 30, "hi"), ("日本", "hi"), ("+1", "a\0b"), ("+1", "\ud800")]
)
def test_what_cannot_be_carried_is_refused_at_the_call(sender: str, body: str) -> None:
    @virtual_time
    async def inject() -> None:
        (await world()).smsc.inject_mo(sender, "+15005550006", body)

    with pytest.raises(ValueError, match=r".+"):
        inject()


@virtual_time
async def test_messages_from_handsets_wait_in_a_bounded_queue(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(smsc_module, "MOBILE_ORIGINATED_MAX", 1)
    alpha = await world()
    alpha.smsc.inject_mo("+1", "+2", "one")
    with pytest.raises(QueueFull):
        alpha.smsc.inject_mo("+1", "+2", "two")


# Life


@virtual_time
async def test_dropped_connections_are_counted_and_may_come_back() -> None:
    alpha = await world()
    customer = await alpha.bound()
    assert alpha.smsc.drop_connections() == 1
    await customer.closed.wait()
    await alpha.bound()
    assert alpha.smsc.binds == ["bound_trx"]


@virtual_time
async def test_a_stopped_carrier_takes_no_connection() -> None:
    alpha = await world()
    await alpha.smsc.stop()
    with pytest.raises(ConnectionRefusedError):
        await alpha.customer()


@virtual_time
async def test_a_carrier_that_starts_again_still_has_its_receipts() -> None:
    alpha = await world()
    customer = await alpha.bound()
    await customer.send(submit_sm())
    await alpha.smsc.stop()
    await asyncio.sleep(10)
    await alpha.smsc.start()
    assert len(await (await alpha.bound()).wait_for_delivered()) == 1


@virtual_time
async def test_reset_forgets_what_came_and_what_is_due() -> None:
    alpha = await world()
    customer = await alpha.bound()
    first = await customer.send(submit_sm())
    alpha.smsc.set_behaviour(behaviour(grey=True))
    alpha.simulator.reset()
    second = await customer.send(submit_sm())
    await asyncio.sleep(10)
    assert len(customer.delivered) == 1
    assert len(alpha.smsc.messages) == 1
    assert alpha.simulator.violations == []
    assert first.message_id != second.message_id


@virtual_time
async def test_an_answer_under_way_survives_a_reset() -> None:
    alpha = await world(response_delay_s=1.0)
    customer = await alpha.bound()
    answer = customer.send(submit_sm())
    await alpha.smsc.wait_for_messages(1)
    alpha.simulator.reset()
    assert (await answer).command_status == ROK
