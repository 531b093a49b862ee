"""Reading the pages of queues."""

import asyncio
from collections.abc import Sequence

import pytest

from gateway.account import Account, Sender, SenderType
from gateway.errors import StoreError
from gateway.message import Message
from gateway.messaging.account_queue import AccountQueue
from gateway.messaging.lane import Lane
from gateway.messaging.paging import READ_AGAIN_S, READS_MAX, Paging
from gateway.messaging.queue_tail import Positions
from tests.store.builders import ACCOUNT, a_message
from tests.support.virtual_time import virtual_time


def a_lane(number: int) -> Lane:
    account = Account(ACCOUNT, "0123456789abcdef0123456789abcdef")
    return Lane(account, Sender(str(number), SenderType.SHORT_CODE), AccountQueue(100, 100))


class Library:
    """Each read takes `read_s`; the page of a lane is the one message of its number."""

    def __init__(self, read_s: float = 1.0) -> None:
        self.read_s = read_s
        self.broken: set[int] = set()
        self.under_way = 0
        self.most_under_way = 0
        self.done: list[int] = []
        self.paging = Paging(self.read)
        self.running = asyncio.ensure_future(self.paging.run(self.next_page, self.on_page))

    def want(self, *numbers: int) -> None:
        for number in numbers:
            self.paging.want(a_lane(number))

    async def read(self, ids: Sequence[int]) -> Sequence[Message]:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        await asyncio.sleep(self.read_s)
        self.under_way -= 1
        if self.broken.intersection(ids):
            raise StoreError("the files cannot be read")
        return [a_message(each) for each in ids]

    def next_page(self, lane: Lane) -> Positions | None:
        if lane.sender == "0":
            return None
        page = Positions()
        page.append(int(lane.sender), 1, 0.0)
        return page

    def on_page(self, lane: Lane, page: Positions, messages: Sequence[Message]) -> None:
        assert page.ids.tolist() == [message.id for message in messages] == [int(lane.sender)]
        self.done.append(messages[0].id)


@virtual_time
async def test_pages_are_read_in_the_order_in_which_they_are_wanted() -> None:
    library = Library()
    library.want(3, 1, 2)
    await asyncio.sleep(1.1)
    assert library.done == [3, 1, 2]


@virtual_time
async def test_so_many_are_read_at_once_and_no_more() -> None:
    library = Library()
    library.want(*range(1, 3 * READS_MAX))
    await asyncio.sleep(10)
    assert library.most_under_way == READS_MAX
    assert sorted(library.done) == list(range(1, 3 * READS_MAX))


@virtual_time
async def test_a_page_that_is_wanted_no_more_is_not_read() -> None:
    library = Library()
    library.want(0, 1)
    await asyncio.sleep(1.1)
    assert library.done == [1]


@virtual_time
async def test_a_page_that_cannot_be_read_is_tried_again() -> None:
    library = Library(read_s=0.0)
    library.broken.add(1)
    library.want(1)
    await asyncio.sleep(10)
    assert library.done == []
    library.broken.clear()
    await asyncio.sleep(READ_AGAIN_S)
    assert library.done == [1]


@virtual_time
async def test_pages_that_cannot_be_read_hold_up_nobody_else() -> None:
    library = Library(read_s=0.01)
    library.broken.update(range(1, 2 * READS_MAX))
    library.want(*library.broken, 100)
    await asyncio.sleep(0.1)
    assert library.done == [100]


@virtual_time
async def test_trouble_is_told_once_and_so_is_its_end(caplog: pytest.LogCaptureFixture) -> None:
    library = Library(read_s=0.0)
    library.broken.add(1)
    library.want(1)
    with caplog.at_level("INFO"):
        await asyncio.sleep(10.5)
        library.broken.clear()
        await asyncio.sleep(READ_AGAIN_S)
    assert [record.message for record in caplog.records] == [
        "queued messages cannot be read",
        "queued messages are read again",
    ]
