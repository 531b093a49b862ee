"""Who has registered at a simulated carrier, and who knows the carrier's name and password."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from carriers_sim.call_recorder import user_of
from carriers_sim.config import SipCarrierConfig
from carriers_sim.remember import remember
from gateway.sip.digest import Algorithm, ha1
from gateway.sip.digest_client import ANSWERED_BY, DigestClient
from gateway.sip.digest_server import DigestServer, Verdict
from gateway.sip.headers import Field
from gateway.sip.leg_state import Credentials
from gateway.sip.message import SipRequest, SipResponse

BINDINGS_MAX = 10_000
EXPIRES_S = 3_600


class SipRegistrar:
    """`bindings` are the Contacts by address-of-record; the oldest goes when there are too many."""

    def __init__(self, config: SipCarrierConfig) -> None:
        self.bindings: dict[str, str] = {}
        self._config = config
        self._digest = DigestServer(config.name, secrets.token_bytes(16), config.algorithms)

    def bind(self, request: SipRequest) -> list[Field]:
        """The bindings after a REGISTER (RFC 3261 §10.3), one for each address-of-record."""
        record = user_of(request.to.uri)
        contact = request.contact
        expires_s = request.expires_s
        if contact is not None and contact.expires_s is not None:
            expires_s = contact.expires_s
        if expires_s is None:
            expires_s = EXPIRES_S
        if contact is not None and expires_s:
            remember(self.bindings, record, str(contact.uri), BINDINGS_MAX)
        elif contact is not None or request.contact_is_star:
            self.bindings.pop(record, None)
        bound = self.bindings.get(record)
        return [("Contact", f"<{bound}>;expires={expires_s}")] if bound else []

    def knows(self, request: SipRequest, name: str, now: float) -> bool:
        """Whether the header of that name proves the password."""
        config = self._config

        def ha1_of(username: str, algorithm: Algorithm) -> str | None:
            if username != config.username:
                return None
            return ha1(username, self._digest.realm, config.password, algorithm)

        values = request.headers.get_all(name)
        checked = self._digest.check(values, request.method, ha1_of, now)
        return checked.verdict is Verdict.ACCEPTED

    def challenges(self, name: str, now: float) -> list[Field]:
        return [(name, value) for value in self._digest.challenges(now)]

    def credentials(self) -> Credentials:
        """Our own name and password, for a customer that asks a carrier for them."""
        client = DigestClient(self._config.username, self._config.password)

        def credentials(request: SipRequest, response: SipResponse) -> Iterable[Field] | None:
            answered = client.answer(request, response, secrets.token_hex(8))
            if answered is None:
                return None
            name = ANSWERED_BY[response.status][1]
            return [(name, value) for value in answered.headers.get_all(name)]

        return credentials
