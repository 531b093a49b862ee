"""node-smpp as an ESME of our server: binding, being alive, and going."""

from pathlib import Path

import pytest

from tests.e2e.configuration import OTHER_ESME, OTHER_LONG_CODE, OTHER_PASSWORD
from tests.e2e.site import Site
from tests.interop.node_esme import a_bound_node, a_node, message

pytestmark = [pytest.mark.interop, pytest.mark.asyncio(loop_scope="module")]


@pytest.mark.parametrize("bind", ["bind_transmitter", "bind_receiver", "bind_transceiver"])
async def test_srv_11_bind_and_unbind(site: Site, node_modules: Path, bind: str) -> None:
    async with a_bound_node(site.daemon.smpp_port, node_modules, bind) as esme:
        esme.ask(command="unbind")

        assert (await esme.wait_for("unbind_resp"))[0]["status"] == "ESME_ROK"
        await esme.wait_for("close")


async def test_srv_14_wrong_password_is_told(site: Site, node_modules: Path) -> None:
    async with a_node(site.daemon.smpp_port, node_modules, password="wrong") as esme:
        answer = await esme.wait_for("bind_transceiver_resp")

    assert answer[0]["status"] == "ESME_RINVPASWD"


async def test_srv_6_many_in_flight_are_each_answered(site: Site, node_modules: Path) -> None:
    recipients = [site.recipient() for _ in range(200)]
    async with a_bound_node(site.daemon.smpp_port, node_modules) as esme:
        for recipient in recipients:
            esme.ask(command="submit_sm", pdu=message(recipient, "hello"))
        answers = await esme.wait_for("submit_sm_resp", len(recipients))
        receipts = await esme.wait_for("deliver_sm", len(recipients))

    sids = {answer["message_id"] for answer in answers}
    assert len(sids) == len(recipients)
    assert {receipt["receipted_message_id"] for receipt in receipts} == sids


async def test_srv_9_enquire_link_is_answered(site: Site, node_modules: Path) -> None:
    async with a_bound_node(site.daemon.smpp_port, node_modules) as esme:
        esme.ask(command="enquire_link")

        assert (await esme.wait_for("enquire_link_resp"))[0]["status"] == "ESME_ROK"


async def test_srv_9_silent_esme_is_asked_whether_it_is_alive(
    site: Site, node_modules: Path
) -> None:
    async with a_bound_node(site.daemon.smpp_port, node_modules) as esme:
        await esme.wait_for("enquire_link", 2)

        assert esme.events("close") == []


@pytest.mark.parametrize("text", ["Grüße {€}", "こんにちは"], ids=["gsm", "ucs2"])
async def test_message_from_a_handset(site: Site, node_modules: Path, text: str) -> None:
    handset = site.recipient()
    async with a_bound_node(
        site.daemon.smpp_port, node_modules, system_id=OTHER_ESME, password=OTHER_PASSWORD
    ) as esme:
        site.carriers["bravo"].inject_mo(handset, OTHER_LONG_CODE, text)
        delivered = await esme.wait_for("deliver_sm", source_addr=handset.removeprefix("+"))

    assert [message["text"] for message in delivered] == [text]


async def test_srv_15_bind_resp_of_5_0_tells_our_version(site: Site, node_modules: Path) -> None:
    port = site.daemon.smpp_port
    async with a_bound_node(port, node_modules, version=0x50) as esme:
        bound = esme.events("bind_transceiver_resp")[0]

    assert bound["sc_interface_version"] in (0x34, 0x50)
