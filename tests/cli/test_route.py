"""`supernet route` against the REST API on loopback."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.cli import main
from gateway.cli.route import describe
from gateway.clock import message_sid
from gateway.ingress.rest.routing_json import CandidateResource, DecisionResource
from routing.events import BindDown, Submitted
from routing.ranking import Mode, RouteRequest
from tests.ingress.rest.builders import (
    ACCOUNT_SID,
    AUTH_TOKEN,
    NOW,
    RECIPIENT,
    SENDER,
    Api,
    an_account,
)

pytestmark = pytest.mark.e2e


@pytest.fixture
async def api(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Api]:
    """The gateway of an operator who sees prices."""
    api = Api(an_account(sees_prices=True))
    async with api.server() as server:
        monkeypatch.setenv("SUPERNET_URL", f"http://127.0.0.1:{server.port}")
        monkeypatch.setenv("SUPERNET_ACCOUNT", ACCOUNT_SID)
        monkeypatch.setenv("SUPERNET_TOKEN", AUTH_TOKEN)
        monkeypatch.setenv("SUPERNET_FROM", SENDER)
        yield api


async def supernet(*arguments: str) -> int:
    """The command in a thread, since it runs an event loop of its own."""
    return await asyncio.to_thread(main, ["route", *arguments])


def test_the_order_the_prices_and_what_blocks_the_rest_are_a_table() -> None:
    known: dict[str, Any] = {
        "utility": 0.5312,
        "p": 0.947,
        "n": 412.3,
        "price": 0.031,
        "latency_s": 0.114,
    }
    decision = DecisionResource(
        account_sid=ACCOUNT_SID,
        message_sid=None,
        at="2026-01-02T03:04:05.000Z",
        mode=Mode.BEST,
        class_="otp",
        value=0.6,
        network="26202",
        sender_type="long_code",
        attempt=1,
        chosen="alpha/1",
        runner_up="bravo/12",
        margin=0.006,
        data_points=874,
        why="alpha/1 beats bravo/12 by 1.0 points of delivery although 0.004 dearer",
        candidates=(
            CandidateResource("alpha/1", **known),
            CandidateResource("bravo/12", **known | {"utility": None, "price": None}),
            CandidateResource("gamma/1", "rate", "2026-01-02T03:04:05Z"),
            CandidateResource("delta/1", "probes only", alarms=("grey since noon",)),
        ),
        uri=None,
    )
    assert describe(decision) == (
        "otp to 26202 from long_code: best, 2026-01-02T03:04:05.000Z\n"
        "\n"
        "   bind      utility      p  messages  price  latency  blocked by\n"
        "1  alpha/1    0.5312  0.947       412  0.031   0.11 s\n"
        "2  bravo/12        -  0.947       412      -   0.11 s\n"
        "-  gamma/1         -      -         -      -        -  rate until 2026-01-02T03:04:05Z\n"
        "-  delta/1         -      -         -      -        -  probes only; grey since noon\n"
        "\n"
        "alpha/1 beats bravo/12 by 1.0 points of delivery although 0.004 dearer\n"
        "874 data points consulted"
    )


async def test_where_a_message_would_go_is_told(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await supernet(RECIPIENT, "--class", "promo") == 0
    said = capsys.readouterr().out
    assert said.startswith("promotional to +1 from long_code: best, 2026-01-02T03:04:05.000Z\n")
    assert "\n1  bravo/1 " in said
    assert " and is 0.01 cheaper\n" in said


async def test_a_sent_message_is_explained(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    message_id = api.has_message().message.id
    ranking = api.router.rank(RouteRequest(message_id, RECIPIENT, "long_code", attempt=2), NOW)
    assert ranking.best is not None
    api.router.observe(Submitted(ranking.best.route, NOW, ranking=ranking))
    assert await supernet("--message", message_sid(message_id)) == 0
    said = capsys.readouterr().out
    assert said.startswith("transactional to +1 from long_code: failover, attempt 2, 2026-")


async def test_a_block_tells_its_end_and_its_alarms(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    api.router.observe(BindDown("bravo/1", NOW))
    assert await supernet(RECIPIENT) == 0
    assert "  down; down since 2026-01-02T03:04:05.000Z\n" in capsys.readouterr().out


async def test_the_same_is_told_as_json(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    assert await supernet(RECIPIENT, "--from", "55501", "--json") == 0
    decision = json.loads(capsys.readouterr().out)
    assert (decision["class"], decision["sender_type"]) == ("transactional", "short_code")
    assert decision["chosen"] == "bravo/1"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["12"], "21211: The 'To' number is not a valid phone number (HTTP 400)"),
        ([RECIPIENT, "--token", "wrong"], "20003: Authentication failed (HTTP 401)"),
        (["--message", "SMx"], "20404: The resource was not found (HTTP 404)"),
        (
            [RECIPIENT, "--url", "ftp://x"],
            "expected a URL such as http://127.0.0.1:8080, got 'ftp://x'",
        ),
    ],
)
async def test_what_is_refused_is_told_on_one_line(
    api: Api, arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await supernet(*arguments) == 1
    caught = capsys.readouterr()
    assert (caught.out, caught.err) == ("", f"supernet: {complaint}\n")


@pytest.mark.parametrize(
    "arguments",
    [[], [RECIPIENT, "--message", "SM"], ["--message", "SM", "--class", "otp"]],
)
def test_wrong_arguments_end_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["route", *arguments])


async def test_a_gateway_that_is_not_there_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert await supernet(RECIPIENT, "--url", "http://127.0.0.1:1") == 1
    assert "cannot reach http://127.0.0.1:1: " in capsys.readouterr().err
