"""The senders that have something to send: what comes into their queues, and what leaves them
without being sent.

A queue keeps a bounded head in memory; the rest waits in the store, known by its positions (see
`AccountQueue`), and is read when its turn is near or its time is over.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from math import inf

from gateway.account import Account, Sender
from gateway.clock import Clock, message_sid
from gateway.errors import StoreError
from gateway.message import Message, Status
from gateway.messaging.account_queue import AccountQueue
from gateway.messaging.deadlines import Deadlines
from gateway.messaging.journal import Journal
from gateway.messaging.lane import Lane
from gateway.messaging.mps import MpsLimiter
from gateway.messaging.open_message import OpenMessage
from gateway.messaging.parts_in_doubt import PartsInDoubt
from gateway.messaging.queue_tail import Positions
from gateway.messaging.turns import Turns
from gateway.store.interface import AttemptOutcome, OnCommit, WaitingMessage

log = logging.getLogger(__name__)

EXPIRY_GRAIN_S = 0.1
# With so many messages in all heads together, each new one is in memory only if its own queue has
# fewer than HEAD_LEAST there: a hundred thousand senders cannot have full heads.
HEADS_MAX = 100_000
HEAD_LEAST = 8
# A tail is being looked through for what has expired: when something next does is found out then,
# whatever comes meanwhile.
OVERDUE = -inf
# Lanes that have nothing to send are looked through so often, for they mostly have again soon.
SWEEP_S = 0.5


class Lanes:
    """`turns` are theirs; `on_work` is called when somebody has one, or a deadline was set. A lane
    of which a page is wanted is given to `on_page_wanted`, once until it has been read."""

    def __init__(
        self,
        journal: Journal,
        in_doubt: PartsInDoubt,
        clock: Clock,
        expired_code: int,
        on_work: Callable[[], None],
        on_page_wanted: Callable[[Lane], None],
    ) -> None:
        self.turns = Turns()
        self.expired = 0
        self._journal = journal
        self._in_doubt = in_doubt
        self._clock = clock
        self._expired_code = expired_code
        self.on_work = on_work
        self._on_page_wanted = on_page_wanted
        self._lanes: dict[tuple[str, str], Lane] = {}
        self._account_limiters: dict[str, MpsLimiter] = {}
        self._resting: dict[Lane, None] = {}
        self._sweep_at = inf
        self._positions = 0
        self._held = 0
        # What the store may not say yet of messages aside that were replaced.
        self._amended: dict[int, Message] = {}
        self._expiry: Deadlines[OpenMessage] = Deadlines(EXPIRY_GRAIN_S)
        self._tails: Deadlines[Lane] = Deadlines(EXPIRY_GRAIN_S)

    def __len__(self) -> int:
        return len(self._lanes)

    def of(self, account: Account, sender: Sender) -> Lane:
        """The lane of a sender, made when it first sends and gone when it has been idle."""
        lane = self._lanes.get((account.sid, sender.address))
        if lane is None:
            queue: AccountQueue[OpenMessage] = AccountQueue(
                sender.segments_per_second, account.max_queue_s, self._account_limiter(account)
            )
            lane = self._lanes[account.sid, sender.address] = Lane(account, sender, queue)
        return lane

    def find(self, account_sid: str, sender: str) -> Lane | None:
        """The lane of a sender that has one."""
        return self._lanes.get((account_sid, sender))

    def standing(self, lane: Lane) -> Lane:
        """The lane that its sender has now: this one, if it has none, for a lane may have been
        forgotten while an answer was late."""
        return self._lanes.setdefault((lane.account_sid, lane.sender), lane)

    def call(self, lane: Lane) -> None:
        """The lane has its turn as soon as its rate lets it."""
        self.turns.give(lane, lane.queue.ready_at(self._clock.now()))
        self.on_work()

    def rest(self, lane: Lane, now: float) -> None:
        """No message of the lane is here."""
        self.turns.suspend(lane)
        if lane.queue.aside:
            self._want_page(lane)
            return
        if not self._resting:
            self._sweep_at = now + SWEEP_S
            self.on_work()
        self._resting[lane] = None

    def _sweep(self, now: float) -> None:
        """Forget idle lanes, once their limiters would not remember anything either."""
        resting, self._resting = self._resting, {}
        for lane in resting:
            if lane.queue.segments or lane.busy:
                continue  # When it is idle again, it rests again.
            if lane.queue.limiter.idle_at > now:
                self._resting[lane] = None
            elif self._lanes.get((lane.account_sid, lane.sender)) is lane:
                del self._lanes[lane.account_sid, lane.sender]
        self._sweep_at = now + SWEEP_S if self._resting else inf

    def backlog(self) -> list[tuple[str, str, int, int]]:
        """Account, sender, messages and segments of each queue that is not empty."""
        return [
            (lane.account_sid, lane.sender, len(lane.queue), lane.queue.segments)
            for lane in self._lanes.values()
            if len(lane.queue)
        ]

    @property
    def aside(self) -> int:
        """How many messages wait in the store alone."""
        return sum(lane.queue.aside for lane in self._lanes.values())

    # In

    def put(self, lane: Lane, opened: OpenMessage) -> None:
        """Queue a message that was just accepted or came due, and whose room was reserved."""
        queue, message = lane.queue, opened.message
        if queue.aside or queue.held >= self._head_max(queue):
            self._journal.set_aside(opened)
            self._set_aside(lane, message.id, message.segments, message.expires_at)
            return
        first = queue.head() is None
        queue.put(self._taken_in(opened))
        if first:
            self.turns.give(lane, queue.ready_at(self._clock.now()))
        self.on_work()

    def restore(self, lane: Lane, waiting: WaitingMessage) -> None:
        """Queue a message of an earlier run that no carrier has seen; it stays in the store. It has
        room, for it had it before, even where the queue has become smaller."""
        lane.queue.hold(waiting.segments)
        self._set_aside(lane, waiting.id, waiting.segments, waiting.expires_at)
        self._page(lane)

    def put_back(self, lane: Lane, opened: OpenMessage) -> None:
        """Queue a message that a carrier has seen before all that none has."""
        if not opened.position:
            self._positions += 1
            opened.position = self._positions
        lane.queue.put_back(opened)
        self._held += 1
        self._expiry.add(opened.message.expires_at, opened)

    def _taken_in(self, opened: OpenMessage) -> OpenMessage:
        self._positions += 1
        opened.position = self._positions
        self._held += 1
        self._expiry.add(opened.message.expires_at, opened)
        return opened

    # Out

    def withdraw(self, lane: Lane, segments: int) -> None:
        """Give back the room of a message that was not accepted after all."""
        lane.queue.give_back(segments)
        if lane.queue.head() is None:
            self.rest(lane, self._clock.now())

    def pop(self, lane: Lane) -> None:
        """All of the lane's head is at a carrier."""
        opened = lane.queue.pop()
        self._held -= 1
        self._expiry.discard(opened.message.expires_at, opened)
        self._page(lane)

    def expire(self, opened: OpenMessage) -> bool:
        """Fail what is over its time in the queue; not while a part of it is under way."""
        if not opened.waiting or opened.in_flight:
            return False
        self.expired += 1
        self.fail(opened, self._expired_code)
        return True

    def fail(self, opened: OpenMessage, error_code: int, bind: str = "") -> None:
        """End the message, and take it out of its queue if it is there."""
        self.take_back_note(opened)
        self._in_doubt.forget(opened)
        lane = self._leave(opened) if opened.unsent else None
        self._journal.advance(opened, Status.FAILED, error_code, bind)
        if lane:
            self._page(lane)

    def _leave(self, opened: OpenMessage) -> Lane:
        """Take a message out of the head that is there; what is queued behind it may go."""
        lane = self._lanes[opened.message.account_sid, opened.message.sender]
        if lane.queue.head() is opened:  # What it waited for is not what the next one needs.
            self.turns.give(lane, self._clock.now())
            self.on_work()
        lane.queue.leave(opened)
        self._held -= 1
        self._expiry.discard(opened.message.expires_at, opened)
        return lane

    # Messages that their customers change

    def place(self, message: Message) -> Lane | OpenMessage | None:
        """Where a message waits of which no carrier knows: at hand; or aside in a lane; or, None,
        nowhere here."""
        opened = self._journal.find(message.id)
        if opened:
            return opened if opened.untold else None
        lane = self.find(message.account_sid, message.sender)
        return lane if lane and lane.queue.has_aside(message.id) else None

    def cancel(self, place: Lane | OpenMessage, message: Message, on_commit: OnCommit) -> None:
        """End a message that waits at this place."""
        opened = self.take_out(place, message)
        self._journal.advance(opened, Status.CANCELED, on_commit=on_commit)

    def take_out(self, place: Lane | OpenMessage, message: Message) -> OpenMessage:
        """A message that waits at this place leaves its queue."""
        if isinstance(place, OpenMessage):
            opened, lane = place, self._leave(place)
            opened.unsent.clear()  # So that its queue skips it.
        else:
            opened, lane = self._journal.take_up(message, bool(message.send_at)), place
            lane.queue.strike(message.id)
            self._amended.pop(message.id, None)
            if not lane.queue.aside:
                self._unwatch(lane)
        self._page(lane)
        if lane.queue.head() is None:
            self.rest(lane, self._clock.now())
        return opened

    def replace(self, place: Lane | OpenMessage, message: Message, on_commit: OnCommit) -> bool:
        """Another message takes this place, and nothing is sent from its lane until it is durable;
        False: the queue has no room for it."""
        lane = self._lanes[message.account_sid, message.sender]
        if isinstance(place, OpenMessage):
            if not lane.queue.resize(place.segments, message.segments):
                return False
            self._expiry.discard(place.message.expires_at, place)
            place.replace(message)
            self._expiry.add(message.expires_at, place)
            self.on_work()
        else:
            if not lane.queue.amend(message.id, message.segments, message.expires_at):
                return False
            self._amended[message.id] = message
            self._watch(lane, message.expires_at)
        lane.noting += 1
        self._journal.replace(message, partial(self._replaced, lane, message, on_commit))
        return True

    def _replaced(
        self, lane: Lane, message: Message, on_commit: OnCommit, error: StoreError | None
    ) -> None:
        """What is read from now on is the message as it is; a page that is being read may not be
        of now."""
        page = lane.queue.page
        if self._amended.get(message.id) is message and not (page and message.id in page.ids):
            del self._amended[message.id]
        lane.noting -= 1
        self.call(lane)
        on_commit(error)

    def take_back_note(self, opened: OpenMessage) -> None:
        """What is on record as written to a bind, and was not, must not end up in doubt."""
        if opened.noted:
            self._journal.attempt(
                opened, opened.noted_part, AttemptOutcome.REFUSED, opened.noted, 0
            )
            opened.noted = ""

    def take_back_notes(self) -> None:
        """Nothing more will be sent."""
        for lane in self._lanes.values():
            for opened in lane.queue:
                self.take_back_note(opened)

    # Deadlines

    def handle_timer(self, now: float) -> None:
        """Fail what has expired; of a tail, once it has been read."""
        for opened in self._expiry.due(now):
            self.expire(opened)
        for lane in self._tails.due(now):
            lane.expires_at = OVERDUE
            self._want_page(lane)
        if self._sweep_at <= now:
            self._sweep(now)

    def next_timer(self) -> float | None:
        at = min(self._sweep_at, self._expiry.next_at() or inf, self._tails.next_at() or inf)
        return at if at < inf else None

    # Aside

    def _head_max(self, queue: AccountQueue[OpenMessage]) -> int:
        return queue.head_max if self._held < HEADS_MAX else HEAD_LEAST

    def _set_aside(self, lane: Lane, message_id: int, segments: int, expires_at: float) -> None:
        lane.queue.set_aside(message_id, segments, expires_at)
        self._watch(lane, expires_at)

    def _watch(self, lane: Lane, expires_at: float) -> None:
        """Something in the lane's tail expires then."""
        if expires_at < lane.expires_at:
            self._unwatch(lane)
            lane.expires_at = expires_at
            self._tails.add(expires_at, lane)
            self.on_work()

    def _unwatch(self, lane: Lane) -> None:
        if OVERDUE < lane.expires_at < inf:
            self._tails.discard(lane.expires_at, lane)
        lane.expires_at = inf

    def _page(self, lane: Lane) -> None:
        """Where less than half a head is here, more is wanted."""
        queue = lane.queue
        if queue.aside and 2 * queue.held < self._head_max(queue):
            self._want_page(lane)

    def _want_page(self, lane: Lane) -> None:
        if not lane.paging:
            lane.paging = True
            self._on_page_wanted(lane)

    def next_page(self, lane: Lane) -> Positions | None:
        """What is to be read for the lane; None: nothing any more."""
        page = lane.queue.next_page(self._clock.now(), self._head_max(lane.queue))
        if page is None:
            self._page_done(lane)
        return page

    def on_page(self, lane: Lane, page: Positions, messages: Sequence[Message]) -> None:
        """A page has been read: it joins the head, but for what has expired."""
        now = self._clock.now()
        queue = lane.queue
        dry = queue.head() is None
        if page.struck:
            kept = set(page.ids)
            messages = [message for message in messages if message.id in kept]
        if self._amended:
            messages = [self._amended.pop(message.id, message) for message in messages]
        expired: list[OpenMessage] = []
        fresh: list[OpenMessage] = []
        for message in messages:
            opened = self._journal.take_up(message, bool(message.send_at))
            if message.expires_at <= now:
                expired.append(opened)
            else:
                fresh.append(self._taken_in(opened))
        queue.page_read(fresh)
        if len(messages) < len(page):
            self._miss(lane, page, messages)
        for opened in expired:
            self.expired += 1
            queue.give_back(opened.segments)
            self._journal.advance(opened, Status.FAILED, self._expired_code)
        if dry:
            self.call(lane)
        self._page_done(lane)

    def _page_done(self, lane: Lane) -> None:
        lane.paging = False
        self._page(lane)
        if not lane.queue.aside:
            self._unwatch(lane)
        elif lane.expires_at == OVERDUE:
            lane.expires_at = inf
            self._watch(lane, lane.queue.expires_at())

    def _miss(self, lane: Lane, page: Positions, messages: Sequence[Message]) -> None:
        """The store does not have all of them any more, which should not be: they are not sent."""
        found = {message.id for message in messages}
        for message_id, segments in zip(page.ids, page.segments, strict=True):
            if message_id not in found:
                log.error("queued message is gone", extra={"sid": message_sid(message_id)})
                lane.queue.give_back(segments)

    def _account_limiter(self, account: Account) -> MpsLimiter | None:
        if account.mps_max is None:
            return None
        limiter = self._account_limiters.get(account.sid)
        if limiter is None:
            limiter = self._account_limiters[account.sid] = MpsLimiter(account.mps_max)
        return limiter
