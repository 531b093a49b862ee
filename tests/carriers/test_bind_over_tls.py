"""A bind over TLS, on loopback: whom it trusts."""

import asyncio
import ssl
from pathlib import Path
from random import Random

import pytest

from gateway.carriers.bind_events import BindCameUp, BindEvent
from gateway.carriers.smpp_bind import SmppBind
from gateway.clock import system_clock
from gateway.config.carrier import BindTls
from gateway.net.errors import TlsError
from gateway.net.network import TcpNetwork
from gateway.net.smpp_connection import SmppConnection
from gateway.net.tls import server_context
from gateway.smpp.events import Event, Request
from gateway.smpp.pdus import BindTransceiver, BindTransceiverResp
from gateway.smpp.session import Timers
from gateway.smpp.states import Role
from tests.messaging.traffic_world import a_bind
from tests.support.authority import Authority

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "authority")


@pytest.fixture(scope="module")
def issued(authority: Authority) -> tuple[str, str]:
    return authority.issue("smsc", "smsc", "DNS:smsc.carrier.example")


async def comes_up(tls: BindTls, server: ssl.SSLContext) -> bool:
    """Whether a bind so configured comes up, at its first attempt."""
    loop = asyncio.get_running_loop()
    clock = system_clock(loop.time)
    ended: asyncio.Future[bool] = loop.create_future()

    def on_event(connection: SmppConnection, event: Event) -> None:
        if isinstance(event, Request) and isinstance(event.pdu, BindTransceiver):
            connection.respond(event.sequence_number, BindTransceiverResp("SMSC"))

    def told(event: BindEvent) -> None:
        if isinstance(event, BindCameUp) and not ended.done():
            ended.set_result(True)

    class Impatient(Random):
        """Chance; it is asked for a pause once an attempt has failed."""

        def uniform(self, a: float, b: float) -> float:
            if not ended.done():
                ended.set_result(False)
            return a

    network = TcpNetwork()
    listening = await network.listen(
        "127.0.0.1",
        0,
        lambda: SmppConnection(Role.SMSC, clock, Timers(), on_event),
        server,
    )
    config = a_bind(port=listening.port, tls=tls)
    bind = SmppBind("alpha/1", config, network, clock, Impatient(), told)
    running = asyncio.ensure_future(bind.run())
    try:
        async with asyncio.timeout(10):
            return await ended
    finally:
        await bind.drain()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await listening.close()


@pytest.mark.parametrize(
    ("server_name", "expected"),
    [("smsc.carrier.example", True), ("", False), ("other.example", False)],
    ids=["its name", "the name of the host", "another name"],
)
async def test_a_carrier_must_be_who_it_is_said_to_be(
    authority: Authority, issued: tuple[str, str], server_name: str, expected: bool
) -> None:
    tls = BindTls(ca_file=authority.certificate, server_name=server_name)
    assert await comes_up(tls, server_context(*issued)) is expected


async def test_a_carrier_of_an_unknown_authority_is_not_bound_to(issued: tuple[str, str]) -> None:
    tls = BindTls(server_name="smsc.carrier.example")
    assert not await comes_up(tls, server_context(*issued))


async def test_a_carrier_need_not_be_verified(issued: tuple[str, str]) -> None:
    assert await comes_up(BindTls(verify=False), server_context(*issued))


async def test_a_carrier_that_wants_to_know_us_is_shown_our_certificate(
    authority: Authority, issued: tuple[str, str]
) -> None:
    certificate, key = authority.issue("us", "us", "DNS:us.example")
    server = server_context(*issued, authority.certificate)
    tls = BindTls(authority.certificate, certificate, key, "smsc.carrier.example")
    assert await comes_up(tls, server)


async def test_a_file_that_cannot_be_used_is_told_at_the_start(tmp_path: Path) -> None:
    config = a_bind(tls=BindTls(ca_file=str(tmp_path / "none")))
    clock = system_clock(asyncio.get_running_loop().time)
    with pytest.raises(TlsError, match="ca_file"):
        SmppBind("alpha/1", config, TcpNetwork(), clock, Random(), lambda event: None)
