"""A carrier's day, and what handsets do of their own accord."""

import asyncio
from random import Random

import msgspec
import pytest

from carriers_sim.behaviour import Behaviour
from carriers_sim.config import CarrierConfig
from carriers_sim.fault import Fault
from carriers_sim.handset_traffic import KEYWORDS, HandsetTraffic, handset_message
from carriers_sim.timeline import Change, behaviour_at, faults_at, moments
from tests.carriers_sim.carrier_builder import world
from tests.carriers_sim.customer import submit_sm
from tests.support.virtual_time import virtual_time

THROTTLED = {"throttle": {"segments_per_s": 5}}
RUSH_HOUR = Change(at_s=60, for_s=30, behaviour=THROTTLED)
FOR_GOOD = Change(at_s=70, behaviour={"id_format": "hex"})


@pytest.mark.parametrize(
    ("after_s", "is_throttled", "id_format"),
    [(0, False, "decimal"), (60, True, "decimal"), (89.9, True, "hex"), (90, False, "hex")],
)
def test_a_change_holds_for_its_time(after_s: float, is_throttled: bool, id_format: str) -> None:
    behaviour = behaviour_at(Behaviour(), (RUSH_HOUR, FOR_GOOD), after_s)
    assert (behaviour.throttle is not None, behaviour.id_format) == (is_throttled, id_format)


def test_of_two_changes_the_later_row_wins() -> None:
    rows = tuple(Change(at_s=0, behaviour={"drop_every": number}) for number in (1, 2))
    assert behaviour_at(Behaviour(), rows, 1.0).drop_every == 2


def test_the_moments_are_those_at_which_something_begins_or_ends() -> None:
    assert moments((RUSH_HOUR, FOR_GOOD)) == [60, 70, 90]


def test_a_fault_befalls_at_its_moment_alone() -> None:
    row = Change(at_s=5, for_s=2, fault=Fault.STOP_READING)
    assert faults_at((row,), 5) == [(Fault.STOP_READING, 2)]
    assert faults_at((row,), 7) == []


def test_an_impossible_change_is_refused_with_the_configuration() -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field `gray`"):
        CarrierConfig(name="alpha", timeline=(Change(at_s=0, behaviour={"gray": True}),))


@virtual_time
async def test_a_carrier_lives_its_day() -> None:
    alpha = await world(timeline=(Change(at_s=60, for_s=30, behaviour={"grey": True}),))
    await asyncio.sleep(59)
    seen = [alpha.smsc.behaviour.grey]
    for pause_s in (2, 30):
        await asyncio.sleep(pause_s)
        seen.append(alpha.smsc.behaviour.grey)
    assert seen == [False, True, False]


@virtual_time
async def test_reset_begins_the_day_again() -> None:
    alpha = await world(timeline=(Change(at_s=60, behaviour={"grey": True}),))
    await asyncio.sleep(61)
    alpha.simulator.reset()
    assert not alpha.smsc.behaviour.grey
    await asyncio.sleep(61)
    assert alpha.smsc.behaviour.grey


@virtual_time
async def test_a_fault_of_the_day_befalls_all_connections() -> None:
    alpha = await world(timeline=(Change(at_s=60, fault=Fault.FIN),))
    customers = [await alpha.bound() for _ in range(2)]
    await asyncio.sleep(61)
    assert all(customer.closed.is_set() for customer in customers)


@virtual_time
async def test_a_carrier_may_flap() -> None:
    alpha = await world(bind={"drop_after_s": 2})
    for _ in range(3):
        customer = await alpha.bound()
        began = alpha.clock.now()
        await customer.closed.wait()
        assert alpha.clock.now() - began == pytest.approx(2, abs=0.1)


@virtual_time
async def test_a_bind_may_be_cut_after_so_many_messages() -> None:
    alpha = await world(bind={"drop_after_submits": 3})
    customer = await alpha.bound()
    for number in range(3):
        customer.send(submit_sm(text=b"#%d" % number))
    await customer.closed.wait()
    assert len(alpha.smsc.messages) == 3


@virtual_time
async def test_a_bind_may_be_slow_or_silent() -> None:
    alpha = await world(bind={"delay_s": 3})
    began = alpha.clock.now()
    await alpha.bound()
    assert alpha.clock.now() - began == pytest.approx(3, abs=0.1)
    alpha.smsc.set_behaviour(msgspec.convert({"bind": {"answered": False}}, Behaviour))
    customer = await alpha.customer()
    bind = asyncio.ensure_future(customer.bind())
    await customer.closed.wait()
    assert not bind.done()
    assert alpha.simulator.violations == []
    bind.cancel()


# Handsets


def test_what_a_handset_writes_depends_on_its_chance_alone() -> None:
    traffic = HandsetTraffic(per_s=1, to=("55501", "55502"))
    first, again = (handset_message(traffic, Random(5)) for _ in range(2))
    assert first == again
    assert first.sender.startswith("+1500555")
    assert first.recipient in traffic.to
    assert first.body in KEYWORDS


@virtual_time
async def test_handsets_send_at_their_rate() -> None:
    handsets = HandsetTraffic(per_s=2, to=("55501",), bodies={"STOP": 1})
    alpha = await world(handsets=handsets)
    customer = await alpha.bound()
    await asyncio.sleep(10.1)
    assert [pdu.short_message for pdu in customer.delivered] == [b"STOP"] * 20
    await alpha.smsc.stop()


def test_handsets_need_something_to_write() -> None:
    with pytest.raises(ValueError, match="bodies"):
        HandsetTraffic(per_s=1, to=("1",), bodies={})
