"""Keys that are pressed at one simulated carrier, and heard and echoed at another."""

import pytest

from carriers_sim.call_digits import digit_of, steps_of
from carriers_sim.simulator import Simulator
from tests.carriers_sim.sip_customer import CALLED, CALLER, LOOPBACK, simulator
from tests.support.virtual_time import virtual_time

pytestmark = pytest.mark.e2e


def test_each_packet_of_a_key_says_how_long_it_is_held_and_the_last_three_that_it_is_not() -> None:
    said = [step for step in steps_of("#", 160) if step]
    durations = ["00a0", "0140", "01e0", "0280", "0320", "03c0", "0460", "0500"]
    assert [step.hex() for step in said] == [f"0b0a{one}" for one in durations] + ["0b8a0500"] * 3
    assert {digit_of(step) for step in said} == {"#"}


def test_what_is_no_key_is_none() -> None:
    with pytest.raises(ValueError, match="substring"):
        list(steps_of("x", 160))
    assert digit_of(bytes.fromhex("100a00a0")) == ""
    assert digit_of(b"\x01") == ""


def test_keys_are_heard_once_each_and_come_back() -> None:
    @virtual_time
    async def run() -> Simulator:
        async with simulator(names=["alpha", "bravo"]) as made:
            alpha, bravo = made.sip_carriers["alpha"], made.sip_carriers["bravo"]
            call = alpha.call(CALLER, CALLED, LOOPBACK, bravo.port, talk_s=8, audio="tone")
            await alpha.wait_until(lambda: call.answered_at is not None)
            alpha.press(call, "15#D")
            await alpha.wait_for_calls(1, timeout_s=10)
            with pytest.raises(ValueError, match="over"):
                alpha.press(call, "1")
        return made

    made = run()
    (caller,), (called,) = (made.sip_carriers[name].calls for name in ("alpha", "bravo"))
    assert (called.digits, caller.digits) == ("15#D", "15#D")
    assert caller.tone_heard > 0
    assert made.violations == []
