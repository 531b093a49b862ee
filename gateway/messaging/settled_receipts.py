"""Receipts that have settled a part, so that one that comes again is known, and answered."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from gateway.errors import StoreError

SETTLED_MAX = 100_000

# `carrier/id`, the carrier's id as it wrote it.
Key = str
Answer = Callable[[StoreError | None], None]


class SettledReceipts:
    """The last SETTLED_MAX, each with those who await that it is durable, until it is."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[Key, list[Answer] | None] = OrderedDict()

    def __contains__(self, key: object) -> bool:
        return key in self._waiting

    def restore(self, key: Key) -> None:
        """A receipt settled a part in an earlier run; whether it was answered, nobody knows."""
        if len(self._waiting) >= SETTLED_MAX:
            self._waiting.popitem(last=False)
        self._waiting[key] = None

    def settle(self, key: Key, answer: Answer) -> Answer:
        """A receipt settles a part now. What is returned is to be called once that is durable, or
        never will be: it answers the receipt and all that repeated it meanwhile. One that never
        was stored is forgotten, so that it is not answered as if it had been.
        """
        if len(self._waiting) >= SETTLED_MAX:
            self._waiting.popitem(last=False)
        answers = self._waiting[key] = [answer]

        def on_commit(error: StoreError | None) -> None:
            if self._waiting.get(key) is answers:
                if error:
                    del self._waiting[key]
                else:
                    self._waiting[key] = None
            for each in answers:
                each(error)

        return on_commit

    def repeat(self, key: Key, answer: Answer) -> bool:
        """The receipt has come again, and is answered with the first; False: it has not."""
        if key not in self._waiting:
            return False
        answers = self._waiting[key]
        if answers is None:
            answer(None)
        else:
            answers.append(answer)
        return True
