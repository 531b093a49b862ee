"""Giving credentials to who asks for them with 401 or 407 (RFC 3261 §22.2, RFC 8760 §2.4)."""

from __future__ import annotations

from msgspec.structs import replace

from gateway.sip.digest import QOP_AUTH, Challenge, Credentials, ha1
from gateway.sip.errors import GrammarError
from gateway.sip.headers import Headers
from gateway.sip.message import SipRequest, SipResponse

CHALLENGES_MAX = 8
REALMS_MAX = 8

# What asks, and what answers.
ANSWERED_BY = {
    401: ("WWW-Authenticate", "Authorization"),
    407: ("Proxy-Authenticate", "Proxy-Authorization"),
}


class DigestClient:
    """One user's name and password at one peer, and what its realms have asked for last."""

    def __init__(self, username: str, password: str) -> None:
        self._username = username
        self._password = password
        # By the header that answers and the realm: the challenge, and how often it was used.
        self._asked: dict[tuple[str, str], tuple[Challenge, int]] = {}

    def answer(self, request: SipRequest, response: SipResponse, cnonce: str) -> SipRequest | None:
        """The request again with credentials and without the Via of its first way, for the caller
        to give it a CSeq; None where another try would be in vain: the credentials were refused,
        they are stale at their first use, or no challenge is one that we speak."""
        if response.status not in ANSWERED_BY:
            return None
        asking, answering = ANSWERED_BY[response.status]
        challenge = strongest(response.headers.get_all(asking))
        if challenge is None:
            return None
        refused = given(request, answering, challenge.realm)
        if refused is not None and not (challenge.stale and refused.nonce != challenge.nonce):
            return None
        if refused is not None and self._stale_at_once(answering, refused):
            return None
        key = (answering, challenge.realm)
        self._asked.pop(key, None)
        if len(self._asked) >= REALMS_MAX:
            del self._asked[next(iter(self._asked))]
        self._asked[key] = (challenge, 0)
        answered = self.authorized(request, cnonce)
        return answered.with_headers(answered.headers.without("Via"))

    def authorized(self, request: SipRequest, cnonce: str) -> SipRequest:
        """With credentials for each realm that has asked before, so that it need not ask again."""
        headers = request.headers
        for (answering, realm), (challenge, used) in list(self._asked.items()):
            credentials = self._credentials(challenge, request, used + 1, cnonce)
            self._asked[answering, realm] = (challenge, used + 1)
            headers = _with(headers, answering, realm, credentials)
        return request.with_headers(headers)

    def _stale_at_once(self, answering: str, refused: Credentials) -> bool:
        """A nonce that itself came with stale=true, refused at its first use."""
        asked = self._asked.get((answering, refused.realm))
        return (
            asked is not None
            and asked[0].stale
            and asked[0].nonce == refused.nonce
            and refused.nonce_count == 1
        )

    def _credentials(
        self, challenge: Challenge, request: SipRequest, count: int, cnonce: str
    ) -> Credentials:
        assert challenge.algorithm is not None
        with_qop = QOP_AUTH in challenge.qop
        unsigned = Credentials(
            self._username,
            challenge.realm,
            challenge.nonce,
            request.uri,
            "",
            challenge.algorithm,
            QOP_AUTH if with_qop else None,
            cnonce if with_qop else None,
            count if with_qop else None,
            challenge.opaque,
        )
        secret = ha1(self._username, challenge.realm, self._password, challenge.algorithm)
        return replace(unsigned, response=unsigned.expected(secret, request.method))


def strongest(values: list[str]) -> Challenge | None:
    """The challenge to answer: of those that we speak, the one of the strongest algorithm; of
    equals the first, since the server prefers it (RFC 8760 §2.4)."""
    spoken: list[Challenge] = []
    for value in values[:CHALLENGES_MAX]:
        try:
            challenge = Challenge.parse(value)
        except GrammarError:
            continue
        if challenge is None or challenge.algorithm is None:
            continue
        if not challenge.qop or QOP_AUTH in challenge.qop:
            spoken.append(challenge)
    return max(spoken, key=_strength, default=None)


def _strength(challenge: Challenge) -> int:
    assert challenge.algorithm is not None
    return challenge.algorithm.strength


def given(request: SipRequest, answering: str, realm: str) -> Credentials | None:
    """The credentials for a realm that a request of ours holds."""
    for value in request.headers.get_all(answering):
        credentials = Credentials.parse(value)
        if credentials is not None and credentials.realm == realm:
            return credentials
    return None


def _with(headers: Headers, answering: str, realm: str, credentials: Credentials) -> Headers:
    """In the place of those for the same realm; those for others stay."""
    others = [
        value
        for value in headers.get_all(answering)
        if (parsed := Credentials.parse(value)) is None or parsed.realm != realm
    ]
    return headers.replacing(answering, *others, str(credentials))
