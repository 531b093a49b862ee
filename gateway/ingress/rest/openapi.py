"""What the OpenAPI document says of each operation: its form, its filters and its answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from litestar import MediaType
from litestar.openapi import OpenAPIConfig, ResponseSpec
from litestar.openapi.spec import (
    Components,
    OpenAPIFormat,
    OpenAPIMediaType,
    OpenAPIType,
    Operation,
    Parameter,
    RequestBody,
    Schema,
    SecurityScheme,
)

from gateway.ingress.rest.docs_page import DocsPage
from gateway.ingress.rest.errors import ErrorBody
from gateway.ingress.rest.form import FORM_OCTETS_MAX
from gateway.ingress.rest.paging import PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX
from media.sdp import SDP_OCTETS_MAX

BASIC = "basic"
DOCS_PATH = "/docs"
API_DESCRIPTION = (
    "Compatible with Twilio's 2010-04-01 API: an official SDK works with nothing changed but its "
    "base URL. Basic authentication with AccountSid and AuthToken, or with an API key and its "
    "secret."
)

STRING = Schema(type=OpenAPIType.STRING)
DATE_OR_TIME = Schema(
    type=OpenAPIType.STRING, description="`YYYY-MM-DD` or ISO 8601, UTC unless it says otherwise."
)


def string(description: str, **bounds: Any) -> Schema:
    return Schema(type=OpenAPIType.STRING, description=description, **bounds)


CREATE_FORM = Schema(
    type=OpenAPIType.OBJECT,
    required=["To", "From", "Body"],
    properties={
        "To": string("The recipient in E.164, with its `+` escaped as `%2B`."),
        "From": string("A number, short code or sender id of the account."),
        "Body": string("The text of the message.", max_length=1_600),
        "StatusCallback": string(
            "Where each further status is posted, signed.", format=OpenAPIFormat.URI
        ),
        "ValidityPeriod": Schema(
            type=OpenAPIType.INTEGER,
            minimum=1,
            maximum=36_000,
            description="Seconds that the message may wait in its queue; at most, and without one, "
            "the account's own limit (14,400 by default).",
        ),
        "SendAt": string(
            "When the message is to leave: 5 minutes to 35 days ahead.",
            format=OpenAPIFormat.DATE_TIME,
        ),
        "ScheduleType": string("Goes with SendAt.", enum=["fixed"]),
        "SmartEncoded": Schema(
            type=OpenAPIType.BOOLEAN,
            description="Replace typographic characters that would need UCS-2 by plain ones.",
        ),
        "TrafficType": string("A name for the traffic; it is kept with the message."),
    },
    description="Attempt, MaxPrice, ProvideFeedback, ForceDelivery, ContentRetention, "
    "AddressRetention, RiskCheck, ShortenUrls and PersistentAction are accepted and change "
    "nothing. MediaUrl, ContentSid and MessagingServiceSid are refused.",
)

PREVIEW_FORM = Schema(
    type=OpenAPIType.OBJECT,
    required=["Body"],
    properties={
        "Body": string("The text of the message.", max_length=1_600),
        "SmartEncoded": Schema(
            type=OpenAPIType.BOOLEAN, description="As for a message: replaced before it is counted."
        ),
        "To": string("A recipient to check. It does not change the preview."),
        "From": string("A sender to check. It does not change the preview."),
    },
)

UPDATE_FORM = Schema(
    type=OpenAPIType.OBJECT,
    properties={
        "Body": string("Empty: the text of a complete message is forgotten.", max_length=0),
        "Status": string("Cancels a message while it is scheduled.", enum=["canceled"]),
    },
)

FEEDBACK_FORM = Schema(
    type=OpenAPIType.OBJECT,
    required=["Outcome"],
    properties={
        "Outcome": string(
            "Has the recipient done what the message was for?", enum=["confirmed", "unconfirmed"]
        ),
    },
)

RANK_FORM = Schema(
    type=OpenAPIType.OBJECT,
    required=["To", "From"],
    properties={
        "To": string("The recipient in E.164."),
        "From": string("A number, short code or sender id of the account."),
        "TrafficType": string("otp, transactional or promotional; transactional without it."),
        "Body": string("A text, for the number of its segments; one without it.", max_length=1_600),
    },
    description="Other parameters of a message change nothing.",
)

ACCOUNT_SID = Parameter("AccountSid", "path", STRING, "The account that authenticates.", True)
ACCOUNT_SID_JSON = Parameter("AccountSid", "path", STRING, "`AC…`; `.json` may follow.", True)
MESSAGE_SID = Parameter("MessageSid", "path", STRING, "`SM…`; `.json` may follow.", True)
IDEMPOTENCY_KEY = Parameter(
    "Idempotency-Key",
    "header",
    Schema(type=OpenAPIType.STRING, min_length=1, max_length=255),
    "Your name for this request, in visible ASCII. Sent again with the same form, it makes no "
    "second message: the answer shows the first one, with `Idempotent-Replayed: true`. "
    "`I-Twilio-Idempotency-Token` is the same header.",
)
PAGE_PARAMETERS = (
    Parameter(
        "PageSize",
        "query",
        Schema(type=OpenAPIType.INTEGER, minimum=1, maximum=PAGE_SIZE_MAX),
        f"Items a page, {PAGE_SIZE_DEFAULT} by default.",
    ),
    Parameter("Page", "query", Schema(type=OpenAPIType.INTEGER), "As `next_page_uri` has it."),
    Parameter("PageToken", "query", STRING, "As `next_page_uri` has it."),
)
LIST_PARAMETERS = (
    ACCOUNT_SID,
    Parameter("To", "query", STRING, "Only messages to this recipient."),
    Parameter("From", "query", STRING, "Only messages from this sender."),
    Parameter("DateSent", "query", DATE_OR_TIME, "Only messages of this UTC day."),
    Parameter("DateSent<", "query", DATE_OR_TIME, "Only messages up to this second."),
    Parameter("DateSent>", "query", DATE_OR_TIME, "Only messages since this second."),
    *PAGE_PARAMETERS,
)
CALL_SID = Parameter("CallSid", "path", STRING, "`CA…`; `.json` may follow.", True)
CALL_LIST_PARAMETERS = (
    ACCOUNT_SID,
    Parameter("To", "query", STRING, "Only calls to this number."),
    Parameter("From", "query", STRING, "Only calls from this number."),
    Parameter(
        "Status",
        "query",
        STRING,
        "Only calls of this status: queued, ringing, in-progress, completed, busy, failed, "
        "no-answer or canceled.",
    ),
    Parameter("StartTime", "query", DATE_OR_TIME, "Only calls that began on this UTC day."),
    Parameter("StartTime<", "query", DATE_OR_TIME, "Only those that began by this second."),
    Parameter("StartTime>", "query", DATE_OR_TIME, "Only those that began since this second."),
    Parameter("EndTime", "query", DATE_OR_TIME, "Only calls that ended on this UTC day."),
    Parameter("EndTime<", "query", DATE_OR_TIME, "Only those that ended by this second."),
    Parameter("EndTime>", "query", DATE_OR_TIME, "Only those that ended since this second."),
    *PAGE_PARAMETERS,
)


WEB_CALL_PARAMETERS = (
    Parameter(
        "To", "query", STRING, "A number, or the user name of a phone of the account's.", True
    ),
    Parameter(
        "From",
        "query",
        STRING,
        "A number of the account's that is shown; its first one without it.",
    ),
)
LAST_EVENT_ID = Parameter(
    "Last-Event-ID", "header", STRING, "The `id` heard last; what came after it is told again."
)


def description(text: str) -> RequestBody:
    """A body that is a session description."""
    return RequestBody(
        content={"application/sdp": OpenAPIMediaType(schema=STRING)},
        description=f"{text}, with audio (RFC 8866); at most {SDP_OCTETS_MAX} octets.",
        required=True,
    )


OFFER = description("The caller's offer")
ANSWER = description("The caller's answer")


def operation(
    *parameters: Parameter, form: Schema | None = None, body: RequestBody | None = None
) -> type[Operation]:
    """The operation class of a handler that reads its own parameters, and form or body."""

    @dataclass
    class DocumentedOperation(Operation):
        def __post_init__(self) -> None:
            self.parameters = [*parameters]
            self.request_body = body
            if form is not None:
                self.request_body = RequestBody(
                    content={"application/x-www-form-urlencoded": OpenAPIMediaType(schema=form)},
                    description=f"At most {FORM_OCTETS_MAX} octets, in UTF-8.",
                    required=True,
                )
            # Litestar adds the answer that it expects of the function itself; ours are listed.
            self.responses = {
                status: response
                for status, response in sorted((self.responses or {}).items())
                if response.description != UNLISTED
            }

    return DocumentedOperation


UNLISTED = "unlisted"

ERRORS: dict[int, str] = {
    400: "A parameter is wrong, or the message is not accepted; `code` says why.",
    401: "20003: the credentials are wrong, or are not those of this account.",
    404: "20404: there is no such resource in this account.",
    429: "20429: too many requests, or too many at once; `Retry-After` says how long to wait.",
    500: "20500: a fault of the gateway.",
    503: "20503: the gateway cannot store messages now; `Retry-After` says how long to wait.",
}
KEY_ERRORS: dict[int, str] = {
    409: "20409: too many requests with this idempotency key are under way; `Retry-After` says "
    "how long to wait.",
    422: "20422: the idempotency key has made a message of another request.",
}


WEB_CALL_ERRORS: dict[int, str] = {
    **ERRORS,
    400: "The offer is no session description, or the call may not be made; `code` says why.",
    409: "21220: the call is not in a state for that.",
    415: "20415: the body is not `application/sdp`.",
    429: "20429: too many requests or calls; `Retry-After` says how long to wait.",
}


def responses(
    status: int,
    resource: Any,
    description: str,
    errors: Mapping[int, str] = ERRORS,
    media_type: str = MediaType.JSON,
) -> dict[int, ResponseSpec]:
    """The answer of an operation that succeeds, and those of all that do not."""
    answers = {
        status: ResponseSpec(
            resource,
            generate_examples=False,
            description=description,
            media_type=cast(MediaType, media_type),  # Litestar takes any text there.
        )
    }
    for error_status, text in errors.items():
        answers[error_status] = ResponseSpec(ErrorBody, generate_examples=False, description=text)
    return answers


def openapi_config(version: str) -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Super Network API",
        version=version,
        description=API_DESCRIPTION,
        path=DOCS_PATH,
        render_plugins=[DocsPage()],
        security=[{BASIC: []}],
        components=Components(
            security_schemes={BASIC: SecurityScheme(type="http", scheme="basic")}
        ),
    )
