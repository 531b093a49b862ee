from __future__ import annotations

from typing import Any

import msgspec
import pytest

from gateway.account import Language
from tests.ingress.rest.builders import ACCOUNT_SID, RECIPIENT, SENDER, Api, an_account

PREVIEW = f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/Preview.json"


async def preview(api: Api, **form: str) -> tuple[int, dict[str, Any]]:
    async with api.client() as client:
        answer = await client.post(PREVIEW, data=form)
    return answer.status_code, answer.json()


async def test_gsm_20_a_preview_shows_encoding_units_and_segments() -> None:
    status, resource = await preview(Api(), Body="It\u2019s 5 \u20ac")
    assert status == 200
    assert resource == {
        "body": "It\u2019s 5 \u20ac",
        "encoding": "UCS-2",
        "characters": 8,
        "units": 8,
        "units_per_segment": 70,
        "num_segments": "1",
        "national_language": None,
        "non_gsm_characters": [
            {
                "character": "\u2019",
                "code_point": "U+2019",
                "positions": [2],
                "smart_encoded": "'",
            }
        ],
        "segments": [
            {
                "number": 1,
                "body": "It\u2019s 5 \u20ac",
                "units": 8,
                "user_data_header": "",
                "user_data": "00490074201900730020003500 2020ac".replace(" ", ""),
            }
        ],
    }


async def test_gsm_18_a_preview_is_smart_encoded_where_a_message_would_be() -> None:
    _, resource = await preview(Api(), Body="It\u2019s 5 \u20ac", SmartEncoded="true")
    assert (resource["encoding"], resource["body"]) == ("GSM-7", "It's 5 \u20ac")
    assert resource["units"] == 9


async def test_gsm_13_each_segment_shows_its_header() -> None:
    _, resource = await preview(Api(), Body="a" * 161)
    assert resource["num_segments"] == "2"
    assert [each["user_data_header"] for each in resource["segments"]] == [
        "050003000201",
        "050003000202",
    ]
    assert resource["segments"][1]["user_data"] == "050003000202" + "61" * 8


async def test_gsm_12_the_national_language_of_an_account_is_shown() -> None:
    account = msgspec.structs.replace(an_account(), national_languages=(Language.TURKISH,))
    _, resource = await preview(Api(account), Body="a" * 80 + "\u015f")
    assert resource["encoding"] == "GSM-7"
    assert resource["national_language"] == {
        "code": "tr",
        "locking_shift": False,
        "single_shift": True,
    }


async def test_nothing_is_stored() -> None:
    api = Api()
    await preview(api, Body="hello", To=RECIPIENT, From=SENDER)
    assert api.store.messages == {}
    assert api.intake.requests == []


async def test_a_path_without_the_json_suffix_answers_the_same() -> None:
    async with Api().client() as client:
        answer = await client.post(PREVIEW.removesuffix(".json"), data={"Body": "hello"})
    assert answer.json()["units"] == 5


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({}, 21602),
        ({"Body": "\u200b", "SmartEncoded": "true"}, 21602),
        ({"Body": "a" * 1601}, 21617),
        ({"Body": "a\0"}, 20001),
        ({"Body": "hi", "To": "12"}, 21211),
        ({"Body": "hi", "From": "+15005550999"}, 21606),
        ({"Body": "hi", "SmartEncoded": "perhaps"}, 20001),
    ],
)
async def test_a_preview_is_refused_as_the_message_would_be(
    form: dict[str, str], code: int
) -> None:
    status, body = await preview(Api(), **form)
    assert (status, body["code"]) == (400, code)


async def test_a_preview_is_for_the_account_alone_and_counts_against_its_limits() -> None:
    api = Api(msgspec.structs.replace(an_account(), requests_per_second=1.0))
    async with api.client(auth=None) as client:
        assert (await client.post(PREVIEW, data={"Body": "hi"})).status_code == 401
    assert (await preview(api, Body="hi"))[0] == 200
    assert (await preview(api, Body="hi"))[0] == 429
