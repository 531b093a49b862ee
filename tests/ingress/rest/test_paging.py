from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ingress.rest.paging import STEPS_BACK_MAX, parse_token, token
from tests.ingress.rest.builders import MESSAGES, SENDER, Api


async def page_of(api: Api, uri: str) -> dict[str, Any]:
    async with api.client() as client:
        answer = await client.get(uri)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


async def walk(api: Api, uri: str | None, link: str) -> list[dict[str, Any]]:
    """The page at a URI, and those that its links lead to."""
    pages = []
    while uri:
        page = await page_of(api, uri)
        pages.append(page)
        uri = page[link]
    return pages


async def test_a_page_has_twilios_fields_and_one_list() -> None:
    api = Api()
    api.has_message()

    page = await page_of(api, MESSAGES)

    assert len(page.pop("messages")) == 1
    assert page == {
        "page": 0,
        "page_size": 50,
        "start": 0,
        "end": 0,
        "uri": f"{MESSAGES}?PageSize=50&Page=0",
        "first_page_uri": f"{MESSAGES}?PageSize=50&Page=0",
        "next_page_uri": None,
        "previous_page_uri": None,
    }


async def test_the_next_pages_show_each_message_once() -> None:
    api = Api()
    bodies = [api.has_message(body=str(number)).message.body for number in range(7)]

    pages = await walk(api, f"{MESSAGES}?PageSize=3", "next_page_uri")

    assert [[message["body"] for message in page["messages"]] for page in pages] == [
        bodies[:3:-1],
        bodies[3:0:-1],
        bodies[0:1],
    ]
    assert [(page["start"], page["end"]) for page in pages] == [(0, 2), (3, 5), (6, 6)]


async def test_a_last_page_that_is_full_has_no_next() -> None:
    api = Api()
    for _ in range(4):
        api.has_message()

    pages = await walk(api, f"{MESSAGES}?PageSize=2", "next_page_uri")

    assert [len(page["messages"]) for page in pages] == [2, 2]


async def test_the_previous_pages_lead_back_to_the_first() -> None:
    api = Api()
    for _ in range(5):
        api.has_message()
    forth = await walk(api, f"{MESSAGES}?PageSize=1", "next_page_uri")

    back = await walk(api, forth[-1]["uri"], "previous_page_uri")

    assert [page["messages"] for page in back] == [page["messages"] for page in forth[::-1]]


async def test_the_way_back_is_as_long_as_the_token_remembers() -> None:
    api = Api()
    for _ in range(STEPS_BACK_MAX + 5):
        api.has_message()
    forth = await walk(api, f"{MESSAGES}?PageSize=1", "next_page_uri")

    back = await walk(api, forth[-1]["uri"], "previous_page_uri")

    assert len(back) == STEPS_BACK_MAX + 1


async def test_the_filters_stay_in_the_uris() -> None:
    api = Api()
    for _ in range(2):
        api.has_message()

    page = await page_of(api, f"{MESSAGES}?PageSize=1&From=%2B15005550006&DateSent%3E=2026-01-01")

    query = parse_qs(urlsplit(page["next_page_uri"]).query)
    assert (query["From"], query["DateSent>"]) == ([SENDER], ["2026-01-01"])


async def test_a_page_size_above_the_maximum_is_cut() -> None:
    page = await page_of(Api(), f"{MESSAGES}?PageSize=5000")

    assert page["page_size"] == 1000


@pytest.mark.parametrize(
    "query",
    [
        "PageSize=0",
        "PageSize=-1",
        "PageSize=many",
        "PageSize=" + "9" * 400,
        "PageToken=PA",
        "PageToken=PA12",
        "PageToken=PB0000000000000001",
        "PageToken=PA000000000000000g",
        "PageToken=0000000000000001",
        "PageToken=PA" + "0" * 16 * 50,
        "Page=x&PageToken=PA0000000000000001",
    ],
)
async def test_a_page_that_cannot_be_is_refused(query: str) -> None:
    async with Api().client() as client:
        answer = await client.get(f"{MESSAGES}?{query}")

    assert (answer.status_code, answer.json()["code"]) == (400, 20001)


@given(starts=st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=STEPS_BACK_MAX + 1))
def test_a_token_is_read_as_it_was_written(starts: list[int]) -> None:
    assert parse_token(token(tuple(starts))) == tuple(starts)
