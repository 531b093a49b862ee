"""The carriers for calls over HTTP, and as a stranger's test suite has them."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest

from carriers_sim.background import BackgroundSipCarrier
from carriers_sim.config import ControlConfig
from carriers_sim.control import Control
from carriers_sim.simulator import Simulator
from tests.carriers_sim.sip_customer import CALLED, CALLER, LOOPBACK, SipCustomer, simulator

pytestmark = pytest.mark.e2e

Ask = Callable[..., Any]


@pytest.fixture
async def running() -> AsyncIterator[Simulator]:
    async with simulator(names=("alpha", "bravo")) as made:
        yield made


@pytest.fixture
async def ask(running: Simulator) -> AsyncIterator[Ask]:
    control = Control(running, ControlConfig(port=0))
    await control.start()
    async with aiohttp.ClientSession() as http:

        async def asked(path: str, body: Any = None, status: int = 200) -> Any:
            method = "GET" if body is None else "POST"
            async with http.request(method, control.url + path, json=body) as answer:
                assert answer.status == status
                return await answer.json()

        yield asked
    await control.stop()


async def test_calls_are_shown_and_made(running: Simulator, ask: Ask) -> None:
    alpha = running.sip_carriers["alpha"]
    async with SipCustomer() as customer:
        out = {"from": CALLER, "to": CALLED, "host": LOOPBACK, "port": customer.port}
        made = await ask("sip_carriers/alpha/call", out, 202)
        await alpha.wait_until(lambda: alpha.calls[0].answered_at is not None)
        assert await ask("sip_carriers/alpha/hang_up", {}) == {"hung_up": 1}
        await alpha.wait_for_calls(1)
    (call,) = (await ask("sip_carriers/alpha/calls"))["calls"]
    assert (call["call_id"], call["status"], call["ended"]) == (made["call_id"], 200, "we hung up")


async def test_behaviour_is_changed_by_the_keys_that_are_given(ask: Ask) -> None:
    await ask("sip_carriers/bravo/behaviour", {"ring_s": 3})
    await ask("sip_carriers/bravo/behaviour", {"outcomes": {"486": 1}})
    shown = (await ask("sip_carriers"))["sip_carriers"]
    assert [carrier["behaviour"]["ring_s"] for carrier in shown] == [0, 3]
    assert shown[1]["behaviour"]["outcomes"] == {"486": 1}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("sip_carriers/charlie/calls", None, 404),
        ("sip_carriers/alpha/behaviour", {"rings": 3}, 400),
        ("sip_carriers/alpha/call", {"from": "1"}, 400),
        (
            "sip_carriers/alpha/call",
            {"from": "1", "to": "2", "host": LOOPBACK, "headers": [["X", "a\r\nb"]]},
            400,
        ),
    ],
)
async def test_mistakes_are_answered(ask: Ask, path: str, body: Any, status: int) -> None:
    assert "error" in await ask(path, body, status)


async def test_reset_forgets_the_calls(running: Simulator, ask: Ask) -> None:
    alpha = running.sip_carriers["alpha"]
    async with SipCustomer() as customer:
        customer.on_call = lambda event, now: event.leg.refuse(486, now)
        alpha.call(CALLER, CALLED, LOOPBACK, customer.port)
        await alpha.wait_for_calls(1)
    await ask("reset", {})
    assert alpha.calls == []


async def test_strangers_suite_calls_a_carrier(
    sip_carrier_factory: Callable[..., BackgroundSipCarrier],
) -> None:
    carrier = sip_carrier_factory(behaviour={"outcomes": {"404": 1}})
    async with SipCustomer() as customer:
        customer.call(carrier)
        while not carrier.calls:
            await customer.news()
    (call,) = carrier.wait_for_calls(1)
    assert (call.called, call.status) == (CALLED, 404)
    assert carrier.violations == []
