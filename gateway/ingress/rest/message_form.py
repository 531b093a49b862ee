"""The form that creates a message, as Twilio defines it, read into a request to send."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.account import Account
from gateway.errors import Refusal, Refused
from gateway.ingress.rest.form import Form
from gateway.message import Origin
from gateway.messaging.admission import SendRequest
from gateway.webhooks.destination import DestinationError, parse_destination

VALIDITY_DIGITS_MAX = 9
TRAFFIC_TYPE_LENGTH_MAX = 64
PLAIN = frozenset({"To", "From", "Body", "StatusCallback"})
BOOLEANS = {"": False, "false": False, "true": True}


def message_request(form: Form, account: Account, allow_private: bool = False) -> SendRequest:
    """What the form asks for. Whether the account may do that is for admission to say, which also
    refuses what is missing or out of range. Parameters that change nothing here are passed over.
    `allow_private` lets a StatusCallback lead into private networks.

    Raises:
        Refused: a parameter is not of its form, or asks for what is not carried.
    """
    if form.keys() <= PLAIN:
        # Nearly every message; what the rest would be read into are the defaults.
        return SendRequest(
            account=account,
            sender=form.phone_number("From"),
            recipient=form.phone_number("To"),
            body=form.text("Body"),
            origin=Origin.REST,
            status_callback=status_callback(form, allow_private),
        )
    if form.text("MessagingServiceSid"):
        raise Refused(Refusal.MESSAGING_SERVICE_UNKNOWN)
    if form.text("MediaUrl"):
        raise Refused(Refusal.MEDIA_UNSUPPORTED)
    if form.text("ContentSid"):
        raise Refused(Refusal.PARAMETER_INVALID, "content templates (ContentSid) are not supported")
    return SendRequest(
        account=account,
        sender=form.phone_number("From"),
        recipient=form.phone_number("To"),
        body=form.text("Body"),
        origin=Origin.REST,
        status_callback=status_callback(form, allow_private),
        validity_s=validity_s(form),
        send_at=send_at(form),
        traffic_type=traffic_type(form),
        smart_encoded=boolean(form, "SmartEncoded"),
    )


def status_callback(form: Form, allow_private: bool) -> str:
    """The same rules as when it is called, so that the customer hears at once of a URL that never
    will be."""
    url = form.text("StatusCallback")
    if url:
        try:
            parse_destination(url, allow_private)
        except DestinationError as error:
            raise Refused(Refusal.STATUS_CALLBACK_INVALID, str(error)) from None
    return url


def validity_s(form: Form) -> float | None:
    """ValidityPeriod, in seconds; without one the account's own limit counts."""
    text = form.text("ValidityPeriod")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= VALIDITY_DIGITS_MAX):
        raise Refused(Refusal.VALIDITY_OUT_OF_RANGE)
    return float(text)


def send_at(form: Form) -> float:
    """The instant of SendAt in Unix seconds, 0 for a message that is to leave now."""
    schedule_type, text = form.text("ScheduleType"), form.text("SendAt")
    if schedule_type not in ("", "fixed"):
        raise Refused(Refusal.PARAMETER_INVALID, "the ScheduleType must be 'fixed'")
    if not text:
        if schedule_type:
            raise Refused(Refusal.SEND_AT_MISSING)
        return 0.0
    if not schedule_type:
        raise Refused(Refusal.PARAMETER_INVALID, "SendAt needs ScheduleType=fixed")
    instant = unix_time(text)
    # The epoch itself would read as "at once".
    if not instant:
        raise Refused(Refusal.SEND_AT_INVALID)
    return instant


def unix_time(text: str) -> float | None:
    """An ISO 8601 date or time, in UTC unless it says otherwise; None where it is neither."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp()


def traffic_type(form: Form) -> str:
    name = form.text("TrafficType")
    if len(name) > TRAFFIC_TYPE_LENGTH_MAX or not name.isprintable():
        raise Refused(Refusal.PARAMETER_INVALID, "the TrafficType is too long or not printable")
    return name


def boolean(form: Form, name: str) -> bool:
    value = BOOLEANS.get(form.text(name).lower())
    if value is None:
        raise Refused(Refusal.PARAMETER_INVALID, f"{name} must be 'true' or 'false'")
    return value
