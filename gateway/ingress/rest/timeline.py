"""The timeline of a message: everything on record about it, in the order of time.

It is ours, and not of Twilio's API. It shows each attempt to hand a part to a carrier, so that a
customer sees whether a message may have gone out twice.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

import msgspec

from gateway.clock import message_id_of, message_sid
from gateway.errors import Refusal, Refused
from gateway.ingress.rest.dependencies import RestDependencies
from gateway.ingress.rest.gate import Call
from gateway.ingress.rest.json_answer import JsonAnswer
from gateway.ingress.rest.message_json import API_VERSION
from gateway.interworking.error_texts import error_text
from gateway.message import Status
from gateway.smpp.constants import status_name
from gateway.store.interface import Attempt, Notified, Replay, Timeline, Transition

# A carrier that throttles for hours is tried again thousands of times.
ENTRIES_MAX = 1_000

encode = msgspec.json.Encoder().encode


class TimelineEvent(StrEnum):
    """What happened; in this order, where several things happened at the same instant."""

    ACCEPTED = "accepted"
    ATTEMPT = "attempt"
    STATUS = "status"
    REPLAY = "replay"
    NOTIFICATION = "notification"


ORDER = {event: place for place, event in enumerate(TimelineEvent)}


class TimelineEntry(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What does not apply to an event is left out.

    `part` counts from 1, and is left out for the message as a whole. `outcome` is how far an
    attempt got (written, refused, lost, unanswered, resent, held), or what the listener answered
    to the status of this `number`. `round` counts how often that was asked for again.
    """

    date: str
    event: TimelineEvent
    part: int | None = None
    status: Status | None = None
    number: int | None = None
    bind: str | None = None
    outcome: str | None = None
    command_status: str | None = None
    error_code: int | None = None
    error_message: str | None = None
    carrier_status: str | None = None
    carrier_error: str | None = None
    round: int | None = None
    gave_up: bool | None = None


class TimelineResource(msgspec.Struct, frozen=True):
    """Times are RFC 3339 in UTC, with milliseconds. Of more than 1,000 entries the oldest are left
    out; `left_out` says how many.
    """

    account_sid: str
    message_sid: str
    uri: str
    timeline: list[TimelineEntry]
    left_out: int


class Timelines:
    """The timelines of an account's own messages. Those of other accounts are not found."""

    def __init__(self, dependencies: RestDependencies) -> None:
        self._store = dependencies.store

    async def fetch(self, call: Call) -> JsonAnswer:
        message_id = message_id_of(call.sid("MessageSid"))
        found = None if message_id is None else await self._store.timeline(message_id)
        if found is None or found.stored.message.account_sid != call.account.sid:
            raise Refused(Refusal.NOT_FOUND)
        return JsonAnswer(200, encode(timeline_resource(found)))


def timeline_resource(found: Timeline) -> TimelineResource:
    message = found.stored.message
    sid = message_sid(message.id)
    entries = [
        (message.accepted_at, TimelineEntry(rfc_3339(message.accepted_at), TimelineEvent.ACCEPTED)),
        *((each.at, _attempt(each)) for each in found.stored.attempts),
        *((each.at, _status(each)) for each in found.stored.transitions),
        *((each.at, _replay(each)) for each in found.replays),
        *((each.at, _notification(each)) for each in found.notified),
    ]
    entries.sort(key=lambda timed: (timed[0], ORDER[timed[1].event]))
    return TimelineResource(
        account_sid=message.account_sid,
        message_sid=sid,
        uri=f"/{API_VERSION}/Accounts/{message.account_sid}/Messages/{sid}/Timeline.json",
        timeline=[entry for _, entry in entries[-ENTRIES_MAX:]],
        left_out=max(0, len(entries) - ENTRIES_MAX),
    )


def _attempt(attempt: Attempt) -> TimelineEntry:
    return TimelineEntry(
        rfc_3339(attempt.at),
        TimelineEvent.ATTEMPT,
        part=attempt.part or None,
        bind=attempt.bind,
        outcome=attempt.outcome.name.lower(),
        command_status=status_name(attempt.command_status) if attempt.command_status else None,
    )


def _status(step: Transition) -> TimelineEntry:
    return TimelineEntry(
        rfc_3339(step.at),
        TimelineEvent.STATUS,
        part=step.part or None,
        status=step.status,
        number=step.number,
        bind=step.bind or None,
        error_code=step.error_code or None,
        error_message=error_text(step.error_code) if step.error_code else None,
        carrier_status=step.carrier_status or None,
        carrier_error=step.carrier_error or None,
    )


def _replay(replay: Replay) -> TimelineEntry:
    return TimelineEntry(
        rfc_3339(replay.at), TimelineEvent.REPLAY, number=replay.number, round=replay.round
    )


def _notification(notified: Notified) -> TimelineEntry:
    return TimelineEntry(
        rfc_3339(notified.at),
        TimelineEvent.NOTIFICATION,
        number=notified.number,
        outcome=notified.outcome,
        round=notified.round,
        gave_up=notified.gave_up,
    )


def rfc_3339(at: float) -> str:
    """Unix seconds as `2026-01-02T03:04:05.678Z`."""
    text = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"
