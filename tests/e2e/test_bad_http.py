"""HTTP that is wrong gets its answer, and nobody else notices."""

import asyncio
from io import BytesIO

import aiohttp
import pytest

from tests.e2e.configuration import ACCOUNT_SID, AUTH_TOKEN, LONG_CODE, OTHER_SID
from tests.e2e.process import PATIENCE_S
from tests.e2e.site import Site

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

FORM = "application/x-www-form-urlencoded"


async def post(
    site: Site,
    body: bytes,
    content_type: str = FORM,
    token: str = AUTH_TOKEN,
    sid: str = ACCOUNT_SID,
) -> tuple[int, int]:
    """HTTP status and error code."""
    headers = {
        "Authorization": aiohttp.encode_basic_auth(ACCOUNT_SID, token),
        "Content-Type": content_type,
    }
    url = f"{site.daemon.rest}/2010-04-01/Accounts/{sid}/Messages.json"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=BytesIO(body), headers=headers) as answer,
    ):
        return answer.status, (await answer.json())["code"]


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b"", FORM, 400, 21604),
        (b"\xff\xfe\x00garbage", FORM, 400, 20400),
        (b"To=%ZZ&From=%", FORM, 400, 21211),
        (b'{"To": "+12065550100"}', "application/json", 415, 20415),
        (b"Body=hello&From=%2B15005550006&To=12", FORM, 400, 21211),
    ],
    ids=["empty", "binary", "bad escapes", "JSON", "impossible number"],
)
async def test_malformed_form(
    site: Site, body: bytes, content_type: str, status: int, code: int
) -> None:
    assert await post(site, body, content_type) == (status, code)


async def test_body_that_is_too_long_is_refused(site: Site) -> None:
    assert await post(site, b"Body=" + b"x" * 70_000) == (413, 20413)


async def test_wrong_token(site: Site) -> None:
    assert await post(site, b"", token="0" * 32) == (401, 20003)


async def test_account_of_another_customer(site: Site) -> None:
    assert await post(site, b"", sid=OTHER_SID) == (401, 20003)


async def test_octets_that_are_no_http(site: Site) -> None:
    """And a request that was under way all the time is served."""
    host, port = site.daemon.rest.removeprefix("http://").split(":")
    slow_reader, slow_writer = await asyncio.open_connection(host, int(port))
    slow_writer.write(
        f"GET /2010-04-01/Accounts/{ACCOUNT_SID}.json HTTP/1.1\r\nHost: gateway\r\n".encode()
    )

    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"\x00\x00\x00\x10\x00\x00\x00\x15\x00\x00\x00\x00\x00\x00\x00\x01\r\n\r\n")
    async with asyncio.timeout(PATIENCE_S):
        answer = await reader.read()
        credentials = aiohttp.encode_basic_auth(ACCOUNT_SID, AUTH_TOKEN)
        slow_writer.write(f"Authorization: {credentials}\r\n\r\n".encode())
        served = await slow_reader.readline()

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert served == b"HTTP/1.1 200 OK\r\n"
    for each in (writer, slow_writer):
        each.close()
        await each.wait_closed()


async def test_after_all_that_a_message_is_delivered(site: Site) -> None:
    await post(site, b"\x00" * 1_000)

    sid = await site.rest.create(site.recipient(), "still here", LONG_CODE)

    assert (await site.rest.final(sid))["status"] == "delivered"
