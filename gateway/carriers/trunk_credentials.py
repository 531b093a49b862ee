"""What we show a carrier that asks who we are, for a call (RFC 3261 §22.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gateway.sip.digest_client import ANSWERED_BY, DigestClient
from gateway.sip.headers import Field
from gateway.sip.message import SipRequest, SipResponse


class CallCredentials:
    """Of one call, so that the nonces of calls that stand side by side do not meet."""

    __slots__ = ("_digest", "_new_token")

    def __init__(self, username: str, password: str, new_token: Callable[[], str]) -> None:
        self._digest = DigestClient(username, password)
        self._new_token = new_token

    def __call__(self, request: SipRequest, response: SipResponse) -> Iterable[Field] | None:
        """The headers of the next try; None where another would be in vain."""
        answered = self._digest.answer(request, response, self._new_token())
        if answered is None:
            return None
        names = {answering for _, answering in ANSWERED_BY.values()}
        return [field for field in answered.headers if field[0] in names]
