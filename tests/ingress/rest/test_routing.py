from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest

from gateway.clock import message_sid
from gateway.ingress.rest.routing_json import MEANINGS
from gateway.store.interface import StoredMessage
from routing.events import BindDown, Outcome, SubmitResult, Submitted
from routing.ranking import Mode, RouteRequest
from tests.ingress.rest.builders import (
    KEY_SECRET,
    KEY_SID,
    OTHER_ACCOUNT_SID,
    RECIPIENT,
    SENDER,
    Api,
    an_account,
)

RANK = "/v1/Routing/Rank"
FORM = {"To": RECIPIENT, "From": SENDER}
SEES_PRICES = an_account(sees_prices=True)


async def rank(api: Api, **form: str) -> httpx.Response:
    async with api.client() as client:
        return await client.post(RANK, data=FORM | form)


async def ranked(api: Api, **form: str) -> dict[str, Any]:
    answer = await rank(api, **form)
    assert answer.status_code == 200, answer.text
    decision: dict[str, Any] = answer.json()
    return decision


async def explain(api: Api, sid: str) -> httpx.Response:
    async with api.client() as client:
        return await client.get(f"/v1/Routing/Explain/{sid}")


def went_out(
    api: Api, stored: StoredMessage, attempt: int = 1, outcome: Outcome = Outcome.OK
) -> str:
    """A message that has left its queue; its sid."""
    now = api.clock.now()
    message = stored.message
    request = RouteRequest(message.id, RECIPIENT, "long_code", attempt=attempt)
    ranking = api.router.rank(request, now)
    assert ranking.best is not None
    api.router.observe(Submitted(ranking.best.route, now, ranking=ranking))
    api.router.observe(SubmitResult(ranking.best.bind, outcome, 0.1, now, message.id))
    return message_sid(message.id)


async def test_a_dry_run_tells_the_order_and_what_blocks_the_rest() -> None:
    decision = await ranked(Api(), TrafficType="otp")
    assert [(one["bind"], one["blocked"]) for one in decision["candidates"]] == [
        ("bravo/1", None),
        ("alpha/1", None),
        ("gamma/1", "down"),
    ]
    assert (decision["mode"], decision["class"], decision["chosen"]) == ("best", "otp", "bravo/1")
    assert (decision["message_sid"], decision["uri"]) == (None, None)
    assert (decision["sender_type"], decision["network"]) == ("long_code", "+1")


async def test_a_dry_run_changes_nothing() -> None:
    api = Api()
    before = api.router.snapshot(api.clock.now())
    first, second = await ranked(api), await ranked(api)
    assert first == second
    assert api.router.snapshot(api.clock.now()) == before
    assert api.store.messages == {}


async def test_the_operators_affair_is_shown_to_whom_he_has_named_alone() -> None:
    theirs, ours = await ranked(Api()), await ranked(Api(SEES_PRICES))
    assert [theirs["value"], theirs["margin"]] == [None, None]
    assert {(one["price"], one["utility"]) for one in theirs["candidates"]} == {(None, None)}
    assert theirs["why"] == "bravo/1 goes first; next alpha/1"
    assert [one["price"] for one in ours["candidates"]] == [0.01, 0.02, None]
    assert (ours["value"], ours["margin"]) == (0.25, 0.01)
    assert ours["why"].endswith("and is 0.01 cheaper")


async def test_the_one_that_is_left_is_not_given_away_by_the_sentence_either() -> None:
    api = Api()
    api.router.observe(BindDown("alpha/1", api.clock.now()))
    assert (await ranked(api))["why"] == "bravo/1 goes first"


def test_every_mode_has_its_words() -> None:
    assert set(MEANINGS) == set(Mode)


async def test_when_nothing_can_take_it_the_sentence_says_so() -> None:
    api = Api()
    for bind in ("alpha/1", "bravo/1"):
        api.router.observe(BindDown(bind, api.clock.now()))
    decision = await ranked(api)
    assert decision["chosen"] is None
    assert decision["why"] == ("no bind can take it now: alpha/1 down; bravo/1 down; gamma/1 down")
    assert decision["candidates"][0]["alarms"] == ["down since 2026-01-02T03:04:05.000Z"]


async def test_where_no_route_leads_that_is_the_answer() -> None:
    decision = await ranked(Api(an_account(countries=("DE",))), To="+4915112345678")
    assert (decision["chosen"], decision["candidates"]) == (None, [])
    assert decision["why"] == "no route to it"


async def test_a_throttled_bind_tells_when_to_ask_again() -> None:
    api = Api()
    went_out(api, api.has_message(), outcome=Outcome.THROTTLED)
    decision = await ranked(api)
    (blocked,) = (one for one in decision["candidates"] if one["bind"] == "bravo/1")
    assert (blocked["blocked"], blocked["retry_at"]) == ("throttled", "2026-01-02T03:04:06.100Z")


async def test_segments_cost_as_many_times_the_price() -> None:
    one = await ranked(Api(SEES_PRICES))
    three = await ranked(Api(SEES_PRICES), Body="a" * 459)
    assert three["margin"] == pytest.approx(3 * one["margin"])


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"To": ""}, 21604),
        ({"To": "12"}, 21211),
        ({"From": ""}, 21603),
        ({"From": "+15005550999"}, 21606),
        ({"To": "+4915112345678"}, 21408),
        ({"TrafficType": "x" * 65}, 20001),
        ({"Body": "a" * 1601}, 21617),
    ],
)
async def test_a_dry_run_is_refused_as_the_message_would_be(
    form: dict[str, str], code: int
) -> None:
    answer = await rank(Api(), **form)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


async def test_a_suspended_account_asks_in_vain() -> None:
    answer = await rank(Api(an_account(suspended=True)))
    assert answer.json()["code"] == 20005


async def test_a_sent_message_is_explained() -> None:
    api = Api()
    sid = went_out(api, api.has_message(), attempt=2)
    answer = await explain(api, sid)
    assert answer.status_code == 200
    decision = answer.json()
    assert (decision["message_sid"], decision["uri"]) == (sid, f"/v1/Routing/Explain/{sid}")
    assert (decision["chosen"], decision["mode"], decision["attempt"]) == (
        "bravo/1",
        "failover",
        2,
    )
    assert decision["at"] == "2026-01-02T03:04:06.000Z"


async def test_a_message_without_a_decision_is_told_which_bound_forgets_it() -> None:
    api = Api()
    answer = await explain(api, message_sid(api.has_message().message.id))
    assert (answer.status_code, answer.json()["code"]) == (404, 20404)
    assert "newest 16,384" in answer.json()["message"]


@pytest.mark.parametrize("sid", ["SM" + "0" * 32, "SMx"])
async def test_an_unknown_message_is_not_found(sid: str) -> None:
    answer = await explain(Api(), sid)
    assert (answer.status_code, answer.json()["code"]) == (404, 20404)


async def test_a_message_of_another_account_is_not_found() -> None:
    api = Api()
    sid = went_out(api, api.has_message(account_sid=OTHER_ACCOUNT_SID))
    answer = await explain(api, sid)
    assert answer.status_code == 404
    assert "decision" not in answer.json()["message"]


async def test_the_account_is_that_of_the_credentials() -> None:
    api = Api()
    async with api.client(auth=(KEY_SID, KEY_SECRET)) as client:
        assert (await client.post(RANK, data=FORM)).status_code == 200
    async with api.client(auth=(KEY_SID, "wrong")) as client:
        answer = await client.post(RANK, data=FORM)
    assert (answer.status_code, answer.json()["code"]) == (401, 20003)


async def test_questions_count_against_the_limits_of_the_account() -> None:
    api = Api(msgspec.structs.replace(an_account(), requests_per_second=1.0))
    assert (await rank(api)).status_code == 200
    assert (await rank(api)).status_code == 429
