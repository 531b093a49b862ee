"""The operator's view of what was given up."""

from typing import Any, cast

import httpx
import pytest
from litestar import Litestar

from gateway.admin.undelivered import LIMIT_DEFAULT, MESSAGES_MAX, undelivered_routes
from gateway.clock import message_sid
from gateway.errors import StoreError
from gateway.messaging.undelivered import (
    EVENTS_MAX,
    Replayed,
    Undelivered,
    UndeliveredEvent,
    UndeliveredPage,
)

SID = message_sid(7)
ACCOUNT = "AC" + "a" * 32
EVENT = UndeliveredEvent(SID, ACCOUNT, 2, "delivered", "webhook", "a.example:443", 1.5, "gave up")


class FakeUndelivered:
    """Notes what it is asked for."""

    def __init__(self, *, broken: bool = False) -> None:
        self.asked: list[Any] = []
        self.broken = broken
        self.ready = True

    async def page(self, account_sid: str, limit: int, before: int | None) -> UndeliveredPage:
        self._ask(account_sid, limit, before)
        return UndeliveredPage((EVENT,), SID)

    async def replay_messages(self, sids: tuple[str, ...]) -> Replayed:
        self._ask(*sids)
        return Replayed(1, nothing_undelivered=("SM1",))

    async def replay_account(self, account_sid: str, before: int | None) -> Replayed:
        self._ask(account_sid, before)
        return Replayed(EVENTS_MAX, SID)

    def _ask(self, *what: Any) -> None:
        if self.broken:
            raise StoreError("the disk is gone")
        self.asked.append(what)


def a_client(undelivered: FakeUndelivered) -> httpx.AsyncClient:
    routes = undelivered_routes(cast(Undelivered, undelivered), lambda: undelivered.ready)
    app = Litestar(routes, openapi_config=None, logging_config=None)
    transport = httpx.ASGITransport(cast(Any, app))
    return httpx.AsyncClient(transport=transport, base_url="http://admin.test")


async def get(undelivered: FakeUndelivered, query: str = "") -> httpx.Response:
    async with a_client(undelivered) as client:
        return await client.get(f"/webhooks/undelivered{query}")


async def replay(undelivered: FakeUndelivered, body: Any) -> httpx.Response:
    async with a_client(undelivered) as client:
        return await client.post("/webhooks/replay", json=body)


async def test_undelivered_events_are_shown() -> None:
    undelivered = FakeUndelivered()
    response = await get(undelivered)
    assert response.json() == {
        "undelivered": [
            {
                "sid": SID,
                "account": ACCOUNT,
                "number": 2,
                "status": "delivered",
                "listener": "webhook",
                "host": "a.example:443",
                "at": 1.5,
                "reason": "gave up",
            }
        ],
        "next_before": SID,
    }
    assert undelivered.asked == [("", LIMIT_DEFAULT, None)]


async def test_next_page_of_an_account_is_asked_for() -> None:
    undelivered = FakeUndelivered()
    await get(undelivered, f"?account={ACCOUNT}&limit=7&before={SID}")
    assert undelivered.asked == [(ACCOUNT, 7, 7)]


@pytest.mark.parametrize("query", ["?limit=0", f"?limit={EVENTS_MAX + 1}", "?before=SM1"])
async def test_query_that_cannot_be_meant_is_refused(query: str) -> None:
    undelivered = FakeUndelivered()
    response = await get(undelivered, query)
    assert (response.status_code, undelivered.asked) == (400, [])


async def test_messages_are_replayed() -> None:
    undelivered = FakeUndelivered()
    response = await replay(undelivered, {"messages": [SID, "SM1"]})
    assert response.status_code == 200
    assert response.json() == {"replayed": 1, "next_before": None, "nothing_undelivered": ["SM1"]}
    assert undelivered.asked == [(SID, "SM1")]


async def test_account_is_replayed() -> None:
    undelivered = FakeUndelivered()
    response = await replay(undelivered, {"account": ACCOUNT, "all": True})
    assert response.json() == {
        "replayed": EVENTS_MAX,
        "next_before": SID,
        "nothing_undelivered": [],
    }
    assert undelivered.asked == [(ACCOUNT, None)]


async def test_rest_of_an_account_is_replayed() -> None:
    undelivered = FakeUndelivered()
    await replay(undelivered, {"account": ACCOUNT, "all": True, "before": SID})
    assert undelivered.asked == [(ACCOUNT, 7)]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"messages": []},
        {"messages": SID},
        {"messages": [SID] * (MESSAGES_MAX + 1)},
        {"messages": [SID], "account": ACCOUNT, "all": True},
        {"messages": [SID], "all": True},
        {"messages": [SID], "account": ACCOUNT},
        {"account": ACCOUNT},
        {"all": True},
        {"account": ACCOUNT, "all": False},
        {"account": ACCOUNT, "all": True, "other": 1},
        {"account": ACCOUNT, "all": True, "before": "SM1"},
        [],
    ],
)
async def test_replay_of_nothing_certain_is_refused(body: Any) -> None:
    undelivered = FakeUndelivered()
    response = await replay(undelivered, body)
    assert (response.status_code, undelivered.asked) == (400, [])


async def test_store_that_cannot_be_used_is_told_as_such() -> None:
    undelivered = FakeUndelivered(broken=True)
    for response in (
        await get(undelivered),
        await replay(undelivered, {"messages": [SID]}),
        await replay(undelivered, {"account": ACCOUNT, "all": True}),
    ):
        assert (response.status_code, response.json()["detail"]) == (503, "the disk is gone")


async def test_nothing_is_replayed_before_what_is_owed_has_been_read() -> None:
    undelivered = FakeUndelivered()
    undelivered.ready = False
    response = await replay(undelivered, {"messages": [SID]})
    assert (response.status_code, undelivered.asked) == (503, [])
