"""Who a customer is: AccountSid or API key over REST, system_id over SMPP."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable, Iterable

from gateway.account import Account, Esme
from gateway.config.secrets import DECOY, verify

# scrypt takes 16 MiB and 40 ms of a core; a flood of wrong passwords gets this many at a time.
# Those that wait are at most one for each SMPP connection, and connections are bounded.
PASSWORD_CHECKS_MAX = 2
DIGEST_OCTETS = 32


async def verify_in_thread(password: str, stored: str) -> bool:
    """`verify` away from the event loop; scrypt gives the interpreter lock back meanwhile."""
    return await asyncio.to_thread(verify, password, stored)


class Credentials:
    """Looks customers up and checks what they know.

    Over REST both kinds of secret have 128 bits, so one SHA-256 and a comparison in constant time
    are enough: some 2 µs. Over SMPP passwords are short and a check is dear, so a password that
    was right once is remembered as a keyed digest, one for each ESME of the configuration, and a
    re-bind costs microseconds.
    """

    def __init__(
        self,
        accounts: Iterable[Account],
        verify_password: Callable[[str, str], Awaitable[bool]] = verify_in_thread,
    ) -> None:
        self._accounts = {account.sid: account for account in accounts}
        self._rest: dict[str, tuple[bytes, Account]] = {}
        self._esmes: dict[str, tuple[Account, Esme]] = {}
        for account in self._accounts.values():
            self._rest[account.sid] = (_sha256(account.auth_token), account)
            for key in account.api_keys:
                self._rest[key.sid] = (bytes.fromhex(key.secret_hash.partition("$")[2]), account)
            for esme in account.esmes:
                self._esmes[esme.system_id] = (account, esme)
        self._nobody = (secrets.token_bytes(DIGEST_OCTETS), None)
        self._digest_key = secrets.token_bytes(DIGEST_OCTETS)
        self._verified: dict[str, bytes] = {}
        self._verify_password = verify_password
        self._password_checks = asyncio.Semaphore(PASSWORD_CHECKS_MAX)

    def account(self, sid: str) -> Account | None:
        """The account of that sid."""
        return self._accounts.get(sid)

    def rest(self, username: str, password: str) -> Account | None:
        """The account that Basic authentication names: AccountSid and AuthToken, or key and secret.

        A username that does not exist takes as long as a wrong password.
        """
        expected, account = self._rest.get(username, self._nobody)
        return account if hmac.compare_digest(_sha256(password), expected) else None

    def find_esme(self, system_id: str) -> tuple[Account, Esme] | None:
        """The account and the ESME of that system_id, whoever asks."""
        return self._esmes.get(system_id)

    async def esme(
        self, system_id: str, password: str, check: Callable[[], None] = lambda: None
    ) -> tuple[Account, Esme] | None:
        """The account and the ESME that a bind names, or None.

        A system_id that does not exist takes as long as a wrong password. `check` is called before
        a password is hashed, once it is its turn, and raises where it need not be any more.
        """
        found = self._esmes.get(system_id)
        digest = self._keyed_digest(system_id, password)
        if hmac.compare_digest(self._verified.get(system_id, b""), digest):
            return found
        stored = found[1].password_hash if found else DECOY
        async with self._password_checks:
            check()
            right = await self._verify_password(password, stored)
        if found is None or not right:
            return None
        self._verified[system_id] = digest
        return found

    def _keyed_digest(self, system_id: str, password: str) -> bytes:
        """Worthless outside this process, whose key it was made with."""
        text = f"{system_id}\0{password}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(text, key=self._digest_key).digest()


def _sha256(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
