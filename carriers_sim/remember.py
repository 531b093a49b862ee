"""Dictionaries that have a bound."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


def remember(entries: dict[K, V], key: K, value: V, most: int) -> None:
    """Add to a dictionary that forgets its oldest entry when it is full."""
    if key not in entries and len(entries) >= most:
        del entries[next(iter(entries))]
    entries[key] = value
