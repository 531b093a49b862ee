"""ESMEs that come over TLS, with a certificate, or through a proxy: on real sockets."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from gateway.config.sections import SmppTls
from gateway.net.network import Network, ProtocolFactory, TcpNetwork
from gateway.net.tls import client_context, server_context
from gateway.smpp import codec
from gateway.smpp.constants import CommandStatus
from gateway.smpp.pdus import BindTransceiver
from tests.carriers_sim.customer import Customer
from tests.e2e.process import PATIENCE_S
from tests.ingress.esme_world import SUBMIT, SmppSite
from tests.support.authority import Authority
from tests.support.memory_network import MemoryNetwork

pytestmark = pytest.mark.e2e

NAME = "gateway.customer.example"
LOOPBACK = "127.0.0.1"


class OverTls(TcpNetwork):
    """A client's network, where every connection is with this context."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context

    async def connect(
        self,
        host: str,
        port: int,
        factory: ProtocolFactory,
        tls: ssl.SSLContext | None = None,
        server_name: str = "",
    ) -> None:
        await super().connect(host, port, factory, self._context, server_name)


@asynccontextmanager
async def a_server(
    tls: ssl.SSLContext | None = None,
    esme: dict[str, Any] | None = None,
    proxies: Sequence[str] = (),
) -> AsyncIterator[SmppSite]:
    config = {"port": 0, "tls": SmppTls(port=0), "proxy_protocol": tuple(proxies)}
    site = SmppSite(config, esme, cast(MemoryNetwork, TcpNetwork()), tls)
    await site.server.start()
    try:
        yield site
    finally:
        await site.server.stop()
        site.delivery.close()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


def a_context(authority: Authority, client_ca: str = "") -> ssl.SSLContext:
    certificate, key = authority.issue("server", "smpp.example", "IP:127.0.0.1")
    return server_context(certificate, key, client_ca)


async def status_of_bind(site: SmppSite, network: Network, port: int) -> int:
    customer = await Customer(site.clock).connect(network, port)
    async with asyncio.timeout(PATIENCE_S):
        status = (await site.bind(customer)).command_status
        if not status:
            assert (await customer.send(SUBMIT)).command_status == CommandStatus.ESME_ROK
    customer.connection.unbind()
    return status


async def test_an_esme_that_must_binds_over_tls_and_not_without(authority: Authority) -> None:
    over_tls = OverTls(client_context(authority.certificate))
    async with a_server(a_context(authority), {"require_tls": True}) as site:
        server = site.server
        assert await status_of_bind(site, over_tls, server.tls_port) == CommandStatus.ESME_ROK
        assert await status_of_bind(site, TcpNetwork(), server.port) == (
            CommandStatus.ESME_RBINDFAIL
        )


@pytest.mark.parametrize(
    ("names", "status"),
    [
        (f"DNS:{NAME}", CommandStatus.ESME_ROK),
        ("DNS:another.example", CommandStatus.ESME_RBINDFAIL),
    ],
)
async def test_an_esme_shows_its_certificate(
    authority: Authority, names: str, status: CommandStatus
) -> None:
    certificate, key = authority.issue("client", "somebody", names)
    over_tls = OverTls(client_context(authority.certificate, certificate, key))
    context = a_context(authority, authority.certificate)
    async with a_server(context, {"certificate": NAME}) as site:
        assert await status_of_bind(site, over_tls, site.server.tls_port) == status


async def test_who_shows_no_certificate_gets_no_session(authority: Authority) -> None:
    context = a_context(authority, authority.certificate)
    async with a_server(context) as site:
        customer = Customer(site.clock)
        over_tls = OverTls(client_context(authority.certificate))
        # With TLS 1.3 a client learns of it only when it reads.
        await customer.connect(over_tls, site.server.tls_port)
        async with asyncio.timeout(PATIENCE_S):
            await customer.closed.wait()
        assert site.server.binds() == []


@pytest.mark.parametrize(
    ("client", "status"),
    [("198.51.100.7", CommandStatus.ESME_ROK), ("198.51.100.8", CommandStatus.ESME_RBINDFAIL)],
)
async def test_behind_a_proxy_the_client_s_address_counts(
    client: str, status: CommandStatus
) -> None:
    esme = {"allowed_ips": ("198.51.100.7",)}
    async with a_server(esme=esme, proxies=(LOOPBACK,)) as site:
        reader, writer = await asyncio.open_connection(LOOPBACK, site.server.port)
        writer.write(f"PROXY TCP4 {client} {LOOPBACK} 40000 2775\r\n".encode())
        writer.write(codec.encode(BindTransceiver(system_id="demo", password="secret"), 1))
        async with asyncio.timeout(PATIENCE_S):
            header = await reader.readexactly(codec.HEADER.size)
        assert codec.HEADER.unpack(header)[2] == status
        writer.close()
