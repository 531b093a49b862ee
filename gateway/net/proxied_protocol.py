"""A protocol that can be told whom its connection is for."""

from __future__ import annotations

import asyncio


class ProxiedProtocol(asyncio.Protocol):
    """`proxied_for` is set before `connection_made`: the address of the client that a proxy has
    named, "" for a connection that is the client's own."""

    proxied_for = ""
