"""The room before the intake: the same idempotency key makes one message, whoever asks how often.

A key is looked for among those under way, among the recent ones in memory, and in the store, which
has all that were accepted within the window. Nothing is remembered of a request that was refused.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from functools import partial

import msgspec

from gateway.clock import Clock, message_sid
from gateway.errors import Refusal, Refused, StoreError
from gateway.message import Message
from gateway.messaging.admission import SendRequest
from gateway.messaging.intake import Intake, OnRefused
from gateway.store.interface import SeenKey

log = logging.getLogger(__name__)

# Some 250 octets each.
RECENT_MAX = 50_000
# Keys whose outcome is awaited; the store takes no more records at a time either.
UNDER_WAY_MAX = 20_000
# Requests that wait for the outcome of another one with the same key.
WAITERS_MAX = 100


class Replayed(msgspec.Struct, frozen=True, gc=False):
    """The id of the message that an earlier request with the same key has made."""

    id: int


OnTaken = Callable[[Message | Replayed], None]


class Asker:
    """A request with a key, and whom to tell what became of it."""

    __slots__ = ("_on_refused", "_on_taken", "request")

    def __init__(self, request: SendRequest, on_taken: OnTaken, on_refused: OnRefused) -> None:
        self.request = request
        self._on_taken = on_taken
        self._on_refused = on_refused

    def taken(self, taken: Message | Replayed) -> None:
        self._tell(partial(self._on_taken, taken))

    def refused(self, refused: Refused) -> None:
        self._tell(partial(self._on_refused, refused))

    def _tell(self, tell: Callable[[], None]) -> None:
        """One who cannot be told keeps it from nobody else."""
        try:
            tell()
        except Exception:
            log.exception(
                "answer to a request with an idempotency key broke",
                extra={"account": self.request.account.sid},
            )


class RecentKeys:
    """Keys that were accepted lately, each for the window; of more than RECENT_MAX, the last."""

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._seen: OrderedDict[bytes, tuple[SeenKey, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._seen)

    def add(self, key: bytes, seen: SeenKey, accepted_at: float) -> None:
        self._seen.pop(key, None)
        if len(self._seen) >= RECENT_MAX:
            self._seen.popitem(last=False)
        self._seen[key] = seen, accepted_at + self._window_s

    def find(self, key: bytes, now: float) -> SeenKey | None:
        seen, until = self._seen.get(key, (None, 0.0))
        return seen if now < until else None


class Idempotency:
    """Stands where an Intake would. `find_key` is the store's, `window_s` what the store keeps."""

    def __init__(
        self,
        intake: Intake,
        find_key: Callable[[bytes], Awaitable[SeenKey | None]],
        clock: Clock,
        window_s: float,
    ) -> None:
        self._intake = intake
        self._find_key = find_key
        self._clock = clock
        self._recent = RecentKeys(window_s)
        # By key, those that wait for the first.
        self._under_way: dict[bytes, list[Asker]] = {}
        self._lookups: set[asyncio.Task[None]] = set()
        self.replayed = 0
        self.conflicts = 0

    def submit(self, request: SendRequest, on_taken: OnTaken, on_refused: OnRefused) -> None:
        """Take a message, or find the one that the key has made; one of the two is called, once
        the message is durable."""
        if not request.key:
            self._intake.submit(request, on_taken, on_refused)
            return
        self._submit(Asker(request, on_taken, on_refused))

    async def accept(self, request: SendRequest) -> Message | Replayed:
        """The same, for who waits; the message is durable when this returns.

        Raises:
            Refused: nothing was made, or the key has made a message of another request.
        """
        if not request.key:
            return await self._intake.accept(request)
        done: asyncio.Future[Message | Replayed] = asyncio.get_running_loop().create_future()

        def on_taken(taken: Message | Replayed) -> None:
            if not done.done():  # The caller may have gone; the message stays accepted.
                done.set_result(taken)

        def on_refused(refused: Refused) -> None:
            if not done.done():
                done.set_exception(refused)

        self.submit(request, on_taken, on_refused)
        return await done

    async def cancel(self, message_id: int) -> None:
        """As the intake does."""
        await self._intake.cancel(message_id)

    def _submit(self, asker: Asker) -> None:
        waiting = self._under_way.get(asker.request.key)
        if waiting is None:
            self._begin(asker)
        elif len(waiting) < WAITERS_MAX:
            waiting.append(asker)
        else:
            asker.refused(Refused(Refusal.IDEMPOTENCY_KEY_IN_USE))

    def _begin(self, asker: Asker) -> None:
        key = asker.request.key
        if seen := self._recent.find(key, self._clock.now()):
            self._replay(asker, seen)
        elif len(self._under_way) >= UNDER_WAY_MAX:
            asker.refused(Refused(Refusal.TOO_MANY_REQUESTS))
        else:
            self._under_way[key] = []
            lookup = asyncio.get_running_loop().create_task(self._look_up(asker))
            self._lookups.add(lookup)
            lookup.add_done_callback(self._lookups.discard)

    async def _look_up(self, asker: Asker) -> None:
        try:
            seen = await self._find_key(asker.request.key)
            if seen is None:
                self._intake.submit(
                    asker.request, partial(self._accepted, asker), partial(self._refused, asker)
                )
        except StoreError:
            self._refused(asker, Refused(Refusal.STORE_UNAVAILABLE))
        except Exception:
            # Nobody may wait for ever on the key of a request that ended so.
            log.exception("request with an idempotency key failed")
            self._refused(asker, Refused(Refusal.STORE_UNAVAILABLE))
        else:
            if seen:
                self._found(asker, seen)

    def _accepted(self, asker: Asker, message: Message) -> None:
        request = asker.request
        seen = SeenKey(message.id, request.fingerprint)
        self._recent.add(request.key, seen, message.accepted_at)
        waiting = self._under_way.pop(request.key)
        asker.taken(message)
        for each in waiting:
            self._replay(each, seen)

    def _found(self, asker: Asker, seen: SeenKey) -> None:
        for each in (asker, *self._under_way.pop(asker.request.key)):
            self._replay(each, seen)

    def _refused(self, asker: Asker, refused: Refused) -> None:
        """The others are tried in their turn: what they ask for may be another thing."""
        waiting = self._under_way.pop(asker.request.key, ())
        asker.refused(refused)
        for each in waiting:
            self._submit(each)

    def _replay(self, asker: Asker, seen: SeenKey) -> None:
        request = asker.request
        if request.fingerprint == seen.fingerprint:
            self.replayed += 1
            asker.taken(Replayed(seen.message_id))
            return
        self.conflicts += 1
        sid = message_sid(seen.message_id)
        log.info(
            "idempotency key came with another request",
            extra={"account": request.account.sid, "sid": sid},
        )
        asker.refused(
            Refused(
                Refusal.IDEMPOTENCY_KEY_REUSED,
                f"{Refusal.IDEMPOTENCY_KEY_REUSED.value}: {sid}",
            )
        )
