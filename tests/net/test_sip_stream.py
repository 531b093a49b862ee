"""SIP by connections: which one a message takes, and what becomes of those that misbehave."""

import asyncio
import ssl

import pytest

from gateway.net import sip_connection, sip_connections
from gateway.net.sip_connection import IDLE_S, MESSAGE_S
from gateway.net.sip_connections import CONNECTION_MESSAGES
from gateway.net.source_rate import SourceRate
from gateway.net.tls import client_context, server_context
from gateway.sip.leg_events import Acknowledged, Ended, IncomingCall, OutsideDialog
from gateway.sip.message import SipRequest
from gateway.sip.transaction import Destination, Outgoing
from tests.net.dns_server import dns_server
from tests.net.raw_peers import free_port, request_octets, stream_listener, stream_peer
from tests.net.sip_endpoints import ANSWER, LOOPBACK, PATIENCE_S, hang_up, party, talk
from tests.net.test_sip_udp import answer, options
from tests.support.authority import Authority

pytestmark = pytest.mark.e2e

VIA = f"SIP/2.0/TCP {LOOPBACK}:9;branch=z9hG4bK1"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "authority")


@pytest.fixture(scope="module")
def tls(authority: Authority) -> ssl.SSLContext:
    return server_context(*authority.issue("one", "one", "IP:127.0.0.1,DNS:sip.example"))


@pytest.fixture(scope="module")
def trust(authority: Authority) -> ssl.SSLContext:
    return client_context(authority.certificate)


async def test_answers_and_requests_go_over_the_connection_of_the_peer() -> None:
    async with party() as bob, stream_peer(bob.at("TCP")) as peer:
        peer.send(request_octets("INVITE", VIA))
        leg = (await bob.event(IncomingCall)).leg
        leg.answer(bob.clock.now(), ANSWER)
        bob.endpoint.flush()
        tag = (await peer.response()).to_tag
        ack = request_octets("ACK", VIA).replace(b"bob@example.org>", f"b@x>;tag={tag}".encode())
        peer.send(ack)
        await bob.event(Acknowledged)
        leg.hang_up(bob.clock.now())
        bob.endpoint.flush()
        bye = await peer.message()
        assert isinstance(bye, SipRequest)
        assert bye.method == "BYE"
        peer.send(bye.response(200).to_bytes())
        await bob.event(Ended)


async def test_ping_is_answered_with_a_pong() -> None:
    async with party() as bob, stream_peer(bob.at("TCP")) as peer:
        peer.send(b"\r\n\r\n")
        assert await peer.read() == b"\r\n"


async def test_messages_may_come_in_pieces_and_together() -> None:
    async with party() as bob, stream_peer(bob.at("TCP")) as peer:
        two = [request_octets("OPTIONS", f"{VIA}{number}") for number in (1, 2)]
        whole = b"".join(two).replace(b"Call-ID: one", b"Call-ID: two", 1)
        peer.send(whole[:100])
        await asyncio.sleep(0)
        peer.send(whole[100:])
        await bob.event(OutsideDialog)
        await bob.event(OutsideDialog)


async def test_stream_whose_messages_cannot_be_told_apart_is_answered_and_closed() -> None:
    async with party() as bob, stream_peer(bob.at("TCP")) as peer:
        peer.send(request_octets("OPTIONS", VIA).replace(b"Content-Length: 0", b"X: 0"))
        assert (await peer.response()).status == 400
        assert await peer.ended()


async def test_peer_that_refuses_or_does_not_answer_a_connection_fails_what_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with party() as alice:
        nobody = Destination("TCP", LOOPBACK, free_port())
        assert await options(alice, nobody) == 503
        alice.call(nobody)
        assert (await alice.event(Ended)).status == 503


async def test_connection_that_is_not_made_in_time_fails_what_waits(
    monkeypatch: pytest.MonkeyPatch, trust: ssl.SSLContext
) -> None:
    monkeypatch.setattr(sip_connections, "CONNECT_S", 0.1)
    async with party(more={"client_tls": trust}) as alice, stream_listener() as (port, _):
        assert await options(alice, Destination("TLS", LOOPBACK, port)) == 503


async def test_connection_that_is_lost_fails_what_awaits_its_answer() -> None:
    async with party() as alice, stream_listener() as (port, came):
        alice.call(Destination("TCP", LOOPBACK, port))
        peer = await came.get()
        await peer.message()
        await peer.close()
        assert (await alice.event(Ended)).status == 503


async def test_requests_to_one_peer_share_a_connection() -> None:
    async with party() as alice, stream_listener() as (port, came):
        for _ in range(3):
            alice.call(Destination("TCP", LOOPBACK, port))
        peer = await came.get()
        await peer.message()
        alice.call(Destination("TCP", LOOPBACK, port))
        assert len(alice.endpoint._connections) == 1
        await peer.close()
        for _ in range(4):
            await alice.event(Ended)
        assert came.empty()


async def test_answer_whose_connection_is_gone_goes_to_the_port_of_sent_by() -> None:
    async with party() as bob, stream_listener() as (port, came):
        via = f"SIP/2.0/TCP {LOOPBACK}:{port};branch=z9hG4bK1"
        async with stream_peer(bob.at("TCP")) as peer:
            peer.send(request_octets("OPTIONS", via))
            asked = await bob.event(OutsideDialog)
        await bob.connections(0)
        bob.endpoint.user_agent.respond(asked.transaction, 200, bob.clock.now())
        bob.endpoint.flush()
        async with asyncio.timeout(PATIENCE_S):
            assert (await (await came.get()).response()).status == 200


async def test_request_whose_connection_is_gone_goes_where_its_uri_leads() -> None:
    async with party() as alice, party() as bob:
        _, b_leg = await talk(alice, bob, bob.at("TCP"))
        await bob.event(Acknowledged)
        for connection in list(bob.endpoint._connections._standing.values()):
            connection.abort("test")
        await bob.connections(0)
        await hang_up(bob, b_leg, alice)


@pytest.mark.parametrize(
    ("first_line", "more", "found"),
    [
        (b"BYE sip:a@192.0.2.7 SIP/2.0", (), ("192.0.2.7", 5060)),
        (b"BYE sip:a@192.0.2.7:5070;transport=tcp SIP/2.0", (), ("192.0.2.7", 5070)),
        (b"BYE sip:a@b SIP/2.0", ("Route: <sip:192.0.2.8:5080;lr>",), ("192.0.2.8", 5080)),
        (b"BYE sip:a@b.example SIP/2.0", (), ("192.0.2.1", 40_000)),
        (b"BYE sip:a@b SIP/2.0", ("Route: nonsense",), None),
        (b"SIP/2.0 200 OK", (), ("192.0.2.1", 9)),
    ],
)
def test_way_of_a_message_whose_connection_is_gone(
    first_line: bytes, more: tuple[str, ...], found: tuple[str, int] | None
) -> None:
    octets = request_octets("BYE", VIA, *more)
    octets = octets.replace(octets.partition(b"\r\n")[0], first_line)
    for transport in ("TCP", "TLS"):
        gone = Destination(transport, "192.0.2.1", 40_000, 7)
        way = sip_connections._without_its_connection(Outgoing(octets, gone))
        assert way == (found and Destination(transport, *found))
    gone = Destination("WSS", "192.0.2.1", 40_000, 7)
    assert sip_connections._without_its_connection(Outgoing(octets, gone)) is None


async def test_peer_that_does_not_read_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sip_connection, "WRITE_BUFFER_MAX", 100_000)
    async with party() as alice, stream_listener() as (port, came):
        to = Destination("TCP", LOOPBACK, port)
        alice.call(to)
        peer = await came.get()
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        while len(alice.endpoint._connections):
            alice.call(to, body=b"x" * 60_000)
            await asyncio.sleep(0)
        assert (await alice.event(Ended)).status == 503
        while alice.endpoint.user_agent.legs:
            await alice.event(Ended)


async def test_connections_are_bounded_in_all_and_by_source(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with party() as bob:
        bob.endpoint._connections._per_source_max = 1
        async with stream_peer(bob.at("TCP")) as first, stream_peer(bob.at("TCP")) as second:
            assert await second.ended()
            first.send(b"\r\n\r\n")
            assert await first.read() == b"\r\n"
        bob.endpoint._connections._per_source_max = 9
        bob.endpoint._connections._rate = SourceRate(CONNECTION_MESSAGES)
        async with stream_peer(bob.at("TCP")) as first, stream_peer(bob.at("TCP")) as second:
            assert await second.ended()
            assert not first.reader.at_eof()
        bob.endpoint._connections._rate = SourceRate()
        bob.endpoint._connections._connections_max = 0
        async with stream_peer(bob.at("TCP")) as third:
            assert await third.ended()


@pytest.mark.parametrize(
    ("said", "silence_s", "closed"),
    [
        (b"", MESSAGE_S, True),
        (b"OPTIONS sip:", MESSAGE_S, True),
        (request_octets("OPTIONS", VIA, version="SIP/7.0"), MESSAGE_S, False),
        (request_octets("OPTIONS", VIA, version="SIP/7.0") + b"OPT", MESSAGE_S, True),
        (b"\r\n\r\n", IDLE_S, True),
    ],
)
async def test_connection_that_is_silent_for_too_long_is_closed(
    said: bytes, silence_s: float, closed: bool
) -> None:
    async with party() as bob, stream_peer(bob.at("TCP")):
        await bob.connections(1)
        (connection,) = bob.endpoint._connections._standing.values()
        if said:
            connection.data_received(said)
        connection.look_after(asyncio.get_running_loop().time() + silence_s + 1)
        assert (connection._transport is None or connection._transport.is_closing()) is closed


async def test_connections_are_looked_after(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sip_connections, "LOOK_AFTER_S", 0.01)
    monkeypatch.setattr(sip_connection, "MESSAGE_S", 0.01)
    async with party() as bob, stream_peer(bob.at("TCP")) as peer:
        assert await peer.ended()
        await bob.connections(0)


async def test_source_that_says_too_much_is_read_more_slowly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sip_connection, "PAUSE_S", 0.05)
    async with party() as bob, stream_peer(bob.at("TCP")) as peer:
        bob.endpoint._connections._rate = SourceRate(messages_per_s_max=1)
        for _ in range(3):
            peer.send(b"\r\n\r\n")
            assert await peer.read() == b"\r\n"


async def test_call_over_tls(tls: ssl.SSLContext, trust: ssl.SSLContext) -> None:
    async with party(more={"client_tls": trust}) as alice, party(tls=tls) as bob:
        a_leg, b_leg = await talk(alice, bob, bob.at("TLS"))
        assert bob.requests[0][1].transport == "TLS"
        assert ";transport=tls>" in a_leg.contact
        await bob.event(Acknowledged)
        await hang_up(bob, b_leg, alice)


async def test_certificate_is_to_name_what_was_looked_up(
    tls: ssl.SSLContext, trust: ssl.SSLContext
) -> None:
    zone = {(name, "A"): [LOOPBACK] for name in ("sip.example", "other.example")}
    async with dns_server(zone) as (_, dns), party(tls=tls) as bob:
        port = bob.at("TLS").port
        for name, status in (("sip.example", 200), ("other.example", 503)):
            async with party(more={"client_tls": trust, "dns": dns}) as alice:
                (to,) = await alice.endpoint.resolve(name, port, "tls")
                answering = asyncio.ensure_future(answer(bob)) if status == 200 else None
                assert await options(alice, to) == status
                if answering is not None:
                    await answering


async def test_certificate_that_is_not_trusted_fails_the_request(tls: ssl.SSLContext) -> None:
    async with party(more={"client_tls": client_context()}) as alice, party(tls=tls) as bob:
        assert await options(alice, bob.at("TLS")) == 503


async def test_without_a_context_there_is_no_tls_to_others() -> None:
    async with party() as alice:
        assert await alice.endpoint.resolve(LOOPBACK, 5061, "tls") == []
        assert await options(alice, Destination("TLS", LOOPBACK, 5061)) == 503


async def test_nobody_is_reached_by_websocket_but_over_his_own() -> None:
    async with party() as alice:
        assert await options(alice, Destination("WS", LOOPBACK, 80)) == 503
        assert await options(alice, Destination("WS", LOOPBACK, 80, 7)) == 503


async def test_connections_being_opened_and_what_waits_for_them_are_bounded(
    monkeypatch: pytest.MonkeyPatch, trust: ssl.SSLContext
) -> None:
    monkeypatch.setattr(sip_connections, "DIALLING_MAX", 1)
    monkeypatch.setattr(sip_connections, "WAITING_MAX", 2)
    monkeypatch.setattr(sip_connections, "CONNECT_S", 0.2)
    async with party(more={"client_tls": trust}) as alice, stream_listener() as (port, _):
        for _ in range(3):
            alice.call(Destination("TLS", LOOPBACK, port))
        alice.call(Destination("TLS", LOOPBACK, free_port()))
        assert len([event for event in alice.told if isinstance(event, Ended)]) in (0, 2)
        for _ in range(4):
            assert (await alice.event(Ended)).status == 503


async def test_drain_lets_a_bye_be_answered() -> None:
    async with party() as alice, party() as bob:
        a_leg, _ = await talk(alice, bob, bob.at("TCP"))
        a_leg.hang_up(alice.clock.now())
        await alice.endpoint.drain()
        assert alice.endpoint.user_agent.legs == 0


async def test_owner_hears_of_a_connection_that_is_lost() -> None:
    lost: list[int] = []
    async with party(more={"on_lost": lost.append}) as bob:
        async with party() as alice:
            await talk(alice, bob, bob.at("TCP"))
            (connection,) = {source.connection for _, source in bob.requests}
        await bob.connections(0)
        assert lost == [connection]
