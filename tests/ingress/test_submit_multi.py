"""submit_multi: many destinations, each a message of its own (SRV-28)."""

from typing import Any

import msgspec
import pytest

from gateway.clock import message_sid
from gateway.errors import Refusal, Refused
from gateway.messaging.admission import SendRequest
from gateway.messaging.intake import OnAccepted, OnRefused
from gateway.smpp import codec
from gateway.smpp.constants import CommandStatus, Tag
from gateway.smpp.pdus import (
    DistributionList,
    SmeAddress,
    SubmitMulti,
    SubmitMultiResp,
    UnsuccessfulSme,
)
from tests.carriers_sim.customer import Customer
from tests.ingress.esme_world import SmppSite, esmes, moment
from tests.store.builders import a_message
from tests.support.virtual_time import virtual_time

GOOD, BAD, THIRD = (SmeAddress(1, 1, f"1500555000{digit}") for digit in "987")
LIST = DistributionList("friends")


def to(*destinations: SmeAddress | DistributionList, **fields: Any) -> SubmitMulti:
    values: dict[str, Any] = {
        "source_addr_ton": 3,
        "source_addr": "55501",
        "dest_addresses": destinations,
        "short_message": b"hello",
    }
    return SubmitMulti(**(values | fields))


class Choosy:
    """Refuses the destinations that it is told to, and holds the answers where it is told to."""

    def __init__(self, refusals: dict[str, Refusal] | None = None, *, holds: bool = False) -> None:
        self.requests: list[SendRequest] = []
        self.waiting: list[OnAccepted] = []
        self._refusals = refusals or {}
        self._holds = holds

    def submit(self, request: SendRequest, on_accepted: OnAccepted, on_refused: OnRefused) -> None:
        self.requests.append(request)
        refusal = self._refusals.get(request.recipient.removeprefix("+"))
        if refusal:
            on_refused(Refused(refusal))
        elif self._holds:
            self.waiting.append(on_accepted)
        else:
            on_accepted(a_message(len(self.requests), smpp=request.smpp))


def choosy(
    site: SmppSite, refusals: dict[str, Refusal] | None = None, *, holds: bool = False
) -> Choosy:
    counter = Choosy(refusals, holds=holds)
    site.counter.submit = counter.submit  # type: ignore[method-assign]  # another counter
    return counter


async def asked(customer: Customer, pdu: SubmitMulti) -> tuple[int, SubmitMultiResp | None]:
    answered = await customer.send(pdu)
    response = answered.pdu
    assert response is None or isinstance(response, SubmitMultiResp)
    return answered.command_status, response


@esmes()
async def test_srv_28_each_destination_is_a_message_of_its_own(site: SmppSite) -> None:
    status, response = await asked(await site.bound(), to(GOOD, BAD, THIRD))
    assert (status, response) == (0, SubmitMultiResp(message_sid(1)))
    assert [request.recipient for request in site.counter.requests] == [
        "+15005550009",
        "+15005550008",
        "+15005550007",
    ]
    assert {request.body for request in site.counter.requests} == {"hello"}


@esmes()
async def test_srv_28_who_is_refused_is_named_and_the_others_are_accepted(site: SmppSite) -> None:
    choosy(site, {BAD.addr: Refusal.OPTED_OUT})
    status, response = await asked(await site.bound(), to(BAD, GOOD))
    assert status == CommandStatus.ESME_ROK
    assert response == SubmitMultiResp(
        message_sid(2), (UnsuccessfulSme(1, 1, BAD.addr, CommandStatus.ESME_RSUBMITFAIL),)
    )


@esmes()
async def test_srv_28_a_distribution_list_is_not_known(site: SmppSite) -> None:
    status, response = await asked(await site.bound(), to(LIST, GOOD))
    assert status == CommandStatus.ESME_ROK
    assert response == SubmitMultiResp(
        message_sid(1), (UnsuccessfulSme(0, 0, "friends", CommandStatus.ESME_RINVDLNAME),)
    )


@pytest.mark.parametrize(
    ("refusals", "status"),
    [
        ((Refusal.QUEUE_FULL, Refusal.QUEUE_FULL), CommandStatus.ESME_RMSGQFUL),
        ((Refusal.QUEUE_FULL, Refusal.TO_INVALID), CommandStatus.ESME_RSUBMITFAIL),
    ],
)
def test_srv_28_where_none_is_accepted_the_answer_is_an_error(
    refusals: tuple[Refusal, Refusal], status: CommandStatus
) -> None:
    @esmes()
    async def refused(site: SmppSite) -> None:
        choosy(site, dict(zip((GOOD.addr, BAD.addr), refusals, strict=True)))
        assert await asked(await site.bound(), to(GOOD, BAD)) == (status, None)

    refused()


@esmes()
async def test_srv_28_it_is_answered_once_all_are_durable(site: SmppSite) -> None:
    counter = choosy(site, holds=True)
    customer = await site.bound()
    answer = customer.send(to(GOOD, BAD))
    await moment()
    counter.waiting[1](a_message(8))
    await moment()
    assert not answer.done()
    counter.waiting[0](a_message(7))
    answered = await answer
    assert answered.pdu == SubmitMultiResp(message_sid(7))


@esmes()
async def test_srv_28_there_may_be_254_destinations(site: SmppSite) -> None:
    destinations = [SmeAddress(1, 1, f"1500555{number:04d}") for number in range(254)]
    status, _ = await asked(await site.bound(), to(*destinations))
    assert (status, len(site.counter.requests)) == (0, 254)


@pytest.mark.parametrize("count", [0, 255])
def test_srv_28_neither_none_nor_255_destinations(
    count: int, caplog: pytest.LogCaptureFixture
) -> None:
    @esmes()
    async def refused(site: SmppSite) -> None:
        await site.bound()
        octets = bytearray(codec.encode(to(GOOD), 9))
        octets[octets.index(b"55501\0") + 6] = count
        (wire,) = site.network.wires.values()
        wire.client.write(bytes(octets))
        await moment()
        refusal = next(each for each in caplog.records if each.message == "ESME's PDU refused")
        assert getattr(refusal, "command_status", "") == "ESME_RINVNUMDESTS"
        assert site.counter.requests == []

    refused()


@virtual_time
async def test_srv_28_each_destination_counts_in_the_rate() -> None:
    site = SmppSite(submits_per_second=3.0)
    await site.server.start()
    destinations = [SmeAddress(1, 1, f"1500555{number:04d}") for number in range(5)]
    status, response = await asked(await site.bound(), to(*destinations))
    assert status == CommandStatus.ESME_ROK
    assert response is not None
    assert [each.error_status_code for each in response.unsuccess_sme] == [
        CommandStatus.ESME_RTHROTTLED
    ] * 2
    assert (site.server.submitted, site.server.throttled) == (5, 2)


@esmes()
async def test_srv_28_the_same_with_a_key_makes_the_same_messages(site: SmppSite) -> None:
    customer = await site.bound()
    pdu = to(GOOD, BAD, tlvs={0x1400: b"order-7"})
    first, again = [await asked(customer, pdu) for _ in range(2)]
    assert first == again
    assert len(site.counter.requests) == 2


@esmes()
async def test_srv_28_another_with_the_key_is_refused_where_it_differs(site: SmppSite) -> None:
    customer = await site.bound()
    pdu = to(GOOD, BAD, tlvs={0x1400: b"order-7"})
    await asked(customer, pdu)
    status, response = await asked(
        customer, msgspec.structs.replace(pdu, dest_addresses=(GOOD, THIRD))
    )
    assert status == CommandStatus.ESME_ROK
    assert response == SubmitMultiResp(
        message_sid(1), (UnsuccessfulSme(1, 1, THIRD.addr, CommandStatus.ESME_RINVOPTPARAMVAL),)
    )


@pytest.mark.parametrize("key", [b"", b"k" * 256])
def test_srv_28_a_key_has_1_to_255_octets(key: bytes) -> None:
    @esmes()
    async def refused(site: SmppSite) -> None:
        pdu = to(GOOD, BAD, tlvs={0x1400: key})
        assert await asked(await site.bound(), pdu) == (CommandStatus.ESME_RINVPARLEN, None)

    refused()


@esmes()
async def test_srv_28_trouble_with_the_text_is_told_once(site: SmppSite) -> None:
    pdu = to(GOOD, BAD, esm_class=0x04)
    assert await asked(await site.bound(), pdu) == (CommandStatus.ESME_RINVESMCLASS, None)


@esmes()
async def test_srv_15_an_old_esme_gets_a_short_id_for_each_destination(site: SmppSite) -> None:
    customer = await site.bound(interface_version=0x33)
    _, response = await asked(customer, to(GOOD, BAD))
    short_ids = [request.smpp.short_id for request in site.counter.requests if request.smpp]
    assert len(set(short_ids)) == 2
    assert response == SubmitMultiResp(f"{short_ids[0]:08x}")


@esmes()
async def test_srv_29_a_5_0_esme_is_told_how_full_the_queue_is(site: SmppSite) -> None:
    site.fill = 0.5
    _, response = await asked(await site.bound(interface_version=0x50), to(GOOD))
    assert response is not None
    assert response.tlvs == {Tag.CONGESTION_STATE: b"\x32"}
