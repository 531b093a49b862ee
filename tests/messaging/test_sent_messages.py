"""What carriers have taken is at hand for a while, then set aside and read again when needed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.clock import Clock
from gateway.errors import StoreError
from gateway.events import EventBus
from gateway.message import Status
from gateway.messaging import sent_messages
from gateway.messaging.journal import Journal
from gateway.messaging.open_message import OpenMessage
from gateway.messaging.sent_messages import AT_HAND_S, LOOK_S, RETRY_S, SentMessages
from gateway.store.interface import Deleted
from tests.messaging.ledger import Ledger
from tests.store.builders import ACCOUNT, a_message
from tests.support.virtual_time import virtual_time

WALL = 1_700_000_000.0
WAIT_S = 3_600.0
# When it is certain that what was at hand has been set aside, or what was overdue has ended.
ASIDE_S = AT_HAND_S + 2 * LOOK_S
OVERDUE_S = WAIT_S + 61


class Shelf:
    """Sent messages on a ledger; `overdue` are those that have waited in vain."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.clock = Clock(asyncio.get_running_loop().time, WALL)
        self.journal = Journal(self.ledger, self.clock, EventBus(), 600.0)
        self.overdue: list[OpenMessage] = []
        self.sent = SentMessages(
            self.journal,
            self.ledger,
            self.clock,
            WAIT_S,
            self.journal.restore,
            self._on_overdue,
        )

    def _on_overdue(self, opened: OpenMessage) -> None:
        self.overdue.append(opened)
        self.sent.forget(opened)

    async def keep(self, message_id: int = 1, status: Status = Status.SENT) -> OpenMessage:
        """A message that a carrier has just taken."""
        accepted: list[OpenMessage | None] = []
        self.journal.accept(a_message(message_id), accepted.append)
        await asyncio.sleep(0)
        (opened,) = accepted
        assert opened
        opened.status = Status.SENDING
        if status is Status.SENT:
            self.journal.advance(opened, Status.SENT, bind="alpha/1", carrier_id="4a5b")
        else:
            opened.status, opened.taken_at = status, self.clock.now()
        self.sent.keep(opened)
        return opened

    async def read(self, message_id: int = 1) -> OpenMessage | StoreError | None:
        found: asyncio.Future[OpenMessage | StoreError | None] = asyncio.Future()
        self.sent.read(message_id, found.set_result)
        return await found


@asynccontextmanager
async def a_shelf() -> AsyncIterator[Shelf]:
    shelf = Shelf()
    running = asyncio.create_task(shelf.sent.run())
    yield shelf
    running.cancel()


# At hand, and aside


@virtual_time
async def test_a_message_is_at_hand_for_a_while() -> None:
    async with a_shelf() as shelf:
        opened = await shelf.keep()
        await asyncio.sleep(AT_HAND_S - 1)
        assert shelf.sent.find(1) is shelf.journal.find(1) is opened


@virtual_time
async def test_then_only_its_id_is_kept() -> None:
    async with a_shelf() as shelf:
        await shelf.keep()
        await asyncio.sleep(ASIDE_S)
        assert (shelf.sent.find(1), shelf.journal.find(1)) == (None, None)
        assert 1 in shelf.sent
        assert (len(shelf.sent), shelf.sent.set_aside) == (1, 1)


@pytest.mark.parametrize("status", [Status.QUEUED, Status.SENDING])
def test_a_message_that_is_still_being_sent_stays_at_hand(status: Status) -> None:
    @virtual_time
    async def stays() -> None:
        async with a_shelf() as shelf:
            opened = await shelf.keep(status=status)
            await asyncio.sleep(10 * ASIDE_S)
            assert shelf.sent.find(1) is opened
            opened.status = Status.SENT
            await asyncio.sleep(ASIDE_S)
            assert shelf.sent.find(1) is None

    stays()


@virtual_time
async def test_a_message_stays_at_hand_while_the_store_does_not_have_all_of_it() -> None:
    """It would come back as it was before, and its transitions would be counted twice."""
    async with a_shelf() as shelf:
        opened = await shelf.keep()
        await asyncio.sleep(1)
        shelf.ledger.held = True
        shelf.journal.note_part(opened, 1, Status.DELIVERED, "alpha/1")
        await asyncio.sleep(10 * ASIDE_S)
        assert shelf.sent.find(1) is opened
        shelf.ledger.commit()
        await asyncio.sleep(ASIDE_S)
        assert shelf.sent.find(1) is None


@virtual_time
async def test_the_oldest_message_makes_room_at_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sent_messages, "AT_HAND_MAX", 2)
    async with a_shelf() as shelf:
        for message_id in (1, 2, 3):
            await shelf.keep(message_id)
            await asyncio.sleep(1)
        assert [shelf.sent.find(each) is None for each in (1, 2, 3)] == [True, False, False]


@virtual_time
async def test_a_message_that_is_forgotten_is_gone() -> None:
    async with a_shelf() as shelf:
        opened = await shelf.keep()
        shelf.sent.forget(opened)
        shelf.sent.forget(opened)
        assert 1 not in shelf.sent
        assert (len(shelf.sent), shelf.sent._overdue.next_at()) == (0, None)


# Taken in hand again


@virtual_time
async def test_a_message_is_read_again_as_it_was() -> None:
    async with a_shelf() as shelf:
        opened = await shelf.keep()
        await asyncio.sleep(ASIDE_S)
        again = await shelf.read()
        assert isinstance(again, OpenMessage)
        assert again is shelf.sent.find(1) is shelf.journal.find(1)
        for field in ("message", "status", "number", "durable", "taken_at"):
            assert getattr(again, field) == getattr(opened, field)
        assert [one.carrier_id for one in again.awaited] == ["4a5b"]


@virtual_time
async def test_a_message_that_was_read_is_set_aside_again() -> None:
    async with a_shelf() as shelf:
        await shelf.keep()
        await asyncio.sleep(ASIDE_S)
        await shelf.read()
        await asyncio.sleep(ASIDE_S)
        assert (shelf.sent.find(1), shelf.sent.set_aside) == (None, 1)


@virtual_time
async def test_nothing_is_left_of_a_message_that_was_read_and_forgotten() -> None:
    async with a_shelf() as shelf:
        await shelf.keep()
        await asyncio.sleep(ASIDE_S)
        found = await shelf.read()
        assert isinstance(found, OpenMessage)
        shelf.sent.forget(found)
        assert (len(shelf.sent), shelf.sent._overdue.next_at()) == (0, None)


@virtual_time
async def test_a_message_is_read_once_for_all_who_want_it() -> None:
    async with a_shelf() as shelf:
        await shelf.keep()
        await asyncio.sleep(ASIDE_S)
        found: list[OpenMessage | StoreError | None] = []
        for _ in range(3):
            shelf.sent.read(1, found.append)
        await asyncio.sleep(1)
        assert (len(found), len(set(found)), shelf.ledger.reads) == (3, 1, 1)


@virtual_time
async def test_messages_are_read_a_few_at_a_time_in_their_order() -> None:
    async with a_shelf() as shelf:
        wanted = range(1, 3 * sent_messages.READS_AT_ONCE)
        for message_id in wanted:
            await shelf.keep(message_id)
        await asyncio.sleep(ASIDE_S)
        found: list[object] = []
        for message_id in wanted:
            shelf.sent.read(message_id, found.append)
        await asyncio.sleep(1)
        assert found == [shelf.sent.find(message_id) for message_id in wanted]


@virtual_time
async def test_a_message_that_cannot_be_read_stays_aside() -> None:
    async with a_shelf() as shelf:
        await shelf.keep()
        await asyncio.sleep(ASIDE_S)
        shelf.ledger.readable = False
        assert isinstance(await shelf.read(), StoreError)
        shelf.ledger.readable = True
        assert isinstance(await shelf.read(), OpenMessage)


@virtual_time
async def test_a_message_that_is_no_more_is_forgotten() -> None:
    async with a_shelf() as shelf:
        await shelf.keep()
        await asyncio.sleep(ASIDE_S)
        shelf.ledger.records.append(Deleted(1))
        assert await shelf.read() is None
        assert 1 not in shelf.sent


@virtual_time
async def test_more_reads_than_memory_holds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sent_messages, "READING_MAX", 1)
    shelf = Shelf()
    for message_id in (1, 2):
        shelf.sent.keep_aside(message_id, ACCOUNT, WALL)
    found: list[object] = []
    shelf.sent.read(1, found.append)
    shelf.sent.read(2, found.append)
    assert [type(each) for each in found] == [StoreError]


# Overdue


@virtual_time
async def test_a_message_is_overdue_after_the_wait_and_not_before() -> None:
    async with a_shelf() as shelf:
        await shelf.keep()
        await asyncio.sleep(WAIT_S - 1)
        assert shelf.overdue == []
        await asyncio.sleep(62)
        (opened,) = shelf.overdue
        assert (opened.message.account_sid, opened.status) == (ACCOUNT, Status.SENT)
        assert len(shelf.sent) == 0


@virtual_time
async def test_a_message_may_be_overdue_while_it_is_at_hand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sent_messages, "AT_HAND_S", 2 * WAIT_S)
    async with a_shelf() as shelf:
        opened = await shelf.keep()
        await asyncio.sleep(OVERDUE_S)
        assert (shelf.overdue, shelf.ledger.reads) == ([opened], 0)


@virtual_time
async def test_a_message_that_is_still_being_sent_is_not_overdue() -> None:
    async with a_shelf() as shelf:
        opened = await shelf.keep(status=Status.SENDING)
        await asyncio.sleep(OVERDUE_S)
        assert shelf.overdue == []
        opened.status = Status.SENT
        await asyncio.sleep(OVERDUE_S)
        assert [each.message.id for each in shelf.overdue] == [1]


@virtual_time
async def test_a_message_that_cannot_be_read_ends_once_it_can() -> None:
    async with a_shelf() as shelf:
        await shelf.keep()
        await asyncio.sleep(ASIDE_S)
        shelf.ledger.readable = False
        await asyncio.sleep(2 * OVERDUE_S)
        assert shelf.overdue == []
        shelf.ledger.readable = True
        await asyncio.sleep(RETRY_S + 61)
        assert [each.message.id for each in shelf.overdue] == [1]


@virtual_time
async def test_a_message_that_is_no_more_does_not_end() -> None:
    async with a_shelf() as shelf:
        await shelf.keep()
        await asyncio.sleep(ASIDE_S)
        shelf.ledger.records.append(Deleted(1))
        await asyncio.sleep(OVERDUE_S)
        assert (shelf.overdue, len(shelf.sent)) == ([], 0)


@virtual_time
async def test_a_message_that_is_just_being_read_ends_after_those_who_wanted_it() -> None:
    shelf = Shelf()
    message = a_message()
    shelf.ledger.has(message)
    shelf.sent.keep_aside(message.id, ACCOUNT, WALL - WAIT_S - 60)
    found: list[object] = []
    shelf.sent.read(1, found.append)
    await asyncio.sleep(0.1)
    running = asyncio.create_task(shelf.sent.run())
    await asyncio.sleep(1)
    running.cancel()
    assert found == shelf.overdue
    assert (len(shelf.overdue), shelf.ledger.reads) == (1, 1)


@virtual_time
async def test_what_was_overdue_and_has_gone_meanwhile_is_passed_over() -> None:
    shelf = Shelf()
    message = a_message()
    shelf.ledger.has(message)
    shelf.sent.keep_aside(message.id, ACCOUNT, WALL - WAIT_S - 60)
    await asyncio.sleep(0.1)
    shelf.sent._set_aside.clear()
    running = asyncio.create_task(shelf.sent.run())
    await asyncio.sleep(1)
    running.cancel()
    assert (shelf.overdue, shelf.ledger.reads) == ([], 0)


@virtual_time
async def test_no_deadline_passes_after_the_close() -> None:
    async with a_shelf() as shelf:
        await shelf.keep()
        await asyncio.sleep(1)
        shelf.sent.close()
        await asyncio.sleep(2 * OVERDUE_S)
        assert shelf.overdue == []
