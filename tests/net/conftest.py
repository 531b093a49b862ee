"""What drives the sockets of calls runs on both loops: the daemon's, and Python's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import pytest
import uvloop

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return (
        LOOPS
        if item.path.name.startswith(("test_sip_", "test_ng_"))
        else {"asyncio": LOOPS["asyncio"]}
    )
