"""URIs: sip and sips (RFC 3261 §19.1), tel (RFC 3966), and any other as it is written."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

import msgspec
from sipmessage import grammar

from gateway.sip.errors import GrammarError
from gateway.sip.grammar import HOST, checked_host, one_line, port
from gateway.sip.parameters import Parameters, write_parameters

URI_MAX = 2_048

_ESCAPED = "%[0-9A-Fa-f]{2}"


def _production(characters: str) -> str:
    return f"(?:[{re.escape(characters)}]|{_ESCAPED})"


# "#" of the telephone's keypad is not in the grammar; phones send it.
_USER = _production(grammar.C_USER_SAFE + "#")
_PASSWORD = _production(grammar.C_PASSWORD_SAFE)
_PARAMETER = _production(grammar.C_URI_PARAM_SAFE)
_HEADER = _production(grammar.C_UNRESERVED + "[]/?:+$")
_SIP = re.compile(
    rf"(sips?):(?:({_USER}+)(?::({_PASSWORD}*))?@)?({HOST})(?::([0-9]{{1,5}}))?"
    rf"((?:;{_PARAMETER}+(?:={_PARAMETER}+)?)*)"
    rf"(?:\?({_HEADER}+={_HEADER}*(?:&{_HEADER}+={_HEADER}*)*))?",
    re.IGNORECASE,
)
_ABSOLUTE = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):([^\s<>\"]+)")


class SipUri(msgspec.Struct, frozen=True, gc=False):
    """sip or sips. `user` and `password` are kept with their escapes; `username` has none."""

    host: str
    user: str | None = None
    port: int | None = None
    parameters: Parameters = {}
    headers: tuple[tuple[str, str], ...] = ()
    password: str | None = None
    scheme: str = "sip"

    @classmethod
    def to(cls, username: str | None, host: str, port: int | None = None, **more: str) -> SipUri:
        """Of a user name without escapes; `more` are parameters."""
        user = None if username is None else quote(username, safe=grammar.C_USER_SAFE)
        return cls(host, user, port, dict(more))

    @property
    def username(self) -> str | None:
        return None if self.user is None else unquote(self.user)

    @property
    def transport(self) -> str | None:
        return self.parameters.get("transport")

    def __str__(self) -> str:
        user = ""
        if self.user is not None:
            user = self.user if self.password is None else f"{self.user}:{self.password}"
            user += "@"
        host = self.host if self.port is None else f"{self.host}:{self.port}"
        text = f"{self.scheme}:{user}{host}{write_parameters(self.parameters)}"
        if self.headers:
            text += "?" + "&".join(f"{name}={value}" for name, value in self.headers)
        return one_line(text)


class AbsoluteUri(msgspec.Struct, frozen=True, gc=False):
    """A URI of another scheme: well-formed, and nothing we could send to (§8.2.2.1)."""

    scheme: str
    rest: str

    def __str__(self) -> str:
        return one_line(f"{self.scheme}:{self.rest}")


Uri = SipUri | AbsoluteUri


def parse_uri(text: str) -> Uri:
    if len(text) > URI_MAX:
        raise GrammarError("the URI is too long")
    match = _SIP.fullmatch(text)
    if match is None:
        return _other(text)
    scheme, user, password, host, digits, parameters, headers = match.groups()
    return SipUri(
        checked_host(host),
        user,
        port(digits),
        _parameters(parameters) if parameters else {},
        _headers(headers) if headers else (),
        password,
        scheme.lower(),
    )


def _other(text: str) -> Uri:
    match = _ABSOLUTE.fullmatch(text)
    if match is None or match[1].lower() in ("sip", "sips"):
        raise GrammarError("the URI is malformed")
    return AbsoluteUri(match[1].lower(), match[2])


def _parameters(text: str) -> Parameters:
    """Without a second of a name, which may not be (§19.1.1)."""
    parameters: Parameters = {}
    for piece in text[1:].split(";"):
        name, equals, value = piece.partition("=")
        if parameters.setdefault(name.lower(), value if equals else None) != (
            value if equals else None
        ):
            raise GrammarError("a parameter of the URI comes twice")
    return parameters


def _headers(text: str) -> tuple[tuple[str, str], ...]:
    pairs = (piece.partition("=") for piece in text.split("&"))
    return tuple((name, value) for name, _, value in pairs)
