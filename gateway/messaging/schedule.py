"""Messages that are to be sent later: their ids by time. The store has them until they are due."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from itertools import islice
from sys import intern

from gateway.clock import Clock, message_sid
from gateway.errors import StoreError
from gateway.message import Message
from gateway.messaging.deadlines import Deadlines
from gateway.messaging.paging import READ_AGAIN_S, ReadMessages
from gateway.net.alarm import Alarm

log = logging.getLogger(__name__)

SCHEDULED_MAX = 500_000
SCHEDULE_GRAIN_S = 0.5
PAGE = 500

OnDue = Callable[[Message], None]


class Schedule:
    """At most SCHEDULED_MAX, and those of an earlier run; its owner asks for `full` first."""

    def __init__(self, read_messages: ReadMessages, clock: Clock) -> None:
        self._read_messages = read_messages
        self._clock = clock
        self._waiting: Deadlines[int] = Deadlines(SCHEDULE_GRAIN_S)
        self._of_account: dict[str, dict[int, None]] = {}
        self._due: deque[int] = deque()
        self._some_due = asyncio.Event()
        self._alarm = Alarm(clock, self._come_due)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def full(self) -> bool:
        return self._count >= SCHEDULED_MAX

    def add(self, message: Message) -> None:
        self._count += 1
        self._waiting.add(message.send_at, message.id)
        self._of_account.setdefault(intern(message.account_sid), {})[message.id] = None
        self._alarm.set(self._waiting.next_at())

    def newest(self, account_sid: str, count: int) -> list[int]:
        """The ids of the account's last so many, the last that was added first."""
        return list(islice(reversed(self._of_account.get(account_sid, {})), count))

    def take_out(self, message: Message) -> bool:
        """Take a message out before it is due; False: it is not here (any more)."""
        if not self._waiting.discard(message.send_at, message.id):
            return False
        self._forget(message.account_sid, message.id)
        return True

    async def cancel(self, message_id: int) -> Message | None:
        """Take a message out before it is due; None: it is not here (any more).

        Raises:
            StoreError: it cannot be read now.
        """
        for message in await self._read_messages([message_id]):
            if self.take_out(message):
                return message
        return None

    def close(self) -> None:
        """Nothing comes due any more."""
        self._alarm.cancel()

    async def run(self, on_due: OnDue) -> None:
        """Read what is due, and hand it over in the order of its times, until canceled."""
        while True:
            await self._some_due.wait()
            self._some_due.clear()
            while self._due:
                await self._read(
                    [self._due.popleft() for _ in range(min(PAGE, len(self._due)))], on_due
                )

    async def _read(self, page: list[int], on_due: OnDue) -> None:
        try:
            messages = await self._read_messages(page)
        except StoreError as error:
            log.error(
                "scheduled messages cannot be read",
                extra={"messages": len(page), "cause": str(error)},
            )
            for message_id in page:
                self._waiting.add(self._clock.now() + READ_AGAIN_S, message_id)
            self._alarm.set(self._waiting.next_at())
            return
        for message_id in set(page).difference(message.id for message in messages):
            log.error("scheduled message is gone", extra={"sid": message_sid(message_id)})
            for account_sid in [sid for sid, ids in self._of_account.items() if message_id in ids]:
                self._forget(account_sid, message_id)
        for message in messages:
            self._forget(message.account_sid, message.id)
            on_due(message)

    def _forget(self, account_sid: str, message_id: int) -> None:
        self._count -= 1
        ids = self._of_account[account_sid]
        del ids[message_id]
        if not ids:
            del self._of_account[account_sid]

    def _come_due(self) -> None:
        self._due.extend(self._waiting.due(self._clock.now()))
        self._some_due.set()
        self._alarm.set(self._waiting.next_at())
