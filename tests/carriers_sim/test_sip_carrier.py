"""What a simulated carrier does with the calls of a customer."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from carriers_sim.simulator import Simulator
from carriers_sim.sip_carrier import SipCarrier
from gateway.sip.leg_events import (
    Answered,
    Asked,
    EndCause,
    Ended,
    OutsideResponse,
    Provisional,
)
from gateway.sip.leg_state import LegState
from tests.carriers_sim.sip_customer import CALLED, CALLER, SipCustomer, simulator
from tests.support.virtual_time import virtual_time

pytestmark = pytest.mark.e2e

Play = Callable[[SipCarrier, SipCustomer], Awaitable[None]]


def played(play: Play, **behaviour: Any) -> Simulator:
    """The simulator after one carrier of this behaviour has played with a customer."""

    @virtual_time
    async def run() -> Simulator:
        async with simulator(behaviour=behaviour) as made, SipCustomer() as customer:
            await play(made.sip_carriers["alpha"], customer)
        return made

    return run()


def test_healthy_carrier_rings_and_answers() -> None:
    async def play(alpha: SipCarrier, customer: SipCustomer) -> None:
        leg = customer.call(alpha)
        await asyncio.sleep(1)
        assert customer.events(Provisional)[0].response.status == 180
        assert customer.events(Answered)
        customer.hang_up(leg)
        (call,) = await alpha.wait_for_calls(1)
        assert (call.caller, call.called, call.status) == (CALLER, CALLED, 200)
        assert (call.ended, call.provisionals) == (EndCause.BYE, [180])

    assert played(play).violations == []


def test_ring_time_and_post_dial_delay_are_kept() -> None:
    async def play(alpha: SipCarrier, customer: SipCustomer) -> None:
        customer.call(alpha)
        await asyncio.sleep(10)
        (call,) = alpha.calls
        assert call.rang_at == pytest.approx(call.at + 2, abs=0.01)
        assert call.answered_at == pytest.approx(call.at + 5, abs=0.01)

    played(play, post_dial_delay_s=2.0, ring_s=3.0)


@pytest.mark.parametrize("status", [302, 404, 480, 486, 503, 603])
def test_call_is_refused_by_its_suffix(status: int) -> None:
    async def play(alpha: SipCarrier, customer: SipCustomer) -> None:
        customer.call(alpha, f"+1500555{status:04}")
        await alpha.wait_for_calls(1)
        await asyncio.sleep(1)
        assert customer.events(Ended)[0].status == status

    assert played(play, magic_numbers=True).violations == []


def test_outcomes_come_by_weight_and_seed() -> None:
    async def play(alpha: SipCarrier, customer: SipCustomer) -> None:
        for _ in range(40):
            customer.call(alpha)
        await asyncio.sleep(1)

    counts = [
        played(play, outcomes={"200": 1, "486": 1}, talk_s=0.5).call_recorder.counts("alpha")
        for _ in range(2)
    ]
    assert counts[0].statuses == counts[1].statuses
    assert sorted(counts[0].statuses) == [200, 486]


def test_silent_carrier_says_not_even_trying() -> None:
    async def play(alpha: SipCarrier, customer: SipCustomer) -> None:
        customer.call(alpha)
        await asyncio.sleep(40)
        (ended,) = customer.events(Ended)
        assert (ended.status, ended.message) == (408, None)
        assert alpha.stats()["silent"] == 1

    assert played(play, outcomes={"silence": 1}).violations == []


def test_trying_is_said_and_nothing_more_until_the_customer_cancels() -> None:
    async def play(alpha: SipCarrier, customer: SipCustomer) -> None:
        leg = customer.call(alpha)
        await asyncio.sleep(100)
        assert not customer.events(Provisional)
        assert leg.state is LegState.INVITED
        customer.hang_up(leg)
        (call,) = await alpha.wait_for_calls(1)
        assert (call.ended, call.status) == (EndCause.CANCELLED, 487)

    assert played(play, outcomes={"trying": 1}).violations == []


def test_early_media_comes_with_183() -> None:
    async def play(alpha: SipCarrier, customer: SipCustomer) -> None:
        customer.call(alpha)
        await asyncio.sleep(0.5)
        (provisional,) = customer.events(Provisional)
        assert provisional.response.status == 183
        assert b"m=audio" in provisional.response.body
        assert alpha.calls[0].packets_sent > 20

    played(play, early_media=1.0, ring_s=5.0, audio="tone")


def test_reliable_provisional_is_acknowledged() -> None:
    async def play(alpha: SipCarrier, customer: SipCustomer) -> None:
        customer.call(alpha)
        await asyncio.sleep(5)
        assert customer.events(Provisional)[0].response.headers.get("RSeq")
        assert customer.events(Answered)

    assert played(play, early_media=1.0, ring_s=1.0, reliable=True).violations == []


def test_carrier_hangs_up_after_its_talk_time() -> None:
    async def play(alpha: SipCarrier, customer: SipCustomer) -> None:
        customer.call(alpha)
        (call,) = await alpha.wait_for_calls(1, timeout_s=60)
        assert call.ended == EndCause.HUNG_UP
        assert call.ended_at == pytest.approx((call.answered_at or 0) + 30, abs=0.1)

    played(play, talk_s=30.0)


def test_carrier_puts_on_hold_and_takes_back() -> None:
    async def play(alpha: SipCarrier, customer: SipCustomer) -> None:
        customer.call(alpha)
        await asyncio.sleep(10)
        bodies = [event.request.body for event in customer.events(Asked)]
        assert [b"a=sendonly" in body for body in bodies] == [True, False]

    assert played(play, hold_after_s=1.0, hold_s=2.0).violations == []


def test_offer_without_g711_is_refused() -> None:
    async def play(alpha: SipCarrier, customer: SipCustomer) -> None:
        customer.call(alpha, body=b"v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 9 RTP/AVP 96\r\n")
        await alpha.wait_for_calls(1)
        await asyncio.sleep(1)
        assert customer.events(Ended)[0].status == 488

    played(play)


def test_late_offer_is_answered_in_the_ack() -> None:
    async def play(alpha: SipCarrier, customer: SipCustomer) -> None:
        leg = customer.call(alpha, body=b"")
        await asyncio.sleep(0.1)
        (answered,) = customer.events(Answered)
        assert answered.acknowledge
        leg.acknowledge_answer(
            customer.clock.now(), b"v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 9 RTP/AVP 0\r\n"
        )
        customer.endpoint.flush()
        await asyncio.sleep(1)
        assert alpha.calls[0].packets_sent > 10

    played(play, audio="tone")


# Limits


def test_calls_above_the_rate_are_refused_by_503() -> None:
    async def play(alpha: SipCarrier, customer: SipCustomer) -> None:
        for _ in range(5):
            customer.call(alpha)
        await asyncio.sleep(1)
        assert [event.status for event in customer.events(Ended)] == [503, 503, 503]
        message = customer.events(Ended)[0].message
        assert message is not None
        assert message.headers.get("Retry-After") == "7"

    played(play, calls_per_s_max=2.0, retry_after_s=7)


def test_calls_above_the_channels_are_refused_by_503() -> None:
    async def play(alpha: SipCarrier, customer: SipCustomer) -> None:
        for _ in range(3):
            customer.call(alpha)
            await asyncio.sleep(0.1)
        assert [event.status for event in customer.events(Ended)] == [503]

    played(play, channels_max=2)


def test_first_carrier_refuses_and_another_one_answers() -> None:
    @virtual_time
    async def run() -> None:
        names = ("alpha", "bravo")
        behaviour = {"magic_numbers": True}
        async with simulator(names=names, behaviour=behaviour) as made, SipCustomer() as customer:
            for name in ("alpha", "bravo", "alpha"):
                customer.call(made.sip_carriers[name], "+15005550130")
                await asyncio.sleep(0.1)
            assert [event.status for event in customer.events(Ended)] == [503, 503]
            assert len(customer.events(Answered)) == 1

    run()


def test_calls_pass_though_datagrams_are_lost() -> None:
    async def play(alpha: SipCarrier, customer: SipCustomer) -> None:
        for _ in range(20):
            customer.call(alpha)
        await asyncio.sleep(31)
        assert len(customer.events(Answered)) == 20
        assert alpha.stats()["datagrams_lost"]

    assert played(play, lost=0.3).violations == []


# Requests outside of calls


def test_options_are_answered() -> None:
    async def play(alpha: SipCarrier, customer: SipCustomer) -> None:
        customer.ask(alpha, "OPTIONS")
        await asyncio.sleep(1)
        assert customer.events(OutsideResponse)[0].status == 200

    played(play)


def test_options_are_answered_by_the_status_or_the_silence_that_is_wanted() -> None:
    async def play(alpha: SipCarrier, customer: SipCustomer) -> None:
        customer.ask(alpha, "OPTIONS")
        await asyncio.sleep(40)
        assert customer.events(OutsideResponse)[0].response is None

    played(play, options="silence")


def test_register_binds_and_unbinds() -> None:
    async def play(alpha: SipCarrier, customer: SipCustomer) -> None:
        contact = ("Contact", f"<sip:{CALLER}@127.0.0.1:{customer.port}>")
        customer.ask(alpha, "REGISTER", (contact, ("Expires", "60")))
        await asyncio.sleep(1)
        assert customer.events(OutsideResponse)[0].status == 200
        assert alpha.bindings == {CALLER: f"sip:{CALLER}@127.0.0.1:{customer.port}"}

    played(play)
