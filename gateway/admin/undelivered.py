"""`GET /webhooks/undelivered` and `POST /webhooks/replay`: what was given up on, and once more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import msgspec
from litestar import get, post
from litestar.exceptions import ServiceUnavailableException, ValidationException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, JSONBody, QueryParameter

from gateway.clock import message_id_of
from gateway.errors import StoreError
from gateway.messaging.undelivered import EVENTS_MAX, Replayed, Undelivered, UndeliveredPage

LIMIT_DEFAULT = 100
MESSAGES_MAX = 100


class ReplayRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`{"messages": ["SM…"]}`, or `{"account": "AC…", "all": true}`; the latter goes on with
    `before`.
    """

    messages: Annotated[tuple[str, ...], msgspec.Meta(max_length=MESSAGES_MAX)] = ()
    account: str = ""
    all: bool = False
    before: str = ""


def undelivered_routes(
    undelivered: Undelivered, ready: Callable[[], bool]
) -> list[HTTPRouteHandler]:
    """Until `ready`, what an earlier run owes is being read, and nothing more is made owed."""

    @get("/webhooks/undelivered", summary="Events that were given up, newest message first")
    async def get_undelivered(
        account: FromQuery[str] = "",
        limit: Annotated[int, QueryParameter(ge=1, le=EVENTS_MAX)] = LIMIT_DEFAULT,
        before: FromQuery[str] = "",
    ) -> UndeliveredPage:
        try:
            return await undelivered.page(account, limit, _message_id(before))
        except StoreError as error:
            raise ServiceUnavailableException(str(error)) from None

    @post("/webhooks/replay", status_code=200, summary="Have events told again")
    async def post_replay(data: JSONBody[ReplayRequest]) -> Replayed:
        by_account = bool(data.account) and data.all
        if by_account == bool(data.messages) or bool(data.account) != data.all:
            raise ValidationException("expected either messages, or account with all")
        if not ready():
            raise ServiceUnavailableException("the messages of an earlier run are being read")
        try:
            if by_account:
                return await undelivered.replay_account(data.account, _message_id(data.before))
            return await undelivered.replay_messages(data.messages)
        except StoreError as error:
            raise ServiceUnavailableException(str(error)) from None

    return [get_undelivered, post_replay]


def _message_id(before: str) -> int | None:
    message_id = message_id_of(before)
    if before and message_id is None:
        raise ValidationException("before: expected the sid of a message")
    return message_id
