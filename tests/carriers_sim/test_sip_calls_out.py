"""Calls that a simulated carrier makes: inbound ones, for a gateway."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from carriers_sim.call_behaviour import CallBehaviour
from carriers_sim.call_outcome import AudioSource
from carriers_sim.simulator import Simulator
from carriers_sim.sip_carrier import SipCarrier
from carriers_sim.sip_violations import SipInvariant
from gateway.sip.leg_events import Acknowledged, Asked, EndCause, Ended, IncomingCall
from tests.carriers_sim.sip_customer import CALLED, CALLER, LOOPBACK, SipCustomer, simulator
from tests.support.virtual_time import virtual_time

pytestmark = pytest.mark.e2e

Play = Callable[[SipCarrier, SipCustomer], Awaitable[None]]


def played(play: Play, **config: Any) -> Simulator:
    @virtual_time
    async def run() -> Simulator:
        async with simulator(**config) as made, SipCustomer() as customer:
            await play(made.sip_carriers["alpha"], customer)
        return made

    return run()


def test_carrier_calls_and_hangs_up() -> None:
    async def play(alpha: SipCarrier, customer: SipCustomer) -> None:
        headers = (("P-Asserted-Identity", f"<sip:{CALLER}@example.org>"),)
        alpha.call(CALLER, CALLED, LOOPBACK, customer.port, talk_s=5, headers=headers)
        (call,) = await alpha.wait_for_calls(1, timeout_s=10)
        assert (call.is_incoming, call.status, call.ended) == (False, 200, EndCause.HUNG_UP)
        request = customer.events(IncomingCall)[0].request
        assert request.headers.get("P-Asserted-Identity") == headers[0][1]

    assert played(play).violations == []


def test_refused_call_has_its_status() -> None:
    async def play(alpha: SipCarrier, customer: SipCustomer) -> None:
        customer.on_call = lambda event, now: event.leg.refuse(486, now)
        alpha.call(CALLER, CALLED, LOOPBACK, customer.port)
        (call,) = await alpha.wait_for_calls(1)
        assert (call.status, call.ended) == (486, EndCause.REJECTED)

    assert played(play).violations == []


def test_call_that_is_not_answered_in_time_is_cancelled() -> None:
    async def play(alpha: SipCarrier, customer: SipCustomer) -> None:
        customer.on_call = lambda event, now: event.leg.ring(180, now)
        alpha.call(CALLER, CALLED, LOOPBACK, customer.port, cancel_after_s=3)
        (call,) = await alpha.wait_for_calls(1)
        assert (call.provisionals, call.ended) == ([180], EndCause.HUNG_UP)
        await asyncio.sleep(1)
        assert customer.events(Ended)[0].cause is EndCause.CANCELLED

    played(play)


def test_answer_may_stay_without_its_ack() -> None:
    async def play(alpha: SipCarrier, customer: SipCustomer) -> None:
        alpha.call(CALLER, CALLED, LOOPBACK, customer.port, unacknowledged=True)
        await asyncio.sleep(40)
        assert not customer.events(Acknowledged)
        assert customer.events(Ended)[0].cause is EndCause.NO_ACK

    played(play)


def test_late_offer_and_hold_pass() -> None:
    async def play(alpha: SipCarrier, customer: SipCustomer) -> None:
        alpha.call(CALLER, CALLED, LOOPBACK, customer.port, offers=False, hold_after_s=1, talk_s=9)
        await alpha.wait_for_calls(1, timeout_s=20)
        assert b"m=audio" in customer.events(Acknowledged)[0].request.body
        assert [b"sendonly" in event.request.body for event in customer.events(Asked)] == [
            True,
            False,
        ]

    played(play)


def test_session_is_refreshed_by_the_carrier() -> None:
    """A refresh every half of the interval, by UPDATE, which is answered without us."""

    async def play(alpha: SipCarrier, customer: SipCustomer) -> None:
        leg = customer.call(alpha, headers=(("Session-Expires", "90;refresher=uas"),))
        await asyncio.sleep(1_000)
        assert not leg.over

    assert played(play, session_expires_s=90).violations == []


# Sound


def test_tone_comes_back_from_an_echo_undamaged() -> None:
    @virtual_time
    async def run() -> None:
        async with simulator(names=("caller", "carrier")) as made:
            caller, carrier = made.sip_carriers.values()
            caller.call(CALLER, CALLED, LOOPBACK, carrier.port, talk_s=2, audio="tone")
            (call,) = await caller.wait_for_calls(1)
            (heard,) = await carrier.wait_for_calls(1)
            assert 90 <= call.packets_sent <= 101
            assert heard.tone_heard == heard.packets_received >= 90
            assert call.tone_heard == call.packets_received >= 90
            assert len(caller.audios) == len(carrier.audios) == 0

    run()


def test_call_on_hold_hears_nothing() -> None:
    @virtual_time
    async def run() -> None:
        async with simulator(names=("caller", "carrier")) as made:
            caller, carrier = made.sip_carriers.values()
            hold = {"hold_after_s": 1, "hold_s": 100}
            carrier.set_behaviour(CallBehaviour(audio=AudioSource.TONE))
            call = caller.call(CALLER, CALLED, LOOPBACK, carrier.port, **hold)
            await asyncio.sleep(2)
            held = call.packets_received
            assert held > 40
            await asyncio.sleep(5)
            assert call.packets_received == held

    run()


# The checker


def test_answer_that_is_never_acknowledged_is_a_violation() -> None:
    async def play(alpha: SipCarrier, customer: SipCustomer) -> None:
        customer.call(alpha, body=b"")  # Whose answer would be in the ACK.
        (call,) = await alpha.wait_for_calls(1, timeout_s=60)
        assert call.ended == EndCause.NO_ACK

    made = played(play)
    assert [seen.invariant for seen in made.violations] == [SipInvariant.ACK_MISSING]
    made.forgive(SipInvariant.ACK_MISSING)
    assert made.violations == []


def test_octets_that_are_no_message_are_a_violation() -> None:
    async def play(alpha: SipCarrier, customer: SipCustomer) -> None:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            asyncio.DatagramProtocol, remote_addr=(LOOPBACK, alpha.port)
        )
        transport.sendto(b"nonsense\r\n\r\n")
        await asyncio.sleep(1)
        transport.close()

    assert [seen.invariant for seen in played(play).violations] == [SipInvariant.SIP_MALFORMED]


# Passwords


@pytest.mark.parametrize(("password", "status"), [("simpass", 200), ("wrong", 407)])
def test_call_needs_the_password_that_is_asked_for(password: str, status: int) -> None:
    async def play(alpha: SipCarrier, customer: SipCustomer) -> None:
        customer.call(alpha, credentials=customer.credentials("supernet", password))
        await asyncio.sleep(1)
        heard = [call.status for call in alpha.calls] or [customer.events(Ended)[0].status]
        assert heard == [status]

    played(play, behaviour={"challenge": True})
