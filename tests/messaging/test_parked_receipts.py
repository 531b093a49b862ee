"""Receipts that have found no message."""

import asyncio

import msgspec
import pytest

from gateway.clock import Clock
from gateway.errors import StoreError
from gateway.messaging import parked_receipts
from gateway.messaging.parked_receipts import PARK_S, REMATCH_S, Parked, ParkedReceipts
from gateway.smpp.receipt import Receipt
from gateway.store.interface import UnmatchedReceipt
from tests.messaging.ledger import Ledger
from tests.support.virtual_time import virtual_time

WALL = 1_700_000_000.0
TOLD = Receipt("77", "UNDELIV", "001", "2311142213")


class Lot:
    """Parked receipts on a ledger; `known` are the keys that are identified when asked for."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        clock = Clock(asyncio.get_running_loop().time, WALL)
        self.known: set[str] = set()
        self.asked: list[float] = []
        self.clock = clock
        self.parked = ParkedReceipts(self.ledger, clock, self._identify)

    def _identify(self, key: str, parked: Parked) -> bool:
        self.asked.append(self.clock.now() - parked.at)
        return key in self.known and self.parked.take(key) is parked

    def park(self, key: str = "alpha/77") -> list[StoreError | None]:
        answers: list[StoreError | None] = []
        told = msgspec.structs.replace(TOLD, message_id=key.partition("/")[2])
        self.parked.park(key, told, answers.append)
        return answers

    @property
    def unmatched(self) -> list[str]:
        return [each.carrier_id for each in self.ledger.unmatched]


@virtual_time
async def test_rcp_6_a_receipt_waits_and_is_stored_and_answered() -> None:
    lot = Lot()
    answers = lot.park()
    await asyncio.sleep(PARK_S - 0.1)
    assert (answers, lot.ledger.records) == ([], [])
    await asyncio.sleep(0.3)
    (kept,) = lot.ledger.unmatched
    assert kept == UnmatchedReceipt("alpha", "77", kept.at, "UNDELIV", "001", "2311142213")
    assert (answers, lot.parked.unmatched) == ([None], 1)


@virtual_time
async def test_an_id_with_a_slash_is_stored_as_it_is() -> None:
    lot = Lot()
    lot.park("alpha/7/7")
    await asyncio.sleep(PARK_S + 1)
    assert lot.unmatched == ["7/7"]


@virtual_time
async def test_a_receipt_that_is_taken_is_not_stored() -> None:
    lot = Lot()
    answers = lot.park()
    taken = lot.parked.take("alpha/77")
    await asyncio.sleep(PARK_S + REMATCH_S + 2)
    assert taken
    taken.answer(None)
    assert (answers, lot.ledger.records, lot.parked.take("alpha/77")) == ([None], [], None)


@virtual_time
async def test_rcp_6_a_receipt_is_stored_once_and_all_that_repeat_it_are_answered_with_it() -> None:
    lot = Lot()
    lot.ledger.held = True
    first, second = lot.park(), lot.park()
    await asyncio.sleep(PARK_S + 1)
    third = lot.park()
    assert (first, second, third) == ([], [], [])
    lot.ledger.commit()
    assert (first, second, third, lot.park()) == ([None], [None], [None], [None])
    assert lot.unmatched == ["77"]


@virtual_time
async def test_a_receipt_that_cannot_be_stored_is_parked_anew_when_it_comes_again() -> None:
    lot = Lot()
    lot.ledger.held = True
    answers = lot.park()
    await asyncio.sleep(PARK_S + 1)
    lot.ledger.fail()
    assert [type(answer) for answer in answers] == [StoreError]
    again = lot.park()
    await asyncio.sleep(PARK_S + 1)
    lot.ledger.commit()
    assert again == [None]


@virtual_time
async def test_a_receipt_that_is_identified_is_not_stored() -> None:
    lot = Lot()
    lot.known.add("alpha/77")
    lot.park()
    await asyncio.sleep(PARK_S + 1)
    assert (lot.ledger.records, len(lot.parked)) == ([], 0)


@virtual_time
async def test_a_receipt_that_was_stored_is_looked_at_once_more_before_it_is_forgotten() -> None:
    lot = Lot()
    lot.park()
    await asyncio.sleep(PARK_S + REMATCH_S + 2)
    assert len(lot.asked) == 2
    assert lot.asked[0] == pytest.approx(PARK_S, abs=0.2)
    assert lot.asked[1] == pytest.approx(PARK_S + REMATCH_S, abs=1.2)
    assert len(lot.parked) == 0


@virtual_time
async def test_the_oldest_receipt_makes_room_for_a_new_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parked_receipts, "PARKED_MAX", 2)
    lot = Lot()
    answers = [lot.park(f"alpha/{carrier_id}") for carrier_id in "abcd"]
    await asyncio.sleep(0)
    assert answers == [[None], [None], [], []]
    assert (lot.unmatched, len(lot.parked)) == (["a", "b"], 2)


@virtual_time
async def test_what_was_stored_already_makes_room_in_silence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parked_receipts, "PARKED_MAX", 2)
    lot = Lot()
    for carrier_id in "ab":
        lot.park(f"alpha/{carrier_id}")
    await asyncio.sleep(PARK_S + 1)
    answers = [lot.park(f"alpha/{carrier_id}") for carrier_id in "cd"]
    await asyncio.sleep(REMATCH_S + 2)
    assert (answers, lot.parked.unmatched, lot.unmatched) == ([[None], [None]], 4, list("abcd"))


@virtual_time
async def test_nothing_happens_after_the_close() -> None:
    lot = Lot()
    lot.park()
    lot.parked.close()
    await asyncio.sleep(PARK_S + 1)
    assert lot.ledger.records == []
