"""name-addr and addr-spec with parameters: From, To, Contact, Route (RFC 3261 §20.10, §25.1)."""

from __future__ import annotations

import re

import msgspec

from gateway.sip.errors import GrammarError
from gateway.sip.grammar import QUOTED_STRING, one_line, quote, split_list, unquote
from gateway.sip.parameters import Parameters, parse_parameters, write_parameters
from gateway.sip.uri import Uri, parse_uri

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
        if match := _NAME_ADDR.fullmatch(value):
            quoted, bare, uri, parameters = match.groups()
            name = unquote(quoted) if quoted is not None else " ".join(bare.split())
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
