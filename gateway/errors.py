"""The tree of errors that the gateway raises on purpose.

A peer's trouble carries its answer; the caller's trouble is raised at the call; our own is an
assert. Nothing here knows HTTP or SMPP: `gateway.interworking.refusals` holds the one table from
`Refusal` to Twilio error codes and SMPP command_status.
"""

from __future__ import annotations

from enum import Enum


class GatewayError(Exception):
    """Anything that the gateway raises on purpose."""


class ConfigError(GatewayError):
    """The configuration cannot be used; the text names file, line, key and what was expected."""


class StoreError(GatewayError):
    """The durable store cannot take a write; nothing that waited for it was accepted."""


class Refusal(Enum):
    """Why a message is not accepted. One name here, one row in `interworking.refusals`."""

    AUTHENTICATION_FAILED = "authentication failed"
    NOT_FOUND = "the resource was not found"
    TOO_MANY_REQUESTS = "too many requests"
    STORE_UNAVAILABLE = "the gateway cannot store messages now"
    ACCOUNT_SUSPENDED = "the account is suspended"
    TO_MISSING = "a 'To' phone number is required"
    TO_INVALID = "the 'To' number is not a valid phone number"
    TO_NOT_MOBILE = "the 'To' number cannot receive messages"
    FROM_MISSING = "a 'From' number or a MessagingServiceSid is required"
    FROM_INVALID = "the 'From' number is not a valid phone number, short code or sender id"
    FROM_NOT_OWNED = "the 'From' number does not belong to the account or cannot send there"
    REGION_NOT_ENABLED = "the account may not send to the destination's region"
    NO_ROUTE = "the 'To' number cannot be reached from this 'From' number"
    OPTED_OUT = "the recipient has opted out of messages from this sender"
    QUEUE_FULL = "the queue of this 'From' number is full"
    BODY_MISSING = "a message body is required"
    BODY_TOO_LONG = "the message body is longer than 1600 characters"
    BODY_UNENCODABLE = "the message body has a character that cannot be sent"
    MEDIA_UNSUPPORTED = "media messages are not carried by this gateway"
    STATUS_CALLBACK_INVALID = "the StatusCallback is not a valid URL"
    VALIDITY_OUT_OF_RANGE = "the ValidityPeriod is out of range"
    SEND_AT_MISSING = "SendAt is required when ScheduleType is fixed"
    SEND_AT_INVALID = "SendAt must be an ISO 8601 time between 5 minutes and 35 days ahead"
    NOT_CANCELABLE = "the message is not scheduled and so cannot be canceled"
    NOT_REPLACEABLE = "the message does not wait untouched any more and so cannot be replaced"
    NOT_REDACTABLE = "the message is not in a final state yet"
    MESSAGING_SERVICE_UNKNOWN = "the messaging service was not found"
    IDEMPOTENCY_KEY_INVALID = "the idempotency key must be 1 to 255 visible ASCII characters"
    IDEMPOTENCY_KEY_REUSED = "the idempotency key has made a message of another request"
    IDEMPOTENCY_KEY_IN_USE = "too many requests with this idempotency key are under way"
    PARAMETER_INVALID = "a parameter has a value that is not allowed"
    SENDER_NOT_REGISTERED = "the 10DLC number is not registered with a campaign"
    CAMPAIGN_SUSPENDED = "the 10DLC campaign of this number is suspended"
    TOLL_FREE_NOT_VERIFIED = "the toll-free number is not verified"
    SENDER_BEING_CONFIGURED = "the sender is still being configured"


class Refused(GatewayError):
    """A request is not accepted. Nothing was made, nothing was stored."""

    def __init__(self, refusal: Refusal, detail: str = "") -> None:
        super().__init__(detail or refusal.value)
        self.refusal = refusal
        self.detail = detail or refusal.value
