from __future__ import annotations

import httpx
import pytest

from gateway.clock import message_sid
from gateway.ingress.rest.feedback import FeedbackMemory
from gateway.ingress.rest.feedback_json import FeedbackOutcome
from gateway.store.interface import StoredMessage
from routing.events import Converted, Event
from tests.ingress.rest.builders import ACCOUNT_SID, NOW, OTHER_ACCOUNT_SID, Api, path_of


def feedback_path(stored: StoredMessage) -> str:
    return path_of(stored).replace(".json", "/Feedback.json")


async def say(api: Api, stored: StoredMessage, outcome: str) -> httpx.Response:
    async with api.client() as client:
        return await client.post(feedback_path(stored), data={"Outcome": outcome})


async def test_a_confirmation_is_a_conversion_to_the_router() -> None:
    api = Api()
    stored = api.has_message()
    heard = api.router.heard
    answer = await say(api, stored, "confirmed")
    assert answer.status_code == 201
    assert answer.json() == {
        "account_sid": ACCOUNT_SID,
        "message_sid": message_sid(stored.message.id),
        "outcome": "confirmed",
        "date_created": "Fri, 02 Jan 2026 03:04:06 +0000",
        "date_updated": "Fri, 02 Jan 2026 03:04:06 +0000",
        "uri": feedback_path(stored),
    }
    assert heard == [Converted(stored.message.id, NOW + 1)]


async def test_a_repetition_changes_nothing() -> None:
    api = Api()
    stored = api.has_message()
    heard = api.router.heard
    first = await say(api, stored, "confirmed")
    api.clock.elapsed_s += 60
    assert (await say(api, stored, "confirmed")).json() == first.json()
    assert len(heard) == 1


async def test_what_was_not_confirmed_may_be_later() -> None:
    api = Api()
    stored = api.has_message()
    heard = api.router.heard
    assert (await say(api, stored, "unconfirmed")).json()["outcome"] == "unconfirmed"
    assert heard == []
    api.clock.elapsed_s += 60
    answer = (await say(api, stored, "confirmed")).json()
    assert answer["date_created"].endswith("03:04:06 +0000")
    assert answer["date_updated"].endswith("03:05:06 +0000")
    assert len(heard) == 1


async def test_what_was_confirmed_stays_so() -> None:
    api = Api()
    stored = api.has_message()
    heard = api.router.heard
    await say(api, stored, "confirmed")
    assert (await say(api, stored, "unconfirmed")).json()["outcome"] == "confirmed"
    assert len(heard) == 1


@pytest.mark.parametrize("outcome", ["", "Confirmed", "delivered"])
async def test_another_outcome_is_refused(outcome: str) -> None:
    api = Api()
    answer = await say(api, api.has_message(), outcome)
    assert (answer.status_code, answer.json()["code"]) == (400, 20001)


async def test_a_message_of_another_account_or_of_none_is_not_found() -> None:
    api = Api()
    theirs = api.has_message(account_sid=OTHER_ACCOUNT_SID)
    heard = api.router.heard
    assert (await say(api, theirs, "confirmed")).json()["code"] == 20404
    del api.store.messages[theirs.message.id]
    assert (await say(api, theirs, "confirmed")).json()["code"] == 20404
    assert heard == []


async def test_a_path_without_the_json_suffix_answers_the_same() -> None:
    api = Api()
    path = feedback_path(api.has_message()).removesuffix(".json")
    async with api.client() as client:
        assert (await client.post(path, data={"Outcome": "confirmed"})).status_code == 201


def test_only_so_many_are_remembered_and_the_oldest_makes_room() -> None:
    heard: list[Event] = []
    memory = FeedbackMemory(heard.append, feedbacks_max=2)
    for message_id in (1, 2, 2, 3, 3, 1):
        memory.note(message_id, FeedbackOutcome.CONFIRMED, NOW)
    assert heard == [Converted(message_id, NOW) for message_id in (1, 2, 3, 1)]
