"""One table: how each refusal is told over REST and over SMPP.

Codes are Twilio's (its catalogue of errors); where Twilio has none of that meaning, the nearest
general one. HTTP is 400 unless the refusal concerns the caller, the resource or the gateway.
SMPP keeps three kinds of overload apart (SMPP v3.4 table 5-2): ESME_RTHROTTLED is a rate,
ESME_RMSGQFUL a queue, ESME_RSYSERR trouble of ours. ESME_RINVSRCADR and ESME_RINVDSTADR name the
address at fault; ESME_RSUBMITFAIL stands where no status names the cause.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.errors import Refusal
from gateway.smpp.constants import CommandStatus


@dataclass(frozen=True, slots=True)
class Answer:
    """A refusal in the words of both protocols."""

    code: int
    http_status: int
    command_status: CommandStatus


ANSWERS: dict[Refusal, Answer] = {
    # The caller, the resource, and the gateway itself.
    Refusal.AUTHENTICATION_FAILED: Answer(20003, 401, CommandStatus.ESME_RINVPASWD),
    Refusal.ACCOUNT_SUSPENDED: Answer(20005, 403, CommandStatus.ESME_RSUBMITFAIL),
    Refusal.NOT_FOUND: Answer(20404, 404, CommandStatus.ESME_RINVMSGID),
    Refusal.TOO_MANY_REQUESTS: Answer(20429, 429, CommandStatus.ESME_RTHROTTLED),
    Refusal.STORE_UNAVAILABLE: Answer(20503, 503, CommandStatus.ESME_RSYSERR),
    Refusal.QUEUE_FULL: Answer(21611, 400, CommandStatus.ESME_RMSGQFUL),
    # The recipient. Where the number is sound but this way to it is closed, the address must not
    # be called invalid: ESMEs strike a number off their lists at ESME_RINVDSTADR.
    Refusal.TO_MISSING: Answer(21604, 400, CommandStatus.ESME_RINVDSTADR),
    Refusal.TO_INVALID: Answer(21211, 400, CommandStatus.ESME_RINVDSTADR),
    Refusal.TO_NOT_MOBILE: Answer(21614, 400, CommandStatus.ESME_RINVDSTADR),
    Refusal.REGION_NOT_ENABLED: Answer(21408, 400, CommandStatus.ESME_RSUBMITFAIL),
    Refusal.NO_ROUTE: Answer(21612, 400, CommandStatus.ESME_RSUBMITFAIL),
    Refusal.OPTED_OUT: Answer(21610, 400, CommandStatus.ESME_RSUBMITFAIL),
    # The sender.
    Refusal.FROM_MISSING: Answer(21603, 400, CommandStatus.ESME_RINVSRCADR),
    Refusal.FROM_INVALID: Answer(21212, 400, CommandStatus.ESME_RINVSRCADR),
    Refusal.FROM_NOT_OWNED: Answer(21606, 400, CommandStatus.ESME_RINVSRCADR),
    Refusal.MESSAGING_SERVICE_UNKNOWN: Answer(21701, 400, CommandStatus.ESME_RINVSRCADR),
    Refusal.SENDER_NOT_REGISTERED: Answer(30034, 400, CommandStatus.ESME_RINVSRCADR),
    Refusal.CAMPAIGN_SUSPENDED: Answer(30033, 400, CommandStatus.ESME_RINVSRCADR),
    Refusal.TOLL_FREE_NOT_VERIFIED: Answer(30032, 400, CommandStatus.ESME_RINVSRCADR),
    Refusal.SENDER_BEING_CONFIGURED: Answer(30035, 400, CommandStatus.ESME_RINVSRCADR),
    # The content.
    Refusal.BODY_MISSING: Answer(21602, 400, CommandStatus.ESME_RINVMSGLEN),
    Refusal.BODY_TOO_LONG: Answer(21617, 400, CommandStatus.ESME_RINVMSGLEN),
    Refusal.BODY_UNENCODABLE: Answer(20001, 400, CommandStatus.ESME_RSUBMITFAIL),
    Refusal.MEDIA_UNSUPPORTED: Answer(21621, 400, CommandStatus.ESME_RSUBMITFAIL),
    # The other parameters.
    Refusal.STATUS_CALLBACK_INVALID: Answer(21609, 400, CommandStatus.ESME_RSUBMITFAIL),
    Refusal.VALIDITY_OUT_OF_RANGE: Answer(21624, 400, CommandStatus.ESME_RINVEXPIRY),
    Refusal.SEND_AT_MISSING: Answer(35111, 400, CommandStatus.ESME_RINVSCHED),
    Refusal.SEND_AT_INVALID: Answer(35117, 400, CommandStatus.ESME_RINVSCHED),
    Refusal.PARAMETER_INVALID: Answer(20001, 400, CommandStatus.ESME_RSUBMITFAIL),
    # The idempotency key: over HTTP as the IETF's draft has it (draft-ietf-httpapi-idempotency-key
    # §2.7). Of a TLV only the length can be wrong.
    Refusal.IDEMPOTENCY_KEY_INVALID: Answer(20001, 400, CommandStatus.ESME_RINVPARLEN),
    Refusal.IDEMPOTENCY_KEY_REUSED: Answer(20422, 422, CommandStatus.ESME_RINVOPTPARAMVAL),
    Refusal.IDEMPOTENCY_KEY_IN_USE: Answer(20409, 409, CommandStatus.ESME_RTHROTTLED),
    # Changes to a message that was accepted before.
    Refusal.NOT_CANCELABLE: Answer(30409, 400, CommandStatus.ESME_RCANCELFAIL),
    Refusal.NOT_REPLACEABLE: Answer(20009, 400, CommandStatus.ESME_RREPLACEFAIL),
    Refusal.NOT_REDACTABLE: Answer(20009, 400, CommandStatus.ESME_RREPLACEFAIL),
}
