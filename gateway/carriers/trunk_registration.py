"""Our REGISTER at a carrier that asks for one (RFC 3261 §10.2): refreshed before it expires, tried
again with patience, and taken back when we leave."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from gateway.carriers.trunk_invitation import host_and_port, target
from gateway.config.trunk import CarrierTrunk
from gateway.sip.digest_client import DigestClient
from gateway.sip.errors import GrammarError
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.uri import SipUri

# Refreshed when so much of its time has passed.
REFRESH_SHARE = 0.8
REFRESH_S_MIN = 5.0
FIRST_DELAY_S = 5.0
DELAY_S_MAX = 300.0
# A human has to mend these; hammering at a carrier's door gets an address banned.
CREDENTIALS = frozenset({401, 403, 404, 407})
CREDENTIALS_DELAY_S = 300.0
EXPIRES_S_MAX = 86_400
# Challenges that are answered for one REGISTER.
CHALLENGES_MAX = 2


class TrunkRegistration:
    """One REGISTER is under way at a time, known by its CSeq."""

    __slots__ = (
        "_call_id",
        "_challenges",
        "_cseq",
        "_digest",
        "_expires_s",
        "_failures",
        "_new_token",
        "_random",
        "_request",
        "_tag",
        "_trunk",
        "next_timer",
        "status",
        "until",
    )

    def __init__(self, trunk: CarrierTrunk, random: Random, new_token: Callable[[], str]) -> None:
        self._trunk = trunk
        self._random = random
        self._new_token = new_token
        self._digest = DigestClient(trunk.username, trunk.password or "")
        self._call_id = new_token()
        self._tag = new_token()
        self._cseq = random.getrandbits(16)
        self._expires_s = trunk.register_s
        self._challenges = 0
        self._failures = 0
        self._request: SipRequest | None = None
        self.until = 0.0
        self.status = 0
        self.next_timer: float | None = None

    @property
    def number(self) -> int:
        """That of the REGISTER that was made last."""
        return self._cseq

    def is_registered(self, now: float) -> bool:
        return now < self.until

    def begin(self, now: float) -> None:
        """Register now, since we are new there: at first, or with another target."""
        self._request = None
        self._challenges = 0
        self.next_timer = now

    def is_due(self, now: float) -> bool:
        return self._request is None and self.next_timer is not None and now >= self.next_timer

    def request(self, contact: str, expires_s: int | None = None) -> SipRequest:
        """The next REGISTER; of 0 seconds it takes the binding back (§10.2.2)."""
        wanted = self._expires_s if expires_s is None else expires_s
        self._cseq += 1
        aor = f"<{self._aor()}>"
        request = SipRequest.make(
            "REGISTER",
            target("", self._trunk),
            from_=f"{aor};tag={self._tag}",
            to=aor,
            call_id=self._call_id,
            cseq=self._cseq,
            contact=contact,
            headers=[("Expires", str(wanted))],
        )
        # Of its own for each: many a registrar does not say that an old nonce is stale.
        self._digest = DigestClient(self._trunk.username, self._trunk.password or "")
        self._request = request
        self.next_timer = None
        return request

    def receive(
        self, number: int, status: int, response: SipResponse | None, contact: str, now: float
    ) -> SipRequest | None:
        """The next request, where the answer asks for one at once."""
        request = self._request
        if number != self._cseq or request is None:
            return None
        self._request = None
        self.status = status
        if 200 <= status < 300 and response is not None:
            self._granted(request, response, contact, now)
            return None
        if status in (401, 407) and response is not None and self._challenges < CHALLENGES_MAX:
            answer = self._digest.answer(request, response, self._new_token())
            if answer is not None:
                self._challenges += 1
                return self._again(answer)
        if status == 423 and response is not None and self._lengthen(response):
            self.next_timer = now
            return None
        self._failed(status, now)
        return None

    def _again(self, answer: SipRequest) -> SipRequest:
        self._cseq += 1
        headers = answer.headers.replacing("CSeq", f"{self._cseq} REGISTER")
        self._request = answer.with_headers(headers)
        return self._request

    def _granted(
        self, request: SipRequest, response: SipResponse, contact: str, now: float
    ) -> None:
        self._failures = self._challenges = 0
        if request.expires_s == 0:
            self.until = 0.0
            return
        granted_s = self._expires_of(response, contact)
        self.until = now + granted_s
        self.next_timer = now + max(REFRESH_S_MIN, REFRESH_SHARE * granted_s)

    def _expires_of(self, response: SipResponse, contact: str) -> int:
        """What is said of our own binding, among those of others (§10.2.4)."""
        said = response.expires_s
        try:
            for binding in response.contacts:
                if str(binding.uri) in contact or len(response.contacts) == 1:
                    said = said if binding.expires_s is None else binding.expires_s
        except GrammarError:
            pass
        return min(EXPIRES_S_MAX, self._expires_s if said is None else said)

    def _lengthen(self, response: SipResponse) -> bool:
        """Too brief for the registrar (§10.2.8)."""
        try:
            least = response.integer("Min-Expires", EXPIRES_S_MAX)
        except GrammarError:
            return False
        if least is None or least <= self._expires_s:
            return False
        self._expires_s = least
        return True

    def _failed(self, status: int, now: float) -> None:
        self._challenges = 0
        if status in CREDENTIALS:
            delay_s = CREDENTIALS_DELAY_S
            self.until = 0.0
        else:
            delay_s = min(DELAY_S_MAX, FIRST_DELAY_S * 2.0 ** min(self._failures, 10))
        self._failures += 1
        self.next_timer = now + delay_s * self._random.uniform(0.75, 1.25)

    def _aor(self) -> str:
        domain = self._trunk.from_domain or host_and_port(self._trunk)
        return str(SipUri.of_username(self._trunk.username or "gateway", domain))
