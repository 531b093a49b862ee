"""What several files here ask for by `pytest.mark.usefixtures`."""

from __future__ import annotations

from collections.abc import Iterator
from unittest.mock import patch

import pytest

from gateway.messaging import account_queue
from tests.messaging.traffic_world import HEAD


@pytest.fixture
def short_heads() -> Iterator[None]:
    """Of each queue HEAD messages are in memory, the others wait in the store."""
    with patch.object(account_queue, "HEAD_MIN", HEAD), patch.object(account_queue, "HEAD_S", 0.0):
        yield
