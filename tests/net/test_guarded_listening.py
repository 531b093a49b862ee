"""What a connection must show before it is a session: a proxy's header, a handshake."""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import uvloop

from gateway.net import guarded_listening
from gateway.net.errors import ListenError
from gateway.net.guarded_listening import GuardedListening
from gateway.net.network import TcpNetwork
from gateway.net.tls import PeerCertificate, client_context, server_context
from gateway.smpp import codec
from gateway.smpp.pdus import BindTransceiver
from tests.net.guarded import LOOPBACK, Guarded, ended, guarded
from tests.net.test_proxy_protocol import LOAD_BALANCER
from tests.support.authority import Authority

pytestmark = pytest.mark.e2e

BIND = codec.encode(BindTransceiver(), 1)
V1 = b"PROXY TCP4 203.0.113.7 192.0.2.1 4711 2775\r\n"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "authority")


@pytest.fixture(scope="module")
def tls(authority: Authority) -> ssl.SSLContext:
    return server_context(*authority.issue("server", "a server", "IP:127.0.0.1,DNS:smpp.example"))


@pytest.fixture(scope="module")
def mutual_tls(authority: Authority) -> ssl.SSLContext:
    certificate = authority.issue("mutual", "a server", "IP:127.0.0.1")
    return server_context(*certificate, authority.certificate)


@pytest.mark.parametrize(
    ("header", "client"),
    [(V1, "203.0.113.7"), (LOAD_BALANCER, "172.31.7.113"), (b"PROXY UNKNOWN\r\n", LOOPBACK)],
    ids=["v1", "v2", "unknown"],
)
async def test_peer_is_whom_the_proxy_names_and_nothing_behind_the_header_is_lost(
    header: bytes, client: str
) -> None:
    async with guarded() as server:
        await server.send(header + BIND)
        connection, request = await server.request()
        assert (connection.peer, request.pdu) == (client, BindTransceiver())


async def test_header_may_come_octet_by_octet() -> None:
    async with guarded() as server:
        _, writer = await server.connect()
        for octet in V1:
            writer.write(bytes([octet]))
            await writer.drain()
        writer.write(BIND)
        connection, _ = await server.request()
        assert connection.peer == "203.0.113.7"


async def test_who_is_no_proxy_is_not_believed() -> None:
    async with guarded(proxies=("192.0.2.0/24",)) as server:
        assert await server.send(V1 + BIND) is not None
        await server.send(BIND)
        connection, _ = await server.request()
        assert connection.peer == LOOPBACK
        assert server.requests.empty()


@pytest.mark.parametrize(
    ("octets", "reason"),
    [(BIND, "no PROXY header"), (V1.replace(b"TCP4", b"UDP4"), "not of the form")],
    ids=["missing", "malformed"],
)
async def test_proxy_without_a_header_that_can_be_read_is_refused(
    octets: bytes, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with guarded() as server:
        with caplog.at_level(logging.WARNING):
            assert await ended(await server.send(octets))
    (record,) = caplog.records
    assert (record.message, record.__dict__["peer"]) == ("connection refused", LOOPBACK)
    assert reason in record.__dict__["reason"]


async def test_connection_that_ends_within_its_header_is_refused(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with guarded() as server:
        reader, writer = await server.connect()
        writer.write(V1[:20])
        writer.write_eof()
        assert await ended(reader)
    assert "ended within" in caplog.records[0].__dict__["reason"]


async def test_silence_in_place_of_a_header_is_refused_in_time(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(guarded_listening, "GUARD_TIMEOUT_S", 0.05)
    async with guarded() as server:
        assert await ended(await server.send(b""))
    assert caplog.records[0].__dict__["reason"] == "nothing within 0.05 s"


async def test_only_so_many_may_be_without_a_session(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(guarded_listening, "GUARDED_MAX", 1)
    async with guarded() as server:
        first = await server.send(V1[:9])
        assert await ended(await server.send(V1 + BIND))
        assert caplog.records[0].__dict__["reason"] == "too many"
        assert not first.at_eof()


async def test_close_drops_who_has_no_session_yet() -> None:
    async with guarded() as server:
        silent = await server.send(V1[:9])
        await server.listening.close()
        assert await ended(silent)


async def test_address_that_cannot_be_had_is_a_listen_error() -> None:
    async with guarded() as server:
        with pytest.raises(ListenError):
            await TcpNetwork().listen(LOOPBACK, server.port, asyncio.Protocol, None, ("::1",))


@pytest.mark.parametrize("proxies", [(), ("192.0.2.1",)], ids=["plain", "guarded"])
async def test_name_that_is_nobodys_is_a_listen_error(proxies: tuple[str, ...]) -> None:
    with pytest.raises(ListenError, match=r"cannot listen on nobody.invalid:0: .*n"):
        await TcpNetwork().listen("nobody.invalid", 0, asyncio.Protocol, None, proxies)


async def over_tls(server: Guarded, context: ssl.SSLContext, header: bytes = b"") -> None:
    """Write the header in clear, shake hands, and bind."""
    _, writer = await server.connect()
    if header:
        writer.write(header)
    await writer.start_tls(context, server_hostname=LOOPBACK)
    writer.write(BIND)


@pytest.mark.parametrize(
    "loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
)
def test_header_comes_in_clear_before_the_handshake(
    loop: Callable[[], asyncio.AbstractEventLoop], tls: ssl.SSLContext, authority: Authority
) -> None:
    async def bound() -> str:
        async with guarded(tls) as server:
            await over_tls(server, client_context(authority.certificate), V1)
            connection, _ = await server.request()
            return connection.peer

    with asyncio.Runner(loop_factory=loop) as runner:
        assert runner.run(bound()) == "203.0.113.7"


@pytest.mark.parametrize(
    "loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
)
def test_client_is_known_by_its_certificate(
    loop: Callable[[], asyncio.AbstractEventLoop],
    mutual_tls: ssl.SSLContext,
    authority: Authority,
) -> None:
    ours = authority.issue("acme", "acme", "DNS:sms.acme.example")

    async def bound() -> PeerCertificate | None:
        async with guarded(mutual_tls, proxies=()) as server:
            await over_tls(server, client_context(authority.certificate, *ours))
            connection, _ = await server.request()
            return connection.certificate

    with asyncio.Runner(loop_factory=loop) as runner:
        certificate = runner.run(bound())
    assert certificate == PeerCertificate("commonName=acme", ("acme", "sms.acme.example"))


async def test_client_without_a_certificate_gets_no_session_of_mutual_tls(
    mutual_tls: ssl.SSLContext, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    async with guarded(mutual_tls, proxies=()) as server:
        reader, writer = await server.connect(client_context(authority.certificate))
        writer.write(BIND)
        assert await ended(reader)
        assert server.requests.empty()
    assert "PEER_DID_NOT_RETURN_A_CERTIFICATE" in caplog.records[0].__dict__["reason"]


async def test_certificate_of_a_strange_authority_gets_no_session(
    mutual_tls: ssl.SSLContext, authority: Authority, tmp_path: Path
) -> None:
    strange = Authority(tmp_path / "strange").issue("acme", "acme", "DNS:acme.example")
    async with guarded(mutual_tls, proxies=()) as server:
        context = client_context(authority.certificate, *strange)
        reader, writer = await server.connect(context)
        writer.write(BIND)
        assert await ended(reader)
        assert server.requests.empty()


async def test_plain_octets_get_no_session_of_tls(tls: ssl.SSLContext) -> None:
    async with guarded(tls, proxies=()) as server:
        reader = await server.send(BIND)
        async with asyncio.timeout(10):
            assert BIND not in await reader.read()
        assert server.requests.empty()


async def test_listener_that_fails_is_told_and_tried_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As it does when the process has no file descriptors left."""
    monkeypatch.setattr(guarded_listening, "ACCEPT_PAUSE_S", 0.0)
    deaf = socket.socket()
    deaf.setblocking(False)
    listening = GuardedListening([deaf], asyncio.Protocol, None, ())
    while len(caplog.records) < 2:  # noqa: ASYNC110 - it tells nobody but the log
        await asyncio.sleep(0)
    assert caplog.records[1].message == "connections cannot be accepted"
    await listening.close()
