"""Endpoints that call each other over loopback."""

import socket

import pytest

from gateway.net.errors import ListenError
from gateway.net.sip_listeners import SipListen
from gateway.sip.leg_events import (
    Acknowledged,
    EndCause,
    Ended,
    IncomingCall,
    LegEvent,
    Provisional,
)
from gateway.sip.leg_state import LegState
from gateway.sip.outgoing_leg import Invitation
from gateway.sip.transaction import Destination
from tests.net.raw_peers import udp_peer
from tests.net.sip_endpoints import LOOPBACK, Party, hang_up, party, talk

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
async def test_call_is_rung_for_answered_and_ended(transport: str) -> None:
    async with party() as alice, party() as bob:
        a_leg, b_leg = await talk(alice, bob, bob.at(transport))
        assert (await alice.event(Provisional)).response.status == 180
        await bob.event(Acknowledged)
        assert a_leg.state is b_leg.state is LegState.CONFIRMED
        b_leg.hang_up(bob.clock.now())
        bob.endpoint.flush()
        assert (await alice.event(Ended)).cause is EndCause.BYE
        assert (await bob.event(Ended)).cause is EndCause.HUNG_UP


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
async def test_caller_may_hang_up_too(transport: str) -> None:
    async with party() as alice, party() as bob:
        a_leg, _ = await talk(alice, bob, bob.at(transport))
        await bob.event(Acknowledged)
        await hang_up(alice, a_leg, bob)
        await alice.endpoint.drain()
        assert alice.endpoint.user_agent.legs == bob.endpoint.user_agent.legs == 0


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as made:
            made.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="the system has no IPv6")
@pytest.mark.parametrize("transport", ["UDP", "TCP"])
async def test_call_over_ipv6(transport: str) -> None:
    async with party("::1") as alice, party("::1") as bob:
        a_leg, b_leg = await talk(alice, bob, bob.at(transport))
        assert b_leg.contact.startswith("<sip:[::1]:")
        await bob.event(Acknowledged)
        await hang_up(alice, a_leg, bob)


@pytest.mark.skipif(not has_ipv6(), reason="the system has no IPv6")
@pytest.mark.parametrize("peer", ["127.0.0.1", "::1"])
async def test_every_address_is_of_both_families(peer: str) -> None:
    async with party("") as alice, party("") as bob:
        to = Destination("UDP", peer, bob.at().port)
        a_leg, b_leg = await talk(alice, bob, to)
        assert (b_leg.contact.startswith("<sip:[::1]:")) is (":" in peer)
        await hang_up(alice, a_leg, bob)
        to = Destination("TCP", peer, bob.at("TCP").port)
        a_leg, _ = await talk(alice, bob, to)
        await hang_up(alice, a_leg, bob)


async def test_udp_and_tcp_share_the_port() -> None:
    async with party() as bob:
        assert bob.at("UDP").port == bob.at("TCP").port


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
async def test_port_that_is_taken_is_told_and_nothing_stays_open(kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind((LOOPBACK, 0))
        if kind is socket.SOCK_STREAM:
            taken.listen()
        listen = SipListen(LOOPBACK, taken.getsockname()[1])
        endpoint = Party(listen, lambda *_: None, {}).endpoint
        with pytest.raises(ListenError, match="address already in use"):
            await endpoint.start()
        assert endpoint._listeners.udp == {}
        assert endpoint._listeners._listenings == []


async def test_flush_within_an_event_is_done_after_it() -> None:
    async with party() as alice, party() as bob:
        order: list[str] = []

        def on_event(event: LegEvent, now: float) -> None:
            order.append("begins")
            if isinstance(event, IncomingCall):
                event.leg.refuse(486, now)
                bob.endpoint.flush()
            order.append("ends")

        bob.endpoint._on_event = on_event
        alice.call(bob.at())
        assert (await alice.event(Ended)).status == 486
        assert order == ["begins", "ends", "begins", "ends"]


async def test_fault_of_the_owners_at_an_event_costs_no_other_event() -> None:
    async with party() as alice, party() as bob:

        def fail(event: LegEvent, now: float) -> None:
            if isinstance(event, IncomingCall):
                event.leg.refuse(486, now)
            raise RuntimeError("a fault")

        bob.endpoint._on_event = fail
        for _ in range(2):
            alice.call(bob.at())
            assert (await alice.event(Ended)).status == 486


async def test_public_host_is_what_a_peer_is_told() -> None:
    async with party() as alice, party(public_host="sip.example.net") as bob:
        a_leg, _ = await talk(alice, bob, bob.at())
        assert a_leg.dialog is not None
        assert "@" not in str(a_leg.dialog.remote_target)
        assert f"sip.example.net:{bob.at().port}" in str(a_leg.dialog.remote_target)
        await hang_up(alice, a_leg, bob)


async def test_timers_that_are_overdue_are_handled_at_once() -> None:
    async with party() as alice, udp_peer() as peer:
        uri = f"sip:bob@{LOOPBACK}"
        invitation = Invitation(uri, "<sip:alice@example.org>", f"<{uri}>")
        long_ago = alice.clock.now() - 100
        alice.endpoint.user_agent.invite(invitation, peer.at, long_ago)
        alice.endpoint.flush()
        alice.endpoint.flush()
        assert (await alice.event(Ended)).status == 408
