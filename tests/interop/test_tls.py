"""SMPP over TLS, with the TLS of others: OpenSSL through Node.js, Python and Kannel."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from carriers_sim.config import CarrierConfig, SimulatorConfig
from carriers_sim.simulator import Simulator
from tests.e2e.configuration import LONG_CODE
from tests.e2e.patience import until
from tests.interop.free_port import free_port, listened_to
from tests.interop.gateway_site import GatewaySite, a_gateway
from tests.interop.kannel import DELIVERED, a_kannel, smsc
from tests.interop.node_esme import a_bound_node, a_node, submit
from tests.interop.node_smpp import NodeScript
from tests.interop.peers import PeerMissing
from tests.interop.smpplib_esme import SmpplibEsme
from tests.support.authority import Authority

pytestmark = [pytest.mark.interop, pytest.mark.asyncio(loop_scope="module")]

LISTENER = """
[smpp.tls]
cert_file = "{certificate}"
key_file = "{key}"
port = {port}
"""
MUTUAL = 'client_ca_file = "{authority}"\nonly = true\n'
TO_CARRIER = """
[carrier.bind.tls]
ca_file = "{authority}"
"""


@dataclass(frozen=True)
class TlsSite:
    """A gateway that listens with TLS, for clients of this authority too or only for them."""

    gateway: GatewaySite
    carriers: Simulator
    port: int
    authority: Authority

    def arrived(self, recipient: str) -> list[str]:
        messages = self.carriers.recorder.messages
        return [message.text for message in messages if message.recipient == recipient]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "authority")


async def a_tls_site(
    stack: AsyncExitStack, directory: Path, authority: Authority, more: str = ""
) -> TlsSite:
    port = free_port()
    certificate, key = authority.issue("gateway", "gateway", "IP:127.0.0.1,DNS:localhost")
    listener = LISTENER.format(certificate=certificate, key=key, port=port)
    config = SimulatorConfig(carriers=(CarrierConfig(name="alpha"),))
    carriers = await stack.enter_async_context(Simulator(config))
    gateway = await stack.enter_async_context(
        a_gateway(directory, {"alpha": carriers["alpha"].port}, gateway_toml=listener + more)
    )
    await until(gateway.daemon.health, lambda health: health["status"] == "ok")
    await listened_to(port)
    return TlsSite(gateway, carriers, port, authority)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tls_site(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority
) -> AsyncIterator[TlsSite]:
    async with AsyncExitStack() as stack:
        yield await a_tls_site(stack, tmp_path_factory.mktemp("site"), authority)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def mutual_site(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority
) -> AsyncIterator[TlsSite]:
    async with AsyncExitStack() as stack:
        more = MUTUAL.format(authority=authority.certificate)
        yield await a_tls_site(stack, tmp_path_factory.mktemp("mutual"), authority, more)


async def test_node_smpp_over_tls(tls_site: TlsSite, node_modules: Path) -> None:
    recipient = tls_site.gateway.recipient()
    tls = {"ca": tls_site.authority.certificate}
    async with a_bound_node(tls_site.port, node_modules, tls=tls) as esme:
        sid = await submit(esme, recipient, "over TLS")
        await esme.wait_for("deliver_sm", receipted_message_id=sid)

    assert tls_site.arrived(recipient) == ["over TLS"]


async def test_node_smpp_that_does_not_know_our_authority_leaves(
    tls_site: TlsSite, node_modules: Path
) -> None:
    async with a_node(tls_site.port, node_modules, tls={}) as esme:
        error = (await esme.wait_for("error"))[0]

    assert "certificate" in error["reason"]


async def test_smpplib_over_tls(tls_site: TlsSite) -> None:
    recipient = tls_site.gateway.recipient()
    context = ssl.create_default_context(cafile=tls_site.authority.certificate)
    context.check_hostname = False  # smpplib does not tell it whom it calls.

    def act() -> None:
        with SmpplibEsme(tls_site.port, tls=context) as esme:
            (sid,) = esme.submit("over TLS", recipient)
            esme.read_receipt(sid)

    await asyncio.to_thread(act)

    assert tls_site.arrived(recipient) == ["over TLS"]


async def test_kannel_over_tls(tls_site: TlsSite, tmp_path: Path) -> None:
    recipient = tls_site.gateway.recipient()
    section = smsc("tls", port=tls_site.port, transceiver_mode="true", use_ssl="true")
    try:
        async with a_kannel(tmp_path, section) as kannel:
            await kannel.send("tls", LONG_CODE, recipient, "over TLS")

            assert await kannel.receipts(recipient) == [DELIVERED]
    except PeerMissing as missing:
        pytest.skip(str(missing))

    assert tls_site.arrived(recipient) == ["over TLS"]


async def test_client_without_tls_gets_nothing(tls_site: TlsSite, node_modules: Path) -> None:
    async with a_node(tls_site.port, node_modules) as esme:
        await esme.wait_for("close")

        assert esme.events("bind_transceiver_resp") == []


async def test_mutual_tls_takes_a_client_of_the_authority(
    mutual_site: TlsSite, node_modules: Path
) -> None:
    recipient = mutual_site.gateway.recipient()
    certificate, key = mutual_site.authority.issue("client", "esme", "DNS:esme.test")
    tls = {"ca": mutual_site.authority.certificate, "cert": certificate, "key": key}
    async with a_bound_node(mutual_site.port, node_modules, tls=tls) as esme:
        await submit(esme, recipient, "over mutual TLS")
        await esme.wait_for("deliver_sm")

    assert mutual_site.arrived(recipient) == ["over mutual TLS"]


async def test_mutual_tls_takes_nobody_without_a_certificate(
    mutual_site: TlsSite, node_modules: Path
) -> None:
    tls = {"ca": mutual_site.authority.certificate}
    async with a_node(mutual_site.port, node_modules, tls=tls) as esme:
        await esme.wait_for("close")

        assert esme.events("bind_transceiver_resp") == []


async def test_carrier_on_node_smpp_over_tls(
    authority: Authority, node_modules: Path, tmp_path: Path
) -> None:
    certificate, key = authority.issue("carrier", "carrier", "IP:127.0.0.1")
    files = json.dumps({"cert": certificate, "key": key})
    async with NodeScript(node_modules, "smsc.js", files) as carrier:
        port = (await carrier.wait_for("listening"))[0]["port"]
        tls = TO_CARRIER.format(authority=authority.certificate)
        async with a_gateway(tmp_path, {"node": port}, carriers_toml=tls) as gateway:
            await carrier.wait_for("bind_transceiver")
            sid = await gateway.rest.create(gateway.recipient(), "over TLS")

            assert (await gateway.rest.final(sid))["status"] == "delivered"


async def test_carrier_of_another_name_is_not_bound_to(
    authority: Authority, node_modules: Path, tmp_path: Path
) -> None:
    certificate, key = authority.issue("other", "carrier", "DNS:other.test")
    files = json.dumps({"cert": certificate, "key": key})
    async with NodeScript(node_modules, "smsc.js", files) as carrier:
        port = (await carrier.wait_for("listening"))[0]["port"]
        tls = TO_CARRIER.format(authority=authority.certificate)
        async with a_gateway(tmp_path, {"node": port}, carriers_toml=tls):
            await carrier.wait_for("tls error")

            assert carrier.events("bind_transceiver") == []
