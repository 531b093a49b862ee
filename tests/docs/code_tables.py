"""Error codes, from the tables that the gateway itself looks them up in."""

from __future__ import annotations

from collections import defaultdict

from gateway.ingress.rest.errors import HTTP_ERRORS
from gateway.interworking.carrier_errors import (
    DISPOSITIONS,
    LANDLINE_OR_UNREACHABLE_CARRIER,
    UNKNOWN_ERROR,
    UNLISTED,
    Kind,
)
from gateway.interworking.error_texts import ERROR_TEXTS
from gateway.interworking.receipt_outcome import ERROR_CODES, STATES, UNDELIVERED, outcome
from gateway.interworking.refusals import ANSWERS
from gateway.messaging import answers, intake, twiml
from gateway.messaging.reply_loop import REPLY_RATE_EXCEEDED
from gateway.smpp.constants import CommandStatus
from gateway.webhooks import client as webhook_client
from gateway.webhooks import connection
from gateway.webhooks import request as webhook_request
from tests.docs.page import code, table

# What ends a message without a word from a carrier, or for want of one.
OURS: dict[int, str] = {
    intake.QUEUE_OVERFLOW: "its time in the queue passed (`expired_error_code`), or the queue was "
    "full when a scheduled message came due",
    30036: "its time in the queue passed, where `expired_error_code` is 30036",
    intake.ACCOUNT_SUSPENDED: "the account or the sender was gone or suspended when the message "
    "came due or the gateway restarted",
    answers.PROVIDER_TIMEOUT: "no answer within `outcome_unknown_wait_s`",
    LANDLINE_OR_UNREACHABLE_CARRIER: "no bind may take it, or it fits no PDU",
    30008: "no receipt within `receipt_wait_s`",
}

OVERLOAD = {Kind.THROTTLED, Kind.QUEUE_FULL}

WEBHOOK_CODES: dict[int, str] = {
    webhook_request.RETRIEVAL_FAILURE: "A status other than 2xx, a redirect included, or no "
    "answer in time",
    webhook_client.CANNOT_CONNECT: "No connection, or the name leads to a private address",
    connection.PROTOCOL_VIOLATION: "HTTP violated or cut off",
    webhook_client.CANNOT_RESOLVE: "The name does not resolve",
    webhook_client.TLS_HANDSHAKE: "TLS handshake failed",
    webhook_client.TLS_CERTIFICATE: "Certificate not valid",
    twiml.TOO_LONG: "The answer is longer than 64 kB",
    twiml.NOT_PARSED: "The TwiML is not well-formed",
    twiml.NOT_IN_SCHEMA: "A part of the TwiML is not supported, and left out",
    twiml.WRONG_CONTENT_TYPE: "The answer is neither TwiML nor plain text",
    twiml.EMPTY_BODY: "A `<Message>` has no text, and is left out",
    twiml.TOO_MANY_REPLIES: f"More than {twiml.REPLIES_MAX} replies; the rest are left out",
    REPLY_RATE_EXCEEDED: "Two machines answer each other; this reply was not sent",
}


def refusals() -> str:
    """One row a refusal, in the words of both protocols."""
    return table(
        ("Code", "HTTP", "command_status", "Why"),
        sorted(
            (
                str(answer.code),
                str(answer.http_status),
                f"{code(answer.command_status.name)} 0x{answer.command_status:02X}",
                _sentence(refusal.value),
            )
            for refusal, answer in ANSWERS.items()
        ),
    )


def http_errors() -> str:
    return table(
        ("HTTP", "Code", "Why"),
        ((str(status), str(code_), text) for status, (code_, text) in HTTP_ERRORS.items()),
    )


def message_codes() -> str:
    """The codes that a message can end with: what they mean, and what brings them about."""
    causes: dict[int, list[str]] = defaultdict(list)
    for code_, text in OURS.items():
        causes[code_].append(text)
    for status, disposition in DISPOSITIONS.items():
        if disposition.kind is Kind.PERMANENT:
            causes[disposition.error_code].append(code(CommandStatus(status).name))
        elif disposition.kind is Kind.TRY_ANOTHER and disposition.error_code != UNKNOWN_ERROR:
            causes[disposition.error_code].append(
                f"{code(CommandStatus(status).name)} from the last carrier that was asked"
            )
    causes[UNKNOWN_ERROR].append("no carrier took it, and the last gave no known cause")
    for state, code_ in UNDELIVERED.items():
        causes[code_].append(f"receipt {state.name}")
    numbers: dict[int, list[str]] = defaultdict(list)
    for number, code_ in ERROR_CODES.items():
        numbers[code_].append(str(number))
    for code_, found in numbers.items():
        causes[code_].append(f"receipt with `err` {', '.join(found)}")
    return table(
        ("Code", "Meaning", "Comes from"),
        ((str(code_), ERROR_TEXTS[code_], "; ".join(causes[code_])) for code_ in sorted(causes)),
    )


def carrier_answers() -> str:
    """What each command_status of a submit_sm_resp makes us do, and the code of a message that
    fails with it. An overload ends no message, so it has none.
    """
    rows = [
        (
            f"{code(CommandStatus(status).name)} 0x{status:02X}",
            _sentence(each.kind.value),
            "" if each.kind in OVERLOAD else str(each.error_code or ""),
        )
        for status, each in sorted(DISPOSITIONS.items())
        if (each.kind, each.error_code) != (UNLISTED.kind, UNLISTED.error_code)
    ]
    others = ("every other", _sentence(UNLISTED.kind.value), str(UNLISTED.error_code))
    return table(("command_status", "What we do", "Code"), [*rows, others])


def receipt_states() -> str:
    """What each stat of a receipt makes of the message, without a known `err`."""
    rows = []
    for stat in STATES:
        result = outcome(stat)
        status = code(result.status.value) if result.status else "unchanged: intermediate"
        rows.append((code(stat), status, str(result.error_code or "")))
    return table(("stat", "The message becomes", "Code"), rows)


def webhook_codes() -> str:
    return table(
        ("Code", "Meaning"), ((str(code_), text) for code_, text in sorted(WEBHOOK_CODES.items()))
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
