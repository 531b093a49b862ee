"""What a customer said of a message, as Twilio's API shows it (Message Feedback resource)."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from gateway.clock import message_sid
from gateway.ingress.rest.message_json import API_VERSION, rfc_2822


class FeedbackOutcome(StrEnum):
    """Has the recipient done what the message was for: entered the code, followed the link?"""

    CONFIRMED = "confirmed"
    UNCONFIRMED = "unconfirmed"


class Feedback(msgspec.Struct, frozen=True, gc=False):
    """The last word on a message, and when it was first said (`created_at`)."""

    outcome: FeedbackOutcome
    created_at: float
    updated_at: float


class FeedbackResource(msgspec.Struct, frozen=True, gc=False):
    account_sid: str
    message_sid: str
    outcome: FeedbackOutcome
    date_created: str
    date_updated: str
    uri: str


def feedback_resource(account_sid: str, message_id: int, feedback: Feedback) -> FeedbackResource:
    sid = message_sid(message_id)
    return FeedbackResource(
        account_sid=account_sid,
        message_sid=sid,
        outcome=feedback.outcome,
        date_created=rfc_2822(int(feedback.created_at)),
        date_updated=rfc_2822(int(feedback.updated_at)),
        uri=f"/{API_VERSION}/Accounts/{account_sid}/Messages/{sid}/Feedback.json",
    )
