"""The Calls resource."""

from typing import Any

import pytest

from gateway.call import CallDirection, CallStatus
from gateway.clock import call_sid, message_sid
from gateway.voice.call_records import StandingCall
from routing.events import Submitted
from routing.ranking import RouteRequest
from tests.ingress.rest.builders import ACCOUNT_SID, NOW, OTHER_ACCOUNT_SID, RECIPIENT, SENDER, Api
from tests.store.call_builders import a_call, a_record

CALLS = f"/2010-04-01/Accounts/{ACCOUNT_SID}/Calls"


async def read(api: Api, path: str) -> tuple[int, Any]:
    async with api.client() as client:
        answer = await client.get(path)
    return answer.status_code, answer.json()


async def test_a_call_that_is_over_is_shown_with_every_field_of_twilio() -> None:
    api = Api()
    api.calls.has(a_record())
    assert await read(api, f"{CALLS}/{call_sid(1)}.json") == (
        200,
        {
            "sid": call_sid(1),
            "account_sid": ACCOUNT_SID,
            "from": SENDER,
            "from_formatted": SENDER,
            "to": RECIPIENT,
            "to_formatted": RECIPIENT,
            "status": "completed",
            "direction": "trunking-terminating",
            "date_created": "Fri, 02 Jan 2026 03:04:06 +0000",
            "date_updated": "Fri, 02 Jan 2026 03:04:26 +0000",
            "start_time": "Fri, 02 Jan 2026 03:04:06 +0000",
            "end_time": "Fri, 02 Jan 2026 03:04:26 +0000",
            "duration": "15",
            "price": None,
            "price_unit": "USD",
            "queue_time": "0",
            "answered_by": None,
            "annotation": None,
            "caller_name": None,
            "forwarded_from": None,
            "group_sid": None,
            "parent_call_sid": None,
            "phone_number_sid": None,
            "trunk_sid": None,
            "api_version": "2010-04-01",
            "subresource_uris": {},
            "uri": f"{CALLS}/{call_sid(1)}.json",
        },
    )


async def test_a_call_that_stands_has_no_end() -> None:
    api = Api()
    call = a_call(direction=CallDirection.INBOUND)
    api.calls.has(StandingCall(call, CallStatus.INITIATED, NOW + 2))
    _, shown = await read(api, f"{CALLS}/{call_sid(1)}")
    assert (shown["status"], shown["end_time"], shown["duration"]) == ("queued", None, None)
    assert (shown["direction"], shown["date_updated"][-14:]) == (
        "trunking-originating",
        "03:04:07 +0000",
    )


async def test_a_call_that_was_not_answered_has_no_duration() -> None:
    api = Api()
    api.calls.has(a_record(status=CallStatus.BUSY, answered_at=0.0))
    _, shown = await read(api, f"{CALLS}/{call_sid(1)}.json")
    assert (shown["status"], shown["duration"]) == ("busy", None)


@pytest.mark.parametrize("sid", [call_sid(2), call_sid(3), message_sid(1), "CA1", "x"])
async def test_what_the_account_does_not_have_is_not_found(sid: str) -> None:
    api = Api()
    api.calls.has(a_record(), a_record(a_call(2, account_sid=OTHER_ACCOUNT_SID)))
    status, body = await read(api, f"{CALLS}/{sid}.json")
    assert (status, body["code"]) == (404, 20404)


async def test_a_list_has_pages_that_lead_on() -> None:
    api = Api()
    api.calls.has(*(a_record(a_call(call_id)) for call_id in (1, 2, 3)))
    _, first = await read(api, f"{CALLS}.json?PageSize=2")
    assert [call["sid"] for call in first["calls"]] == [call_sid(3), call_sid(2)]
    assert (first["start"], first["end"], first["previous_page_uri"]) == (0, 1, None)
    _, last = await read(api, first["next_page_uri"])
    assert [call["sid"] for call in last["calls"]] == [call_sid(1)]
    assert last["next_page_uri"] is None


async def test_the_filters_stay_in_the_uris() -> None:
    _, page = await read(Api(), f"{CALLS}.json?Status=queued&StartTime%3C=2026-01-02")
    assert "Status=queued&StartTime%3C=2026-01-02" in page["first_page_uri"]


@pytest.mark.parametrize("query", ["Status=initiated", "StartTime=soon", "EndTime%3E=x"])
async def test_a_filter_that_means_nothing_is_refused(query: str) -> None:
    status, body = await read(Api(), f"{CALLS}.json?{query}")
    assert (status, body["code"]) == (400, 20001)


async def test_why_a_call_went_where_it_went() -> None:
    api = Api()
    api.calls.has(a_record())
    ranking = api.router.rank(RouteRequest(1, RECIPIENT, "long_code"), NOW)
    assert ranking.best is not None
    api.router.observe(Submitted(ranking.best.route, NOW, ranking=ranking))
    status, decision = await read(api, f"/v1/Routing/Explain/{call_sid(1)}")
    assert status == 200
    assert (decision["call_sid"], decision["message_sid"]) == (call_sid(1), None)
    assert decision["uri"] == f"/v1/Routing/Explain/{call_sid(1)}"


async def test_a_decision_that_is_not_remembered_is_not_found() -> None:
    api = Api()
    api.calls.has(a_record())
    status, body = await read(api, f"/v1/Routing/Explain/{call_sid(1)}")
    assert (status, "this call" in body["message"]) == (404, True)
    assert (await read(api, f"/v1/Routing/Explain/{call_sid(9)}"))[0] == 404
