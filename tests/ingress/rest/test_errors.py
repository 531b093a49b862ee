import logging
from collections.abc import AsyncIterator

import pytest

from gateway.errors import Refusal, Refused
from gateway.ingress.rest.errors import Throttled, refusal_answer
from gateway.ingress.rest.form import FORM_OCTETS_MAX
from gateway.message import Message
from gateway.messaging.admission import SendRequest
from tests.ingress.rest.builders import MESSAGES, Api, a_form

FORM = "application/x-www-form-urlencoded"


async def test_an_error_body_has_the_four_fields_and_no_other() -> None:
    async with Api().client() as client:
        answer = await client.post(MESSAGES, data=a_form(To=""))

    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {
        "code": 21604,
        "message": "A 'To' phone number is required",
        "more_info": "https://www.twilio.com/docs/errors/21604",
        "status": 400,
    }


@pytest.mark.parametrize("path", ["/", "/2010-04-01", "/2010-04-01/Accounts", MESSAGES + "/a/b/c"])
async def test_an_unknown_path_answers_20404(path: str) -> None:
    async with Api().client() as client:
        answer = await client.get(path)

    assert (answer.status_code, answer.json()["code"]) == (404, 20404)


async def test_an_unknown_method_answers_20004_and_what_is_allowed() -> None:
    async with Api().client() as client:
        answer = await client.put(MESSAGES)

    assert (answer.status_code, answer.json()["code"]) == (405, 20004)
    assert "POST" in answer.headers["allow"]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b'{"To":"+15005550009"}'),
        ("multipart/form-data; boundary=x", b"--x--"),
        (f"{FORM}; charset=utf-16", b"To=1"),
        ("", b"To=1"),
    ],
)
async def test_another_content_type_answers_415(content_type: str, body: bytes) -> None:
    async with Api().client() as client:
        answer = await client.post(MESSAGES, content=body, headers={"content-type": content_type})

    assert (answer.status_code, answer.json()["code"]) == (415, 20415)


@pytest.mark.parametrize("content_type", [FORM, FORM.upper(), f'{FORM} ; charset="UTF-8"'])
async def test_a_form_may_name_utf_8(content_type: str) -> None:
    async with Api().client() as client:
        answer = await client.post(
            MESSAGES,
            content=b"To=%2B15005550009&From=55501&Body=hi",
            headers={"content-type": content_type},
        )

    assert answer.status_code == 201


@pytest.mark.parametrize("body", [b"Body=%FF", b"Body=\xff", b"a=1&" * 257])
async def test_a_malformed_form_answers_20400(body: bytes) -> None:
    async with Api().client() as client:
        answer = await client.post(MESSAGES, content=body, headers={"content-type": FORM})

    assert (answer.status_code, answer.json()["code"]) == (400, 20400)


async def test_a_malformed_query_answers_20400() -> None:
    async with Api().client() as client:
        answer = await client.get(MESSAGES + "?To=%FF")

    assert (answer.status_code, answer.json()["code"]) == (400, 20400)


async def test_a_form_that_announces_too_much_answers_413_and_ends_the_connection() -> None:
    async with Api().client() as client:
        answer = await client.post(MESSAGES, data=a_form(Body="x" * FORM_OCTETS_MAX))

    assert (answer.status_code, answer.json()["code"]) == (413, 20413)
    assert answer.headers["connection"] == "close"


async def test_a_form_that_grows_too_large_answers_413() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"x" * (FORM_OCTETS_MAX // 2)

    async with Api().client() as client:
        answer = await client.post(MESSAGES, content=chunks(), headers={"content-type": FORM})

    assert (answer.status_code, answer.json()["code"]) == (413, 20413)


async def test_a_fault_of_ours_answers_20500_and_tells_nothing(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(request: SendRequest) -> Message:
        raise ZeroDivisionError("the inner workings")

    api = Api()
    monkeypatch.setattr(api.intake, "accept", fail)
    with caplog.at_level(logging.ERROR):
        async with api.client() as client:
            answer = await client.post(MESSAGES, data=a_form())

    assert (answer.status_code, answer.json()["code"]) == (500, 20500)
    assert "inner" not in answer.text
    assert [record.message for record in caplog.records] == ["request failed"]


@pytest.mark.parametrize("refusal", Refusal)
def test_every_refusal_has_an_answer(refusal: Refusal) -> None:
    assert refusal_answer(Refused(refusal)).status >= 400


@pytest.mark.parametrize(
    "refusal",
    [Refusal.TOO_MANY_REQUESTS, Refusal.STORE_UNAVAILABLE, Refusal.IDEMPOTENCY_KEY_IN_USE],
)
def test_who_may_try_again_is_told_when(refusal: Refusal) -> None:
    assert refusal_answer(Refused(refusal)).headers == ((b"retry-after", b"1"),)


def test_retry_after_is_whole_seconds_and_at_least_one() -> None:
    waits = [refusal_answer(Throttled("wait", wait_s)).headers for wait_s in (0.2, 2.1)]

    assert waits == [((b"retry-after", b"1"),), ((b"retry-after", b"3"),)]
