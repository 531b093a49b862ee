"""A carrier that calls us: node-smpp connects, says outbind, and is bound to (SMPP v3.4 §2.2.1)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.configuration import SHORT_CODE
from tests.e2e.webhook_sink import WebhookSink
from tests.interop.free_port import free_port, listened_to
from tests.interop.gateway_site import GatewaySite, a_gateway
from tests.interop.node_smpp import NodeScript

pytestmark = [pytest.mark.interop, pytest.mark.asyncio(loop_scope="module")]

CALLER, PASSWORD = "caller", "callpass"
CARRIER = """
[[carrier]]
id = "node"

[[carrier.route]]
prefixes = ["1"]

[[carrier.bind]]
id = "1"
system_id = "supernet"
password = "simpass"

[carrier.bind.outbind]
system_id = "caller"
password = "callpass"
port = {port}
"""


@dataclass(frozen=True)
class OutbindSite:
    gateway: GatewaySite
    smsc: NodeScript
    sink: WebhookSink
    port: int

    def call(self, password: str = PASSWORD) -> None:
        pdu = {"system_id": CALLER, "password": password}
        self.smsc.ask(outbind={"port": self.port, "pdu": pdu})


@pytest_asyncio.fixture(loop_scope="module")
async def outbind_site(node_modules: Path, tmp_path: Path) -> AsyncIterator[OutbindSite]:
    """Our only way to this carrier is that it calls us."""
    port = free_port()
    async with AsyncExitStack() as stack:
        smsc = await stack.enter_async_context(NodeScript(node_modules, "smsc.js"))
        await smsc.wait_for("listening")
        sink = await stack.enter_async_context(WebhookSink())
        gateway = await stack.enter_async_context(
            a_gateway(
                tmp_path,
                {},
                f"{sink.url}/sms",
                carriers_toml=CARRIER.format(port=port),
            )
        )
        await listened_to(port)
        yield OutbindSite(gateway, smsc, sink, port)


async def test_outbind_is_answered_by_a_bind_and_carries_messages(
    outbind_site: OutbindSite,
) -> None:
    outbind_site.call()
    bind = (await outbind_site.smsc.wait_for("bind_transceiver"))[0]
    outbind_site.smsc.ask(
        command="deliver_sm",
        pdu={
            "source_addr_ton": 1,
            "source_addr": "12065550100",
            "destination_addr": SHORT_CODE,
            "short_message": "for you",
        },
    )
    await outbind_site.sink.wait_for(lambda: bool(outbind_site.sink.of("/sms")))

    assert (bind["system_id"], bind["password"]) == ("supernet", "simpass")
    assert outbind_site.sink.of("/sms")[0]["Body"] == "for you"


async def test_outbind_with_a_wrong_password_is_not_bound_to(outbind_site: OutbindSite) -> None:
    outbind_site.call(password="wrong")
    await outbind_site.smsc.wait_for("close")

    assert outbind_site.smsc.events("bind_transceiver") == []
