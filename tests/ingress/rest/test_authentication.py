import pytest

from gateway.account import Account
from gateway.errors import Refused
from gateway.ingress.rest.authentication import (
    ADDRESSES_MAX,
    FAILURES_MAX,
    FORGIVEN_EVERY_S,
    Authentication,
    FailedAttempts,
    network_of,
    parse_basic,
)
from gateway.ingress.rest.errors import Throttled
from tests.ingress.rest.builders import (
    ACCOUNT_SID,
    AUTH_TOKEN,
    KEY_SECRET,
    KEY_SID,
    MESSAGES,
    OTHER_ACCOUNT_SID,
    Api,
    KnownCredentials,
    an_account,
    basic,
)

CLIENT = "192.0.2.1"


def authenticate(
    authentication: Authentication, authorization: str, client: str = CLIENT, now: float = 0.0
) -> Account:
    return authentication.account(authorization.encode(), client, ACCOUNT_SID, now)


@pytest.mark.parametrize("pair", [(ACCOUNT_SID, AUTH_TOKEN), (KEY_SID, KEY_SECRET)])
async def test_the_auth_token_and_an_api_key_are_let_in(pair: tuple[str, str]) -> None:
    async with Api().client(auth=pair) as client:
        answer = await client.get(MESSAGES)

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Basic",
        "Basic !!!",
        "Basic /w==",
        "Bearer abc",
        basic(ACCOUNT_SID, "wrong"),
        basic(ACCOUNT_SID, ""),
        basic("", AUTH_TOKEN),
    ],
)
async def test_wrong_credentials_answer_20003_with_a_challenge(authorization: str) -> None:
    async with Api().client(auth=None) as client:
        answer = await client.get(MESSAGES, headers={"authorization": authorization})

    assert (answer.status_code, answer.json()["code"]) == (401, 20003)
    assert answer.headers["www-authenticate"].startswith("Basic ")


async def test_the_path_of_another_account_answers_20003() -> None:
    async with Api().client() as client:
        answer = await client.get(MESSAGES.replace(ACCOUNT_SID, OTHER_ACCOUNT_SID))

    assert (answer.status_code, answer.json()["code"]) == (401, 20003)


async def test_too_many_failures_of_a_client_answer_20429_before_the_credentials_are_read() -> None:
    api = Api()
    async with api.client(auth=(ACCOUNT_SID, "wrong")) as client:
        for _ in range(FAILURES_MAX):
            await client.get(MESSAGES)

    async with api.client() as client:
        answer = await client.get(MESSAGES)

    assert (answer.status_code, answer.json()["code"]) == (429, 20429)
    assert answer.headers["retry-after"] == "3"


async def test_another_client_is_not_held_back() -> None:
    api = Api()
    async with api.client(auth=(ACCOUNT_SID, "wrong")) as client:
        for _ in range(FAILURES_MAX):
            await client.get(MESSAGES)

    async with api.client(address="10.0.0.2") as client:
        answer = await client.get(MESSAGES)

    assert answer.status_code == 200


def test_a_failure_is_forgiven_after_a_while() -> None:
    authentication = Authentication(KnownCredentials(an_account()))
    for _ in range(FAILURES_MAX):
        with pytest.raises(Refused):
            authenticate(authentication, "")

    with pytest.raises(Throttled):
        authenticate(authentication, basic(ACCOUNT_SID, AUTH_TOKEN))

    later = basic(ACCOUNT_SID, AUTH_TOKEN)
    assert authenticate(authentication, later, now=FORGIVEN_EVERY_S).sid == ACCOUNT_SID


def test_the_table_of_failures_keeps_the_addresses_that_failed_last() -> None:
    failed_attempts = FailedAttempts()
    for _ in range(FAILURES_MAX):
        failed_attempts.failed("192.0.2.1", 0.0)
        failed_attempts.failed("192.0.2.2", 0.0)
    for number in range(ADDRESSES_MAX - 1):
        failed_attempts.failed(f"client-{number}", 0.0)

    assert failed_attempts.wait_s("192.0.2.1", 0.0) == 0.0
    assert failed_attempts.wait_s("192.0.2.2", 0.0) > 0.0


@pytest.mark.parametrize(
    ("client", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:1", "2001:db8::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("", ""),
        ("un:known", "un:known"),
    ],
)
def test_an_ipv6_client_is_its_network(client: str, network: str) -> None:
    assert network_of(client) == network


def test_a_password_may_have_colons() -> None:
    assert parse_basic(basic("user", "a:b:c").encode()) == ("user", "a:b:c")
