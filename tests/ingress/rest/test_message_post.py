"""The short way of a request that creates a message answers as the router's way does."""

import asyncio
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from gateway.errors import Refusal, Refused
from gateway.ingress.rest.json_answer import JsonAnswer
from gateway.messaging.admission import SendRequest
from gateway.messaging.intake import OnAccepted, OnRefused
from tests.ingress.rest.builders import (
    ACCOUNT_SID,
    AUTH_TOKEN,
    MESSAGES,
    OTHER_ACCOUNT_SID,
    Api,
    a_form,
    an_account,
    basic,
)

FORM = b"application/x-www-form-urlencoded"
ADDRESS = "10.0.0.1"


def headers_of(**changes: bytes) -> dict[bytes, bytes]:
    headers = {"authorization": basic(ACCOUNT_SID, AUTH_TOKEN).encode(), "content-type": FORM}
    return {name.replace("_", "-").encode(): value for name, value in (headers | changes).items()}


async def direct(
    api: Api, body: bytes, headers: dict[bytes, bytes], account_sid: str = ACCOUNT_SID
) -> JsonAnswer:
    answered: asyncio.Future[JsonAnswer] = asyncio.get_running_loop().create_future()
    api.posts.take(account_sid, headers, body, ADDRESS, answered.set_result)
    return await answered


async def routed(
    api: Api, body: bytes, headers: dict[bytes, bytes], account_sid: str = ACCOUNT_SID
) -> httpx.Response:
    path = MESSAGES.replace(ACCOUNT_SID, account_sid)
    async with api.client(auth=None, address=ADDRESS) as client:
        return await client.post(path, content=body, headers=list(headers.items()))


def seen(answer: JsonAnswer | httpx.Response) -> tuple[int, bytes, dict[str, str]]:
    """Status, body and the headers that are not of every answer."""
    if isinstance(answer, JsonAnswer):
        headers = {name.decode(): value.decode() for name, value in answer.headers}
        return answer.status, answer.body, headers
    headers = dict(answer.headers)
    del headers["content-type"], headers["content-length"]
    return answer.status_code, answer.content, headers


@pytest.mark.parametrize(
    "form",
    [
        a_form(),
        a_form(Body="ünï ☃ +%&="),
        a_form(To=" 15005550009"),
        a_form(ValidityPeriod="60", TrafficType="otp", SmartEncoded="true"),
        a_form(To="+49"),
        a_form(From=""),
        a_form(Body=""),
        a_form(Body="x" * 1_601),
        a_form(ValidityPeriod="0"),
        a_form(SendAt="2026-01-03T00:00:00Z"),
        a_form(SendAt="2026-01-03T00:00:00Z", ScheduleType="fixed"),
        a_form(StatusCallback="ftp://a"),
        a_form(MediaUrl="https://a.example/b.png"),
        a_form(MessagingServiceSid="MG1"),
    ],
    ids=str,
)
async def test_a_form_has_one_answer_whichever_way_it_comes(form: dict[str, str]) -> None:
    body = urlencode(form).encode()

    answers = [await way(Api(), body, headers_of()) for way in (direct, routed)]

    assert seen(answers[0]) == seen(answers[1])


@pytest.mark.parametrize(
    ("body", "changes"),
    [
        (b"", {}),
        (b"\xff\xfe", {}),
        (b"To=%ff", {}),
        (b"&".join(b"To=1" for _ in range(300)), {}),
        (b'{"To": "1"}', {"content_type": b"application/json"}),
        (b"To=1", {"content_type": b""}),
        (b"To=1", {"authorization": b"Basic !!!"}),
        (b"To=1", {"authorization": basic(ACCOUNT_SID, "wrong").encode()}),
        (b"To=1", {"idempotency_key": b"with space"}),
        (b"To=1", {"idempotency_key": b"a", "i_twilio_idempotency_token": b"b"}),
        (b"To=1", {"idempotency_key": b"x" * 256}),
    ],
)
async def test_a_bad_request_has_one_answer_whichever_way_it_comes(
    body: bytes, changes: dict[str, bytes]
) -> None:
    answers = [await way(Api(), body, headers_of(**changes)) for way in (direct, routed)]

    assert seen(answers[0]) == seen(answers[1])


async def test_the_path_of_another_account_has_one_answer_whichever_way_it_comes() -> None:
    answers = [
        await way(Api(), b"To=1", headers_of(), OTHER_ACCOUNT_SID) for way in (direct, routed)
    ]

    assert seen(answers[0]) == seen(answers[1])


async def test_a_gateway_that_starts_has_one_answer_whichever_way_it_is_asked() -> None:
    api = Api()
    api.ready = False

    answers = [await way(api, b"To=1", headers_of()) for way in (direct, routed)]

    assert seen(answers[0]) == seen(answers[1])


async def test_both_ways_use_up_one_rate() -> None:
    api = Api(an_account(requests_per_second=1))
    await routed(api, b"", headers_of())

    assert (await direct(api, b"", headers_of())).status == 429


async def test_an_answered_request_is_in_flight_no_more() -> None:
    api = Api(an_account(concurrent_requests=1))
    for body in (urlencode(a_form()).encode(), b"", b"\xff"):
        await direct(api, body, headers_of())

    assert (await routed(api, b"", headers_of())).status_code == 400


async def test_a_request_that_waits_for_the_store_is_in_flight(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    api = Api(an_account(concurrent_requests=1))
    monkeypatch.setattr(api.intake, "submit", lambda *_: None)
    body = urlencode(a_form()).encode()
    api.posts.take(ACCOUNT_SID, headers_of(), body, ADDRESS, lambda _: None)

    assert (await direct(api, body, headers_of())).status == 429


async def test_a_key_that_comes_again_answers_with_the_message_it_has_made() -> None:
    api = Api()
    body, headers = urlencode(a_form()).encode(), headers_of(idempotency_key=b"k")
    first = await direct(api, body, headers)

    again = await direct(api, body, headers)

    assert (again.status, again.body) == (201, first.body)
    assert again.headers == ((b"idempotent-replayed", b"true"),)


async def test_a_key_whose_message_is_gone_answers_20404() -> None:
    api = Api()
    body, headers = urlencode(a_form()).encode(), headers_of(idempotency_key=b"k")
    await direct(api, body, headers)
    api.store.messages.clear()

    again = await direct(api, body, headers)

    assert again.status == 404


async def test_a_fault_of_ours_answers_500_and_is_no_longer_in_flight(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    api = Api(an_account(concurrent_requests=1))

    def fail(*_: Any) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(api.intake, "submit", fail)
        answer = await direct(api, urlencode(a_form()).encode(), headers_of())

    assert (answer.status, b'"code":20500' in answer.body) == (500, True)
    assert (await direct(api, urlencode(a_form()).encode(), headers_of())).status == 201


async def test_a_fault_after_the_answer_is_not_a_second_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    api = Api()

    def refuse_and_fail(_: SendRequest, __: OnAccepted, on_refused: OnRefused) -> None:
        on_refused(Refused(Refusal.QUEUE_FULL))
        raise ZeroDivisionError

    monkeypatch.setattr(api.intake, "submit", refuse_and_fail)
    answers: list[JsonAnswer] = []
    body = urlencode(a_form()).encode()
    api.posts.take(ACCOUNT_SID, headers_of(), body, ADDRESS, answers.append)

    assert [answer.status for answer in answers] == [400]


async def test_a_fault_while_a_message_is_read_again_answers_500(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    api = Api()
    body, headers = urlencode(a_form()).encode(), headers_of(idempotency_key=b"k")
    await direct(api, body, headers)

    def fail(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("gateway.ingress.rest.messages.stored_resource", fail)

    assert (await direct(api, body, headers)).status == 500
