"""Every answer that is not a success: Twilio's error body, whatever went wrong."""

from __future__ import annotations

import logging
import math
from typing import Any

import msgspec
from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException

from gateway.errors import GatewayError, Refusal, Refused, StoreError
from gateway.ingress.rest.json_answer import Headers, JsonAnswer
from gateway.interworking.refusals import ANSWERS

log = logging.getLogger(__name__)

RETRY_AFTER_S = 1.0
# Statuses that say: the same again, later.
LATER = frozenset({409, 429, 503})
CHALLENGE = (b"www-authenticate", b'Basic realm="Super Network API", charset="UTF-8"')
CLOSE = (b"connection", b"close")

# Trouble with HTTP itself, by status: Twilio's code (20000 and the status, but for 405) and why.
HTTP_ERRORS: dict[int, tuple[int, str]] = {
    400: (20400, "The request is malformed"),
    404: (20404, "The requested resource was not found"),
    405: (20004, "The method is not allowed on this resource"),
    408: (20408, "The request took too long to arrive"),
    413: (20413, "The request body is too large"),
    415: (20415, "The content type must be application/x-www-form-urlencoded in UTF-8"),
    431: (20431, "The request line and headers are too large"),
    500: (20500, "An internal error has occurred"),
    503: (20503, "The gateway has too many connections"),
}


class ErrorBody(msgspec.Struct, frozen=True):
    """What every error answers with.

    Never with a `type` or a `title`: the SDK takes those for RFC 9457 and raises another exception.
    """

    code: int
    message: str
    more_info: str
    status: int


class RequestError(GatewayError):
    """The HTTP request cannot be used, whatever it asks for."""

    def __init__(self, status: int, detail: str = "", headers: Headers = ()) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers


class Throttled(Refused):
    """Too many requests; another may be made in `retry_after_s`."""

    def __init__(self, detail: str, retry_after_s: float) -> None:
        super().__init__(Refusal.TOO_MANY_REQUESTS, detail)
        self.retry_after_s = retry_after_s


def error_body(status: int, code: int, message: str) -> bytes:
    return msgspec.json.encode(
        ErrorBody(
            code=code,
            message=message[:1].upper() + message[1:],
            more_info=f"https://www.twilio.com/docs/errors/{code}",
            status=status,
        )
    )


def error_answer(status: int, code: int, message: str, headers: Headers = ()) -> JsonAnswer:
    return JsonAnswer(status, error_body(status, code, message), headers)


def request_error_answer(error: RequestError) -> JsonAnswer:
    code, text = HTTP_ERRORS[error.status]
    message = f"{text}: {error.detail}" if error.detail else text
    return JsonAnswer(error.status, error_body(error.status, code, message), error.headers)


def refusal_answer(refused: Refused) -> JsonAnswer:
    """The answer of the one table, with the headers that HTTP wants beside some of them."""
    answer = ANSWERS[refused.refusal]
    headers: Headers = ()
    if answer.http_status == 401:
        headers = (CHALLENGE,)
    elif answer.http_status in LATER:
        wait_s = refused.retry_after_s if isinstance(refused, Throttled) else RETRY_AFTER_S
        headers = ((b"retry-after", b"%d" % max(1, math.ceil(wait_s))),)
    body = error_body(answer.http_status, answer.code, refused.detail)
    return JsonAnswer(answer.http_status, body, headers)


def trouble_answer(error: Refused | RequestError | StoreError) -> JsonAnswer:
    """The answer to a request that ended in one of the errors that are raised on purpose."""
    if isinstance(error, Refused):
        return refusal_answer(error)
    if isinstance(error, RequestError):
        return request_error_answer(error)
    return refusal_answer(Refused(Refusal.STORE_UNAVAILABLE))


def fault_answer(method: str, path_template: str, fault: Exception) -> JsonAnswer:
    """A fault of ours: the log has the traceback, the customer has a code."""
    log.error(
        "request failed",
        extra={"method": method, "path_template": path_template},
        exc_info=fault,
    )
    code, text = HTTP_ERRORS[500]
    return JsonAnswer(500, error_body(500, code, text))


def http_exception_handler(
    request: Request[Any, Any, Any], exception: HTTPException
) -> Response[bytes]:
    """What Litestar refuses before a resource is reached: no such route, no such method."""
    status = exception.status_code if exception.status_code in HTTP_ERRORS else 400
    code, text = HTTP_ERRORS[status]
    return Response(
        error_body(status, code, text),
        status_code=status,
        media_type=MediaType.JSON,
        headers=exception.headers,
    )


def unexpected_exception_handler(
    request: Request[Any, Any, Any], exception: Exception
) -> Response[bytes]:
    answer = fault_answer(request.method, request.scope.get("path_template", ""), exception)
    return Response(answer.body, status_code=answer.status, media_type=MediaType.JSON)
