"""Parameters of a header value: `;name=value;flag` (RFC 3261 §7.3.1).

Names are read in lower case, since they compare without regard to it. Values stay as they are
written, a quoted string with its quotes, so that what is passed on is what was said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from gateway.sip.errors import GrammarError
from gateway.sip.grammar import QUOTED_STRING, TOKEN

# Nobody alters one that was read: it may be shared.
Parameters = Mapping[str, str | None]

# gen-value is a token, a host or a string; as a bare value any octet passes that separates nothing,
# since tags of "/" and "=" are seen.
BARE_VALUE = r'[^\s;,"<>]+'
# Parameters as nearly all are written: no space, no quotes.
PLAIN_PARAMETERS = rf"(?:;{TOKEN}(?:={BARE_VALUE})?)*"

_PLAIN = re.compile(PLAIN_PARAMETERS)
_PIECE = re.compile(";([^;=]+)(?:=([^;]+))?")
_PARAMETER = re.compile(
    rf"[ \t]*;[ \t]*({TOKEN})[ \t]*(?:=[ \t]*({QUOTED_STRING}|{BARE_VALUE})[ \t]*)?", re.DOTALL
)


def parse_parameters(text: str) -> Parameters:
    """`text` begins with the first semicolon. The first of two parameters of a name counts."""
    if _PLAIN.fullmatch(text):
        return plain_parameters(text)
    parameters: dict[str, str | None] = {}
    at = 0
    while at < len(text):
        match = _PARAMETER.match(text, at)
        if match is None:
            raise GrammarError("a parameter is malformed")
        parameters.setdefault(match[1].lower(), match[2])
        at = match.end()
    return parameters


def plain_parameters(text: str) -> Parameters:
    """Of what PLAIN_PARAMETERS has matched."""
    pieces = _PIECE.findall(text)
    parameters = {name.lower(): value or None for name, value in pieces}
    if len(parameters) < len(pieces):
        parameters = {}
        for name, value in pieces:
            parameters.setdefault(name.lower(), value or None)
    return parameters


def write_parameters(parameters: Parameters) -> str:
    return "".join(
        [f";{name}" if value is None else f";{name}={value}" for name, value in parameters.items()]
    )
