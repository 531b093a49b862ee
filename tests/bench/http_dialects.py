"""How a message is handed over by HTTP, to us and to the peers, and how they tell its receipt.

The request of a message stands on one keep-alive connection of HTTP/1.1; a receipt is told by a
request to the URL that the message named, each system in its own way.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

from tests.bench.load import PASSWORD, SYSTEM_ID, DialectName

ACCOUNT_SID = "AC0123456789abcdef0123456789abcdef"
AUTH_TOKEN = "0123456789abcdef0123456789abcdef"

BASIC = b64encode(f"{ACCOUNT_SID}:{AUTH_TOKEN}".encode()).decode()
POST_HEAD = (
    f"POST /2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json HTTP/1.1\r\n"
    "Host: 127.0.0.1\r\n"
    f"Authorization: Basic {BASIC}\r\n"
    "Content-Type: application/x-www-form-urlencoded\r\n"
    "Accept: application/json\r\n"
    "Content-Length: %d\r\n\r\n"
).encode()
GET = "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
# Kannel's dlr-mask: 1 delivered, 2 not delivered; without a URL nobody is told.
FINAL = 3


@dataclass(frozen=True, slots=True)
class HttpMessage:
    """A message, and where its receipt is to be told ("" for nowhere)."""

    number: int
    sender: str
    recipient: str
    text: str
    receipts: bool
    callback: str = ""


@dataclass(frozen=True, slots=True)
class Dialect:
    """`accepted` is the status of a message that was taken. `id_of` finds its id in the answer, by
    which callbacks name it; where there is none they carry the number of the message in their URL.
    `told` is in a callback if it tells that a message was delivered.
    """

    request: Callable[[HttpMessage], bytes]
    accepted: bytes
    told: bytes
    id_before: bytes = b""


def twilio(message: HttpMessage) -> bytes:
    """Our own entrance. All messages have one callback URL, as those of a customer have."""
    form = (
        f"To=%2B{message.recipient}&From={message.sender}&Body={quote_plus(message.text)}"
        + (f"&StatusCallback={quote(message.callback, '')}" if message.callback else "")
    ).encode()
    return POST_HEAD % len(form) + form


def kannel(message: HttpMessage) -> bytes:
    query = (
        f"/cgi-bin/sendsms?username={SYSTEM_ID}&password={PASSWORD}&from={message.sender}"
        f"&to={message.recipient}&text={quote_plus(message.text)}"
    )
    if message.receipts:
        query += f"&dlr-mask={FINAL}"
    if message.callback:
        query += "&dlr-url=" + quote(f"{message.callback}?n={message.number}&s=%d", "")
    return (GET % query).encode()


def jasmin(message: HttpMessage) -> bytes:
    query = (
        f"/send?username={SYSTEM_ID}&password={PASSWORD}&from={message.sender}"
        f"&to={message.recipient}&content={quote_plus(message.text)}"
    )
    if message.callback:
        url = quote(f"{message.callback}?n={message.number}", "")
        query += f"&dlr=yes&dlr-level=2&dlr-method=POST&dlr-url={url}"
    return (GET % query).encode()


DIALECTS: dict[DialectName, Dialect] = {
    "twilio": Dialect(twilio, b"201", b"MessageStatus=delivered", id_before=b'"sid":"'),
    "kannel": Dialect(kannel, b"202", b"&s=1"),
    "jasmin": Dialect(jasmin, b"200", b"message_status=DELIVRD"),
}
