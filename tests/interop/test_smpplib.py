"""smpplib as an ESME of our server."""

# smpplib ships no py.typed, so its classes are Any to mypy.
# mypy: disable-error-code="import-untyped, misc"

import asyncio
from typing import Any

import pytest
from smpplib import consts, gsm
from smpplib.exceptions import PDUError

from carriers_sim.violations import Invariant
from tests.e2e.configuration import ESME, LONG_CODE, OTHER_ESME, OTHER_LONG_CODE, OTHER_PASSWORD
from tests.e2e.site import Site
from tests.interop.smpplib_esme import SmpplibEsme, with_esme

pytestmark = [pytest.mark.interop, pytest.mark.asyncio(loop_scope="module")]


@pytest.mark.parametrize("bind", ["bind_transmitter", "bind_receiver", "bind_transceiver"])
async def test_srv_11_bind_and_unbind(site: Site, bind: str) -> None:
    state = await with_esme(site, lambda esme: esme.client.state, bind)

    assert (
        state
        == {
            "bind_transmitter": consts.SMPP_CLIENT_STATE_BOUND_TX,
            "bind_receiver": consts.SMPP_CLIENT_STATE_BOUND_RX,
            "bind_transceiver": consts.SMPP_CLIENT_STATE_BOUND_TRX,
        }[bind]
    )


async def test_srv_14_wrong_password_is_an_error_of_its_own(site: Site) -> None:
    def bind() -> None:
        with SmpplibEsme(site.daemon.smpp_port, system_id=ESME, password="wrong"):
            pass

    with pytest.raises(PDUError) as error:
        await asyncio.to_thread(bind)

    assert error.value.args[1] == consts.SMPP_ESME_RINVPASWD


@pytest.mark.parametrize(
    "text",
    ["Hello {€}", "Привет, мир", "x" * 400, "Привет " * 30],
    ids=["gsm", "ucs2", "gsm3", "ucs2x4"],
)
async def test_text_arrives_and_its_receipts_come_back(site: Site, text: str) -> None:
    recipient = site.recipient()

    def act(esme: SmpplibEsme) -> list[Any]:
        return [esme.read_receipt(sid) for sid in esme.submit(text, recipient)]

    receipts = await with_esme(site, act)

    assert [arrived.text for arrived in site.arrived(recipient)] == [text]
    assert {receipt.message_state for receipt in receipts} == {consts.SMPP_MESSAGE_STATE_DELIVERED}
    assert all(b"stat:DELIVRD" in receipt.short_message for receipt in receipts)


async def test_srv_4_refused_message_is_an_error_of_its_own(site: Site) -> None:
    def act(esme: SmpplibEsme) -> int:
        esme.client.send_message(
            source_addr="15005559999",
            source_addr_ton=consts.SMPP_TON_INTL,
            destination_addr=site.recipient().removeprefix("+"),
            dest_addr_ton=consts.SMPP_TON_INTL,
            short_message=b"from a number that is not ours",
        )
        esme.read_until(lambda: bool(esme.answered))
        return int(esme.answered[0].status)

    assert await with_esme(site, act) == consts.SMPP_ESME_RINVSRCADR


async def test_srv_9_enquire_link_is_answered(site: Site) -> None:
    answer = await with_esme(site, lambda esme: esme.request("enquire_link"))

    assert (answer.command, answer.status) == ("enquire_link_resp", 0)


async def test_srv_9_silent_esme_is_asked_whether_it_is_alive(site: Site) -> None:
    def act(esme: SmpplibEsme) -> None:
        asked: list[Any] = []
        answer = esme.client._enquire_link_received

        def note(pdu: Any) -> None:
            asked.append(pdu)
            answer(pdu)

        esme.client._enquire_link_received = note
        esme.read_until(lambda: len(asked) == 2)

    await with_esme(site, act)


async def test_message_from_a_handset(site: Site) -> None:
    handset = site.recipient()
    text = "Grüße aus Köln"

    def act() -> Any:
        with SmpplibEsme(
            site.daemon.smpp_port, system_id=OTHER_ESME, password=OTHER_PASSWORD
        ) as esme:
            esme.read_until(lambda: bool(esme.delivered))
            return esme.delivered[0]

    site.carriers["alpha"].inject_mo(handset, OTHER_LONG_CODE, text)
    pdu = await asyncio.to_thread(act)

    assert pdu.source_addr.decode() == handset.removeprefix("+")
    assert pdu.short_message == b"Gr~\x1ee aus K|ln"


# Its splitter counts octets: what it cuts in two arrives whole, for the parts are passed on as they
# came (3GPP TS 23.040 §9.2.3.24.1 forbids both).
@pytest.mark.parametrize("text", ["a" * 152 + "€ and more", "{" * 160], ids=["euro", "braces"])
async def test_gsm_5_escape_pair_that_smpplib_splits_arrives_whole(site: Site, text: str) -> None:
    recipient = site.recipient()
    parts, _, _ = gsm.make_parts(text)
    assert any(part.endswith(b"\x1b") for part in parts)

    await with_esme(site, lambda esme: [esme.read_receipt(i) for i in esme.submit(text, recipient)])

    assert [arrived.text for arrived in site.arrived(recipient)] == [text]
    site.carriers.forgive(Invariant.SPLIT_ESCAPE)


async def test_gsm_6_surrogate_pair_that_smpplib_splits_arrives_whole(site: Site) -> None:
    recipient, text = site.recipient(), "я" * 66 + "👋 and more"
    parts, _, _ = gsm.make_parts(text)
    assert parts[0].endswith(b"\xd8\x3d")

    await with_esme(site, lambda esme: [esme.read_receipt(i) for i in esme.submit(text, recipient)])

    assert [arrived.text for arrived in site.arrived(recipient)] == [text]
    site.carriers.forgive(Invariant.SPLIT_SURROGATE)


async def test_gsm_10_smpplib_writes_a_backtick_as_another_sign(site: Site) -> None:
    """Its table has one where GSM 03.38 has none, on the place of §: what it says is believed."""
    recipient = site.recipient()

    await with_esme(site, lambda esme: [esme.read_receipt(i) for i in esme.submit("`", recipient)])

    assert [arrived.text for arrived in site.arrived(recipient)] == ["§"]


async def test_srv_19_smpplib_sends_a_message_payload(site: Site) -> None:
    def act(esme: SmpplibEsme) -> int:
        esme.client.send_message(
            source_addr=LONG_CODE.removeprefix("+"),
            source_addr_ton=consts.SMPP_TON_INTL,
            destination_addr=site.recipient().removeprefix("+"),
            dest_addr_ton=consts.SMPP_TON_INTL,
            short_message=b"",
            message_payload=b"in a TLV",
        )
        esme.read_until(lambda: bool(esme.answered))
        return int(esme.answered[0].status)

    assert await with_esme(site, act) == consts.SMPP_ESME_ROK
