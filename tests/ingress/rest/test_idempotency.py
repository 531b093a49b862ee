"""A request with an idempotency key makes one message, however often it is sent."""

import httpx
import pytest

from gateway.message import Status
from gateway.store.interface import Deleted
from tests.ingress.rest.builders import MESSAGES, Api, a_form

KEY = "Idempotency-Key"
TOKEN = "I-Twilio-Idempotency-Token"


async def post(
    api: Api, headers: dict[str, str] | dict[bytes, bytes], **changes: str
) -> httpx.Response:
    async with api.client() as client:
        return await client.post(MESSAGES, data=a_form(**changes), headers=headers)


def refusal(answer: httpx.Response) -> tuple[int, int]:
    return answer.status_code, answer.json()["code"]


@pytest.mark.parametrize("header", [KEY, TOKEN])
async def test_the_same_request_again_is_answered_with_the_same_message(header: str) -> None:
    api = Api()

    first, again = [await post(api, {header: "order-7"}) for _ in range(2)]

    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert (first.status_code, len(api.store.messages)) == (201, 1)


async def test_only_a_repetition_says_that_it_is_one() -> None:
    api = Api()

    answers = [await post(api, {KEY: "order-7"}) for _ in range(2)]

    assert [answer.headers.get("idempotent-replayed") for answer in answers] == [None, "true"]


async def test_both_headers_name_the_same_keys() -> None:
    api = Api()

    first = await post(api, {KEY: "order-7"})
    again = await post(api, {TOKEN: "order-7"})

    assert again.json()["sid"] == first.json()["sid"]


async def test_a_repetition_shows_the_message_as_it_stands_now() -> None:
    api = Api()
    await post(api, {KEY: "order-7"})
    (stored,) = api.store.messages.values()
    api.becomes(stored, Status.SENT)

    again = await post(api, {KEY: "order-7"})

    assert again.json()["status"] == "sent"


async def test_without_a_key_equal_requests_make_two_messages() -> None:
    api = Api()

    for _ in range(2):
        await post(api, {})

    assert len(api.store.messages) == 2


async def test_another_request_with_the_key_answers_20422_and_the_sid_of_the_first() -> None:
    api = Api()
    first = await post(api, {KEY: "order-7"})

    other = await post(api, {KEY: "order-7"}, Body="goodbye")

    assert refusal(other) == (422, 20422)
    assert first.json()["sid"] in other.json()["message"]


async def test_a_refused_request_may_be_corrected_under_its_key() -> None:
    api = Api()
    refused = await post(api, {KEY: "order-7"}, To="12")

    corrected = await post(api, {KEY: "order-7"})

    assert (refused.status_code, corrected.status_code) == (400, 201)


@pytest.mark.parametrize("key", [b"", b"two words", b"na\xefve", b"tab\t", b"k" * 256])
async def test_a_key_is_1_to_255_visible_characters(key: bytes) -> None:
    api = Api()

    assert refusal(await post(api, {KEY.encode(): key})) == (400, 20001)
    assert api.store.messages == {}


async def test_a_key_may_be_255_characters_long() -> None:
    assert (await post(Api(), {KEY: "~" * 255})).status_code == 201


async def test_two_headers_that_differ_are_refused() -> None:
    api = Api()

    assert refusal(await post(api, {KEY: "order-7", TOKEN: "order-8"})) == (400, 20001)
    assert (await post(api, {KEY: "order-7", TOKEN: "order-7"})).status_code == 201


async def test_the_message_of_a_key_may_have_been_deleted() -> None:
    api = Api()
    await post(api, {KEY: "order-7"})
    api.store.append(Deleted(next(iter(api.store.messages))))

    assert refusal(await post(api, {KEY: "order-7"})) == (404, 20404)


async def test_a_store_that_cannot_be_asked_for_a_key_answers_503() -> None:
    api = Api()
    api.store.broken = True

    answer = await post(api, {KEY: "order-7"})

    assert refusal(answer) == (503, 20503)
    assert answer.headers["retry-after"] == "1"
