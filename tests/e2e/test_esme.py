"""The main job over SMPP: submit_sm in, deliver_sm receipt back."""

import pytest

from gateway.smpp.constants import CommandStatus, EsmClass, RegisteredDelivery
from gateway.smpp.pdus import BindReceiver, BindTransmitter, DeliverSm
from gateway.smpp.receipt import Receipt, parse
from tests.e2e.configuration import ESME, LONG_CODE, OTHER_ESME, OTHER_LONG_CODE, OTHER_PASSWORD
from tests.e2e.esme import Esme, submit_sm
from tests.e2e.site import Site

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]


def receipt(pdu: DeliverSm) -> Receipt | None:
    return parse(pdu.short_message, pdu.tlvs) if pdu.esm_class & EsmClass.DELIVERY_RECEIPT else None


async def receipt_of(esme: Esme, message_id: str) -> DeliverSm:
    def matches(pdu: DeliverSm) -> bool:
        found = receipt(pdu)
        return found is not None and found.message_id == message_id

    return await esme.wait_for(matches)


async def test_submit_sm_is_delivered_and_its_receipt_comes_back(site: Site) -> None:
    recipient = site.recipient()

    async with Esme(site.daemon.smpp_port) as esme:
        message_id = await esme.submit(submit_sm(recipient, b"hello"))
        pdu = await receipt_of(esme, message_id)

    found = receipt(pdu)
    assert found is not None
    assert found.stat == "DELIVRD"
    assert f"+{pdu.source_addr}" == recipient
    assert f"+{pdu.destination_addr}" == LONG_CODE
    assert [arrived.text for arrived in site.arrived(recipient)] == ["hello"]


async def test_message_over_smpp_is_seen_over_rest(site: Site) -> None:
    async with Esme(site.daemon.smpp_port) as esme:
        message_id = await esme.submit(submit_sm(site.recipient()))
        message = await site.rest.final(message_id)

    assert (message["sid"], message["status"]) == (message_id, "delivered")


async def test_receipt_of_a_failure_has_its_state(site: Site) -> None:
    async with Esme(site.daemon.smpp_port) as esme:
        message_id = await esme.submit(submit_sm(site.recipient("0001")))
        found = receipt(await receipt_of(esme, message_id))

    assert found is not None
    assert found.stat == "UNDELIV"


async def test_transmitter_hears_its_receipt_over_a_receiver(site: Site) -> None:
    port = site.daemon.smpp_port
    async with (
        Esme(port, kind=BindTransmitter) as transmitter,
        Esme(port, kind=BindReceiver) as receiver,
    ):
        message_id = await transmitter.submit(submit_sm(site.recipient()))
        await receipt_of(receiver, message_id)

    assert transmitter.delivered == []


async def test_receipt_waits_for_an_esme_that_has_gone(site: Site) -> None:
    async with Esme(site.daemon.smpp_port, kind=BindTransmitter) as transmitter:
        message_id = await transmitter.submit(submit_sm(site.recipient()))
        await site.rest.final(message_id)

    async with Esme(site.daemon.smpp_port) as esme:
        await receipt_of(esme, message_id)


async def test_receipt_that_crosses_an_unbind_comes_again(site: Site) -> None:
    """An ESME that has just sent unbind answers so, and has not taken the receipt (table 2-1)."""
    async with Esme(site.daemon.smpp_port) as leaving:
        leaving.answers = [CommandStatus.ESME_RINVBNDSTS]
        message_id = await leaving.submit(submit_sm(site.recipient()))
        await receipt_of(leaving, message_id)

    async with Esme(site.daemon.smpp_port) as esme:
        await receipt_of(esme, message_id)


async def test_no_receipt_comes_unasked(site: Site) -> None:
    async with Esme(site.daemon.smpp_port) as esme:
        silent = await esme.submit(
            submit_sm(site.recipient(), registered_delivery=RegisteredDelivery.NONE)
        )
        await site.rest.final(silent)
        asked = await esme.submit(submit_sm(site.recipient()))
        await receipt_of(esme, asked)

    told = [found.message_id for pdu in esme.delivered if (found := receipt(pdu))]
    assert silent not in told


@pytest.mark.parametrize(
    ("system_id", "password", "status"),
    [
        ("nobody", "demopass", CommandStatus.ESME_RINVSYSID),
        (ESME, "wrong", CommandStatus.ESME_RINVPASWD),
    ],
)
async def test_wrong_credentials_are_named(
    site: Site, system_id: str, password: str, status: CommandStatus
) -> None:
    esme = Esme(site.daemon.smpp_port, system_id, password)

    assert await esme.bind() == status

    esme.connection.close("done")


async def test_sender_of_another_account_is_refused(site: Site) -> None:
    async with Esme(site.daemon.smpp_port, OTHER_ESME, OTHER_PASSWORD) as esme:
        stranger = await esme.send(submit_sm(site.recipient(), sender=LONG_CODE))
        own = await esme.send(submit_sm(site.recipient(), sender=OTHER_LONG_CODE))

    assert stranger.command_status == CommandStatus.ESME_RINVSRCADR
    assert own.command_status == CommandStatus.ESME_ROK
