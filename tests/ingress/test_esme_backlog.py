"""What customers' ESMEs are owed and have not taken yet: in the store, paged in, given up."""

import asyncio
from collections.abc import Callable, Sequence

import msgspec
import pytest

from gateway.clock import message_sid
from gateway.ingress import esme_delivery
from gateway.ingress.esme_delivery import RETRY_S, SWEEP_S, TOO_MANY, TOO_OLD
from gateway.message import Status
from gateway.smpp.constants import CommandStatus
from gateway.store.interface import Accepted, Listener, Owed, OwedKey, Transition
from tests.carriers_sim.customer import receipt_fields
from tests.ingress.esme_world import SmppSite, esmes, ids, moment
from tests.store.builders import OTHER_ACCOUNT


@esmes()
async def test_what_an_earlier_run_had_not_told_is_told(site: SmppSite) -> None:
    made = [site.became() for _ in range(3)]
    customer = await site.bound()
    await moment()
    assert ids(customer) == [message_sid(message.id) for message in made]


@esmes()
async def test_a_webhook_of_an_earlier_run_is_not_ours(site: SmppSite) -> None:
    site.became(status_callback="https://hooks.example.com")
    assert site.delivery.pending == 0


@esmes()
async def test_everything_that_is_known_of_a_status_is_told_after_a_restart(
    site: SmppSite,
) -> None:
    message = site.becomes(Status.UNDELIVERED)
    step = msgspec.structs.replace(
        site.ledger.transitions[0], carrier_status="EXPIRED", carrier_error="027", number=3
    )
    site.ledger.records.append(step)
    site.delivery.recover(Owed(message, step))
    customer = await site.bound()
    await moment()
    assert [receipt_fields(pdu)["stat"] for pdu in customer.delivered] == ["UNDELIV", "EXPIRED"]
    assert receipt_fields(customer.delivered[1])["err"] == "027"


@esmes()
async def test_what_is_to_be_told_again_is_told_and_noted_as_that(site: SmppSite) -> None:
    customer = await site.bound()
    message = site.becomes()
    await moment()
    site.delivery.recover(Owed(message, site.ledger.transitions[0], round=1))
    await moment()
    assert ids(customer) == [message_sid(message.id)] * 2
    assert [record.round for record in site.ledger.notified] == [0, 1]


@esmes()
async def test_a_message_that_is_no_more_is_told_to_nobody(site: SmppSite) -> None:
    deleted, kept = site.becomes(), site.becomes()
    site.ledger.records.remove(Accepted(deleted))
    site.ledger.records.remove(site.ledger.transitions[0])
    customer = await site.bound()
    await moment()
    assert ids(customer) == [message_sid(kept.id)]
    assert site.delivery.pending == 0


@pytest.fixture
def small_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(esme_delivery, "HEAD_MAX", 4)
    monkeypatch.setattr(esme_delivery, "PAGE", 2)


@pytest.mark.usefixtures("small_head")
@pytest.mark.parametrize("bound", [False, True])
def test_memory_holds_the_head_and_the_store_the_rest(bound: bool) -> None:
    @esmes(window=2)
    async def paged(site: SmppSite) -> None:
        early = await site.bound() if bound else None
        if early:
            early.answer = lambda _: None
        made = [site.becomes() for _ in range(20)]
        outbox = site.delivery._outbox(made[0].account_sid)
        assert len(outbox.head) == (4 if bound else 0)
        if early:
            early.connection.abort("test")
            await moment()
        assert (len(outbox.head), len(outbox.waiting), site.delivery.pending) == (0, 20, 20)
        customer = await site.bound()
        await moment(5)
        assert ids(customer) == [message_sid(message.id) for message in made]
        assert (len(site.ledger.notified), site.delivery.pending) == (20, 0)

    paged()


@pytest.mark.usefixtures("small_head")
def test_what_comes_meanwhile_waits_behind_what_is_read() -> None:
    @esmes()
    async def paged(site: SmppSite) -> None:
        made = [site.becomes() for _ in range(7)]
        customer = await site.bound()
        for _ in range(10):
            made.append(site.becomes())
            await asyncio.sleep(0)
        await moment()
        assert ids(customer) == [message_sid(message.id) for message in made]

    paged()


@pytest.fixture
def slow_store(monkeypatch: pytest.MonkeyPatch) -> Callable[[SmppSite], asyncio.Event]:
    """From the call on, readings of the site's store end once the event is set."""

    def slow(site: SmppSite) -> asyncio.Event:
        read, done = site.ledger.read_owed, asyncio.Event()

        async def read_owed(keys: Sequence[OwedKey]) -> Sequence[Owed]:
            await done.wait()
            return await read(keys)

        monkeypatch.setattr(site.ledger, "read_owed", read_owed)
        return done

    return slow


@pytest.mark.usefixtures("small_head")
def test_a_page_for_somebody_who_has_gone_waits_in_its_place(
    slow_store: Callable[[SmppSite], asyncio.Event],
) -> None:
    @esmes(window=1)
    async def paged(site: SmppSite) -> None:
        made = [site.becomes() for _ in range(9)]
        leaving = [await site.bound(), await site.customer()]
        for customer in leaving:
            customer.answer = lambda _: None
        await moment()
        done = slow_store(site)
        await site.bind(leaving[1], system_id="spare")
        for customer in leaving:
            customer.connection.abort("test")
        await moment()
        outbox = site.delivery._outbox(made[0].account_sid)
        assert outbox.reading
        done.set()
        await moment()
        assert (len(outbox.head), len(outbox.waiting)) == (0, 9)
        customer = await site.bound()
        await moment(1)
        assert ids(customer) == [message_sid(message.id) for message in made]

    paged()


def test_a_store_that_cannot_be_read_is_read_later(caplog: pytest.LogCaptureFixture) -> None:
    @esmes()
    async def paged(site: SmppSite) -> None:
        made = [site.becomes() for _ in range(3)]
        site.ledger.readable = False
        customer = await site.bound()
        await moment(2)
        assert (customer.delivered, caplog.messages) == ([], ["ESME's outbox not read"])
        site.ledger.readable = True
        await moment(RETRY_S)
        assert ids(customer) == [message_sid(message.id) for message in made]

    paged()


def test_a_defect_in_reading_loses_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(keys: Sequence[OwedKey]) -> Sequence[Owed]:
        raise ZeroDivisionError("the inner workings")

    @esmes()
    async def paged(site: SmppSite) -> None:
        made = [site.becomes() for _ in range(3)]
        with monkeypatch.context() as patch:
            patch.setattr(site.ledger, "read_owed", broken)
            customer = await site.bound()
            await moment(2)
        assert customer.delivered == []
        assert caplog.messages == ["reading of an ESME's outbox broke"]
        await moment(RETRY_S)
        assert ids(customer) == [message_sid(message.id) for message in made]
        assert site.delivery.pending == 0

    paged()


@esmes()
async def test_accounts_without_a_bind_are_not_read_for(site: SmppSite) -> None:
    for _ in range(3):
        site.becomes()
    await site.bound(system_id="other")
    site.becomes(account_sid=OTHER_ACCOUNT)
    await moment(SWEEP_S + 1)
    assert (site.ledger.reads, site.delivery.pending) == (0, 3)


def test_a_reading_that_is_under_way_ends_with_the_gateway(
    slow_store: Callable[[SmppSite], asyncio.Event],
) -> None:
    @esmes()
    async def paged(site: SmppSite) -> None:
        done = slow_store(site)
        site.becomes()
        customer = await site.bound()
        site.delivery.close()
        done.set()
        await moment(60)
        assert customer.delivered == []

    paged()


@esmes()
async def test_nothing_is_told_that_could_not_be_noted(site: SmppSite) -> None:
    customer = await site.bound()
    site.ledger.writable = False
    site.becomes()
    await moment(60)
    assert customer.delivered == []
    site.ledger.writable = True
    await moment(0.3)
    assert len(customer.delivered) == 1


# What is given up


def outcomes(site: SmppSite) -> list[tuple[int, str, bool]]:
    return [(each.message_id, each.outcome, each.gave_up) for each in site.ledger.notified]


@pytest.mark.parametrize("bound", [False, True])
def test_what_nobody_has_taken_in_time_is_given_up(
    bound: bool, caplog: pytest.LogCaptureFixture
) -> None:
    @esmes(deliver_s=600.0)
    async def old(site: SmppSite) -> None:
        if bound:
            (await site.bound()).answer = lambda _: CommandStatus.ESME_RX_T_APPN
        made = [site.becomes() for _ in range(3)]
        await moment(599)
        assert site.ledger.notified == []
        await moment(1 + SWEEP_S + RETRY_S)
        assert outcomes(site) == [(message.id, TOO_OLD, True) for message in made]
        assert (site.delivery.given_up, site.delivery.pending) == (3, 0)

    old()
    (line,) = (each for each in caplog.records if each.message == "ESME deliveries given up")
    assert line.__dict__["count"] == 3


@esmes(deliver_s=1.5 * SWEEP_S)
async def test_what_has_become_too_old_meanwhile_is_not_sent(site: SmppSite) -> None:
    for _ in range(2):
        site.becomes()
    await moment(50)
    kept = site.becomes()
    await moment(1.5 * SWEEP_S - 45)
    customer = await site.bound()
    await moment()
    assert ids(customer) == [message_sid(kept.id)]
    assert [gave_up for _, _, gave_up in outcomes(site)] == [True, True, False]


@esmes(deliver_s=600.0)
async def test_the_age_of_an_earlier_run_counts(site: SmppSite) -> None:
    await moment(300)
    message, event = site.an_event()
    step = Transition(message.id, 2, event.status, event.at - 580, listener=Listener.ESME)
    site.delivery.recover(Owed(message, step))
    await moment(21 + SWEEP_S)
    assert outcomes(site) == [(message.id, TOO_OLD, True)]


@esmes(deliver_s=600.0)
async def test_what_is_asked_for_again_is_as_young_as_that(site: SmppSite) -> None:
    message = site.becomes()
    await moment(601 + SWEEP_S)
    site.delivery.recover(Owed(message, site.ledger.transitions[0], round=1))
    await moment(590)
    customer = await site.bound()
    await moment()
    assert ids(customer) == [message_sid(message.id)]


def test_so_much_is_given_up_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(esme_delivery, "SWEEP_MAX", 2)

    @esmes(deliver_s=60.0)
    async def old(site: SmppSite) -> None:
        for _ in range(5):
            site.becomes()
        await moment(SWEEP_S + 0.05)
        assert len(site.ledger.notified) == 2
        await moment(1)
        assert len(site.ledger.notified) == 5

    old()


@esmes(deliver_s=60.0)
async def test_nothing_is_given_up_that_could_not_be_noted(site: SmppSite) -> None:
    site.ledger.writable = False
    site.becomes()
    await moment(600)
    assert site.ledger.notified == []
    site.ledger.writable = True
    await moment(1)
    assert len(site.ledger.notified) == 1


@pytest.mark.parametrize("bound", [False, True])
def test_of_too_many_the_oldest_are_given_up(
    bound: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(esme_delivery, "OWED_MAX", 3)

    @esmes(window=1)
    async def overflow(site: SmppSite) -> None:
        if bound:
            (await site.bound()).answer = lambda _: None
        made = [site.becomes() for _ in range(6)]
        await moment()
        lost = made[1:4] if bound else made[:3]  # One is on its way.
        assert outcomes(site) == [(message.id, TOO_MANY, True) for message in lost]
        assert site.delivery.pending == 3

    overflow()
    (line,) = (each for each in caplog.records if each.message == "ESME deliveries given up")
    assert line.__dict__["count"] == 3


def test_of_too_many_in_all_those_of_the_greediest_are_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(esme_delivery, "OWED_TOTAL_MAX", 6)

    @esmes()
    async def overflow(site: SmppSite) -> None:
        greedy = [site.becomes() for _ in range(5)]
        for _ in range(2):
            site.becomes(account_sid=OTHER_ACCOUNT)
        await moment()
        assert outcomes(site) == [(greedy[0].id, TOO_MANY, True)]
        site.becomes()
        await moment()
        assert outcomes(site)[1:] == [(greedy[1].id, TOO_MANY, True)]

    overflow()


def test_what_is_all_on_its_way_is_not_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(esme_delivery, "OWED_MAX", 1)

    @esmes()
    async def overflow(site: SmppSite) -> None:
        customer = await site.bound()
        for _ in range(3):
            site.becomes()
        await moment()
        assert (len(customer.delivered), site.delivery.given_up) == (3, 0)

    overflow()
