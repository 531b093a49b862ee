import re
from html.parser import HTMLParser
from typing import Any

from tests.ingress.rest.builders import Api
from tests.ingress.rest.web_calls import Calling

VOID = {"meta"}


class OpenTags(HTMLParser):
    """Fails on a tag that is closed without being open, and keeps those left open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


async def page() -> str:
    async with Api().client(auth=None) as client:
        answer = await client.get("/docs")
    assert answer.headers["content-type"].startswith("text/html")
    return answer.text


async def document() -> dict[str, Any]:
    async with Api().client(auth=None) as client:
        answer = await client.get("/docs/openapi.json")
    found: dict[str, Any] = answer.json()
    return found


async def test_the_page_is_well_formed() -> None:
    tags = OpenTags()

    tags.feed(await page())

    assert tags.open == []


async def test_the_page_takes_nothing_from_elsewhere() -> None:
    html = await page()

    assert "<script" not in html
    assert re.findall(r"(?:src|href)='(?!#|/)", html) == []


async def test_the_page_shows_the_forms_the_filters_and_the_errors() -> None:
    html = await page()

    for word in ("StatusCallback", "DateSent&lt;", "ErrorBody", "scheduled", "204"):
        assert word in html


async def test_the_document_describes_the_form_of_a_message() -> None:
    create = (await document())["paths"]["/2010-04-01/Accounts/{AccountSid}/Messages.json"]["post"]

    form = create["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
    assert {"To", "From", "Body", "StatusCallback", "ValidityPeriod", "SendAt"} <= {
        *form["properties"]
    }


async def test_the_document_describes_every_answer_and_no_other() -> None:
    paths = (await document())["paths"]

    answers = {
        operation["operationId"]: next(iter(operation["responses"]))
        for item in paths.values()
        for operation in item.values()
    }
    assert answers == {
        "FetchAccount": "200",
        "CreateMessage": "201",
        "PreviewMessage": "200",
        "ListMessage": "200",
        "ListCall": "200",
        "FetchCall": "200",
        "FetchMessage": "200",
        "UpdateMessage": "200",
        "DeleteMessage": "204",
        "FetchTimeline": "200",
        "CreateMessageFeedback": "201",
        "ExplainRoute": "200",
        "RankRoutes": "200",
    }


async def test_the_document_describes_calls_where_they_can_be_made() -> None:
    async with Calling().client(auth=None) as client:
        paths = (await client.get("/docs/openapi.json")).json()["paths"]
        html = (await client.get("/docs")).text

    create = paths["/v1/WebCalls"]["post"]
    assert [*create["requestBody"]["content"]] == ["application/sdp"]
    assert [each["name"] for each in create["parameters"]] == ["To", "From"]
    events = paths["/v1/WebCalls/{CallSid}/Events"]["get"]["responses"]["200"]
    assert [*events["content"]] == ["text/event-stream"]
    assert [*paths["/v1/WebCalls/{CallSid}"]] == ["delete", "patch"]
    assert next(iter(paths["/v1/WebCalls/{CallSid}/Answer"]["put"]["responses"])) == "204"
    assert "/v1/WebCalls/{CallSid}/Events" in html


async def test_the_document_describes_the_idempotency_key() -> None:
    create = (await document())["paths"]["/2010-04-01/Accounts/{AccountSid}/Messages.json"]["post"]

    assert [each["name"] for each in create["parameters"]] == ["AccountSid", "Idempotency-Key"]
    assert {"409", "422"} <= {*create["responses"]}


async def test_every_error_is_described_by_the_error_body() -> None:
    paths = (await document())["paths"]

    schemas = {
        response["content"]["application/json"]["schema"]["$ref"]
        for item in paths.values()
        for operation in item.values()
        for status, response in operation["responses"].items()
        if status >= "400"
    }
    assert schemas == {"#/components/schemas/ErrorBody"}
