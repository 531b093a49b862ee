"""What a carrier may have can be neither canceled nor replaced (SMPP v3.4 §4.9, §4.10)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from gateway.account import InDoubt
from gateway.errors import Refusal
from gateway.message import Message
from gateway.smpp.errors import NotBound
from tests.messaging.intake_desk import Desk
from tests.messaging.traffic_world import LONG
from tests.support.virtual_time import virtual_time

Change = Callable[[Desk, Message], Awaitable[Refusal | None]]

pytestmark = pytest.mark.parametrize(
    ("change", "refusal"),
    [(Desk.cancel, Refusal.NOT_CANCELABLE), (Desk.replace, Refusal.NOT_REPLACEABLE)],
    ids=["cancel", "replace"],
)


@virtual_time
async def test_a_part_of_it_was_sent(change: Change, refusal: Refusal) -> None:
    desk = Desk(window=1)
    message = await desk.accept(LONG)
    await desk.traffic.turn()
    desk.traffic.ok()
    desk.traffic.down("alpha/1")
    await desk.traffic.turn()
    assert await change(desk, message) is refusal


@pytest.mark.parametrize("policy", InDoubt)
@virtual_time
async def test_the_bind_went_down_before_its_answer(
    policy: InDoubt, change: Change, refusal: Refusal
) -> None:
    desk = Desk(in_doubt=policy)
    message = await desk.accept()
    await desk.traffic.turn(0.1)
    desk.traffic.down("alpha/1")
    await desk.traffic.turn(600)
    assert await change(desk, message) is refusal


@pytest.mark.parametrize("policy", [InDoubt.HOLD, InDoubt.UNKNOWN])
@virtual_time
async def test_it_is_on_record_as_written(
    policy: InDoubt, change: Change, refusal: Refusal
) -> None:
    desk = Desk(in_doubt=policy)
    desk.traffic.binds["alpha/1"].trouble = NotBound("its session is ending")
    message = await desk.accept()
    await desk.traffic.turn(0.05)
    assert (desk.traffic.texts(), len(desk.traffic.ledger.attempts)) == ([], 1)
    assert await change(desk, message) is refusal
