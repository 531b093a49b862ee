"""The dispatcher takes messages from their queues, asks the router, and writes to a bind.

The route is chosen when a segment leaves its queue (late binding), so a changed opinion of the
router applies to the whole backlog. A head that cannot go now keeps its place; its sender waits
for a bind that the router named, and nobody else waits with it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from gateway.account import Account, Sender
from gateway.carriers.bind_events import (
    BindCameUp,
    BindWentDown,
    SubmitAnswered,
    SubmitLost,
    SubmitTimedOut,
)
from gateway.carriers.smpp_bind import SmppBind
from gateway.clock import Clock, message_sid
from gateway.config.carrier import BindType
from gateway.interworking import submit_sm
from gateway.interworking.carrier_errors import (
    LANDLINE_OR_UNREACHABLE_CARRIER,
    SENDER_NOT_PROVISIONED,
    Disposition,
    Kind,
    disposition,
)
from gateway.message import FINAL, Status
from gateway.messaging.account_queue import AccountQueue
from gateway.messaging.alarm import Alarm
from gateway.messaging.deadlines import Deadlines
from gateway.messaging.journal import Journal
from gateway.messaging.mps import MpsLimiter
from gateway.messaging.open_message import OpenMessage
from gateway.messaging.receipts import Receipts
from gateway.messaging.suspects import Suspects
from gateway.messaging.turns import Lane, Turns
from gateway.smpp.errors import FieldError, SmppError
from routing.events import BindDown, BindUp, Outcome, SubmitResult, Submitted
from routing.ranking import LASTING, Block, Candidate, Ranking, RouteRequest
from routing.router import Router

log = logging.getLogger(__name__)

TURNS_PER_RUN = 200
EXPIRY_GRAIN_S = 0.1
# A bind that the router believes in but that takes nothing is about to be heard of: wait so long.
NOT_READY_S = 0.1
# A message that every candidate refused for now is offered around again, after these pauses.
ROUND_PAUSES_S = (1.0, 4.0, 15.0)
PROVIDER_TIMEOUT = 30410
# The bind is away, and not merely busy.
UNUSABLE = frozenset({Block.DOWN, Block.CIRCUIT_OPEN})
LOST = UNUSABLE | LASTING

# What comes back with the answer to a part: its message, its number, and where it came from.
Reference = tuple[OpenMessage, int, Lane]

OUTCOMES: dict[Kind, Outcome] = {
    Kind.OK: Outcome.OK,
    Kind.THROTTLED: Outcome.THROTTLED,
    Kind.QUEUE_FULL: Outcome.QUEUE_FULL,
    Kind.TRY_ANOTHER: Outcome.TEMPORARY,
    Kind.PERMANENT: Outcome.PERMANENT,
}


class Dispatcher:
    def __init__(
        self,
        journal: Journal,
        receipts: Receipts,
        router: Router,
        binds: Mapping[str, SmppBind],
        clock: Clock,
        expired_code: int,
        unknown_wait_s: float,
    ) -> None:
        self._journal = journal
        self._receipts = receipts
        self._router = router
        self._binds = binds
        self._clock = clock
        self._expired_code = expired_code
        self._unknown_wait_s = unknown_wait_s
        self._lanes: dict[tuple[str, str], Lane] = {}
        self._account_limiters: dict[str, MpsLimiter] = {}
        self._turns = Turns()
        self._positions = 0
        self._expiry: Deadlines[OpenMessage] = Deadlines(EXPIRY_GRAIN_S)
        self._unknown: Deadlines[OpenMessage] = Deadlines(EXPIRY_GRAIN_S)
        self._alarm = Alarm(clock, self._run)
        self._loop = asyncio.get_running_loop()
        self._suspects = Suspects()
        self._run_wanted = False
        self._stopped = False
        self.expired = 0

    # From the intake

    def lane(self, account: Account, sender: Sender) -> Lane:
        """The lane of a sender, made when it first sends and gone when it is idle."""
        key = (account.sid, sender.address)
        lane = self._lanes.get(key)
        if lane is None:
            queue: AccountQueue[OpenMessage] = AccountQueue(
                sender.segments_per_second, account.max_queue_s, self._account_limiter(account)
            )
            lane = Lane(account.sid, sender.address, sender.type.value, queue)
            self._lanes[key] = lane
        return lane

    def withdraw(self, lane: Lane, segments: int) -> None:
        """Give back the room of a message that was not accepted after all."""
        lane.queue.forget(segments)
        if lane.queue.head() is None:
            self._rest(lane, self._clock.now())

    def put(self, lane: Lane, opened: OpenMessage) -> None:
        """Queue a message whose room was reserved."""
        self._positions += 1
        opened.position = self._positions
        first = lane.queue.head() is None
        lane.queue.put(opened)
        self._expiry.add(opened.message.expires_at, opened)
        if first:
            self._turns.give(lane, lane.queue.ready_at(self._clock.now()))
        self._want_run()

    def doubt(self, opened: OpenMessage) -> None:
        """A part of the message is in doubt: wait so long for a late answer, then fail it."""
        self._unknown.add(self._clock.now() + self._unknown_wait_s, opened)
        self._alarm.set(self._unknown.next_at())

    def backlog(self) -> list[tuple[str, str, int, int]]:
        """Account, sender, messages and segments of each queue that is not empty."""
        return [
            (lane.account_sid, lane.sender, len(lane.queue), lane.queue.segments)
            for lane in self._lanes.values()
            if len(lane.queue)
        ]

    def stop(self) -> None:
        """Send no more; what is queued stays in the store."""
        self._stopped = True
        self._alarm.cancel()

    # From the binds

    def on_bind_up(self, event: BindCameUp) -> None:
        if self._carries(event.bind):
            now = self._clock.now()
            self._router.observe(BindUp(event.bind, now))
            self._turns.wake_all(event.bind, now)
            self._want_run()

    def on_bind_down(self, event: BindWentDown) -> None:
        """Who waited for room there may find it elsewhere now: a message of several parts stays
        on its bind only while that is up."""
        if self._carries(event.bind):
            now = self._clock.now()
            self._router.observe(BindDown(event.bind, now))
            self._turns.wake_all(event.bind, now)
            self._want_run()

    def on_answered(self, event: SubmitAnswered) -> None:
        """The carrier has taken the part, or has not: then nothing was sent (§2.8)."""
        reference: Reference = event.reference
        opened, part, lane = reference
        now = self._clock.now()
        answer = disposition(event.command_status)
        if event.late:
            opened.in_doubt -= 1
        else:
            opened.in_flight -= 1
            self._router.observe(
                SubmitResult(event.bind, _outcome(answer, opened), event.latency_s, now)
            )
        self._turns.wake(event.bind, now)  # Before the sender itself asks for the room.
        if opened.status in FINAL:
            log.info("answer after the end", extra={"sid": message_sid(opened.message.id)})
        elif answer.kind is Kind.OK:
            self._taken(opened, part, event.bind, event.carrier_id)
        elif answer.kind is Kind.PERMANENT:
            self._fail(opened, answer.error_code, event.bind)
        else:
            if answer.kind is Kind.TRY_ANOTHER:
                opened.excluded += (event.bind,)
                opened.error_code = answer.error_code
            self._return(opened, part, lane)
        self._settle(opened, lane, now)
        self._want_run()

    def on_timed_out(self, event: SubmitTimedOut) -> None:
        """Nobody knows whether the carrier has it: never sent again blindly, not even after a
        restart, but failed unless an answer comes late."""
        reference: Reference = event.reference
        opened, part, lane = reference
        now = self._clock.now()
        self._router.observe(SubmitResult(event.bind, Outcome.TIMEOUT, event.latency_s, now))
        self._turns.wake(event.bind, now)
        opened.in_flight -= 1
        self._give_up_on(opened, part, event.bind)
        self._settle(opened, lane, now)
        self._want_run()

    def on_lost(self, event: SubmitLost) -> None:
        """The bind went down before the answer: the part is in doubt, and sent again, unless it
        looks as if the message itself had brought the bind down."""
        reference: Reference = event.reference
        opened, part, lane = reference
        opened.in_flight -= 1
        if self._suspects.lost(opened):
            log.error(
                "message was under way each time binds went down",
                extra={"sid": message_sid(opened.message.id), "bind": event.bind},
            )
            self._give_up_on(opened, part, event.bind)
        elif opened.status not in FINAL:
            self._return(opened, part, lane)
        self._settle(opened, lane, self._clock.now())

    def _give_up_on(self, opened: OpenMessage, part: int, bind: str) -> None:
        """The part stays in doubt."""
        opened.in_doubt += 1
        if opened.status not in FINAL:
            self._journal.note_part(opened, part, Status.SENDING, bind)
            self.doubt(opened)

    # Serving

    def _run(self) -> None:
        self._run_wanted = False
        if self._stopped:
            return
        now = self._clock.now()
        for opened in self._expiry.due(now):
            self._expire(opened)
        for opened in self._unknown.due(now):
            if opened.in_doubt and opened.status not in FINAL:
                self._fail(opened, PROVIDER_TIMEOUT)
        for _ in range(TURNS_PER_RUN):
            turn = self._turns.next(now)
            if turn is None:
                break
            lane, woken_by = turn
            self._serve(lane, now)
            if woken_by:
                self._turns.pass_on(lane, woken_by, now)
        else:
            self._want_run()
        for when in (self._turns.next_at(), self._expiry.next_at(), self._unknown.next_at()):
            self._alarm.set(when)

    def _want_run(self) -> None:
        if not self._run_wanted and not self._stopped:
            self._run_wanted = True
            self._loop.call_soon(self._run)

    def _serve(self, lane: Lane, now: float) -> None:
        """Send one segment of the lane's head, or see to it that the lane is called again."""
        opened = lane.queue.head()
        if opened is None:
            self._rest(lane, now)
            return
        message = opened.message
        if message.expires_at <= now and self._expire(opened):
            return
        if lane.blocks(message):
            self._turns.suspend(lane)
            return
        if self._suspects.must_wait(opened, lane):
            self._turns.suspend(lane)
            return
        ready_at = lane.queue.ready_at(now)
        if ready_at > now:
            self._turns.give(lane, ready_at)
            return
        ranking = self._rank(opened, lane, now)
        candidates = ranking.candidates
        if not candidates:
            self._wait(lane, opened, ranking, now)
        elif any(self._send(lane, opened, candidate, now) for candidate in candidates):
            self._turns.give(lane, lane.queue.ready_at(now))
        else:
            retry_at = now + NOT_READY_S
            self._turns.wait(lane, [(candidate.bind, retry_at) for candidate in candidates])

    def _rank(self, opened: OpenMessage, lane: Lane, now: float) -> Ranking:
        """The parts of one message stay on one bind, unless that is lost."""
        message = opened.message
        request = RouteRequest(
            message.id,
            message.recipient,
            lane.sender_type,
            message.segments,
            message.traffic_type,
            opened.excluded,
            opened.pinned,
            opened.attempts + 1,
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

    def _send(self, lane: Lane, opened: OpenMessage, route: Candidate, now: float) -> bool:
        """Write a part to the candidate's bind; False where that does not take it after all."""
        message = opened.message
        bind = self._binds[route.bind]
        if not opened.parts:
            opened.parts = submit_sm.parts(message)
        part = opened.unsent[-1]
        try:
            bind.submit(
                submit_sm.to_submit_sm(message, opened.parts[part - 1], bind.config.receipts),
                (opened, part, lane),
            )
        except FieldError as error:
            log.warning(
                "message fits no PDU", extra={"sid": message_sid(message.id), "cause": str(error)}
            )
            self._fail(opened, LANDLINE_OR_UNREACHABLE_CARRIER, route.bind)
            return True
        except SmppError as error:
            # Its session is ending, or an enquire_link takes the last place in its window.
            log.debug("bind not ready", extra={"bind": route.bind, "cause": str(error)})
            return False
        self._journal.begin(opened)
        opened.unsent.pop()
        opened.in_flight += 1
        opened.attempts += 1
        opened.pinned = route.bind if message.segments > 1 else ""
        self._suspects.sent(opened)
        lane.busy[message.recipient] = opened
        lane.queue.take(now)
        if not opened.unsent:
            lane.queue.pop()
            self._expiry.discard(message.expires_at, opened)
        self._router.observe(Submitted(route.route, now, part))
        return True

    def _wait(self, lane: Lane, opened: OpenMessage, ranking: Ranking, now: float) -> None:
        """No bind can take the head now: wait for one that may, and before one that has refused it
        is asked again, for those that have not been asked."""
        tried = any(blocked.block is Block.ALREADY_TRIED for blocked in ranking.blocked)
        passing = [blocked for blocked in ranking.blocked if blocked.block not in LASTING]
        if passing and not (tried and all(blocked.block in UNUSABLE for blocked in passing)):
            self._turns.wait(lane, [(blocked.bind, blocked.retry_at) for blocked in passing])
        elif tried and opened.rounds < len(ROUND_PAUSES_S):
            self._turns.give(lane, now + ROUND_PAUSES_S[opened.rounds])
            opened.rounds += 1
            opened.excluded = ()
        else:
            self._fail(opened, opened.error_code or LANDLINE_OR_UNREACHABLE_CARRIER)

    def _rest(self, lane: Lane, now: float) -> None:
        """An idle lane is forgotten, once its limiter would not remember anything either."""
        idle_at = lane.queue.limiter.idle_at
        if idle_at > now:
            self._turns.give(lane, idle_at)
        elif not lane.busy and not lane.queue.segments:
            self._turns.suspend(lane)
            if self._lanes.get((lane.account_sid, lane.sender)) is lane:
                del self._lanes[lane.account_sid, lane.sender]

    # Outcomes

    def _taken(self, opened: OpenMessage, part: int, bind: str, carrier_id: str) -> None:
        opened.sent += 1
        single = opened.segments == 1
        if not single:
            self._journal.note_part(opened, part, Status.SENT, bind, carrier_id)
        if opened.sent == opened.segments:
            self._journal.advance(
                opened, Status.SENT, bind=bind, carrier_id=carrier_id if single else ""
            )
        self._receipts.expect(opened, part, bind, carrier_id)

    def _return(self, opened: OpenMessage, part: int, lane: Lane) -> None:
        """Back to the head of its queue, before everything accepted after it. The lane may have
        been forgotten while an answer was late."""
        lane = self._lanes.setdefault((lane.account_sid, lane.sender), lane)
        queued = bool(opened.unsent)
        opened.unsent.append(part)
        self._journal.requeue(opened)
        if not queued:
            lane.queue.put_back(opened)
            self._expiry.add(opened.message.expires_at, opened)
        self._turns.give(lane, lane.queue.ready_at(self._clock.now()))
        self._want_run()

    def _settle(self, opened: OpenMessage, lane: Lane, now: float) -> None:
        """Once nothing of it is at a carrier, its time may be over, and the next message to its
        recipient may go."""
        if opened.in_flight:
            return
        for other in self._suspects.settled(opened):
            self._turns.give(other, other.queue.ready_at(now))
            self._want_run()
        message = opened.message
        if message.expires_at <= now:
            self._expire(opened)
        if lane.busy.get(message.recipient) is opened:
            del lane.busy[message.recipient]
            head = lane.queue.head()
            if head is None:
                self._rest(lane, now)
            elif head.message.recipient == message.recipient and not lane.waiting:
                self._turns.give(lane, lane.queue.ready_at(now))
                self._want_run()

    def _expire(self, opened: OpenMessage) -> bool:
        """Fail what is over its time in the queue; not what a carrier has, or may have, a part of
        under way."""
        if not opened.waiting or opened.in_flight or opened.in_doubt:
            return False
        self.expired += 1
        self._fail(opened, self._expired_code)
        return True

    def _fail(self, opened: OpenMessage, error_code: int, bind: str = "") -> None:
        if opened.unsent:
            message = opened.message
            lane = self._lanes[message.account_sid, message.sender]
            if lane.queue.head() is opened:  # What the lane waited for is not what the next needs.
                self._turns.give(lane, self._clock.now())
                self._want_run()
            lane.queue.forget(opened.segments)
            self._expiry.discard(message.expires_at, opened)
        self._journal.advance(opened, Status.FAILED, error_code, bind)

    def _carries(self, bind: str) -> bool:
        """Whether messages can be sent over the bind at all."""
        return self._binds[bind].config.bind_type is not BindType.RECEIVER

    def _account_limiter(self, account: Account) -> MpsLimiter | None:
        if account.mps_max is None:
            return None
        limiter = self._account_limiters.get(account.sid)
        if limiter is None:
            limiter = self._account_limiters[account.sid] = MpsLimiter(account.mps_max)
        return limiter


def _outcome(answer: Disposition, opened: OpenMessage) -> Outcome:
    """What the router learns. A sender that a carrier does not know says nothing of the bind, nor
    does another refusal of a message that all binds have refused: it would be one message that
    opens the circuits of all."""
    again = answer.kind is Kind.TRY_ANOTHER and opened.rounds > 0
    if again or answer.error_code == SENDER_NOT_PROVISIONED:
        return Outcome.PERMANENT
    return OUTCOMES[answer.kind]
