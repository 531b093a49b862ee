"""SIP by datagrams: what is answered, to where, and who cannot be reached."""

import asyncio
import socket
from typing import Any

import pytest

from gateway.net import sip_endpoint
from gateway.net.sip_endpoint import Verdict
from gateway.net.sip_udp import Datagram, SipUdp, bound_socket
from gateway.net.source_rate import SourceRate
from gateway.sip.leg_events import Ended, IncomingCall, OutsideDialog, OutsideResponse
from gateway.sip.message import SipRequest
from gateway.sip.transaction import Destination
from tests.net.raw_peers import free_port, request_octets, udp_peer
from tests.net.sip_endpoints import LOOPBACK, PATIENCE_S, Party, party, talk

pytestmark = pytest.mark.e2e


async def options(made: Party, to: Destination, body: bytes = b"") -> int:
    """The status that comes of an OPTIONS."""
    request = SipRequest.make(
        "OPTIONS",
        f"sip:{to.host}",
        from_="<sip:gw@example.org>;tag=g",
        to="<sip:example.net>",
        call_id="ping",
        cseq=1,
        body=body,
    )
    made.endpoint.user_agent.send_request(request, to, made.clock.now())
    made.endpoint.flush()
    return (await made.event(OutsideResponse)).status


def answer(made: Party, status: int = 200) -> Any:
    async def answered() -> None:
        asked = await made.event(OutsideDialog)
        made.endpoint.user_agent.respond(asked.transaction, status, made.clock.now())
        made.endpoint.flush()

    return answered()


async def test_answer_goes_to_the_port_that_it_came_from_where_rport_asks_for_it() -> None:
    async with party() as bob, udp_peer() as peer:
        peer.send(request_octets(via="SIP/2.0/UDP 10.0.0.1:9;branch=z9hG4bK1;rport"), bob.at())
        await answer(bob)
        via = (await peer.response()).via
        assert (via.received, via.rport) == (LOOPBACK, peer.port)


async def test_answer_goes_to_the_port_of_sent_by_where_rport_does_not() -> None:
    async with party() as bob, udp_peer() as sender, udp_peer() as listener:
        via = f"SIP/2.0/UDP gw.example.net:{listener.port};branch=z9hG4bK1"
        sender.send(request_octets(via=via), bob.at())
        await answer(bob)
        assert (await listener.response()).via.received == LOOPBACK


async def test_peer_whose_port_is_closed_fails_at_once() -> None:
    async with party() as alice:
        nobody = Destination("UDP", LOOPBACK, free_port(socket.SOCK_DGRAM))
        assert await options(alice, nobody) == 503
        alice.call(nobody)
        assert (await alice.event(Ended)).status == 503
        async with party() as bob:  # The socket hears on.
            await answer_of(alice, bob)


async def answer_of(alice: Party, bob: Party) -> None:
    a_leg, _ = await talk(alice, bob, bob.at())
    a_leg.hang_up(alice.clock.now())
    alice.endpoint.flush()
    await bob.event(Ended)


async def test_closed_port_of_one_peer_costs_no_message_of_another() -> None:
    async with party() as alice, udp_peer() as peer:
        nobody = Destination("UDP", LOOPBACK, free_port(socket.SOCK_DGRAM))
        for _ in range(50):
            alice.call(nobody)
            alice.call(peer.at)
        for _ in range(50):
            assert isinstance(await peer.message(), SipRequest)
        for _ in range(50):
            assert (await alice.event(Ended)).status == 503


@pytest.mark.parametrize("host", ["nobody.example", "224.0.1.75", "2001:db8::1", ""])
async def test_what_is_no_address_of_ours_to_send_to_fails_and_is_not_looked_up(host: str) -> None:
    async with party() as alice:
        assert await options(alice, Destination("UDP", host, 5060)) == 503
        if ":" not in host:
            assert await options(alice, Destination("TCP", host, 1)) == 503


async def test_port_that_cannot_be_sent_to_fails() -> None:
    async with party() as alice:
        assert await options(alice, Destination("UDP", LOOPBACK, 0)) == 503
        assert await options(alice, Destination("UDP", LOOPBACK, 70_000)) == 503
        assert await options(alice, Destination("TCP", LOOPBACK, 70_000)) == 503


async def test_large_request_goes_by_tcp_and_where_nobody_takes_that_by_udp() -> None:
    async with party() as alice, party() as bob, udp_peer() as peer:
        alice.call(bob.at(), body=b"x" * 1_300)
        await bob.event(IncomingCall)
        assert bob.requests[0][1].transport == "TCP"
        alice.call(peer.at, body=b"x" * 1_300)
        assert (await peer.message()).via.transport == "UDP"
        for leg in list(alice.endpoint.user_agent.shared.legs.values()):
            leg._end(alice.clock.now())


async def test_request_that_cannot_be_served_is_answered_with_why() -> None:
    async with party() as bob, udp_peer() as peer:
        peer.send(request_octets(version="SIP/7.0"), bob.at())
        response = await peer.response()
        assert (response.status, response.via.rport) == (505, peer.port)
        assert response.to_tag
        assert bob.requests == []


async def test_what_is_no_message_and_keep_alives_are_passed_over() -> None:
    async with party() as bob, udp_peer() as peer:
        for octets in (b"", b"\0", b"\r\n\r\n", b"\xff" * 200, b"INVITE", b"SIP/2.0 x\r\n\r\n"):
            peer.send(octets, bob.at())
        peer.send(request_octets("ACK", version="SIP/7.0"), bob.at())
        peer.send(request_octets(version="SIP/7.0", via="nonsense"), bob.at())
        async with asyncio.timeout(PATIENCE_S):
            assert (await peer.heard.get()).startswith(b"SIP/2.0 505 ")
        assert peer.heard.empty()


async def test_owner_may_answer_or_drop_a_request_before_the_user_agent_sees_it() -> None:
    def judge(request: SipRequest, source: Destination, now: float) -> Any:
        return request.response(403, to_tag="x") if request.method == "INVITE" else Verdict.DROP

    async with party(on_message=judge) as bob, udp_peer() as peer:
        peer.send(request_octets("OPTIONS"), bob.at())
        peer.send(request_octets("INVITE"), bob.at())
        response = await peer.response()
        assert (response.status, response.via.rport) == (403, peer.port)
        peer.send(request_octets("ACK"), bob.at())
        peer.send(request_octets("INVITE"), bob.at())
        assert (await peer.response()).status == 403
        assert bob.endpoint.user_agent.layer.server_transactions == 0


async def test_fault_of_the_owners_costs_one_message() -> None:
    def fail(request: SipRequest, source: Destination, now: float) -> Any:
        if request.method == "INVITE":
            raise RuntimeError("a fault")

    async with party(on_message=fail) as bob, udp_peer() as peer:
        peer.send(request_octets("INVITE"), bob.at())
        peer.send(request_octets("OPTIONS"), bob.at())
        await bob.event(OutsideDialog)


async def test_source_that_says_too_much_is_not_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sip_endpoint, "SourceRate", lambda _=0: SourceRate(messages_per_s_max=2))
    async with party() as bob, udp_peer() as peer:
        for number in range(4):
            via = f"SIP/2.0/UDP {LOOPBACK};branch=z9hG4bK{number};rport"
            peer.send(request_octets("OPTIONS", via, version="SIP/7.0"), bob.at())
        assert {(await peer.response()).branch for _ in range(2)} == {"z9hG4bK0", "z9hG4bK1"}
        assert peer.heard.empty()


async def test_source_whose_requests_cannot_be_read_gets_few_answers_and_is_heard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sip_endpoint, "REFUSALS_PER_S_MAX", 2)
    async with party() as bob, udp_peer() as peer:
        for _ in range(4):
            peer.send(request_octets("OPTIONS", version="SIP/7.0"), bob.at())
        peer.send(request_octets("OPTIONS"), bob.at())
        await answer(bob)
        assert [(await peer.response()).status for _ in range(3)] == [505, 505, 200]


async def test_retransmissions_go_by_the_timer_of_the_endpoint() -> None:
    async with party() as alice, udp_peer() as peer:
        alice.call(peer.at)
        first, second = await peer.message(), await peer.message()
        assert first == second
        for leg in list(alice.endpoint.user_agent.shared.legs.values()):
            leg._end(alice.clock.now())


async def test_datagrams_that_come_while_the_socket_rests_are_heard_together() -> None:
    heard: asyncio.Queue[list[bytes]] = asyncio.Queue()
    bound = bound_socket(socket.AF_INET, (LOOPBACK, 0))
    to = bound.getsockname()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:

        def hear(datagrams: list[Datagram]) -> None:
            heard.put_nowait([octets for octets, _, _ in datagrams])
            if datagrams[0][0] == b"1":
                peer.sendto(b"2", to)
                peer.sendto(b"3", to)

        udp = SipUdp(bound, hear, lambda *_: None)
        async with asyncio.timeout(PATIENCE_S):
            for first, then in ((b"1", [b"2", b"3"]), (b"1", [b"2", b"3"])):
                peer.sendto(first, to)
                assert [await heard.get(), await heard.get()] == [[first], then]
        udp.close()
