"""Waiting for what another process does, which can only be asked for again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tests.e2e.process import PATIENCE_S

T = TypeVar("T")

PAUSE_S = 0.05


async def until(
    ask: Callable[[], Awaitable[T]],
    holds: Callable[[T], bool] = bool,
    timeout_s: float = PATIENCE_S,
) -> T:
    """The first answer for which `holds`.

    Raises:
        AssertionError: there was none in time; the text has the last answer.
    """
    answer: T | None = None
    try:
        async with asyncio.timeout(timeout_s):
            while True:
                answer = await ask()
                if holds(answer):
                    return answer
                await asyncio.sleep(PAUSE_S)
    except TimeoutError:
        raise AssertionError(
            f"not within {timeout_s:g} s; the last answer was {answer!r}"
        ) from None
