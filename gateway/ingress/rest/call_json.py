"""A call as Twilio's Call resource shows it (2010-04-01)."""

from __future__ import annotations

import msgspec

from gateway.call import CallRecord, CallStatus
from gateway.clock import call_sid
from gateway.ingress.rest.message_json import API_VERSION, rfc_2822
from gateway.voice.call_callbacks import DIRECTIONS
from gateway.voice.call_records import StandingCall

# Twilio's resource has no `initiated`: it calls a call that does not ring yet `queued`.
QUEUED = "queued"
STATUSES: dict[str, CallStatus] = {
    QUEUED if status is CallStatus.INITIATED else status.value: status for status in CallStatus
}
WORDS: dict[CallStatus, str] = {status: word for word, status in STATUSES.items()}


class CallResource(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """Times are RFC 2822. `end_time` is null while the call stands; `duration` is whole seconds
    from the answer to the end, as a string, and null for a call that was not answered."""

    sid: str
    account_sid: str
    from_: str
    from_formatted: str
    to: str
    to_formatted: str
    status: str
    direction: str
    date_created: str
    date_updated: str
    start_time: str
    uri: str
    end_time: str | None = None
    duration: str | None = None
    price: str | None = None
    price_unit: str = "USD"
    queue_time: str = "0"
    answered_by: str | None = None
    annotation: str | None = None
    caller_name: str | None = None
    forwarded_from: str | None = None
    group_sid: str | None = None
    parent_call_sid: str | None = None
    phone_number_sid: str | None = None
    trunk_sid: str | None = None
    api_version: str = API_VERSION
    subresource_uris: dict[str, str] = {}


class CallPage(msgspec.Struct, frozen=True):
    """`start` and `end` count calls from 0; the URIs are relative to the host."""

    calls: list[CallResource]
    page: int
    page_size: int
    start: int
    end: int
    uri: str
    first_page_uri: str
    next_page_uri: str | None
    previous_page_uri: str | None


def call_resource(known: StandingCall | CallRecord) -> CallResource:
    call = known.call
    sid = call_sid(call.id)
    started = rfc_2822(int(call.started_at))
    updated, ended, duration = started, None, None
    if isinstance(known, CallRecord):
        updated = ended = rfc_2822(int(known.ended_at))
        duration = str(round(known.duration_s)) if known.answered_at else None
    else:
        updated = rfc_2822(int(known.updated_at))
    return CallResource(
        sid=sid,
        account_sid=call.account_sid,
        from_=call.caller,
        from_formatted=call.caller,
        to=call.called,
        to_formatted=call.called,
        status=WORDS[known.status],
        direction=DIRECTIONS[call.direction],
        date_created=started,
        date_updated=updated,
        start_time=started,
        end_time=ended,
        duration=duration,
        uri=f"/{API_VERSION}/Accounts/{call.account_sid}/Calls/{sid}.json",
    )
