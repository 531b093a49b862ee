"""node-smpp as an ESME of our server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.e2e.configuration import (
    ESME,
    ESME_PASSWORD,
    LONG_CODE,
    OTHER_ESME,
    OTHER_LONG_CODE,
    OTHER_PASSWORD,
)
from tests.e2e.site import Site
from tests.interop.node_smpp import NodeScript

pytestmark = [pytest.mark.interop, pytest.mark.asyncio(loop_scope="module")]

DELIVERED = 2


@asynccontextmanager
async def an_esme(
    site: Site,
    modules: Path,
    bind: str = "bind_transceiver",
    system_id: str = ESME,
    password: str = ESME_PASSWORD,
) -> AsyncIterator[NodeScript]:
    port = str(site.daemon.smpp_port)
    async with NodeScript(modules, "esme.js", port, system_id, password, bind) as esme:
        bound = await esme.wait_for(f"{bind}_resp")
        assert bound[0]["status"] == "ESME_ROK"
        yield esme
        if not esme.events("close"):
            esme.ask(command="unbind")
            await esme.wait_for("close")


def message(to: str, text: str) -> dict[str, object]:
    return {
        "source_addr_ton": 1,
        "source_addr_npi": 1,
        "source_addr": LONG_CODE.removeprefix("+"),
        "dest_addr_ton": 1,
        "dest_addr_npi": 1,
        "destination_addr": to.removeprefix("+"),
        "registered_delivery": 1,
        "short_message": text,
    }


@pytest.mark.parametrize("bind", ["bind_transmitter", "bind_receiver", "bind_transceiver"])
async def test_bind_and_unbind(site: Site, node_modules: Path, bind: str) -> None:
    async with an_esme(site, node_modules, bind) as esme:
        esme.ask(command="unbind")

        assert (await esme.wait_for("unbind_resp"))[0]["status"] == "ESME_ROK"
        await esme.wait_for("close")


async def test_wrong_password(site: Site, node_modules: Path) -> None:
    port = str(site.daemon.smpp_port)
    async with NodeScript(node_modules, "esme.js", port, ESME, "wrong", "bind_transceiver") as esme:
        answer = await esme.wait_for("bind_transceiver_resp")

    assert answer[0]["status"] == "ESME_RINVPASWD"


@pytest.mark.parametrize("text", ["Hello, world", "Привет, мир"], ids=["gsm", "ucs2"])
async def test_text_arrives_and_its_receipt_comes_back(
    site: Site, node_modules: Path, text: str
) -> None:
    recipient = site.recipient()
    async with an_esme(site, node_modules) as esme:
        esme.ask(command="submit_sm", pdu=message(recipient, text))
        answer = (await esme.wait_for("submit_sm_resp"))[0]
        sid = answer["message_id"]
        receipt = (await esme.wait_for("deliver_sm", receipted_message_id=sid))[0]

    assert [arrived.text for arrived in site.arrived(recipient)] == [text]
    assert receipt["message_state"] == DELIVERED
    assert f"id:{sid} " in receipt["text"]


async def test_long_text_in_message_payload(site: Site, node_modules: Path) -> None:
    recipient = site.recipient()
    text = "0123456789" * 40
    payload = message(recipient, "") | {"message_payload": {"message": text}}
    async with an_esme(site, node_modules) as esme:
        esme.ask(command="submit_sm", pdu=payload)
        await esme.wait_for("deliver_sm")

    assert [(arrived.text, arrived.segments) for arrived in site.arrived(recipient)] == [(text, 3)]


async def test_many_in_flight_are_each_answered(site: Site, node_modules: Path) -> None:
    recipients = [site.recipient() for _ in range(200)]
    async with an_esme(site, node_modules) as esme:
        for recipient in recipients:
            esme.ask(command="submit_sm", pdu=message(recipient, "hello"))
        answers = await esme.wait_for("submit_sm_resp", len(recipients))
        receipts = await esme.wait_for("deliver_sm", len(recipients))

    sids = {answer["message_id"] for answer in answers}
    assert len(sids) == len(recipients)
    assert {receipt["receipted_message_id"] for receipt in receipts} == sids


async def test_enquire_link_is_answered(site: Site, node_modules: Path) -> None:
    async with an_esme(site, node_modules) as esme:
        esme.ask(command="enquire_link")

        assert (await esme.wait_for("enquire_link_resp"))[0]["status"] == "ESME_ROK"


async def test_silent_esme_is_asked_whether_it_is_alive(site: Site, node_modules: Path) -> None:
    async with an_esme(site, node_modules) as esme:
        await esme.wait_for("enquire_link", 2)

        assert esme.events("close") == []


@pytest.mark.parametrize("text", ["Grüße {€}", "こんにちは"], ids=["gsm", "ucs2"])
async def test_message_from_a_handset(site: Site, node_modules: Path, text: str) -> None:
    handset = site.recipient()
    async with an_esme(site, node_modules, system_id=OTHER_ESME, password=OTHER_PASSWORD) as esme:
        site.carriers["bravo"].inject_mo(handset, OTHER_LONG_CODE, text)
        delivered = await esme.wait_for("deliver_sm", source_addr=handset.removeprefix("+"))

    assert [message["text"] for message in delivered] == [text]
