"""The digest scheme in SIP (RFC 3261 §22.4, RFC 7616, RFC 8760): its headers and its sums.

`gateway.sip.digest_server` asks for credentials, `gateway.sip.digest_client` gives them.
"""

from __future__ import annotations

import hashlib
import re
from enum import StrEnum

import msgspec

from gateway.sip.errors import GrammarError
from gateway.sip.grammar import QUOTED_STRING, TOKEN, is_token, one_line, quote, unquote

QOP_AUTH = "auth"

# A value that should be quoted and is not passes, as of old phones.
_PARAMETER = re.compile(
    rf'[ \t]*({TOKEN})[ \t]*=[ \t]*({QUOTED_STRING}|[^\s,"]+)[ \t]*(?:,|\Z)', re.DOTALL
)
_NONCE_COUNT = re.compile("[0-9A-Fa-f]{1,8}")


class Algorithm(StrEnum):
    """Those of RFC 8760 §2.1 that we speak, the weaker first."""

    MD5 = "MD5"
    SHA_256 = "SHA-256"

    @classmethod
    def named(cls, name: str | None) -> Algorithm | None:
        """None where we do not speak it; no name means MD5 (RFC 7616 §3.3)."""
        return _ALGORITHMS.get((name or "MD5").upper())

    @property
    def strength(self) -> int:
        return list(Algorithm).index(self)

    def digest(self, text: str) -> str:
        octets = text.encode("utf-8", "surrogateescape")
        if self is Algorithm.SHA_256:
            return hashlib.sha256(octets).hexdigest()
        return hashlib.md5(octets, usedforsecurity=False).hexdigest()


_ALGORITHMS = {algorithm.value: algorithm for algorithm in Algorithm}


class Challenge(msgspec.Struct, frozen=True, gc=False):
    """A WWW-Authenticate or Proxy-Authenticate of the digest scheme (RFC 7616 §3.3). `algorithm`
    is None for one that we do not speak, `qop` empty where RFC 2069 is meant."""

    realm: str
    nonce: str
    algorithm: Algorithm | None = Algorithm.MD5
    qop: tuple[str, ...] = (QOP_AUTH,)
    opaque: str | None = None
    stale: bool = False

    @classmethod
    def parse(cls, value: str) -> Challenge | None:
        """None for another scheme. Raises GrammarError."""
        parameters = _parameters_of_digest(value)
        if parameters is None:
            return None
        return cls(
            _required(parameters, "realm"),
            _required(parameters, "nonce"),
            Algorithm.named(parameters.get("algorithm")),
            tuple(option.strip(" \t").lower() for option in _options(parameters.get("qop"))),
            parameters.get("opaque"),
            parameters.get("stale", "").lower() == "true",
        )

    def __str__(self) -> str:
        assert self.algorithm is not None
        text = f"Digest realm={quote(self.realm)}, nonce={quote(self.nonce)}"
        if self.stale:
            text += ", stale=true"
        if self.opaque is not None:
            text += f", opaque={quote(self.opaque)}"
        text += f", algorithm={self.algorithm.value}"
        if self.qop:
            text += f", qop={quote(','.join(self.qop))}"
        return one_line(text)


class Credentials(msgspec.Struct, frozen=True, gc=False):
    """An Authorization or Proxy-Authorization of the digest scheme (RFC 7616 §3.4)."""

    username: str
    realm: str
    nonce: str
    uri: str
    response: str
    algorithm: Algorithm | None = Algorithm.MD5
    qop: str | None = None
    cnonce: str | None = None
    nonce_count: int | None = None
    opaque: str | None = None

    @classmethod
    def parse(cls, value: str) -> Credentials | None:
        """None for another scheme. Raises GrammarError."""
        parameters = _parameters_of_digest(value)
        if parameters is None:
            return None
        nonce_count = parameters.get("nc")
        if nonce_count is not None and _NONCE_COUNT.fullmatch(nonce_count) is None:
            raise GrammarError("nc is not of 8 hexadecimal digits")
        return cls(
            _required(parameters, "username"),
            _required(parameters, "realm"),
            _required(parameters, "nonce"),
            _required(parameters, "uri"),
            _required(parameters, "response").lower(),
            Algorithm.named(parameters.get("algorithm")),
            parameters.get("qop"),
            parameters.get("cnonce"),
            None if nonce_count is None else int(nonce_count, 16),
            parameters.get("opaque"),
        )

    def __str__(self) -> str:
        assert self.algorithm is not None
        text = (
            f"Digest username={quote(self.username)}, realm={quote(self.realm)}, "
            f"nonce={quote(self.nonce)}, uri={quote(self.uri)}, "
            f"response={quote(self.response)}, algorithm={self.algorithm.value}"
        )
        if self.cnonce is not None:
            text += f", cnonce={quote(self.cnonce)}"
        if self.opaque is not None:
            text += f", opaque={quote(self.opaque)}"
        if self.qop is not None:
            text += f", qop={self.qop if is_token(self.qop) else quote(self.qop)}"
        if self.nonce_count is not None:
            text += f", nc={self.nonce_count:08x}"
        return one_line(text)

    def expected(self, ha1: str, method: str) -> str:
        """What `response` has to be for one who knows HA1 (RFC 7616 §3.4.1)."""
        assert self.algorithm is not None
        digest = self.algorithm.digest
        ha2 = digest(f"{method}:{self.uri}")
        if self.qop is None:  # RFC 2069
            return digest(f"{ha1}:{self.nonce}:{ha2}")
        count = f"{self.nonce_count or 0:08x}"
        return digest(f"{ha1}:{self.nonce}:{count}:{self.cnonce or ''}:{self.qop}:{ha2}")


def ha1(username: str, realm: str, password: str, algorithm: Algorithm) -> str:
    """What is kept of a password: enough to check a response, for this realm alone (§3.4.2)."""
    return algorithm.digest(f"{username}:{realm}:{password}")


def _parameters_of_digest(value: str) -> dict[str, str] | None:
    scheme, _, text = value.partition(" ")
    if scheme.lower() != "digest":
        return None
    parameters: dict[str, str] = {}
    at = 0
    while at < len(text):
        match = _PARAMETER.match(text, at)
        if match is None:
            raise GrammarError("a parameter of the digest is malformed")
        name = match[1].lower()
        if name in parameters:
            raise GrammarError(f"{name} comes twice in the digest")
        parameters[name] = unquote(match[2])
        at = match.end()
    return parameters


def _required(parameters: dict[str, str], name: str) -> str:
    try:
        return parameters[name]
    except KeyError:
        raise GrammarError(f"the digest has no {name}") from None


def _options(qop: str | None) -> list[str]:
    return qop.split(",") if qop else []
