"""Where the phones of customers are reached (RFC 3261 §10.3; RFC 5626 §6 for those that name their
instance; RFC 3327 for those behind a proxy). Pure: a REGISTER and `now` in, its answer out.

A table of the phones of the configuration, each with `bindings_max` at most, so that it is bounded
by it: of one binding more the oldest goes.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from gateway.sip.address import Address
from gateway.sip.errors import GrammarError
from gateway.sip.headers import Field
from gateway.sip.message import SipRequest
from gateway.sip.next_hop import locate
from gateway.sip.sanity import Refusal
from gateway.sip.transaction import Destination
from gateway.sip.uri import SipUri, Uri

EXPIRES_S = 3_600
EXPIRES_S_MIN = 60
EXPIRES_S_MAX = 7_200
# Contacts of one REGISTER, and hops of its Path.
CONTACTS_MAX = 10
PATH_MAX = 4


class Binding(msgspec.Struct, frozen=True):
    """One place: its Contact, and the way there. `destination` names the connection that it came
    over, where it came over one. `instance` and `reg_id` tell its flow (RFC 5626 §4.2)."""

    uri: Uri
    destination: Destination
    expires_at: float
    q: float
    call_id: str
    cseq: int
    made_at: float
    path: tuple[str, ...] = ()
    instance: str = ""
    reg_id: str = ""

    def is_same(self, other: Binding) -> bool:
        """Of one flow, or of one URI (§10.2.4), the later replaces the earlier."""
        if self.instance and self.reg_id and self.flow == other.flow:
            return True
        return self.uri.matches(other.uri)

    @property
    def flow(self) -> tuple[str, str]:
        return self.instance, self.reg_id

    def contact(self, now: float) -> str:
        q = f";q={self.q:.3g}" if self.q < 1 else ""
        return f"<{self.uri}>{q};expires={max(0, round(self.expires_at - now))}"


class Registered(msgspec.Struct, frozen=True):
    """The headers of the 200: all bindings that stand now (§10.3 step 8). `changed`: some were
    added, taken away or moved."""

    headers: tuple[Field, ...]
    changed: bool


class Registrar:
    def __init__(
        self,
        expires_s: int = EXPIRES_S,
        expires_s_min: int = EXPIRES_S_MIN,
        expires_s_max: int = EXPIRES_S_MAX,
    ) -> None:
        self._expires_s = expires_s
        self._expires_s_min = expires_s_min
        self._expires_s_max = expires_s_max
        self._bindings: dict[str, list[Binding]] = {}
        # By connection, whose bindings it carries.
        self._aors: dict[int, set[str]] = {}

    def register(
        self, aor: str, bindings_max: int, request: SipRequest, source: Destination, now: float
    ) -> Registered | Refusal:
        """All of it is done, or nothing (§10.3 step 7)."""
        standing = self.lookup(aor, now)
        try:
            asked = self._asked(request, source, now)
            if isinstance(asked, Refusal):
                return asked
            if request.contact_is_star:
                asked = [msgspec.structs.replace(one, expires_at=now) for one in standing]
            if any(_is_overtaken(one, asked, request) for one in standing):
                return Refusal(500, "a later REGISTER of this Call-ID was served before")
        except GrammarError as error:
            return Refusal(400, str(error))
        kept = [one for one in standing if not any(new.is_same(one) for new in asked)]
        kept += [new for new in asked if new.expires_at > now]
        kept = sorted(kept, key=lambda one: one.made_at)[-bindings_max:]
        self._keep(aor, kept)
        return Registered(tuple(_headers(request, self.lookup(aor, now), now)), bool(asked))

    def lookup(self, aor: str, now: float) -> list[Binding]:
        """The preferred first, of equals the newest."""
        found = [one for one in self._bindings.get(aor, ()) if now < one.expires_at]
        return sorted(found, key=lambda one: (-one.q, -one.made_at))

    def forget(self, aor: str) -> None:
        """Whoever has registered there is not reached any more, until it registers anew."""
        self._keep(aor, [])

    def connection_lost(self, connection: int) -> None:
        """What came over it cannot be reached any more."""
        for aor in list(self._aors.get(connection, ())):
            left = [o for o in self._bindings[aor] if o.destination.connection != connection]
            self._keep(aor, left)

    def count(self, now: float) -> int:
        return sum(
            1 for aor in self._bindings for one in self._bindings[aor] if now < one.expires_at
        )

    def _asked(
        self, request: SipRequest, source: Destination, now: float
    ) -> list[Binding] | Refusal:
        """The bindings that it wants; those of no time are to go."""
        contacts = request.contacts
        if len(contacts) > CONTACTS_MAX:
            return Refusal(403, f"more than {CONTACTS_MAX} contacts")
        path = tuple(request.headers.elements("Path"))
        if len(path) > PATH_MAX:
            return Refusal(403, f"a Path of more than {PATH_MAX} hops")
        asked = []
        for contact in contacts:
            if not isinstance(contact.uri, SipUri):
                return Refusal(400, "a contact is no SIP URI")
            expires_s = _expires_s(contact, request, self._expires_s)
            if 0 < expires_s < self._expires_s_min:
                least = ("Min-Expires", str(self._expires_s_min))
                return Refusal(423, "the interval is too brief", (least,))
            expires_at = now + min(expires_s, self._expires_s_max)
            asked.append(_binding(contact, request, source, path, expires_at, now))
        return asked

    def _keep(self, aor: str, bindings: list[Binding]) -> None:
        for one in self._bindings.pop(aor, ()):
            connection = one.destination.connection
            aors = self._aors.get(connection)
            if aors is not None:
                aors.discard(aor)
                if not aors:
                    del self._aors[connection]
        if bindings:
            self._bindings[aor] = bindings
        for one in bindings:
            if one.destination.connection:
                self._aors.setdefault(one.destination.connection, set()).add(aor)


def _binding(
    contact: Address,
    request: SipRequest,
    source: Destination,
    path: tuple[str, ...],
    expires_at: float,
    now: float,
) -> Binding:
    """Behind a proxy, or a NAT, it is reached where the REGISTER came from."""
    behind = bool(path) or _is_behind_nat(contact.uri, request, source)
    return Binding(
        contact.uri,
        source if behind else locate(str(contact.uri), source),
        expires_at,
        contact.q,
        request.call_id,
        request.cseq.sequence,
        now,
        path,
        contact.parameters.get("+sip.instance") or "",
        contact.parameters.get("reg-id") or "",
    )


def _is_behind_nat(uri: Uri, request: SipRequest, source: Destination) -> bool:
    """Whether it believes to be (its Via) where it did not come from, and wants to be called
    there."""
    believed = request.via.host.strip("[]")
    return isinstance(uri, SipUri) and uri.address == believed and believed != source.host


def _expires_s(contact: Address, request: SipRequest, default_s: int) -> int:
    """Its own, else that of the request, else ours (§10.3 step 7)."""
    if contact.expires_s is not None:
        return contact.expires_s
    return default_s if request.expires_s is None else request.expires_s


def _is_overtaken(standing: Binding, asked: list[Binding], request: SipRequest) -> bool:
    """§10.3 steps 6 and 7: of one Call-ID a later CSeq has made the binding."""
    return (
        standing.call_id == request.call_id
        and standing.cseq >= request.cseq.sequence
        and any(new.is_same(standing) for new in asked)
    )


def _headers(request: SipRequest, bindings: list[Binding], now: float) -> Iterator[Field]:
    for one in bindings:
        yield "Contact", one.contact(now)
    if "path" in request.options("Supported"):
        for value in request.headers.get_all("Path"):
            yield "Path", value
