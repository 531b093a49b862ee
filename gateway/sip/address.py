"""name-addr and addr-spec with parameters: From, To, Contact, Route (RFC 3261 §20.10, §25.1)."""

from __future__ import annotations

import re

import msgspec

from gateway.sip.errors import GrammarError
from gateway.sip.grammar import QUOTED_STRING, one_line, quote, split_list, unquote
from gateway.sip.parameters import (
    PLAIN_PARAMETERS,
    Parameters,
    parse_parameters,
    plain_parameters,
    write_parameters,
)
from gateway.sip.uri import SIP_URI, SipUri, Uri, parse_uri

# As nearly all are written; the other two read the rest.
_PLAIN = re.compile(rf'(?:"([^"\\]*)" ?|([A-Za-z0-9._+-]+) ?)?<{SIP_URI}>({PLAIN_PARAMETERS})')
# Unquoted, the display name is tokens; any character that separates nothing passes.
_NAME_ADDR = re.compile(
    rf'(?:({QUOTED_STRING})|([^"<>,;:@\\]*))[ \t]*<([^<>]*)>[ \t]*(;.*)?', re.DOTALL
)
# Without brackets, what follows ";" belongs to the header, and "?" and "," are not allowed (§20).
_ADDR_SPEC = re.compile(r'([^"<>,;?\s]+)[ \t]*(;.*)?', re.DOTALL)


class Address(msgspec.Struct, frozen=True, gc=False):
    """A URI, the name to show for it, and the parameters of its header."""

    uri: Uri
    display_name: str = ""
    parameters: Parameters = {}

    @classmethod
    def parse(cls, value: str) -> Address:
        if match := _PLAIN.fullmatch(value):
            name, token, *groups, parameters = match.groups()
            return cls(
                SipUri.of_match(groups),
                name or token or "",
                plain_parameters(parameters) if parameters else {},
            )
        if match := _NAME_ADDR.fullmatch(value):
            name, token, uri, parameters = match.groups()
            name = unquote(name) if name is not None else " ".join(token.split())
        elif match := _ADDR_SPEC.fullmatch(value):
            (uri, parameters), name = match.groups(), ""
        else:
            raise GrammarError("the address is malformed")
        return cls(parse_uri(uri), name, parse_parameters(parameters) if parameters else {})

    @property
    def tag(self) -> str | None:
        return self.parameters.get("tag")

    def tagged(self, tag: str) -> Address:
        return Address(self.uri, self.display_name, {**self.parameters, "tag": tag})

    def __str__(self) -> str:
        name = f"{quote(self.display_name)} " if self.display_name else ""
        return one_line(f"{name}<{self.uri}>{write_parameters(self.parameters)}")


def parse_addresses(value: str) -> list[Address]:
    return [Address.parse(element) for element in split_list(value)]
