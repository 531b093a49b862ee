"""Parameters of a header value: `;name=value;flag` (RFC 3261 §7.3.1).

Names are read in lower case, since they compare without regard to it. Values stay as they are
written, a quoted string with its quotes, so that what is passed on is what was said.
"""

from __future__ import annotations

import re

from gateway.sip.errors import GrammarError
from gateway.sip.grammar import QUOTED_STRING, TOKEN

Parameters = dict[str, str | None]

# gen-value is a token, a host or a string; as a bare value any octet passes that separates nothing,
# since tags of "/" and "=" are seen.
_PARAMETER = re.compile(
    rf'[ \t]*;[ \t]*({TOKEN})[ \t]*(?:=[ \t]*({QUOTED_STRING}|[^\s;,"<>]+)[ \t]*)?', re.DOTALL
)


def parse_parameters(text: str) -> Parameters:
    """`text` begins with the first semicolon. The first of two parameters of a name counts."""
    parameters: Parameters = {}
    at = 0
    while at < len(text):
        match = _PARAMETER.match(text, at)
        if match is None:
            raise GrammarError("a parameter is malformed")
        parameters.setdefault(match[1].lower(), match[2])
        at = match.end()
    return parameters


def write_parameters(parameters: Parameters) -> str:
    return "".join(
        f";{name}" if value is None else f";{name}={value}" for name, value in parameters.items()
    )
