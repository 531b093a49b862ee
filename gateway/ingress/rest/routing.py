"""Why a message or a call went where it went, and where a message would go now. Not Twilio's.

A question changes nothing: no turn is taken, nothing is sent, and nothing is stored.
"""

from __future__ import annotations

import msgspec

from gateway.clock import message_id_of
from gateway.errors import Refusal, Refused
from gateway.ingress.rest.calls import find_call
from gateway.ingress.rest.dependencies import CallBook, RestDependencies
from gateway.ingress.rest.gate import Call
from gateway.ingress.rest.json_answer import JsonAnswer
from gateway.ingress.rest.message_form import traffic_type
from gateway.ingress.rest.routing_json import decision_resource
from routing.explanation import DECISIONS_MAX
from routing.ranking import RouteRequest

# No message has it.
DRY_RUN = 0
FORGOTTEN = (
    "no decision about this message is remembered: it has not left its queue, is not among the "
    f"newest {DECISIONS_MAX:,} that did, or did so before the gateway was last started"
)

FORGOTTEN_CALL = (
    "no decision about this call is remembered: no trunk was chosen for it, it is not among the "
    f"newest {DECISIONS_MAX:,} decisions, or was made before the gateway was last started"
)

encode = msgspec.json.Encoder().encode


class Routing:
    """Decisions about an account's own messages and calls. Others' are not found."""

    def __init__(self, dependencies: RestDependencies) -> None:
        self._store = dependencies.store
        self._router = dependencies.router
        self._previews = dependencies.previews
        self._calls = dependencies.calls

    async def explain(self, call: Call) -> JsonAnswer:
        if self._calls is not None and call.sid("MessageSid").startswith("CA"):
            return await self._explain_call(self._calls, call)
        message_id = message_id_of(call.sid("MessageSid"))
        if message_id is None or await self._store.fetch(call.account.sid, message_id) is None:
            raise Refused(Refusal.NOT_FOUND)
        record = self._router.explain(message_id)
        if record is None:
            raise Refused(Refusal.NOT_FOUND, FORGOTTEN)
        return JsonAnswer(200, encode(decision_resource(record, call.account, message_id)))

    async def _explain_call(self, calls: CallBook, call: Call) -> JsonAnswer:
        known = await find_call(calls, call, "MessageSid")
        record = self._router.explain(known.call.id)
        if record is None:
            raise Refused(Refusal.NOT_FOUND, FORGOTTEN_CALL)
        resource = decision_resource(record, call.account, call_id=known.call.id)
        return JsonAnswer(200, encode(resource))

    async def rank(self, call: Call) -> JsonAnswer:
        form = await call.form()
        account = call.account
        sender, recipient = self._previews.addresses(
            account, form.phone_number("From"), form.phone_number("To")
        )
        body = form.text("Body")
        request = RouteRequest(
            DRY_RUN,
            recipient,
            sender.type.value,
            len(self._previews.preview(account, body).parts) if body else 1,
            traffic_type(form),
            account=account.sid,
        )
        record = self._router.explain_ranking(self._router.rank(request, call.now))
        return JsonAnswer(200, encode(decision_resource(record, account)))
