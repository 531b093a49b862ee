"""Messages that carriers have taken, and have told no end of yet.

Most receipts come within seconds; some never come, and are waited for through days. So a message
is at hand, as an object, for AT_HAND_S. Then it is set aside: memory keeps its id and the sid of
its account, and it is read again when a receipt comes for it, or when its time is over.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from functools import partial
from itertools import islice
from sys import intern

from gateway.clock import Clock
from gateway.errors import StoreError
from gateway.message import FINAL, Status
from gateway.messaging.deadlines import Deadlines
from gateway.messaging.journal import Journal
from gateway.messaging.open_message import OpenMessage
from gateway.net.alarm import Alarm
from gateway.store.interface import Store, StoredMessage

AT_HAND_S = 60.0
AT_HAND_MAX = 50_000
# How many messages receipts may wait for.
READING_MAX = 10_000
READS_AT_ONCE = 16
# A message that could not be read when its time was over is looked at again after this.
RETRY_S = 10.0
LOOK_S = 1.0

# Gets the message, at hand again; None where it is no more; the error where it cannot be read now.
OnRead = Callable[[OpenMessage | StoreError | None], None]


class SentMessages:
    """`restore` makes a message of what is stored of it; `on_overdue` gets each, at hand, that has
    waited for `wait_s` since the carrier took its first part.
    """

    def __init__(
        self,
        journal: Journal,
        store: Store,
        clock: Clock,
        wait_s: float,
        restore: Callable[[StoredMessage], OpenMessage],
        on_overdue: Callable[[OpenMessage], None],
    ) -> None:
        self._journal = journal
        self._store = store
        self._clock = clock
        self._wait_s = wait_s
        self._restore = restore
        self._on_overdue = on_overdue
        self._at_hand: OrderedDict[int, tuple[OpenMessage, float]] = OrderedDict()
        self._set_aside: dict[int, str] = {}
        self._overdue: Deadlines[int] = Deadlines(min(60.0, wait_s / 10))
        self._reading: dict[int, list[OnRead]] = {}
        self._ending: deque[int] = deque()
        self._wanted = asyncio.Event()
        self._alarm = Alarm(clock, self._run)

    def __len__(self) -> int:
        return len(self._at_hand) + len(self._set_aside)

    def __contains__(self, message_id: int) -> bool:
        return message_id in self._at_hand or message_id in self._set_aside

    @property
    def set_aside(self) -> int:
        """How many of them are no objects."""
        return len(self._set_aside)

    def find(self, message_id: int) -> OpenMessage | None:
        """The message, if it is at hand."""
        found = self._at_hand.get(message_id)
        return found[0] if found else None

    def keep(self, opened: OpenMessage) -> None:
        """A part of the message is awaited."""
        message_id = opened.message.id
        if message_id in self._at_hand:
            return
        self._take_in_hand(opened)
        self._await(message_id, opened.taken_at)

    def keep_aside(self, message_id: int, account_sid: str, taken_at: float) -> None:
        """The same for a message that is `sent` and durable, which need not be at hand."""
        self._set_aside[message_id] = intern(account_sid)
        self._await(message_id, taken_at)

    def forget(self, opened: OpenMessage) -> None:
        """No part of the message, which is at hand, is awaited any more."""
        message_id = opened.message.id
        if self._at_hand.pop(message_id, None):
            self._overdue.discard(opened.taken_at + self._wait_s, message_id)

    def read(self, message_id: int, then: OnRead) -> None:
        """Take a message that was set aside in hand again."""
        waiting = self._reading.get(message_id)
        if waiting is not None:
            waiting.append(then)
        elif len(self._reading) >= READING_MAX:
            then(StoreError("too many messages wait to be read"))
        else:
            self._reading[message_id] = [then]
            self._wanted.set()

    async def run(self) -> None:
        """Read what is to be read, until canceled; first what receipts wait for."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            while self._reading or self._ending:
                while self._ending and len(self._reading) < READS_AT_ONCE:
                    self._end_aside(self._ending.popleft())
                async with asyncio.TaskGroup() as tasks:
                    for message_id in list(islice(self._reading, READS_AT_ONCE)):
                        tasks.create_task(self._read(message_id))

    def close(self) -> None:
        """Let no deadline pass any more."""
        self._alarm.cancel()

    async def _read(self, message_id: int) -> None:
        found: OpenMessage | StoreError | None = None
        try:
            stored = await self._store.fetch(self._set_aside[message_id], message_id)
        except StoreError as error:
            found = error
        else:
            del self._set_aside[message_id]
            if stored:
                found = self._restore(stored)
                self._take_in_hand(found)
        for then in self._reading.pop(message_id):
            then(found)

    def _await(self, message_id: int, since: float) -> None:
        overdue_at = since + self._wait_s
        self._overdue.add(overdue_at, message_id)
        self._alarm.set(overdue_at)

    def _take_in_hand(self, opened: OpenMessage) -> None:
        until = self._clock.now() + AT_HAND_S
        self._at_hand[opened.message.id] = (opened, until)
        if len(self._at_hand) > AT_HAND_MAX:
            self._put_away()
        self._alarm.set(until + LOOK_S)

    def _put_away(self) -> None:
        """Set aside the message that has been at hand for longest, if nothing is under way of it
        and the store has all that is known of it; else it stays for another while."""
        message_id, (opened, _) = self._at_hand.popitem(last=False)
        waits = opened.status is Status.SENT or opened.status in FINAL
        if waits and opened.durable == opened.number:
            self._journal.set_aside(opened)
            self._set_aside[message_id] = intern(opened.message.account_sid)
        else:
            self._at_hand[message_id] = (opened, self._clock.now() + AT_HAND_S)

    def _run(self) -> None:
        now = self._clock.now()
        for message_id in self._overdue.due(now):
            self._end(message_id, now)
        while self._at_hand:
            _, until = next(iter(self._at_hand.values()))
            if until > now:
                self._alarm.set(until + LOOK_S)
                break
            self._put_away()
        self._alarm.set(self._overdue.next_at())

    def _end(self, message_id: int, now: float) -> None:
        """The time of a message is over, unless it is still being sent."""
        opened = self.find(message_id)
        if opened is None:
            self._ending.append(message_id)
            self._wanted.set()
        elif opened.status is Status.SENT or opened.status in FINAL:
            self._on_overdue(opened)
        else:
            opened.taken_at = now
            self._await(message_id, now)

    def _end_aside(self, message_id: int) -> None:
        if message_id in self._set_aside:
            self._reading.setdefault(message_id, []).append(partial(self._ended, message_id))

    def _ended(self, message_id: int, found: OpenMessage | StoreError | None) -> None:
        if isinstance(found, OpenMessage):
            self._on_overdue(found)
        elif found:
            self._overdue.add(self._clock.now() + RETRY_S, message_id)
            self._alarm.set(self._overdue.next_at())
