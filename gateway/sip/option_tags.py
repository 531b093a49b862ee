"""The tokens of Require, Supported and Allow (RFC 3261 §20.32, §20.37, §20.5), read once for all
messages that have the same."""

from __future__ import annotations

from functools import lru_cache

from gateway.sip.message import SipMessage

NONE: frozenset[str] = frozenset()
VALUES_KEPT_MAX = 1_024
KEPT_LENGTH_MAX = 512


def option_tags(message: SipMessage, name: str) -> frozenset[str]:
    """In lower case; `name` as we write it. An empty element is none."""
    headers = message.headers
    value = headers.first.get(name)
    if value is None:
        return NONE
    if headers.repeats:
        value = ",".join(headers.get_all(name))
    return _known(value) if len(value) <= KEPT_LENGTH_MAX else _read(value)


def _read(value: str) -> frozenset[str]:
    return frozenset(tag.strip(" \t").lower() for tag in value.split(",")) - {""}


_known = lru_cache(maxsize=VALUES_KEPT_MAX)(_read)
