"""Who a request says is calling: From, what a trusted peer asserts or prefers, whether it wants to
stay private, and on whose behalf a call is passed on (RFC 3261 §20.20, RFC 3323, RFC 3325, RFC
5806)."""

from __future__ import annotations

import msgspec

from gateway.sip.address import Address
from gateway.sip.errors import GrammarError
from gateway.sip.message import SipRequest
from gateway.sip.uri import SipUri, Uri

# Of each header so many elements are looked at.
ELEMENTS_MAX = 4
# The priv-values that hide who calls (RFC 3323 §4.2, RFC 3325 §9.3).
HIDING = frozenset({"id", "user", "header"})


class CallerIdentity(msgspec.Struct, frozen=True):
    """`asserted` before `from_` says who calls, where the peer is trusted to say so."""

    from_: Uri
    asserted: tuple[Uri, ...]
    diversions: tuple[Uri, ...]
    private: bool

    @classmethod
    def of(cls, request: SipRequest) -> CallerIdentity:
        """Raises GrammarError where From cannot be read; what else cannot be read is not there."""
        from_ = request.from_.uri
        return cls(
            from_,
            _uris(request, "P-Asserted-Identity") or _uris(request, "P-Preferred-Identity"),
            _uris(request, "Diversion"),
            _wants_privacy(request) or _is_anonymous(from_),
        )


def _uris(request: SipRequest, name: str) -> tuple[Uri, ...]:
    if name not in request.headers:
        return ()
    try:
        elements = request.headers.elements(name)[:ELEMENTS_MAX]
        return tuple(Address.parse(element).uri for element in elements)
    except GrammarError:
        return ()


def _wants_privacy(request: SipRequest) -> bool:
    values = request.headers.get_all("Privacy")[:ELEMENTS_MAX]
    return any(
        value.strip(" \t").lower() in HIDING for values_ in values for value in values_.split(";")
    )


def _is_anonymous(uri: Uri) -> bool:
    """RFC 3323 §4.1.1.3; some leave the domain as it is."""
    return isinstance(uri, SipUri) and (
        uri.host == "anonymous.invalid" or (uri.user or "").lower() == "anonymous"
    )
