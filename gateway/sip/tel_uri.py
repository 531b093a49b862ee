"""Telephone numbers in URIs: tel (RFC 3966), and the user part of sip (RFC 3261 §19.1.6)."""

from __future__ import annotations

import re

import msgspec
from sipmessage import grammar

from gateway.sip.errors import GrammarError, ValueRefused
from gateway.sip.grammar import one_line
from gateway.sip.parameters import Parameters, write_parameters

E164_DIGITS_MAX = 15

_VALUE = f"(?:[{re.escape(grammar.C_URI_PARAM_SAFE)}]|%[0-9A-Fa-f]{{2}})+"
_SUBSCRIBER = re.compile(
    r"((?:\+(?=[.()-]*[0-9])[0-9.()-]+|(?=[.()-]*[0-9A-Fa-f*#])[0-9A-Fa-f*#.()-]+))"
    rf"((?:;[A-Za-z0-9-]+(?:={_VALUE})?)*)"
)
_SEPARATORS = str.maketrans("", "", "-.()")
_E164 = re.compile(rf"\+[1-9][0-9]{{0,{E164_DIGITS_MAX - 1}}}")
_FIRST = ("isub", "ext", "phone-context")


class TelUri(msgspec.Struct, frozen=True, gc=False):
    """A telephone-subscriber: `number` without visual separators, "+" before a global one.

    A local number means something within its phone-context only (§5.1.5): a prefix or a domain,
    which says where the number is valid, and not what to put before it.
    """

    number: str
    parameters: Parameters = {}

    @classmethod
    def parse(cls, subscriber: str) -> TelUri:
        """What follows `tel:`, or stands in the user part of a sip URI."""
        match = _SUBSCRIBER.fullmatch(subscriber)
        if match is None:
            raise GrammarError("the telephone number is malformed")
        parameters: dict[str, str | None] = {}
        for piece in match[2][1:].split(";") if match[2] else ():
            name, equals, value = piece.partition("=")
            name = name.lower()
            if name in parameters:
                raise GrammarError("a parameter of the telephone number comes twice")
            parameters[name] = value if equals else None
        return cls(match[1].translate(_SEPARATORS), parameters)

    @classmethod
    def of_e164(cls, number: str) -> TelUri:
        return cls(checked_e164(number))

    @property
    def scheme(self) -> str:
        return "tel"

    @property
    def phone_context(self) -> str | None:
        return self.parameters.get("phone-context")

    @property
    def extension(self) -> str | None:
        return self.parameters.get("ext")

    @property
    def e164(self) -> str | None:
        """The number as E.164 has it, "+" and at most 15 digits; None for any other."""
        return self.number if _E164.fullmatch(self.number) else None

    @property
    def subscriber(self) -> str:
        """As it stands in the user part of a sip URI, its parameters in the order of §3."""
        first = {name: self.parameters[name] for name in _FIRST if name in self.parameters}
        rest = {name: self.parameters[name] for name in sorted(self.parameters)}
        return self.number + write_parameters(first | rest)

    def matches(self, other: object) -> bool:
        """The comparison of RFC 3966 §4."""
        return isinstance(other, TelUri) and self._comparable() == other._comparable()

    def _comparable(self) -> tuple[str, dict[str, str | None]]:
        values = {name: _comparable(name, value) for name, value in self.parameters.items()}
        return self.number.lower(), values

    def __str__(self) -> str:
        return one_line(f"tel:{self.subscriber}")


def checked_e164(number: str) -> str:
    if _E164.fullmatch(number) is None:
        raise ValueRefused("the number is not E.164")
    return number


def _comparable(name: str, value: str | None) -> str | None:
    """Separators mean nothing in a number, and belong to a domain."""
    if value is None:
        return None
    is_number = name == "ext" or (name == "phone-context" and value[0] == "+")
    return (value.translate(_SEPARATORS) if is_number else value).lower()
