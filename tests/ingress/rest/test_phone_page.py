"""The page that calls from a browser."""

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import httpx
import pytest

from gateway.config.phone_page import PhoneNumber
from tests.ingress.rest.builders import ACCOUNT_SID, AUTH_TOKEN, Api

NUMBERS = (PhoneNumber("+14155550123", "Echo <&>"), PhoneNumber("alice", "Alice's"))
VOID = {"meta", "link", "input", "!doctype"}


class Elements(HTMLParser):
    """Fails on a tag that is closed without being open, and keeps the attributes of all."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


async def page(method: str = "GET") -> httpx.Response:
    async with Api(phone_numbers=NUMBERS).client(auth=None) as client:
        return await client.request(method, "/phone")


async def elements() -> list[tuple[str, dict[str, str | None]]]:
    read = Elements()
    read.feed((await page()).text)
    assert read.open == []
    return read.found


async def test_the_page_is_served_to_anybody_and_holds_no_secret() -> None:
    answer = await page()

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert ACCOUNT_SID not in answer.text
    assert AUTH_TOKEN not in answer.text


async def test_its_policy_lets_in_its_own_script_and_style_and_nothing_else() -> None:
    answer = await page()
    policy = dict(
        part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; ")
    )

    for kind in ("script", "style"):
        (text,) = re.findall(f"<{kind}>(.*?)</{kind}>", answer.text, re.DOTALL)
        digest = b64encode(sha256(text.encode()).digest()).decode()
        assert policy[f"{kind}-src"] == f"'sha256-{digest}'"
    assert policy["default-src"] == "'none'"
    assert policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert answer.headers["permissions-policy"].startswith("microphone=(self)")


async def test_it_takes_nothing_from_elsewhere_and_has_no_style_or_script_in_its_elements() -> None:
    for tag, attributes in await elements():
        assert not any(name == "style" or name.startswith("on") for name in attributes), tag
        assert "src" not in attributes
        assert attributes.get("href", "data:,") == "data:,"


async def test_each_field_has_a_label_and_each_name_is_one_elements() -> None:
    found = await elements()
    labels = {attributes.get("for") for tag, attributes in found if tag == "label"}
    fields = {
        attributes["id"]
        for tag, attributes in found
        if tag == "input" and attributes["type"] != "radio"
    }
    names = [attributes["id"] for _, attributes in found if "id" in attributes]

    assert fields <= labels
    assert len(names) == len(set(names))


async def test_what_the_script_looks_for_is_there() -> None:
    answer = await page()
    names = {attributes["id"] for _, attributes in await elements() if "id" in attributes}

    assert set(re.findall(r'\$\("([a-z-]+)"\)', answer.text)) <= names


async def test_numbers_are_suggested_as_they_are_written() -> None:
    html = (await page()).text

    assert "value='+14155550123'" in html
    assert "Echo &lt;&amp;&gt;" in html
    assert "Alice&#x27;s" in html


async def test_head_is_answered_as_get() -> None:
    answer = await page("HEAD")
    assert answer.headers["content-length"] == (await page()).headers["content-length"]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_there_is_no_page_unless_it_is_wanted(method: str) -> None:
    async with Api().client() as client:
        answer = await client.request(method, "/phone")
    assert answer.status_code == 404
