"""Where a customer is called: its trunk's uri, or the places where its phone is registered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from ipaddress import ip_address

import msgspec

from gateway.sip.transaction import Destination
from gateway.sip.uri import SipUri, parse_uri
from gateway.sip.via import DEFAULT_PORT
from gateway.voice.customers import Customer
from gateway.voice.registrar import Registrar

# Of one call so many places are tried at most.
TARGETS_MAX = 8
URIS_KEPT_MAX = 4_096


class CallTarget(msgspec.Struct, frozen=True):
    """One place: the Request-URI, where to send it, and the Route there. `name` is that of the
    attempt: `trunk/<id>` or `phone/<username>`."""

    name: str
    uri: str
    destination: Destination
    routes: tuple[str, ...] = ()


class CallTargets:
    """`located` holds where the names in trunks' uris lead, by the uri, as its owner looks them up;
    a uri of an address needs no look-up."""

    def __init__(
        self, registrar: Registrar, located: Mapping[str, Sequence[Destination]] | None = None
    ) -> None:
        self._registrar = registrar
        self._located = {} if located is None else located

    def of(self, customers: Iterable[Customer], called: str, now: float) -> tuple[CallTarget, ...]:
        """The best first; none where nobody is registered."""
        targets: list[CallTarget] = []
        for customer in customers:
            if customer.trunk is not None:
                targets += self._of_trunk(customer, customer.trunk.uri, called)
            else:
                targets += self._of_phone(customer, now)
        return tuple(targets[:TARGETS_MAX])

    def _of_trunk(self, customer: Customer, text: str, called: str) -> list[CallTarget]:
        uri, addressed = _read(text)
        ruri = uri if uri.user is not None else msgspec.structs.replace(uri, user=called)
        places = self._located.get(text) or addressed
        return [CallTarget(customer.id, str(ruri), place) for place in places]

    def _of_phone(self, customer: Customer, now: float) -> list[CallTarget]:
        assert customer.phone is not None
        return [
            CallTarget(customer.id, str(one.uri), one.destination, one.path)
            for one in self._registrar.lookup(customer.phone.username, now)
        ]


@lru_cache(maxsize=URIS_KEPT_MAX)
def _read(text: str) -> tuple[SipUri, tuple[Destination, ...]]:
    """The uri of a trunk, and where it leads without a look-up."""
    uri = parse_uri(text)
    assert isinstance(uri, SipUri)
    return uri, destinations_of(uri)


def destinations_of(uri: SipUri) -> tuple[Destination, ...]:
    """Where it leads without a look-up: nowhere where its host is a name (RFC 3263 §4)."""
    try:
        address = ip_address(uri.address)
    except ValueError:
        return ()
    transport = "TLS" if uri.scheme == "sips" else (uri.transport or "udp").upper()
    port = uri.port or DEFAULT_PORT.get(transport, 5060)
    return (Destination(transport, str(address), port),)
