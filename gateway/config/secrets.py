"""Hashes of secrets, as they stand in accounts.toml, and their check in constant time; and the form
of the secret that signs events.

Two forms, by what the secret is worth. An API key's secret is generated and has 128 bits or more,
so one SHA-256 hides it: `sha256$<hex>`. An ESME's password has at most 8 characters on the wire
(SMPP v3.4 §4.1.1), so guessing is made dear: `scrypt$n$r$p$<salt hex>$<hash hex>` (RFC 7914).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re

SALT_OCTETS = 16
# Nine octets on the wire, the closing NUL included (SMPP v3.4 §4.1.1).
PASSWORD_MAX = 8
SCRYPT_N = 1 << 14
SCRYPT_R = 8
SCRYPT_P = 1
# scrypt takes 128·n·r octets: 16 MiB as above. A hash that asks for more is refused unread.
SCRYPT_MEMORY_MAX = 64 << 20
SCRYPT_P_MAX = 16

# A well-formed hash of no known password: an unknown system_id is checked against it.
DECOY = f"scrypt${SCRYPT_N}${SCRYPT_R}${SCRYPT_P}${'00' * SALT_OCTETS}${'00' * 32}"

SIGNING_PREFIX = "whsec_"
SIGNING_KEY_OCTETS = range(24, 65)

SHA256_FORM = re.compile(r"sha256\$([0-9a-f]{64})")
SCRYPT_FORM = re.compile(
    r"scrypt\$(\d{1,8})\$(\d{1,3})\$(\d{1,3})\$([0-9a-f]{16,64})\$([0-9a-f]{64})"
)


def hash_secret(secret: str) -> str:
    """The hash of a generated API-key secret."""
    return f"sha256${hashlib.sha256(_octets(secret)).hexdigest()}"


def hash_password(password: str, salt: bytes) -> str:
    """The hash of a password that a person chose. About 40 ms of one core."""
    digest = _scrypt(password, salt, SCRYPT_N, SCRYPT_R, SCRYPT_P)
    return f"scrypt${SCRYPT_N}${SCRYPT_R}${SCRYPT_P}${salt.hex()}${digest.hex()}"


def verify(secret: str, stored: str) -> bool:
    """Whether `stored` is a hash of `secret`, in a time that does not tell how near it was."""
    if found := SHA256_FORM.fullmatch(stored):
        return hmac.compare_digest(hashlib.sha256(_octets(secret)).hexdigest(), found[1])
    if (found := SCRYPT_FORM.fullmatch(stored)) and is_scrypt(stored):
        n, r, p = int(found[1]), int(found[2]), int(found[3])
        digest = _scrypt(secret, bytes.fromhex(found[4]), n, r, p)
        return hmac.compare_digest(digest, bytes.fromhex(found[5]))
    return False


def is_sha256(stored: str) -> bool:
    """Whether `stored` has the form of an API-key hash."""
    return SHA256_FORM.fullmatch(stored) is not None


def is_scrypt(stored: str) -> bool:
    """Whether `stored` has the form of a password hash, and asks for a bounded amount of work."""
    found = SCRYPT_FORM.fullmatch(stored)
    if found is None or len(found[4]) % 2:
        return False
    n, r, p = int(found[1]), int(found[2]), int(found[3])
    power_of_two = n > 1 and n & (n - 1) == 0
    return power_of_two and 0 < 128 * n * r <= SCRYPT_MEMORY_MAX and 0 < p <= SCRYPT_P_MAX


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    # OpenSSL counts its own working space too, hence twice the bound.
    return hashlib.scrypt(
        _octets(password), salt=salt, n=n, r=r, p=p, maxmem=2 * SCRYPT_MEMORY_MAX, dklen=32
    )


def _octets(secret: str) -> bytes:
    """What a peer sends may be no character at all; it must fail to match, not fail."""
    return secret.encode("utf-8", "surrogatepass")


def signing_key(secret: str) -> bytes | None:
    """The key of a Standard Webhooks secret: `whsec_` and the base64 of 24 to 64 octets."""
    if not secret.startswith(SIGNING_PREFIX):
        return None
    try:
        key = base64.b64decode(secret.removeprefix(SIGNING_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) in SIGNING_KEY_OCTETS else None
