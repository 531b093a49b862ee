"""Keys of SRTP in descriptions: the crypto attribute (RFC 4568; RFC 7714 for GCM).

    a=crypto:1 AEAD_AES_128_GCM inline:KEY|2^31|1:4 WSH=64

Each end says the key that it sends by. An offer lists what can be had, the best first, and an
answer chooses one of them by its tag.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from media.errors import NotAcceptable
from media.sdp_lines import Line, Lines, number

# One is chosen out of so many; more are not read.
CRYPTOS_MAX = 16
TAG_MAX = 999_999_999
LIFETIME_MAX = 1 << 48
MKI_OCTETS_MAX = 128
# Of the session parameters (§6.3) those that change nothing for who receives.
_HARMLESS = ("WSH=", "KDR=0")


class Suite(StrEnum):
    """In the order in which we offer them."""

    AEAD_AES_128_GCM = "AEAD_AES_128_GCM"
    AEAD_AES_256_GCM = "AEAD_AES_256_GCM"
    AES_CM_128_HMAC_SHA1_80 = "AES_CM_128_HMAC_SHA1_80"
    AES_CM_128_HMAC_SHA1_32 = "AES_CM_128_HMAC_SHA1_32"


# Of key and salt together.
KEY_OCTETS = {
    Suite.AEAD_AES_128_GCM: 28,
    Suite.AEAD_AES_256_GCM: 44,
    Suite.AES_CM_128_HMAC_SHA1_80: 30,
    Suite.AES_CM_128_HMAC_SHA1_32: 30,
}


class Crypto(NamedTuple):
    """One attribute; `mki_octets` are those that each packet names the key by."""

    tag: int
    suite: Suite
    key: bytes
    mki_octets: int = 0

    def __repr__(self) -> str:
        """Without the key."""
        return f"Crypto({self.tag}, {self.suite})"

    @property
    def line(self) -> Line:
        key = b64encode(self.key).decode()
        return Line("a", f"crypto:{self.tag} {self.suite} inline:{key}")


class SrtpKeys(NamedTuple):
    """What was agreed with an end: what it sends by, and what we send it by."""

    theirs: Crypto
    ours: Crypto


class OurKeys:
    """Of one end: one key a suite, for as long as the call. So a re-INVITE that changes nothing
    changes no key, and both ends count their packets on (§7.1.4)."""

    def __init__(self, octets: Callable[[int], bytes]) -> None:
        self._octets = octets
        self._keys: dict[Suite, bytes] = {}
        self._suite: Suite | None = None

    def offered(self) -> tuple[Crypto, ...]:
        """What was agreed last comes first."""
        made = [Crypto(tag, one, self._key(one)) for tag, one in enumerate(Suite, 1)]
        made.sort(key=lambda one: one.suite is not self._suite)
        return tuple(made)

    def for_offer(self, offered: tuple[Crypto, ...]) -> SrtpKeys | None:
        """The first of an offer is its best (§5.1.2); None where it has none that we can have."""
        if not offered:
            return None
        best = offered[0]
        return SrtpKeys(best, Crypto(best.tag, best.suite, self._key(best.suite)))

    def for_answer(self, answered: tuple[Crypto, ...]) -> SrtpKeys | None:
        """None where it chose none.

        Raises:
            NotAcceptable: more than one, or none of ours (§5.1.3).
        """
        if not answered:
            return None
        for ours in self.offered():
            if len(answered) == 1 and answered[0][:2] == ours[:2]:
                return SrtpKeys(answered[0], ours)
        raise NotAcceptable("the crypto attribute of the answer is none that was offered")

    def agreed(self, keys: SrtpKeys | None) -> None:
        self._suite = None if keys is None else keys.ours.suite

    def _key(self, suite: Suite) -> bytes:
        if suite not in self._keys:
            self._keys[suite] = self._octets(KEY_OCTETS[suite])
        return self._keys[suite]


def cryptos(lines: Lines) -> tuple[Crypto, ...]:
    """Those that we can have, in their order."""
    said = [value[7:] for kind, value in lines if kind == "a" and value.startswith("crypto:")]
    read = [_crypto(one) for one in said[:CRYPTOS_MAX]]
    return tuple([one for one in read if one is not None])


def _crypto(value: str) -> Crypto | None:
    """None for a suite that we have not, a key that is none, keys by turns, and parameters that
    would have to be obeyed."""
    tag_text, suite_text, key_text, *parameters = f"{value}  ".split(" ")
    tag = number(tag_text, TAG_MAX)
    if tag is None or suite_text not in KEY_OCTETS or not key_text.startswith("inline:"):
        return None
    if not all(not one or one[0] == "-" or one.startswith(_HARMLESS) for one in parameters):
        return None
    suite = Suite(suite_text)
    key_text, *limits = key_text.removeprefix("inline:").split("|")
    try:
        key = b64decode(key_text, validate=True)
    except binascii.Error:
        return None
    mki_octets = _mki_octets(limits)
    if len(key) != KEY_OCTETS[suite] or mki_octets is None:
        return None
    return Crypto(tag, suite, key, mki_octets)


def _mki_octets(limits: list[str]) -> int | None:
    """Of `lifetime|MKI:length`, each of which may be left out (§6.1); None for what is wrong. The
    lifetime binds who sends: he gives another key in time."""
    if limits and ":" not in limits[0]:
        base, power, exponent = limits[0].partition("^")
        lifetime = number(exponent, 48) if power else number(base, LIFETIME_MAX)
        if not lifetime or (power and base != "2"):
            return None
        limits = limits[1:]
    if not limits:
        return 0
    mki, _, length = limits[0].partition(":")
    octets = number(length, MKI_OCTETS_MAX)
    return octets if len(limits) == 1 and octets and mki.isascii() and mki.isdigit() else None
