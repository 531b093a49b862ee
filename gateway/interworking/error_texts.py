"""What a message's error code means, in our own words: ErrorMessage over REST and in callbacks.

The numbers are Twilio's. A code that is not here has no text; it is told by its number alone.
"""

from __future__ import annotations

ERROR_TEXTS: dict[int, str] = {
    14107: "Reply loop: too many automatic replies between the same two numbers",
    21610: "The recipient has opted out of messages from this sender",
    21611: "The queue of the sender is full",
    21612: "The recipient cannot be reached from this sender",
    21614: "The recipient is not a mobile number",
    21617: "The message body is longer than allowed",
    30001: "The message waited in the queue longer than it was valid",
    30002: "The account was suspended before the message was sent",
    30003: "The handset cannot be reached: it is switched off or out of coverage",
    30004: "The message was blocked by the recipient or by the carrier",
    30005: "The number is unknown or no longer in service",
    30006: "The number is a landline, or its carrier cannot be reached",
    30007: "The message was filtered by the carrier",
    30008: "The carrier gave no known reason",
    30009: "A part of the inbound message is missing",
    30010: "The price of the message is above its maximum",
    30011: "Media messages are not supported for this number",
    30017: "The carrier's network is congested",
    30018: "The destination carrier asks for the registration of the sender",
    30019: "The content is larger than the carrier allows",
    30022: "The sender exceeded its 10DLC rate",
    30023: "The sender exceeded its daily limit",
    30024: "The sender is not provisioned at the carrier",
    30027: "The campaign exceeded its daily limit at the carrier",
    30032: "The toll-free number is not verified",
    30033: "The 10DLC campaign is suspended",
    30034: "The number is not registered with a 10DLC campaign",
    30035: "The number is still being configured",
    30036: "The validity period of the message passed before it was sent",
    30037: "Outbound messaging is disabled for the account",
    30038: "The message was filtered as a one-time password",
    30040: "The sender id must be registered in the destination country",
    30409: "The message is not scheduled and so cannot be canceled",
    30410: "The carrier did not answer in time; the message was not sent again",
    30450: "The message was blocked: traffic pumping is suspected",
    30454: "The account reached its limit on messages to this destination",
}


def error_text(code: int) -> str | None:
    """The text of a code, None where there is none to tell."""
    return ERROR_TEXTS.get(code)
