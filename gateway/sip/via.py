"""Via: where a request has been, and so the way of its response (RFC 3261 §20.42, RFC 3581)."""

from __future__ import annotations

import re

import msgspec

from gateway.sip.errors import GrammarError
from gateway.sip.grammar import (
    HOST,
    PLAIN_PORT,
    PORT_MAX,
    TOKEN,
    checked_host,
    one_line,
    port,
    split_list,
)
from gateway.sip.parameters import (
    BARE_VALUE,
    PLAIN_PARAMETERS,
    Parameters,
    parse_parameters,
    plain_parameters,
    write_parameters,
)

MAGIC_COOKIE = "z9hG4bK"
DEFAULT_PORT = {"TLS": 5061, "WSS": 443, "WS": 80}

# As most requests have it, and our own where it comes back.
_USUAL = re.compile(
    rf"SIP/2\.0/([A-Z]+) ([A-Za-z0-9_.-]+)(?::({PLAIN_PORT}))?;branch=({BARE_VALUE})"
    rf"(?:;(rport)(?:=({BARE_VALUE}))?)?(?:;received=({BARE_VALUE}))?"
)
# Its match has transport, host, port, branch, rport, its value, and received.
usual_via = _USUAL.fullmatch
# As nearly all are written; _VIA reads the others: spaces, strings, another version (which is
# answered with 505, and the answer finds its way by this Via).
_PLAIN = re.compile(rf"SIP/2\.0/([A-Z]+) ([A-Za-z0-9_.-]+)(?::([0-9]{{1,5}}))?({PLAIN_PARAMETERS})")
_VIA = re.compile(
    rf"SIP[ \t]*/[ \t]*{TOKEN}[ \t]*/[ \t]*({TOKEN})[ \t]+({HOST})"
    r"[ \t]*+(?::[ \t]*([0-9]{1,5})[ \t]*+)?(;.*)?",
    re.IGNORECASE | re.DOTALL,
)
_PORT = re.compile("[0-9]{1,5}")


class Via(msgspec.Struct, frozen=True, gc=False):
    """One hop. `port` is None where sent-by names none; IPv6 hosts are in brackets."""

    transport: str
    host: str
    port: int | None = None
    parameters: Parameters = {}

    @classmethod
    def parse(cls, value: str) -> Via:
        if match := usual_via(value):
            return cls.usual(match)
        if match := _PLAIN.fullmatch(value):
            transport, host, digits, parameters = match.groups()
            return cls(
                transport,
                host,
                port(digits) if digits else None,
                plain_parameters(parameters) if parameters else {},
            )
        match = _VIA.fullmatch(value)
        if match is None:
            raise GrammarError("Via is malformed")
        transport, host, digits, parameters = match.groups()
        return cls(
            transport.upper(),
            checked_host(host),
            port(digits) if digits else None,
            parse_parameters(parameters) if parameters else {},
        )

    @classmethod
    def usual(cls, match: re.Match[str]) -> Via:
        """Of what `usual_via` has found."""
        transport, host, digits, branch, rport, value_of_rport, received = match.groups()
        parameters: dict[str, str | None] = {"branch": branch}
        if rport:
            parameters["rport"] = value_of_rport
        if received:
            parameters["received"] = received
        return cls(transport, host, int(digits) if digits else None, parameters)

    @property
    def branch(self) -> str | None:
        return self.parameters.get("branch")

    @property
    def has_magic_cookie(self) -> bool:
        """The branch is unique as RFC 3261 asks (§8.1.1.7), not an RFC 2543 one."""
        branch = self.parameters.get("branch") or ""
        return branch[7:] != "" and (branch[:7] == MAGIC_COOKIE or branch[:7].lower() == "z9hg4bk")

    @property
    def sent_by(self) -> tuple[str, int]:
        """Host in lower case and port, the transport's own where none is named (§18.1.1)."""
        return self.host.lower(), self.port or DEFAULT_PORT.get(self.transport, 5060)

    @property
    def received(self) -> str | None:
        return self.parameters.get("received")

    @property
    def wants_rport(self) -> bool:
        """rport without a value: "tell me the port you saw" (RFC 3581 §3)."""
        return self.parameters.get("rport", "") is None

    @property
    def rport(self) -> int | None:
        """The port that the server saw (RFC 3581 §4)."""
        value = self.parameters.get("rport")
        if value is None or _PORT.fullmatch(value) is None:
            return None
        return int(value) if 0 < int(value) <= PORT_MAX else None

    def stamped(self, address: str, source_port: int) -> Via:
        """As the server's transport marks it (§18.2.1, RFC 3581 §4): received where the source is
        not sent-by or rport is asked for, and rport's value."""
        parameters = self.parameters
        wants_rport = parameters.get("rport", "") is None
        if not wants_rport and address == self.host.strip("[]").lower():
            return self
        marks = {"received": address}
        if wants_rport:
            marks["rport"] = str(source_port)
        return Via(self.transport, self.host, self.port, {**parameters, **marks})

    def __str__(self) -> str:
        host = self.host if self.port is None else f"{self.host}:{self.port}"
        return one_line(f"SIP/2.0/{self.transport} {host}{write_parameters(self.parameters)}")


def parse_vias(value: str) -> list[Via]:
    """A Via header value may hold several, the topmost first."""
    return [Via.parse(element) for element in split_list(value)]
