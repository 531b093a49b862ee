import asyncio

import pytest

from gateway.account import Account, ApiKey, Esme
from gateway.config.credentials import PASSWORD_CHECKS_MAX, Credentials
from gateway.config.secrets import DECOY, hash_password, hash_secret, verify

SID = "AC" + "a" * 32
TOKEN = "0" * 32
KEY_SID = "SK" + "b" * 32
HASH = hash_password("demopass", bytes(16))
ACCOUNT = Account(
    sid=SID,
    auth_token=TOKEN,
    api_keys=(ApiKey(KEY_SID, hash_secret("key secret")),),
    esmes=(Esme("demo", HASH), Esme("other", HASH)),
)


class PasswordChecks:
    """Does the work of scrypt at once, and remembers that it was asked to."""

    def __init__(self) -> None:
        self.hashes: list[str] = []
        self.at_once = 0
        self.at_once_max = 0

    async def __call__(self, password: str, stored: str) -> bool:
        self.hashes.append(stored)
        self.at_once += 1
        self.at_once_max = max(self.at_once, self.at_once_max)
        await asyncio.sleep(0)
        self.at_once -= 1
        return password == "demopass" and stored == HASH


@pytest.fixture
def checks() -> PasswordChecks:
    return PasswordChecks()


@pytest.fixture
def credentials(checks: PasswordChecks) -> Credentials:
    return Credentials([ACCOUNT], checks)


def test_an_account_is_found_by_its_sid(credentials: Credentials) -> None:
    assert credentials.account(SID) is ACCOUNT
    assert credentials.account("AC" + "f" * 32) is None


@pytest.mark.parametrize(("username", "password"), [(SID, TOKEN), (KEY_SID, "key secret")])
def test_token_and_api_key_open_the_account(
    credentials: Credentials, username: str, password: str
) -> None:
    assert credentials.rest(username, password) is ACCOUNT


@pytest.mark.parametrize(
    ("username", "password"),
    [
        (SID, ""),
        (SID, "key secret"),
        (SID, "\udcff"),
        (KEY_SID, TOKEN),
        (KEY_SID, hash_secret("key secret")),
        ("", ""),
        ("AC" + "f" * 32, TOKEN),
        ("demo", "demopass"),
    ],
)
def test_wrong_credentials_open_nothing(
    credentials: Credentials, username: str, password: str
) -> None:
    assert credentials.rest(username, password) is None


async def test_an_esme_binds_with_its_password(credentials: Credentials) -> None:
    assert await credentials.esme("demo", "demopass") == (ACCOUNT, ACCOUNT.esmes[0])


async def test_the_real_check_runs_in_a_thread() -> None:
    assert await Credentials([ACCOUNT]).esme("demo", "demopass") == (ACCOUNT, ACCOUNT.esmes[0])


async def test_a_wrong_password_is_told_from_an_unknown_system_id(
    credentials: Credentials,
) -> None:
    assert await credentials.esme("demo", "wrong") is None
    assert credentials.find_esme("demo")
    assert await credentials.esme("nobody", "demopass") is None
    assert credentials.find_esme("nobody") is None


async def test_an_unknown_system_id_costs_a_password_check_too(
    credentials: Credentials, checks: PasswordChecks
) -> None:
    await credentials.esme("nobody", "demopass")
    assert checks.hashes == [DECOY]


async def test_a_second_bind_costs_no_password_check(
    credentials: Credentials, checks: PasswordChecks
) -> None:
    await credentials.esme("demo", "demopass")
    assert await credentials.esme("demo", "demopass") is not None
    assert checks.hashes == [HASH]


async def test_a_remembered_password_opens_no_other_esme(
    credentials: Credentials, checks: PasswordChecks
) -> None:
    await credentials.esme("demo", "demopass")
    await credentials.esme("other", "demopass")
    assert len(checks.hashes) == 2


async def test_a_wrong_password_does_not_disturb_the_remembered_one(
    credentials: Credentials, checks: PasswordChecks
) -> None:
    await credentials.esme("demo", "demopass")
    await credentials.esme("demo", "wrong")
    await credentials.esme("demo", "demopass")
    assert len(checks.hashes) == 2


async def test_a_flood_of_binds_is_checked_a_few_at_a_time(
    credentials: Credentials, checks: PasswordChecks
) -> None:
    await asyncio.gather(*(credentials.esme("demo", f"guess {n}") for n in range(20)))
    assert checks.at_once_max == PASSWORD_CHECKS_MAX


def test_nobody_knows_a_password_of_the_decoy() -> None:
    assert not verify("", DECOY)
