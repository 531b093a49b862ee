"""URIs: sip and sips (RFC 3261 §19.1), tel, and any other as it is written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv6Address
from urllib.parse import quote, unquote

import msgspec
from sipmessage import grammar

from gateway.sip.errors import GrammarError
from gateway.sip.grammar import HOST, PLAIN_PORT, checked_host, one_line, port
from gateway.sip.parameters import Parameters, write_parameters
from gateway.sip.tel_uri import TelUri, checked_e164

URI_MAX = 2_048
# URIs that are kept, and how long one may be for that: 5 MB at most.
URIS_KEPT = 4_096
KEPT_LENGTH_MAX = 256

_ESCAPED = "%[0-9A-Fa-f]{2}"


def _run(characters: str) -> str:
    """One or more of these characters, or of escaped ones."""
    one = f"[{re.escape(characters)}]"
    return f"(?:{one}|{_ESCAPED}){one}*(?:{_ESCAPED}{one}*)*"


# "#" of the telephone's keypad is not in the grammar; phones send it.
_USER = _run(grammar.C_USER_SAFE + "#")
_PASSWORD = _run(grammar.C_PASSWORD_SAFE)
_PARAMETER = _run(grammar.C_URI_PARAM_SAFE)
_HEADER = _run(grammar.C_UNRESERVED + "[]/?:+$")
SIP_URI = (
    rf"([Ss][Ii][Pp][Ss]?):(?:({_USER})(?::({_PASSWORD})?)?@)?({HOST})(?::([0-9]{{1,5}}))?"
    rf"((?:;{_PARAMETER}(?:={_PARAMETER})?)*)"
    rf"(?:\?({_HEADER}=(?:{_HEADER})?(?:&{_HEADER}=(?:{_HEADER})?)*))?"
)

# As nearly all are written: what it matches is well-formed, and SipUri writes it the same.
PLAIN_SIP_URI = (
    r"sip:(?:[A-Za-z0-9+._~*!'()#-]+@)?[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?"
    rf"(?::(?:{PLAIN_PORT}))?(?:;(?:transport|user)=[A-Za-z]+)?"
)

_SIP = re.compile(SIP_URI)
plain_sip_uri = re.compile(PLAIN_SIP_URI).fullmatch
_ABSOLUTE = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):([^\s<>\"]+)")
# What may be escaped or not without a difference (§19.1.4): all but the reserved.
_SAME_ESCAPED = re.compile(_ESCAPED)
_RESERVED = frozenset(";/?:@&=+$,")
# A URI with one of these is another than one without (§19.1.4).
_TELLING = ("user", "ttl", "method", "maddr", "transport")


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
    def of_match(cls, groups: Sequence[str | None]) -> SipUri:
        """Of what SIP_URI has matched."""
        scheme, user, password, host, digits, parameters, headers = groups
        assert scheme is not None
        assert host is not None
        return cls(
            checked_host(host) if host[0] == "[" else host,
            user,
            port(digits) if digits else None,
            _parameters(parameters) if parameters else {},
            _headers(headers) if headers else (),
            password,
            scheme.lower(),
        )

    @classmethod
    def of_username(
        cls, username: str | None, host: str, port: int | None = None, **more: str
    ) -> SipUri:
        """Of a user name without escapes; `more` are parameters."""
        user = None if username is None else quote(username, safe=grammar.C_USER_SAFE)
        return cls(host, user, port, dict(more))

    @property
    def username(self) -> str | None:
        return None if self.user is None else unquote(self.user, errors="surrogateescape")

    @classmethod
    def of_e164(cls, number: str, host: str, port: int | None = None) -> SipUri:
        """`sip:+49…@host;user=phone` (§19.1.6)."""
        return cls(host, checked_e164(number), port, {"user": "phone"})

    @property
    def telephone(self) -> TelUri | None:
        """The number in the user part: where user=phone says that it is one, or it begins with
        "+" as a global number does (§19.1.6)."""
        user = self.username
        if not user or not (self.parameters.get("user") == "phone" or user[0] == "+"):
            return None
        try:
            return TelUri.parse(user)
        except GrammarError:
            return None

    @property
    def e164(self) -> str | None:
        """The number in the user part, if it is a global one."""
        telephone = self.telephone
        return None if telephone is None else telephone.e164

    @property
    def address(self) -> str:
        """The host as sockets want it: an IPv6 address without its brackets."""
        return self.host.strip("[]")

    @property
    def transport(self) -> str | None:
        """In lower case; None where the URI leaves the choice (RFC 3263 §4.1)."""
        transport = self.parameters.get("transport")
        return None if transport is None else transport.lower()

    @property
    def is_loose_router(self) -> bool:
        """The `lr` parameter (§19.1.1), also as the `lr=on` of old routers."""
        return "lr" in self.parameters

    def matches(self, other: Uri) -> bool:
        """The comparison of §19.1.4, which is not transitive and so is not `==`."""
        return (
            isinstance(other, SipUri)
            and self.scheme == other.scheme
            and _normal(self.user) == _normal(other.user)
            and _normal(self.password) == _normal(other.password)
            and _normal_host(self.host) == _normal_host(other.host)
            and self.port == other.port
            and _parameters_match(self.parameters, other.parameters)
            and _normal_headers(self.headers) == _normal_headers(other.headers)
        )

    def __str__(self) -> str:
        user = ""
        if self.user is not None:
            user = self.user if self.password is None else f"{self.user}:{self.password}"
            user += "@"
        host = self.host if self.port is None else f"{self.host}:{self.port}"
        text = f"{self.scheme}:{user}{host}"
        if self.parameters:
            text += write_parameters(self.parameters)
        if self.headers:
            text += "?" + "&".join(f"{name}={value}" for name, value in self.headers)
        return one_line(text)


class AbsoluteUri(msgspec.Struct, frozen=True, gc=False):
    """A URI of another scheme: well-formed, and nothing we could send to (§8.2.2.1)."""

    scheme: str
    rest: str

    def matches(self, other: Uri) -> bool:
        return self == other

    def __str__(self) -> str:
        return one_line(f"{self.scheme}:{self.rest}")


Uri = SipUri | TelUri | AbsoluteUri


def parse_uri(text: str) -> Uri:
    """Those read last are kept: each request within a dialog has the same Request-URI."""
    if len(text) > URI_MAX:
        raise GrammarError("the URI is too long")
    return _kept(text) if len(text) <= KEPT_LENGTH_MAX else _parse(text)


def _parse(text: str) -> Uri:
    match = _SIP.fullmatch(text)
    if match is not None:
        return SipUri.of_match(match.groups())
    match = _ABSOLUTE.fullmatch(text)
    if match is None or (scheme := match[1].lower()) in ("sip", "sips"):
        raise GrammarError("the URI is malformed")
    return TelUri.parse(match[2]) if scheme == "tel" else AbsoluteUri(scheme, match[2])


_kept = lru_cache(URIS_KEPT)(_parse)


def _parameters(text: str) -> Parameters:
    """By names in lower case and without needless escapes, none twice (§19.1.1)."""
    parameters: dict[str, str | None] = {}
    for piece in text[1:].split(";"):
        name, equals, value = piece.partition("=")
        name = (_normal(name) or "").lower()
        if name in parameters:
            raise GrammarError("a parameter of the URI comes twice")
        parameters[name] = value if equals else None
    return parameters


def _headers(text: str) -> tuple[tuple[str, str], ...]:
    pairs = [piece.partition("=") for piece in text.split("&")]
    return tuple([(name, value) for name, _, value in pairs])


def _normal(text: str | None) -> str | None:
    """With the escapes undone that make no difference, and the others in capitals."""
    return text if text is None or "%" not in text else _SAME_ESCAPED.sub(_unescaped, text)


def _unescaped(match: re.Match[str]) -> str:
    character = chr(int(match[0][1:], 16))
    return match[0].upper() if character in _RESERVED or character > "~" else character


def _normal_host(host: str) -> str:
    """A name in lower case; an IPv6 address in its one shortest form (RFC 5952)."""
    if host[0] != "[":
        return host.lower()
    return f"[{IPv6Address(host[1:-1]).compressed}]"


def _parameters_match(ours: Parameters, theirs: Parameters) -> bool:
    """Those in both must be the same; the telling ones must be in both; others are ignored."""
    if any((name in ours) != (name in theirs) for name in _TELLING):
        return False
    return all(_same_value(value, theirs[name]) for name, value in ours.items() if name in theirs)


def _same_value(one: str | None, other: str | None) -> bool:
    one, other = _normal(one), _normal(other)
    return (one and one.lower()) == (other and other.lower())


def _normal_headers(headers: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    """In any order (§19.1.4)."""
    return sorted((name.lower(), _normal(value) or "") for name, value in headers)
