"""Calls that are made over the API with a session description."""

import pytest

from gateway.voice.call_admission import Why
from media.sdp import SDP_OCTETS_MAX
from tests.ingress.rest.builders import ACCOUNT_SID, RECIPIENT, SENDER, Api
from tests.ingress.rest.web_calls import ANSWER, OFFER, WEB_CALLS, Calling, told
from tests.media.descriptions import sdp


async def test_an_offer_makes_a_call_and_its_answer_is_an_event() -> None:
    calling = Calling()
    made = await calling.call(query={"From": SENDER})
    url = made.headers["location"]
    await calling.hang_up()
    stream = await calling.ask("GET", f"{url}/Events")

    assert made.status_code == 201
    assert made.json() | {"date_created": "", "sid": ""} == {
        "sid": "",
        "account_sid": ACCOUNT_SID,
        "from": SENDER,
        "to": RECIPIENT,
        "status": "queued",
        "date_created": "",
        "uri": f"/2010-04-01/Accounts/{ACCOUNT_SID}/Calls/{made.json()['sid']}.json",
        "events_uri": f"{url}/Events",
    }
    assert calling.legs[0].request_received.body == OFFER
    assert stream.headers["content-type"] == "text/event-stream"
    events = told(stream.text)
    assert [(name, data.get("status")) for name, data in events] == [
        ("status", "queued"),
        ("status", "ringing"),
        ("status", "in-progress"),
        ("answer", None),
        ("status", "completed"),
    ]
    assert events[3][1] == {"sdp": ANSWER.decode(), "early": False}
    assert events[1][1]["trunk"] == "alpha/voice"


async def test_the_end_tells_what_the_record_does() -> None:
    calling = Calling()
    url = (await calling.call()).headers["location"]
    await calling.hang_up()
    (*_, (_, ended)) = told((await calling.ask("GET", f"{url}/Events")).text)

    assert ended["duration_s"] == 15.0
    assert ended["ended_by"] == "caller"
    assert ended["attempts"] == [{"trunk": "alpha/east", "status": 200, "reason": "OK"}]
    assert ended["quality"]["called"]["mos"] == 4.2


async def test_events_go_on_behind_the_last_that_was_heard() -> None:
    calling = Calling()
    url = (await calling.call()).headers["location"]
    await calling.hang_up()
    stream = await calling.ask("GET", f"{url}/Events", last_event_id="4")

    assert [data["status"] for _, data in told(stream.text)] == ["completed"]


async def test_without_from_the_first_number_of_the_account_is_shown() -> None:
    made = await Calling().call()
    assert made.json()["from"] == SENDER


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"To": ""}, 21201),
        ({"To": "1;x=1"}, 21217),
        ({"To": "a" * 65}, 21217),
        ({"From": "+1"}, 21212),
    ],
)
async def test_numbers_that_cannot_be_are_refused(query: dict[str, str], code: int) -> None:
    answer = await Calling().call(query=query)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


@pytest.mark.parametrize(
    ("why", "status", "code"),
    [
        (Why.CALLER_ID, 400, 21210),
        (Why.COUNTRY, 400, 21215),
        (Why.NOT_A_NUMBER, 400, 21217),
        (Why.EMERGENCY, 400, 21214),
        (Why.SUSPENDED, 403, 20005),
    ],
)
async def test_what_admission_refuses_has_a_code_of_twilio(
    why: Why, status: int, code: int
) -> None:
    calling = Calling()
    calling.refuses, calling.headers = 403, (("Warning", f'399 supernet "{why}"'),)
    answer = await calling.call()

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["message"].lower() == why.lower()
    assert len(calling.agent.calls) == 0


async def test_too_many_calls_are_told_when_to_come_again() -> None:
    calling = Calling()
    calling.refuses, calling.headers = 503, (("Retry-After", "7"),)
    answer = await calling.call()

    assert (answer.status_code, answer.json()["code"]) == (429, 20429)
    assert answer.headers["retry-after"] == "7"


async def test_nobody_there_cannot_be_reached() -> None:
    calling = Calling()
    calling.refuses = 480
    answer = await calling.call()

    assert (answer.status_code, answer.json()["code"]) == (400, 21214)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"hello", 400, 20001),
        (sdp("m=video 9 RTP/AVP 96"), 400, 20001),
        (OFFER + b"a=x\r\n" * SDP_OCTETS_MAX, 413, 20413),
    ],
)
async def test_a_body_that_is_no_offer_is_refused(body: bytes, status: int, code: int) -> None:
    answer = await Calling().call(body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_another_content_type_is_refused() -> None:
    async with Calling().client() as client:
        answer = await client.post(f"{WEB_CALLS}?To={RECIPIENT}", data={"a": "b"})
    assert (answer.status_code, answer.json()["code"]) == (415, 20415)


async def test_credentials_are_needed() -> None:
    async with Calling().client(auth=(ACCOUNT_SID, "wrong")) as client:
        answer = await client.post(f"{WEB_CALLS}?To={RECIPIENT}", content=OFFER)
    assert (answer.status_code, answer.json()["code"]) == (401, 20003)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/Events"), ("PATCH", ""), ("PUT", "/Answer"), ("DELETE", "")]
)
async def test_a_call_that_is_not_there_is_not_found(method: str, path: str) -> None:
    answer = await Calling().ask(method, f"{WEB_CALLS}/CA{'0' * 32}{path}", OFFER)
    assert (answer.status_code, answer.json()["code"]) == (404, 20404)


async def test_delete_hangs_up() -> None:
    calling = Calling()
    url = (await calling.call()).headers["location"]
    await calling.talks()
    answer = await calling.ask("DELETE", url)

    assert answer.status_code == 204
    events = told((await calling.ask("GET", f"{url}/Events")).text)
    assert events[-1][1]["status"] == "completed"


async def test_a_new_offer_has_the_answer_of_the_other_side() -> None:
    calling = Calling()
    url = (await calling.call()).headers["location"]
    await calling.talks()
    answer = await calling.ask("PATCH", url, OFFER)

    assert (answer.status_code, answer.content) == (200, ANSWER)
    assert answer.headers["content-type"] == "application/sdp"
    assert calling.asked[0].request.body == OFFER


async def test_a_new_offer_before_the_answer_is_refused() -> None:
    calling = Calling()
    calling.rings = True
    url = (await calling.call()).headers["location"]
    answer = await calling.ask("PATCH", url, OFFER)

    assert (answer.status_code, answer.json()["code"]) == (409, 21220)


async def test_an_offer_of_the_other_side_is_answered() -> None:
    calling = Calling()
    url = (await calling.call()).headers["location"]
    await calling.offers()
    first = await calling.ask("PUT", f"{url}/Answer", ANSWER)
    again = await calling.ask("PUT", f"{url}/Answer", ANSWER)

    assert first.status_code == 204
    assert (again.status_code, again.json()["code"]) == (409, 21220)


async def test_without_calls_there_is_no_such_resource() -> None:
    async with Api().client() as client:
        answer = await client.post(f"{WEB_CALLS}?To={RECIPIENT}", content=OFFER)
    assert (answer.status_code, answer.json()["code"]) == (404, 20404)
