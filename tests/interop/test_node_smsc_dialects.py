"""node-smpp as carriers that each want something else of our submit_sm, by area code."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.e2e.patience import until
from tests.interop.gateway_site import GatewaySite, a_gateway
from tests.interop.node_esme import a_bound_node, submit
from tests.interop.node_smpp import NodeScript

pytestmark = [pytest.mark.interop, pytest.mark.asyncio(loop_scope="module")]

SAR, PAYLOAD, TLVS, HEX = "907", "212", "213", "312"
DIALECTS = {
    SAR: 'concatenation = "sar"',
    PAYLOAD: 'concatenation = "payload"',
    TLVS: 'tlvs = "all"',
    HEX: "",
}
CARRIER = """
[[carrier]]
id = "node{area}"
{ids}

[carrier.dialect]
{dialect}

[[carrier.route]]
prefixes = ["1{area}"]

[[carrier.bind]]
id = "1"
host = "127.0.0.1"
port = {port}
system_id = "supernet"
password = "simpass"
"""
LANGUAGES = """
[text]
national_languages = ["tr", "es", "pt"]
"""
IDS = 'response_id = "hex"\nreceipt_id = "decimal"'
LONG_TEXT = "0123456789" * 40


@dataclass(frozen=True)
class DialectSite:
    gateway: GatewaySite
    smsc: NodeScript

    async def send(self, area: str, text: str) -> list[dict[str, Any]]:
        """What the carrier has got of a message that is now delivered."""
        recipient = self.gateway.recipient(area)
        message = await self.gateway.rest.final(await self.gateway.rest.create(recipient, text))
        assert message["status"] == "delivered"
        return self.smsc.events("submit_sm", destination_addr=recipient.removeprefix("+"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def dialect_site(
    node_modules: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[DialectSite]:
    async with AsyncExitStack() as stack:
        smsc = await stack.enter_async_context(NodeScript(node_modules, "smsc.js"))
        port = (await smsc.wait_for("listening"))[0]["port"]
        carriers = "".join(
            CARRIER.format(area=area, dialect=dialect, ids=IDS if area == HEX else "", port=port)
            for area, dialect in DIALECTS.items()
        )
        gateway = await stack.enter_async_context(
            a_gateway(
                tmp_path_factory.mktemp("node"),
                {"node": port},
                gateway_toml=LANGUAGES,
                carriers_toml=carriers,
            )
        )
        await until(gateway.daemon.health, lambda health: health["status"] == "ok")
        yield DialectSite(gateway, smsc)


async def test_gsm_17_parts_by_sar_tlvs_have_no_header(dialect_site: DialectSite) -> None:
    parts = await dialect_site.send(SAR, LONG_TEXT)

    assert "".join(part["text"] for part in parts) == LONG_TEXT
    assert [part["sar_segment_seqnum"] for part in parts] == [1, 2, 3]
    assert {part["sar_total_segments"] for part in parts} == {3}
    assert len({part["sar_msg_ref_num"] for part in parts}) == 1
    assert [(part["udh"], part["esm_class"] & 0x40) for part in parts] == [([], 0)] * 3


async def test_gsm_17_text_goes_whole_in_message_payload(dialect_site: DialectSite) -> None:
    parts = await dialect_site.send(PAYLOAD, LONG_TEXT)

    assert [(part["text"], part["udh"]) for part in parts] == [(LONG_TEXT, [])]


async def test_srv_22_vendor_tlv_of_a_customer_reaches_the_carrier(
    dialect_site: DialectSite, node_modules: Path
) -> None:
    recipient = dialect_site.gateway.recipient(TLVS)
    port = dialect_site.gateway.daemon.smpp_port
    async with a_bound_node(port, node_modules) as esme:
        await submit(esme, recipient, "with a TLV", vendor={"hex": "0102ff"})
        await esme.wait_for("deliver_sm")

    (part,) = dialect_site.smsc.events("submit_sm", destination_addr=recipient.removeprefix("+"))
    assert part["vendor"] == "0102ff"


async def test_rcp_2_hexadecimal_answer_and_decimal_receipt_are_one_id(
    dialect_site: DialectSite,
) -> None:
    dialect_site.smsc.ask(hex_ids=True)
    try:
        parts = await dialect_site.send(HEX, "by number")
    finally:
        dialect_site.smsc.ask(hex_ids=False)

    assert len(parts) == 1


# Each more than 70 characters, so that UCS-2 would take another part.
@pytest.mark.parametrize(
    "text",
    [
        "Bugün hava çok güzel, İstanbul'da ışıl ışıl bir güneş var; Şişli'ye gidiyoruz. " * 3,  # noqa: RUF001
        "Mañana iré a Cádiz, después a Málaga y también a Jaén: allí está mi tío Ramón. " * 3,
        "Amanhã vou a São João da Madeira, às três; não é longe. Até já, Conceição! " * 3,
    ],
    ids=["turkish", "spanish", "portuguese"],
)
async def test_gsm_12_node_smpp_reads_our_national_language_tables(
    dialect_site: DialectSite, text: str
) -> None:
    parts = await dialect_site.send("206", text)

    elements = [element[:2] for part in parts for element in part["udh"]]
    assert "".join(part["text"] for part in parts) == text
    assert {"24", "25"} & set(elements)
    assert elements.count("00") == len(parts)
