"""The dispatcher takes messages from their queues, asks the router, and writes to a bind.

The route is chosen when a segment leaves its queue (late binding), so a changed opinion of the
router applies to the whole backlog. A head that cannot go now keeps its place; its sender waits
for a bind that the router named, and nobody else waits with it.

Every part that is written is noted, so that a start knows what was in flight. Where the account
would rather not have it sent twice, the note is durable before the part goes out.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from functools import partial
from math import inf

from gateway.carriers.bind_events import BindCameUp, BindWentDown, WindowChanged
from gateway.carriers.link import Link
from gateway.clock import Clock, message_sid
from gateway.config.carrier import BindType
from gateway.config.dialect import Concatenation
from gateway.errors import StoreError
from gateway.interworking import submit_sm
from gateway.interworking.carrier_errors import (
    CONTENT_TOO_LARGE,
    LANDLINE_OR_UNREACHABLE_CARRIER,
)
from gateway.interworking.carrier_text import CannotCarry
from gateway.message import Message
from gateway.messaging.answers import Answers
from gateway.messaging.fair_line import level
from gateway.messaging.journal import Journal
from gateway.messaging.lane import Lane
from gateway.messaging.lanes import Lanes
from gateway.messaging.open_message import OpenMessage
from gateway.messaging.paging import Paging
from gateway.messaging.parts_in_doubt import PartsInDoubt
from gateway.messaging.receipts import Receipts
from gateway.messaging.suspects import Suspects
from gateway.net.alarm import Alarm
from gateway.smpp.errors import FieldError, SmppError
from gateway.store.interface import WHOLE, AttemptOutcome, Store
from routing.carrier_bind import Kind
from routing.events import BindDown, BindUp, Submitted, WindowIs
from routing.ranking import LASTING, Block, Candidate, Ranking, RouteRequest
from routing.router import Router

log = logging.getLogger(__name__)

TURNS_PER_RUN = 200
# A bind that the router believes in but that takes nothing is about to be heard of: wait so long.
NOT_READY_S = 0.1
# While the store cannot note what is sent, nothing is: look so often whether it can again.
NOT_WRITABLE_S = 0.1
# A message that every candidate refused for now is offered around again, after these pauses.
ROUND_PAUSES_S = (1.0, 4.0, 15.0)
# Makes a NamedTuple in half the time that its class takes.
new = tuple.__new__
MESSAGE = Kind.MESSAGE
# The bind is away, and not merely busy.
UNUSABLE = frozenset({Block.DOWN, Block.CIRCUIT_OPEN})
LOST = UNUSABLE | LASTING
# Binds in whose lines a message does not wait. The router says SICK and RESEND of a bind only while
# a better one is free, or busy for a moment: the message waits for that, and does not stand in the
# way of others who can use the room.
NOT_AWAITED = LASTING | {Block.SICK, Block.RESEND}


class Dispatcher:
    """Serves the `lanes`; what binds say of what was sent goes to `answers`. While `run` is not
    running, nothing is read that waits far back in the queues."""

    def __init__(
        self,
        journal: Journal,
        receipts: Receipts,
        router: Router,
        binds: Mapping[str, Link],
        store: Store,
        clock: Clock,
        expired_code: int,
        unknown_wait_s: float,
    ) -> None:
        self._journal = journal
        self._router = router
        self._binds = binds
        self._store = store
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._alarm = Alarm(clock, self._run)
        self._run_wanted = False
        self._stopped = False
        self._suspects = Suspects()
        self._paging = Paging(store.read_messages)
        in_doubt = PartsInDoubt()
        self.lanes = Lanes(
            journal, in_doubt, clock, expired_code, self._want_run, self._paging.want
        )
        self.answers = Answers(
            journal, receipts, router, self.lanes, in_doubt, self._suspects, clock, unknown_wait_s
        )
        self._turns = self.lanes.turns

    # Life

    async def run(self) -> None:
        """Read the pages of queues until canceled."""
        await self._paging.run(self.lanes.next_page, self.lanes.on_page)

    def restore(self, opened: OpenMessage, lane: Lane | None) -> None:
        """Take up a message of an earlier run that a carrier may have seen; without a `lane`, for
        its sender may not send any more, only what it has in doubt."""
        if lane and opened.unsent:
            self.lanes.put_back(lane, opened)
            self.lanes.call(lane)
        self.answers.restore(opened, lane)
        if lane and lane.queue.head() is None:
            self.lanes.rest(lane, self._clock.now())
        self._want_run()

    def stop(self) -> None:
        """Send no more; what is queued stays in the store."""
        self._stopped = True
        self._alarm.cancel()
        self.lanes.take_back_notes()

    # From the binds

    def on_bind_up(self, event: BindCameUp) -> None:
        if self._carries(event.bind):
            now = self._clock.now()
            self._router.observe(BindUp(event.bind, now))
            self._turns.wake(event.bind)
            self._want_run()

    def on_bind_down(self, event: BindWentDown) -> None:
        """Who waited for room there may find it elsewhere now: a message of several parts stays
        on its bind only while that is up."""
        if self._carries(event.bind):
            now = self._clock.now()
            self._router.observe(BindDown(event.bind, now))
            self._turns.wake_all(event.bind, now)
            self._want_run()

    def on_window_changed(self, event: WindowChanged) -> None:
        """Of a bind's sessions one has come, or one has gone with what it had under way."""
        if self._carries(event.bind):
            self._router.observe(WindowIs(event.bind, event.window, event.used, self._clock.now()))
            self._turns.wake(event.bind)
            self._want_run()

    # Serving

    def _run(self) -> None:
        self._run_wanted = False
        if self._stopped:
            return
        now = self._clock.now()
        if not self._store.writable:
            self._alarm.set(now + NOT_WRITABLE_S)
            return
        self.lanes.handle_timer(now)
        self.answers.handle_timer(now)
        for _ in range(TURNS_PER_RUN):
            turn = self._turns.next(now)
            if turn is None:
                break
            lane, line = turn
            self._serve(lane, line, now)
            if line:
                self._turns.served(lane, line, now, self._room_at(line, lane, now))
        else:
            self._want_run()
        for when in (
            self._turns.next_at(),
            self.lanes.next_timer(),
            self.answers.next_timer(),
        ):
            self._alarm.set(when)

    def _want_run(self) -> None:
        if not self._run_wanted and not self._stopped:
            self._run_wanted = True
            self._loop.call_soon(self._run)

    def _serve(self, lane: Lane, line: str, now: float) -> None:
        """Send one segment of the lane's head, or see to it that the lane is called again; room in
        the `line` may have called it now."""
        opened = lane.queue.head()
        if opened is None:
            self.lanes.rest(lane, now)
            return
        message = opened.message
        if message.expires_at <= now and self.lanes.expire(opened):
            return
        if lane.noting or lane.blocks(message) or self._suspects.must_wait(opened, lane):
            self._turns.suspend(lane)
            return
        ready_at = lane.queue.limiter.ready_at(now)
        if ready_at > now:
            self._turns.give(lane, ready_at)
            return
        cap = lane.queue.account_limiter
        if cap and (cap_at := cap.ready_at(now)) > now:
            self._turns.wait(lane, self._level(lane, message), [(lane.account_sid, cap_at)])
            return
        ranking = self._rank(opened, lane, now)
        candidates = ranking.candidates
        if not candidates:
            self._wait(lane, opened, ranking, now)
        elif lane.notes_first:
            self._send_noted(lane, line, opened, ranking, now)
        elif any(self._send(lane, opened, ranking, candidate, now) for candidate in candidates):
            self._go_on(lane, line, now)
        else:
            self._wait_for(lane, message, candidates, now)

    def _go_on(self, lane: Lane, line: str, now: float) -> None:
        """The lane has sent a segment: its next turn."""
        head = lane.queue.head()
        if head is None:
            self.lanes.rest(lane, now)
            return
        ready_at = lane.queue.ready_at(now)
        if line and ready_at <= now:
            self._turns.contend(lane, self._level(lane, head.message), line)
        else:
            self._turns.give(lane, ready_at)

    def _level(self, lane: Lane, message: Message) -> int:
        return level(self._router.traffic_class(message.traffic_type or lane.traffic_class))

    def _room_at(self, line: str, lane: Lane, now: float) -> float:
        """When there is room for one more: on a bind, or under the cap of the lane's account."""
        if line in self._binds:
            return self._router.ready_at(line)
        cap = lane.queue.account_limiter
        return cap.ready_at(now) if cap else now

    def _rank(self, opened: OpenMessage, lane: Lane, now: float) -> Ranking:
        """The parts of one message stay on one bind, unless that is lost."""
        message = opened.message
        request = new(
            RouteRequest,
            (
                message.id,
                message.recipient,
                lane.sender_type,
                message.segments,
                message.traffic_type or lane.traffic_class,
                opened.excluded,
                opened.pinned,
                opened.attempts + 1,
                "",
                message.account_sid,
                MESSAGE,
            ),
        )
        ranking = self._router.rank(request, now)
        if (
            opened.pinned
            and ranking.best is None
            and all(blocked.block in LOST for blocked in ranking.blocked)
        ):
            opened.pinned = ""
            ranking = self._router.rank(request._replace(pinned=""), now)
        return ranking

    def _send(
        self, lane: Lane, opened: OpenMessage, ranking: Ranking, route: Candidate, now: float
    ) -> bool:
        """Write a part to the candidate's bind; False where that does not take it after all."""
        message = opened.message
        bind = self._binds[route.bind]
        part = 1 if opened.segments == 1 else self._next_part(opened, route.bind)
        try:
            if part == WHOLE:
                pdu = submit_sm.whole_submit_sm(message, bind.config, now)
            else:
                if not opened.parts:
                    opened.parts = submit_sm.parts(message)
                pdu = submit_sm.to_submit_sm(message, opened.parts[part - 1], bind.config, now)
            bind.submit(pdu, (opened, part, lane))
        except CannotCarry as error:
            log.info("bind cannot carry the text", extra={"bind": route.bind, "cause": str(error)})
            opened.excluded += (route.bind,)
            opened.error_code = CONTENT_TOO_LARGE
            return False
        except FieldError as error:
            log.warning(
                "message fits no PDU", extra={"sid": message_sid(message.id), "cause": str(error)}
            )
            self.lanes.fail(opened, LANDLINE_OR_UNREACHABLE_CARRIER, route.bind)
            return True
        except SmppError as error:
            # Its session is ending, or an enquire_link takes the last place in its window.
            log.debug("bind not ready", extra={"bind": route.bind, "cause": str(error)})
            return False
        self._journal.begin(opened)
        if opened.noted:
            opened.noted = ""
        else:
            self._journal.attempt(opened, part, AttemptOutcome.WRITTEN, route.bind)
        if part == WHOLE:
            opened.take_whole()
        else:
            opened.unsent.pop()
        opened.in_flight += 1
        opened.attempts += 1
        opened.pinned = route.bind if opened.total > 1 else ""
        self._suspects.sent(opened)
        lane.busy[message.recipient] = opened
        segments = opened.segments if part == WHOLE else 1
        lane.queue.take(now, segments)
        if lane.lines:
            self._turns.charge(lane, route.bind, segments)
        if not opened.unsent:
            self.lanes.pop(lane)
        self._router.observe(Submitted(route.route, now, part or 1, ranking))
        return True

    def _next_part(self, opened: OpenMessage, bind: str) -> int:
        """What goes to the bind next: WHOLE, where it takes that and nothing has been sent yet."""
        if 1 < opened.segments == len(opened.unsent):
            concatenation = self._binds[bind].config.dialect.concatenation
            if concatenation is Concatenation.PAYLOAD and opened.untouched:
                return WHOLE
        return opened.unsent[-1]

    def _wait(self, lane: Lane, opened: OpenMessage, ranking: Ranking, now: float) -> None:
        """No bind can take the head now: wait for one that may, and before one that has refused it
        is asked again, for those that have not been asked."""
        if opened.noted and not any(
            blocked.bind == opened.noted and blocked.block not in LOST
            for blocked in ranking.blocked
        ):
            self.lanes.take_back_note(opened)  # Should we end now, it must not be in doubt.
        tried = any(blocked.block is Block.ALREADY_TRIED for blocked in ranking.blocked)
        passing = [one for one in ranking.blocked if one.block not in NOT_AWAITED]
        if passing and not (tried and all(blocked.block in UNUSABLE for blocked in passing)):
            rooms = [(blocked.bind, blocked.retry_at) for blocked in passing]
            if ranking.unseen:
                # Of many binds it waits for some; others may have room before those.
                bind, room_at = rooms[0]
                rooms[0] = bind, min(now + NOT_READY_S, room_at or inf)
            self._turns.wait(lane, level(ranking.traffic_class), rooms)
        elif tried and opened.rounds < len(ROUND_PAUSES_S):
            self._turns.give(lane, now + ROUND_PAUSES_S[opened.rounds])
            opened.rounds += 1
            opened.excluded = ()
        elif ranking.may_clear and not passing:
            self._turns.give(lane, now + NOT_READY_S)  # For a bind that is better than those.
        else:
            self.lanes.fail(opened, opened.error_code or LANDLINE_OR_UNREACHABLE_CARRIER)

    def _wait_for(
        self, lane: Lane, message: Message, candidates: Sequence[Candidate], now: float
    ) -> None:
        """None of these takes anything after all."""
        rooms = [(candidate.bind, now + NOT_READY_S) for candidate in candidates]
        self._turns.wait(lane, self._level(lane, message), rooms)

    def _carries(self, bind: str) -> bool:
        """Whether messages can be sent over the bind at all."""
        return self._binds[bind].config.bind_type is not BindType.RECEIVER

    # Attempts that are durable first

    def _send_noted(
        self, lane: Lane, line: str, opened: OpenMessage, ranking: Ranking, now: float
    ) -> None:
        """Send the part to the bind for which it is noted, or else note it for the best; the lane
        waits for the disk, and nobody else."""
        candidates = ranking.candidates
        noted = next((route for route in candidates if route.bind == opened.noted), None)
        if noted is None:
            self._note(lane, opened, candidates[0].bind, now)
        elif self._send(lane, opened, ranking, noted, now):
            self._go_on(lane, line, now)
        elif len(candidates) == 1:
            self._wait_for(lane, opened.message, candidates, now)
        else:
            other = next(route for route in candidates if route is not noted)
            self._note(lane, opened, other.bind, now + NOT_READY_S)

    def _note(self, lane: Lane, opened: OpenMessage, bind: str, turn_at: float) -> None:
        """Have it on record that the next part goes to the bind; the lane's turn comes with that,
        and not before `turn_at`."""
        self.lanes.take_back_note(opened)
        opened.noted = bind
        opened.noted_part = self._next_part(opened, bind)
        lane.noting += 1
        self._turns.suspend(lane)
        self._journal.attempt(
            opened,
            opened.noted_part,
            AttemptOutcome.WRITTEN,
            bind,
            on_commit=partial(self._noted, lane, opened, turn_at),
        )

    def _noted(
        self, lane: Lane, opened: OpenMessage, turn_at: float, error: StoreError | None
    ) -> None:
        lane.noting -= 1
        if error:
            opened.noted = ""
            turn_at += NOT_READY_S
        self._turns.give(lane, turn_at)
        self._want_run()
