"""Equal keys make one message."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import pytest

from gateway.account import Account
from gateway.clock import Clock, message_sid
from gateway.errors import Refusal, Refused, StoreError
from gateway.message import Message, Origin
from gateway.messaging import idempotency as idempotency_module
from gateway.messaging.admission import SendRequest
from gateway.messaging.idempotency import Idempotency, Replayed
from gateway.messaging.idempotency_key import keyed
from gateway.messaging.intake import Intake, OnAccepted, OnRefused
from gateway.store.inline import InlineStore
from gateway.store.interface import Accepted, SeenKey
from tests.messaging.ledger import Ledger
from tests.store.builders import ACCOUNT, a_message
from tests.support.virtual_time import virtual_time

WALL = 1_700_000_000.0
WINDOW_S = 3_600.0
THE_ACCOUNT = Account(ACCOUNT, "f" * 32)


class Counter:
    """An intake that writes all it takes into the ledger, unless it is to `refuse`."""

    def __init__(self, ledger: Ledger | InlineStore, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self.requests: list[SendRequest] = []
        self.refuse: Refusal | None = None
        self.breaks = False
        self.canceled: list[int] = []

    def submit(self, request: SendRequest, on_accepted: OnAccepted, on_refused: OnRefused) -> None:
        self.requests.append(request)
        if self.breaks:
            raise ZeroDivisionError("the inner workings")
        if self.refuse:
            on_refused(Refused(self.refuse))
            return
        message = a_message(len(self.requests), body=request.body, accepted_at=self._clock.now())

        def on_commit(error: StoreError | None) -> None:
            if error:
                on_refused(Refused(Refusal.STORE_UNAVAILABLE))
            else:
                on_accepted(message)

        self._ledger.append(Accepted(message, request.key, request.fingerprint), on_commit)

    async def accept(self, request: SendRequest) -> Message:
        done: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self.submit(request, done.set_result, done.set_exception)
        return await done

    async def cancel(self, message_id: int) -> None:
        self.canceled.append(message_id)


class Desk:
    """`taken` holds the ids of what was accepted, and in a list of its own of what was replayed."""

    def __init__(self, ledger: Ledger | None = None, store: InlineStore | None = None) -> None:
        self.clock = Clock(asyncio.get_running_loop().time, WALL)
        self.ledger = ledger or Ledger()
        self.counter = Counter(store or self.ledger, self.clock)
        self.room = Idempotency(
            cast(Intake, self.counter),
            (store or self.ledger).find_key,
            self.clock,
            WINDOW_S,
        )
        self.accepted: list[int] = []
        self.replayed: list[int] = []
        self.refused: list[Refusal] = []

    def request(self, body: str = "hello", key: bytes = b"k", **changes: Any) -> SendRequest:
        fields: dict[str, Any] = {
            "account": THE_ACCOUNT,
            "sender": "55501",
            "recipient": "+15005550009",
            "origin": Origin.REST,
        }
        request = SendRequest(body=body, **(fields | changes))
        return keyed(request, key) if key else request

    def submit(self, body: str = "hello", key: bytes = b"k", **changes: Any) -> None:
        def on_taken(taken: Message | Replayed) -> None:
            (self.replayed if isinstance(taken, Replayed) else self.accepted).append(taken.id)

        self.room.submit(
            self.request(body, key, **changes),
            on_taken,
            lambda refused: self.refused.append(refused.refusal),
        )

    async def settle(self) -> None:
        """Whatever can become of what was submitted has."""
        await asyncio.sleep(1)

    @property
    def said(self) -> tuple[list[int], list[int], list[Refusal]]:
        return self.accepted, self.replayed, self.refused


def at_a_desk(test: Callable[[Desk], Awaitable[None]]) -> Callable[[], None]:
    @virtual_time
    async def run() -> None:
        await test(Desk())

    return run


# One after the other


@at_a_desk
async def test_a_request_without_a_key_is_passed_on_as_it_is(desk: Desk) -> None:
    desk.submit(key=b"")
    assert len(desk.counter.requests) == 1
    await desk.settle()
    await desk.room.accept(desk.request(key=b""))
    assert (desk.ledger.reads, desk.accepted, len(desk.ledger.accepted)) == (0, [1], 2)


@at_a_desk
async def test_the_same_request_again_is_the_same_message(desk: Desk) -> None:
    desk.submit()
    await desk.settle()
    desk.submit()
    assert desk.said == ([1], [1], [])
    assert (len(desk.ledger.accepted), desk.room.replayed) == (1, 1)


@at_a_desk
async def test_a_key_just_used_needs_no_disk(desk: Desk) -> None:
    desk.submit()
    await desk.settle()
    reads = desk.ledger.reads
    desk.submit()
    assert (desk.replayed, desk.ledger.reads) == ([1], reads)


@at_a_desk
async def test_who_waits_is_told_which_message_it_was(desk: Desk) -> None:
    first = await desk.room.accept(desk.request())
    assert isinstance(first, Message)
    assert await desk.room.accept(desk.request()) == Replayed(first.id)


@at_a_desk
async def test_another_request_with_the_key_is_refused(desk: Desk) -> None:
    desk.submit()
    await desk.settle()
    desk.submit("goodbye")
    assert desk.said == ([1], [], [Refusal.IDEMPOTENCY_KEY_REUSED])
    assert desk.room.conflicts == 1


@at_a_desk
async def test_who_is_refused_learns_which_message_has_his_key(desk: Desk) -> None:
    message = await desk.room.accept(desk.request())
    with pytest.raises(Refused, match=message_sid(message.id)):
        await desk.room.accept(desk.request("goodbye"))


@at_a_desk
async def test_another_key_makes_another_message(desk: Desk) -> None:
    desk.submit(key=b"k")
    desk.submit(key=b"l")
    await desk.settle()
    assert desk.said == ([1, 2], [], [])


@at_a_desk
async def test_a_door_does_not_matter(desk: Desk) -> None:
    desk.submit(origin=Origin.REST)
    await desk.settle()
    desk.submit(origin=Origin.SMPP)
    assert desk.replayed == [1]


@at_a_desk
async def test_a_key_is_remembered_over_a_restart(desk: Desk) -> None:
    desk.submit()
    await desk.settle()
    later = Desk(desk.ledger)
    later.submit()
    later.submit("goodbye")
    await later.settle()
    assert later.said == ([], [1], [Refusal.IDEMPOTENCY_KEY_REUSED])


@at_a_desk
async def test_memory_forgets_a_key_with_its_window(desk: Desk) -> None:
    desk.submit()
    await asyncio.sleep(WINDOW_S + 1)
    desk.ledger.records.clear()  # So does the store.
    desk.submit()
    await desk.settle()
    assert desk.said == ([1, 2], [], [])


def test_memory_holds_so_many_keys_and_the_store_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(idempotency_module, "RECENT_MAX", 2)

    @at_a_desk
    async def forgets(desk: Desk) -> None:
        for key in (b"a", b"b", b"c"):
            desk.submit(key=key)
            await desk.settle()
        assert len(desk.room._recent) == 2
        desk.submit(key=b"a")
        await desk.settle()
        assert desk.replayed == [1]

    forgets()


@at_a_desk
async def test_a_message_is_canceled_as_ever(desk: Desk) -> None:
    await desk.room.cancel(7)
    assert desk.counter.canceled == [7]


# At the same time


@at_a_desk
async def test_equal_keys_at_once_make_one_message(desk: Desk) -> None:
    desk.ledger.held = True
    for _ in range(5):
        desk.submit()
    await desk.settle()
    assert desk.said == ([], [], [])
    desk.ledger.commit()
    assert desk.said == ([1], [1] * 4, [])
    assert len(desk.ledger.accepted) == 1


@at_a_desk
async def test_another_request_at_once_hears_so_when_the_first_is_accepted(desk: Desk) -> None:
    desk.ledger.held = True
    desk.submit()
    desk.submit("goodbye")
    await desk.settle()
    desk.ledger.commit()
    assert desk.said == ([1], [], [Refusal.IDEMPOTENCY_KEY_REUSED])


@at_a_desk
async def test_those_who_waited_for_a_known_key_hear_it_too(desk: Desk) -> None:
    desk.submit()
    await desk.settle()
    later = Desk(desk.ledger)
    for _ in range(3):
        later.submit()
    await later.settle()
    assert (later.replayed, later.ledger.reads) == ([1, 1, 1], 2)


def test_so_many_wait_for_one_key_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency_module, "WAITERS_MAX", 2)

    @at_a_desk
    async def bounded(desk: Desk) -> None:
        for _ in range(4):
            desk.submit()
        assert desk.refused == [Refusal.IDEMPOTENCY_KEY_IN_USE]
        await desk.settle()
        assert (desk.accepted, desk.replayed) == ([1], [1, 1])

    bounded()


def test_so_many_keys_are_under_way_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency_module, "UNDER_WAY_MAX", 2)

    @at_a_desk
    async def bounded(desk: Desk) -> None:
        for key in (b"a", b"b", b"c"):
            desk.submit(key=key)
        assert desk.refused == [Refusal.TOO_MANY_REQUESTS]
        await desk.settle()
        desk.submit(key=b"c")
        await desk.settle()
        assert desk.accepted == [1, 2, 3]

    bounded()


@at_a_desk
async def test_a_caller_who_has_gone_leaves_his_message_accepted(desk: Desk) -> None:
    call = asyncio.ensure_future(desk.room.accept(desk.request()))
    await asyncio.sleep(0)
    call.cancel()
    await desk.settle()
    desk.submit()
    assert (len(desk.ledger.accepted), desk.replayed) == (1, [1])


@at_a_desk
async def test_a_caller_who_has_gone_is_not_told_of_a_refusal(desk: Desk) -> None:
    desk.counter.refuse = Refusal.QUEUE_FULL
    call = asyncio.ensure_future(desk.room.accept(desk.request()))
    await asyncio.sleep(0)
    call.cancel()
    await desk.settle()
    assert call.cancelled()


# Refused


@at_a_desk
async def test_nothing_is_remembered_of_a_refusal(desk: Desk) -> None:
    desk.counter.refuse = Refusal.QUEUE_FULL
    desk.submit()
    await desk.settle()
    desk.counter.refuse = None
    desk.submit("goodbye")
    await desk.settle()
    assert desk.said == ([2], [], [Refusal.QUEUE_FULL])


@at_a_desk
async def test_those_who_waited_for_one_that_is_refused_are_tried_themselves(desk: Desk) -> None:
    desk.ledger.held = True
    for _ in range(3):
        desk.submit()
    await desk.settle()
    desk.ledger.fail()
    desk.ledger.held = False
    await desk.settle()
    assert desk.said == ([2], [2], [Refusal.STORE_UNAVAILABLE])


@at_a_desk
async def test_a_store_that_cannot_be_asked_refuses(desk: Desk) -> None:
    desk.ledger.readable = False
    desk.submit()
    desk.submit()
    await desk.settle()
    assert desk.said == ([], [], [Refusal.STORE_UNAVAILABLE] * 2)
    assert desk.counter.requests == []


def test_a_defect_leaves_nobody_waiting(caplog: pytest.LogCaptureFixture) -> None:
    @at_a_desk
    async def breaks(desk: Desk) -> None:
        desk.counter.breaks = True
        desk.submit()
        desk.submit()
        await desk.settle()
        assert desk.refused == [Refusal.STORE_UNAVAILABLE] * 2
        assert caplog.messages == ["request with an idempotency key failed"] * 2

    breaks()


def fails(_: object) -> None:
    raise ZeroDivisionError("whoever asked")


@pytest.mark.parametrize("before", ["taken", "found"])
def test_one_who_cannot_be_told_keeps_it_from_nobody(
    before: str, caplog: pytest.LogCaptureFixture
) -> None:
    @at_a_desk
    async def breaks(desk: Desk) -> None:
        if before == "found":
            desk.submit()
            await desk.settle()
            desk = Desk(desk.ledger)
        refused: list[Refused] = []
        desk.room.submit(desk.request(), fails, refused.append)
        desk.submit()
        desk.room.submit(desk.request("goodbye"), fails, fails)
        desk.submit()
        await desk.settle()
        assert (desk.said, refused) == (([], [1, 1], []), [])
        assert caplog.messages.count("answer to a request with an idempotency key broke") == 2
        assert "request with an idempotency key failed" not in caplog.messages

    breaks()


@at_a_desk
async def test_one_who_cannot_be_told_of_a_refusal_keeps_nobody_waiting(desk: Desk) -> None:
    desk.counter.refuse = Refusal.QUEUE_FULL
    desk.room.submit(desk.request(), fails, fails)
    desk.submit()
    await desk.settle()
    assert desk.said == ([], [], [Refusal.QUEUE_FULL])


@at_a_desk
async def test_a_found_key_says_what_the_store_has(desk: Desk) -> None:
    found = SeenKey(7, desk.request().fingerprint)

    async def find_key(key: bytes) -> SeenKey | None:
        return found

    desk.room._find_key = find_key
    assert await desk.room.accept(desk.request()) == Replayed(7)


# Over the store itself


@pytest.mark.parametrize("lost", ["nothing", "the index"])
def test_a_key_outlives_a_crash_even_without_its_index(lost: str, tmp_path: Path) -> None:
    @virtual_time
    async def crashes() -> None:
        clock = Clock(asyncio.get_running_loop().time, WALL)
        store = InlineStore(tmp_path / "store", lambda: 0.001, clock=clock)
        before = Desk(store=store)
        before.submit()
        await before.settle()
        store.crash()
        if lost == "the index":
            for path in (tmp_path / "store").glob("keys-*"):
                path.unlink()
        store = InlineStore(tmp_path / "store", lambda: 0.001, clock=clock)
        after = Desk(store=store)
        after.submit()
        after.submit("goodbye")
        await after.settle()
        assert after.said == ([], [1], [Refusal.IDEMPOTENCY_KEY_REUSED])
        await store.close()

    crashes()
