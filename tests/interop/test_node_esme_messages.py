"""What node-smpp submits to our server, over one session, and the receipts that it gets."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.e2e.site import Site
from tests.interop.node_esme import (
    a_bound_node,
    answer,
    destination,
    message,
    source,
    submit,
)
from tests.interop.node_smpp import NodeScript

pytestmark = [pytest.mark.interop, pytest.mark.asyncio(loop_scope="module")]

DELIVERED = 2
UNDELIVERABLE = 5


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def esme(site: Site, node_modules: Path) -> AsyncIterator[NodeScript]:
    """Bound, for those tests that leave it so."""
    async with a_bound_node(site.daemon.smpp_port, node_modules) as esme:
        yield esme


async def received(esme: NodeScript, message_id: str) -> dict[str, Any]:
    """The receipt of a message."""
    return (await esme.wait_for("deliver_sm", receipted_message_id=message_id))[0]


def hexadecimal(octets: bytes) -> dict[str, str]:
    """Octets for node-smpp to send as they are."""
    return {"hex": octets.hex()}


@pytest.mark.parametrize("text", ["Hello, world", "Привет, мир"], ids=["gsm", "ucs2"])
async def test_text_arrives_and_its_receipt_comes_back(
    site: Site, esme: NodeScript, text: str
) -> None:
    recipient = site.recipient()
    sid = await submit(esme, recipient, text)
    receipt = await received(esme, sid)

    assert [arrived.text for arrived in site.arrived(recipient)] == [text]
    assert receipt["message_state"] == DELIVERED
    assert f"id:{sid} " in receipt["text"]


async def test_srv_19_long_text_in_message_payload(site: Site, esme: NodeScript) -> None:
    recipient = site.recipient()
    text = "0123456789" * 40
    await received(esme, await submit(esme, recipient, message_payload={"message": text}))

    assert [(arrived.text, arrived.segments) for arrived in site.arrived(recipient)] == [(text, 3)]


async def test_srv_19_text_in_both_places_is_refused(site: Site, esme: NodeScript) -> None:
    fields = message(site.recipient(), "one", message_payload={"message": "other"})

    assert (await answer(esme, "submit_sm", **fields))["status"] == "ESME_RINVMSGLEN"


async def test_srv_3_command_that_nobody_knows_is_nacked_and_the_session_lives(
    site: Site, esme: NodeScript
) -> None:
    esme.ask(command="mystery")
    nack = (await esme.wait_for("generic_nack"))[0]

    assert nack["status"] == "ESME_RINVCMDID"
    assert (await answer(esme, "enquire_link"))["status"] == "ESME_ROK"


@pytest.mark.parametrize(
    ("field", "value", "status"),
    [
        ("destination_addr", "1", "ESME_RINVDSTADR"),
        ("source_addr", "15005559999", "ESME_RINVSRCADR"),
        ("validity_period", "soon", "ESME_RINVEXPIRY"),
        ("schedule_delivery_time", "260231000000000+", "ESME_RINVSCHED"),
    ],
)
async def test_srv_4_bad_field_has_its_own_status(
    site: Site, esme: NodeScript, field: str, value: str, status: str
) -> None:
    fields = message(site.recipient(), "hello") | {field: value}
    assert (await answer(esme, "submit_sm", **fields))["status"] == status


async def test_data_sm_with_message_payload(site: Site, esme: NodeScript) -> None:
    recipient = site.recipient()
    fields = source() | destination(recipient)
    payload = {"message": "Привет"}
    said = await answer(esme, "data_sm", **fields, registered_delivery=1, message_payload=payload)
    await received(esme, said["message_id"])

    assert [arrived.text for arrived in site.arrived(recipient)] == ["Привет"]


async def test_srv_21_sar_tlvs_make_one_text(site: Site, esme: NodeScript) -> None:
    recipient = site.recipient()
    for number, text in enumerate(["one ", "two ", "three"], 1):
        sar = {
            "sar_msg_ref_num": 77,
            "sar_total_segments": 3,
            "sar_segment_seqnum": number,
        }
        await received(esme, await submit(esme, recipient, text, **sar))

    assert [arrived.text for arrived in site.arrived(recipient)] == ["one two three"]


@pytest.mark.parametrize(
    "header",
    ["05 00 03 07 02", "06 08 04 01 07 02", "0b 05 04 0b84 23f0 00 03 07 02"],
    ids=["8-bit", "16-bit", "after-ports"],
)
async def test_gsm_16_parts_are_known_by_any_header(
    site: Site, esme: NodeScript, header: str
) -> None:
    recipient = site.recipient()
    for number, text in enumerate([b"first ", b"second"], 1):
        octets = bytes.fromhex(header) + bytes([number]) + text
        fields = message(recipient, hexadecimal(octets), esm_class=0x40, data_coding=0)
        await received(esme, (await answer(esme, "submit_sm", **fields))["message_id"])

    assert [arrived.text for arrived in site.arrived(recipient)] == ["first second"]


async def test_srv_20_header_that_does_not_fit_is_refused(site: Site, esme: NodeScript) -> None:
    octets = hexadecimal(b"\x20\x00\x03\x07\x02\x01hello")
    fields = message(site.recipient(), octets, esm_class=0x40, data_coding=0)
    said = await answer(esme, "submit_sm", **fields)

    assert said["status"] not in ("ESME_ROK", "ESME_RSYSERR")


async def test_srv_24_receipt_comes_as_it_was_asked_for(site: Site, esme: NodeScript) -> None:
    asked = {0: site.recipient(), 2: site.recipient(), 1: site.recipient()}
    failed = site.recipient("0001")
    for registered_delivery, recipient in asked.items():
        sid = await submit(esme, recipient, "hi", registered_delivery=registered_delivery)
        assert (await site.rest.final(sid))["status"] == "delivered"
    sid = await submit(esme, failed, "hi", registered_delivery=2)
    assert (await received(esme, sid))["message_state"] == UNDELIVERABLE
    receipts = {f"+{found['source_addr']}" for found in esme.events("deliver_sm")}

    assert receipts & {*asked.values(), failed} == {asked[1], failed}


async def test_srv_22_unknown_tlvs_are_passed_over(site: Site, esme: NodeScript) -> None:
    recipient = site.recipient()
    more = {"vendor": hexadecimal(b"secret"), "language_indicator": 4, "user_message_reference": 9}
    await received(esme, await submit(esme, recipient, "with TLVs", **more))

    assert [arrived.text for arrived in site.arrived(recipient)] == ["with TLVs"]


@pytest.mark.parametrize(
    ("coding", "octets"),
    [
        (3, "Grüße @_$".encode("latin-1")),
        (8, "Grüße @_$".encode("utf-16-be")),
        (0, b"Gr~\x1ee \0\x11\2"),
    ],
    ids=["latin-1", "ucs2", "gsm"],
)
async def test_srv_26_text_is_read_by_its_data_coding(
    site: Site, esme: NodeScript, coding: int, octets: bytes
) -> None:
    recipient = site.recipient()
    await received(esme, await submit(esme, recipient, hexadecimal(octets), data_coding=coding))

    assert [arrived.text for arrived in site.arrived(recipient)] == ["Grüße @_$"]
