"""The basic rules of the grammar (RFC 3261 §25.1): tokens, quoted strings, hosts, separators.

The sets of characters are `sipmessage`'s. Its value classes are not used: docs/decisions/0012 says
why.
"""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv6Address

from sipmessage import grammar

from gateway.sip.errors import GrammarError, ValueRefused

TOKEN = f"[{re.escape(grammar.C_TOKEN)}]+"
QUOTED_STRING = r'"[^"\\]*(?:\\.[^"\\]*)*"'
# A host name may hold "_", which the grammar has not but real names have, and its last label may
# begin with a digit.
HOST = r"(?:[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?\.?|\[[0-9A-Fa-f:.]+\])"
PORT_MAX = 65_535
# Nearly all that there are.
PLAIN_PORT = "[1-5][0-9]{4}|6[0-4][0-9]{3}|[1-9][0-9]{0,3}"

_TOKEN = re.compile(TOKEN)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_TO_QUOTE = re.compile(r'(["\\])')
# What has meaning to one who splits a list: a string, a URI in brackets, a separator.
_LIST_PIECE = re.compile(rf'{QUOTED_STRING}|<[^>]*>|[^"<,]+|,', re.DOTALL)


def is_token(text: str) -> bool:
    return _TOKEN.fullmatch(text) is not None


def quote(text: str) -> str:
    """`text` as a quoted-string."""
    return '"' + _TO_QUOTE.sub(r"\\\1", text) + '"'


def unquote(text: str) -> str:
    """What a quoted-string says; any other text is itself."""
    return _QUOTED_PAIR.sub(r"\1", text[1:-1]) if text[:1] == '"' else text


def split_list(value: str) -> list[str]:
    """The elements of a comma-separated header value; an empty one is an error (§7.3.1)."""
    if "," not in value:
        elements = [value.strip(" \t")]
    else:
        elements = [element.strip(" \t") for element in _pieces(value)]
    if "" in elements:
        raise GrammarError("an element of the list is empty")
    return elements


def _pieces(value: str) -> list[str]:
    if '"' not in value and "<" not in value:
        return value.split(",")
    pieces, at, start = [], 0, 0
    while at < len(value):
        match = _LIST_PIECE.match(value, at)
        if match is None:
            raise GrammarError("a quoted string or a bracket is not closed")
        if match.group() == ",":
            pieces.append(value[start:at])
            start = match.end()
        at = match.end()
    pieces.append(value[start:])
    return pieces


def checked_host(host: str) -> str:
    """The host, unless it is a reference to no IPv6 address."""
    if host[0] == "[":
        try:
            IPv6Address(host[1:-1])
        except AddressValueError as error:
            raise GrammarError("the IPv6 reference is no address") from error
    return host


def port(digits: str) -> int:
    number = int(digits)
    if not 0 < number <= PORT_MAX:
        raise GrammarError("the port is not of 1 to 65535")
    return number


def one_line(value: str) -> str:
    """The value, unless it would end its line and begin one of its own."""
    if "\r" in value or "\n" in value:
        raise ValueRefused("a value holds CR or LF")
    return value
