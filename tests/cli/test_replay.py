"""`supernet replay`, against the operator's face of a gateway."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.cli import replay
from gateway.cli.console import CommandError

SID = "SM" + "1" * 32
ACCOUNT = "AC" + "a" * 32
EVENT = {
    "sid": SID,
    "account": ACCOUNT,
    "number": 2,
    "status": "delivered",
    "listener": "webhook",
    "host": "a.example:443",
    "at": 1_700_000_000.0,
    "reason": "gave up: 11205 cannot connect",
}


class FakeOperator:
    """Answers what a test has told it to, and notes what it is asked for."""

    def __init__(self) -> None:
        self.page: dict[str, object] = {"undelivered": [EVENT], "next_before": None}
        self.results: list[dict[str, object]] = []
        self.status = 200
        self.hangs_up = False
        self.asked: list[dict[str, object]] = []

    async def start(self) -> TestServer:
        application = web.Application()
        application.router.add_get("/webhooks/undelivered", self._list)
        application.router.add_post("/webhooks/replay", self._replay)
        server = TestServer(application)
        await server.start_server()
        return server

    async def _list(self, request: web.Request) -> web.Response:
        self.asked.append(dict(request.query))
        if self.hangs_up and request.transport:
            request.transport.abort()
        return self._answer(self.page)

    async def _replay(self, request: web.Request) -> web.Response:
        self.asked.append(await request.json())
        return self._answer(self.results.pop(0) if self.results else {"replayed": 0})

    def _answer(self, body: dict[str, object]) -> web.Response:
        if self.status != 200:
            return web.json_response({"detail": "the disk is gone"}, status=self.status)
        return web.json_response(body)


def parse(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    replay.add_parser(parser.add_subparsers())
    return parser.parse_args(["replay", *arguments])


def run(operator: FakeOperator, *arguments: str) -> int:
    """What the command returns."""
    parsed = parse(*arguments)
    command: Callable[[argparse.Namespace], Awaitable[int]] = {
        "list": replay.list_undelivered,
        "messages": replay.replay_messages,
        "account": replay.replay_account,
    }[arguments[0]]

    async def ask() -> int:
        server = await operator.start()
        parsed.admin = str(server.make_url("/"))
        try:
            return await command(parsed)
        finally:
            await server.close()

    return asyncio.run(ask())


def test_undelivered_events_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(FakeOperator(), "list") == 0
    assert capsys.readouterr().out == (
        f"{SID}  2023-11-14T22:13:20Z  delivered    a.example:443  gave up: 11205 cannot connect\n"
    )


def test_list_says_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    operator = FakeOperator()
    operator.page = {"undelivered": [], "next_before": SID}
    run(operator, "list", "--account", ACCOUNT, "--limit", "7", "--before", "SM2")
    assert operator.asked == [{"account": ACCOUNT, "limit": "7", "before": "SM2"}]
    assert capsys.readouterr().out == f"# more: --before {SID}\n"


def test_event_for_an_esme_is_listed_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    operator = FakeOperator()
    operator.page = {
        "undelivered": [{**EVENT, "listener": "esme", "host": ""}],
        "next_before": None,
    }
    run(operator, "list")
    assert "  esme  gave up" in capsys.readouterr().out


def test_messages_are_replayed(capsys: pytest.CaptureFixture[str]) -> None:
    operator = FakeOperator()
    operator.results = [{"replayed": 3}]
    assert run(operator, "messages", SID, "SM2") == 0
    assert operator.asked == [{"messages": [SID, "SM2"]}]
    assert capsys.readouterr().out == "3 replayed\n"


def test_message_with_nothing_undelivered_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    operator = FakeOperator()
    operator.results = [{"replayed": 0, "nothing_undelivered": [SID]}]
    assert run(operator, "messages", SID) == 1
    assert capsys.readouterr().err == f"supernet: nothing undelivered: {SID}\n"


def test_many_messages_are_replayed_in_several_requests() -> None:
    operator = FakeOperator()
    run(operator, "messages", *(f"SM{i}" for i in range(250)))
    asked = [body["messages"] for body in operator.asked]
    assert [len(sids) for sids in asked if isinstance(sids, Sequence)] == [100, 100, 50]


def test_account_is_replayed_to_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    operator = FakeOperator()
    operator.results = [{"replayed": 1_000, "next_before": SID}, {"replayed": 5}]
    assert run(operator, "account", ACCOUNT) == 0
    assert operator.asked == [
        {"account": ACCOUNT, "all": True, "before": ""},
        {"account": ACCOUNT, "all": True, "before": SID},
    ]
    assert capsys.readouterr().out == "1005 replayed\n"


def test_refusal_is_told_in_the_gateways_words() -> None:
    operator = FakeOperator()
    operator.status = 503
    with pytest.raises(CommandError, match=r"^the disk is gone \(HTTP 503\)$"):
        run(operator, "list")


def test_what_was_replayed_before_a_refusal_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    operator = FakeOperator()
    operator.status = 503
    with pytest.raises(CommandError):
        run(operator, "account", ACCOUNT)
    assert capsys.readouterr().out == "0 replayed\n"


def test_answer_of_something_else_is_told_as_such() -> None:
    operator = FakeOperator()
    operator.page = {"other": 1}
    with pytest.raises(CommandError, match="is not the admin address of a gateway"):
        run(operator, "list")


def test_gateway_that_is_not_there_is_told_as_such() -> None:
    with pytest.raises(CommandError, match=r"^cannot reach http://127\.0\.0\.1:1: "):
        replay_list("--admin", "http://127.0.0.1:1")


def test_gateway_that_hangs_up_is_told_as_such() -> None:
    operator = FakeOperator()
    operator.hangs_up = True
    with pytest.raises(CommandError, match=r"^no answer from "):
        run(operator, "list")


def test_address_that_is_none_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPERNET_ADMIN", "localhost")
    with pytest.raises(CommandError, match="expected a URL"):
        replay_list()


def replay_list(*arguments: str) -> int:
    parsed = parse("list", *arguments)
    result: int = parsed.command(parsed)
    return result


@pytest.mark.parametrize("limit", ["0", "1001", "x", "-1"])
def test_limit_out_of_its_range_is_refused(limit: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        parse("list", "--limit", limit)
    assert stopped.value.code == 2
    assert "expected 1 to 1000" in capsys.readouterr().err
