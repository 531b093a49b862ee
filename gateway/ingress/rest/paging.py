"""Lists in pages, newest first (Twilio's 2010-04-01 form: relative URIs, an opaque token).

A page begins below the id of a message or a call. The token carries the beginnings of the page and
of the few pages before it, so that a client can step back although the store only reads forward.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlencode

import msgspec

from gateway.errors import Refusal, Refused
from gateway.ingress.rest.form import Form
from gateway.ingress.rest.message_json import MessageResource

P = TypeVar("P")

PAGE_SIZE_DEFAULT = 50
PAGE_SIZE_MAX = 1_000
STEPS_BACK_MAX = 10
PAGE_MAX = 10_000_000

TOKEN_PREFIX = "PA"
ID_DIGITS = 16


class MessagePage(msgspec.Struct, frozen=True):
    """`start` and `end` count messages from 0; the URIs are relative to the host."""

    messages: list[MessageResource]
    page: int
    page_size: int
    start: int
    end: int
    uri: str
    first_page_uri: str
    next_page_uri: str | None
    previous_page_uri: str | None


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page is asked for: `starts` are ids, the last one is this page's."""

    page: int = 0
    page_size: int = PAGE_SIZE_DEFAULT
    starts: tuple[int, ...] = ()

    @property
    def before(self) -> int | None:
        return self.starts[-1] if self.starts else None

    def query(self) -> list[tuple[str, str]]:
        query = [("PageSize", str(self.page_size)), ("Page", str(self.page))]
        if self.starts:
            query.append(("PageToken", token(self.starts)))
        return query

    def next(self, last_id: int) -> PageRequest:
        starts = (*self.starts, last_id)[-STEPS_BACK_MAX - 1 :]
        return PageRequest(self.page + 1, self.page_size, starts)

    def previous(self) -> PageRequest | None:
        """None on the first page, and where the token remembers no earlier beginning."""
        if self.page == 1:
            return PageRequest(0, self.page_size)
        if len(self.starts) < 2:
            return None
        return PageRequest(self.page - 1, self.page_size, self.starts[:-1])


def page_request(query: Form) -> PageRequest:
    """PageSize, Page and PageToken. A size above the maximum is cut to it, as by Twilio.

    Raises:
        Refused: PARAMETER_INVALID.
    """
    page_size = number(query, "PageSize", PAGE_SIZE_DEFAULT)
    if not page_size:
        raise Refused(Refusal.PARAMETER_INVALID, "the PageSize must be at least 1")
    starts = parse_token(query.text("PageToken"))
    page = number(query, "Page", 0) if starts else 0
    return PageRequest(page, min(page_size, PAGE_SIZE_MAX), starts)


def number(query: Form, name: str, default: int) -> int:
    text = query.text(name)
    if not text:
        return default
    if not (text.isascii() and text.isdigit()) or len(text) > 8 or int(text) > PAGE_MAX:
        raise Refused(Refusal.PARAMETER_INVALID, f"{name} must be a number")
    return int(text)


def token(starts: tuple[int, ...]) -> str:
    return TOKEN_PREFIX + "".join(f"{start:0{ID_DIGITS}x}" for start in starts)


def parse_token(text: str) -> tuple[int, ...]:
    """The beginnings in a token, () without one."""
    if not text:
        return ()
    digits = text.removeprefix(TOKEN_PREFIX)
    count, rest = divmod(len(digits), ID_DIGITS)
    if len(text) == len(digits) or rest or not 1 <= count <= STEPS_BACK_MAX + 1:
        raise Refused(Refusal.PARAMETER_INVALID, "the PageToken is not one of ours")
    try:
        ids = bytes.fromhex(digits)
    except ValueError:
        raise Refused(Refusal.PARAMETER_INVALID, "the PageToken is not one of ours") from None
    octets = ID_DIGITS // 2
    return tuple(int.from_bytes(ids[at : at + octets]) for at in range(0, len(ids), octets))


def page_of(
    kind: Callable[..., P],
    path: str,
    filters: list[tuple[str, str]],
    request: PageRequest,
    items: Sequence[object],
    next_start: int | None,
) -> P:
    """A page of that kind, with these items in it. `next_start` is the id of the last of them,
    None on the last page."""

    def uri(page: PageRequest | None) -> str | None:
        return f"{path}?{urlencode([*filters, *page.query()])}" if page else None

    start = request.page * request.page_size
    return kind(
        items,
        page=request.page,
        page_size=request.page_size,
        start=start,
        end=start + max(len(items) - 1, 0),
        uri=uri(request) or "",
        first_page_uri=uri(PageRequest(0, request.page_size)) or "",
        next_page_uri=uri(None if next_start is None else request.next(next_start)),
        previous_page_uri=uri(request.previous()),
    )
