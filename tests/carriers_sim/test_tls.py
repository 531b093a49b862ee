"""TLS listeners, over real sockets and with certificates that openssl makes."""

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from carriers_sim.config import CarrierConfig, SimulatorConfig, Tls
from carriers_sim.simulator import Simulator
from gateway.clock import system_clock
from gateway.net.errors import TlsError
from gateway.net.network import TcpNetwork
from tests.carriers_sim.customer import Customer

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed"),
]


@pytest.fixture
def tls(tmp_path: Path) -> Tls:
    """A certificate for 127.0.0.1 that signs for itself."""
    certificate, key = tmp_path / "carrier.crt", tmp_path / "carrier.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=a carrier", "-addext",
         "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return Tls(certificate=str(certificate), key=str(key))


@pytest.fixture
async def mutual(tls: Tls) -> AsyncIterator[Simulator]:
    """A carrier whose customers show its own certificate."""
    demanding = Tls(certificate=tls.certificate, key=tls.key, client_ca=tls.certificate)
    config = SimulatorConfig(carriers=(CarrierConfig(name="alpha", tls=demanding),))
    async with Simulator(config) as simulator:
        yield simulator


def client_context(tls: Tls) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=tls.certificate)


async def binds(port: int, context: ssl.SSLContext) -> int:
    clock = system_clock(asyncio.get_running_loop().time)
    customer = await Customer(clock).connect(TcpNetwork(), port, tls=context)
    status = (await customer.bind()).command_status
    customer.connection.unbind()
    await customer.closed.wait()
    return status


async def test_a_carrier_may_speak_tls(tls: Tls) -> None:
    config = SimulatorConfig(carriers=(CarrierConfig(name="alpha", tls=tls),))
    async with Simulator(config) as simulator:
        assert await binds(simulator["alpha"].port, client_context(tls)) == 0


async def test_a_carrier_may_want_to_know_its_customer(mutual: Simulator, tls: Tls) -> None:
    context = client_context(tls)
    context.load_cert_chain(tls.certificate, tls.key)
    assert await binds(mutual["alpha"].port, context) == 0


async def test_a_customer_without_a_certificate_cannot_bind(mutual: Simulator, tls: Tls) -> None:
    with pytest.raises((ssl.SSLError, TimeoutError)):
        async with asyncio.timeout(1):
            await binds(mutual["alpha"].port, client_context(tls))
    assert mutual["alpha"].binds == []


async def test_a_certificate_that_is_not_there_is_named(tmp_path: Path) -> None:
    lost = Tls(certificate=str(tmp_path / "lost.crt"))
    config = SimulatorConfig(carriers=(CarrierConfig(name="alpha", tls=lost),))
    with pytest.raises(TlsError, match=r"lost\.crt"):
        await Simulator(config).start()
