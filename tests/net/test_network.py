"""Connecting: by name, by IPv6 literal, and over TLS to who the certificate says."""

import asyncio
import ssl

import pytest

from gateway.net.network import TcpNetwork
from gateway.net.tls import client_context, server_context
from tests.net.guarded import LOOPBACK, guarded
from tests.support.authority import Authority

pytestmark = pytest.mark.e2e


class Client(asyncio.Protocol):
    """Says something at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "authority")


@pytest.mark.parametrize("proxies", [(), ("192.0.2.1",)], ids=["plain", "guarded"])
@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
async def test_host_is_a_name_or_an_address(host: str, proxies: tuple[str, ...]) -> None:
    async with guarded(proxies=proxies, host=host) as server:
        await TcpNetwork().connect(host, server.port, Client)


async def test_server_is_who_its_certificate_says(authority: Authority) -> None:
    tls = server_context(*authority.issue("one", "one", "DNS:smpp.example"))
    trusting = client_context(authority.certificate)
    async with guarded(tls, proxies=()) as server:
        await TcpNetwork().connect(LOOPBACK, server.port, Client, trusting, "smpp.example")
        with pytest.raises(ssl.SSLCertVerificationError):
            await TcpNetwork().connect(LOOPBACK, server.port, Client, trusting)
        with pytest.raises(ssl.SSLCertVerificationError):
            await TcpNetwork().connect(LOOPBACK, server.port, Client, client_context(), LOOPBACK)
