"""Basic authentication (RFC 7617), behind a limit on failed attempts."""

from __future__ import annotations

import binascii
import ipaddress
import logging
from collections import OrderedDict

from gateway.account import Account
from gateway.errors import Refusal, Refused
from gateway.ingress.rest.dependencies import Credentials
from gateway.ingress.rest.errors import Throttled

log = logging.getLogger(__name__)

FAILURES_MAX = 20
FORGIVEN_EVERY_S = 3.0
ADDRESSES_MAX = 10_000


class FailedAttempts:
    """Who has failed to authenticate lately, by client address.

    Twenty failures may come at once, and one is forgiven every 3 s. The table keeps the
    `ADDRESSES_MAX` addresses that failed last; one that falls out of it starts anew.
    """

    def __init__(self) -> None:
        self._clean_at: OrderedDict[str, float] = OrderedDict()

    def wait_s(self, client: str, now: float) -> float:
        """Seconds until the client may try again, 0 where it may now."""
        if not self._clean_at:
            return 0.0
        clean_at = self._clean_at.get(network_of(client), 0.0)
        return max(0.0, clean_at - now - (FAILURES_MAX - 1) * FORGIVEN_EVERY_S)

    def failed(self, client: str, now: float) -> None:
        network = network_of(client)
        clean_at = max(self._clean_at.pop(network, 0.0), now) + FORGIVEN_EVERY_S
        if len(self._clean_at) >= ADDRESSES_MAX:
            self._clean_at.popitem(last=False)
        self._clean_at[network] = clean_at


class Authentication:
    """Finds the account that a request speaks for."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._failed_attempts = FailedAttempts()

    def account(
        self, authorization: bytes, client: str, account_sid: str | None, now: float
    ) -> Account:
        """The account that is named in the path, when the credentials are its own; the account of
        the credentials, where a path names none.

        Credentials of another account are refused as wrong ones are (20003): the answer does not
        tell whether the account in the path exists.

        Raises:
            Refused: AUTHENTICATION_FAILED.
            Throttled: too many failed attempts from this client.
        """
        wait_s = self._failed_attempts.wait_s(client, now)
        if wait_s > 0:
            raise Throttled("too many failed attempts to authenticate", wait_s)
        username, password = parse_basic(authorization)
        account = self._credentials.rest(username, password) if username else None
        if account is None or account_sid not in (None, account.sid):
            self._failed_attempts.failed(client, now)
            log.info("authentication failed", extra={"client": client})
            raise Refused(Refusal.AUTHENTICATION_FAILED)
        return account


def parse_basic(authorization: bytes) -> tuple[str, str]:
    """User-id and password; both empty where the header is missing or malformed."""
    scheme, _, encoded = authorization.partition(b" ")
    if scheme.lower() != b"basic":
        return "", ""
    try:
        pair = binascii.a2b_base64(encoded.strip(), strict_mode=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    username, _, password = pair.partition(":")
    return username, password


def network_of(client: str) -> str:
    """The address itself, or the /64 of an IPv6 address: one customer has all of it."""
    if ":" not in client:
        return client
    try:
        address = ipaddress.IPv6Address(client)
    except ValueError:
        return client
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((address.packed, 64), strict=False))
