"""Ids of carriers under which nothing is awaited any more, though no receipt has come.

Their messages were given up, have been deleted, or had ended when the carrier took a part of them.
A receipt that comes for one after all is unmatched; but it is known to mean no other part.
"""

from __future__ import annotations

from collections import OrderedDict

from gateway.messaging.settled_receipts import Key

FORGONE_MAX = 100_000


class ForgoneReceipts:
    """The last FORGONE_MAX."""

    def __init__(self) -> None:
        self._keys: OrderedDict[Key, None] = OrderedDict()

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def add(self, key: Key) -> None:
        if len(self._keys) >= FORGONE_MAX:
            self._keys.popitem(last=False)
        self._keys[key] = None
