"""Whether a request can be served at all, before anyone looks at what it asks for (RFC 3261 §8.2,
§16.3), and whether a response is for us (§8.1.3.3). Pure: a request to its refusal, or to None.
"""

from __future__ import annotations

import msgspec

from gateway.sip.errors import GrammarError
from gateway.sip.headers import Field
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.message_fields import SDP
from gateway.sip.methods import METHODS
from gateway.sip.multipart import is_multipart, parts
from gateway.sip.reasons import reason_of
from gateway.sip.uri import AbsoluteUri, SipUri


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """The answer to a request: status, reason and the headers that say more."""

    status: int
    text: str
    headers: tuple[Field, ...] = ()

    @property
    def reason(self) -> str:
        return reason_of(self.status)

    def response(self, request: SipRequest, to_tag: str | None = None) -> SipResponse:
        return request.response(self.status, self.reason, to_tag=to_tag, headers=self.headers)


class Abilities(msgspec.Struct, frozen=True, gc=False):
    """What this element understands: methods, option tags, and the types of bodies for each method
    that may have one (a method that is not here takes any)."""

    methods: tuple[str, ...]
    extensions: frozenset[str] = frozenset()
    body_types: dict[str, tuple[str, ...]] = {}


MIXED = "multipart/mixed"
_BODIES = (SDP, MIXED)
# A B2BUA for calls, with a registrar.
B2BUA = Abilities(
    methods=(
        "INVITE",
        "ACK",
        "CANCEL",
        "BYE",
        "OPTIONS",
        "REGISTER",
        "PRACK",
        "UPDATE",
        "INFO",
        "REFER",
        "NOTIFY",
    ),
    extensions=frozenset({"100rel", "timer", "path"}),
    body_types={"INVITE": _BODIES, "ACK": _BODIES, "PRACK": _BODIES, "UPDATE": _BODIES},
)


def check(request: SipRequest, abilities: Abilities = B2BUA) -> Refusal | None:
    """In the order of §8.2: method, header fields, extensions, body; then what a proxy looks at.

    Headers of which nothing is asked here are not read, whatever they hold (§8.2.2): Date, say. An
    ACK may be refused like any other, and is then dropped: it has no answer.
    """
    if request.method not in abilities.methods:
        # §8.2.1; RFC 4475 §3.1.1.2 wants them listed with 501 too.
        allow = (("Allow", ", ".join(abilities.methods)),)
        if request.method in METHODS:
            return Refusal(405, "the method is not for this element", allow)
        return Refusal(501, "the method is unknown", allow)
    try:
        return (
            _check_uri(request)
            or _check_headers(request)
            or _check_extensions(request, abilities)
            or _check_body(request, abilities)
            or _check_hops(request)
        )
    except GrammarError as error:
        return Refusal(400, str(error))


def check_response(response: SipResponse) -> str | None:
    """Why a response is to be dropped, or None (§8.1.3.3; RFC 4475 §3.3.10: it would be sent on to
    a broadcast address)."""
    try:
        headers = response.headers
        several = headers.repeats or "," in headers.first.get("Via", "")
        if several and len(response.vias) > 1:
            return "the response has more than our Via"
        if 100 < response.status < 300 and response.cseq[1] == "INVITE":
            response.target()
            if "Record-Route" in headers.first:
                assert response.record_routes is not None
    except GrammarError as error:
        return str(error)
    return None


def _check_uri(request: SipRequest) -> Refusal | None:
    """§8.2.2.1; a registrar's address-of-record is a SIP URI (§10.3, RFC 4475 §3.3.4)."""
    if request.uri[:4] != "sip:" and isinstance(request.request_uri, AbsoluteUri):
        return Refusal(416, "the scheme of the Request-URI is unknown")
    if request.method == "REGISTER" and not isinstance(request.to.uri, SipUri):
        return Refusal(400, "the address-of-record is no SIP URI")
    return None


def _check_headers(request: SipRequest) -> Refusal | None:
    """Those that make a dialog or a binding can be read."""
    first = request.headers.first
    if "Route" in first:
        assert request.routes is not None
    if "Record-Route" in first:
        assert request.record_routes is not None
    if request.has_plain_contact:
        return None
    contacts = request.contacts
    if (
        not contacts
        and request.contact_is_star
        and not (request.method == "REGISTER" and request.expires_s == 0)
    ):
        return Refusal(400, "Contact is * where Expires is not 0")  # §10.3 step 6
    if request.method == "INVITE" and len(contacts) > 1:
        return Refusal(400, "an INVITE has one Contact")  # §8.1.1.8
    return None


def _check_extensions(request: SipRequest, abilities: Abilities) -> Refusal | None:
    """§8.2.2.3: not in a CANCEL, nor in an ACK to a 2xx. Proxy-Require is not for a UAS."""
    if "Require" not in request.headers.first or request.method in ("ACK", "CANCEL"):
        return None
    required = request.headers.elements("Require")
    unknown = [tag for tag in required if tag.lower() not in abilities.extensions]
    if not unknown:
        return None
    return Refusal(420, "an extension is unknown", (("Unsupported", ", ".join(unknown)),))


def _check_body(request: SipRequest, abilities: Abilities) -> Refusal | None:
    """§8.2.3; and what the answer may hold has to be something we can say (RFC 4475 §3.3.15)."""
    types = abilities.body_types.get(request.method)
    if types is None:
        return None
    if request.body and not _is_known(request, types):
        if _may_be_ignored(request):
            return None
        return Refusal(415, "the body is of a type unknown", (("Accept", ", ".join(types)),))
    if request.method == "INVITE" and not _accepts(request, SDP):
        return Refusal(406, "no answer in SDP is accepted", (("Accept", ", ".join(types)),))
    return None


def _check_hops(request: SipRequest) -> Refusal | None:
    """§16.3 step 3. What is for this element itself needs no hop more: REGISTER, CANCEL, and an
    OPTIONS whose Request-URI names no user (§11)."""
    if request.max_forwards != 0 or request.method in ("ACK", "CANCEL", "REGISTER"):
        return None
    uri = request.request_uri
    if request.method == "OPTIONS" and isinstance(uri, SipUri) and uri.user is None:
        return None
    return Refusal(483, "Max-Forwards is 0")


def _accepts(request: SipRequest, wanted: str) -> bool:
    """No Accept means SDP (§20.1)."""
    if "Accept" not in request.headers.first:
        return True
    ranges = {
        element.partition(";")[0].strip(" \t").lower()
        for element in request.headers.elements("Accept")
    }
    return not ranges.isdisjoint({wanted, f"{wanted.partition('/')[0]}/*", "*/*"})


def _is_known(request: SipRequest, types: tuple[str, ...]) -> bool:
    """Of several parts, which may be mixed in any way (RFC 5621 §3), each that is required."""
    kind = request.content_type
    if _is_encoded(request):
        return False
    if kind is None or kind == SDP or not is_multipart(kind) or MIXED not in types:
        return kind in types
    found = parts(request.required("Content-Type"), request.body)
    return all([part.is_session or not part.is_required for part in found])


def _is_encoded(request: SipRequest) -> bool:
    return (request.headers.first.get("Content-Encoding") or "identity").lower() != "identity"


def _may_be_ignored(request: SipRequest) -> bool:
    """Content-Disposition says so (§20.11)."""
    disposition = request.headers.get("Content-Disposition") or ""
    return "handling=optional" in disposition.replace(" ", "").lower()
