import pytest

from carriers_sim.body_tag import effect
from carriers_sim.rule import Effect, Repeat
from tests.carriers_sim.carrier_builder import world
from tests.carriers_sim.customer import submit_sm
from tests.support.virtual_time import virtual_time


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("hello (sim receipt=UNDELIV err=001)", Effect(receipt="UNDELIV", err="001")),
        (
            "(sim status=ESME_RTHROTTLED repeat=once) hello",
            Effect(status="ESME_RTHROTTLED", repeat=Repeat.ONCE),
        ),
        ("(sim response_delay_s=2.5)", Effect(response_delay_s=2.5)),
        ("(sim unanswered=true)", Effect(unanswered=True)),
        ("hello", None),
        ("(sim receipt=NEVER)", None),
        ("(sim dance=tango)", None),
        ("(sim )", None),
    ],
)
def test_a_tag_asks_for_its_effect(text: str, asked: Effect | None) -> None:
    assert effect(text) == asked


@virtual_time
async def test_a_carrier_that_reads_tags_does_what_they_say() -> None:
    customer = await (await world(body_tags=True)).bound()
    answered = await customer.send(submit_sm(text=b"hi (sim status=0x0411)"))
    assert answered.command_status == 0x411


@virtual_time
async def test_without_the_switch_a_tag_is_text() -> None:
    customer = await (await world()).bound()
    answered = await customer.send(submit_sm(text=b"hi (sim status=0x0411)"))
    assert answered.command_status == 0
