"""The Calls resource: list and fetch (2010-04-01). Calls are made over SIP, not over the API."""

from __future__ import annotations

import msgspec

from gateway.call import CallRecord
from gateway.clock import call_id_of
from gateway.errors import Refusal, Refused
from gateway.ingress.rest.call_json import STATUSES, CallPage, call_resource
from gateway.ingress.rest.dependencies import CallBook
from gateway.ingress.rest.form import Form
from gateway.ingress.rest.gate import Call
from gateway.ingress.rest.json_answer import JsonAnswer
from gateway.ingress.rest.message_json import API_VERSION
from gateway.ingress.rest.paging import page_of, page_request
from gateway.ingress.rest.time_range import range_names, time_range
from gateway.messaging.phone_number import normalize_sender
from gateway.store.call_file import (
    CallFilter,
)
from gateway.voice.call_records import StandingCall

FILTERS = ("To", "From", "Status", *range_names("StartTime"), *range_names("EndTime"))

encode = msgspec.json.Encoder().encode


class Calls:
    """What an account may know of its calls. Those of other accounts are not found."""

    def __init__(self, book: CallBook) -> None:
        self._book = book

    async def list(self, call: Call) -> JsonAnswer:
        query = call.query()
        where = call_filter(query)
        page = page_request(query)
        found = await self._book.page(call.account.sid, where, page.page_size + 1, page.before)
        shown = found[: page.page_size]
        answer = page_of(
            CallPage,
            f"/{API_VERSION}/Accounts/{call.account.sid}/Calls.json",
            [(name, query.text(name)) for name in FILTERS if query.text(name)],
            page,
            [call_resource(each) for each in shown],
            shown[-1].call.id if len(found) > len(shown) else None,
        )
        return JsonAnswer(200, encode(answer))

    async def fetch(self, call: Call) -> JsonAnswer:
        return JsonAnswer(200, encode(call_resource(await find_call(self._book, call, "CallSid"))))


async def find_call(book: CallBook, request: Call, name: str) -> StandingCall | CallRecord:
    """The call that the sid of that name in the path is of.

    Raises:
        Refused: NOT_FOUND.
    """
    call_id = call_id_of(request.sid(name))
    found = None if call_id is None else await book.fetch(request.account.sid, call_id)
    if found is None:
        raise Refused(Refusal.NOT_FOUND)
    return found


def call_filter(query: Form) -> CallFilter:
    """To, From, Status, and the three forms each of StartTime and EndTime.

    Raises:
        Refused: PARAMETER_INVALID.
    """
    word = query.text("Status")
    if word and word not in STATUSES:
        raise Refused(Refusal.PARAMETER_INVALID, f"the Status must be one of {', '.join(STATUSES)}")
    caller, called = query.phone_number("From"), query.phone_number("To")
    started_since, started_until = time_range(query, "StartTime")
    ended_since, ended_until = time_range(query, "EndTime")
    return CallFilter(
        caller=normalize_sender(caller) or caller,
        called=normalize_sender(called) or called,
        status=STATUSES.get(word),
        started_since=started_since,
        started_until=started_until,
        ended_since=ended_since,
        ended_until=ended_until,
    )
