"""The INVITE in a carrier's way of writing: whom we call, and who calls (RFC 3261 §8.1.1, RFC 3323,
RFC 3325, RFC 5806)."""

from __future__ import annotations

from urllib.parse import quote

from sipmessage import grammar

from gateway.call import Call
from gateway.carriers.trunk_numbers import dialed, to_carrier
from gateway.config.trunk import CallerIdentity, CarrierTrunk, SipTransport
from gateway.sip.address import Address
from gateway.sip.headers import Field
from gateway.sip.outgoing_leg import Invitation
from gateway.sip.uri import SipUri

# RFC 3323 §4.1.1.3.
ANONYMOUS = '"Anonymous" <sip:anonymous@anonymous.invalid>'


def invitation(call: Call, trunk: CarrierTrunk, our_host: str) -> Invitation:
    """All but the session. `our_host` stands in From where the trunk has no `from_domain`."""
    whom = dialed(call.called, trunk.numbers)
    who = to_carrier(call.caller, trunk.numbers)
    domain = trunk.from_domain or our_host
    asserted = trunk.identity is CallerIdentity.ASSERTED
    headers: list[Field] = []
    if asserted:
        headers.append(("P-Asserted-Identity", f"<{_uri(who, domain)}>"))
    if call.private:
        headers.append(("Privacy", "id"))
    if call.diversion:
        by = to_carrier(call.diversion, trunk.numbers)
        headers.append(("Diversion", f"<{_uri(by, domain)}>;reason=unconditional"))
    return Invitation(
        target(whom, trunk),
        ANONYMOUS if call.private else f"<{_uri(who, domain)}>",
        f"<{_uri(whom, host_and_port(trunk))}>",
        tuple(headers),
    )


def target(user: str, trunk: CarrierTrunk) -> str:
    """A Request-URI there: of a user, or of the carrier itself."""
    uri = _uri(user, host_and_port(trunk)) if user else f"sip:{host_and_port(trunk)}"
    return uri if trunk.transport is SipTransport.UDP else f"{uri};transport={trunk.transport}"


def host_and_port(trunk: CarrierTrunk) -> str:
    host = f"[{trunk.host}]" if ":" in trunk.host and trunk.host[0] != "[" else trunk.host
    return f"{host}:{trunk.port}" if trunk.port else host


def _uri(user: str, host: str) -> str:
    """With user=phone where it is a global number (RFC 3261 §19.1.6)."""
    digits = user.removeprefix("+")
    if not (digits.isascii() and digits.isalnum()):  # As all numbers are.
        user = quote(user, safe=grammar.C_USER_SAFE)
    uri = f"sip:{user}@{host}"
    return f"{uri};user=phone" if user.startswith("+") else uri


def host_of(contact: str) -> str:
    """The host by which a peer reaches us, out of our Contact."""
    uri = Address.parse(contact).uri
    assert isinstance(uri, SipUri)
    return uri.host
