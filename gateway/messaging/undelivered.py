"""What listeners were never told: given up on, kept, listed, and told again when asked for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial

import msgspec

from gateway.clock import Clock, message_id_of, message_sid
from gateway.errors import StoreError
from gateway.message import Message
from gateway.store.interface import GivenUp, Listener, Owed, Replay, Store

log = logging.getLogger(__name__)

# As many events as are read, or replayed, at a time.
EVENTS_MAX = 1_000
# No message has more that anybody is told of: one for each status, with room to spare.
EVENTS_OF_A_MESSAGE_MAX = 16


class UndeliveredEvent(msgspec.Struct, frozen=True):
    """An event that its listener was not told, and why. `host` is the server's `name:port`; empty
    where the listener is an ESME, or the URL cannot be called. `at` are Unix seconds."""

    sid: str
    account: str
    number: int
    status: str
    listener: str
    host: str
    at: float
    reason: str


class UndeliveredPage(msgspec.Struct, frozen=True):
    """Newest message first. `next_before` is the sid before which there is more, or None."""

    undelivered: tuple[UndeliveredEvent, ...]
    next_before: str | None


class Replayed(msgspec.Struct, frozen=True):
    """How many events are told again, the sid before which there are more of the account, or None,
    and which messages had none."""

    replayed: int
    next_before: str | None = None
    nothing_undelivered: tuple[str, ...] = ()


class Undelivered:
    """Lists what was given up, and has it told again.

    `host` says where a message's webhooks go; `resume` hands what is owed again to whom tells it.
    """

    def __init__(
        self,
        store: Store,
        host: Callable[[Message], str],
        resume: Callable[[Owed], None],
        clock: Clock,
    ) -> None:
        self._store = store
        self._host = host
        self._resume = resume
        self._clock = clock
        # What one replay has begun must be on record before another looks for what there is.
        self._lock = asyncio.Lock()
        self.replayed = 0

    async def page(self, account_sid: str, limit: int, before: int | None) -> UndeliveredPage:
        """What was given up and is not yet replayed, of messages with ids below `before`; of all
        accounts where `account_sid` is empty. A message is never torn apart, so the page may have
        a few events more than `limit`.

        Raises:
            StoreError: the store cannot be read.
        """
        found, next_before = await self._read(account_sid, limit, before)
        return UndeliveredPage(tuple(map(self._event, found)), next_before)

    async def replay_messages(self, sids: Sequence[str]) -> Replayed:
        """Have all that was given up of these messages told again.

        Raises:
            StoreError: the store cannot be read or written.
        """
        async with self._lock:
            found: list[GivenUp] = []
            without: list[str] = []
            for sid in dict.fromkeys(sids):
                given_up = await self._of_message(sid)
                found += given_up
                if not given_up:
                    without.append(sid)
            await self._replay(found)
        return Replayed(len(found), nothing_undelivered=tuple(without))

    async def replay_account(self, account_sid: str, before: int | None) -> Replayed:
        """Have what was given up of an account told again: the newest EVENTS_MAX, of messages with
        ids below `before`. What is given up again meanwhile is not among those that follow.

        Raises:
            StoreError: the store cannot be read or written.
        """
        async with self._lock:
            found, next_before = await self._read(account_sid, EVENTS_MAX, before)
            await self._replay(found)
        return Replayed(len(found), next_before)

    async def _read(
        self, account_sid: str, limit: int, before: int | None
    ) -> tuple[Sequence[GivenUp], str | None]:
        """About `limit` events, of whole messages, and the sid before which there are more."""
        found = await self._store.given_up(account_sid, limit + EVENTS_OF_A_MESSAGE_MAX, before)
        if len(found) <= limit:
            return found, None
        ids = [given_up.message.id for given_up in found]
        # The message in which the limit falls goes on the next page, unless it is the first.
        end = ids.index(ids[limit]) or ids.count(ids[0])
        return found[:end], message_sid(ids[end - 1])

    async def _of_message(self, sid: str) -> list[GivenUp]:
        message_id = message_id_of(sid)
        if message_id is None:
            return []
        found = await self._store.given_up("", EVENTS_OF_A_MESSAGE_MAX, message_id + 1)
        return [given_up for given_up in found if given_up.message.id == message_id]

    async def _replay(self, found: Sequence[GivenUp]) -> None:
        """Make debts of them again, in the order of their events; durable when this returns."""
        if not found:
            return
        if not self._store.writable:
            raise StoreError("the store cannot be written now")
        now = self._clock.now()
        in_order = sorted(found, key=lambda each: (each.message.id, each.transition.number))
        durable = [
            self._append(
                Owed(given_up.message, given_up.transition, given_up.notified.round + 1), now
            )
            for given_up in in_order
        ]
        await asyncio.gather(*durable)
        self.replayed += len(found)
        log.info("undelivered events replayed", extra={"count": len(found)})

    def _append(self, owed: Owed, now: float) -> asyncio.Future[None]:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        step = owed.transition
        self._store.append(
            Replay(step.message_id, step.number, owed.round, now),
            partial(self._committed, owed, done),
        )
        return done

    def _committed(self, owed: Owed, done: asyncio.Future[None], error: StoreError | None) -> None:
        if error is None:
            self._resume(owed)
        if done.done():  # The operator has gone; it is replayed all the same.
            return
        if error:
            done.set_exception(error)
        else:
            done.set_result(None)

    def _event(self, given_up: GivenUp) -> UndeliveredEvent:
        message, step, notified = given_up.message, given_up.transition, given_up.notified
        listener = step.listener
        return UndeliveredEvent(
            sid=message_sid(message.id),
            account=message.account_sid,
            number=step.number,
            status=step.status.value,
            listener=listener.name.lower(),
            host=self._host(message) if listener is Listener.WEBHOOK else "",
            at=notified.at,
            reason=notified.outcome,
        )
