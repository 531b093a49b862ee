"""name-addr and addr-spec with parameters: From, To, Contact, Route (RFC 3261 §20.10, §25.1)."""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

from gateway.sip.errors import GrammarError
from gateway.sip.grammar import QUOTED_STRING, one_line, quote, unquote
from gateway.sip.parameters import (
    BARE_VALUE,
    PLAIN_PARAMETERS,
    Parameters,
    parse_parameters,
    plain_parameters,
    write_parameters,
)
from gateway.sip.uri import PLAIN_SIP_URI, SIP_URI, SipUri, Uri, parse_uri

# As nearly all are written; the other two read the rest.
_PLAIN = re.compile(rf'(?:"([^"\\]*)" ?|([A-Za-z0-9._+-]+) ?)?<{SIP_URI}>({PLAIN_PARAMETERS})')
# Well-formed, whatever else it says; its match has the tag, if there is one.
plain_address = re.compile(
    rf'(?:(?:"[^"\\]*"|[A-Za-z0-9._+-]+) ?)?<{PLAIN_SIP_URI}>(?:;tag=({BARE_VALUE}))?'
).fullmatch
# The same of a Contact; its match has the URI.
plain_contact = re.compile(rf"<({PLAIN_SIP_URI})>").fullmatch
# Unquoted, the display name is tokens; any character that separates nothing passes.
_NAME_ADDR = re.compile(
    rf'(?:({QUOTED_STRING})[ \t]*|([^"<>,;:@\\]*))<([^<>]*)>[ \t]*(;.*)?', re.DOTALL
)
# Without brackets, what follows ";" belongs to the header, and "?" and "," are not allowed (§20).
_ADDR_SPEC = re.compile(r'([^"<>,;?\s]+)[ \t]*(;.*)?', re.DOTALL)

_Q = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")
_SECONDS = re.compile("[0-9]{1,10}")
EXPIRES_S = 3_600
# Addresses that are kept, and how long one may be for that: 10 MB at most.
ADDRESSES_KEPT = 8_192
KEPT_LENGTH_MAX = 256
SECONDS_MAX = 2**32 - 1


class Address(msgspec.Struct, frozen=True, gc=False):
    """A URI, the name to show for it, and the parameters of its header."""

    uri: Uri
    display_name: str = ""
    parameters: Parameters = {}

    @classmethod
    def parse(cls, value: str) -> Address:
        """Those read last are kept: each message of a call has the same From, To and Contact."""
        return _kept(value) if len(value) <= KEPT_LENGTH_MAX else _parse(value)

    @property
    def tag(self) -> str | None:
        return self.parameters.get("tag")

    @property
    def expires_s(self) -> int | None:
        """For how long a Contact is to be bound; malformed ones mean 3600 (§20.10)."""
        value = self.parameters.get("expires", "")
        return None if value == "" else seconds(value)

    @property
    def q(self) -> float:
        """The preference of a Contact, of 0 to 1, and 1 where it has none (§20.10, §16.6)."""
        value = self.parameters.get("q") or ""
        return float(value) if _Q.fullmatch(value) else 1.0

    def tagged(self, tag: str) -> Address:
        return Address(self.uri, self.display_name, {**self.parameters, "tag": tag})

    def __str__(self) -> str:
        name = f"{quote(self.display_name)} " if self.display_name else ""
        return one_line(f"{name}<{self.uri}>{write_parameters(self.parameters)}")


def _parse(value: str) -> Address:
    if match := _PLAIN.fullmatch(value):
        name, token, *groups, parameters = match.groups()
        return Address(
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
    return Address(parse_uri(uri), name, parse_parameters(parameters) if parameters else {})


_kept = lru_cache(ADDRESSES_KEPT)(_parse)


def seconds(value: str | None) -> int:
    """delta-seconds of an Expires (§20.19)."""
    if value is None or _SECONDS.fullmatch(value) is None or int(value) > SECONDS_MAX:
        return EXPIRES_S
    return int(value)
