"""Asking for credentials and checking them (RFC 7616 §3.3 to §3.5, RFC 8760 §2.3, RFC 3261 §22).

No nonce is kept when it is given out: it holds its time and a HMAC of it. Only of those that came
back with a right password the nonce counts are kept, in a table with a bound, so that no request
can be played again and none without a password takes any memory.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Callable
from enum import Enum

import msgspec

from gateway.sip.digest import QOP_AUTH, Algorithm, Challenge, Credentials
from gateway.sip.errors import GrammarError

NONCE_LIFETIME_S = 300.0
NONCES_MAX = 20_000
# Requests of one client may overtake each other by so many.
COUNT_WINDOW = 64

_STAMP_OCTETS = 12
_MAC_OCTETS = 16

# HA1 of a user for an algorithm; None where there is no such user, or it has none of this kind.
Ha1Of = Callable[[str, Algorithm], str | None]


class Verdict(Enum):
    """What is to be answered."""

    ACCEPTED = "accepted"
    CHALLENGE = "challenge"  # 401 or 407: no credentials that we could check.
    STALE = "stale"  # The same with stale=true: the password is right, the nonce is not.
    REFUSED = "refused"  # 403, or 401 again: a wrong user or password. Counts as a failure.
    MALFORMED = "malformed"  # 400


class Checked(msgspec.Struct, frozen=True, gc=False):
    """A verdict; `username` is who they say they are, and proven with ACCEPTED and STALE alone."""

    verdict: Verdict
    username: str | None = None


class _Used(msgspec.Struct, gc=False):
    """A nonce that was used: the highest count, and a bit for each below it down to the window."""

    given_ms: int
    highest: int
    bits: int

    def take(self, count: int) -> bool:
        """False where the count was used before, or may have been."""
        if count > self.highest:
            shift = min(count - self.highest, COUNT_WINDOW)
            self.bits = (self.bits << shift | 1) & (1 << COUNT_WINDOW) - 1
            self.highest = count
            return True
        bit = 1 << min(self.highest - count, COUNT_WINDOW)
        if bit >> COUNT_WINDOW or self.bits & bit:
            return False
        self.bits |= bit
        return True


class DigestServer:
    """One realm. `secret` makes the nonces and should not outlive the process."""

    def __init__(
        self,
        realm: str,
        secret: bytes,
        algorithms: tuple[Algorithm, ...] = (Algorithm.SHA_256, Algorithm.MD5),
        nonce_lifetime_s: float = NONCE_LIFETIME_S,
        nonces_max: int = NONCES_MAX,
    ) -> None:
        self.realm = realm
        self._secret = secret
        self._algorithms = algorithms
        self._lifetime_ms = int(nonce_lifetime_s * 1_000)
        self._nonces_max = nonces_max
        self._given = 0
        # Each nonce in use, in the order of their first use.
        self._used: OrderedDict[str, _Used] = OrderedDict()
        # A nonce of this time or before that is not in the table was forgotten, not unused.
        self._forgotten_ms = -1

    def challenges(self, now: float, stale: bool = False) -> list[str]:
        """The values of WWW-Authenticate or Proxy-Authenticate, the preferred algorithm first
        (RFC 8760 §2.3). `now` is any clock that goes on and does not begin anew."""
        nonce = self._nonce(int(now * 1_000))
        return [
            str(Challenge(self.realm, nonce, algorithm, stale=stale))
            for algorithm in self._algorithms
        ]

    def check(self, values: list[str], method: str, ha1_of: Ha1Of, now: float) -> Checked:
        """`values` are those of Authorization or Proxy-Authorization.

        The digest's uri is hashed as it is said and not compared with the Request-URI: sipp and
        others say another, and the nonce count already keeps credentials from being used twice.
        """
        try:
            found = self._ours(values)
        except GrammarError:
            return Checked(Verdict.MALFORMED)
        if found is None or found.algorithm not in self._algorithms:
            return Checked(Verdict.CHALLENGE)
        if found.qop != QOP_AUTH or not found.nonce_count or not found.cnonce:
            return Checked(Verdict.CHALLENGE)
        if not self._knows_password(found, found.algorithm, method, ha1_of):
            # Anybody can make a nonce up, under anybody's address: that is no failure of theirs.
            ours = self._time_of(found.nonce) is not None
            return Checked(Verdict.REFUSED if ours else Verdict.CHALLENGE, found.username)
        if not self._use(found.nonce, found.nonce_count, int(now * 1_000)):
            return Checked(Verdict.STALE, found.username)
        return Checked(Verdict.ACCEPTED, found.username)

    def _ours(self, values: list[str]) -> Credentials | None:
        """Others may be for a realm further on (RFC 3261 §22.3)."""
        for value in values:
            credentials = Credentials.parse(value)
            if credentials is not None and credentials.realm == self.realm:
                return credentials
        return None

    def _knows_password(
        self, credentials: Credentials, algorithm: Algorithm, method: str, ha1_of: Ha1Of
    ) -> bool:
        """Takes as long for a user who does not exist as for a wrong password."""
        ha1 = ha1_of(credentials.username, algorithm)
        expected = credentials.expected(ha1 or algorithm.digest("nobody"), method)
        said = credentials.response.encode("utf-8", "surrogateescape")
        same = hmac.compare_digest(expected.encode(), said)
        return same and ha1 is not None

    def _nonce(self, now_ms: int) -> str:
        self._given += 1
        stamp = now_ms.to_bytes(8, "big") + (self._given % 2**32).to_bytes(4, "big")
        return urlsafe_b64encode(stamp + self._mac(stamp)).decode()

    def _mac(self, stamp: bytes) -> bytes:
        return hmac.digest(self._secret, stamp, "sha256")[:_MAC_OCTETS]

    def _time_of(self, nonce: str) -> int | None:
        """When we gave it out, in ms; None where we did not."""
        try:
            octets = urlsafe_b64decode(nonce.encode("ascii"))
        except ValueError:
            return None
        stamp, mac = octets[:_STAMP_OCTETS], octets[_STAMP_OCTETS:]
        if not hmac.compare_digest(mac, self._mac(stamp)):
            return None
        # Base64 can be written in more than one way; only ours is one nonce.
        if urlsafe_b64encode(octets).decode() != nonce:
            return None
        return int.from_bytes(stamp[:8], "big")

    def _use(self, nonce: str, count: int, now_ms: int) -> bool:
        given_ms = self._time_of(nonce)
        if given_ms is None or not 0 <= now_ms - given_ms <= self._lifetime_ms:
            return False
        used = self._used.get(nonce)
        if used is not None:
            return used.take(count)
        if given_ms <= self._forgotten_ms:
            return False
        self._forget(now_ms)
        self._used[nonce] = _Used(given_ms, count, 1)
        return True

    def _forget(self, now_ms: int) -> None:
        """Make room: those that have expired, and where that is not enough the first used."""
        while self._used:
            nonce = next(iter(self._used))
            given_ms = self._used[nonce].given_ms
            expired = now_ms - given_ms > self._lifetime_ms
            if not expired and len(self._used) < self._nonces_max:
                return
            del self._used[nonce]
            if not expired:
                self._forgotten_ms = max(self._forgotten_ms, given_ms)
