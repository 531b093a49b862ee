"""The Feedback resource of a message: the customer says whether it did its work (2010-04-01).

A confirmation is the router's second sensor, beside receipts. It is evidence and no promise: it is
kept in memory, as long as the router has a use for it, and a restart forgets it.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from gateway.clock import message_id_of
from gateway.errors import Refusal, Refused
from gateway.ingress.rest.dependencies import RestDependencies
from gateway.ingress.rest.feedback_json import Feedback, FeedbackOutcome, feedback_resource
from gateway.ingress.rest.gate import Call
from gateway.ingress.rest.json_answer import JsonAnswer
from routing.events import Converted, Event
from routing.flight import FLIGHTS_MAX

# Of so many messages it is remembered what was said; the oldest feedback makes room. The router
# follows as many, and takes a second conversion of one that it follows for none.
FEEDBACKS_MAX = FLIGHTS_MAX
OUTCOMES = {outcome.value: outcome for outcome in FeedbackOutcome}

encode = msgspec.json.Encoder().encode


class Feedbacks:
    """What customers said of their newest messages. Those of other accounts are not found."""

    def __init__(self, dependencies: RestDependencies) -> None:
        self._store = dependencies.store
        self._said = FeedbackMemory(dependencies.router.observe)

    async def create(self, call: Call) -> JsonAnswer:
        """201, however often it is said."""
        outcome = OUTCOMES.get((await call.form()).text("Outcome"))
        if outcome is None:
            raise Refused(
                Refusal.PARAMETER_INVALID, "the Outcome must be 'confirmed' or 'unconfirmed'"
            )
        message_id = message_id_of(call.sid("MessageSid"))
        if message_id is None or await self._store.fetch(call.account.sid, message_id) is None:
            raise Refused(Refusal.NOT_FOUND)
        feedback = self._said.note(message_id, outcome, call.now)
        return JsonAnswer(201, encode(feedback_resource(call.account.sid, message_id, feedback)))


class FeedbackMemory:
    """Tells `observe` of each message that is confirmed, once."""

    def __init__(
        self, observe: Callable[[Event], None], feedbacks_max: int = FEEDBACKS_MAX
    ) -> None:
        self._observe = observe
        self._feedbacks_max = feedbacks_max
        self._by_message: dict[int, Feedback] = {}

    def note(self, message_id: int, outcome: FeedbackOutcome, now: float) -> Feedback:
        """What is known of the message now. What has been confirmed stays so: it did happen."""
        by_message = self._by_message
        before = by_message.get(message_id)
        if before and before.outcome in (outcome, FeedbackOutcome.CONFIRMED):
            return before
        if before is None and len(by_message) >= self._feedbacks_max:
            del by_message[next(iter(by_message))]
        feedback = Feedback(outcome, before.created_at if before else now, now)
        by_message[message_id] = feedback
        if outcome is FeedbackOutcome.CONFIRMED:
            self._observe(Converted(message_id, now))
        return feedback
