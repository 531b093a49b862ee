"""node-smpp as a carrier of ours."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.e2e.configuration import LONG_CODE, SHORT_CODE, write_configuration
from tests.e2e.daemon import Daemon
from tests.e2e.forked_daemon import ForkedDaemon
from tests.e2e.patience import until
from tests.e2e.rest_client import RestClient
from tests.e2e.webhook_sink import WebhookSink
from tests.interop.node_smpp import NodeScript

pytestmark = [pytest.mark.interop, pytest.mark.asyncio(loop_scope="module")]

UCS2 = 8
CONCATENATION_8_BIT = "0003"


@dataclass(frozen=True)
class NodeSite:
    smsc: NodeScript
    daemon: Daemon
    rest: RestClient
    sink: WebhookSink
    numbers: count[int] = field(default_factory=lambda: count(1_000))

    def recipient(self) -> str:
        return f"+1206555{next(self.numbers)}"

    async def send(self, text: str) -> list[dict[str, Any]]:
        """What the carrier has got of a message that is now delivered."""
        recipient = self.recipient()
        message = await self.rest.final(await self.rest.create(recipient, text))
        assert message["status"] == "delivered"
        return [
            part
            for part in self.smsc.events("submit_sm")
            if part["destination_addr"] == recipient.removeprefix("+")
        ]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node_site(
    node_modules: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[NodeSite]:
    async with AsyncExitStack() as stack:
        smsc = await stack.enter_async_context(NodeScript(node_modules, "smsc.js"))
        port = (await smsc.wait_for("listening"))[0]["port"]
        sink = await stack.enter_async_context(WebhookSink())
        entry = write_configuration(
            tmp_path_factory.mktemp("node"), {"node": port}, f"{sink.url}/sms"
        )
        daemon = await stack.enter_async_context(ForkedDaemon(entry))
        rest = await stack.enter_async_context(RestClient(lambda: daemon.rest))
        await smsc.wait_for("bind_transceiver")
        yield NodeSite(smsc, daemon, rest, sink)


async def test_it_understands_our_bind(node_site: NodeSite) -> None:
    bind = node_site.smsc.events("bind_transceiver")[0]

    assert (bind["system_id"], bind["password"]) == ("supernet", "simpass")


@pytest.mark.parametrize(
    ("text", "data_coding"), [("Hello {€} [Ω]", 0), ("Привет 👋", UCS2)], ids=["gsm", "ucs2"]
)
async def test_it_reads_our_text_and_we_its_receipt(
    node_site: NodeSite, text: str, data_coding: int
) -> None:
    parts = await node_site.send(text)

    assert [(part["text"], part["data_coding"]) for part in parts] == [(text, data_coding)]
    assert parts[0]["source_addr"] == LONG_CODE.removeprefix("+")


@pytest.mark.parametrize("text", ["0123456789" * 40, "Привет 👋 " * 20], ids=["gsm", "ucs2"])
async def test_gsm_13_it_puts_our_parts_together(node_site: NodeSite, text: str) -> None:
    parts = await node_site.send(text)

    headers = [element for part in parts for element in part["udh"]]
    total = len(parts)
    assert "".join(str(part["text"]) for part in parts) == text
    assert [header[:4] for header in headers] == [CONCATENATION_8_BIT] * total
    assert [header[6:] for header in headers] == [
        f"{total:02x}{number:02x}" for number in range(1, total + 1)
    ]


async def test_cli_5_its_throttling_only_delays(node_site: NodeSite) -> None:
    node_site.smsc.ask(answer="ESME_RTHROTTLED")
    before = len(node_site.smsc.events("refused"))

    await node_site.send("throttled once")

    assert len(node_site.smsc.events("refused")) == before + 1


async def test_rcp_4_receipt_may_come_as_data_sm(node_site: NodeSite) -> None:
    node_site.smsc.ask(receipts="data_sm")
    try:
        await node_site.send("told by data_sm")
    finally:
        node_site.smsc.ask(receipts="deliver_sm")
    answered = await node_site.smsc.wait_for("data_sm_resp")

    assert answered[0]["status"] == "ESME_ROK"


async def test_rcp_1_text_like_a_receipt_is_a_message(node_site: NodeSite) -> None:
    """Jasmin takes it for a receipt."""
    text = "id:1 sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 stat:DELIVRD err:0"
    node_site.smsc.ask(
        command="deliver_sm",
        pdu={
            "source_addr_ton": 1,
            "source_addr": "12065550101",
            "destination_addr": SHORT_CODE,
            "short_message": text,
        },
    )
    sink = node_site.sink
    await sink.wait_for(lambda: any(call["Body"] == text for call in sink.of("/sms")))


async def test_message_from_a_handset(node_site: NodeSite) -> None:
    node_site.smsc.ask(
        command="deliver_sm",
        pdu={
            "source_addr_ton": 1,
            "source_addr": "12065550100",
            "destination_addr": SHORT_CODE,
            "short_message": "Ваш код",
        },
    )
    sink = node_site.sink
    await sink.wait_for(lambda: any(call["Body"] == "Ваш код" for call in sink.of("/sms")))

    assert [call["From"] for call in sink.of("/sms") if call["Body"] == "Ваш код"] == [
        "+12065550100"
    ]


async def test_srv_9_we_answer_its_enquire_link(node_site: NodeSite) -> None:
    node_site.smsc.ask(command="enquire_link")

    assert (await node_site.smsc.wait_for("enquire_link_resp"))[0]["status"] == "ESME_ROK"


@pytest.mark.parametrize("how", [{"command": "unbind"}, {"hang_up": True}], ids=["unbind", "cut"])
async def test_cli_4_we_come_back_when_it_ends_the_session(
    node_site: NodeSite, how: dict[str, object]
) -> None:
    binds = len(node_site.smsc.events("bind_transceiver"))
    node_site.smsc.ask(**how)
    await node_site.smsc.wait_for("bind_transceiver", binds + 1)
    await until(node_site.daemon.health, lambda health: health["status"] == "ok")

    assert len(await node_site.send("after the session")) == 1
