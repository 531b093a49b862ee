"""accounts.toml as values, kept beside the store: a hundred thousand accounts take a reader of TOML
the better part of a minute, and this a second.

What is kept is used only for the very octets of which it was made, by the very rules: its key is a
digest of the file, of what it was checked against, and of the code that reads and checks it. A file
with a mistake has nothing kept. Tokens and hashes stand in it as they do in accounts.toml, so it is
the daemon's alone to read.
"""

from __future__ import annotations

import hashlib
import logging
import os
from functools import cache
from pathlib import Path

import msgspec
import phonenumbers

from gateway.account import Account
from gateway.config.sections import SmppTls

log = logging.getLogger(__name__)

NAME = "accounts.cache"
HEADING = b"supernet accounts 1\n"
DIGEST_OCTETS = 32
# Fewer are read from TOML in no time.
KEPT_FROM = 1_000
# Some ten million accounts.
OCTETS_MAX = 8 << 30

_encoder = msgspec.msgpack.Encoder()


def key_of(octets: bytes, tls: SmppTls) -> bytes:
    """Of accounts.toml, as it is checked against the listener of ESMEs; nothing where the code
    cannot tell of itself."""
    code = _digest_of_code()
    if not code:
        return b""
    checked_against = msgspec.json.encode((phonenumbers.__version__, tls))
    parts = (code, _digest(checked_against), _digest(octets))
    return _digest(b"".join(parts))


def find(directory: Path, key: bytes) -> tuple[Account, ...] | None:
    """What is kept under this key; None where there is nothing, or not the whole of it."""
    try:
        path = directory / NAME
        if not key or path.stat().st_size > OCTETS_MAX:
            return None
        octets = path.read_bytes()
    except OSError:
        return None
    start = len(HEADING) + 2 * DIGEST_OCTETS
    kept = memoryview(octets)[start:]
    if octets[:start] != HEADING + key + hashlib.sha256(kept).digest():
        return None
    try:
        return msgspec.msgpack.decode(kept, type=tuple[Account, ...])
    except msgspec.MsgspecError:
        return None


def keep(directory: Path, key: bytes, accounts: tuple[Account, ...]) -> None:
    """Keep them for the next start, instead of whatever is kept now; few are not kept at all."""
    path = directory / NAME
    try:
        if not key or len(accounts) < KEPT_FROM:
            path.unlink(missing_ok=True)
        elif _kept_key(path) != key:
            octets = _encoder.encode(accounts)
            partial = path.with_suffix(".partial")
            partial.unlink(missing_ok=True)
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "wb") as file:
                file.write(HEADING + key + _digest(octets))
                file.write(octets)
            # Not flushed: what a power cut leaves of it is not taken for the whole.
            partial.replace(path)
    except OSError as error:
        log.warning("accounts not kept", extra={"reason": str(error)})


def _kept_key(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            heading = file.read(len(HEADING) + DIGEST_OCTETS)
    except FileNotFoundError:
        return b""
    return heading[len(HEADING) :] if heading.startswith(HEADING) else b""


@cache
def _digest_of_code() -> bytes:
    """Of the modules that read and check accounts."""
    config = Path(__file__).parent
    try:
        modules = [*sorted(config.glob("*.py")), config.parent / "account.py"]
        return _digest(b"".join(_digest(module.read_bytes()) for module in modules))
    except OSError:
        return b""


def _digest(octets: bytes) -> bytes:
    return hashlib.sha256(octets).digest()
