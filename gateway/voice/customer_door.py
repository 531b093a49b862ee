"""Which customer a request comes from: by its address, by its digest, or by both (RFC 3261 §22);
from within this process, by the account whose connection it came over, for REST has asked it.

An address that is listed for a trunk without a user name is enough. Whoever else comes is asked for
a password, if anybody may have one there, and else is told 403 and nothing more.
"""

from __future__ import annotations

from enum import Enum

from gateway.sip.digest import Algorithm
from gateway.sip.digest_server import Checked, DigestServer, Verdict
from gateway.sip.headers import Field
from gateway.sip.message import SipRequest
from gateway.sip.sanity import Refusal
from gateway.sip.transaction import INSIDE, Destination
from gateway.voice.bans import Bans
from gateway.voice.customers import Customer, Customers
from gateway.voice.user_sieges import UserSieges

FORBIDDEN = Refusal(403, "the source is not known")


class Asking(Enum):
    """As who we ask: the status, its header, and the one that answers."""

    REGISTRAR = 401, "WWW-Authenticate", "Authorization"
    PROXY = 407, "Proxy-Authenticate", "Proxy-Authorization"


class CustomerDoor:
    """`customers` may be others at any time; what is known of who fails stays."""

    def __init__(
        self, customers: Customers, digest: DigestServer, bans: Bans, sieges: UserSieges
    ) -> None:
        self.customers = customers
        self._digest = digest
        self._bans = bans
        self._sieges = sieges

    def identify(
        self, request: SipRequest, source: Destination, now: float, asking: Asking = Asking.PROXY
    ) -> Customer | Refusal:
        host = source.host
        if source.transport == INSIDE:
            return self.customers.over_rest(host) or FORBIDDEN
        if asking is Asking.PROXY and (trunk := self.customers.at(host)) is not None:
            return trunk
        if not self.customers.anybody_signs(host):
            self._bans.failed(host, now)
            return FORBIDDEN
        status, asks, answers = asking.value
        values = request.headers.get_all(answers)
        checked = self._check(values, request.method, host, now)
        match checked.verdict:
            case Verdict.ACCEPTED:
                return self._proven(checked, host, now)
            case Verdict.REFUSED:
                self._failed(checked, host, now)
                return Refusal(403, "the user or the password is wrong")
            case Verdict.MALFORMED:
                self._bans.failed(host, now)
                return Refusal(400, "the credentials are malformed")
            case Verdict.STALE:
                return Refusal(status, "the nonce is stale", self._challenges(asks, True, now))
            case Verdict.CHALLENGE:
                self._bans.challenged(host, now)
                return Refusal(status, "no credentials", self._challenges(asks, False, now))

    def _check(self, values: list[str], method: str, host: str, now: float) -> Checked:
        def ha1_of(username: str, algorithm: Algorithm) -> str | None:
            customer = self.customers.user(username, host)
            if customer is None or self._sieges.shuts_out(username, host, now):
                return None
            return customer.ha1(algorithm)

        return self._digest.check(values, method, ha1_of, now)

    def _challenges(self, asks: str, stale: bool, now: float) -> tuple[Field, ...]:
        return tuple((asks, value) for value in self._digest.challenges(now, stale))

    def _proven(self, checked: Checked, host: str, now: float) -> Customer:
        assert checked.username is not None
        customer = self.customers.user(checked.username, host)
        assert customer is not None
        self._bans.proven(host, now)
        self._sieges.proven(checked.username, host)
        return customer

    def _failed(self, checked: Checked, host: str, now: float) -> None:
        self._bans.failed(host, now)
        username = checked.username
        if username is not None and self.customers.user(username, host) is not None:
            self._sieges.failed(username, host, now)
