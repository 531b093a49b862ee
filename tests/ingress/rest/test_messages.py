from typing import Any

import pytest

from gateway.message import Direction, Status
from tests.ingress.rest.builders import (
    ACCOUNT_SID,
    MESSAGES,
    NOW,
    OTHER_ACCOUNT_SID,
    RECIPIENT,
    SENDER,
    Api,
    a_form,
    path_of,
)


async def create(api: Api, **changes: str) -> tuple[int, dict[str, Any]]:
    async with api.client() as client:
        answer = await client.post(MESSAGES, data=a_form(**changes))
    return answer.status_code, answer.json()


async def read(api: Api, path: str) -> tuple[int, dict[str, Any]]:
    async with api.client() as client:
        answer = await client.get(path)
    return answer.status_code, answer.json()


async def test_create_answers_201_with_the_resource() -> None:
    api = Api()

    status, resource = await create(api)

    sid = resource.pop("sid")
    uri = f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/{sid}"
    assert status == 201
    assert resource == {
        "account_sid": ACCOUNT_SID,
        "api_version": "2010-04-01",
        "body": "hello",
        "date_created": "Fri, 02 Jan 2026 03:04:05 +0000",
        "date_sent": None,
        "date_updated": "Fri, 02 Jan 2026 03:04:05 +0000",
        "direction": "outbound-api",
        "error_code": None,
        "error_message": None,
        "from": SENDER,
        "messaging_service_sid": None,
        "num_media": "0",
        "num_segments": "1",
        "price": None,
        "price_unit": "USD",
        "status": "queued",
        "subresource_uris": {
            "feedback": f"{uri}/Feedback.json",
            "media": f"{uri}/Media.json",
        },
        "to": RECIPIENT,
        "uri": f"{uri}.json",
    }


async def test_a_path_without_the_json_suffix_answers_the_same() -> None:
    async with Api().client() as client:
        answer = await client.post(MESSAGES.removesuffix(".json"), data=a_form())

    assert answer.status_code == 201


async def test_a_plus_that_was_not_escaped_is_understood() -> None:
    api = Api()

    async with api.client() as client:
        answer = await client.post(
            MESSAGES,
            content=f"To={RECIPIENT}&From={SENDER}&Body=hi",
            headers={"content-type": "application/x-www-form-urlencoded"},
        )

    assert answer.json()["to"] == RECIPIENT


async def test_head_answers_as_get_does_but_for_the_body() -> None:
    api = Api()
    stored = api.has_message()

    async with api.client() as client:
        for path in (
            path_of(stored),
            path_of(stored).replace(".json", "/Timeline.json"),
            MESSAGES,
            f"/2010-04-01/Accounts/{ACCOUNT_SID}.json",
        ):
            got, headed = await client.get(path), await client.head(path)

            assert (headed.status_code, headed.content) == (200, b"")
            assert headed.headers == got.headers


async def test_the_timeline_of_a_message_is_beside_it() -> None:
    api = Api()
    stored = api.has_message()

    status, resource = await read(api, path_of(stored).replace(".json", "/Timeline.json"))

    assert (status, resource["uri"]) == (200, path_of(stored).replace(".json", "/Timeline.json"))


async def test_send_at_makes_a_scheduled_message() -> None:
    status, resource = await create(Api(), SendAt="2026-01-02T04:00:00Z", ScheduleType="fixed")

    assert (status, resource["status"]) == (201, "scheduled")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"To": ""}, 400, 21604),
        ({"To": "12"}, 400, 21211),
        ({"From": ""}, 400, 21603),
        ({"From": "+15005550001"}, 400, 21606),
        ({"Body": ""}, 400, 21602),
        ({"Body": "x" * 1601}, 400, 21617),
        ({"MediaUrl": "https://example.com/a.png"}, 400, 21621),
        ({"MessagingServiceSid": "MG0123456789abcdef0123456789abcdef"}, 400, 21701),
        ({"ContentSid": "HX0123456789abcdef0123456789abcdef"}, 400, 20001),
        ({"StatusCallback": "ftp://example.com"}, 400, 21609),
        ({"ValidityPeriod": "0"}, 400, 21624),
        ({"ValidityPeriod": "36001"}, 400, 21624),
        ({"ValidityPeriod": "soon"}, 400, 21624),
        ({"ScheduleType": "fixed"}, 400, 35111),
        ({"SendAt": "2026-01-02T03:05:00Z", "ScheduleType": "fixed"}, 400, 35117),
        ({"SendAt": "tomorrow", "ScheduleType": "fixed"}, 400, 35117),
        ({"SmartEncoded": "maybe"}, 400, 20001),
    ],
)
async def test_a_refusal_answers_with_its_code_and_makes_nothing(
    changes: dict[str, str], status: int, code: int
) -> None:
    api = Api()

    answered, error = await create(api, **changes)

    assert (answered, error["code"], error["status"]) == (status, code, status)
    assert api.store.messages == {}


async def test_parameters_that_change_nothing_here_are_accepted() -> None:
    status, _ = await create(
        Api(),
        Attempt="1",
        MaxPrice="0.5",
        ProvideFeedback="true",
        ForceDelivery="true",
        ContentRetention="retain",
        AddressRetention="retain",
        RiskCheck="enable",
        ShortenUrls="true",
    )

    assert status == 201


async def test_fetch_shows_the_times_and_the_error_of_the_transitions() -> None:
    api = Api()
    stored = api.has_message()
    api.becomes(stored, Status.SENT)
    api.becomes(stored, Status.UNDELIVERED, error_code=30005)

    status, resource = await read(api, path_of(stored))

    assert status == 200
    assert resource["status"] == "undelivered"
    assert resource["date_sent"] == "Fri, 02 Jan 2026 03:04:16 +0000"
    assert resource["date_updated"] == "Fri, 02 Jan 2026 03:04:26 +0000"
    assert resource["error_code"] == 30005
    assert resource["error_message"] == "The number is unknown or no longer in service"


async def test_fetch_shows_where_an_open_message_stands_now() -> None:
    api = Api()
    stored = api.has_message()
    api.live[stored.message.id] = Status.SENDING

    _, resource = await read(api, path_of(stored))

    assert resource["status"] == "sending"


async def test_a_final_status_counts_more_than_the_live_one() -> None:
    api = Api()
    stored = api.has_message()
    api.becomes(stored, Status.FAILED, error_code=30001)
    api.live[stored.message.id] = Status.SENDING

    _, resource = await read(api, path_of(stored))

    assert resource["status"] == "failed"


async def test_an_inbound_message_was_sent_when_it_was_received() -> None:
    api = Api()
    stored = api.has_message(direction=Direction.INBOUND)

    _, resource = await read(api, path_of(stored))

    assert resource["status"] == "received"
    assert resource["date_sent"] == resource["date_created"]


async def test_a_message_of_another_account_is_not_found() -> None:
    api = Api()
    stored = api.has_message(account_sid=OTHER_ACCOUNT_SID)

    status, error = await read(api, path_of(stored))

    assert (status, error["code"]) == (404, 20404)


@pytest.mark.parametrize("sid", ["SM00", "MM" + "0" * 32, "SM" + "f" * 32, "%00", "SM" + "é" * 32])
async def test_a_sid_that_names_no_message_is_not_found(sid: str) -> None:
    status, error = await read(Api(), MESSAGES.replace(".json", f"/{sid}.json"))

    assert (status, error["code"]) == (404, 20404)


async def test_an_empty_body_redacts_a_final_message() -> None:
    api = Api()
    stored = api.has_message()
    api.becomes(stored, Status.DELIVERED)

    async with api.client() as client:
        answer = await client.post(path_of(stored), data={"Body": ""})

    assert (answer.status_code, answer.json()["body"]) == (200, "")


async def test_redaction_of_an_open_message_is_refused() -> None:
    api = Api()
    stored = api.has_message()

    async with api.client() as client:
        answer = await client.post(path_of(stored), data={"Body": ""})

    assert answer.json()["code"] == 20009


async def test_a_body_cannot_be_replaced() -> None:
    api = Api()
    stored = api.has_message()
    api.becomes(stored, Status.DELIVERED)

    async with api.client() as client:
        answer = await client.post(path_of(stored), data={"Body": "other words"})

    assert (answer.status_code, answer.json()["code"]) == (400, 20001)


async def test_a_scheduled_message_can_be_canceled() -> None:
    api = Api()
    stored = api.has_message(send_at=NOW + 3_600)

    async with api.client() as client:
        answer = await client.post(path_of(stored), data={"Status": "canceled"})

    assert (answer.status_code, answer.json()["status"]) == (200, "canceled")


async def test_a_queued_message_cannot_be_canceled() -> None:
    api = Api()
    stored = api.has_message()

    async with api.client() as client:
        answer = await client.post(path_of(stored), data={"Status": "canceled"})

    assert (answer.status_code, answer.json()["code"]) == (400, 30409)


async def test_a_status_can_only_become_canceled() -> None:
    api = Api()
    stored = api.has_message()

    async with api.client() as client:
        answer = await client.post(path_of(stored), data={"Status": "delivered"})

    assert (answer.status_code, answer.json()["code"]) == (400, 20001)


async def test_delete_forgets_a_final_message() -> None:
    api = Api()
    stored = api.has_message()
    api.becomes(stored, Status.FAILED)

    async with api.client() as client:
        answer = await client.delete(path_of(stored))

    assert (answer.status_code, answer.content) == (204, b"")
    assert api.store.messages == {}


async def test_delete_of_an_open_message_is_refused() -> None:
    api = Api()
    stored = api.has_message()

    async with api.client() as client:
        answer = await client.delete(path_of(stored))

    assert answer.json()["code"] == 20009
    assert stored.message.id in api.store.messages


@pytest.mark.parametrize(("live", "status"), [(Status.SENT, 400), (None, 204)])
async def test_a_sent_message_can_be_deleted_once_no_receipt_is_awaited(
    live: Status | None, status: int
) -> None:
    api = Api()
    stored = api.has_message()
    api.becomes(stored, Status.SENT)
    if live:
        api.live[stored.message.id] = live

    async with api.client() as client:
        answer = await client.delete(path_of(stored))

    assert answer.status_code == status


async def test_a_store_that_fails_answers_503_and_when_to_try_again() -> None:
    api = Api()
    stored = api.has_message()
    api.becomes(stored, Status.DELIVERED)
    api.store.broken = True

    async with api.client() as client:
        answer = await client.delete(path_of(stored))

    assert (answer.status_code, answer.json()["code"]) == (503, 20503)
    assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_nothing_is_forgotten_while_that_cannot_be_noted(method: str) -> None:
    api = Api()
    stored = api.has_message()
    api.becomes(stored, Status.DELIVERED)
    api.store.writable = False

    async with api.client() as client:
        answer = await client.request(method, path_of(stored), data={"Body": ""})

    assert (answer.status_code, answer.json()["code"]) == (503, 20503)
    assert api.store.messages[stored.message.id].message.body == "hello"


@pytest.mark.parametrize(("method", "path"), [("POST", MESSAGES), ("DELETE", "a message's")])
async def test_until_the_gateway_has_started_nothing_is_changed(method: str, path: str) -> None:
    api = Api()
    stored = api.has_message()
    api.becomes(stored, Status.DELIVERED)
    api.ready = False

    async with api.client() as client:
        answer = await client.request(
            method, MESSAGES if path == MESSAGES else path_of(stored), data=a_form()
        )

    assert (answer.status_code, answer.json()["code"]) == (503, 20503)
    assert answer.headers["retry-after"] == "1"
    assert (api.intake.requests, [*api.store.messages]) == ([], [stored.message.id])


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_what_is_stored_is_shown_while_the_gateway_starts(method: str) -> None:
    api = Api()
    stored = api.has_message()
    api.ready = False

    async with api.client() as client:
        answer = await client.request(method, path_of(stored))

    assert answer.status_code == 200


async def test_list_is_newest_first() -> None:
    api = Api()
    bodies = [api.has_message(body=body).message.body for body in "abc"]

    _, page = await read(api, MESSAGES)

    assert [message["body"] for message in page["messages"]] == bodies[::-1]


@pytest.mark.parametrize(
    ("query", "bodies"),
    [
        ("To=%2B15005550008", "b"),
        ("To=+15005550008", "b"),
        ("From=55501", "c"),
        ("DateSent=2026-01-02", "cba"),
        ("DateSent=2026-01-01", ""),
        ("DateSent%3E=2026-01-02T03:04:07Z", "cb"),
        ("DateSent%3C=2026-01-02T03:04:07Z", "ba"),
        ("DateSent<=2026-01-02", ""),
        ("DateSent>=2026-01-02&DateSent<=2026-01-02T03:04:06Z", "a"),
    ],
)
async def test_list_filters(query: str, bodies: str) -> None:
    api = Api()
    api.has_message(body="a")
    api.has_message(body="b", recipient="+15005550008")
    api.has_message(body="c", sender="55501")

    _, page = await read(api, f"{MESSAGES}?{query}")

    assert "".join(message["body"] for message in page["messages"]) == bodies


async def test_a_filter_that_is_no_date_is_refused() -> None:
    status, error = await read(Api(), f"{MESSAGES}?DateSent=yesterday")

    assert (status, error["code"]) == (400, 20001)


async def test_the_account_shows_itself_without_its_token() -> None:
    status, resource = await read(Api(), f"/2010-04-01/Accounts/{ACCOUNT_SID}.json")

    assert (status, resource["sid"], resource["status"]) == (200, ACCOUNT_SID, "active")
    assert "auth_token" not in resource
