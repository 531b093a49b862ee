import asyncio

from carriers_sim.timer_heap import TICK_S, TimerHeap
from gateway.clock import Clock
from tests.support.virtual_time import virtual_time

WALL = 1_700_000_000.0


class Bell:
    def __init__(self) -> None:
        self.clock = Clock(asyncio.get_running_loop().time, WALL)
        self.rang: list[tuple[float, str]] = []
        self.heap = TimerHeap(self.clock, self._ring)

    def _ring(self, name: str) -> None:
        self.rang.append((round(self.clock.now() - WALL, 2), name))


@virtual_time
async def test_items_come_at_their_times_in_order() -> None:
    bell = Bell()
    for name, after_s in (("c", 3.0), ("a", 1.0), ("b", 2.0)):
        bell.heap.add(WALL + after_s, name)
    await asyncio.sleep(10)
    assert bell.rang == [(1.0, "a"), (2.0, "b"), (3.0, "c")]


@virtual_time
async def test_of_two_at_one_time_the_first_added_is_first() -> None:
    bell = Bell()
    for name in "zyx":
        bell.heap.add(WALL + 1, name)
    await asyncio.sleep(2)
    assert [name for _, name in bell.rang] == ["z", "y", "x"]


@virtual_time
async def test_an_earlier_item_moves_the_timer_forward() -> None:
    bell = Bell()
    bell.heap.add(WALL + 100, "late")
    bell.heap.add(WALL + 1, "early")
    await asyncio.sleep(2)
    assert bell.rang == [(1.0, "early")]


@virtual_time
async def test_an_item_that_is_due_already_comes_at_once() -> None:
    bell = Bell()
    bell.heap.add(WALL - 5, "overdue")
    await asyncio.sleep(TICK_S)
    assert bell.rang == [(0.0, "overdue")]


@virtual_time
async def test_items_that_are_not_wanted_are_forgotten() -> None:
    bell = Bell()
    bell.heap.add(WALL + 1, "a")
    bell.heap.add(WALL + 2, "b")
    bell.heap.keep(lambda name: name == "b")
    await asyncio.sleep(3)
    assert [name for _, name in bell.rang] == ["b"]


@virtual_time
async def test_an_empty_heap_has_no_timer_and_can_be_used_again() -> None:
    bell = Bell()
    bell.heap.add(WALL + 1, "a")
    bell.heap.keep(lambda _: False)
    assert len(bell.heap) == 0
    bell.heap.add(WALL + 2, "b")
    await asyncio.sleep(3)
    assert [name for _, name in bell.rang] == ["b"]


@virtual_time
async def test_a_fault_in_one_item_does_not_stop_the_others() -> None:
    loop = asyncio.get_running_loop()
    faults: list[object] = []
    loop.set_exception_handler(lambda _, context: faults.append(context["exception"]))
    clock = Clock(loop.time, WALL)
    inverted: list[float] = []
    heap: TimerHeap[int] = TimerHeap(clock, lambda number: inverted.append(1 / number))
    for number in (0, 1):
        heap.add(WALL + 1, number)
    await asyncio.sleep(2)
    assert inverted == [1.0]
    assert [type(fault) for fault in faults] == [ZeroDivisionError]


@virtual_time
async def test_ten_thousand_items_need_few_turns_of_the_loop() -> None:
    bell = Bell()
    for number in range(10_000):
        bell.heap.add(WALL + 1 + number * 1e-5, str(number))
    await asyncio.sleep(2)
    assert len(bell.rang) == 10_000
    assert [name for _, name in bell.rang] == list(map(str, range(10_000)))
