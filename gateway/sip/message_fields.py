"""The header fields of a message as values, read once and kept (RFC 3261 §20).

Those that every message must have `gateway.sip.parser.parse` reads, so that of a parsed message
they do not raise; of the others each may raise GrammarError, whose answer is 400.
"""

from __future__ import annotations

from typing import Final

from gateway.sip.address import Address, plain_contact, seconds
from gateway.sip.cseq import CSeq
from gateway.sip.errors import GrammarError
from gateway.sip.headers import Headers
from gateway.sip.via import Via, parse_vias

SDP: Final = "application/sdp"
MAX_FORWARDS_MAX = 255
INTEGER_MAX = 2**32 - 1
DIGITS_MAX = 20
# Lengths and hops as nearly all messages have them.
USUAL_NUMBERS: dict[str | None, int | None] = {str(n): n for n in range(2_048)} | {None: None}


class MessageFields:
    """Of a request or a response, with its body."""

    __slots__ = (
        "_contacts",
        "_from",
        "_target",
        "_to",
        "_via",
        "body",
        "headers",
    )

    headers: Headers
    body: bytes
    _via: Via | None
    _from: Address | None
    _to: Address | None
    _contacts: tuple[Address, ...] | None
    _target: str | None

    # Views

    @property
    def via(self) -> Via:
        """The topmost."""
        via = self._via
        if via is None:
            value = self.required("Via")
            self._via = via = parse_vias(value)[0] if "," in value else Via.parse(value)
        return via

    @property
    def vias(self) -> list[Via]:
        """All of them, the topmost first."""
        return [via for value in self.headers.get_all("Via") for via in parse_vias(value)]

    @property
    def branch(self) -> str | None:
        return self.via.parameters.get("branch")

    @property
    def cseq(self) -> CSeq:
        return CSeq.parse(self.required("CSeq"))

    @property
    def call_id(self) -> str:
        call_id = self.required("Call-ID")
        if not call_id or " " in call_id or "\t" in call_id:
            raise GrammarError("Call-ID is malformed")
        return call_id

    @property
    def from_(self) -> Address:
        if self._from is None:
            self._from = Address.parse(self.required("From"))
        return self._from

    @property
    def to(self) -> Address:
        if self._to is None:
            self._to = Address.parse(self.required("To"))
        return self._to

    @property
    def to_tag(self) -> str | None:
        return self.to.parameters.get("tag")

    @property
    def from_tag(self) -> str | None:
        return self.from_.parameters.get("tag")

    @property
    def contacts(self) -> tuple[Address, ...]:
        """Empty also for `Contact: *`, which `contact_is_star` tells."""
        contacts = self._contacts
        if contacts is None:
            self._contacts = contacts = self._read_contacts()
        return contacts

    def _read_contacts(self) -> tuple[Address, ...]:
        elements = self.headers.elements("Contact")
        if "*" in elements:
            if len(elements) > 1:
                raise GrammarError("Contact is * and something else")
            return ()
        return tuple([Address.parse(element) for element in elements])

    @property
    def content_length(self) -> int | None:
        return self.integer("Content-Length")

    @property
    def contact_is_star(self) -> bool:
        """All bindings are meant (§10.2.2)."""
        return self.headers.first.get("Contact") == "*"

    @property
    def contact(self) -> Address | None:
        """The only one, as in a dialog; None where there is none."""
        contacts = self.contacts
        return contacts[0] if contacts else None

    @property
    def has_plain_contact(self) -> bool:
        """It has one at most, and as nearly all are written."""
        headers = self.headers
        contact = headers.first.get("Contact")
        return not headers.repeats and (contact is None or plain_contact(contact) is not None)

    def target(self) -> str | None:
        """The URI of the only Contact, as in a dialog; None where there is none."""
        target = self._target
        if target is None:
            headers = self.headers
            plain = None if headers.repeats else plain_contact(headers.first.get("Contact", ""))
            if plain:
                target = plain[1]
            else:
                contacts = self.contacts
                target = str(contacts[0].uri) if contacts else ""
            self._target = target
        return target or None

    @property
    def routes(self) -> tuple[Address, ...]:
        return tuple(map(Address.parse, self.headers.elements("Route")))

    @property
    def record_routes(self) -> tuple[Address, ...]:
        return tuple(map(Address.parse, self.headers.elements("Record-Route")))

    @property
    def max_forwards(self) -> int | None:
        return self.integer("Max-Forwards", MAX_FORWARDS_MAX)

    @property
    def expires_s(self) -> int | None:
        """Malformed ones mean 3600 (§20.10)."""
        value = self.headers.first.get("Expires")
        return None if value is None else seconds(value)

    @property
    def content_type(self) -> str | None:
        """In lower case, without parameters."""
        value = self.headers.first.get("Content-Type")
        if value is None or value == SDP:
            return value
        return value.partition(";")[0].strip(" \t").lower()

    def integer(self, name: str, maximum: int = INTEGER_MAX) -> int | None:
        """The value of a header of digits; None where there is none."""
        value = self.headers.first.get(name)
        if value is None:
            return None
        number = USUAL_NUMBERS.get(value)
        if number is None:
            # "²" is a digit for isdigit, "2" of another alphabet one for int: so isascii.
            digits = len(value) <= DIGITS_MAX and value.isdigit() and value.isascii()
            number = int(value) if digits else INTEGER_MAX + 1
        if number > maximum:
            raise GrammarError(f"{name} is not a number up to {maximum}")
        return number

    def options(self, name: str) -> frozenset[str]:
        """The option tags of Require, Supported …, in lower case (§19.2)."""
        return frozenset(map(str.lower, self.headers.elements(name)))

    def required(self, name: str) -> str:
        value = self.headers.first.get(name)
        if not value:
            raise GrammarError(f"there is no {name}")
        return value
