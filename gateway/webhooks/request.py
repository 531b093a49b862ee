"""One HTTP request to a customer's server, and what may come of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote_plus

from gateway.webhooks.destination import Destination, FailureKind, Overrides
from gateway.webhooks.signature import SIGNATURE_HEADER, Field, signature

API_VERSION = "2010-04-01"
IDEMPOTENCY_HEADER = "I-Twilio-Idempotency-Token"
USER_AGENT = "super-network-gateway"
# Twilio's code of a webhook that failed, where there is none that says more.
RETRIEVAL_FAILURE = 11200


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """All that goes over the wire, and the customer's overrides of how long it may take."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    overrides: Overrides


@dataclass(frozen=True, slots=True)
class Answer:
    """The server took the request (2xx). `truncated` says that the body was longer than we read."""

    status: int
    content_type: str = ""
    body: bytes = b""
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """The server did not take it. `code` is Twilio's (11200 and following)."""

    kind: FailureKind
    code: int
    detail: str

    def __str__(self) -> str:
        return f"{self.code} {self.detail}"


class Poster(Protocol):
    """Makes one request: `WebhookClient`, or a test's endpoint."""

    async def post(self, request: WebhookRequest) -> Answer | Failure: ...


def signed_request(
    destination: Destination,
    method: str,
    fields: Sequence[Field],
    auth_token: str,
    idempotency_token: str,
) -> WebhookRequest:
    """Put the fields into a form, or with GET into the query, and sign the whole."""
    headers = {
        "User-Agent": USER_AGENT,
        # Compressed answers are not asked for: a small one can unpack to a very large one.
        "Accept-Encoding": "identity",
        IDEMPOTENCY_HEADER: idempotency_token,
    }
    if destination.authorization:
        headers["Authorization"] = destination.authorization
    url, body = destination.url, b""
    if method == "GET":
        url += ("&" if "?" in url else "?") + form(fields)
        headers[SIGNATURE_HEADER] = signature(auth_token, url)
    else:
        body = form(fields).encode("ascii")
        headers["Content-Type"] = "application/x-www-form-urlencoded; charset=UTF-8"
        headers[SIGNATURE_HEADER] = signature(auth_token, url, fields)
    return WebhookRequest(method, url, headers, body, destination.overrides)


def form(fields: Iterable[Field]) -> str:
    """As `urlencode` makes it, in a fifth of the time: what needs no quoting is not looked at octet
    by octet."""
    return "&".join([f"{_quoted(key)}={_quoted(value)}" for key, value in fields])


def _quoted(text: str) -> str:
    if text.isascii():
        if text.isalnum():
            return text
        if text[0:1] == "+" and text[1:].isalnum():  # A phone number.
            return f"%2B{text[1:]}"
    return quote_plus(text)
