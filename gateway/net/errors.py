"""Trouble with an address, with the files of TLS, and with what a proxy says."""

from __future__ import annotations

import errno
import os


class ListenError(Exception):
    """An address cannot be listened on; the text says which and why."""

    def __init__(self, host: str, port: int, cause: OSError) -> None:
        # The numbers of a name that is not found are below 0, and not the system's.
        number = cause.errno or 0
        reason = os.strerror(number) if number > 0 else cause.strerror or str(cause)
        hint = "; is another gateway running?" if cause.errno == errno.EADDRINUSE else ""
        super().__init__(f"cannot listen on {host}:{port}: {reason.lower()}{hint}")


class TlsError(Exception):
    """A file for TLS cannot be used; the text says which and why."""

    def __init__(self, key: str, path: str, reason: str) -> None:
        super().__init__(f"{key} {path}: {reason}")


class ProxyHeaderError(Exception):
    """A connection of a proxy's does not begin with a PROXY header that can be read."""
